"""The command line: the SDK's, with a sentence instead of a traceback for each failure."""

from __future__ import annotations

import logging
import sys
import traceback
from typing import TYPE_CHECKING, NoReturn

from singer_sdk.exceptions import ConfigValidationError, SingerSDKError

from tap_crewmojo.logs import quiet_the_sdk
from tap_crewmojo.standard_output import watch_standard_output
from tap_crewmojo.tap import TapCrewmojo

if TYPE_CHECKING:
    import click


def run() -> None:
    """Run `tap-crewmojo`."""
    logging.raiseExceptions = False  # a log that cannot be written must not end the run
    command = _command()
    quiet_the_sdk()
    watch_standard_output()
    try:
        command()
    except ConfigValidationError as exc:
        _fail("\n".join(exc.errors))
    except SingerSDKError as exc:
        _fail(str(exc))
    except Exception as exc:  # noqa: BLE001  # whose text may quote a row: only where it arose
        frames = "".join(traceback.format_tb(exc.__traceback__))
        _fail(f"Unexpected {type(exc).__name__}. Please report it with these lines:\n{frames}")
    finally:
        sys.stdout.flush()


def _command() -> click.Command:
    """Return the command; the SDK sets up the log meanwhile."""
    try:
        return TapCrewmojo.cli
    except Exception as exc:  # noqa: BLE001  # of the YAML library, or of `logging.config`
        _fail(
            f"The log cannot be set up ({type(exc).__name__}): LOGLEVEL must be DEBUG, INFO, "
            "WARNING, ERROR or CRITICAL; SINGER_SDK_LOG_CONFIG, if set, must name a YAML file of "
            "Python's logging configuration"
        )


def _fail(message: str) -> NoReturn:
    TapCrewmojo.logger.error("%s", message)
    sys.exit(1)

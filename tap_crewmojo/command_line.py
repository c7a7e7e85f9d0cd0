"""A command of this package, with one sentence for each failure instead of a traceback."""

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
    from collections.abc import Callable

    import click


def run(make_command: Callable[[], click.Command] | None = None) -> None:
    """Run a command.

    Args:
        make_command: returns the command; by default that of the tap.
    """
    logging.raiseExceptions = False  # a log that cannot be written must not end the run
    command = (make_command or _command)()
    quiet_the_sdk()
    watch_standard_output()
    try:
        command()
    except ConfigValidationError as exc:
        _fail("\n".join(exc.errors))
    except SingerSDKError as exc:
        _fail(str(exc))
    except Exception as exc:  # noqa: BLE001  # its text may quote a row, so only its frames are logged
        frames = "".join(traceback.format_tb(exc.__traceback__))
        _fail(f"Unexpected {type(exc).__name__}. Please report it with these lines:\n{frames}")
    finally:
        sys.stdout.flush()


def _command() -> click.Command:
    """Return the tap's command; this is when the SDK sets up the log."""
    try:
        return TapCrewmojo.cli
    except Exception as exc:  # noqa: BLE001  # from the YAML library, or from `logging.config`
        _fail(
            f"The log cannot be set up ({type(exc).__name__}): LOGLEVEL must be DEBUG, INFO, "
            "WARNING, ERROR or CRITICAL; SINGER_SDK_LOG_CONFIG, if set, must name a YAML file of "
            "Python's logging configuration"
        )


def _fail(message: str) -> NoReturn:
    TapCrewmojo.logger.error("%s", message)
    sys.exit(1)

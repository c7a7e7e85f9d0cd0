"""The command line: the SDK's, with failures told in a sentence instead of a traceback."""

from __future__ import annotations

import sys
import traceback

from singer_sdk.exceptions import ConfigValidationError, SingerSDKError

from tap_crewmojo.tap import TapCrewmojo


def run() -> None:
    """Run `tap-crewmojo`."""
    try:
        TapCrewmojo.cli()
    except ConfigValidationError as exc:
        _fail("\n".join(exc.errors))
    except (SingerSDKError, FileNotFoundError) as exc:
        _fail(str(exc))
    except Exception as exc:  # noqa: BLE001  # whose text may quote a row: only where it arose
        if isinstance(exc, ValueError) and hasattr(exc, "lineno"):  # of any JSON library
            _fail(f"What was given as configuration is not JSON: see its line {exc.lineno}")
        frames = "".join(traceback.format_tb(exc.__traceback__))
        _fail(f"Unexpected {type(exc).__name__}. Please report it with these lines:\n{frames}")


def _fail(message: str) -> None:
    TapCrewmojo.logger.error("%s", message)
    sys.exit(1)

"""The command line: the SDK's, with failures told in a sentence instead of a traceback."""

from __future__ import annotations

import sys

from singer_sdk.exceptions import ConfigValidationError, SingerSDKError

from tap_crewmojo.tap import TapCrewmojo


def main() -> None:
    """Run `tap-crewmojo`."""
    try:
        TapCrewmojo.cli()
    except ConfigValidationError as exc:
        TapCrewmojo.logger.error("%s", "\n".join(exc.errors))
        sys.exit(1)
    except SingerSDKError as exc:
        TapCrewmojo.logger.error("%s", exc)
        sys.exit(1)


if __name__ == "__main__":
    main()

"""The entry point of `tap-crewmojo-sandbox`."""

from __future__ import annotations

import sys


def main() -> None:
    """Serve the sandbox, or name the extra that is missing."""
    try:
        from tap_crewmojo.sandbox.cli import serve  # noqa: PLC0415  # it imports the packages of the extra
    except ModuleNotFoundError as missing:
        if missing.name not in {"aiohttp", "faker"}:
            raise
        sys.exit(
            f"Error: the package {missing.name} is not installed. "
            "Install the tap with its extra 'sandbox'."
        )
    serve()


if __name__ == "__main__":
    main()

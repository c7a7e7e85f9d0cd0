"""Entry point of `tap-crewmojo-sandbox`."""

from __future__ import annotations

import sys


def main() -> None:
    """Serve the sandbox, or say what it takes to do so."""
    try:
        from tap_crewmojo.sandbox.cli import serve  # noqa: PLC0415  # what this try is about
    except ModuleNotFoundError as missing:
        if missing.name not in {"aiohttp", "faker"}:
            raise
        sys.exit(f"{missing.name} is not installed: install the tap with its extra 'sandbox'")
    serve()


if __name__ == "__main__":
    main()

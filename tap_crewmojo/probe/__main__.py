"""The entry point of `tap-crewmojo-probe`."""

from __future__ import annotations

import signal


def main() -> None:
    """Load the probe and run it."""
    # Until the probe handles signals, Ctrl-C ends the process without a traceback of the imports.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from tap_crewmojo.command_line import run  # noqa: PLC0415  # loads all the rest
    from tap_crewmojo.probe.cli import probe  # noqa: PLC0415

    run(lambda: probe)


if __name__ == "__main__":
    main()

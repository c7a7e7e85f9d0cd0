"""The entry point of the program."""

from __future__ import annotations

import gc
import signal


def main() -> None:
    """Load `tap-crewmojo` and run it."""
    # Until the tap handles signals, Ctrl-C ends the process without a traceback of the imports.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    gc.disable()  # no import leaves garbage, and collecting takes a fifth of the time
    from tap_crewmojo.command_line import run  # noqa: PLC0415  # loads all the rest

    gc.freeze()
    gc.enable()
    run()


if __name__ == "__main__":
    main()

"""The clock: the only module that reads the time and waits.

Pauses and timeouts are in seconds of the API. They pass faster against a sandbox that runs faster:
with `tap-crewmojo-sandbox --time-scale 0.01`, set `TAP_CREWMOJO_TIME_SCALE=0.01`. For Crewmojo
itself, leave the variable unset.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SCALE_VARIABLE: Final = "TAP_CREWMOJO_TIME_SCALE"


@dataclass(frozen=True, slots=True)
class Clock:
    """A clock, a stopwatch and a timer.

    Args:
        scale: real seconds in one second of the API; less than 1 only for a sandbox.
    """

    scale: float = 1.0

    @classmethod
    def from_environment(cls) -> Clock:
        """Return the clock of `TAP_CREWMOJO_TIME_SCALE`, which was validated with the settings."""
        return cls(float(os.environ.get(SCALE_VARIABLE) or "1"))

    def now(self, zone: tzinfo = UTC) -> datetime:
        """Return the current time in a time zone."""
        return datetime.now(zone)

    def monotonic(self) -> float:
        """Return a time in seconds of the API that never goes back."""
        return time.monotonic() / self.scale

    def real(self, seconds: float) -> float:
        """Convert seconds of the API to real seconds."""
        return seconds * self.scale

    def sleep(self, seconds: float) -> None:
        """Wait for some seconds of the API."""
        time.sleep(self.real(max(seconds, 0)))

    @contextlib.contextmanager
    def every(self, seconds: float, call: Callable[[], object]) -> Iterator[None]:
        """Make a call from another thread, each time that some seconds of the API have passed."""
        is_over = threading.Event()

        def repeat() -> None:
            while not is_over.wait(self.real(seconds)):
                call()

        threading.Thread(target=repeat, daemon=True).start()
        try:
            yield
        finally:
            is_over.set()

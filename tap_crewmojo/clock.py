"""The one place that reads the clock and waits.

Waits and deadlines are counted in the API's seconds. Against a sandbox that runs faster than
life (`tap-crewmojo-sandbox --time-scale 0.01`), `TAP_CREWMOJO_TIME_SCALE=0.01` makes the tap wait
as much less; against Crewmojo itself leave it unset.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SCALE_VARIABLE = "TAP_CREWMOJO_TIME_SCALE"


@dataclass(frozen=True, slots=True)
class Clock:
    """Wall clock, stop-watch and alarm.

    Args:
        scale: real seconds in one second of the API; 1 but for a sandbox.
    """

    scale: float = 1.0

    @classmethod
    def from_environment(cls) -> Clock:
        """Return the clock of `TAP_CREWMOJO_TIME_SCALE`, which was validated with the settings."""
        return cls(float(os.environ.get(SCALE_VARIABLE) or "1"))

    def now(self, zone: tzinfo = UTC) -> datetime:
        """Return the present moment, aware, in a time zone."""
        return datetime.now(zone)

    def monotonic(self) -> float:
        """Return seconds that never run backwards, whatever is done to the wall clock."""
        return time.monotonic() / self.scale

    def real(self, seconds: float) -> float:
        """Return how long some seconds of the API take here, in real seconds."""
        return seconds * self.scale

    @contextlib.contextmanager
    def every(self, seconds: float, call: Callable[[], object]) -> Iterator[None]:
        """Make a call each time that some seconds of the API have passed, from another thread."""
        is_over = threading.Event()

        def repeat() -> None:
            while not is_over.wait(self.real(seconds)):
                call()

        threading.Thread(target=repeat, daemon=True).start()
        try:
            yield
        finally:
            is_over.set()

    def sleep(self, seconds: float) -> None:
        """Wait for some seconds of the API."""
        time.sleep(self.real(max(seconds, 0)))

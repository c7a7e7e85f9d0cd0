"""A clock that tests move on by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_crewmojo.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Sequence


class ManualClock(Clock):
    """A clock that stands still until it is moved on, and whose waits take no time."""

    __slots__ = ("_pauses", "_seconds")

    _seconds: float
    _pauses: list[float]

    def __init__(self) -> None:
        super().__init__()
        object.__setattr__(self, "_seconds", 0.0)
        object.__setattr__(self, "_pauses", [])

    @property
    def pauses(self) -> Sequence[float]:
        """The seconds of each wait."""
        return tuple(self._pauses)

    def monotonic(self) -> float:
        return self._seconds

    def advance(self, seconds: float) -> None:
        object.__setattr__(self, "_seconds", self._seconds + seconds)

    def sleep(self, seconds: float) -> None:
        self._pauses.append(seconds)
        self.advance(seconds)

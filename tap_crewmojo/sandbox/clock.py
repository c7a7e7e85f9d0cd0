"""The API's own time, which can run faster than ours."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Clock:
    """API seconds since the start; one of them takes `scale` of our seconds."""

    scale: float = 1.0
    _began: float = field(default_factory=time.monotonic)

    def now(self) -> float:
        """API seconds since the start."""
        return (time.monotonic() - self._began) / self.scale

    async def sleep_until(self, moment: float) -> None:
        """Return no earlier than this moment, at once if it is past."""
        while (left := moment - self.now()) > 0:  # noqa: ASYNC110  # sleep() may end a tick early
            await asyncio.sleep(left * self.scale)

    async def sleep(self, seconds: float) -> None:
        """Let so many API seconds pass."""
        await self.sleep_until(self.now() + seconds)

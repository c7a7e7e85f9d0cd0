"""Which requests came in: never a token, a secret or a body."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tap_crewmojo.sandbox.faults import Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestEntry:
    """One request and what became of it."""

    phase: Phase
    report: str | None = None
    start: int | None = None
    end: int | None = None
    content_type: str | None = None  # what was asked for: csv or json
    job_id: str | None = None  # the job asked for, or answered with
    status: int | None = None  # None: the connection was reset
    fault: str | None = None  # the kind of fault that struck
    at: float = 0  # when it came in, in API seconds since the start
    seconds: float = 0  # how long the answer took, in API seconds


@dataclass(slots=True)
class RequestLog:
    """Entries in the order of their answers, in memory and as lines of a file."""

    path: Path | None = None
    _entries: list[RequestEntry] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def add(self, entry: RequestEntry) -> None:
        """Note a request."""
        with self._lock:
            self._entries.append(entry)
            if self.path:
                with self.path.open("a", encoding="utf-8") as lines:
                    lines.write(json.dumps(asdict(entry)) + "\n")

    @property
    def entries(self) -> list[RequestEntry]:
        """A copy, in the order of their answers."""
        with self._lock:
            return list(self._entries)

"""The log of requests: it never holds a token, a secret or a body."""

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
    """A request and its result.

    Attributes:
        phase: What was requested: a token, a report or a job.
        report: The identifier of the report.
        start: The first date of the range, as yyyymmdd.
        end: The last date of the range, as yyyymmdd.
        content_type: The requested content type: csv or json.
        job_id: The job that was requested, or that the response names.
        status: The status of the response; None: the connection was reset.
        fault: The kind of the fault that was applied.
        at: When the request arrived, in API seconds since the start.
        seconds: How long the response took, in API seconds.
    """

    phase: Phase
    report: str | None = None
    start: int | None = None
    end: int | None = None
    content_type: str | None = None
    job_id: str | None = None
    status: int | None = None
    fault: str | None = None
    at: float = 0
    seconds: float = 0


@dataclass(slots=True)
class RequestLog:
    """Entries in the order of their responses, in memory and as lines of a file."""

    path: Path | None = None
    _entries: list[RequestEntry] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def add(self, entry: RequestEntry) -> None:
        """Add a request."""
        with self._lock:
            self._entries.append(entry)
            if self.path:
                with self.path.open("a", encoding="utf-8") as lines:
                    lines.write(json.dumps(asdict(entry)) + "\n")

    @property
    def entries(self) -> list[RequestEntry]:
        """A copy of the entries."""
        with self._lock:
            return list(self._entries)

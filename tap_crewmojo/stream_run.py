"""The state of one run of one stream.

The stream writes it. The log lines, the summary, the bar and the end of the run only read it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from tap_crewmojo.config.reports import ReportRequest
    from tap_crewmojo.errors import ReportError
    from tap_crewmojo.records import Counts


@dataclass(slots=True)
class StreamRun:
    """The state of one run of one stream.

    Args:
        stream: the stream's name.
        due: the requests that are due, once they are planned.
        bookmark: the current bookmark, if there is one.
        windows: how many of the requests are done.
        rows: the number of their rows.
        empty_rows: the number of their rows without any value, which were skipped.
        jobs: the number of jobs that were polled for them.
        repeated_keys: rows with the primary key of another row of their window.
        variants: how many values of each column did not fit its type.
        collected: how many values of each new column are in the extra column.
        seconds: how long the stream took.
        failure: why the stream ended early, if it did.
        on_change: called after a request is done, and after the stream has failed.
    """

    stream: str
    due: Sequence[ReportRequest] = ()
    bookmark: date | None = None
    windows: int = 0
    rows: int = 0
    empty_rows: int = 0
    jobs: int = 0
    repeated_keys: int = 0
    variants: Counter[str] = field(default_factory=Counter)
    collected: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    failure: ReportError | None = None
    on_change: Callable[[], object] = field(default=lambda: None)

    @property
    def left(self) -> int:
        """How many of the requests that are due are not done."""
        return len(self.due) - self.windows

    @property
    def settled(self) -> int:
        """How many of the requests that are due are done, or are not made after a failure."""
        return len(self.due) if self.failure else self.windows

    @property
    def has_windows(self) -> bool:
        """Whether the requests that are due are for windows."""
        return any(request.window for request in self.due)

    def finish(self, counts: Counts, jobs: int) -> None:
        """Add a request whose records have all been sent."""
        self.windows += 1
        self.rows += counts.rows
        self.empty_rows += counts.empty_rows
        self.jobs += jobs
        self.on_change()

    def add_findings(self, counts: Counts) -> None:
        """Add what the user is warned of, also if the request was not finished."""
        self.variants += counts.variants
        self.collected += counts.collected
        self.repeated_keys += counts.repeated_keys

    def fail(self, failure: ReportError) -> None:
        """Keep why the stream ended early."""
        self.failure = failure
        self.on_change()

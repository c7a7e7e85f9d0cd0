"""How far a stream has come in this run, told in its log as it happens."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tap_crewmojo.errors import ReportError
from tap_crewmojo.stream_log import StreamLog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import date

    from tap_crewmojo.clock import Clock
    from tap_crewmojo.reports import ReportRequest


@dataclass(slots=True)
class Progress:
    """What one run does for one stream.

    Args:
        stream: its name.
        clock: tells the seconds that things take.
        due: the requests that are due, once that is settled.
        windows: how many of them are done.
        rows: their rows.
        jobs: the jobs that were polled for them.
        seconds: how long the stream took.
        bookmark: the bookmark as it stands.
        failure: why the stream ended early, if it did.
        settle: told of each number of windows that are done, or will not be done any more.
    """

    stream: str
    clock: Clock
    due: Sequence[ReportRequest] = ()
    windows: int = 0
    rows: int = 0
    jobs: int = 0
    seconds: float = 0.0
    bookmark: date | None = None
    failure: ReportError | None = None
    settle: Callable[[int], object] = field(default=lambda _: None)

    @property
    def left(self) -> int:
        """Windows that are due and not done."""
        return len(self.due) - self.windows

    @contextlib.contextmanager
    def watched(self, *, fails_alone: bool) -> Iterator[None]:
        """Time the stream's work; a report that fails ends the work, and is kept for the end.

        Args:
            fails_alone: whether the run goes on with other reports then.

        Raises:
            ReportError: the report failed, and does not fail alone.
        """
        started_at = self.clock.monotonic()
        try:
            yield
        except ReportError as exc:
            if not fails_alone:
                raise
            self.failure = exc
            log = StreamLog(self.stream, windows_left=self.left)
            log.error("%s", exc)  # noqa: TRY400  # a traceback would tell the user nothing
            self.settle(self.left)
        finally:
            self.seconds = self.clock.monotonic() - started_at

    def start(self) -> None:
        """Say what is due."""
        log = StreamLog(self.stream, windows_due=len(self.due), bookmark=self.bookmark)
        if not self.due:
            reason = f"all is read to {self.bookmark}" if self.bookmark else "start_date is to come"
            log.info("No window is due: %s", reason)
        elif first := self.due[0].window:
            log.info(
                "Starting with %s, %s to %s (%s)",
                _counted(len(self.due), "window"),
                first.start,
                (self.due[-1].window or first).end,
                f"bookmark {self.bookmark}" if self.bookmark else "no bookmark yet",
            )
        else:
            log.info("Starting with the whole report, which takes no dates")

    def finish(self, request: ReportRequest, *, rows: int, jobs: int, seconds: float) -> None:
        """Say that a window's records have all been sent."""
        self.windows += 1
        self.rows += rows
        self.jobs += jobs
        facts = {"rows": rows, "jobs": jobs, "seconds": seconds, "windows_left": self.left}
        StreamLog.about(request).info(
            "Finished %s: %s, %.1f s, %s; %s left",
            request,
            _counted(rows, "row"),
            seconds,
            _counted(jobs, "job"),
            _counted(self.left, "window"),
            extra=facts,
        )
        self.settle(1)


def _counted(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"

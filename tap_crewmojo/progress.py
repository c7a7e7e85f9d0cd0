"""What a run says of each stream: what is due, each window, how it ended."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tap_crewmojo.errors import ReportError, SyncFailedError
from tap_crewmojo.logs import StreamLog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import date

    from tap_crewmojo.clock import Clock
    from tap_crewmojo.config.reports import ReportRequest

_MOST_LINES = 5
"""Windows of a stream that the log shows at INFO, about; DEBUG shows all."""


@dataclass(slots=True)
class Progress:
    """The state of one stream in one run.

    Args:
        stream: its name.
        clock: measures how long things take.
        due: the requests that are due, once they are known.
        windows: how many of them are done.
        rows: the number of their rows.
        jobs: the number of jobs that were polled for them.
        seconds: how long the stream took.
        bookmark: the current bookmark.
        failure: why the stream ended early, if it did.
        settle: called with each number of requests that are done, or are not going to be.
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
        """How many of the requests that are due are not done."""
        return len(self.due) - self.windows

    @property
    def result(self) -> str:
        """How the stream ended, in a word."""
        if self.failure:
            return "FAILED"
        return "unfinished" if self.left else "done"

    @property
    def has_windows(self) -> bool:
        """Whether the requests that are due are for windows."""
        return any(request.window for request in self.due)

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
            log.error("%s", exc)  # noqa: TRY400  # a traceback would not help the user
            self.settle(self.left)
        finally:
            self.seconds = self.clock.real(self.clock.monotonic() - started_at)

    def start(self) -> None:
        """Log what is due."""
        log = StreamLog(self.stream, windows_due=len(self.due), bookmark=self.bookmark)
        if not self.due:
            reached = f"up to date to {self.bookmark}" if self.bookmark else ""
            log.info("No window is due: %s", reached or "start_date is in the future")
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

    def finish(
        self, request: ReportRequest, *, rows: int, jobs: int, seconds: float, empty_rows: int = 0
    ) -> None:
        """Log a window whose records have all been sent.

        Args:
            request: its request.
            rows: the number of its records.
            jobs: the number of jobs that were polled for it.
            seconds: how long it took, in API seconds.
            empty_rows: the number of rows without any value, which were skipped.
        """
        self.windows += 1
        self.rows += rows
        self.jobs += jobs
        seconds = self.clock.real(seconds)
        facts = {
            "rows": rows,
            "empty_rows": empty_rows,
            "jobs": jobs,
            "seconds": seconds,
            "windows_left": self.left,
        }
        StreamLog.about(request).log(
            self._level(is_unusual=bool(empty_rows)),
            "Finished %s: %s%s",
            request,
            _listed(
                _counted(rows, "row"),
                empty_rows and f"{_counted(empty_rows, 'empty row')} skipped",
                f"{seconds:.1f} s",
                jobs and _counted(jobs, "job"),
            ),
            f"; {_counted(self.left, 'window')} left" if request.window else "",
            extra=facts,
        )
        self.settle(1)

    def _level(self, *, is_unusual: bool) -> int:
        every = -(-len(self.due) // _MOST_LINES)
        return logging.INFO if is_unusual or self.left % every == 0 else logging.DEBUG

    def summarize(self) -> None:
        """Log how the stream ended."""
        facts = {
            "result": self.result,
            "windows": self.windows if self.has_windows else None,
            "windows_due": len(self.due) if self.has_windows else None,
            "rows": self.rows,
            "jobs": self.jobs,
            "seconds": self.seconds,
            "bookmark": self.bookmark,
        }
        text = _listed(
            self.result,
            self.has_windows and f"{self.windows} of {_counted(len(self.due), 'window')}",
            _counted(self.rows, "row"),
            self.jobs and _counted(self.jobs, "job"),
            f"{self.seconds:,.1f} s",
            self.bookmark and f"bookmark {self.bookmark}",
        )
        StreamLog(self.stream).info("Summary: %s", text, extra=facts)


def raise_failures(streams: Sequence[Progress]) -> None:
    """End the run as one that failed, if any stream did.

    Raises:
        SyncFailedError: with the failures.
    """
    failed = [stream for stream in streams if stream.failure]
    if failed:
        msg = f"{len(failed)} of {_counted(len(streams), 'report')} failed:\n{failures(failed)}"
        raise SyncFailedError(msg)


def failures(streams: Iterable[Progress]) -> str:
    """Return the failures of streams, a line each."""
    return "\n".join(f"  - {stream.failure}" for stream in streams if stream.failure)


def _counted(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _listed(*parts: object) -> str:
    """Return the parts that there are, as a list in a sentence."""
    return ", ".join(str(part) for part in parts if part)

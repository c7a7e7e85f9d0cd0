"""The log lines and the end of a run: what is due, each window, how each stream ended.

Everything here reads a `StreamRun` and changes nothing.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from tap_crewmojo.errors import SyncFailedError
from tap_crewmojo.logs import StreamLog
from tap_crewmojo.schema.metadata import EXTRA

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from tap_crewmojo.config.reports import ReportRequest
    from tap_crewmojo.records import Counts
    from tap_crewmojo.schema.stream_schema import StreamSchema
    from tap_crewmojo.stream_run import StreamRun

_MOST_LINES = 5
"""Windows of a stream in the log at INFO, approximately; DEBUG shows all."""


def log_start(run: StreamRun, end_date: date) -> None:
    """Log what is due, up to the last day of the settings."""
    log = StreamLog(run.stream, windows_due=len(run.due), bookmark=run.bookmark)
    if not run.due and run.bookmark and end_date < run.bookmark:
        log.warning(
            "Nothing is requested: end_date %s is before the bookmark %s. To read older "
            "windows again, leave out end_date and set a larger lookback_days for one run, or "
            "run a full refresh",
            end_date,
            run.bookmark,
        )
    elif not run.due:
        reached = f"up to date to {run.bookmark}" if run.bookmark else ""
        log.info("No window is due: %s", reached or "no day of start_date to end_date is over")
    elif first := run.due[0].window:
        log.info(
            "Starting with %s, %s to %s (%s)",
            counted(len(run.due), "window"),
            first.start,
            (run.due[-1].window or first).end,
            f"bookmark {run.bookmark}" if run.bookmark else "no bookmark yet",
        )
    else:
        log.info("Starting with the whole report, which takes no dates")


def log_window(
    run: StreamRun, request: ReportRequest, counts: Counts, *, jobs: int, seconds: float
) -> None:
    """Log a window whose records have all been sent.

    Args:
        run: the run, with this window among those that are done.
        request: the window's request.
        counts: what was counted in its rows.
        jobs: the number of jobs that were polled for it.
        seconds: how long it took.
    """
    facts = {
        "rows": counts.rows,
        "empty_rows": counts.empty_rows,
        "jobs": jobs,
        "seconds": seconds,
        "windows_left": run.left,
    }
    every = -(-len(run.due) // _MOST_LINES)
    is_shown = counts.empty_rows or run.left % every == 0
    StreamLog.about(request).log(
        logging.INFO if is_shown else logging.DEBUG,
        "Finished %s: %s%s",
        request,
        _listed(
            counted(counts.rows, "row"),
            counts.empty_rows and f"{counted(counts.empty_rows, 'empty row')} skipped",
            f"{seconds:.1f} s",
            jobs and counted(jobs, "job"),
        ),
        f"; {counted(run.left, 'window')} left" if request.window else "",
        extra=facts,
    )


def log_warnings(run: StreamRun, schema: StreamSchema) -> None:
    """Log what the user should know of the data of a run: never a value."""
    log = StreamLog(run.stream)
    for warning in (*_warnings(run, schema), *schema.warnings()):
        log.warning("%s", warning)


def _warnings(run: StreamRun, schema: StreamSchema) -> Iterator[str]:
    for name, count in sorted(run.variants.items()):
        yield (
            f"Column {schema.quoted(name)} has values that do not fit its type ({count:,}); they "
            f"{schema.fate_of_variants(name)}. To give it another type, name "
            "it in the `columns` of its report"
        )
    for name, count in sorted(run.collected.items()):
        yield (
            f"Column {schema.quoted(name)} is not in the catalog: {counted(count, 'value')} of it "
            f"are in {EXTRA!r} (on_new_column: collect). To give it a column, run `--discover` "
            "again"
        )
    if run.repeated_keys:
        yield (
            f"Rows with the primary key of another row of their window: {run.repeated_keys}. A "
            "target that upserts keeps one of each: choose other primary_keys, or none"
        )


def log_summary(run: StreamRun) -> None:
    """Log how a stream ended."""
    result = "FAILED" if run.failure else "unfinished" if run.left else "done"
    facts = {
        "result": result,
        "windows": run.windows if run.has_windows else None,
        "windows_due": len(run.due) if run.has_windows else None,
        "rows": run.rows,
        "empty_rows": run.empty_rows,
        "jobs": run.jobs,
        "seconds": run.seconds,
        "bookmark": run.bookmark,
    }
    text = _listed(
        result,
        run.has_windows and f"{run.windows} of {counted(len(run.due), 'window')}",
        counted(run.rows, "row"),
        run.jobs and counted(run.jobs, "job"),
        f"{run.seconds:,.1f} s",
        run.bookmark and f"bookmark {run.bookmark}",
    )
    StreamLog(run.stream).info("Summary: %s", text, extra=facts)


def raise_failures(runs: Sequence[StreamRun]) -> None:
    """End the run with an error if any stream failed.

    Raises:
        SyncFailedError: with the failures.
    """
    failed = [run for run in runs if run.failure]
    if failed:
        msg = f"{len(failed)} of {counted(len(runs), 'report')} failed:\n{failures(failed)}"
        raise SyncFailedError(msg)


def failures(runs: Iterable[StreamRun]) -> str:
    """Return the failures of streams, a line each."""
    return "\n".join(f"  - {run.failure}" for run in runs if run.failure)


def counted(number: int, thing: str) -> str:
    """Return a number of things, in words that fit it."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _listed(*parts: object) -> str:
    """Return the parts that are not empty, as a list in a sentence."""
    return ", ".join(str(part) for part in parts if part)

"""The end of a run: what came of each stream, as a table for people and as events for programs."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from singer_sdk.logging import ConsoleFormatter

from tap_crewmojo.errors import SyncFailedError
from tap_crewmojo.stream_log import StreamLog

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tap_crewmojo.progress import Progress

_HEADINGS = ("stream", "result", "windows", "rows", "jobs", "seconds", "bookmark")
_TEXT = {ConsoleFormatter, logging.Formatter, type(None)}
_LEFT_ALIGNED = 2


def tell(streams: Sequence[Progress], logger: logging.Logger) -> None:
    """Log the summary: a table if the log is text, else an event for each stream."""
    formatters = {type(handler.formatter) for handler in logging.getLogger().handlers}
    if formatters <= _TEXT:
        logger.info("Summary:\n%s", "\n".join(table(streams)))
        return
    for stream in streams:
        facts = {
            "result": _result(stream),
            "windows": stream.windows,
            "windows_due": len(stream.due),
            "rows": stream.rows,
            "jobs": stream.jobs,
            "seconds": stream.seconds,
            "bookmark": stream.bookmark,
        }
        StreamLog(stream.stream).info("Summary: %s", _result(stream), extra=facts)


def raise_failures(streams: Sequence[Progress]) -> None:
    """End the run as one that failed, if any stream did.

    Raises:
        SyncFailedError: with the failures.
    """
    failed = [stream for stream in streams if stream.failure]
    if failed:
        msg = f"{len(failed)} of {len(streams)} reports failed:\n" + failures(failed)
        raise SyncFailedError(msg)


def failures(streams: Iterable[Progress]) -> str:
    """Return the failures of streams, a line each."""
    return "\n".join(f"  - {stream.failure}" for stream in streams if stream.failure)


def table(streams: Sequence[Progress]) -> Iterator[str]:
    """Yield the lines of a table of streams, its columns aligned."""
    rows = [_HEADINGS, *map(_cells, streams)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (
            cell.ljust(width) if place < _LEFT_ALIGNED else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield f"  {'  '.join(cells)}".rstrip()


def _cells(stream: Progress) -> tuple[str, ...]:
    return (
        stream.stream,
        _result(stream),
        f"{stream.windows} of {len(stream.due)}",
        f"{stream.rows:,}",
        f"{stream.jobs:,}",
        f"{stream.seconds:,.1f}",
        str(stream.bookmark or "-"),
    )


def _result(stream: Progress) -> str:
    return "FAILED" if stream.failure else "done"

"""Changes of stored rows, each a function of all rows of a stream, to see which test notices."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.office import Rows
    from support.tap_runs import Record

Change: TypeAlias = "Callable[[Rows], Rows]"


def without_last(rows: Rows) -> Rows:
    return rows[:-1]


def without_first(start: date) -> Change:
    """Leave out the first row of a window."""

    def change(rows: Rows) -> Rows:
        lost = next(row for row in rows if row["_sdc_report_start_date"] == start.isoformat())
        return [row for row in rows if row is not lost]

    return change


def without_window(start: date) -> Change:
    """Leave out the rows of a window, or its records in the log."""
    return lambda rows: [
        row
        for row in rows
        if start.isoformat() not in {row.get("_sdc_report_start_date"), row.get("window_start")}
    ]


def of(stream: str, change: Change) -> Change:
    """Change the records of one stream in the log."""
    return lambda rows: [
        *(row for row in rows if row["stream"] != stream),
        *change([row for row in rows if row["stream"] == stream]),
    ]


def with_other(**values: object) -> Change:
    """Add a copy of the last row, with other values."""
    return lambda rows: [*rows, {**rows[-1], **values}]


def with_last_changed(values: Record) -> Change:
    return lambda rows: [*rows[:-1], {**rows[-1], **values}]


def with_other_last(rows: Rows) -> Rows:
    """Replace the last row by a copy of the one before."""
    return [*rows[:-1], rows[-2]]


def older(**ago: float) -> Change:
    """Move the moments of requests into the past."""
    moments = ("_sdc_report_datetime", "requested_at")
    return lambda rows: [
        row
        | {
            name: (datetime.fromisoformat(row[name]) - timedelta(**ago)).isoformat()
            for name in moments
            if name in row
        }
        for row in rows
    ]

"""Calendar windows: the spans of days for which reports are requested.

The rows of a summary depend on the requested range, and the summaries of 1-24 November and of
1-25 November are two versions of the same rows. For this reason windows follow the calendar. Only
the last window may be shorter, where it ends at `end_date`.

All of it is pure: no clock, no requests.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_DAY = timedelta(days=1)


class ReportWindow(StrEnum):
    """The calendar unit of a window. Weeks are ISO weeks: they start on Monday."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"

    def start(self, day: date) -> date:
        """Return the first day of the calendar unit around a day."""
        match self:
            case ReportWindow.DAY:
                return day
            case ReportWindow.WEEK:
                return day - timedelta(days=day.weekday())
            case ReportWindow.MONTH:
                return day.replace(day=1)
            case ReportWindow.QUARTER:
                return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)
            case ReportWindow.YEAR:
                return date(day.year, 1, 1)

    def end(self, day: date) -> date:
        """Return the last day of the calendar unit around a day."""
        match self:
            case ReportWindow.DAY:
                return day
            case ReportWindow.WEEK:
                return day + timedelta(days=6 - day.weekday())
            case ReportWindow.MONTH:
                return _end_of_month(day.year, day.month)
            case ReportWindow.QUARTER:
                return _end_of_month(day.year, (day.month - 1) // 3 * 3 + 3)
            case ReportWindow.YEAR:
                return date(day.year, 12, 31)


def _end_of_month(year: int, month: int) -> date:
    return date(year + month // 12, month % 12 + 1, 1) - _DAY


@dataclass(frozen=True, slots=True)
class Window:
    """The span of days of one report, inclusive at both ends."""

    start: date
    end: date

    def __str__(self) -> str:
        return f"{self.start.isoformat()} to {self.end.isoformat()}"


def windows_between(unit: ReportWindow, first: date, end: date) -> Iterator[Window]:
    """Yield the windows from the one that holds `first` up to `end`, ascending, without gaps."""
    start = unit.start(first)
    while start <= end:
        window = Window(start, min(unit.end(start), end))
        yield window
        start = window.end + _DAY


def due_windows(  # noqa: PLR0913  # everything that decides it, by name
    unit: ReportWindow,
    *,
    start_date: date,
    end: date,
    bookmark: date | None,
    yesterday: date,
    lookback_days: int | None,
) -> Iterator[Window]:
    """Yield the windows to request in this run.

    No window is requested for fewer days than in an earlier run: in the target its rows would
    replace those of the longer window, and no later run would request the rest.

    Args:
        unit: the calendar unit of a window.
        start_date: the first day to read.
        end: the last day to read. Nothing is due if it is before the bookmark.
        bookmark: the end of the last complete window; none in a first run.
        yesterday: the last complete day. A bookmark after it comes from another time zone, and its
            day is read again.
        lookback_days: how many days before the bookmark are read again, since companies edit
            past data; days before `start_date` are not. None in a full refresh, which reads all
            windows again.
    """
    if bookmark is None:
        yield from windows_between(unit, start_date, end)
        return
    last_day = max(end, min(unit.end(end), bookmark))
    if lookback_days is None:
        yield from windows_between(unit, start_date, last_day)
        return
    read_to = min(bookmark, yesterday)
    if end < read_to or (end == read_to and lookback_days == 0):
        return
    resume = min(read_to + _DAY, end)
    wanted = resume.toordinal() - lookback_days
    first = date.fromordinal(max(wanted, min(start_date, resume).toordinal()))
    yield from windows_between(unit, first, last_day)


def advanced(bookmark: date | None, window: Window, yesterday: date) -> date | None:
    """Return the bookmark after a complete window: it moves forward or stays.

    It never passes yesterday: a day that has not ended is read again, whatever the lookback.
    """
    read_to = min(window.end, yesterday)
    if read_to < window.start:
        return bookmark
    return read_to if bookmark is None else max(bookmark, read_to)

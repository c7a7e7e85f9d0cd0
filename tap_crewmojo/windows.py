"""Calendar windows: which spans of days a report is asked for.

A summary's rows depend on the range asked for, so windows follow the calendar: the summary of
1-24 November and that of 1-25 November are the same rows growing, not two sets of rows. Only the
last window may be cut short, at the last day that is to be read.

Everything here is pure: no clock, no requests.
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
        """Return the first day of the calendar unit that holds a day."""
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
        """Return the last day of the calendar unit that holds a day."""
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


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """A span of days that one report is asked for, inclusive at both ends."""

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


def due_windows(  # noqa: PLR0913  # all that decides it, by name
    unit: ReportWindow,
    *,
    start_date: date,
    end: date,
    bookmark: date | None,
    yesterday: date,
    lookback_days: int | None,
) -> Iterator[Window]:
    """Yield the windows to request in this run.

    No window is requested for fewer days than it was emitted with: in the target, its rows would
    replace those of the longer one, and no later run would request the rest.

    Args:
        unit: the calendar unit of a window.
        start_date: the first day that is wanted.
        end: the last day that is wanted. Before the bookmark, nothing is due.
        bookmark: the end of the last window that was emitted whole; none in a first run.
        yesterday: the last day that is over. A bookmark after it is from another time zone, where
            that day was over: it is requested again.
        lookback_days: days before the bookmark whose windows are requested again, since a company
            goes on editing its past. It never reaches back beyond `start_date`. None in a full
            refresh, which reads all of them again, whatever the bookmark.
    """
    if bookmark is None:
        yield from windows_between(unit, start_date, end)
        return
    as_far_as_before = max(end, min(unit.end(end), bookmark))
    if lookback_days is None:
        yield from windows_between(unit, start_date, as_far_as_before)
        return
    reached = min(bookmark, yesterday)
    if end < reached or (end == reached and lookback_days == 0):
        return
    resume = min(reached + _DAY, end)
    wanted = resume.toordinal() - lookback_days
    first = date.fromordinal(max(wanted, min(start_date, resume).toordinal()))
    yield from windows_between(unit, first, as_far_as_before)


def advanced(bookmark: date | None, window: Window, yesterday: date) -> date | None:
    """Return the bookmark after a window was emitted whole: it moves forward or stays.

    It never passes yesterday: a day that was still running is read again, whatever the lookback.
    """
    reached = min(window.end, yesterday)
    if reached < window.start:
        return bookmark
    return reached if bookmark is None else max(bookmark, reached)

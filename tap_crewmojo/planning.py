"""Which reports have to be requested: those that are due, or the candidates for a sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_crewmojo.config.reports import ReportRequest
from tap_crewmojo.windows import due_windows, windows_between

if TYPE_CHECKING:
    from datetime import date

    from tap_crewmojo.config.reports import ReportConfig
    from tap_crewmojo.config.settings import Settings

MOST_SAMPLES = 12
"""Windows that are looked back through for one that has rows."""


def due_requests(
    report: ReportConfig, settings: Settings, bookmark: date | None, *, refresh: bool
) -> list[ReportRequest]:
    """Return what is due in a run, oldest first; of a report without dates, the whole report.

    Args:
        report: the report as configured.
        settings: the settings of the run.
        bookmark: the end of the last window that was emitted whole, if any was.
        refresh: whether all windows are due, also those behind the bookmark.
    """
    if not report.windowed:
        return [ReportRequest(report, None)]
    windows = due_windows(
        report.window,
        start_date=settings.start_date,
        end=settings.end_date,
        bookmark=bookmark,
        yesterday=settings.yesterday,
        lookback_days=None if refresh else report.lookback_days,
    )
    return [ReportRequest(report, window) for window in windows]


def sample_requests(report: ReportConfig, settings: Settings) -> list[ReportRequest]:
    """Return what to look at for a report's columns: newest first, complete windows if any are."""
    if not report.windowed:
        return [ReportRequest(report, None)]
    first = min(settings.start_date, settings.end_date)  # where nothing is due yet, columns are
    windows = list(windows_between(report.window, first, settings.end_date))[::-1]
    complete = [window for window in windows if window.end == report.window.end(window.start)]
    return [ReportRequest(report, window) for window in (complete or windows)[:MOST_SAMPLES]]

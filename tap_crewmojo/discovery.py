"""A sample of a report, for its columns: the vendor publishes no lists of columns."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_crewmojo.config.reports import ReportRequest
from tap_crewmojo.errors import ReportError, errors_about
from tap_crewmojo.logs import StreamLog
from tap_crewmojo.schema.inference import infer
from tap_crewmojo.schema.names import column_of
from tap_crewmojo.schema.types import ColumnType
from tap_crewmojo.windows import windows_between

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from tap_crewmojo.api.client import Download
    from tap_crewmojo.config.reports import ReportConfig
    from tap_crewmojo.config.settings import Settings
    from tap_crewmojo.schema.names import Naming

_MOST_SAMPLES = 12
"""Windows that are tried, newest first, until one has rows."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A report that was read for its columns.

    Args:
        request: the request for it.
        download: the report; a sync in the same run reads it again.
        types: the columns' types, by heading.
        is_empty: whether it had no rows.
    """

    request: ReportRequest
    download: Download
    types: Mapping[str, ColumnType]
    is_empty: bool

    def close(self) -> None:
        """Remove the report from disk."""
        self.download.report.close()


def take_sample(
    report: ReportConfig, settings: Settings, download: Callable[[ReportRequest], Download]
) -> Sample:
    """Download the newest complete window of a report, or an earlier one if that is empty.

    Raises:
        ReportError: the report could not be downloaded, cannot be read, or may be a message.
    """
    requests = _candidates(report, settings)
    for request in requests:
        sample = _sample(request, download)
        if not sample.is_empty:
            return sample
        if request is not requests[-1]:
            sample.close()
    try:
        check_empty_report(report, sample.types)
    except ReportError:
        sample.close()
        raise
    if settings.infer_types:
        StreamLog(report.name).warning(
            "The report has no rows%s, so every column is a string. Once it has rows, run "
            "`--discover` again, or give the types in the `columns` of its report",
            _span(requests),
        )
    return sample


def _candidates(report: ReportConfig, settings: Settings) -> list[ReportRequest]:
    """Return the requests to try: newest first, and of complete windows if there are any."""
    if not report.windowed:
        return [ReportRequest(report, None)]
    first = min(settings.start_date, settings.end_date)  # columns may be known before start_date
    windows = list(windows_between(report.window, first, settings.end_date))[::-1]
    complete = [window for window in windows if window.end == report.window.end(window.start)]
    return [ReportRequest(report, window) for window in (complete or windows)[:_MOST_SAMPLES]]


def _span(requests: Sequence[ReportRequest]) -> str:
    newest, oldest = requests[0].window, requests[-1].window
    return f" from {oldest.start} to {newest.end}" if oldest and newest else ""


def check_empty_report(report: ReportConfig, headings: Collection[str]) -> None:
    """Check that a report without rows is a report.

    Raises:
        ReportError: it may be a message instead.
    """
    if not report.windowed and len(headings) == 1:
        msg = (
            f"report '{report.id}' is one heading without rows, which may be a message instead of "
            "a report. Once it has rows, run `--discover` or `read_report` again"
        )
        raise ReportError(msg)


def report_keys(
    report: ReportConfig,
    types: Mapping[str, ColumnType],
    columns: Mapping[str, object],
    naming: Naming,
) -> list[str]:
    """Return the names of the report's key columns; check the columns that the settings name.

    Args:
        report: the report as configured.
        types: the columns' types, by heading; empty if the report has neither rows nor headings.
        columns: the JSON schemas of the stream's columns, by name.
        naming: how columns are named.

    Raises:
        ReportError: the report lacks a column that is configured as a key.
    """
    keys = {given: column_of(given, columns, naming) for given in report.primary_keys}
    if not types:
        return list(keys.values())
    for given in report.columns:
        if given not in types and given not in columns:
            StreamLog(report.name).warning(
                "Column %r has a type in the settings, but the report has no such column", given
            )
    for given, name in keys.items():
        if name not in columns:
            msg = (
                f"report '{report.id}': the primary key {given!r} must be one of its columns: "
                f"{', '.join(columns)}"
            )
            raise ReportError(msg)
    return list(dict.fromkeys(keys.values()))


def _sample(request: ReportRequest, download: Callable[[ReportRequest], Download]) -> Sample:
    downloaded = download(request)
    report = downloaded.report
    with contextlib.ExitStack() as failing:
        failing.callback(report.close)
        with errors_about(request):
            types = infer(report.batches())
        is_empty = not types
        if is_empty:
            # Headings without rows give columns whose types cannot be inferred.
            types = dict.fromkeys(report.headings(), ColumnType.STRING)
        failing.pop_all()
    return Sample(request, downloaded, types, is_empty)

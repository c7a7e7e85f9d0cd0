"""A sample of a report: the vendor publishes no column lists, so columns are told from rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_crewmojo.column_types import infer
from tap_crewmojo.reports import ReportRequest
from tap_crewmojo.windows import windows_between

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_crewmojo.client import CrewmojoClient, Download
    from tap_crewmojo.column_types import ColumnType
    from tap_crewmojo.reports import ReportConfig
    from tap_crewmojo.settings import Settings
    from tap_crewmojo.windows import Window

MOST_SAMPLES = 12
"""Windows that are looked back through for one that has rows."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A report that was read for its columns.

    Args:
        request: what was asked for.
        download: kept, so that a sync in the same run need not ask for it again.
        types: the columns' types, by heading.
    """

    request: ReportRequest
    download: Download
    types: Mapping[str, ColumnType]


def take_sample(report: ReportConfig, settings: Settings, client: CrewmojoClient) -> Sample:
    """Download the newest complete window of a report, or an earlier one if that is empty.

    Raises:
        ReportError: the report cannot be had.
    """
    for window in _newest_first(report, settings):
        sample = _sample(ReportRequest(report, window), client)
        if sample.types:
            break
    return sample


def _sample(request: ReportRequest, client: CrewmojoClient) -> Sample:
    download = client.download(request)
    return Sample(request, download, infer(download.file.rows()))


def _newest_first(report: ReportConfig, settings: Settings) -> list[Window | None]:
    if not report.dated:
        return [None]
    first = min(settings.start_date, settings.end_date)  # if nothing is due yet, its columns are
    windows = list(windows_between(report.window, first, settings.end_date))[::-1]
    complete = [window for window in windows if window.end == report.window.end(window.start)]
    return [*(complete or windows)[:MOST_SAMPLES]]

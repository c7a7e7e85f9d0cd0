"""One report as configured, and one request for it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from tap_crewmojo.schema.types import ColumnConfig, ColumnType
from tap_crewmojo.windows import ReportWindow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_crewmojo.windows import Window


class ContentType(StrEnum):
    """The format to request. A response is read by what it is."""

    CSV = "csv"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class ReportConfig:
    """One report as configured.

    Args:
        id: the vendor's identifier, such as `oneonone.summary`.
        name: the stream's name.
        windowed: whether it is requested by windows; no dates are sent otherwise.
        primary_keys: columns that identify a row of one window; none for the row number.
        columns: types that the user gives to columns, by name or heading.
        window: the calendar unit of its windows.
        lookback_days: days before the bookmark whose windows are requested again.
        content_type: the format to request.
        force_job: whether to request a job even for a report that is ready at once.
    """

    id: str
    name: str
    windowed: bool
    primary_keys: tuple[str, ...]
    columns: Mapping[str, ColumnConfig]
    window: ReportWindow
    lookback_days: int
    content_type: ContentType
    force_job: bool

    @classmethod
    def from_setting(
        cls, item: str | Mapping[str, Any], defaults: Mapping[str, Any]
    ) -> ReportConfig:
        """Read one item of the setting `reports`, which is valid.

        Args:
            item: a plain identifier, or an object with the report's own settings.
            defaults: the tap's settings, which hold for what the item does not set.
        """
        own: Mapping[str, Any] = {"id": item} if isinstance(item, str) else item

        def setting(name: str) -> Any:  # noqa: ANN401  # as loose as JSON is
            return own.get(name, defaults[name])

        return cls(
            id=own["id"],
            name=own.get("name") or stream_name(own["id"]),
            windowed=is_windowed(own),
            primary_keys=tuple(own.get("primary_keys", ())),
            columns={
                name: ColumnConfig(ColumnType(column))
                if isinstance(column, str)
                else ColumnConfig(ColumnType(column["type"]), column.get("format"))
                for name, column in own.get("columns", {}).items()
            },
            window=ReportWindow(setting("report_window")),
            lookback_days=setting("lookback_days"),
            content_type=ContentType(setting("content_type")),
            force_job=setting("force_job"),
        )


def is_windowed(item: Mapping[str, Any]) -> bool:
    """Return whether a report is requested by windows, as the setting `reports` has it."""
    return item.get("replication_method") != "FULL_TABLE"


def stream_name(report_id: str) -> str:
    """Return the name of a report's stream: `oneonone.summary` becomes `oneonone_summary`."""
    return re.sub(r"[^a-z0-9]", "_", report_id.lower())


def items_of(reports: Sequence[object], wanted: str) -> list[object]:
    """Return the items of `reports` with this name of a stream, or else with this identifier."""
    by_name, by_id = [], []
    for item in reports:
        own = item if isinstance(item, dict) else {"id": item}
        if wanted == (own.get("name") or stream_name(str(own.get("id")))):
            by_name.append(item)
        if wanted == own.get("id"):
            by_id.append(item)
    return by_name or by_id


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """A request for one report: for a window, or without dates.

    Args:
        report: the report as configured.
        window: the days to request; none for a report without windows.
    """

    report: ReportConfig
    window: Window | None

    @property
    def body(self) -> dict[str, Any]:
        """The JSON body of the vendor's page: dates as integers `yyyymmdd`, both or neither."""
        body: dict[str, Any] = {"contentType": str(self.report.content_type)}
        if self.report.content_type is ContentType.CSV:
            body = {}  # the vendor's default; its page names no value for it
        if self.window:
            body["startDate"] = int(f"{self.window.start:%Y%m%d}")
            body["endDate"] = int(f"{self.window.end:%Y%m%d}")
        if self.report.force_job:
            body["jobId"] = True
        return body

    def __str__(self) -> str:
        return f"report '{self.report.id}'" + (f", {self.window}" if self.window else "")

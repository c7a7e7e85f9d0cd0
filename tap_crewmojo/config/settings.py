"""The settings of one run, typed: what the rest of the tap works with."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from tap_crewmojo.config.json_schema import SETTINGS, WINDOW_LOG, Environment
from tap_crewmojo.config.reports import ReportConfig
from tap_crewmojo.schema.names import Naming
from tap_crewmojo.schema.rules import OnNewColumn, SchemaRules

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_crewmojo.clock import Clock

_DAYS = ("start_date", "end_date")


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one run, valid and typed. Times are in seconds."""

    client_id: str
    client_secret: str = field(repr=False)
    api_url: str
    reports: tuple[ReportConfig, ...]
    start_date: date
    end_date: date
    yesterday: date
    zone: ZoneInfo
    infer_types: bool
    on_new_column: OnNewColumn
    column_names: Naming
    window_log: str | None
    max_parallel_reports: int
    job_timeout: int
    max_job_attempts: int
    request_timeout: int

    @classmethod
    def from_config(cls, config: Mapping[str, Any], clock: Clock) -> Settings:
        """Read a configuration that is valid (see `validation.py`)."""
        config = with_defaults(config)
        zone = ZoneInfo(config["timezone"])
        today = clock.now(zone).date()
        yesterday = today - timedelta(days=1)
        start, end = config.get("start_date"), config.get("end_date")
        api_url = config.get("api_url") or Environment(config["environment"]).api_url
        return cls(
            client_id=config["client_id"],
            client_secret=config["client_secret"],
            api_url=api_url.rstrip("/"),
            reports=tuple(ReportConfig.from_setting(item, config) for item in config["reports"]),
            start_date=day(start) if start else date.min,
            end_date=min(day(end), today) if end else yesterday,
            yesterday=yesterday,
            zone=zone,
            infer_types=config["infer_types"],
            on_new_column=OnNewColumn(config["on_new_column"]),
            column_names=Naming(config["column_names"]),
            window_log=window_log(config["window_log"]),
            max_parallel_reports=config["max_parallel_reports"],
            job_timeout=config["job_timeout"],
            max_job_attempts=config["max_job_attempts"],
            request_timeout=config["request_timeout"],
        )

    def rules(self, report: ReportConfig) -> SchemaRules:
        """Return the rules for the columns of a report."""
        return SchemaRules(
            report.columns,
            self.infer_types,
            self.on_new_column,
            self.zone,
            self.column_names,
            report.primary_keys,
        )


def window_log(value: object) -> str | None:
    """Return the name of the window log's stream, or none if there is no log.

    Args:
        value: the setting. From a variable, or through Meltano, `true` and `false` are texts.
    """
    text = str(value or False).strip()
    match text.lower():
        case "true" | "yes" | "on" | "1":
            return WINDOW_LOG
        case "false" | "no" | "off" | "0":
            return None
        case _:
            return text


def with_defaults(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration with defaults for what is missing or null."""
    defaults = {
        name: setting["default"]
        for name, setting in SETTINGS["properties"].items()
        if "default" in setting
    }
    return defaults | {name: value for name, value in config.items() if value is not None}


def with_texts(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration with its days as texts: from Python they may be dates."""
    return {
        name: value.isoformat() if name in _DAYS and isinstance(value, date) else value
        for name, value in config.items()
    }


def day(text: str) -> date:
    """Read an ISO date; of a date-time its date as written.

    Raises:
        ValueError: it is not a date.
    """
    return datetime.fromisoformat(text).date()

"""What can be wrong with the settings beyond their JSON schema: all of it is told at once."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tap_crewmojo.column_types import ColumnType
from tap_crewmojo.reports import stream_name
from tap_crewmojo.settings import day

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def mistakes(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with a configuration beyond its JSON schema, a sentence each.

    Values of the wrong JSON type are the schema's business and passed over here.
    """
    yield from _mistakes_in_dates(config)
    yield from _mistakes_in_zone(config)
    yield from _mistakes_in_url(config)
    yield from _mistakes_in_reports(config)


def _mistakes_in_dates(config: Mapping[str, Any]) -> Iterator[str]:
    days = {}
    for name in ("start_date", "end_date"):
        text = config.get(name)
        if not text or not isinstance(text, str):
            continue
        try:
            days[name] = day(text)
        except ValueError:
            yield f"{name}: {text!r} is not a date; write it as 2024-01-31"
    if len(days) > 1 and days["end_date"] < days["start_date"]:
        yield (
            f"end_date ({days['end_date']}) is before start_date ({days['start_date']}); "
            "nothing would be read"
        )


def _mistakes_in_zone(config: Mapping[str, Any]) -> Iterator[str]:
    name = config.get("timezone")
    if not isinstance(name, str):
        return
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield f"timezone: {name!r} is not an IANA time zone; an example is 'Australia/Sydney'"


def _mistakes_in_url(config: Mapping[str, Any]) -> Iterator[str]:
    text = config.get("api_url")
    if not text or not isinstance(text, str):
        return
    url = urlsplit(text)
    if url.username or url.password or url.query or url.fragment:
        yield "api_url must not hold credentials, a query or a fragment"
    elif url.scheme not in {"http", "https"} or not url.hostname:
        yield f"api_url: {text!r} is not a web address; an example is 'https://api.crewmojo.com/v1'"
    elif url.scheme == "http" and not _is_loopback(url.hostname):
        yield (
            "api_url: plain http would send the credentials readable by others; use https "
            "(http is for a sandbox on this machine only)"
        )
    elif not url.path.rstrip("/").endswith("/v1"):
        yield f"api_url: {text!r} does not end in '/v1'"


def _mistakes_in_reports(config: Mapping[str, Any]) -> Iterator[str]:
    items = config.get("reports")
    reports = [
        {"id": item} if isinstance(item, str) else item
        for item in (items if isinstance(items, list) else ())
    ]
    reports = [report for report in reports if isinstance(report, dict) and _has_text(report, "id")]
    names: dict[str, str] = {}
    for report in reports:
        identifier = report["id"]
        name = report["name"] if _has_text(report, "name") else stream_name(identifier)
        if name in names:
            yield (
                f"reports: {names[name]!r} and {identifier!r} would both be the stream "
                f"{name!r}; give one of them another 'name'"
            )
        names[name] = identifier
        yield from _mistakes_in_columns(identifier, report.get("columns"))
    dated = any(report.get("replication_method") != "FULL_TABLE" for report in reports)
    if dated and not config.get("start_date"):
        yield (
            "start_date is missing: it is required unless every report has "
            "replication_method 'FULL_TABLE'"
        )


def _mistakes_in_columns(identifier: str, columns: object) -> Iterator[str]:
    for name, column in columns.items() if isinstance(columns, dict) else ():
        if (
            isinstance(column, dict)
            and "format" in column
            and column.get("type") not in {ColumnType.DATE, ColumnType.DATE_TIME}
        ):
            yield (
                f"reports: column {name!r} of {identifier!r} has a 'format', which only goes "
                "with the types 'date' and 'date-time'"
            )


def _has_text(report: Mapping[str, Any], name: str) -> bool:
    return isinstance(report.get(name), str) and bool(report[name])


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

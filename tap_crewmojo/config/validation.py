"""Validation of the settings, by their JSON schema and beyond it. One error lists all problems."""

from __future__ import annotations

import difflib
import ipaddress
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.plugin_base import JSONSchemaValidator

from tap_crewmojo.config.reports import is_windowed, stream_name
from tap_crewmojo.config.settings import day, window_log
from tap_crewmojo.redaction import breaks_lines, one_line
from tap_crewmojo.schema.types import ColumnType

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

_TYPES = {
    "string": "a string",
    "array": "an array",
    "object": "an object",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}
_RULES = {
    "type": "must be {}",
    "enum": "must be {}",
    "minimum": "must be at least {}",
    "maximum": "must be at most {}",
    "minItems": "must not be empty",
    "minLength": "must not be empty",
    "uniqueItems": "must not hold duplicates",
}
_LEAST_LIKENESS = 0.6
_MOMENT = datetime(2024, 2, 29, 13, 5, 9, tzinfo=UTC)
_LIKE_JSON = "[{\"'"


def schema_errors(config: dict[str, Any], schema: dict[str, Any]) -> Iterator[str]:
    """Yield what is invalid in a configuration by its JSON schema; fill in its defaults.

    No value is repeated: it may be a secret in the wrong place.
    """
    for error in JSONSchemaValidator(schema).iter_errors(config):
        place = _place(error.absolute_path)
        if error.validator == "required":
            yield from (
                f"{_place([*error.absolute_path, name])} is missing"
                for name in error.validator_value
                if name not in error.instance
            )
        elif error.validator == "additionalProperties":
            known = error.schema["properties"]
            where = f"{place}: " if place else ""
            yield from (
                f"{where}{name!r} belongs beside `{error.absolute_path[0]}`, not in it"
                if place and name in schema["properties"]
                else f"{where}{unknown_setting(name, known)}"
                for name in error.instance.keys() - known
            )
        else:
            yield f"{place or 'The configuration'} {_rule(error.validator, error.validator_value)}"


def _place(path: Iterable[str | int]) -> str:
    """Return where a setting is, as in `reports[1].columns['Cost Centre']`."""
    parts = (f".{part}" if str(part).isidentifier() else f"[{part!r}]" for part in path)
    return "".join(parts).removeprefix(".")


def _rule(validator: str, value: Any) -> str:  # noqa: ANN401  # as loose as JSON schema is
    """Return what a value must be, by a keyword of JSON schema."""
    if validator == "type":
        names = [value] if isinstance(value, str) else value
        value = _either(_TYPES[name] for name in names if name != "null")
    elif validator == "enum":
        value = _either(str(choice) for choice in value if choice is not None)
    return _RULES.get(validator, "is invalid").format(value)


def _either(choices: Iterable[str]) -> str:
    *others, last = choices
    return f"{', '.join(others)} or {last}" if others else last


def unknown_setting(name: str, known: Collection[str], written: Callable[[str], str] = str) -> str:
    """Return a sentence about an unknown setting, with the nearest one that is known."""
    nearest = max(known, key=lambda other: _likeness(name, other))
    is_near = _likeness(name, nearest) >= _LEAST_LIKENESS
    meant = f"; did you mean {written(nearest)!r}?" if is_near else ""
    return f"unknown setting {written(name)!r}{meant}"


def _likeness(name: str, other: str) -> float:
    """Return how similar a name is to a setting or a word of it: `windw` to `report_window`."""
    words = (other, *other.split("_"))
    return max(difflib.SequenceMatcher(None, name, word).ratio() for word in words)


def unknown_settings(
    names: Iterable[str], known: Collection[str], written: Callable[[str], str] = str
) -> list[str]:
    """Return a sentence for each name that is not a setting's, with the nearest one that is."""
    unknown = sorted(set(names).difference(known))
    return [f"Ignored: {unknown_setting(name, known, written)}" for name in unknown]


def setting_errors(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is invalid in a configuration beyond its JSON schema, a sentence each.

    Values of the wrong JSON type are skipped: the schema reports them.
    """
    yield from _date_errors(config)
    yield from _zone_errors(config)
    yield from _url_errors(config)
    yield from _report_errors(config)
    yield from _log_errors(config)


def _date_errors(config: Mapping[str, Any]) -> Iterator[str]:
    days = {}
    for name in ("start_date", "end_date"):
        text = config.get(name)
        if not text or not isinstance(text, str):
            continue
        try:
            days[name] = day(text)
        except ValueError:
            yield f"{name} must be a date, such as 2024-01-31; it is {text!r}"
    if len(days) > 1 and days["end_date"] < days["start_date"]:
        yield f"end_date ({days['end_date']}) must not be before start_date ({days['start_date']})"


def _zone_errors(config: Mapping[str, Any]) -> Iterator[str]:
    name = config.get("timezone")
    if not isinstance(name, str):
        return
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield f"timezone must be an IANA time zone, such as 'Australia/Sydney'; it is {name!r}"


def _url_errors(config: Mapping[str, Any]) -> Iterator[str]:
    text = config.get("api_url")
    if not text or not isinstance(text, str):
        return
    try:
        url = urlsplit(text)
        _ = url.port  # only this validates it
    except ValueError:
        url = urlsplit("")
    if breaks_lines(text) or re.search(r"\s", text):  # `urlsplit` would remove them
        yield "api_url must not hold whitespace or control characters"
    elif url.username or url.password or url.query or url.fragment:
        yield "api_url must not hold credentials, a query or a fragment"
    elif url.scheme not in {"http", "https"} or not url.hostname:
        yield "api_url must be a web address, such as 'https://api.crewmojo.com/v1'"
    elif url.scheme == "http" and not is_loopback(url.hostname):
        yield (
            "api_url must begin with https, except for a sandbox on this machine: http would send "
            "the credentials unencrypted"
        )
    elif not url.path.rstrip("/").endswith("/v1"):
        yield "api_url must end in '/v1'"


def _report_errors(config: Mapping[str, Any]) -> Iterator[str]:
    reports = _reports(config)
    names: dict[str, str] = {}
    for report in reports:
        identifier = report["id"]
        name = _name(report)
        if name in names:
            yield (
                f"reports: {names[name]!r} and {identifier!r} would both be the stream "
                f"{name!r}; give one of them another 'name'"
            )
        names[name] = identifier
        if identifier[0] in _LIKE_JSON:
            yield f"reports: the identifier {identifier!r} looks like invalid JSON"
        if identifier in {".", ".."}:  # in a path, they lead to another address
            yield f"reports: the identifier must not be {identifier!r}"
        for what, text in {"identifier": identifier, "name": name}.items():
            if not text.strip() or breaks_lines(text):
                yield (
                    f"reports: the {what} {text!r} must not be blank, and must not hold control "
                    "characters or line breaks"
                )
        own = [key for key in _items(report.get("primary_keys")) if str(key).startswith("_sdc_")]
        if own:
            yield (
                f"reports: primary_keys of {identifier!r} must not hold {own[0]!r}, a column of "
                "the tap: the key always holds the start of the window, and the row number where "
                "primary_keys is empty"
            )
        yield from _column_errors(identifier, report.get("columns"))
    if any(map(is_windowed, reports)) and not config.get("start_date"):
        yield (
            "start_date is missing: it is required unless every report has "
            "replication_method 'FULL_TABLE'"
        )


def _reports(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the reports of a configuration that have an identifier, as objects."""
    items = [
        {"id": item} if isinstance(item, str) else item for item in _items(config.get("reports"))
    ]
    return [item for item in items if isinstance(item, dict) and _has_text(item, "id")]


def _name(report: Mapping[str, Any]) -> str:
    name: str = report["name"] if _has_text(report, "name") else stream_name(report["id"])
    return name


def _log_errors(config: Mapping[str, Any]) -> Iterator[str]:
    setting = config.get("window_log")
    if not isinstance(setting, str | bool):
        return
    if isinstance(setting, str) and (not setting.strip() or breaks_lines(setting)):
        yield (
            "window_log must be true, false or the name of a stream, which must not be empty, and "
            "must not hold control characters or line breaks"
        )
    name = window_log(setting) or ""
    for report in _reports(config):
        if _name(report).lower() == name.lower():  # the same table in many databases
            yield (
                f"window_log: {name!r} must not be the stream of a report, as it is of "
                f"{report['id']!r}; choose another name"
            )


def _column_errors(identifier: str, columns: object) -> Iterator[str]:
    for name, column in columns.items() if isinstance(columns, dict) else ():
        if not isinstance(column, dict) or not isinstance(column.get("format"), str):
            continue
        if column.get("type") not in {ColumnType.DATE, ColumnType.DATE_TIME}:
            yield (
                f"reports: the type of column {name!r} of {identifier!r} must be date or "
                "date-time, since it has a 'format'"
            )
        if not _is_format(column["format"]):
            yield (
                f"reports: the 'format' of column {name!r} of {identifier!r} must be a `strptime` "
                "format with a year, such as '%d/%m/%Y'; %Z (the name of a zone) must not be used, "
                "%z may be"
            )


def _is_format(text: str) -> bool:
    if "%Z" in text or not re.search("%[YyGcx]", text):  # without a year, `strptime` takes 1900
        return False
    try:
        datetime.strptime(_MOMENT.strftime(text), text)  # noqa: DTZ007  # no zone needed
    except (ValueError, re.error):
        return False
    return True


def _items(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _has_text(report: Mapping[str, Any], name: str) -> bool:
    return isinstance(report.get(name), str) and bool(report[name])


def settings_error(errors: Iterable[str]) -> ConfigValidationError:
    """Return the exception that lists all that is invalid."""
    text = "\n".join(["The settings are invalid:", *(f"  - {one_line(error)}" for error in errors)])
    return ConfigValidationError(text, errors=[text])


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

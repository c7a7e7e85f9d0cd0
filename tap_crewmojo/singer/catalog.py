"""A catalog that a user or another program wrote: validated and completed.

Of a column its name, type, format, title and description are used; other limits of its schema are
ignored. The tap's own columns and the columns of the key are always emitted.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.helpers._util import read_json_file
from singer_sdk.plugin_base import JSONSchemaValidator
from singer_sdk.singerlib import Catalog, Schema
from singer_sdk.singerlib.catalog import (
    REPLICATION_FULL_TABLE,
    REPLICATION_INCREMENTAL,
    Metadata,
)

from tap_crewmojo.errors import ReportError
from tap_crewmojo.logs import LOGGER
from tap_crewmojo.schema.metadata import (
    END_DATE,
    EXTRA,
    REQUESTED_AT,
    RESERVED,
    START_DATE,
    key_properties,
)
from tap_crewmojo.schema.names import column_of
from tap_crewmojo.schema.types import ColumnType, emitted_schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import PurePath

    from jsonschema import ValidationError
    from singer_sdk.singerlib import CatalogEntry

    from tap_crewmojo.config.reports import ReportConfig
    from tap_crewmojo.schema.names import Naming
    from tap_crewmojo.schema.rules import SchemaRules


_OF_WINDOWS: Final = {START_DATE, END_DATE}
_NAMES: Final = {"type": ["array", "null"], "items": {"type": "string"}}
_METHODS: Final = {"enum": [REPLICATION_INCREMENTAL, REPLICATION_FULL_TABLE, None]}
_FLAG: Final = {"type": ["boolean", "null"]}
_METADATA: Final = {
    "type": "object",
    "required": ["breadcrumb", "metadata"],
    "properties": {
        "breadcrumb": {"type": "array", "items": {"type": "string"}},
        "metadata": {
            "type": "object",
            "properties": {
                "selected": _FLAG,
                "selected-by-default": _FLAG,
                "table-key-properties": _NAMES,
                "forced-replication-method": _METHODS,
            },
        },
    },
}
_STREAM: Final = {
    "type": "object",
    "required": ["tap_stream_id", "schema"],
    "properties": {
        "tap_stream_id": {"type": "string"},
        "schema": {
            "type": "object",
            "properties": {
                "properties": {
                    "type": "object",
                    # A column without a schema may be `true`.
                    "additionalProperties": {"if": {"const": True}, "else": {"type": "object"}},
                },
            },
        },
        "key_properties": _NAMES,
        "replication_method": _METHODS,
        "metadata": {"type": ["array", "null"], "items": _METADATA},
    },
}
_CATALOG: Final = {
    "type": "object",
    "required": ["streams"],
    "properties": {"streams": {"type": "array", "items": _STREAM}},
}


def read_catalog(catalog: Catalog | dict[str, Any] | PurePath | str) -> dict[str, Any]:
    """Return a catalog with what the SDK needs, and would otherwise read as deselected.

    Args:
        catalog: a catalog, or the file that it is in.

    Raises:
        ConfigValidationError: it is invalid; all errors are listed.
    """
    if isinstance(catalog, Catalog):
        content = catalog.to_dict()
    else:
        content = catalog if isinstance(catalog, dict) else read_json_file(catalog)
    errors = list(_errors(content))
    if errors:
        lines = "\n".join(f"  - {error}" for error in errors)
        msg = f"The catalog is invalid; run `--discover` again, or correct it:\n{lines}"
        raise ConfigValidationError(msg, errors=[msg])
    return {"streams": [_stream(entry) for entry in content["streams"]]}


def check_entry(entry: CatalogEntry, report: ReportConfig, naming: Naming) -> list[str]:
    """Check a report's entry of the catalog; return warnings.

    Raises:
        ReportError: the entry has windows and the report has none, or the other way round, its
            columns are named in another way, or its key does not identify rows.
    """
    keys, expected = _keys(entry, report, naming), _configured_keys(entry, report, naming)
    _check_names(entry, report, naming)
    _check_windows(entry, report, keys)
    if EXTRA in keys:
        msg = (
            f"report '{report.id}': the key in the catalog must not hold {EXTRA!r}, which is null "
            "in most rows; run `--discover` again"
        )
        raise ReportError(msg)
    warnings = []
    if report.windowed and START_DATE not in keys:
        warnings.append(
            f"The key in the catalog ({_quoted(keys)}) lacks {START_DATE!r}: a target "
            "that upserts keeps one row of each key, whatever its window. Add it to the key, or "
            "run `--discover` again"
        )
    if {*keys} - _OF_WINDOWS != {*expected} - _OF_WINDOWS:
        warnings.append(
            f"The key in the catalog ({_quoted(keys)}) is used, although the settings give another "
            f"({_quoted(expected)}). Run `--discover` again, or change primary_keys"
        )
    if entry.replication_key not in {None, END_DATE}:
        warnings.append(
            f"The catalog's replication key {entry.replication_key!r} is ignored: the bookmark "
            "follows windows, not rows"
        )
    columns = _vendors_columns(entry)
    for given, config in report.columns.items():
        name = column_of(given, columns, naming)
        known = ColumnType.of_json_schema(columns.get(name))
        if name in columns and known is not config.type:
            warnings.append(
                f"Column {name!r} is of type {known} in the catalog, which is used, although the "
                f"settings give it the type {config.type}. Change it in the catalog, or run "
                "`--discover` again, and load into an empty table"
            )
    selection = entry.metadata.resolve_selection()
    deselected = [
        name for name in keys if name not in RESERVED and not selection["properties", name]
    ]
    warnings.extend(
        f"Column {name!r} is in the key, and is emitted although the catalog deselects it. To "
        "leave it out, choose other primary_keys, and run `--discover` again"
        for name in deselected
    )
    return warnings


def complete_entry(entry: CatalogEntry, report: ReportConfig, rules: SchemaRules) -> None:
    """Add the tap's own columns and the key to a report's entry of the catalog."""
    own, keys = rules.own_columns(windowed=report.windowed), _keys(entry, report, rules.naming)
    columns = entry.schema.properties or {}
    vendors = {name: column for name, column in columns.items() if name not in RESERVED}
    entry.schema.properties = vendors | {
        name: Schema.from_dict(column) for name, column in own.items()
    }
    for name in (*own, *keys):
        entry.metadata["properties", name].inclusion = Metadata.InclusionType.AUTOMATIC
    entry.key_properties = keys
    entry.replication_key = END_DATE if report.windowed else None
    entry.metadata.root.replication_key = entry.replication_key
    if not report.windowed:
        entry.replication_method = REPLICATION_FULL_TABLE


def _keys(entry: CatalogEntry, report: ReportConfig, naming: Naming) -> list[str]:
    return list(entry.key_properties or _configured_keys(entry, report, naming))


def _configured_keys(entry: CatalogEntry, report: ReportConfig, naming: Naming) -> list[str]:
    columns = _vendors_columns(entry)
    names = dict.fromkeys(column_of(given, columns, naming) for given in report.primary_keys)
    return key_properties(names, windowed=report.windowed)


def _vendors_columns(entry: CatalogEntry) -> dict[str, dict[str, Any]]:
    columns = entry.schema.properties or {}
    return {name: columns[name].to_dict() for name in columns if not name.startswith("_sdc_")}


def _check_names(entry: CatalogEntry, report: ReportConfig, naming: Naming) -> None:
    if (name := naming.named_otherwise(_vendors_columns(entry))) is not None:
        msg = (
            f"report '{report.id}': the catalog was made before column_names was set to "
            f"'{naming}' (see its column {name!r}). Run `--discover` again, and a full refresh "
            "into a new table, because the columns are others; or set column_names as it was"
        )
        raise ReportError(msg)


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))


def _check_windows(entry: CatalogEntry, report: ReportConfig, keys: list[str]) -> None:
    has_windows = not _OF_WINDOWS.isdisjoint({*(entry.schema.properties or ()), *keys})
    if report.windowed and entry.key_properties and not has_windows:
        msg = (
            f"report '{report.id}': the catalog is of a FULL_TABLE report, but in the settings it "
            "has windows, which would overwrite each other; run `--discover` again"
        )
        raise ReportError(msg)
    if not report.windowed and not _OF_WINDOWS.isdisjoint(keys):
        msg = (
            f"report '{report.id}': the catalog is of a report with windows, but the settings have "
            "it as FULL_TABLE; run `--discover` again"
        )
        raise ReportError(msg)
    if {*keys} <= {*_OF_WINDOWS, REQUESTED_AT}:
        msg = (
            f"report '{report.id}': the key in the catalog ({_quoted(keys)}) is the "
            "same for all rows of a window; run `--discover` again"
        )
        raise ReportError(msg)


def _errors(catalog: Mapping[str, Any]) -> Iterator[str]:
    invalid = sorted(JSONSchemaValidator(_CATALOG).iter_errors(catalog), key=lambda e: e.path)
    yield from map(_sentence, invalid)
    if invalid:
        return
    ids = Counter(entry["tap_stream_id"] for entry in catalog["streams"])
    for name, count in ids.items():
        if count > 1:
            yield f"the stream {name!r} must be in it once, not {count} times"
    for entry in catalog["streams"]:
        for metadata in entry.get("metadata") or ():
            _, *parts = metadata["breadcrumb"] or [""]
            if len(parts) > 1 and metadata["metadata"].get("selected") is False:
                yield (
                    f"the stream {entry['tap_stream_id']!r} deselects a part of its column "
                    f"{parts[0]!r}: select or deselect the whole column"
                )


def _sentence(error: ValidationError) -> str:
    """Return an error as a sentence, without values of the catalog."""
    place = "catalog" + "".join(f"[{part!r}]" for part in error.absolute_path)
    expected: Any = error.validator_value
    value: Any = error.instance
    match error.validator:
        case "required":
            return f"{place} lacks {next(name for name in expected if name not in value)!r}"
        case "enum":
            return f"{place} must be one of {', '.join(map(str, filter(None, expected)))}"
        case _:
            return f"{place} must be {expected if isinstance(expected, str) else expected[0]}"


def _stream(entry: Mapping[str, Any]) -> dict[str, Any]:
    name = entry["tap_stream_id"]
    if entry.get("stream") not in {None, name}:
        LOGGER.warning(
            "The catalog's stream %r is emitted by its own name, not as %r: to rename it, use the "
            "setting `reports`, `name`",
            name,
            entry["stream"],
        )
    metadata = list(entry.get("metadata") or ())
    root = next((each["metadata"] for each in metadata if not each["breadcrumb"]), None)
    if root is None:  # the SDK would deselect all columns
        root = {"selected": True}
        metadata.append({"breadcrumb": [], "metadata": root})
    columns = entry["schema"].get("properties", {})
    return {
        **entry,
        "stream": name,
        "schema": {
            "type": "object",
            "properties": {k: emitted_schema(v) for k, v in columns.items()},
        },
        "metadata": metadata,
        "key_properties": entry.get("key_properties") or root.get("table-key-properties"),
    }

"""Stream maps, applied to records by the SDK's mapper; `map_checks.py` validates them.

The maps read data about people. No text here repeats a value, or the message of an exception.
"""

from __future__ import annotations

import ast
import itertools
import logging
import traceback
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any, Final

from singer_sdk.mapper import (
    MAPPER_ALIAS_OPTION,
    MAPPER_ELSE_OPTION,
    MAPPER_FILTER_OPTION,
    MAPPER_KEY_PROPERTIES_OPTION,
    MAPPER_SOURCE_OPTION,
    NULL_STRING,
    CustomStreamMap,
    PluginMapper,
    SameRecordTransform,
    StreamMap,
)

from tap_crewmojo.errors import ReportError
from tap_crewmojo.schema.metadata import EXTRA, ROW_NUMBER
from tap_crewmojo.schema.names import ColumnNames

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


OPTIONS: Final = frozenset(
    {
        MAPPER_ALIAS_OPTION,
        MAPPER_ELSE_OPTION,
        MAPPER_FILTER_OPTION,
        MAPPER_KEY_PROPERTIES_OPTION,
        MAPPER_SOURCE_OPTION,
    }
)
NULLS: Final = (None, NULL_STRING)


def mapper_of(config: Mapping[str, Any], logger: logging.Logger) -> PluginMapper:
    """Return the SDK's mapper for a configuration.

    A column that a map drops or replaces takes its variant with it: the values which do not fit
    the column's type would be sent unchanged. A map that names the variant decides itself.
    """
    logging.getLogger(PluginMapper.__module__).addFilter(_without_values)
    maps = {key: _with_variants(given) for key, given in (config.get("stream_maps") or {}).items()}
    return PluginMapper({**config, "stream_maps": maps}, logger)


def maps_named(maps: Mapping[str, Any], stream: str) -> dict[str, Any]:
    """Return the stream maps that name a stream itself, not by a pattern."""
    return {key: given for key, given in maps.items() if source_of(key, given) == stream}


def source_of(key: str, given: object) -> str:
    """Return the stream that a map is for, or a pattern."""
    source: str = given.get(MAPPER_SOURCE_OPTION, key) if isinstance(given, dict) else key
    return source


def maps_of(maps: Mapping[str, Any], stream: str) -> dict[str, Mapping[str, Any]]:
    """Return the maps of a stream, by their keys."""
    return {
        key: entries
        for key, entries in maps.items()
        if isinstance(entries, dict)
        and (stream == (source := source_of(key, entries)) or fnmatch(stream, source))
    }


def changed_columns(maps: Mapping[str, Any], stream: str) -> set[str]:
    """Return the columns of a stream whose values must not be sent in its extra column.

    They are those that a map drops or replaces, as with variants, which else would be sent
    unchanged. A map that names the extra column decides itself. One that drops what it does not
    name drops that column, too.

    Args:
        maps: the setting.
        stream: the stream's name.
    """
    return {
        name
        for entries in maps_of(maps, stream).values()
        if entries.keys().isdisjoint({EXTRA, MAPPER_ELSE_OPTION})
        for name in entries
        if name not in OPTIONS
    }


def apply_maps(
    maps: Sequence[StreamMap], records: Iterable[dict[str, Any]]
) -> list[tuple[str, dict[str, Any]]]:
    """Apply the maps to some records; return each result with the name of its stream.

    Raises:
        ReportError: an expression fails on a record; the text names the row's number, no value.
    """
    mapped = []
    try:
        for record, stream_map in itertools.product(records, maps):
            if (changed := stream_map.transform(record)) is not None:
                mapped.append((stream_map.stream_alias, changed))
    except Exception as exc:  # noqa: BLE001  # an expression may raise anything, and quote a value
        msg = (
            f"does not fit the stream map {stream_map.stream_alias!r}: "
            f"{_failure(exc, record.get(ROW_NUMBER))}"
        )
        raise ReportError(msg) from None
    return mapped


def change_nothing(maps: Iterable[StreamMap]) -> bool:
    """Return whether the maps leave each record unchanged."""
    return all(type(each) is SameRecordTransform and not each.flattening_enabled for each in maps)


def _without_values(line: logging.LogRecord) -> bool:
    """Suppress the SDK's lines about maps below WARNING: they show results of expressions."""
    return line.levelno >= logging.WARNING


def _with_variants(given: Any) -> Any:  # noqa: ANN401  # as loose as JSON is
    if not isinstance(given, dict):
        return given
    names = ColumnNames((), ())
    return {**{names.variant(name): None for name in given if name not in OPTIONS}, **given}


def parsed(text: object) -> ast.AST | None:
    """Return an expression as the SDK reads it; none if it is invalid."""
    if not isinstance(text, str):
        return None
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return (
        body[0] if body and isinstance(body[0], ast.Expr) else None
    )  # the SDK reads the first one


def keys_of(name: str, text: object) -> set[str]:
    """Return the keys that an expression reads from an object, as `config['salt']` does."""
    tree = parsed(text)
    return {
        node.slice.value
        for node in (ast.walk(tree) if tree else ())
        if isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Name)
        and node.value.id == name
        and isinstance(node.slice, ast.Constant)
        and isinstance(node.slice.value, str)
    }


def _failure(exc: Exception, row_number: object) -> str:
    """Return what has failed, and why. Only a frame of the SDK knows the expression."""
    place = "it"
    for frame, _ in traceback.walk_tb(exc.__traceback__):
        if frame.f_code is CustomStreamMap._eval.__code__:  # noqa: SLF001
            variables = frame.f_locals
            place = f"the expression of {variables['property_name'] or MAPPER_FILTER_OPTION!r}"
            unset = keys_of("config", variables["expr"]).difference(
                variables["self"].map_config or ()
            )
            if isinstance(exc, KeyError) and (missing := unset.intersection(exc.args)):
                return f"{place} needs {missing.pop()!r} in the setting stream_map_config"
    row = f" in row {row_number}" if row_number else ""
    return (
        f"{place} fails{row} ({type(exc).__name__}). An expression must take every "
        "value of the columns that it uses, and null"
    )

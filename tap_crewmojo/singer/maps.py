"""Stream maps: validated, and applied to records by the SDK's mapper.

The maps read data about people. No text here repeats a value, or the message of an exception.
"""

from __future__ import annotations

import ast
import difflib
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
from tap_crewmojo.schema.names import VARIANT_SUFFIX, ColumnNames, column_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from tap_crewmojo.schema.names import Naming

_OPTIONS: Final = frozenset(
    {
        MAPPER_ALIAS_OPTION,
        MAPPER_ELSE_OPTION,
        MAPPER_FILTER_OPTION,
        MAPPER_KEY_PROPERTIES_OPTION,
        MAPPER_SOURCE_OPTION,
    }
)
_NULLS: Final = (None, NULL_STRING)
_RECORD: Final = ("_", "record")
"""Names of the whole record in an expression."""

_NAMES: Final = frozenset(
    {*_RECORD, "config", "fake", "self", "__stream_name__", "__original_stream_name__"}
)
_FUNCTIONS: Final = frozenset(object.__new__(CustomStreamMap).functions)


def mapper_of(config: Mapping[str, Any], logger: logging.Logger) -> PluginMapper:
    """Return the SDK's mapper for a configuration.

    A column that a map drops or replaces takes its variant with it: the values which do not fit
    the column's type would be sent unchanged. A map that names the variant decides itself.
    """
    logging.getLogger(PluginMapper.__module__).addFilter(_without_values)
    maps = {key: _with_variants(given) for key, given in (config.get("stream_maps") or {}).items()}
    return PluginMapper({**config, "stream_maps": maps}, logger)


def map_errors(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is invalid in the stream maps whatever the columns are, a sentence each."""
    maps = config.get("stream_maps")
    for key, given in maps.items() if isinstance(maps, dict) else ():
        if key.startswith("__"):
            if key != MAPPER_ELSE_OPTION:
                yield f"stream_maps: {key!r} must be a stream, or {MAPPER_ELSE_OPTION!r}"
        elif isinstance(given, dict):
            for name, value in given.items():
                if error := _error(name, value):
                    yield f"stream_maps: {name!r} of {key!r} {error}"
        elif given not in _NULLS:
            yield f"stream_maps: {key!r} must be an object, or null to leave the stream out"


def map_warnings(
    maps: Mapping[str, Any], columns: Mapping[str, Collection[str] | None]
) -> Iterator[str]:
    """Yield which maps and entries have no effect, a sentence each.

    Args:
        maps: the setting.
        columns: the columns of each stream, where they are known.
    """
    for key, given in maps.items():
        if key == MAPPER_ELSE_OPTION:
            continue
        entries = given if isinstance(given, dict) else {}
        source = entries.get(MAPPER_SOURCE_OPTION, key)
        matched = [known for name, known in columns.items() if fnmatch(name, source)]
        if not matched:
            yield (
                f"stream_maps: no stream is called {source!r}. The map {key!r} changes nothing"
                f"{_nearest(source, columns)}"
            )
            continue
        known = set().union(*(names or () for names in matched))
        if None not in matched:
            yield from _unknown_columns(key, entries, known)


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
        for entries in _maps_of(maps, stream).values()
        if entries.keys().isdisjoint({EXTRA, MAPPER_ELSE_OPTION})
        for name in entries
        if name not in _OPTIONS
    }


def heading_errors(
    maps: Mapping[str, Any], stream: str, columns: Mapping[str, object], naming: Naming
) -> Iterator[str]:
    """Yield which entries name a column by its heading, and would send its values unchanged.

    Args:
        maps: the setting.
        stream: the stream's name.
        columns: the JSON schemas of its columns, by name.
        naming: how columns are named.
    """
    for key, entries in _maps_of(maps, stream).items():
        for given in entries.keys() - _OPTIONS - columns.keys():
            if (name := column_of(given, columns, naming)) in columns:
                yield (
                    f"the stream map {key!r} names a column by its heading, {given!r}, and would "
                    f"not change it. Write the column's name, {name!r}"
                )


def _maps_of(maps: Mapping[str, Any], stream: str) -> dict[str, Mapping[str, Any]]:
    """Return the maps of a stream, by their keys."""
    return {
        key: entries
        for key, entries in maps.items()
        if isinstance(entries, dict)
        and (
            stream == (source := entries.get(MAPPER_SOURCE_OPTION, key)) or fnmatch(stream, source)
        )
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
    return {**{names.variant(name): None for name in given if name not in _OPTIONS}, **given}


def _error(name: str, value: object) -> str | None:
    match name:
        case _ if value is None:
            return None
        case "__else__":
            return None if value in _NULLS else "must be null"
        case "__source__" | "__alias__":
            return None if isinstance(value, str) else "must be the name of a stream"
        case "__key_properties__":
            names = isinstance(value, list) and all(isinstance(column, str) for column in value)
            return None if names else "must be an array of columns, or null"
        case "__filter__":
            return _expression_error(value)
        case _:
            return None if value in _NULLS else _expression_error(value)


def _expression_error(text: object) -> str | None:
    tree = _parsed(text)
    if tree is None:
        return "must be a valid expression"
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            name = node.func.id
            if name not in _FUNCTIONS:
                return f"uses an unknown function, {name!r}{_nearest(name, _FUNCTIONS)}"
    return None


def _parsed(text: object) -> ast.AST | None:
    if not isinstance(text, str):
        return None
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return (
        body[0] if body and isinstance(body[0], ast.Expr) else None
    )  # the SDK reads the first one


def _unknown_columns(key: str, entries: Mapping[str, Any], known: Collection[str]) -> Iterator[str]:
    for name, value in entries.items():
        if name not in _OPTIONS and value in _NULLS:
            if name not in known and name.removesuffix(VARIANT_SUFFIX) not in known:
                yield (
                    f"stream_maps: {key!r} leaves out the column {name!r}, which does not exist"
                    f"{_nearest(name, known)}"
                )
        elif name == MAPPER_FILTER_OPTION or name not in _OPTIONS:
            if name not in {*known, MAPPER_FILTER_OPTION} and _uses_self(value):
                yield (
                    f"stream_maps: {name!r} of {key!r} uses `self`, but the column {name!r} does "
                    f"not exist{_nearest(name, known)}"
                )
            for column in sorted(_used_columns(value).difference(known)):
                yield (
                    f"stream_maps: {name!r} of {key!r} uses the column {column!r}, which does not "
                    f"exist{_nearest(column, known)}"
                )


def _uses_self(text: object) -> bool:
    tree = _parsed(text)
    nodes = ast.walk(tree) if tree else ()
    return any(isinstance(node, ast.Name) and node.id == "self" for node in nodes)


def _used_columns(text: object) -> set[str]:
    """Return the columns that an expression uses by name."""
    tree = _parsed(text)
    nodes = list(ast.walk(tree)) if tree else []
    names = [node for node in nodes if isinstance(node, ast.Name)]
    set_here = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    keys = set().union(*(_keys_of(record, text) for record in _RECORD))
    return {node.id for node in names} - set_here - _NAMES - _FUNCTIONS | keys


def _keys_of(name: str, text: object) -> set[str]:
    """Return the keys that an expression reads from an object, as `config['salt']` does."""
    tree = _parsed(text)
    return {
        node.slice.value
        for node in (ast.walk(tree) if tree else ())
        if isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Name)
        and node.value.id == name
        and isinstance(node.slice, ast.Constant)
        and isinstance(node.slice.value, str)
    }


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _failure(exc: Exception, row_number: object) -> str:
    """Return what has failed, and why. Only a frame of the SDK knows the expression."""
    place = "it"
    for frame, _ in traceback.walk_tb(exc.__traceback__):
        if frame.f_code is CustomStreamMap._eval.__code__:  # noqa: SLF001
            variables = frame.f_locals
            place = f"the expression of {variables['property_name'] or MAPPER_FILTER_OPTION!r}"
            unset = _keys_of("config", variables["expr"]).difference(
                variables["self"].map_config or ()
            )
            if isinstance(exc, KeyError) and (missing := unset.intersection(exc.args)):
                return f"{place} needs {missing.pop()!r} in the setting stream_map_config"
    row = f" in row {row_number}" if row_number else ""
    return (
        f"{place} fails{row} ({type(exc).__name__}). An expression must take every "
        "value of the columns that it uses, and null"
    )

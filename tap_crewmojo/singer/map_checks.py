"""What is invalid in stream maps, or has no effect: a sentence each, without values."""

from __future__ import annotations

import ast
import difflib
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any, Final

from singer_sdk.mapper import MAPPER_ELSE_OPTION, MAPPER_FILTER_OPTION, CustomStreamMap

from tap_crewmojo.schema.names import VARIANT_SUFFIX, column_of
from tap_crewmojo.singer.maps import NULLS, OPTIONS, keys_of, maps_of, parsed, source_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from tap_crewmojo.schema.names import Naming

_RECORD: Final = ("_", "record")
"""Names of the whole record in an expression."""

_NAMES: Final = frozenset(
    {*_RECORD, "config", "fake", "self", "__stream_name__", "__original_stream_name__"}
)
_FUNCTIONS: Final = frozenset(object.__new__(CustomStreamMap).functions)


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
        elif given not in NULLS:
            yield f"stream_maps: {key!r} must be an object, or null to leave the stream out"


def map_warnings(
    maps: Mapping[str, Any],
    columns: Mapping[str, Collection[str] | None],
    by_name: Collection[str] = (),
) -> Iterator[str]:
    """Yield which maps and entries have no effect, a sentence each.

    Args:
        maps: the setting.
        columns: the columns of each stream, where they are known.
        by_name: streams that no pattern is for.
    """
    for key, given in maps.items():
        if key == MAPPER_ELSE_OPTION:
            continue
        entries = given if isinstance(given, dict) else {}
        source = source_of(key, given)
        matched = [
            known
            for name, known in columns.items()
            if name == source or (name not in by_name and fnmatch(name, source))
        ]
        if not matched:
            yield (
                f"stream_maps: no stream is called {source!r}. The map {key!r} changes nothing"
                f"{_nearest(source, columns)}"
            )
            continue
        known = set().union(*(names or () for names in matched))
        if None not in matched:
            yield from _unknown_columns(key, entries, known)


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
    for key, entries in maps_of(maps, stream).items():
        for given in entries.keys() - OPTIONS - columns.keys():
            if (name := column_of(given, columns, naming)) in columns:
                yield (
                    f"the stream map {key!r} names a column by its heading, {given!r}, and would "
                    f"not change it. Write the column's name, {name!r}"
                )


def _error(name: str, value: object) -> str | None:
    match name:
        case _ if value is None:
            return None
        case "__else__":
            return None if value in NULLS else "must be null"
        case "__source__" | "__alias__":
            return None if isinstance(value, str) else "must be the name of a stream"
        case "__key_properties__":
            names = isinstance(value, list) and all(isinstance(column, str) for column in value)
            return None if names else "must be an array of columns, or null"
        case "__filter__":
            return _expression_error(value)
        case _:
            return None if value in NULLS else _expression_error(value)


def _expression_error(text: object) -> str | None:
    tree = parsed(text)
    if tree is None:
        return "must be a valid expression"
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            name = node.func.id
            if name not in _FUNCTIONS:
                return f"uses an unknown function, {name!r}{_nearest(name, _FUNCTIONS)}"
    return None


def _unknown_columns(key: str, entries: Mapping[str, Any], known: Collection[str]) -> Iterator[str]:
    for name, value in entries.items():
        if name not in OPTIONS and value in NULLS:
            if name not in known and name.removesuffix(VARIANT_SUFFIX) not in known:
                yield (
                    f"stream_maps: {key!r} leaves out the column {name!r}, which does not exist"
                    f"{_nearest(name, known)}"
                )
        elif name == MAPPER_FILTER_OPTION or name not in OPTIONS:
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
    tree = parsed(text)
    nodes = ast.walk(tree) if tree else ()
    return any(isinstance(node, ast.Name) and node.id == "self" for node in nodes)


def _used_columns(text: object) -> set[str]:
    """Return the columns that an expression uses by name."""
    tree = parsed(text)
    nodes = list(ast.walk(tree)) if tree else []
    names = [node for node in nodes if isinstance(node, ast.Name)]
    set_here = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    keys = set().union(*(keys_of(record, text) for record in _RECORD))
    return {node.id for node in names} - set_here - _NAMES - _FUNCTIONS | keys


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""

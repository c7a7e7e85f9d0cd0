"""A stream's schema, inferred from a sample of its report.

The vendor publishes no types, so they are told from what a cell looks like, and nothing ambiguous
is guessed: what is no number, boolean, date or date-time beyond doubt stays a string. Numbers are
never `integer`: a target that later meets 1.5 in such a column stores 2 or stops.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tap_crewmojo.column_names import ColumnNames
from tap_crewmojo.column_types import MISFIT, ColumnType, converter
from tap_crewmojo.metadata import RESERVED, metadata_schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tap_crewmojo.rows import Row
    from tap_crewmojo.schema import SchemaRules

_MOST_REMEMBERED: Final = 1 << 16
_TOLD_BY_TEXT: Final = (
    ColumnType.NUMBER,
    ColumnType.DATE,
    ColumnType.DATE_TIME,
    ColumnType.BOOLEAN,
)


def infer(rows: Iterable[Row]) -> dict[str, ColumnType]:
    """Return the type of each column, by its heading, in the order of appearance.

    A column has a type if all its non-empty cells fit it; a column without any is a string.
    """
    types: dict[str, ColumnType | None] = {}
    fitting: dict[str, set[object]] = {}
    for row in rows:
        for heading, cell in row.items():
            known = types.setdefault(heading, None)
            if cell is None or known is ColumnType.STRING:
                continue
            if known is None:
                types[heading] = type_of_cell(cell)
                fitting[heading] = set()
            elif isinstance(cell, str) and cell in fitting[heading]:
                continue  # as the same dates and numbers come again and again
            elif converter(known)(cell) is MISFIT:
                types[heading] = ColumnType.STRING
            elif isinstance(cell, str) and len(fitting[heading]) < _MOST_REMEMBERED:
                fitting[heading].add(cell)
    return {heading: kind or ColumnType.STRING for heading, kind in types.items()}


def discovered_schema(
    types: Mapping[str, ColumnType], rules: SchemaRules, *, dated: bool
) -> dict[str, Any]:
    """Return the JSON schema of a stream whose columns' types were inferred.

    Args:
        types: the inferred types, by heading.
        rules: how the report's columns are typed.
        dated: whether the report is asked for by windows.
    """
    properties = {}
    for heading, name in ColumnNames((), RESERVED).assign(types).items():
        inferred = types[heading] if rules.infer_types else ColumnType.STRING
        given = rules.given(heading, name)
        properties[name] = (given.type if given else inferred).json_schema
    return {"type": "object", "properties": properties | metadata_schema(dated=dated)}


def type_of_cell(cell: str | dict[str, Any] | list[Any]) -> ColumnType:
    """Return the one type that a cell fits beyond doubt."""
    if isinstance(cell, dict):
        return ColumnType.OBJECT
    if isinstance(cell, list):
        return ColumnType.ARRAY
    return next(
        (kind for kind in _TOLD_BY_TEXT if converter(kind)(cell) is not MISFIT), ColumnType.STRING
    )

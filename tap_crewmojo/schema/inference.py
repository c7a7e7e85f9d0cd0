"""The schema of a stream, inferred from a sample of its report.

The vendor publishes no types, so they are inferred from the cells. A column is a string unless all
its cells fit the same other type. Numbers are never `integer`: a target that later gets 1.5 for
such a column stores 2 or stops.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tap_crewmojo.cells import is_empty
from tap_crewmojo.schema.metadata import RESERVED
from tap_crewmojo.schema.names import ColumnNames
from tap_crewmojo.schema.types import ColumnType, converter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tap_crewmojo.cells import Cell, Columns
    from tap_crewmojo.schema.converter import Converter
    from tap_crewmojo.schema.rules import SchemaRules

_TYPES_OF_TEXTS: Final = (
    ColumnType.NUMBER,
    ColumnType.DATE,
    ColumnType.DATE_TIME,
    ColumnType.BOOLEAN,
)


def infer(batches: Iterable[Columns]) -> dict[str, ColumnType]:
    """Return the type of each column by its heading, in the order of appearance.

    A column has a type if all of its cells with a value fit it; without any value it is a string.
    """
    types: dict[str, ColumnType | None] = {}
    converters: dict[str, Converter] = {}
    for batch in batches:
        for heading, cells in zip(batch.headings, batch.cells, strict=True):
            column_type = types.setdefault(heading, None)
            if column_type is None:
                first = next((cell for cell in cells if not is_empty(cell)), None)
                if first is None:
                    continue
                types[heading] = column_type = type_of_cell(first)
                converters[heading] = converter(column_type)
            if column_type is not ColumnType.STRING and not converters[heading].fits(cells):
                types[heading] = ColumnType.STRING
    return {heading: column_type or ColumnType.STRING for heading, column_type in types.items()}


def discovered_schema(
    types: Mapping[str, ColumnType], rules: SchemaRules, *, windowed: bool
) -> dict[str, Any]:
    """Return the JSON schema of a stream.

    Args:
        types: the inferred types, by heading.
        rules: the rules for the report's columns.
        windowed: whether the report is requested by windows.
    """
    properties = {}
    for heading, name in ColumnNames((), RESERVED, rules.naming).assign(types).items():
        inferred = types[heading] if rules.infer_types else ColumnType.STRING
        given = rules.given(heading, name)
        column_type = given.type if given else inferred
        properties[name] = {**rules.naming.describe(heading), **column_type.json_schema}
    return {"type": "object", "properties": properties | rules.own_columns(windowed=windowed)}


def type_of_cell(cell: Cell) -> ColumnType:
    """Return the type of a cell."""
    if isinstance(cell, dict):
        return ColumnType.OBJECT
    if isinstance(cell, list):
        return ColumnType.ARRAY
    fitting = (
        column_type for column_type in _TYPES_OF_TEXTS if converter(column_type).fits([cell])
    )
    return next(fitting, ColumnType.STRING)

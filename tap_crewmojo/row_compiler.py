"""A function compiled for one report's columns, that makes records of its rows as fast as it gets.

Its text is made of numbered names only: no heading and no value ever gets into it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from tap_crewmojo.column_types import MISFIT, ColumnType, Value
from tap_crewmojo.rows import scalar_cell
from tap_crewmojo.schema import ROW_NUMBER

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from tap_crewmojo.column_types import Converter
    from tap_crewmojo.schema import Column

CompiledRows: TypeAlias = Callable[[Iterable[Any], int, Callable[[Any], None]], Any]
"""Takes rows, the number of the row before them, and where to append their records.

Stops at a row that holds what it does not expect, and returns it; none if it got through.
"""

_MOST_REMEMBERED: Final = 1 << 16

_FUNCTION = """\
def convert(rows, number, append):
    for row in rows:
        number += 1
        {cells} = row
        if {guards}:
            return row
        try:
            append(Record({values}))
        except (Unexpected, TypeError):
            return row
    return None
"""


class UnexpectedError(Exception):
    """A cell is not of its column's type."""


class _Remembered(dict[Any, Value]):
    """The values of a column's cells: the same dates and numbers come again and again."""

    def __init__(self, convert: Converter, *, is_json: bool) -> None:
        super().__init__({"": None, None: None})
        if is_json and convert("true") is True:
            self.update({True: True, False: False})
        self._convert = convert

    def __missing__(self, cell: Any) -> Value:  # noqa: ANN401  # a scalar
        value = self._convert(cell if cell.__class__ is str else scalar_cell(cell))
        if value is MISFIT:
            raise UnexpectedError
        if len(self) < _MOST_REMEMBERED:
            self[cell] = value
        return value

    def converted(self, cell: str) -> Value:
        """Return a value without remembering it.

        Raises:
            UnexpectedError: the cell does not fit.
        """
        value = self._convert(cell)
        if value is MISFIT:
            raise UnexpectedError
        return value


def compile_rows(  # noqa: PLR0913  # what a record is made of
    record: Callable[..., Any],
    names: Sequence[str],
    columns: Sequence[Column],
    *,
    constants: Mapping[str, Value],
    required: AbstractSet[str],
    is_json: bool,
) -> CompiledRows:
    """Compile the function for a report's columns.

    Args:
        record: makes a record of values in the order of `names`.
        names: the columns of a record.
        columns: where the cells of a row go, in the order of the report's headings.
        constants: columns that have the same value in each row.
        required: columns that must have a value.
        is_json: whether rows hold JSON scalars; lists of texts if not.
    """
    scope: dict[str, Any] = {"Record": record, "Unexpected": UnexpectedError, "text": _text}
    values = {ROW_NUMBER: "number"}
    for place, (name, constant) in enumerate(constants.items()):
        scope[f"constant{place}"] = constant
        values[name] = f"constant{place}"
    guards = [] if required <= {column.name for column in columns} else ["True"]
    for place, column in enumerate(columns):
        cell = f"cell{place}"
        if column.name in required:
            guards.append(f"not {cell}")
        if column.is_new:
            guards.append(f"{cell} is not None and {cell} != ''")
        elif column.selected:
            scope[f"column{place}"] = _Remembered(column.convert, is_json=is_json)
            expression, guard = _conversion(column.kind, cell, f"column{place}", is_json=is_json)
            values[column.name] = expression
            guards += [guard] if guard else []
    code = _FUNCTION.format(
        cells="".join(f"cell{place}, " for place in range(len(columns))) or "()",
        guards=" or ".join(guards) or "False",
        values=", ".join(values.get(name, "None") for name in names),
    )
    exec(code, scope)  # noqa: S102  # see the module's docstring
    compiled: CompiledRows = scope["convert"]
    return compiled


def _conversion(kind: ColumnType, cell: str, column: str, *, is_json: bool) -> tuple[str, str]:
    """Return the expression that converts a cell, and what must not be true of it."""
    match kind, is_json:
        case ((ColumnType.OBJECT | ColumnType.ARRAY), True):
            # Its numbers have come as text: it has to be read again with all its types.
            conversion = "None", f"{cell} is not None"
        case ((ColumnType.OBJECT | ColumnType.ARRAY), False):
            conversion = f"{column}.converted({cell}) if {cell} else None", ""
        case ColumnType.STRING, True:
            conversion = f"(({cell} or None) if {cell}.__class__ is str else text({cell}))", ""
        case ColumnType.STRING, False:
            conversion = f"{cell} or None", ""
        # To a dictionary, 1 and True are the same key.
        case ((ColumnType.NUMBER | ColumnType.INTEGER), True):
            conversion = f"{column}[{cell}]", f"{cell}.__class__ is bool"
        case ColumnType.BOOLEAN, True:
            conversion = f"{column}[{cell}]", f"{cell}.__class__ is int"
        case _:
            conversion = f"{column}[{cell}]", ""
    return conversion


def _text(cell: Any) -> str | None:  # noqa: ANN401  # JSON
    if isinstance(cell, dict | list):
        raise UnexpectedError
    return scalar_cell(cell)

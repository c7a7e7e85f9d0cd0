"""A piece of JSON rows as columns of cells, and the values of those.

A piece is decoded to what its columns should hold; numbers and nested JSON stay as they are
written, since how a number is written counts. Where a cell is of another JSON type than its column,
all cells of the piece stay as they are written, and the odd ones are read one by one.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tap_crewmojo.column_types import ColumnType
from tap_crewmojo.rows import cell_of_json, scalar_cell
from tap_crewmojo.structs import struct_of
from tap_crewmojo.text_columns import nested_column, numbers_of, text_column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_crewmojo.cells import Cell
    from tap_crewmojo.column_types import Converter
    from tap_crewmojo.schema import Column
    from tap_crewmojo.text_columns import Cells, ColumnConverter

_NULL: Final = msgspec.Raw(b"null")
_CELL_TYPES: Final[dict[ColumnType, Any]] = {
    ColumnType.STRING: str | None,
    ColumnType.DATE: str | None,
    ColumnType.DATE_TIME: str | None,
    ColumnType.BOOLEAN: bool | None,
}
_TEXTS: Final = msgspec.json.Decoder(list[str | None])
_TEXT: Final = msgspec.json.Decoder(str)
_PLAIN_NUMBER_SIGNS: Final = b"0123456789.-"
_NUMBER_OR_NULL_SIGNS: Final = b"0123456789.-,nul"


def columns_of(
    piece: bytes, headings: Sequence[str], columns: Sequence[Column]
) -> list[Cells] | None:
    """Return the cells under each heading; none if there is another heading in the piece.

    Args:
        piece: an array of objects, known to be well-formed.
        headings: the headings, each of which `can_be_field`.
        columns: where their cells go.
    """
    typed = tuple(_cell_type(column) for column in columns)
    for types in (typed, (msgspec.Raw,) * len(typed)):
        try:
            rows = _decoder(tuple(headings), types).decode(piece)
        except msgspec.ValidationError:
            continue
        return list(zip(*map(msgspec.structs.astuple, rows), strict=True))
    return None


def json_column(kind: ColumnType, convert: Converter) -> ColumnConverter:
    """Return the converter of a column whose cells come from `columns_of`.

    Args:
        kind: the column's type.
        convert: turns one cell into its value.
    """
    by_text = functools.partial(_by_text, text_column(kind, convert), convert)
    match kind:
        case ColumnType.NUMBER:
            return functools.partial(_numbers, by_text)
        case ColumnType.BOOLEAN:
            return functools.partial(_booleans, by_text)
        case _:
            return by_text


def json_cell(cell: Any) -> Cell:  # noqa: ANN401  # a JSON value, perhaps undecoded
    """Return a cell as `rows.py` has it."""
    if not isinstance(cell, msgspec.Raw):
        return scalar_cell(cell)
    token = bytes(cell)
    if not token.translate(None, _PLAIN_NUMBER_SIGNS):
        return token.decode()
    return scalar_cell(_TEXT.decode(token)) if token[:1] == b'"' else cell_of_json(token)


@functools.lru_cache(maxsize=64)
def _decoder(headings: tuple[str, ...], types: tuple[Any, ...]) -> msgspec.json.Decoder[Any]:
    row_type = struct_of(
        headings, [(kind, _NULL if kind is msgspec.Raw else None) for kind in types]
    )
    rows: Any = list[row_type]  # type: ignore[valid-type]  # a type made just now
    return msgspec.json.Decoder(rows)


def _cell_type(column: Column) -> Any:  # noqa: ANN401  # a type, or a union of types
    return _CELL_TYPES.get(column.kind, msgspec.Raw) if column.selected else msgspec.Raw


def _are_raw(cells: Cells) -> bool:
    return isinstance(cells[0], msgspec.Raw)  # if one is, all are


def _numbers(otherwise: ColumnConverter, cells: Cells) -> Cells:
    numbers = numbers_of(b",".join(cells), len(cells), _NUMBER_OR_NULL_SIGNS)
    return otherwise(cells) if numbers is None else numbers


def _booleans(otherwise: ColumnConverter, cells: Cells) -> Cells:
    return otherwise(cells) if _are_raw(cells) else cells


def _by_text(from_texts: ColumnConverter, convert: Converter, cells: Cells) -> Cells:
    if not _are_raw(cells):
        return from_texts(cells)
    tokens = b",".join(cells)
    if not tokens.translate(None, _NUMBER_OR_NULL_SIGNS):
        numbers = tokens.decode().split(",")
        return from_texts([None if number == "null" else number for number in numbers])
    try:
        return from_texts(_TEXTS.decode(b"[%b]" % tokens))
    except msgspec.ValidationError:
        return nested_column(convert, list(map(json_cell, cells)))

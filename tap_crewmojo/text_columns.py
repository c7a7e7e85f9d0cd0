"""Whole columns of cells converted at a time, where they are as usual as they mostly are.

A column gives what the converter of its type gives cell by cell (`column_types.py`), a good deal
faster: one library call reads the numbers, or the date-times, of hundreds of rows.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import repeat
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from tap_crewmojo.column_types import MISFIT, MOST_DIGITS, ColumnType, Value, converter

if TYPE_CHECKING:
    from tap_crewmojo.column_types import Converter

Cells: TypeAlias = Sequence[Any]
ColumnConverter: TypeAlias = Callable[[Cells], Cells]
"""Takes the cells of a column, returns their values.

Raises:
    UnusualError: a value does not fit; which one, the rows tell when they are taken one by one.
"""

_LIMIT: Final = 10**MOST_DIGITS
_MOST_REMEMBERED: Final = 1 << 16
_NUMBER_SIGNS: Final = b"0123456789.-,"
_ALIKE: Final = bytes.maketrans(b"123456789.-", b"0" * 11)
_LONG: Final = b"0" * (MOST_DIGITS + 1)
_NUMBERS: Final = msgspec.json.Decoder(list[int | float | None])
_MOMENTS: Final = msgspec.json.Decoder(list[datetime])
_ZEROS: Final = bytes.maketrans(b"123456789", b"0" * 9)
_MOMENT_SHAPE = re.compile(rb"0000-00-00T00:00:00(?:\.0{1,6})?Z")


class UnusualError(Exception):
    """The rows of a chunk have to be looked at one by one."""


class _Remembered(dict[Any, Value]):
    """The values of a column's cells: the same dates and words come again and again."""

    def __init__(self, convert: Converter) -> None:
        super().__init__({"": None, None: None})
        self._convert = convert

    def __missing__(self, cell: str) -> Value:
        value = _fitting(self._convert, cell)
        if len(self) < _MOST_REMEMBERED:
            self[cell] = value
        return value


def text_column(kind: ColumnType, convert: Converter) -> ColumnConverter:
    """Return the converter of a column whose cells are texts, or nothing.

    Args:
        kind: the column's type.
        convert: turns one cell into its value.
    """
    remembered = _Remembered(convert)
    by_cell = functools.partial(_each, remembered)
    match kind:
        case ColumnType.STRING:
            return _texts
        case ColumnType.OBJECT | ColumnType.ARRAY:
            return functools.partial(nested_column, convert)
        case ColumnType.NUMBER:
            return functools.partial(_numbers, by_cell)
        case ColumnType.DATE_TIME if convert is converter(kind):
            return functools.partial(_moments, by_cell)
        case _:
            return by_cell


def nested_column(convert: Converter, cells: Cells) -> Cells:
    """Return the values of cells each of which is another, perhaps nested JSON."""
    return [None if cell is None or cell == "" else _fitting(convert, cell) for cell in cells]


def numbers_of(tokens: bytes, count: int, signs: bytes = _NUMBER_SIGNS) -> list[Any] | None:
    """Return the numbers that are beyond doubt what is written; none if one is not.

    Args:
        tokens: the numbers as JSON, with commas between them.
        count: how many they should be.
        signs: the characters that they may be made of.
    """
    if tokens.translate(None, signs):
        return None
    try:
        numbers = _NUMBERS.decode(b"[%b]" % tokens)
    except msgspec.MsgspecError:
        return None
    if len(numbers) != count:  # there was a comma within one
        return None
    if _LONG in tokens.translate(_ALIKE):
        present = [number for number in numbers if number is not None]
        is_exact = msgspec.json.encode(numbers) == b"[%b]" % tokens
        if not (is_exact and min(present) > -_LIMIT and max(present) < _LIMIT):
            return None
    return numbers


def _fitting(convert: Converter, cell: Any) -> Value:  # noqa: ANN401  # text, or nested JSON
    value = convert(cell)
    if value is MISFIT:
        raise UnusualError
    return value


def _each(remembered: _Remembered, cells: Cells) -> Cells:
    return list(map(remembered.__getitem__, cells))


def _texts(cells: Cells) -> Cells:
    return [cell or None for cell in cells] if "" in cells else cells


def _present(cells: Cells) -> Cells:
    return list(filter(None, cells)) if "" in cells or None in cells else cells


def _numbers(by_cell: ColumnConverter, cells: Cells) -> Cells:
    present = _present(cells)
    numbers = numbers_of(",".join(present).encode(), len(present)) if present else []
    if numbers is None:
        return by_cell(cells)
    if present is cells:
        return numbers
    following = iter(numbers)
    return [next(following) if cell else None for cell in cells]


def _moments(by_cell: ColumnConverter, cells: Cells) -> Cells:
    present = _present(cells)
    if not present:
        return _texts(cells)
    text = '","'.join(present).encode()
    shape = present[0].encode().translate(_ZEROS)
    if not _MOMENT_SHAPE.fullmatch(shape) or text.translate(_ZEROS) != b'","'.join(
        repeat(shape, len(present))
    ):
        return by_cell(cells)
    try:
        _MOMENTS.decode(b'["%b"]' % text)
    except msgspec.MsgspecError:
        return by_cell(cells)
    return _texts(cells)

"""JSON values converted to the cells that CSV has for the same values, row by row.

This is the slow path, for rows of any shape. The fast path is in `json_report.py`.
"""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from tap_crewmojo.cells import NUL, distinct
from tap_crewmojo.errors import UnusableResponseError

if TYPE_CHECKING:
    from tap_crewmojo.cells import Cell

DEEPEST: Final = 100
"""Levels of nesting in the values of a row, at most."""

_LONGEST_NUMBER: Final = 400
_MOST_ZEROS: Final = 20
_TOO_DEEP: Final = "nested too deeply"
# Numbers that may have more digits than a double holds.
_INEXACT = re.compile(r"[0-9][eE]|[0-9.]{16}|NaN|Infinity")
_BLANK = re.compile(r"[ \t\r\n]*+")


class _UnusableCellError(ValueError):
    """A value that cannot be a cell. The message has the reason, not the value."""


class _Number(str):
    """A JSON number as it is written: 1.50 and 1.5 differ."""

    __slots__ = ()


def objects_of(rows: str, number: int = 1) -> list[dict[str, Cell]]:
    """Return JSON objects as rows of cells; a name that an object repeats is numbered.

    Args:
        rows: the objects, with commas between them.
        number: the number of the first row.

    Raises:
        UnusableResponseError: a row is malformed, not an object, or has characters that databases
            refuse. The message has the row's number, not a value.
    """
    try:
        values = _CELLS.decode(f"[{rows}]")
    except (ValueError, RecursionError):
        raise _malformed(rows, number) from None
    result = []
    for place, value in enumerate(values, start=number):
        if not isinstance(value, dict):
            msg = f"the report has a row {place} that is not a JSON object"
            raise UnusableResponseError(msg)
        try:
            result.append({name: _cell(item) for name, item in value.items()})
            for name in value:
                _storable(name)
        except _UnusableCellError as exc:
            msg = f"the report is malformed JSON in row {place} ({exc})"
            raise UnusableResponseError(msg) from None
    return result


def cells_of(values: str) -> list[Cell]:
    """Return the cells for JSON values.

    Args:
        values: well-formed values with commas between them.
    """
    if not _INEXACT.search(values):
        cells: list[Any] = _NESTED.decode(f"[{values}]")
        if all(cell is None or isinstance(cell, dict | list) for cell in cells):
            return cells
    return list(map(_cell, _CELLS.decode(f"[{values}]")))


def scalar_cell(value: Any) -> str | None:  # noqa: ANN401  # a JSON scalar
    """Return the cell that CSV has for a JSON scalar."""
    match value:
        case None | "":
            return None
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)


def nested_cell(text: str) -> dict[str, Any] | list[Any] | None:
    """Return nested JSON from its text: a job may return a report as CSV that is JSON otherwise."""
    try:
        nested = _nested(_CELLS.decode(text), DEEPEST)
    except (ValueError, RecursionError):
        return None
    return nested if isinstance(nested, dict | list) else None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        names, values = zip(*pairs, strict=True)
        return dict(zip(distinct(names), values, strict=True))
    return result


_NESTED: Final = json.JSONDecoder(object_pairs_hook=_object)
_CELLS: Final = json.JSONDecoder(
    parse_float=_Number,
    parse_int=_Number,
    parse_constant=_Number,
    object_pairs_hook=_object,
)


def _malformed(rows: str, number: int) -> UnusableResponseError:
    """Return the failure with the number of the first malformed row."""
    place, reason = 0, "text behind a row"
    try:
        while True:
            place = _CELLS.raw_decode(rows, _past_blank(rows, place))[1]
            place = _past_blank(rows, place)
            if rows[place : place + 1] != ",":
                break
            place, number = place + 1, number + 1
    except json.JSONDecodeError as exc:
        reason = exc.msg
    except RecursionError:
        reason = _TOO_DEEP
    msg = f"the report is malformed JSON in row {number} ({reason})"
    return UnusableResponseError(msg)


def _past_blank(text: str, place: int) -> int:
    blank = _BLANK.match(text, place)
    return blank.end() if blank else place


def _cell(value: Any) -> Cell:  # noqa: ANN401  # whatever JSON holds
    kind = type(value)
    if kind is _Number:
        return _plain_number(value)
    if kind is str:
        return _storable(value) or None
    if kind is dict or kind is list:
        nested: dict[str, Any] | list[Any] = _nested(value, DEEPEST)
        return nested
    return scalar_cell(value)


def _plain_number(token: str) -> str:
    """Return a JSON number without an exponent if that is short: 5e-06 as 0.000005.

    Libraries write exponents for small numbers. In CSV, a cell such as 5e-06 may be a code.
    """
    if "e" not in token and "E" not in token:
        return str(token)
    exponent = token.lower().split("e")[1]
    is_short = len(exponent) < _MOST_ZEROS and abs(int(exponent)) < _MOST_ZEROS
    return f"{Decimal(token):f}" if is_short else str(token)


def _nested(value: Any, levels: int) -> Any:  # noqa: ANN401  # whatever JSON holds
    """Return nested JSON with Python's numbers in it."""
    if isinstance(value, dict | list) and not levels:
        raise _UnusableCellError(_TOO_DEEP)
    match value:
        case dict():
            return {_storable(key): _nested(item, levels - 1) for key, item in value.items()}
        case list():
            return [_nested(item, levels - 1) for item in value]
        case _Number():
            return _number(value)
        case str():
            return _storable(value)
        case _:
            return value


def _number(token: str) -> int | float | str:
    """Return a nested number, or its text if no integer or double holds all of its digits."""
    if len(token) > _LONGEST_NUMBER:
        return str(token)
    if token.lstrip("-").isdigit():
        return int(token)
    number = float(token)
    exact = math.isfinite(number) and Decimal(repr(number)) == Decimal(token)
    return number if exact else str(token)


def _storable(text: str) -> str:
    """Return a text if UTF-8 and databases can hold it.

    Raises:
        _UnusableCellError: the text has a NUL, or half of a surrogate pair.
    """
    if "\0" in text:
        raise _UnusableCellError(NUL)
    if not text.isascii() and any("\ud800" <= sign <= "\udfff" for sign in text):
        msg = "half of a surrogate pair, which is not a character"
        raise _UnusableCellError(msg)
    return str(text)

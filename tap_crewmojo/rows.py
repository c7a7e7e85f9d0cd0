"""The rows of a report's text, the same from CSV and from JSON."""

from __future__ import annotations

import csv
import itertools
import json
import math
from decimal import Decimal
from typing import IO, TYPE_CHECKING, Any, TypeAlias

from tap_crewmojo.errors import UnusableAnswerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tap_crewmojo.cells import Cell

Row: TypeAlias = "dict[str, Cell]"
"""One row, by the headings of the report."""

# The longest comment somebody wrote in a review is a cell, too: the module's 128 KiB are too few.
# But a quote that is not closed makes a cell of all that follows, each character four bytes.
csv.field_size_limit(1 << 26)


_LONGEST_NUMBER = 400
_FEW_DIGITS = 20
_NUL = "a NUL character, which databases refuse"


class _UnstorableError(ValueError):
    """A text holds what is no character to a database."""


class _Number(str):
    """A JSON number as it was written: its digits are needed to tell 1.50 from 1e5."""

    __slots__ = ()


def csv_lines(text: Iterable[str]) -> Iterator[list[str]]:
    """Return the headings, each once, then the cells of each row (RFC 4180).

    A blank line is no row: a row of one empty cell is written `""`.
    """
    lines = filter(None, csv.reader(text, strict=True))
    return itertools.chain((_distinct(next(lines)),), lines)


def check_csv(text: Iterable[str]) -> None:
    """Read CSV through, without making anything of it.

    Raises:
        UnusableAnswerError: a quote is not closed, a row has another width than the headings, or
            there is a NUL character.
    """
    width = number = 0
    try:
        for line in filter(None, csv.reader(_without_nul(text), strict=True)):
            if len(line) != width:
                if number:
                    msg = f"the report has {len(line)} cells in row {number} under {width} headings"
                    raise UnusableAnswerError(msg)
                width = len(line)
            number += 1
    except csv.Error as exc:
        msg = f"the report is malformed CSV in row {number} ({exc})"
        raise UnusableAnswerError(msg) from None


def _without_nul(text: Iterable[str]) -> Iterator[str]:
    for line in text:
        if "\0" in line:
            raise csv.Error(_NUL)
        yield line


def _distinct(headings: list[str]) -> list[str]:
    """Number the repetitions of a heading: CSV may repeat one, a record cannot."""
    taken = set(headings)
    result: list[str] = []
    for heading in headings:
        name = heading
        number = 1
        while name in result or (number > 1 and name in taken):
            number += 1
            name = f"{heading}__{number}"
        result.append(name)
    return result


def json_rows(text: IO[str]) -> Iterator[Row]:
    """Yield the objects of an array, or of the one array of objects that an object holds.

    Raises:
        UnusableAnswerError: malformed JSON, no such array, a row that is no object, or characters
            that no database stores.
    """
    yield from _objects(_rows_of(_loaded(text.read())))


def array_rows(piece: bytes) -> Iterator[Row]:
    """Yield the objects of a JSON array that is known to be well-formed."""
    yield from _objects(_loaded(piece))


def cell_of_json(token: bytes) -> Cell:
    """Return the cell that a JSON value makes, from how it is written."""
    return _cell(_loads(token))


def scalar_cell(value: Any) -> str | None:  # noqa: ANN401  # a JSON scalar
    """Return a JSON scalar as the cell that the same value makes in CSV."""
    match value:
        case None | "":
            return None
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)


def _plain_number(token: str) -> str:
    """Return a JSON number as CSV has it: 5e-06, which a library writes by itself, as 0.000005.

    A text that looks like this stays a text; here it is known to be a number.
    """
    if "e" not in token and "E" not in token:
        return str(token)
    plain = f"{Decimal(token):f}" if abs(int(token.lower().split("e")[1])) < _FEW_DIGITS else token
    return str(plain)


def nested_cell(text: str) -> dict[str, Any] | list[Any] | None:
    """Return nested JSON from its text, as a JSON report may come back from a job as CSV."""
    try:
        nested = _plain(_loads(text))
    except (ValueError, RecursionError):
        return None
    return nested if isinstance(nested, dict | list) else None


def _loads(text: str | bytes) -> Any:  # noqa: ANN401  # whatever JSON holds
    return json.loads(text, parse_float=_Number, parse_int=_Number, parse_constant=_Number)


def _loaded(text: str | bytes) -> Any:  # noqa: ANN401  # whatever JSON holds
    try:
        return _loads(text)
    except json.JSONDecodeError as exc:
        msg = f"the report is malformed JSON at character {exc.pos} ({exc.msg})"
    except RecursionError:
        msg = "the report is malformed JSON (nested too deeply)"
    raise UnusableAnswerError(msg)


def _objects(rows: Iterable[Any]) -> Iterator[Row]:
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            msg = f"the report has a row {number} that is no JSON object"
            raise UnusableAnswerError(msg)
        try:
            cells = {_storable(heading): _cell(value) for heading, value in row.items()}
        except _UnstorableError as exc:
            msg = f"the report is malformed JSON in row {number} ({exc})"
            raise UnusableAnswerError(msg) from None
        except RecursionError:
            msg = f"the report is malformed JSON in row {number} (nested too deeply)"
            raise UnusableAnswerError(msg) from None
        yield cells


def _rows_of(document: Any) -> list[Any]:  # noqa: ANN401  # whatever JSON holds
    if isinstance(document, list):
        return document
    arrays = _arrays_of_objects(document) if isinstance(document, dict) else []
    if not arrays and isinstance(document, dict):
        arrays = [value for value in document.values() if value == []]
    if len(arrays) != 1:
        msg = f"the report is JSON with {len(arrays)} arrays of objects where one is expected"
        raise UnusableAnswerError(msg)
    return arrays[0]


def _arrays_of_objects(document: dict[str, Any]) -> list[list[Any]]:
    return [
        value
        for value in document.values()
        if isinstance(value, list) and value and all(isinstance(item, dict) for item in value)
    ]


def _cell(value: Any) -> Cell:  # noqa: ANN401  # whatever JSON holds
    if isinstance(value, dict | list):
        nested: dict[str, Any] | list[Any] = _plain(value)
        return nested
    if isinstance(value, _Number):
        return _plain_number(value)
    return scalar_cell(_storable(value) if isinstance(value, str) else value)


def _plain(value: Any) -> Any:  # noqa: ANN401  # whatever JSON holds
    """Return nested JSON with its numbers as numbers again."""
    match value:
        case dict():
            return {_storable(key): _plain(item) for key, item in value.items()}
        case list():
            return [_plain(item) for item in value]
        case _Number():
            return _number(value)
        case str():
            return _storable(value)
        case _:
            return value


def _number(token: str) -> int | float | str:
    """Return a nested number, or its digits where neither an integer nor a double holds them."""
    if len(token) > _LONGEST_NUMBER:
        return str(token)
    if token.lstrip("-").isdigit():
        return int(token)
    number = float(token)
    exact = math.isfinite(number) and Decimal(repr(number)) == Decimal(token)
    return number if exact else str(token)


def _storable(text: str) -> str:
    """Return a text that UTF-8 can write and databases store.

    Raises:
        _UnstorableError: it holds a NUL, or half of a surrogate pair.
    """
    if "\0" in text:
        raise _UnstorableError(_NUL)
    if not text.isascii() and any("\ud800" <= sign <= "\udfff" for sign in text):
        msg = "half of a surrogate pair, which is no character"
        raise _UnstorableError(msg)
    return str(text)

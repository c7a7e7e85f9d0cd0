"""Column types: the syntax of each, its name in JSON schema and in Arrow, and its conversion.

A column is converted whole. A cell that does not fit the type of its column is data, too: its value
is null, and its text is the column's variant (see `schema.py`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import partial
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from tap_crewmojo.cells import is_empty
from tap_crewmojo.json_cells import nested_cell

if TYPE_CHECKING:
    from datetime import tzinfo

    from tap_crewmojo.cells import Cell

Value: TypeAlias = "str | int | float | bool | dict[str, Any] | list[Any] | None"
Values: TypeAlias = Sequence[Value]
Variants: TypeAlias = Sequence[str | None]
"""For each cell its text if it does not fit its column's type, or null."""

_One: TypeAlias = "Callable[[Cell], Value]"
_AllAtOnce: TypeAlias = Callable[[Sequence[Any]], Values | None]

MOST_DIGITS: Final = 15
"""Digits that a double always holds."""

_MOST_DECIMALS: Final = 24
_LIMIT: Final = 10**MOST_DIGITS
_NUMBER_CHARACTERS: Final = b"0123456789.-,"
_AS_ZEROS: Final = bytes.maketrans(b"123456789.-", b"0" * 11)
_LONG_NUMBER: Final = b"0" * (MOST_DIGITS + 1)
_NUMBERS: Final = msgspec.json.Decoder(list[int | float])

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_DATE_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?!24)[0-9]{2}:[0-9]{2}:[0-9]{2}"  # Python 3.14 reads 24:00, too
    r"(?:(?:\.[0-9]{1,9})?Z|(?:\.[0-9]{1,6})?[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
)
_DIGITS_AS_ZEROS: Final = bytes.maketrans(b"123456789", b"0" * 9)
_DATE_TIMES: Final = msgspec.json.Decoder(list[datetime])

_BOOLEANS: Final = {"true": True, "false": False}
_MOST_REMEMBERED: Final = 1 << 14
"""Distinct cells of a column whose values are kept."""

_FEW: Final = 16
"""Cells that are read one by one where one of them does not fit."""


class ColumnType(StrEnum):
    """The types that a column of a report can have."""

    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    DATE_TIME = "date-time"
    OBJECT = "object"
    ARRAY = "array"
    INTEGER = "integer"

    @classmethod
    def for_settings(cls) -> tuple[ColumnType, ...]:
        """Return the types that a user may give to a column."""
        return (cls.STRING, cls.NUMBER, cls.BOOLEAN, cls.DATE, cls.DATE_TIME)

    @property
    def json_schema(self) -> dict[str, Any]:
        """The type as JSON schema, nullable: any cell of a report may be empty."""
        if self in {ColumnType.DATE, ColumnType.DATE_TIME}:
            return {"type": ["string", "null"], "format": str(self)}
        return {"type": [str(self), "null"]}

    @property
    def arrow_type(self) -> str:
        """The type by its name in Arrow, which has none for nested JSON of any shape."""
        return {"number": "double", "integer": "int64", "boolean": "bool"}.get(self, "string")

    @classmethod
    def of_json_schema(cls, schema: object) -> ColumnType:
        """Return the type of a catalog's column; what is not one of ours is a string.

        Of alternatives the first that is not null counts. `true`, which allows all values, is one.
        """
        if not isinstance(schema, dict):
            return cls.STRING
        for alternatives in (schema.get("anyOf"), schema.get("oneOf")):
            for alternative in alternatives if isinstance(alternatives, list) else ():
                if not isinstance(alternative, dict) or alternative.get("type") != "null":
                    return cls.of_json_schema(alternative)
        declared = schema.get("type")
        names = declared if isinstance(declared, list) else [declared]
        kind = next((name for name in names if name != "null"), None)
        if kind == "string" and schema.get("format") in [cls.DATE, cls.DATE_TIME]:
            return cls(schema["format"])
        return cls(kind) if kind in list(cls) else cls.STRING


@dataclass(frozen=True, slots=True)
class ColumnConfig:
    """The type that the user gives to a column, instead of an inferred one.

    Args:
        type: the column's type.
        format: how its dates are written, in `strptime`'s terms; ISO 8601 where none is given.
    """

    type: ColumnType
    format: str | None = None


class Converter:
    """Converts columns of one type.

    Args:
        one: returns the value of a cell that is not empty; none if the cell does not fit.
        all_at_once: returns the values of a column, faster than one by one; none where it cannot,
            for a cell does not fit or is unusual.
    """

    def __init__(
        self,
        one: _One,
        all_at_once: _AllAtOnce | None = None,
    ) -> None:
        self._all_at_once = all_at_once
        self._remembered = _Remembered(one)

    def convert(self, cells: Sequence[Cell]) -> tuple[Values, Variants | None]:
        """Return the values of a column, and its variants if there are any."""
        if not self._all_at_once:
            values = self._one_by_one(cells)
        elif (at_once := self._all_at_once(cells)) is not None:
            return at_once, None
        else:  # a cell does not fit, or is unusual: only the few around it are read one by one
            parts = (cells[start : start + _FEW] for start in range(0, len(cells), _FEW))
            read = (self._all_at_once(part) or self._one_by_one(part) for part in parts)
            values = list(chain.from_iterable(read))
        if not self._remembered.has_unfit:
            return values, None
        variants = [
            to_text(cell) if value is None and not is_empty(cell) else None
            for cell, value in zip(cells, values, strict=True)
        ]
        return values, variants if any(variants) else None

    def fits(self, cells: Sequence[Cell]) -> bool:
        """Return whether all cells of a column fit its type."""
        return self.convert(cells)[1] is None

    def _one_by_one(self, cells: Sequence[Cell]) -> Values:
        try:
            return list(map(self._remembered.__getitem__, cells))
        except TypeError:  # nested JSON has no hash
            return [None if is_empty(cell) else self._remembered.value(cell) for cell in cells]


class _Remembered(dict[Any, Value]):
    """The values of a column's cells: the same dates and words come again and again.

    Args:
        one: returns the value of a cell.

    Attributes:
        has_unfit: whether any cell so far did not fit.
    """

    def __init__(self, one: _One) -> None:
        super().__init__({"": None, None: None})
        self.has_unfit = False
        self._one = one

    def value(self, cell: Cell) -> Value:
        """Return the value of a cell that is not empty."""
        value = self._one(cell)
        self.has_unfit |= value is None
        return value

    def __missing__(self, cell: Cell) -> Value:
        value = self.value(cell)
        # Nested JSON is not shared: who has a record may change the value in it.
        if len(self) < _MOST_REMEMBERED and not isinstance(value, dict | list):
            self[cell] = value
        return value


def converter(kind: ColumnType, form: str | None = None, zone: tzinfo = UTC) -> Converter:
    """Return what converts the cells of a column.

    Args:
        kind: the column's type.
        form: how its dates are written, in `strptime`'s terms.
        zone: the zone of date-times that `form` reads without one.
    """
    match kind:
        case ColumnType.DATE if form:
            return Converter(partial(_date_by_form, form))
        case ColumnType.DATE_TIME if form:
            return Converter(partial(_date_time_by_form, form, zone))
        case _:
            return Converter(*_CONVERSIONS[kind])


def to_text(cell: Cell) -> str | None:
    """Return a cell as a string column holds it; nested JSON as its compact text."""
    if cell is None or isinstance(cell, str):
        return cell
    return json.dumps(cell, ensure_ascii=False, separators=(",", ":"))


def _filled(cells: Sequence[Cell]) -> Sequence[Any]:
    """Return the cells that are not empty."""
    return cells if all(cells) else [cell for cell in cells if cell is not None and cell != ""]


def _strings(cells: Sequence[Cell]) -> Values:
    filled = _filled(cells)
    try:
        "".join(filled)  # the fastest way to learn if all are texts
    except TypeError:
        cells = list(map(to_text, cells))
    return cells if len(filled) == len(cells) else [cell or None for cell in cells]


def _present(convert: _AllAtOnce, cells: Sequence[Cell]) -> Values | None:
    """Convert those cells that are not empty, all at once."""
    filled = _filled(cells)
    values = convert(filled) if filled else ()
    if values is None or len(values) == len(cells):
        return values
    following = iter(values)
    return [None if is_empty(cell) else next(following) for cell in cells]


def _numbers(cells: Sequence[str]) -> list[int | float] | None:
    """Read numbers in JSON's syntax, without exponents, of which a double holds each digit.

    That is every one of up to 15 digits, and those longer ones that a double is written as, such
    as the averages 3.6666666666666665, but not long identifiers.
    """
    try:
        tokens = ",".join(cells).encode()
        if tokens.translate(None, _NUMBER_CHARACTERS):
            return None
        numbers = _NUMBERS.decode(b"[%b]" % tokens)
    except (TypeError, msgspec.MsgspecError):  # nested JSON, or other syntax
        return None
    if len(numbers) != len(cells):  # there is a comma in a cell
        return None
    if _LONG_NUMBER not in tokens.translate(_AS_ZEROS):
        return numbers
    if msgspec.json.encode(numbers) == b"[%b]" % tokens:  # as doubles are written
        return numbers if max(map(abs, numbers)) < _LIMIT else None
    return numbers if all(map(_is_exact, numbers, cells)) else None


def _is_exact(number: float, text: str) -> bool:
    """Return whether a double holds each digit of a number."""
    if len(text) <= MOST_DIGITS:
        return True
    if abs(number) >= _LIMIT or len(text.partition(".")[2]) > _MOST_DECIMALS:
        return False
    digits = text.lstrip("-0.").replace(".", "")
    return len(digits) <= MOST_DIGITS or f"{Decimal(repr(number)):f}" == text


def _number(cell: Cell) -> Value:
    numbers = _numbers([cell]) if isinstance(cell, str) else None
    return numbers[0] if numbers else None


def _integer(cell: Cell) -> Value:
    value = _number(cell)
    return value if isinstance(value, int) else None


def _boolean(cell: Cell) -> Value:
    return _BOOLEANS.get(cell.lower()) if isinstance(cell, str) else None


def _date(cell: Cell) -> Value:
    if not isinstance(cell, str) or not _DATE.fullmatch(cell):
        return None
    try:
        date.fromisoformat(cell)
    except ValueError:
        return None
    return cell


def _date_time(cell: Cell) -> Value:
    """Read an RFC 3339 date-time; one with an offset is written in UTC, as some targets drop it."""
    if not isinstance(cell, str) or not _DATE_TIME.fullmatch(cell):
        return None
    try:
        moment = datetime.fromisoformat(cell)
        return cell if cell.endswith("Z") else _in_utc(moment)
    except (ValueError, OverflowError):
        return None


def _date_times(cells: Sequence[str]) -> Values | None:
    """Read RFC 3339 date-times in UTC, written all alike."""
    first = cells[0]
    try:
        text = '","'.join(cells).encode()
    except TypeError:  # nested JSON
        return None
    alike = b'","'.join(repeat(first.encode().translate(_DIGITS_AS_ZEROS), len(cells)))
    if text.translate(_DIGITS_AS_ZEROS) != alike:
        return None
    if not first.endswith("Z") or not _DATE_TIME.fullmatch(first):
        return None
    try:
        _DATE_TIMES.decode(b'["%b"]' % text)
    except msgspec.MsgspecError:
        return None
    return cells


def _in_utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _date_by_form(form: str, cell: Cell) -> Value:
    try:
        return datetime.strptime(cell, form).date().isoformat()  # type: ignore[arg-type]  # noqa: DTZ007  # only its date
    except (ValueError, TypeError):
        return None


def _date_time_by_form(form: str, zone: tzinfo, cell: Cell) -> Value:
    try:
        moment = datetime.strptime(cell, form)  # type: ignore[arg-type]  # noqa: DTZ007  # below
        return _in_utc(moment if moment.tzinfo else moment.replace(tzinfo=zone))
    except (ValueError, TypeError, OverflowError):
        return None


def _nested(shape: type, cell: Cell) -> Value:
    value = nested_cell(cell) if isinstance(cell, str) else cell
    return value if isinstance(value, shape) else None


_CONVERSIONS: Final[dict[ColumnType, tuple[_One, *tuple[_AllAtOnce, ...]]]] = {
    ColumnType.STRING: (to_text, _strings),
    ColumnType.NUMBER: (_number, partial(_present, _numbers)),
    ColumnType.INTEGER: (_integer,),
    ColumnType.BOOLEAN: (_boolean,),
    ColumnType.DATE: (_date,),
    ColumnType.DATE_TIME: (_date_time, partial(_present, _date_times)),
    ColumnType.OBJECT: (partial(_nested, dict),),
    ColumnType.ARRAY: (partial(_nested, list),),
}

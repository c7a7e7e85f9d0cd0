"""The types of columns: the syntax of each, its conversion, its name in JSON schema and Arrow."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import partial
from itertools import repeat
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tap_crewmojo.cells import is_empty
from tap_crewmojo.json_cells import nested_cell
from tap_crewmojo.schema.converter import Converter, to_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from tap_crewmojo.cells import Cell
    from tap_crewmojo.schema.converter import AllAtOnce, One, Value, Values

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
        """The name of the type in Arrow, which has none for nested JSON of any shape."""
        return {"number": "double", "integer": "int64", "boolean": "bool"}.get(self, "string")

    @classmethod
    def of_json_schema(cls, schema: object) -> ColumnType:
        """Return the type of a catalog's column: a string if its schema is of no type here.

        Of alternatives, the first that is not null counts. `true`, which allows all values, is one.
        """
        if not isinstance(schema, dict):
            return cls.STRING
        for alternatives in (schema.get("anyOf"), schema.get("oneOf")):
            for alternative in alternatives if isinstance(alternatives, list) else ():
                if not isinstance(alternative, dict) or alternative.get("type") != "null":
                    return cls.of_json_schema(alternative)
        declared = schema.get("type")
        names = declared if isinstance(declared, list) else [declared]
        name = next((name for name in names if name != "null"), None)
        if name == "string" and schema.get("format") in [cls.DATE, cls.DATE_TIME]:
            return cls(schema["format"])
        return cls(name) if name in list(cls) else cls.STRING


def emitted_schema(column: object) -> dict[str, Any]:
    """Return the emitted schema of a catalog's column: nullable, without other limits."""
    given = column if isinstance(column, dict) else {}
    words = {name: given[name] for name in ("title", "description") if name in given}
    return words | ColumnType.of_json_schema(column).json_schema


@dataclass(frozen=True, slots=True)
class ColumnConfig:
    """The type that the user gives to a column, instead of an inferred one.

    Args:
        type: the column's type.
        format: the format of its dates, as for `strptime`; ISO 8601 by default.
    """

    type: ColumnType
    format: str | None = None


def converter(
    column_type: ColumnType, strptime_format: str | None = None, zone: tzinfo = UTC
) -> Converter:
    """Return a converter for a column.

    Args:
        column_type: the column's type.
        strptime_format: the format of its dates; ISO 8601 by default.
        zone: the zone of date-times that have none in this format.
    """
    match column_type:
        case ColumnType.DATE if strptime_format:
            return Converter(partial(_date_by_format, strptime_format))
        case ColumnType.DATE_TIME if strptime_format:
            return Converter(partial(_date_time_by_format, strptime_format, zone))
        case _:
            return Converter(*_CONVERSIONS[column_type])


def _strings(cells: Sequence[Cell]) -> Values:
    try:
        "".join(cells)  # type: ignore[arg-type]  # the fastest way to learn if all are texts
    except TypeError:  # a null, or nested JSON
        cells = [cell if cell is None or isinstance(cell, str) else to_text(cell) for cell in cells]
    return cells if all(cells) else [cell or None for cell in cells]


def _present(convert: AllAtOnce, cells: Sequence[Cell]) -> Values | None:
    """Convert the cells that are not empty, all at once."""
    filled = cells
    if not all(cells):
        filled = [cell for cell in cells if cell is not None and cell != ""]
    values = convert(filled) if filled else ()
    if values is None or len(values) == len(cells):
        return values
    following = iter(values)
    return [None if is_empty(cell) else next(following) for cell in cells]


def _numbers(cells: Sequence[str]) -> list[int | float] | None:
    """Read numbers in JSON's syntax, without exponents, if a double holds every digit of them.

    A double holds all numbers of up to 15 digits, and longer ones that are written as a double is,
    such as the average 3.6666666666666665. Long identifiers are no such numbers.
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
    """Read an RFC 3339 date-time. An offset is converted to UTC: some targets drop offsets."""
    if not isinstance(cell, str) or not _DATE_TIME.fullmatch(cell):
        return None
    try:
        moment = datetime.fromisoformat(cell)
        return cell if cell.endswith("Z") else _in_utc(moment)
    except (ValueError, OverflowError):
        return None


def _date_times(cells: Sequence[str]) -> Values | None:
    """Read RFC 3339 date-times in UTC that are all written in the same way."""
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


def _date_by_format(strptime_format: str, cell: Cell) -> Value:
    try:
        return datetime.strptime(cell, strptime_format).date().isoformat()  # type: ignore[arg-type]  # noqa: DTZ007  # only its date
    except (ValueError, TypeError):
        return None


def _date_time_by_format(strptime_format: str, zone: tzinfo, cell: Cell) -> Value:
    try:
        moment = datetime.strptime(cell, strptime_format)  # type: ignore[arg-type]  # noqa: DTZ007  # below
        return _in_utc(moment if moment.tzinfo else moment.replace(tzinfo=zone))
    except (ValueError, TypeError, OverflowError):
        return None


def _nested(shape: type, cell: Cell) -> Value:
    value = nested_cell(cell) if isinstance(cell, str) else cell
    return value if isinstance(value, shape) else None


_CONVERSIONS: Final[dict[ColumnType, tuple[One, *tuple[AllAtOnce, ...]]]] = {
    ColumnType.STRING: (to_text, _strings),
    ColumnType.NUMBER: (_number, partial(_present, _numbers)),
    ColumnType.INTEGER: (_integer,),
    ColumnType.BOOLEAN: (_boolean,),
    ColumnType.DATE: (_date,),
    ColumnType.DATE_TIME: (_date_time, partial(_present, _date_times)),
    ColumnType.OBJECT: (partial(_nested, dict),),
    ColumnType.ARRAY: (partial(_nested, list),),
}

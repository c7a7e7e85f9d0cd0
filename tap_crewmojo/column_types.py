"""Column types: written as JSON schema, and applied to cells."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from tap_crewmojo.rows import nested_cell

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import tzinfo

    from tap_crewmojo.cells import Cell

Value: TypeAlias = "str | int | float | bool | dict[str, Any] | list[Any] | None"

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(\.[0-9]{1,24})?", re.ASCII).fullmatch
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_DATE_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?!24)[0-9]{2}:[0-9]{2}:[0-9]{2}"  # Python 3.14 reads 24:00, too
    r"(?:(?:\.[0-9]{1,9})?Z|(?:\.[0-9]{1,6})?[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
)
MOST_DIGITS: Final = 15
"""Digits that a double always holds."""

_BOOLEANS: Final = {"true": True, "false": False}


class Misfit(StrEnum):
    """The value of a conversion that failed."""

    MISFIT = "misfit"


MISFIT: Final = Misfit.MISFIT

Converter: TypeAlias = "Callable[[Cell], Value | Misfit]"
"""Turns a non-null cell into the value of its column's type, or `MISFIT`."""


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


def converter(kind: ColumnType, form: str | None = None, zone: tzinfo = UTC) -> Converter:
    """Return the function that turns a column's cells into values.

    Args:
        kind: the column's type.
        form: how its dates are written, in `strptime`'s terms.
        zone: the zone of date-times that `form` reads without one.
    """
    match kind:
        case ColumnType.DATE if form:
            return lambda cell: _date_by_form(cell, form)
        case ColumnType.DATE_TIME if form:
            return lambda cell: _date_time_by_form(cell, form, zone)
        case _:
            return _CONVERTERS[kind]


def to_text(cell: Cell) -> str | None:
    """Return a cell as a string column holds it; nested JSON as its compact text."""
    if cell is None or isinstance(cell, str):
        return cell
    return json.dumps(cell, ensure_ascii=False, separators=(",", ":"))


def _number(cell: Cell) -> Value | Misfit:
    """Read a number in canonical JSON form that a double holds without losing a digit.

    That is every one of up to 15 digits, and those longer ones that a double is written as, such
    as the averages 3.6666666666666665; but no long identifier.
    """
    if not isinstance(cell, str) or not (match := _NUMBER(cell)):
        return MISFIT
    if not match[1]:
        return int(cell)
    value = float(cell)
    if len(cell) > MOST_DIGITS and f"{Decimal(repr(value)):f}" != cell:
        digits = len(cell.lstrip("-0.").replace(".", ""))
        return value if digits <= MOST_DIGITS else MISFIT
    return value


def _integer(cell: Cell) -> Value | Misfit:
    value = _number(cell)
    return value if isinstance(value, int) else MISFIT


def _boolean(cell: Cell) -> Value | Misfit:
    return _BOOLEANS.get(cell.lower(), MISFIT) if isinstance(cell, str) else MISFIT


def _date(cell: Cell) -> Value | Misfit:
    if not isinstance(cell, str) or not _DATE.fullmatch(cell):
        return MISFIT
    try:
        date.fromisoformat(cell)
    except ValueError:
        return MISFIT
    return cell


def _date_time(cell: Cell) -> Value | Misfit:
    """Read an RFC 3339 date-time; one with an offset is written in UTC, as some targets drop it."""
    if not isinstance(cell, str) or not _DATE_TIME.fullmatch(cell):
        return MISFIT
    try:
        moment = datetime.fromisoformat(cell)
        return cell if cell.endswith("Z") else _in_utc(moment)
    except (ValueError, OverflowError):
        return MISFIT


def _in_utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _date_by_form(cell: Cell, form: str) -> Value | Misfit:
    try:
        return datetime.strptime(cell, form).date().isoformat()  # type: ignore[arg-type]  # noqa: DTZ007  # only its date
    except (ValueError, TypeError):
        return MISFIT


def _date_time_by_form(cell: Cell, form: str, zone: tzinfo) -> Value | Misfit:
    try:
        moment = datetime.strptime(cell, form)  # type: ignore[arg-type]  # noqa: DTZ007  # below
        return _in_utc(moment if moment.tzinfo else moment.replace(tzinfo=zone))
    except (ValueError, TypeError, OverflowError):
        return MISFIT


def _object(cell: Cell) -> Value | Misfit:
    value = nested_cell(cell) if isinstance(cell, str) else cell
    return value if isinstance(value, dict) else MISFIT


def _array(cell: Cell) -> Value | Misfit:
    value = nested_cell(cell) if isinstance(cell, str) else cell
    return value if isinstance(value, list) else MISFIT


_CONVERTERS: Final[dict[ColumnType, Converter]] = {
    ColumnType.STRING: to_text,
    ColumnType.NUMBER: _number,
    ColumnType.INTEGER: _integer,
    ColumnType.BOOLEAN: _boolean,
    ColumnType.DATE: _date,
    ColumnType.DATE_TIME: _date_time,
    ColumnType.OBJECT: _object,
    ColumnType.ARRAY: _array,
}

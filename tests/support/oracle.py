"""What the records of a report must be: the documented rules, row by row, in plain Python."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

EXTRA = "_sdc_report_extra"

Row = dict[str, Any]
"""A row by its headings: texts, None where a cell is empty, nested JSON as Python objects."""


def value_of(kind: str, cell: Any, form: str | None = None) -> Any:  # noqa: ANN401
    """Return the value of a cell; None if it does not fit the type."""
    if kind == "string":
        return text_of(cell)
    if kind in {"object", "array"}:
        return nested(cell, dict if kind == "object" else list)
    if not isinstance(cell, str):
        return None
    if form:
        return by_form(kind, cell, form)
    read: dict[str, Callable[[str], Any]] = {
        "number": number,
        "integer": integer,
        "boolean": boolean,
        "date": iso_date,
        "date-time": iso_date_time,
    }
    return read[kind](cell)


def text_of(cell: Any) -> str | None:  # noqa: ANN401
    if cell is None or isinstance(cell, str):
        return cell
    return json.dumps(cell, ensure_ascii=False, separators=(",", ":"))


def boolean(text: str) -> bool | None:
    return {"true": True, "false": False}.get(text.lower())


def number(text: str) -> float | None:
    """Read a number that a double holds without losing a digit."""
    if not re.fullmatch(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,24})?", text, re.ASCII):
        return None
    if "." not in text:
        return int(text)
    value = float(text)
    significant = len(Decimal(text).as_tuple().digits)
    as_written = format(Decimal(repr(value)), "f") == text
    return value if significant <= 15 or Decimal(text) == 0 or as_written else None


def integer(text: str) -> float | None:
    return None if "." in text else number(text)


def iso_date(text: str) -> str | None:
    match = re.fullmatch(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", text, re.ASCII)
    try:
        return str(date(*map(int, match.groups()))) if match else None
    except ValueError:
        return None


def iso_date_time(text: str) -> str | None:
    """Read a date-time of RFC 3339, and write it in UTC if it has another offset."""
    match = re.fullmatch(
        r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))",
        text,
        re.ASCII,
    )
    if not match or (match[8] and len(match[7] or "") > 6):
        return None
    try:
        moment = datetime(*map(int, match.groups()[:6]), tzinfo=UTC)  # type: ignore[arg-type, misc]
        if not match[8]:
            return text
        if int(match[9]) > 23:
            return None
        offset = timedelta(hours=int(match[9]), minutes=int(match[10]))
        moment += timedelta(microseconds=int((match[7] or "0").ljust(6, "0")))
        moment += offset if match[8] == "-" else -offset
    except (ValueError, OverflowError):
        return None
    return moment.replace(tzinfo=None).isoformat() + "Z"


def by_form(kind: str, text: str, form: str) -> str | None:
    """Read a date, or a date-time of UTC, as `strptime` does."""
    try:
        moment = datetime.strptime(text, form)  # noqa: DTZ007  # below
    except ValueError:
        return None
    if kind == "date":
        return moment.date().isoformat()
    return moment.replace(tzinfo=UTC).isoformat().replace("+00:00", "Z")


def nested(cell: Any, shape: type) -> Any:  # noqa: ANN401
    if isinstance(cell, str):
        try:
            cell = json.loads(cell)
        except ValueError:
            return None
    return cell if isinstance(cell, shape) else None


def inferred(cells: Iterable[Any]) -> str:
    """Return the type of a column: that of its first value, if all others fit it."""
    present = [cell for cell in cells if cell is not None]
    if not present:
        return "string"
    texts = ("number", "date", "date-time", "boolean")
    first = present[0]
    kind = "object" if isinstance(first, dict) else "array" if isinstance(first, list) else None
    if not kind:
        kind = next((kind for kind in texts if value_of(kind, first) is not None), "string")
    fits = all(value_of(kind, cell) is not None for cell in present)
    return kind if fits else "string"


@dataclass(frozen=True)
class Stream:
    """What is known of a stream before a report is read.

    Args:
        types: of the columns in the schema.
        given: types that the user gave, and formats.
        names: the column of each heading.
        variants: the column for what does not fit another column.
        labels: the name of each heading in the extra column.
        hidden: names and headings that stream maps hide from the extra column.
        on_new_column: the setting.
        selected: returns whether the catalog selects a column.
        keys: the primary key.
    """

    types: Mapping[str, str]
    given: Mapping[str, tuple[str, str | None]]
    names: Mapping[str, str]
    variants: Callable[[str], str]
    labels: Mapping[str, str]
    hidden: Collection[str]
    on_new_column: str
    selected: Callable[[str], bool]
    keys: Sequence[str]

    def column(self, heading: str) -> tuple[str, str, str | None]:
        """Return name and type of the column of a heading, and the format of its dates."""
        name = self.names[heading]
        kind, form = self.given.get(heading) or self.given.get(name) or ("string", None)
        known = self.types.get(name, kind)
        return name, known, form if known == kind and kind in {"date", "date-time"} else None

    @property
    def adds(self) -> bool:
        """Whether a new column is added."""
        return self.on_new_column == "add" and all(map(self.selected, self.types))

    def collects(self, heading: str, *, is_new: bool) -> bool:
        """Whether values of a heading may be in the extra column."""
        is_hidden = heading in self.hidden or self.names[heading] in self.hidden
        is_listed = all(map(self.selected, self.types))
        allowed = not is_hidden and (is_listed or not is_new)
        return self.on_new_column == "collect" and allowed


@dataclass(frozen=True)
class Outcome:
    """What comes of a report.

    Args:
        records: their values, without those that are null.
        types: of the columns in the end.
        variants: how many values of each column did not fit.
        left_out: new columns that were not added.
        repeated: rows whose key an earlier row has.
    """

    records: list[Row]
    types: dict[str, str]
    variants: Counter[str]
    left_out: set[str]
    repeated: int


class RefusedError(Exception):
    """The report must be refused before its first record."""


def outcome(stream: Stream, headings: Iterable[str], rows: Iterable[Row]) -> Outcome:
    """Return what comes of a report.

    Args:
        stream: what is known before.
        headings: those that are known ahead of the rows.
        rows: all rows, also those without any value.

    Raises:
        RefusedError: no record of it may be emitted.
    """
    met = {stream.names[heading] for heading in headings}
    if stream.types and met and met.isdisjoint(stream.types):
        raise RefusedError
    result = Outcome([], dict(stream.types), Counter(), set(), 0)
    for row in rows:
        cells = {heading: cell for heading, cell in row.items() if cell is not None and cell != ""}
        if cells:
            result.records.append(_record(stream, cells, result))
    if any(key not in record for key in stream.keys for record in result.records):
        raise RefusedError
    keys = [tuple(str(record[key]) for key in stream.keys) for record in result.records]
    return replace(result, repeated=len(keys) - len(set(keys)) if stream.keys else 0)


def _record(stream: Stream, cells: Row, result: Outcome) -> Row:
    record: Row = {}
    extra: Row = {}
    for heading, cell in cells.items():
        name, kind, form = stream.column(heading)
        if not stream.selected(name):
            continue
        if name not in stream.types:
            if stream.on_new_column == "fail":
                raise RefusedError
            if stream.collects(heading, is_new=True):
                extra[stream.labels[heading]] = text_of(cell)
                continue
            if not stream.adds:
                result.left_out.add(name)
                continue
            result.types[name] = kind
        record[name] = value_of(kind, cell, form)
        if record[name] is None:
            del record[name]
            result.variants[name] += 1
            if stream.collects(heading, is_new=False):
                extra[stream.labels[heading]] = text_of(cell)
            elif stream.on_new_column != "collect":
                result.types[stream.variants(name)] = "string"
                record[stream.variants(name)] = text_of(cell)
    return record | ({EXTRA: text_of(dict(sorted(extra.items())))} if extra else {})

"""A JSON report on disk, its chunks decoded to columns of cells.

The way a number is written matters, so numbers and nested JSON are taken as they are written, and
texts are decoded. Each chunk is decoded with the headings and the columns of texts that the chunks
before it had. One that differs (a number in a column of texts, a heading that is missing) is
decoded again with no column of texts; one with a new or repeated heading is read row by row.
"""

from __future__ import annotations

import functools
import itertools
import re
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec
from typing_extensions import override

from tap_crewmojo.cells import MOST_COLUMNS, Columns
from tap_crewmojo.errors import UnusableResponseError
from tap_crewmojo.json_cells import cells_of, objects_of
from tap_crewmojo.readers.report import Report
from tap_crewmojo.structs import can_be_field, struct_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from tap_crewmojo.cells import Cell

_WIDEST: Final = 1000
"""Headings of a struct, at most: with more, it takes long to find the field of a name."""

_MOST_CELLS: Final = 1 << 20
"""Cells of a batch, at most, for reports of many headings each of which is in few rows."""

_ABSENT: Final = msgspec.Raw(b"")
_NULL: Final = msgspec.Raw(b"null")
_TEXTS: Final = msgspec.json.Decoder(list[str | None])
_NUMBER_OR_NULL_SIGNS: Final = b"0123456789.-,nul"
_BOOLEAN_OR_NULL_SIGNS: Final = b"truefalsn,"
_NAME_END = re.compile(rb'"[ \t\r\n]*+:')
_SPACED: Final = tuple((sign, sign + b":") for sign in (b" ", b"\t", b"\r", b"\n"))


_Column: TypeAlias = "Sequence[str | None] | bytes"
"""Texts; or values as they are written, with commas between them."""


class _Field(Enum):
    """The field of a struct for the values that the rows so far have under a heading."""

    TEXT = (str | None,)
    ANY = (msgspec.Raw,)
    ANY_OR_ABSENT = (msgspec.Raw, _ABSENT)


class JsonReport(Report):
    """A well-formed JSON report on disk.

    Args:
        chunks: its rows, from `JsonChunks`.
    """

    @override
    def headings(self) -> Sequence[str]:
        return next((batch.headings for batch in self.batches() if batch.headings), ())

    @override
    def batches(self, only: Collection[str] | None = None) -> Iterator[Columns]:
        fields: dict[str, _Field] = {}
        for chunk in self._chunks:
            if regular := _regular_rows(chunk, fields):
                yield regular.columns(only)
            else:
                rows = objects_of(chunk.decode())
                fields = {name: fields.get(name, _Field.TEXT) for name in _headings(fields, rows)}
                yield from _by_row(tuple(fields), rows, only)


class _Rows:
    """Rows with some of the same headings, each at most once in a row.

    Args:
        headings: the headings.
        columns: a column for each heading.
    """

    def __init__(self, headings: tuple[str, ...], columns: Sequence[_Column]) -> None:
        self._headings = headings
        self._columns = columns

    def columns(self, only: Collection[str] | None) -> Columns:
        """Return the rows that have a value as columns of cells."""
        places = [
            place for place, name in enumerate(self._headings) if only is None or name in only
        ]
        headings = tuple(self._headings[place] for place in places)
        first = _cells(self._columns[0])
        size = len(first)
        if all(first):  # no row is without a value
            cells = [_cells(self._columns[place]) if place else first for place in places]
            return Columns(headings, cells, size)
        every = list(map(_cells, self._columns))
        full = list(map(_has_value, zip(*every, strict=True)))
        cells = [every[place] for place in places]
        if not all(full):
            cells = [list(itertools.compress(column, full)) for column in cells]
        return Columns(headings, cells, sum(full), size - sum(full))


def _regular_rows(chunk: bytes, fields: dict[str, _Field]) -> _Rows | None:
    """Return the rows of a chunk, unless one has a new heading, or a heading twice.

    Args:
        chunk: the rows.
        fields: the field for each heading so far; updated.
    """
    headings = tuple(fields)
    if not 0 < len(headings) <= _WIDEST or not all(map(can_be_field, headings)):
        return None
    decoded = _decoded(chunk, headings, tuple(fields.values()))
    if decoded is None:
        decoded = _decoded(chunk, headings, (_Field.ANY_OR_ABSENT,) * len(headings))
        if decoded is None:
            return None
        for name, values in zip(headings, decoded, strict=True):
            if any(value is _ABSENT for value in values):
                fields[name] = _Field.ANY_OR_ABSENT
            elif fields[name] is _Field.TEXT and not _are_texts(values):
                fields[name] = _Field.ANY
    columns = list(map(_column, decoded))
    names = 0  # to be compared, since a struct keeps only the last value of a repeated name
    for values, column in zip(decoded, columns, strict=True):
        names += len(values)
        if isinstance(column, bytes):
            names -= values.count(_ABSENT)
            names += _names(column) if b"{" in column else 0
    return _Rows(headings, columns) if names == _names(chunk) else None


def _decoded(
    chunk: bytes, headings: tuple[str, ...], fields: tuple[_Field, ...]
) -> list[Sequence[Any]] | None:
    """Return the values under each heading: texts, or `msgspec.Raw`."""
    try:
        rows = _decoder(headings, fields).decode(b"[%b]" % chunk)
    except msgspec.MsgspecError:
        return None
    return list(zip(*map(msgspec.structs.astuple, rows), strict=True))


@functools.lru_cache(maxsize=64)
def _decoder(headings: tuple[str, ...], fields: tuple[_Field, ...]) -> msgspec.json.Decoder[Any]:
    row_type = struct_of(headings, [field.value for field in fields], kw_only=True)
    rows: Any = list[row_type]  # type: ignore[valid-type]  # made at run time
    return msgspec.json.Decoder(rows)


def _names(text: bytes) -> int:
    """Return the number of names in JSON; more if a text looks like one."""
    # `rfind` takes a third of the time of `in` if the second byte is frequent.
    if any(sign in text and text.rfind(spaced) >= 0 for sign, spaced in _SPACED):
        return len(_NAME_END.findall(text))
    return text.count(b'":')


def _are_texts(raws: Sequence[msgspec.Raw]) -> bool:
    return all(bytes(raw)[:1] in {b'"', b"n"} for raw in raws)


def _column(values: Sequence[Any]) -> _Column:
    if not isinstance(values[0], msgspec.Raw):
        return values
    if _ABSENT in values:
        values = [_NULL if value is _ABSENT else value for value in values]
    return b",".join(values)


def _cells(column: _Column) -> Sequence[Cell]:
    """Return the cells of a column."""
    if not isinstance(column, bytes):
        return column
    for signs in (_NUMBER_OR_NULL_SIGNS, _BOOLEAN_OR_NULL_SIGNS):
        if not column.translate(None, signs):
            return column.replace(b"null", b"").decode().split(",")
    try:
        return _TEXTS.decode(b"[%b]" % column)
    except msgspec.MsgspecError:
        return cells_of(column.decode())


def _by_row(
    headings: tuple[str, ...], rows: list[dict[str, Cell]], only: Collection[str] | None
) -> Iterator[Columns]:
    """Yield rows, each of which has some of the headings, as columns."""
    full = [row for row in rows if _has_value(row.values())]
    empty_rows = len(rows) - len(full)
    wanted = tuple(name for name in headings if only is None or name in only)
    step = max(_MOST_CELLS // max(len(wanted), 1), 1)
    for start in range(0, max(len(full), 1), step):
        part = full[start : start + step]
        cells = [[row.get(name) for row in part] for name in wanted]
        yield Columns(wanted, cells, len(part), 0 if start else empty_rows)


def _headings(known: Iterable[str], rows: Iterable[Iterable[str]]) -> dict[str, None]:
    headings = dict.fromkeys(itertools.chain(known, itertools.chain.from_iterable(rows)))
    if len(headings) > MOST_COLUMNS:
        msg = f"the report has more than {MOST_COLUMNS} columns"
        raise UnusableResponseError(msg)
    return headings


def _has_value(cells: Collection[Cell]) -> bool:
    return any(cells) or any(cell is not None and cell != "" for cell in cells)

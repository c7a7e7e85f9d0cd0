"""The rows of a report made records, in batches: the fast way, with the careful way behind it.

The fast way is a function compiled for the report's columns. A row that holds what it does not
expect (a misfit, a new column, nested JSON) goes the careful way of `schema.py`, which may add
columns; then the function is compiled anew. The records are the same either way.
"""

from __future__ import annotations

import functools
import itertools
import re
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from tap_crewmojo.errors import ReportError
from tap_crewmojo.row_compiler import compile_rows
from tap_crewmojo.rows import array_rows, plain_number, scalar_cell
from tap_crewmojo.schema import END_DATE, REQUESTED_AT, ROW_NUMBER, START_DATE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from tap_crewmojo.client import Download
    from tap_crewmojo.column_types import Value
    from tap_crewmojo.report_file import ReportFile
    from tap_crewmojo.reports import ReportRequest
    from tap_crewmojo.row_compiler import CompiledRows
    from tap_crewmojo.rows import Row
    from tap_crewmojo.schema import StreamSchema

Record: TypeAlias = "msgspec.Struct | dict[str, Value]"
"""A record, ready to be encoded: a struct, or a dictionary where a struct cannot have the names."""

BATCH: Final = 1000
"""Rows in a batch."""

_NO_NAME_IN_STRUCT = re.compile(r'["\\\x00-\x1f]')


class RecordMaker:
    """Makes the records of one report.

    Args:
        schema: the columns of the stream; grows with what the report holds.
        primary_keys: the vendor's columns that must have a value in each row.
        metadata: the tap's own columns, but for the row's number.

    Attributes:
        names: the columns of the records of the last batch, in their order.
        count: rows so far.
    """

    def __init__(
        self, schema: StreamSchema, primary_keys: Iterable[str], metadata: Mapping[str, Value]
    ) -> None:
        self.names: tuple[str, ...] = ()
        self.count = 0
        self._schema = schema
        self._primary_keys = frozenset(primary_keys)
        self._metadata = metadata
        self._record: Callable[..., Record] = dict
        self._revision = -1
        self._compiled: CompiledRows | None = None
        self._headings: Sequence[str] = ()

    def batches(self, report: ReportFile) -> Iterator[list[Record]]:
        """Yield the records of a report, those of one batch all of the same columns.

        Raises:
            ReportError: the report is another than the schema's, has a new column against the
                settings, or a row without a key; the text names the row's number, no value.
        """
        if not report.is_json:
            yield from self._csv_batches(report.lines())
        elif report.has_pieces:
            yield from self._json_batches(report.pieces())
        else:
            rows = list(report.rows())  # it is read whole anyway
            self._schema.check_headings(_headings_of(rows))
            yield from self._carefully(rows)

    def rehearse(self, report: ReportFile) -> None:
        """Make the records for nothing, so that what is wrong shows before the first is emitted.

        New columns are in the schema then.

        Raises:
            ReportError: as in `batches`.
        """
        misfits = self._schema.misfits.copy()
        for _ in self.batches(report):
            pass
        self._schema.misfits = misfits
        self.count = 0

    def _csv_batches(self, lines: Iterator[list[str]]) -> Iterator[list[Record]]:
        headings = next(lines)
        self._schema.check_headings(headings)
        for first in lines:
            chunk = itertools.chain((first,), itertools.islice(lines, BATCH - 1))
            odd, batch = self._convert(headings, chunk, is_json=False)
            yield batch
            if odd is not None:
                yield [self._careful({h: c or None for h, c in zip(headings, odd, strict=True)})]

    def _json_batches(self, pieces: Iterable[bytes]) -> Iterator[list[Record]]:
        headings: list[str] = []
        for piece in pieces:
            if not headings:
                headings = _headings_of(array_rows(piece))
                self._schema.check_headings(headings)
            rows = _decode(piece, headings)
            if rows is None:
                yield from self._carefully(array_rows(piece))
                headings = self._schema.headings
            else:
                yield from self._piece_batches(piece, rows, headings)

    def _piece_batches(
        self, piece: bytes, rows: Sequence[tuple[Any, ...]], headings: Sequence[str]
    ) -> Iterator[list[Record]]:
        start = self.count
        while (done := self.count - start) < len(rows):
            odd, batch = self._convert(headings, rows[done : done + BATCH], is_json=True)
            yield batch
            if odd is None:
                continue
            if any(isinstance(cell, dict | list) for cell in odd):
                # The numbers within it came as text: the rest is read again, with all its types.
                rest = itertools.islice(array_rows(piece), self.count - start, None)
                yield from self._carefully(rest)
            else:
                yield [self._careful(dict(zip(headings, map(scalar_cell, odd), strict=True)))]

    def _convert(
        self, headings: Sequence[str], rows: Iterable[Any], *, is_json: bool
    ) -> tuple[Any, list[Record]]:
        """Return the row that needs the careful way, if any, and the records of those before."""
        if self._renewed() or not self._compiled or headings != self._headings:
            self._headings = headings
            self._compiled = compile_rows(
                self._record,
                self.names,
                self._schema.columns(headings),
                constants=self._metadata,
                required=self._primary_keys,
                is_json=is_json,
            )
        batch: list[Record] = []
        odd = self._compiled(rows, self.count, batch.append)
        self.count += len(batch)
        return odd, batch

    def _carefully(self, rows: Iterable[Row]) -> Iterator[list[Record]]:
        for row in rows:
            yield [self._careful(row)]

    def _careful(self, row: Row) -> Record:
        self.count += 1
        values = self._schema.record(row)
        for name in self._primary_keys:
            if values.get(name) is None:
                msg = (
                    f"has no value for the primary key {name!r} in row {self.count} that fits its "
                    "type; choose other primary_keys, or none to use the row number"
                )
                raise ReportError(msg)
        if self._renewed():
            self._compiled = None
        values |= {**self._metadata, ROW_NUMBER: self.count}
        return self._record(*[values[name] for name in self.names])

    def _renewed(self) -> bool:
        """Take in what has changed in the schema; tell whether anything has."""
        if self._revision == self._schema.revision:
            return False
        self._revision = self._schema.revision
        names = (*self._schema.names, *self._metadata, ROW_NUMBER)
        self.names = tuple(filter(self._schema.is_selected, names))
        self._record = _record_type(self.names)
        return True


def metadata_of(request: ReportRequest, download: Download) -> dict[str, Value]:
    """Return the tap's own columns of a download's rows, but for their numbers."""
    window = request.window
    dates: dict[str, Value] = {}
    if window:
        dates = {START_DATE: window.start.isoformat(), END_DATE: window.end.isoformat()}
    return {**dates, REQUESTED_AT: download.requested_at.isoformat()}


def _headings_of(rows: Iterable[Row]) -> list[str]:
    return list(dict.fromkeys(itertools.chain.from_iterable(rows)))


def as_dict(record: Record, names: Sequence[str]) -> dict[str, Value]:
    """Return a record as the SDK wants it."""
    if isinstance(record, dict):
        return record
    return dict(zip(names, msgspec.structs.astuple(record), strict=True))


def _record_type(names: Sequence[str]) -> Callable[..., Record]:
    if any(map(_NO_NAME_IN_STRUCT.search, names)):
        return lambda *values: dict(zip(names, values, strict=True))
    fields = [f"field{place}" for place in range(len(names))]
    return msgspec.defstruct(
        "Record",
        [(field, Any) for field in fields],
        rename=dict(zip(fields, names, strict=True)),
        gc=False,
    )


def _decode(piece: bytes, headings: Sequence[str]) -> list[tuple[Any, ...]] | None:
    """Return rows as the cells under the headings; none if there is another heading.

    Numbers with a point come as text, with all their digits.
    """
    if any(map(_NO_NAME_IN_STRUCT.search, headings)):
        return None
    try:
        rows = _decoder(tuple(headings)).decode(piece)
    except msgspec.ValidationError:
        return None
    return [msgspec.structs.astuple(row) for row in rows]


@functools.lru_cache(maxsize=64)
def _decoder(headings: tuple[str, ...]) -> msgspec.json.Decoder[Any]:
    fields = [f"field{place}" for place in range(len(headings))]
    row_type = msgspec.defstruct(
        "Row",
        [(field, Any, None) for field in fields],
        rename=dict(zip(fields, headings, strict=True)),
        forbid_unknown_fields=True,
        gc=False,
    )
    rows: Any = list[row_type]  # type: ignore[valid-type]  # a type made just now
    return msgspec.json.Decoder(rows, float_hook=plain_number)

"""The rows of a report made records, in batches: the fast way, with the careful way behind it.

The fast way takes the rows of a chunk column by column. Where a chunk holds what that does not
expect (a misfit, a new column), it is divided, and the few rows in question go the careful way of
`schema.py`, one by one, which may add columns. The records are the same either way.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from tap_crewmojo.errors import ReportError
from tap_crewmojo.json_columns import columns_of, json_cell, json_column
from tap_crewmojo.metadata import END_DATE, REQUESTED_AT, ROW_NUMBER, START_DATE
from tap_crewmojo.repeated_keys import RepeatedKeys
from tap_crewmojo.rows import array_rows
from tap_crewmojo.structs import can_be_field, struct_of
from tap_crewmojo.text_columns import UnusualError, text_column

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from tap_crewmojo.client import Download
    from tap_crewmojo.column_types import Value
    from tap_crewmojo.report_file import ReportFile
    from tap_crewmojo.reports import ReportRequest
    from tap_crewmojo.rows import Row
    from tap_crewmojo.schema import StreamSchema
    from tap_crewmojo.text_columns import Cells, ColumnConverter

Record: TypeAlias = "msgspec.Struct | dict[str, Value]"
"""A record, ready to be encoded: a struct, or a dictionary where a struct cannot have the names."""

CHUNK: Final = 500
"""Rows of CSV that are taken together: their cells fit into a processor's cache."""

_FEW: Final = 8
"""Rows that are not worth another division."""

_PARTS: Final = 8
"""Parts that a division makes: with two, a misfit in each part has all converted once a level."""


class RecordMaker:
    """Makes the records of one report.

    Args:
        schema: the columns of the stream; grows with what the report holds.
        primary_keys: the vendor's columns that must have a value in each row.
        metadata: the tap's own columns, but for the row's number.

    Attributes:
        schema: as given.
        primary_keys: as given.
        metadata: as given.
        names: the columns of the records of the last batch, in their order.
        count: rows so far.
    """

    def __init__(
        self, schema: StreamSchema, primary_keys: Iterable[str], metadata: Mapping[str, Value]
    ) -> None:
        self.names: tuple[str, ...] = ()
        self.count = 0
        self.schema = schema
        self.primary_keys = frozenset(primary_keys)
        self.metadata = metadata
        self._record: Callable[..., Record] = dict
        self._revision = -1
        self._converters: dict[str, ColumnConverter] = {}
        self._headings: Sequence[str] = ()

    def batches(self, report: ReportFile) -> Iterator[list[Record]]:
        """Yield the records of a report, those of one batch all of the same columns.

        Raises:
            ReportError: the report is another than the schema's, has a new column against the
                settings, or a row without a key; the text names the row's number, no value.
        """
        if not report.is_json:
            yield from self._csv_batches(report)
        elif report.has_pieces:
            yield from self._json_batches(report.pieces())
        else:
            rows = list(report.rows())  # it is read whole anyway
            self.schema.check_headings(_headings_of(rows))
            yield from self._carefully(rows)

    def selected(self) -> tuple[str, ...]:
        """Return the columns of a record, as the schema is now."""
        names = (*self.schema.names, *self.metadata, ROW_NUMBER)
        return tuple(filter(self.schema.is_selected, names))

    def rehearse(self, report: ReportFile) -> None:
        """Make the records for nothing, so that what is wrong shows before the first is emitted.

        New columns are in the schema then.

        Raises:
            ReportError: as in `batches`.
        """
        misfits = self.schema.misfits.copy()
        repeated = RepeatedKeys(self.primary_keys)
        for batch in self.batches(report):
            repeated.look_at(map(as_tuple, batch), self.names)
        self.schema.misfits = misfits
        self.schema.repeated_keys += repeated.count
        self.count = 0

    def _csv_batches(self, report: ReportFile) -> Iterator[list[Record]]:
        headings = report.headings()
        self.schema.check_headings(headings)
        for rows in report.chunks(CHUNK):
            yield from self._chunk(headings, list(zip(*rows, strict=True)), is_json=False)

    def _json_batches(self, pieces: Iterable[bytes]) -> Iterator[list[Record]]:
        headings: list[str] = []
        for piece in pieces:
            if not headings:
                headings = _headings_of(array_rows(piece))
                self.schema.check_headings(headings)
            columns = None
            if headings and all(map(can_be_field, headings)):
                columns = columns_of(piece, headings, self.schema.columns(headings))
            if columns is None:
                yield from self._carefully(array_rows(piece))
                headings = self.schema.headings
            else:
                yield from self._chunk(headings, columns, is_json=True)

    def _chunk(
        self, headings: Sequence[str], columns: Sequence[Cells], *, is_json: bool
    ) -> Iterator[list[Record]]:
        try:
            batch = self._converted(headings, columns, is_json=is_json)
        except UnusualError:
            size = len(columns[0])
            if size > _FEW:
                step = max(size // _PARTS, _FEW)
                for start in range(0, size, step):
                    part = [cells[start : start + step] for cells in columns]
                    yield from self._chunk(headings, part, is_json=is_json)
            else:
                cell = json_cell if is_json else _csv_cell
                rows = zip(*columns, strict=True)
                yield from self._carefully(
                    dict(zip(headings, map(cell, row), strict=True)) for row in rows
                )
        else:
            self.count += len(batch)
            yield batch

    def _converted(
        self, headings: Sequence[str], columns: Sequence[Cells], *, is_json: bool
    ) -> list[Record]:
        """Return the records of a chunk, if all is as expected."""
        known = self.schema.columns(headings)
        if self._renewed() or headings != self._headings:
            self._headings = headings
            make = json_column if is_json else text_column
            self._converters = {
                column.name: make(column.kind, column.convert)
                for column in known
                if column.selected
            }
        size = len(columns[0])
        values: dict[str, Iterable[Any]] = {
            name: itertools.repeat(value, size) for name, value in self.metadata.items()
        }
        values[ROW_NUMBER] = range(self.count + 1, self.count + size + 1)
        for column, cells in zip(known, columns, strict=True):
            if not column.selected:
                continue
            values[column.name] = converted = self._converters[column.name](cells)
            if column.is_new and any(value is not None for value in converted):
                raise UnusualError
        lacks_key = any(None in values.get(name, (None,)) for name in self.primary_keys)
        if lacks_key or not self.names:
            raise UnusualError
        nulls = [None] * size
        return list(map(self._record, *[values.get(name, nulls) for name in self.names]))

    def _carefully(self, rows: Iterable[Row]) -> Iterator[list[Record]]:
        for row in rows:
            yield [self._careful(row)]

    def _careful(self, row: Row) -> Record:
        self.count += 1
        values = self.schema.record(row)
        for name in self.primary_keys:
            if values.get(name) is None:
                msg = (
                    f"has no value for the primary key {name!r} in row {self.count} that fits its "
                    "type. If it is not empty, run `--discover` again, which makes keys strings, "
                    "or set its type to string in the catalog; otherwise choose other "
                    "primary_keys, or none to use the row number"
                )
                raise ReportError(msg)
        if self._renewed():
            self._headings = ()
        values |= {**self.metadata, ROW_NUMBER: self.count}
        return self._record(*[values[name] for name in self.names])

    def _renewed(self) -> bool:
        """Take in what has changed in the schema; tell whether anything has."""
        if self._revision == self.schema.revision:
            return False
        self._revision = self.schema.revision
        self.names = self.selected()
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


def as_tuple(record: Record) -> tuple[Value, ...]:
    """Return the values of a record, in the order of its columns."""
    if isinstance(record, dict):
        return tuple(record.values())
    return msgspec.structs.astuple(record)


def as_dict(record: Record, names: Sequence[str]) -> dict[str, Value]:
    """Return a record as the SDK wants it."""
    return dict(zip(names, as_tuple(record), strict=True))


def _csv_cell(cell: str) -> str | None:
    return cell or None


def _record_type(names: Sequence[str]) -> Callable[..., Record]:
    if not all(map(can_be_field, names)):
        return lambda *values: dict(zip(names, values, strict=True))
    return struct_of(names, [(Any,)] * len(names))

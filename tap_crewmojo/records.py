"""The records of a report, made from columns a batch at a time."""

from __future__ import annotations

import itertools
from array import array
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from tap_crewmojo.cells import is_empty
from tap_crewmojo.errors import ReportError
from tap_crewmojo.schema.extra import as_objects
from tap_crewmojo.schema.metadata import END_DATE, EXTRA, REQUESTED_AT, ROW_NUMBER, START_DATE
from tap_crewmojo.schema.rules import OnNewColumn
from tap_crewmojo.structs import can_be_field, struct_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from tap_crewmojo.api.client import Download
    from tap_crewmojo.cells import Cell, Columns
    from tap_crewmojo.config.reports import ReportRequest
    from tap_crewmojo.readers.report import Report
    from tap_crewmojo.schema.converter import Value, Values, Variants
    from tap_crewmojo.schema.stream_schema import Column, StreamSchema

Record: TypeAlias = "msgspec.Struct | dict[str, Value]"
"""A record: a struct, or a dictionary if a struct cannot have the names."""

_PARTS: Final = 256
"""Parts that a report's keys are divided into: only one is compared, and in a set, at a time."""


@dataclass(slots=True)
class Counts:
    """Counts of the rows of one report.

    Args:
        rows: rows that became records.
        empty_rows: rows without any value, which are skipped.
        repeated_keys: rows with the primary key of an earlier row.
        variants: the number of values of each column that do not fit its type.
        collected: the number of values of each new column that are in the extra column.
        headings: the vendor's headings.
    """

    rows: int = 0
    empty_rows: int = 0
    repeated_keys: int = 0
    variants: Counter[str] = field(default_factory=Counter)
    collected: Counter[str] = field(default_factory=Counter)
    headings: set[str] = field(default_factory=set)


class RecordMaker:
    """Makes the records of one report.

    Args:
        schema: the columns of the stream; new columns are added to it.
        primary_keys: the vendor's columns that must have a value in each row.
        metadata: the tap's own columns, except for the row's number.

    Attributes:
        schema: as given.
        metadata: as given.
        names: the columns of the records of the last batch, in their order.
        counts: the counts so far.
    """

    def __init__(
        self, schema: StreamSchema, primary_keys: Iterable[str], metadata: Mapping[str, Value]
    ) -> None:
        self.schema = schema
        self.metadata = metadata
        self.names: tuple[str, ...] = ()
        self.counts = Counts()
        self._primary_keys = frozenset(primary_keys)
        self._record: Callable[..., Record] = dict
        self._revision = -1

    def batches(self, report: Report) -> Iterator[list[Record]]:
        """Yield the records of a report in batches, each with the same columns in all records.

        Raises:
            ReportError: as in `check`, before the first batch.
        """
        self.check(report)
        for batch in report.batches():
            values = self.take(self.convert(batch), batch.size, batch.empty_rows)
            if batch.size:
                yield self._records(values, batch.size)

    def check(self, report: Report) -> None:
        """Refuse a report of which no record may be emitted, and count repeated keys.

        If the settings forbid new columns, all rows are read: in JSON, any row may have a new
        heading. For the primary key, only its columns are read.

        Raises:
            ReportError: the report has no column of the schema, a new column that the settings
                forbid, or a row without a key; the message has the row's number, no value.
        """
        headings = report.headings()
        self.counts.headings.update(headings)
        self.schema.check_headings(headings)
        if self.schema.on_new_column is OnNewColumn.FAIL:
            for batch in report.batches():
                for column, _ in self._filled(batch):
                    if column.is_new:
                        self.schema.home(column)
        if self._primary_keys:
            self._check_keys(report)

    def _check_keys(self, report: Report) -> None:
        headings = [
            column.heading
            for column in self.schema.columns(report.headings())
            if column.name in self._primary_keys and (self.schema.adds_columns or not column.is_new)
        ]
        keys = KeyCheck(self._primary_keys)
        for batch in report.batches(headings):
            converted = self.convert(batch)
            keys.add({column.name: values for column, values, _ in converted}, batch.size)
        self.counts.repeated_keys = keys.repeated

    def convert(self, batch: Columns) -> list[tuple[Column, Values, Variants | None]]:
        """Return the columns to emit, with their values and variants."""
        return [(column, *column.converter.convert(cells)) for column, cells in self._filled(batch)]

    def take(
        self, converted: Iterable[tuple[Column, Any, Variants | None]], size: int, empty_rows: int
    ) -> dict[str, Any]:
        """Count rows, add their new columns to the schema, and return their values by column.

        In a schema that never changes, one column collects the values of new ones.

        Args:
            converted: the vendor's columns, from `convert` or with Arrow's values.
            size: the number of rows.
            empty_rows: the number of rows without any value, which are not in the columns.
        """
        first = self.counts.rows + 1
        values: dict[str, Any] = {ROW_NUMBER: range(first, first + size)}
        self.counts.rows += size
        self.counts.empty_rows += empty_rows
        extra: dict[str, Variants] = {}
        for column, cells, variants in converted:
            home = self.schema.home(column)
            if home == EXTRA:
                extra[column.key] = cells
                self.counts.collected[column.name] += size - cells.count(None)
            elif home:
                values[home] = cells
            if home and variants:
                self.counts.variants[column.name] += size - variants.count(None)
                home = self.schema.home_of_variants(column)
                if home == EXTRA:
                    extra[column.key] = variants
                elif home:
                    values[home] = variants
        if extra:
            values[EXTRA] = as_objects(extra)
        return values

    def selected(self) -> tuple[str, ...]:
        """Return the columns of a record in the present schema."""
        names = (*self.schema.names, *self.schema.own_names)
        return tuple(filter(self.schema.is_selected, names))

    def _filled(self, batch: Columns) -> Iterator[tuple[Column, Sequence[Cell]]]:
        """Yield the columns to emit; new ones only if they have a value."""
        self.counts.headings.update(batch.headings)
        columns = self.schema.columns(batch.headings)
        for column, cells in zip(columns, batch.cells, strict=True):
            if column.selected and not (column.is_new and all(map(is_empty, cells))):
                yield column, cells

    def _records(self, values: dict[str, Any], size: int) -> list[Record]:
        if self._revision != self.schema.revision:
            self._revision = self.schema.revision
            self.names = self.selected()
            self._record = _record_type(self.names)
        values |= {name: itertools.repeat(value, size) for name, value in self.metadata.items()}
        nulls = [None] * size
        return list(map(self._record, *[values.get(name, nulls) for name in self.names]))


class KeyCheck:
    """Checks that each row of a report has a primary key, and counts repeated keys.

    Only a hash of eight bytes is kept of each key.

    Args:
        names: the columns of the key.
    """

    def __init__(self, names: Collection[str]) -> None:
        self._names = names
        self._rows = 0
        self._hashes = [array("q") for _ in range(_PARTS)]

    @property
    def repeated(self) -> int:
        """The number of rows whose key an earlier row has."""
        return sum(len(hashes) - len(set(hashes)) for hashes in self._hashes)

    def add(self, values: Mapping[str, Values], size: int) -> None:
        """Check the keys of some rows, and add them.

        Raises:
            ReportError: a row has no key.
        """
        columns = [values.get(name, (None,) * size) for name in self._names]
        for name, column in zip(self._names, columns, strict=True):
            if None in column:
                msg = (
                    f"has no value for the primary key {name!r} in row "
                    f"{self._rows + column.index(None) + 1} that fits its type. If it is not "
                    "empty, run `--discover` again, which makes keys strings, or set its type to "
                    "string in the catalog; otherwise choose other "
                    "primary_keys, or none to use the row number"
                )
                raise ReportError(msg)
        self._rows += size
        # Texts are hashed: the numbers -1 and -2 have the same hash, and nested JSON has none.
        for key in map(hash, zip(*(map(str, column) for column in columns), strict=True)):
            self._hashes[key % _PARTS].append(key)


def metadata_of(request: ReportRequest, download: Download) -> dict[str, Value]:
    """Return the tap's own columns of a download's rows, except for their numbers."""
    window = request.window
    dates: dict[str, Value] = {}
    if window:
        dates = {START_DATE: window.start.isoformat(), END_DATE: window.end.isoformat()}
    return {**dates, REQUESTED_AT: download.requested_at.isoformat()}


def as_dict(record: Record, names: Sequence[str]) -> dict[str, Value]:
    """Return a record as the SDK takes it."""
    if isinstance(record, dict):
        return record
    return dict(zip(names, msgspec.structs.astuple(record), strict=True))


def _record_type(names: Sequence[str]) -> Callable[..., Record]:
    if not all(map(can_be_field, names)):
        return lambda *values: dict(zip(names, values, strict=True))
    return struct_of(names, [(Any,)] * len(names))

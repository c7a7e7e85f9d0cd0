"""The records of a report as Arrow tables, made from columns.

Arrow reads CSV four times faster than `csv` does. The types of the columns convert each distinct
cell of a block once. This needs the extra `parquet`.
"""

from __future__ import annotations

import codecs
import functools
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import pyarrow as pa
from pyarrow import csv

from tap_crewmojo.readers.csv_report import CsvReport
from tap_crewmojo.schema.converter import to_text
from tap_crewmojo.schema.types import ColumnType

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_crewmojo.readers.report import Report
    from tap_crewmojo.records import RecordMaker
    from tap_crewmojo.schema.converter import Variants
    from tap_crewmojo.schema.stream_schema import Column

ArrowTypes: TypeAlias = Mapping[ColumnType, tuple[pa.DataType, Callable[[Any], Any] | None]]
"""For each type of a column its Arrow type, and what makes such a value of a record's, if needed.
"""

AS_IN_RECORDS: Final[ArrowTypes] = {
    column_type: (pa.type_for_alias(column_type.arrow_type), None) for column_type in ColumnType
}
"""Dates and date-times are texts, as in a RECORD message. Nested JSON has no type."""

AS_VALUES: Final[ArrowTypes] = {
    **AS_IN_RECORDS,
    ColumnType.DATE: (pa.date32(), date.fromisoformat),
    # Microseconds hold the years 1 to 9999, and are what pandas, polars and DuckDB have.
    ColumnType.DATE_TIME: (pa.timestamp("us", tz="UTC"), datetime.fromisoformat),
    ColumnType.OBJECT: (pa.string(), to_text),
    ColumnType.ARRAY: (pa.string(), to_text),
}
"""Dates and date-times are such, without digits beyond microseconds. Nested JSON is its text."""

_BLOCK: Final = 1 << 22

_ROWS: Final = 10_000

_READERS: Final = 2  # besides the thread that takes the tables; more would wait for it


@dataclass(frozen=True, slots=True)
class _Block:
    """Some rows, converted for `RecordMaker.take`."""

    converted: Sequence[tuple[Column, Any, Variants | None]]
    size: int
    empty_rows: int


def record_tables(
    report: Report,
    maker: RecordMaker,
    types: ArrowTypes,
    *,
    block_size: int = _BLOCK,
    table_rows: int = _ROWS,
) -> Iterator[pa.Table]:
    """Yield the records of a report in tables, with the same columns until columns are added.

    Args:
        report: the report.
        maker: converts its columns.
        types: the Arrow types of the columns.
        block_size: bytes of CSV that are read together, at least.
        table_rows: rows of a table, at least; fewer in the last one with the same columns.

    Raises:
        ReportError: as in `RecordMaker.check`, before the first table.
    """
    maker.check(report)
    gathered: list[pa.Table] = []
    for block in _blocks(report, maker, types, block_size):
        values = maker.take(block.converted, block.size, block.empty_rows)
        if not block.size:
            continue
        table = _table(maker, values, block.size, types)
        if gathered and (
            table.schema != gathered[0].schema or sum(map(len, gathered)) >= table_rows
        ):
            yield pa.concat_tables(gathered)
            gathered.clear()
        gathered.append(table)
    if gathered:
        yield pa.concat_tables(gathered)


def arrow_schema(columns: Mapping[str, ColumnType], types: ArrowTypes) -> pa.Schema:
    """Return columns with their Arrow types."""
    return pa.schema([(name, types[column_type][0]) for name, column_type in columns.items()])


def _table(maker: RecordMaker, values: Mapping[str, Any], size: int, types: ArrowTypes) -> pa.Table:
    known = maker.schema.types()
    columns = {name: known[name] for name in maker.selected()}

    def column(name: str) -> pa.Array:
        if name in maker.metadata:
            (value,) = _array([maker.metadata[name]], columns[name], types)
            return pa.repeat(value, size)
        return _array(values.get(name, (None,) * size), columns[name], types)

    return pa.Table.from_arrays(list(map(column, columns)), schema=arrow_schema(columns, types))


def _array(values: Any, column_type: ColumnType, types: ArrowTypes) -> pa.Array:  # noqa: ANN401  # Arrow has no types
    if isinstance(values, pa.Array):
        return values
    arrow_type, convert = types[column_type]
    if convert:
        values = [None if value is None else convert(value) for value in values]
    return pa.array(values, arrow_type)


def _blocks(report: Report, maker: RecordMaker, types: ArrowTypes, size: int) -> Iterator[_Block]:
    if isinstance(report, CsvReport):
        yield from _csv_blocks(report, maker, types, size)
    else:
        for batch in report.batches():
            yield _Block(maker.convert(batch), batch.size, batch.empty_rows)


def _csv_blocks(
    report: CsvReport, maker: RecordMaker, types: ArrowTypes, size: int
) -> Iterator[_Block]:
    read = functools.partial(_read, maker.schema.columns(report.headings()), types)
    with ThreadPoolExecutor(_READERS) as readers:
        being_read: deque[Future[_Block]] = deque()
        for block in report.blocks(size):
            being_read.append(readers.submit(read, block))
            if len(being_read) > _READERS:
                yield being_read.popleft().result()
        while being_read:
            yield being_read.popleft().result()
    yield _Block((), 0, report.empty_rows)


def _read(columns: Sequence[Column], types: ArrowTypes, block: bytes) -> _Block:
    """Return the values of some lines of CSV, as `RecordMaker.convert` does."""
    if block.startswith(codecs.BOM_UTF8):  # Arrow would remove it from the first cell
        block = b"\n" + block
    names = [str(place) for place in range(len(columns))]
    rows = csv.read_csv(
        pa.BufferReader(block),
        csv.ReadOptions(column_names=names, block_size=len(block) + 1, use_threads=False),
        csv.ParseOptions(newlines_in_values=True),
        csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            check_utf8=False,  # checked when the report was spooled
        ),
    )
    converted = []
    for column, chunks in zip(columns, rows.columns, strict=True):
        cells = chunks.combine_chunks()
        if column.selected and not (column.is_new and cells.null_count == len(cells)):
            converted.append((column, *_convert(column, cells, types)))
    return _Block(converted, len(rows), 0)


def _convert(
    column: Column, cells: pa.Array, types: ArrowTypes
) -> tuple[pa.Array, Variants | None]:
    if column.type is ColumnType.STRING:
        return (cells.to_pylist() if column.is_new else cells), None  # see `RecordMaker.take`
    distinct = cells.dictionary_encode()
    values, variants = column.converter.convert(distinct.dictionary.to_pylist())
    return _array(values, column.type, types).take(distinct.indices), (
        pa.array(variants, pa.string()).take(distinct.indices).to_pylist() if variants else None
    )

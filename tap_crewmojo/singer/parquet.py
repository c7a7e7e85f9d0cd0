"""The records of a report as parquet files, written from columns by Arrow.

Arrow reads CSV four times faster than `csv` does. The types of the columns convert each distinct
cell of a block once. This needs the extra `parquet`.
"""

from __future__ import annotations

import codecs
import functools
import itertools
import operator
import tempfile
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final

import pyarrow as pa
from pyarrow import csv, parquet

from tap_crewmojo.readers.csv_report import CsvReport
from tap_crewmojo.schema.types import ColumnType

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tap_crewmojo.readers.report import Report
    from tap_crewmojo.records import RecordMaker
    from tap_crewmojo.schema.converter import Variants
    from tap_crewmojo.schema.stream_schema import Column

_BLOCK: Final = 1 << 22

_ROWS: Final = 10_000

_READERS: Final = 2  # besides the thread that writes; more would wait for it


@dataclass(frozen=True, slots=True)
class _Block:
    """Some rows, converted for `RecordMaker.take`."""

    converted: Sequence[tuple[Column, Any, Variants | None]]
    size: int
    empty_rows: int


def spool_parquet(
    report: Report,
    maker: RecordMaker,
    compression: str | None,
    *,
    block_size: int = _BLOCK,
    table_rows: int = _ROWS,
) -> Iterator[IO[bytes]]:
    """Yield the records of a report in unlinked parquet files, which the caller closes.

    They are in one file, and in a further file each time columns were added.

    Args:
        report: the report.
        maker: converts its columns.
        compression: the name that parquet has for it; default: snappy.
        block_size: bytes of CSV that are read together, at least.
        table_rows: rows that are written together, at least.

    Raises:
        ReportError: as in `RecordMaker.check`, before the first file.
    """
    maker.check(report)
    by_schema = operator.attrgetter("schema")
    for schema, alike in itertools.groupby(
        _tables(_blocks(report, maker, block_size), maker, table_rows), by_schema
    ):
        yield _spooled(schema, alike, compression)


def spool_records(
    records: Sequence[Mapping[str, Any]], types: Mapping[str, ColumnType], compression: str | None
) -> IO[bytes]:
    """Return some records in an unlinked parquet file, which the caller closes.

    Args:
        records: the records, with the same columns in all of them.
        types: the types of the columns.
        compression: as in `spool_parquet`.
    """
    schema = _schema(records[0], types)
    return _spooled(schema, [pa.Table.from_pylist(list(records), schema=schema)], compression)


def _schema(names: Iterable[str], types: Mapping[str, ColumnType]) -> pa.Schema:
    return pa.schema([(name, pa.type_for_alias(types[name].arrow_type)) for name in names])


def _spooled(schema: pa.Schema, tables: Iterable[pa.Table], compression: str | None) -> IO[bytes]:
    file = tempfile.TemporaryFile(prefix="tap-crewmojo-")  # noqa: SIM115  # handed to the caller
    try:
        with parquet.ParquetWriter(file, schema, compression=compression or "snappy") as writer:
            for table in tables:
                writer.write_table(table)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


def _tables(blocks: Iterable[_Block], maker: RecordMaker, rows: int) -> Iterator[pa.Table]:
    """Yield the records in tables of at least so many rows, unless the schema changes."""
    gathered: list[pa.Table] = []
    for block in blocks:
        values = maker.take(block.converted, block.size, block.empty_rows)
        if not block.size:
            continue
        table = _table(maker, values, block.size)
        if gathered and (table.schema != gathered[0].schema or sum(map(len, gathered)) >= rows):
            yield pa.concat_tables(gathered)
            gathered.clear()
        gathered.append(table)
    if gathered:
        yield pa.concat_tables(gathered)


def _table(maker: RecordMaker, values: dict[str, Any], size: int) -> pa.Table:
    schema = _schema(maker.selected(), maker.schema.types())
    values |= {name: pa.repeat(value, size) for name, value in maker.metadata.items()}
    nulls = [None] * size
    arrays = [_array(values.get(field.name, nulls), field.type) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def _array(values: Any, arrow_type: pa.DataType) -> pa.Array:  # noqa: ANN401  # Arrow has no types
    return values if isinstance(values, pa.Array) else pa.array(values, arrow_type)


def _blocks(report: Report, maker: RecordMaker, size: int) -> Iterator[_Block]:
    if isinstance(report, CsvReport):
        yield from _csv_blocks(report, maker, size)
    else:
        for batch in report.batches():
            yield _Block(maker.convert(batch), batch.size, batch.empty_rows)


def _csv_blocks(report: CsvReport, maker: RecordMaker, size: int) -> Iterator[_Block]:
    read = functools.partial(_read, maker.schema.columns(report.headings()))
    with ThreadPoolExecutor(_READERS) as readers:
        being_read: deque[Future[_Block]] = deque()
        for block in report.blocks(size):
            being_read.append(readers.submit(read, block))
            if len(being_read) > _READERS:
                yield being_read.popleft().result()
        while being_read:
            yield being_read.popleft().result()
    yield _Block((), 0, report.empty_rows)


def _read(columns: Sequence[Column], block: bytes) -> _Block:
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
            converted.append((column, *_convert(column, cells)))
    return _Block(converted, len(rows), 0)


def _convert(column: Column, cells: pa.Array) -> tuple[pa.Array, Variants | None]:
    if column.type is ColumnType.STRING:
        return cells, None
    distinct = cells.dictionary_encode()
    values, variants = column.converter.convert(distinct.dictionary.to_pylist())
    arrow_type = pa.type_for_alias(column.type.arrow_type)
    return pa.array(values, arrow_type).take(distinct.indices), (
        pa.array(variants, pa.string()).take(distinct.indices).to_pylist() if variants else None
    )

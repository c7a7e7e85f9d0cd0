"""The records of a report as a parquet file, made in columnar form by Arrow.

Arrow reads what is as usual beyond doubt; the columns it might read otherwise than we do are
converted as those of records are, and a report with a misfit or a new column is written from its
records. So values and types are the same. Needs the extra `parquet`.
"""

from __future__ import annotations

import codecs
import functools
import itertools
import tempfile
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import IO, TYPE_CHECKING, Final, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from tap_crewmojo.column_types import MOST_DIGITS, ColumnType, converter
from tap_crewmojo.metadata import ROW_NUMBER
from tap_crewmojo.records import as_tuple
from tap_crewmojo.text_columns import UnusualError, text_column

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from tap_crewmojo.column_types import Value
    from tap_crewmojo.records import RecordMaker
    from tap_crewmojo.report_file import ReportFile
    from tap_crewmojo.schema import Column

BLOCK: Final = 1 << 22
"""Bytes of CSV that are read together, at least."""

ROWS: Final = 10_000
"""Records that are taken together."""

_READERS: Final = 2  # beside the thread that writes; more would wait for it
_Block: TypeAlias = "tuple[dict[str, pa.Array], int]"
_NUMBER: Final = r"^-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]+)?$"
_MOMENT: Final = r"^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?Z$"
_TYPES: Final = {
    ColumnType.NUMBER: pa.float64(),
    ColumnType.INTEGER: pa.int64(),
    ColumnType.BOOLEAN: pa.bool_(),
}


def spool_parquet(report: ReportFile, maker: RecordMaker, compression: str | None) -> IO[bytes]:
    """Return the records of a report as an unlinked parquet file.

    Args:
        report: the report.
        maker: makes its records; its `count` is the number of rows then.
        compression: parquet's name of it; none for what is usual with parquet, which is snappy.

    Raises:
        ReportError: as in `RecordMaker.batches`.
    """
    try:
        return _spooled(_csv_tables(report, maker), compression)
    except UnusualError:
        maker.count = 0
        maker.rehearse(report)
        return _spooled(_record_tables(report, maker), compression)


def _spooled(tables: Iterator[pa.Table], compression: str | None) -> IO[bytes]:
    file = tempfile.TemporaryFile(prefix="tap-crewmojo-")  # noqa: SIM115  # handed to the caller
    try:
        if (first := next(tables, None)) is not None:
            with parquet.ParquetWriter(
                file, first.schema, compression=compression or "snappy"
            ) as writer:
                for table in itertools.chain((first,), tables):
                    writer.write_table(table)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


def _csv_tables(report: ReportFile, maker: RecordMaker) -> Iterator[pa.Table]:
    if report.is_json or not report.has_pieces:
        raise UnusualError
    headings = report.headings()
    maker.schema.check_headings(headings)
    columns = maker.schema.columns(headings)
    present = {column.name for column in columns}
    if any("\n" in heading for heading in headings) or not maker.primary_keys <= present:
        raise UnusualError
    read = functools.partial(_read, columns, maker.primary_keys)
    with ThreadPoolExecutor(_READERS) as readers:
        being_read: deque[Future[_Block]] = deque()
        for block in report.blocks(BLOCK):
            being_read.append(readers.submit(read, block))
            if len(being_read) > _READERS:
                yield _table(maker, *being_read.popleft().result())
        while being_read:
            yield _table(maker, *being_read.popleft().result())


def _read(columns: Sequence[Column], keys: AbstractSet[str], block: bytes) -> _Block:
    """Return the values of some lines of CSV, by column, and how many lines they are.

    Raises:
        UnusualError: there is a misfit, a value in a new column, none in a key, or a byte order
            mark.
    """
    if block.startswith(codecs.BOM_UTF8):  # Arrow would take it off the first cell
        raise UnusualError
    names = [str(place) for place in range(len(columns))]
    selected = [name for name, column in zip(names, columns, strict=True) if column.selected]
    cells = csv.read_csv(
        pa.BufferReader(block),
        csv.ReadOptions(column_names=names, block_size=len(block) + 1, use_threads=False),
        csv.ParseOptions(newlines_in_values=True),
        csv.ConvertOptions(
            include_columns=selected,
            column_types=dict.fromkeys(selected, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            check_utf8=False,  # it was, when the report was landed
        ),
    )
    values: dict[str, pa.Array] = {}
    for name in selected:
        column, texts = columns[int(name)], cells[name].combine_chunks()
        is_missing = texts.null_count and column.name in keys
        if is_missing or (column.is_new and texts.null_count < len(texts)):
            raise UnusualError
        values[column.name] = _values(column, texts)
    return values, len(cells)


def _table(maker: RecordMaker, values: dict[str, pa.Array], size: int) -> pa.Table:
    metadata = {name: pa.repeat(value, size) for name, value in maker.metadata.items()}
    numbers = pa.array(range(maker.count + 1, maker.count + size + 1))
    maker.count += size
    present = values | metadata | {ROW_NUMBER: numbers}
    schema = _schema(maker)
    arrays = [
        present[field.name] if field.name in present else pa.nulls(size, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _schema(maker: RecordMaker) -> pa.Schema:
    types = maker.schema.types()
    return pa.schema([(name, _TYPES.get(types[name], pa.string())) for name in maker.selected()])


def _values(column: Column, texts: pa.Array) -> pa.Array:
    match column.kind:
        case ColumnType.STRING:
            return texts
        case ColumnType.NUMBER if _are_plain_numbers(texts):
            return texts.cast(pa.float64())
        case ColumnType.DATE_TIME if column.convert is converter(
            column.kind
        ) and _are_plain_moments(texts):
            return texts
        case _:
            cells = texts.dictionary_encode()
            values = text_column(column.kind, column.convert)(cells.dictionary.to_pylist())
            return pa.array(values, _TYPES.get(column.kind, pa.string())).take(cells.indices)


def _are_plain_numbers(texts: pa.Array) -> bool:
    return (
        pc.all(pc.match_substring_regex(texts, _NUMBER)).as_py() is not False
        and (pc.max(pc.binary_length(texts)).as_py() or 0) <= MOST_DIGITS
    )


def _are_plain_moments(texts: pa.Array) -> bool:
    if pc.all(pc.match_substring_regex(texts, _MOMENT)).as_py() is False:
        return False
    try:
        texts.cast(pa.timestamp("us", "UTC"))
    except pa.ArrowInvalid:
        return False
    return True


def _record_tables(report: ReportFile, maker: RecordMaker) -> Iterator[pa.Table]:
    schema = _schema(maker)
    rows: list[tuple[Value, ...]] = []
    for batch in itertools.chain(maker.batches(report), ([],)):
        rows += [as_tuple(record) for record in batch]
        if len(rows) >= ROWS or (rows and not batch):
            cells = zip(*rows, strict=True)
            arrays = [pa.array(c, field.type) for c, field in zip(cells, schema, strict=True)]
            yield pa.Table.from_arrays(arrays, schema=schema)
            rows.clear()

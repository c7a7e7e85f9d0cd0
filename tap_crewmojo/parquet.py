"""The records of a report as a parquet file, made in columnar form by Arrow.

Arrow reads what is as usual beyond doubt; the columns it might read otherwise than we do are
converted as those of records are, and a report with a misfit or a new column is written from its
records. So values and types are the same. Needs the extra `parquet`.
"""

from __future__ import annotations

import itertools
import tempfile
from concurrent.futures import ThreadPoolExecutor
from typing import IO, TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from tap_crewmojo.column_types import ColumnType, converter
from tap_crewmojo.records import as_tuple
from tap_crewmojo.schema import ROW_NUMBER
from tap_crewmojo.text_columns import UnusualError, text_column

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_crewmojo.column_types import Value
    from tap_crewmojo.records import RecordMaker
    from tap_crewmojo.report_file import ReportFile
    from tap_crewmojo.schema import Column

BLOCK: Final = 1 << 23
"""Bytes of CSV that are read together, at least."""

ROWS: Final = 10_000
"""Records that are taken together."""

_READ_AT_A_TIME: Final = 1 << 20
_MOST_DIGITS: Final = 15
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
        maker.rehearse(report)
        return _spooled(_record_tables(report, maker), compression)


def _spooled(tables: Iterator[pa.Table], compression: str | None) -> IO[bytes]:
    """Write tables while the next one is being made."""
    file = tempfile.TemporaryFile(prefix="tap-crewmojo-")  # noqa: SIM115  # handed to the caller
    try:
        first = next(tables, None)
        if first is not None:
            with (
                parquet.ParquetWriter(
                    file, first.schema, compression=compression or "snappy"
                ) as writer,
                ThreadPoolExecutor(1) as writing,
            ):
                written = writing.submit(writer.write_table, first)
                for table in tables:
                    written.result()
                    written = writing.submit(writer.write_table, table)
                written.result()
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


def _csv_tables(report: ReportFile, maker: RecordMaker) -> Iterator[pa.Table]:
    if report.is_json or not report.has_pieces:
        raise UnusualError
    headings = next(report.lines())
    maker.schema.check_headings(headings)
    columns = maker.schema.columns(headings)
    present = {column.name for column in columns}
    if any("\n" in heading for heading in headings) or not maker.primary_keys <= present:
        raise UnusualError
    names = [str(place) for place in range(len(columns))]
    selected = [name for name, column in zip(names, columns, strict=True) if column.selected]
    for block in _blocks(report):
        read = csv.read_csv(
            pa.BufferReader(block),
            csv.ReadOptions(column_names=names, block_size=_READ_AT_A_TIME),
            csv.ParseOptions(newlines_in_values=True),
            csv.ConvertOptions(
                include_columns=selected,
                column_types=dict.fromkeys(selected, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                check_utf8=False,  # it was, when the report had been landed
            ),
        )
        cells = {columns[int(name)]: read[name].combine_chunks() for name in selected}
        yield _table(maker, cells, len(read))


def _blocks(report: ReportFile) -> Iterator[bytes]:
    """Yield the lines of a CSV but for the headings."""
    pieces = report.pieces()
    gathered = bytearray(next(pieces).split(b"\n", 1)[1])
    for piece in pieces:
        if len(gathered) >= BLOCK:
            yield bytes(gathered)
            gathered.clear()
        gathered += piece
    if gathered:
        yield bytes(gathered)


def _table(maker: RecordMaker, cells: dict[Column, pa.Array], size: int) -> pa.Table:
    values: dict[str, pa.Array] = {}
    for column, texts in cells.items():
        is_key = column.name in maker.primary_keys
        if (column.is_new and texts.null_count < size) or (is_key and texts.null_count):
            raise UnusualError
        values[column.name] = _values(column, texts)
    for name, value in maker.metadata.items():
        values[name] = pa.repeat(value, size)
    values[ROW_NUMBER] = pa.array(range(maker.count + 1, maker.count + size + 1))
    schema = _schema(maker)
    for field in schema:
        if field.name not in values:
            values[field.name] = pa.nulls(size, field.type)
    maker.count += size
    return pa.Table.from_arrays([values[name] for name in schema.names], schema=schema)


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
        and (pc.max(pc.binary_length(texts)).as_py() or 0) <= _MOST_DIGITS
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

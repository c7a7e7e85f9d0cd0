"""The records of a report as parquet files. This needs the extra `parquet`."""

from __future__ import annotations

import itertools
import operator
import tempfile
from typing import IO, TYPE_CHECKING

import pyarrow as pa
from pyarrow import parquet

from tap_crewmojo.arrow import AS_IN_RECORDS, arrow_schema, record_tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from tap_crewmojo.readers.report import Report
    from tap_crewmojo.records import RecordMaker
    from tap_crewmojo.schema.types import ColumnType


def spool_parquet(
    report: Report, maker: RecordMaker, compression: str | None, **sizes: int
) -> Iterator[IO[bytes]]:
    """Yield the records of a report in unlinked parquet files, which the caller closes.

    They are in one file, and in a further file each time columns were added.

    Args:
        report: the report.
        maker: converts its columns.
        compression: the name that parquet has for it; default: snappy.
        sizes: as for `record_tables`.

    Raises:
        ReportError: as in `RecordMaker.check`, before the first file.
    """
    tables = record_tables(report, maker, AS_IN_RECORDS, **sizes)
    for schema, alike in itertools.groupby(tables, operator.attrgetter("schema")):
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
    schema = arrow_schema({name: types[name] for name in records[0]}, AS_IN_RECORDS)
    return _spooled(schema, [pa.Table.from_pylist(list(records), schema=schema)], compression)


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

"""Parquet files hold what the records hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet
from singer_sdk.helpers._batch import BaseBatchFileEncoding, BatchConfig, StorageTarget

from support.cells import columns, moment, number, other
from support.oracle import RefusedError
from support.report_cases import METADATA, Body, Case, as_csv, bodies, cases
from tap_crewmojo.errors import ReportError
from tap_crewmojo.records import RecordMaker
from tap_crewmojo.schema.rules import OnNewColumn
from tap_crewmojo.schema.types import ColumnType
from tap_crewmojo.singer.batch_files import BatchFiles
from tap_crewmojo.singer.parquet import spool_parquet

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

NESTED = {ColumnType.OBJECT, ColumnType.ARRAY}


def in_files(
    body: Body, maker: RecordMaker, *, rows: int = 1000, **sizes: int
) -> list[list[dict[str, Any]]]:
    files = []
    for file in spool_parquet(body.spooled(rows), maker, None, **sizes):
        with file:
            table = parquet.read_table(file)
        assert set(table.column_names) <= set(maker.selected())
        files.append(table.to_pylist())
    assert sum(map(len, files)) == maker.counts.rows
    assert maker.counts.rows + maker.counts.empty_rows == len(body.rows)
    return files


wide_columns = st.lists(
    columns(number, moment, other).map(lambda cells: [str(cell or "") for cell in cells]),
    min_size=2,
    max_size=3,
).map(lambda cells: as_csv(["A", "a", "B"][: len(cells)], [list(row) for row in zip(*cells)]))  # noqa: B905


@given(
    bodies | wide_columns,
    # A stream with columns of nested JSON is written as JSON lines.
    cases.filter(lambda case: NESTED.isdisjoint(case.known.values())),
    st.integers(1, 40),
)
def test_parquet_files_hold_the_records(body: Body, case: Case, size: int) -> None:
    schema = case.schema()
    maker = RecordMaker(schema, case.keys, METADATA)
    sizes = {"rows": size, "block_size": size, "table_rows": 3}
    try:
        expected = case.expected(body, size)
    except RefusedError:
        with pytest.raises(ReportError):
            in_files(body, maker, **sizes)
        return
    files = in_files(body, maker, **sizes)
    assert [
        {name: repr(value) for name, value in record.items() if value is not None}
        for records in files
        for record in records
    ] == [
        {
            name: repr(float(value) if expected.types.get(name) == "number" else value)
            for name, value in (record | METADATA | {"_sdc_row_number": row}).items()
        }
        for row, record in enumerate(expected.records, start=1)
    ]
    if case.on_new_column is OnNewColumn.COLLECT:
        assert len(files) < 2
        assert schema.take_change() is None
    assert maker.counts.variants == expected.variants
    assert set(schema.left_out) == expected.left_out


def test_there_is_another_file_only_where_columns_have_come_in() -> None:
    rows = [[str(number), "x"] for number in range(40)]
    rows[20][0] = rows[30][0] = "n/a"
    case = Case({"A": ColumnType.NUMBER, "B": ColumnType.STRING}, {}, OnNewColumn.ADD, None, [])
    maker = RecordMaker(case.schema(), [], METADATA)
    first, second = in_files(as_csv(["A", "B"], rows), maker, rows=1, block_size=64)
    assert "A__text" not in first[0]
    assert [row["_sdc_row_number"] for row in second if row["A__text"] == "n/a"] == [21, 31]


def test_variants_are_strings_whatever_the_catalog_has_in_their_place() -> None:
    for kind in ColumnType:
        known = {"A": ColumnType.NUMBER, "A__text": kind, "B": ColumnType.STRING}
        schema = Case(known, {}, OnNewColumn.ADD, None, []).schema()
        ((first, second),) = in_files(
            as_csv(["A", "B"], [["1", "x"], ["n/a", "x"]]), RecordMaker(schema, [], METADATA)
        )
        assert (first["A"], first["A__text"]) == (1, None)
        assert (second["A"], second["A__text"]) == (None, "n/a")
        assert schema.types()["A__text"] is ColumnType.STRING
        assert (schema.take_change() is None) == (kind is ColumnType.STRING)


def test_a_byte_order_mark_in_a_cell_stays() -> None:
    case = Case(dict.fromkeys("AB", ColumnType.STRING), {}, OnNewColumn.ADD, None, [])
    body = Body("A,B\n\ufeffone,two\n".encode(), "text/csv", ["A", "B"], [{}])
    ((row,),) = in_files(body, RecordMaker(case.schema(), [], METADATA))
    assert row["A"] == "\ufeffone"


@pytest.mark.parametrize("encoding", ["jsonl", "parquet"])
@pytest.mark.parametrize("case", ["key", "new column"])
def test_there_is_no_batch_file_of_a_report_that_is_refused(
    encoding: str, case: str, tmp_path: Path
) -> None:
    """Even where only its last row is bad, far behind the first file."""
    rows = [[str(number), "x", ""] for number in range(25_000)]
    rows.append(["", "x", ""] if case == "key" else ["1", "x", "y"])
    body = as_csv(["A", "B", "C"], rows)
    how = Case(dict.fromkeys("AB", ColumnType.STRING), {}, OnNewColumn.FAIL, None, ["A"])
    storage = StorageTarget(root=tmp_path.as_uri())
    files = BatchFiles(BatchConfig(BaseBatchFileEncoding(encoding, "gzip"), storage), "tap", "x")
    with pytest.raises(ReportError, match="in row 25001 " if case == "key" else "new column 'C'"):
        next(files.write(body.spooled(), RecordMaker(how.schema(), how.keys, METADATA)))
    assert not list(tmp_path.iterdir())

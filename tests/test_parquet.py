"""Parquet files hold what the records hold."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pyarrow import parquet
from test_fast_columns import columns, moment, number, other
from test_records import METADATA, as_csv, bodies, fast, report, rules

from tap_crewmojo.column_types import ColumnType
from tap_crewmojo.errors import ReportError
from tap_crewmojo.inference import discovered_schema, infer
from tap_crewmojo.parquet import spool_parquet
from tap_crewmojo.records import RecordMaker
from tap_crewmojo.schema import OnNewColumn, SchemaRules, StreamSchema

if TYPE_CHECKING:
    from typing import Any

NESTED = {ColumnType.OBJECT, ColumnType.ARRAY}


def by_arrow(
    body: tuple[bytes, str], schema: StreamSchema, keys: list[str]
) -> list[dict[str, Any]]:
    maker = RecordMaker(schema, keys, METADATA)
    with spool_parquet(report(body), maker, None) as file:
        if not maker.count:
            return []
        table = parquet.read_table(file)
    assert len(table) == maker.count
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def outcome(  # noqa: PLR0913, PLR0917  # what an outcome depends on
    make: Any,  # noqa: ANN401
    body: tuple[bytes, str],
    json_schema: dict[str, Any],
    how: SchemaRules,
    deselected: str | None,
    keys: list[str],
) -> object:
    schema = StreamSchema(json_schema, how, dated=False, is_selected=lambda n: n != deselected)
    try:
        records = make(body, schema, keys)
    except ReportError:
        return "refused"
    # A column that came in on the way is null in the records before it.
    names = [*filter(schema.is_selected, schema.types())]
    filled = [{name: record.get(name) for name in names} for record in records]
    return filled, schema.take_change(), schema.misfits, schema.ignored


@given(
    bodies,
    bodies
    | st.lists(columns(number, moment, other), min_size=2, max_size=3).map(
        lambda cells: (
            as_csv(
                (["A", "a", "B"][: len(cells)], [list(row) for row in zip(*cells, strict=False)])
            ),
            "text/csv",
        )
    ),
    rules,
    st.none() | st.just("A"),
    st.sampled_from([[], ["B"]]),
    st.integers(1, 40),
)
def test_a_parquet_file_holds_the_records(  # noqa: PLR0913, PLR0917
    sample: tuple[bytes, str],
    body: tuple[bytes, str],
    how: SchemaRules,
    deselected: str | None,
    keys: list[str],
    size: int,
) -> None:
    schema = discovered_schema(infer(report(sample).rows()), how, dated=False)
    types = map(ColumnType.of_json_schema, schema["properties"].values())
    assume(NESTED.isdisjoint(types))  # such a stream is written as JSON lines
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tap_crewmojo.parquet.BLOCK", size)
        patch.setattr("tap_crewmojo.parquet.ROWS", 3)
        patch.setattr("tap_crewmojo.csv_pieces.PIECE", size)
        rest = (schema, how, deselected, keys)
        assert outcome(by_arrow, body, *rest) == outcome(
            lambda body, *args: fast(report(body), *args), body, *rest
        )


def test_a_byte_order_mark_in_a_cell_stays() -> None:
    how = SchemaRules({}, True, OnNewColumn.ADD, UTC)  # noqa: FBT003
    types = dict.fromkeys("AB", ColumnType.STRING)
    schema = StreamSchema(
        discovered_schema(types, how, dated=False), how, dated=False, is_selected=lambda _: True
    )
    (row,) = by_arrow(("A,B\n\ufeffone,two\n".encode(), "text/csv"), schema, [])
    assert row["A"] == "\ufeffone"


def test_a_row_without_a_key_is_named_in_a_later_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tap_crewmojo.parquet.BLOCK", 8)
    monkeypatch.setattr("tap_crewmojo.csv_pieces.PIECE", 8)
    how = SchemaRules({}, True, OnNewColumn.ADD, UTC)  # noqa: FBT003
    types = dict.fromkeys("AB", ColumnType.STRING)
    schema = StreamSchema(
        discovered_schema(types, how, dated=False), how, dated=False, is_selected=lambda _: True
    )
    body = b"A,B\n" + b"one,two\n" * 20 + b"one,\n"
    with pytest.raises(ReportError, match="in row 21 "):
        by_arrow((body, "text/csv"), schema, ["B"])

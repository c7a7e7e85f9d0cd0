"""Records follow the documented rules."""

from __future__ import annotations

import contextlib
import json
import time
import tracemalloc
from collections import deque
from dataclasses import replace
from datetime import UTC
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.oracle import RefusedError
from support.report_cases import METADATA, Body, Case, as_csv, bodies, cases
from tap_crewmojo.cells import Columns
from tap_crewmojo.errors import ReportError
from tap_crewmojo.readers.report import Report
from tap_crewmojo.records import RecordMaker, as_dict
from tap_crewmojo.schema.inference import discovered_schema
from tap_crewmojo.schema.metadata import RESERVED
from tap_crewmojo.schema.names import ColumnNames, Naming
from tap_crewmojo.schema.rules import OnNewColumn, SchemaRules
from tap_crewmojo.schema.stream_schema import StreamSchema
from tap_crewmojo.schema.types import ColumnType

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from typing import Any

    from tap_crewmojo.cells import Cell


@given(bodies, cases, st.integers(1, 3))
def test_records_are_those_of_the_documented_rules(body: Body, case: Case, size: int) -> None:
    schema, records = case.schema(), []
    maker = RecordMaker(schema, case.keys, METADATA)
    try:
        expected = case.expected(body, size)
    except RefusedError:
        with pytest.raises(ReportError):
            next(maker.batches(body.spooled(size)))
        return
    for batch in maker.batches(body.spooled(size)):
        extra = ["_sdc_report_extra"] * (case.on_new_column is OnNewColumn.COLLECT)
        names = [*schema.names, *METADATA, "_sdc_row_number", *extra]
        assert maker.names == tuple(filter(schema.is_selected, names))
        records += [as_dict(record, maker.names) for record in batch]
    assert [
        {name: repr(value) for name, value in record.items() if value is not None}
        for record in records
    ] == [
        {name: repr(value) for name, value in (record | METADATA).items()}
        | {"_sdc_row_number": repr(number)}
        for number, record in enumerate(expected.records, start=1)
    ]
    assert {name: str(schema.types()[name]) for name in schema.names} == expected.types
    if case.on_new_column is OnNewColumn.COLLECT:
        assert schema.take_change() is None
    assert maker.counts.variants == expected.variants
    assert set(schema.left_out) == expected.left_out
    assert maker.counts.repeated_keys == expected.repeated
    assert maker.counts.rows + maker.counts.empty_rows == len(body.rows)
    assert maker.counts.rows == len(expected.records)


@given(bodies, cases, st.integers(1, 3))
def test_the_extra_column_holds_what_else_is_added(body: Body, case: Case, size: int) -> None:
    """Both modes give the same, by heading; only one of them gives a new column a type."""
    case = replace(
        case,
        given={name: how for name, how in case.given.items() if name in case.known},
        deselected=None,
        keys=[],
        hidden=frozenset(),
    )
    added, collected = (
        list(records_of(body, replace(case, on_new_column=mode), size))
        for mode in (OnNewColumn.ADD, OnNewColumn.COLLECT)
    )
    names = ColumnNames(case.known, RESERVED)
    columns = names.assign(body.headings)
    labels = ColumnNames((), ()).assign(body.headings)
    for by_column, record in zip(added, collected, strict=True):
        extra = json.loads(record.pop("_sdc_report_extra") or "{}")
        assert list(extra) == sorted(extra)
        for heading, name in columns.items():
            for column in [names.variant(name), *([name] if name not in case.known else [])]:
                text = by_column.pop(column, None)
                assert text is None or extra.pop(labels[heading]) == text
        assert not extra
        assert by_column == record


def records_of(body: Body, case: Case, size: int) -> Iterator[dict[str, Any]]:
    maker = RecordMaker(case.schema(), case.keys, METADATA)
    with contextlib.suppress(ReportError):  # it has no column of the schema
        for batch in maker.batches(body.spooled(size)):
            yield from (as_dict(record, maker.names) for record in batch)


def test_a_deselected_variant_is_not_collected() -> None:
    """Its catalog is one of another mode, in which it was a column."""
    known = {"A": ColumnType.NUMBER, "A__text": ColumnType.STRING, "B": ColumnType.NUMBER}
    body = as_csv(["A", "B"], [["secret", "n/a"]])
    case = Case(known, {}, OnNewColumn.COLLECT, "A__text", [])
    (record,) = records_of(body, case, 1)
    assert record["_sdc_report_extra"] == '{"B":"n/a"}'
    assert "A__text" not in record


@pytest.mark.parametrize("hidden", ["Progress %", "progress_pct", "Progress"])
def test_what_is_collected_is_named_by_its_heading_whatever_columns_are_named(hidden: str) -> None:
    rules = SchemaRules({}, True, OnNewColumn.COLLECT, UTC, Naming.IDENTIFIER)  # noqa: FBT003
    types = {"Progress %": ColumnType.NUMBER, "Code": ColumnType.STRING}
    schema = StreamSchema(
        discovered_schema(types, rules, windowed=False),
        rules,
        windowed=False,
        is_selected=lambda _: True,
        hidden={hidden},
    )
    maker = RecordMaker(schema, [], METADATA)
    body = as_csv(["Code", "Progress %", "Cost Centre"], [["1", "n/a", "HR"]])
    ((record,),) = maker.batches(body.spooled())
    extra = json.loads(str(as_dict(record, maker.names)["_sdc_report_extra"]))
    is_hidden = hidden != "Progress"
    assert extra == {"Cost Centre": "HR"} | ({} if is_hidden else {"Progress %": "n/a"})
    assert schema.quoted("cost_centre") == "'cost_centre' (heading 'Cost Centre')"


@pytest.mark.parametrize("naming", Naming)
@pytest.mark.parametrize("heading", ["SALARY %", " salary % ", "Salary %"])
def test_a_hidden_column_stays_hidden_when_its_heading_is_written_in_another_way(
    heading: str, naming: Naming
) -> None:
    rules = SchemaRules({}, True, OnNewColumn.COLLECT, UTC, naming)  # noqa: FBT003
    known = discovered_schema({"Code": ColumnType.STRING}, rules, windowed=False)
    hidden = naming.plain("salary %")
    known["properties"][hidden] = {"type": ["string", "null"], **naming.describe("salary %")}
    schema = StreamSchema(known, rules, windowed=False, is_selected=lambda _: True, hidden={hidden})
    maker = RecordMaker(schema, [], METADATA)
    body = as_csv(["Code", heading, "Salary band"], [["1", "90210", "C"]])
    ((record,),) = maker.batches(body.spooled())
    assert as_dict(record, maker.names)["_sdc_report_extra"] == '{"Salary band":"C"}'


class Batches(Report):
    """A report of some batches."""

    def __init__(self, *batches: Columns) -> None:
        self._batches = batches

    def headings(self) -> list[str]:
        return list(self._batches[0].headings)

    def batches(self, only: Collection[str] | None = None) -> Iterator[Columns]:
        for batch in self._batches:
            places = [i for i, head in enumerate(batch.headings) if only is None or head in only]
            yield replace(
                batch,
                headings=tuple(batch.headings[place] for place in places),
                cells=[batch.cells[place] for place in places],
            )


def batch(size: int, **cells: Sequence[Cell]) -> Columns:
    return Columns(tuple(cells), list(cells.values()), size)


def keyed_by_code() -> StreamSchema:
    return Case({"Code": ColumnType.STRING}, {}, OnNewColumn.ADD, None, []).schema()


@pytest.mark.parametrize("last", ["", None])
def test_a_missing_key_is_found_in_any_row_before_the_first_record(last: str | None) -> None:
    many = [str(number) for number in range(150_000)]
    report = Batches(batch(150_000, Code=many), batch(2, Code=["x", last]))
    maker = RecordMaker(keyed_by_code(), ["Code"], METADATA)
    with pytest.raises(ReportError, match="in row 150002 "):
        next(maker.batches(report))


def test_repeated_keys_are_counted_in_all_rows_in_eight_bytes_a_row() -> None:
    def report(rows: int) -> Batches:
        keys = ([f"{number:0100}" for number in range(n, n + 500)] for n in range(0, rows, 500))
        batches = [batch(500, Code=cells) for cells in keys]
        return Batches(*batches, batch(2, Code=[f"{rows - 1:0100}", f"{0:0100}"]))

    def kept(report: Batches) -> int:
        maker = RecordMaker(keyed_by_code(), ["Code"], METADATA)
        tracemalloc.start()
        maker.check(report)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert maker.counts.repeated_keys == 2
        return peak

    assert kept(report(120_000)) - kept(report(20_000)) < 20 * 100_000


def test_the_columns_that_a_batch_brings_are_announced_at_once() -> None:
    batches = [
        batch(50, Code=["1"] * 50, **{f"New {part} {n}": ["x"] * 50 for n in range(100)})
        for part in range(4)
    ]
    schema = keyed_by_code()
    maker = RecordMaker(schema, [], METADATA)
    changes = [schema.take_change() is not None for _ in maker.batches(Batches(*batches))]
    assert changes == [True] * 4
    assert len(schema.names) == 401


@pytest.mark.parametrize("mode", [OnNewColumn.ADD, OnNewColumn.COLLECT])
def test_time_grows_with_the_number_of_new_columns(mode: OnNewColumn) -> None:
    def seconds(count: int) -> float:
        wide = batch(2, Code=["1", "2"], **{f"H{number}": ["1", "x"] for number in range(count)})
        types = {f"H{number}": ColumnType.NUMBER for number in range(0, count, 2)}
        schema = Case({"Code": ColumnType.STRING, **types}, {}, mode, None, []).schema()
        started_at = time.process_time()
        deque(RecordMaker(schema, [], METADATA).batches(Batches(wide)), maxlen=0)
        return time.process_time() - started_at

    assert min(seconds(4_000) for _ in range(3)) < 8 * min(seconds(1_000) for _ in range(3))

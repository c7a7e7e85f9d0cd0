"""Records follow the documented rules, and both lanes write the same messages."""

from __future__ import annotations

import csv
import io
import json
import time
import tracemalloc
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.drifting import month
from support.oracle import Outcome, RefusedError, Stream, outcome
from support.tap_runs import TIME_SCALE, run_tap
from tap_crewmojo.cells import Columns
from tap_crewmojo.errors import ReportError
from tap_crewmojo.readers.report import Report
from tap_crewmojo.readers.spool import spool
from tap_crewmojo.records import RecordMaker, as_dict
from tap_crewmojo.sandbox.company.company import ReportSource
from tap_crewmojo.sandbox.sandbox import Sandbox
from tap_crewmojo.schema.metadata import RESERVED, metadata_schema
from tap_crewmojo.schema.names import ColumnNames
from tap_crewmojo.schema.stream_schema import OnNewColumn, SchemaRules, StreamSchema
from tap_crewmojo.schema.types import ColumnConfig, ColumnType

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from pathlib import Path

    from tap_crewmojo.cells import Cell

METADATA = {"_sdc_report_datetime": "2025-01-01T00:00:00Z"}

heading = st.sampled_from(["A", "a", "B", 'q"', "", "A__text", "n" * 64, "ü"])
scalar = st.sampled_from(
    [
        *("1", "1.5", "007", "1" * 16, "0", "3.6666666666666665", "true", "False", "", "", "x"),
        *("2024-02-29", "2024-02-30", "2024-01-01T00:00:00+01:00", "{}", "[1]", '{"a": 1.50}'),
    ]
)
# A JSON value, and the cell that the same value is in CSV.
json_value = (
    scalar.map(lambda text: (text, text))
    | st.booleans().map(lambda value: (value, str(value).lower()))
    | st.integers().map(lambda value: (value, str(value)))
    | st.sampled_from(
        [
            *((1.5, "1.5"), (0.1, "0.1"), (2.0, "2.0"), (5e-06, "0.000005")),
            *((-1e16, "-10000000000000000"), (1e300, "1e+300"), (None, None)),
        ]
    )
    | st.dictionaries(st.sampled_from("xy"), st.none() | st.floats(0, 1), max_size=2).map(
        lambda value: (value, value)
    )
    | st.lists(st.integers(0, 1), max_size=2).map(lambda value: (value, value))
)
given_types = st.dictionaries(
    heading,
    st.builds(ColumnConfig, st.sampled_from(ColumnType.for_settings()), st.none() | st.just("%Y")),
    max_size=2,
)
known_columns = st.dictionaries(
    st.sampled_from(["A", "B", 'q"', "ü", "unnamed", "Gone"]),
    st.sampled_from(ColumnType),
    max_size=5,
)


@dataclass(frozen=True)
class Body:
    """A report as it arrives, and the rows that are in it."""

    data: bytes
    content_type: str
    headings: list[str]
    rows: list[dict[str, Any]]

    def spooled(self) -> Report:
        chunks = (self.data[place : place + 3] for place in range(0, len(self.data), 3))
        answer = spool(chunks, self.content_type)
        assert isinstance(answer, Report)
        return answer


def as_csv(heads: list[str], lines: list[list[str]]) -> Body:
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(heads)
    writer.writerows(lines)
    rows = [dict(zip(heads, line, strict=True)) for line in lines]
    return Body(text.getvalue().encode(), "text/csv", heads, rows)


def as_json(rows: list[dict[str, tuple[Any, Any]]]) -> Body:
    document = [{head: value for head, (value, _) in row.items()} for row in rows]
    cells = [{head: cell for head, (_, cell) in row.items()} for row in rows]
    heads = list(dict.fromkeys(head for row in rows for head in row))
    return Body(json.dumps(document).encode(), "application/json", heads, cells)


tables = st.lists(heading, min_size=2, max_size=5, unique=True).flatmap(
    lambda heads: st.builds(
        as_csv,
        st.just(heads),
        st.lists(st.lists(scalar, min_size=len(heads), max_size=len(heads)), max_size=8),
    )
)
# Of two headings that differ in case only, the one that comes first has its name.
json_heading = heading.filter(lambda head: head != "a")
objects = st.lists(st.dictionaries(json_heading, json_value, max_size=4), max_size=8).map(as_json)
bodies = tables | objects


@dataclass(frozen=True)
class Case:
    """What the records of a report depend on besides the report."""

    known: dict[str, ColumnType]
    given: dict[str, ColumnConfig]
    on_new_column: OnNewColumn
    deselected: str | None
    keys: list[str]

    def schema(self) -> StreamSchema:
        properties = {name: kind.json_schema for name, kind in self.known.items()}
        return StreamSchema(
            {"properties": properties | metadata_schema(windowed=False)},
            SchemaRules(self.given, True, self.on_new_column, UTC),  # noqa: FBT003
            windowed=False,
            is_selected=lambda name: name != self.deselected,
        )

    def expected(self, body: Body) -> Outcome:
        names = ColumnNames(self.known, RESERVED)
        stream = Stream(
            types={name: str(kind) for name, kind in self.known.items()},
            given={name: (str(how.type), how.format) for name, how in self.given.items()},
            names=names.assign(body.headings),
            variants=names.variant,
            on_new_column=str(self.on_new_column),
            selected=lambda name: name != self.deselected,
            keys=self.keys,
        )
        return outcome(stream, body.spooled().headings(), body.rows)


cases = st.builds(
    Case,
    known_columns,
    given_types,
    st.sampled_from(OnNewColumn),
    st.none() | st.just("A"),
    st.sampled_from([[], [], ["B"], ["B", "A"]]),
)


@contextmanager
def batches_of_few_rows(size: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("text._CHUNK", "csv_chunks.CHUNK", "json_chunks.CHUNK"):
            patch.setattr(f"tap_crewmojo.readers.{name}", 8 * size)
        yield


@given(bodies, cases, st.integers(1, 3))
def test_records_are_those_of_the_documented_rules(body: Body, case: Case, size: int) -> None:
    schema, records = case.schema(), []
    maker = RecordMaker(schema, case.keys, METADATA)
    with batches_of_few_rows(size):
        try:
            expected = case.expected(body)
        except RefusedError:
            with pytest.raises(ReportError):
                next(maker.batches(body.spooled()))
            return
        for batch in maker.batches(body.spooled()):
            names = [*schema.names, *METADATA, "_sdc_row_number"]
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
    assert schema.variants == expected.variants
    assert schema.left_out == expected.left_out
    assert schema.repeated_keys == expected.repeated
    assert maker.count + maker.empty_rows == len(body.rows)
    assert maker.count == len(expected.records)


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
        schema = keyed_by_code()
        tracemalloc.start()
        RecordMaker(schema, ["Code"], METADATA).check(report)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert schema.repeated_keys == 2
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


def test_time_grows_with_the_number_of_new_columns() -> None:
    def seconds(count: int) -> float:
        wide = batch(2, Code=["1", "2"], **{f"H{number}": ["1", "x"] for number in range(count)})
        types = {f"H{number}": ColumnType.NUMBER for number in range(0, count, 2)}
        schema = Case({"Code": ColumnType.STRING, **types}, {}, OnNewColumn.ADD, None, []).schema()
        started_at = time.process_time()
        deque(RecordMaker(schema, [], METADATA).batches(Batches(wide)), maxlen=0)
        return time.process_time() - started_at

    assert min(seconds(4_000) for _ in range(3)) < 8 * min(seconds(1_000) for _ in range(3))


@pytest.mark.parametrize("content_type", ["csv", "json"])
def test_the_fast_lane_and_the_sdks_lane_write_the_same_messages(
    content_type: str, settings_for: Callable[..., Any], tmp_path: Path
) -> None:
    reports = {"changing": ReportSource(month)}
    with Sandbox(time_scale=TIME_SCALE, people=12, reports=reports) as sandbox:
        config = settings_for(
            sandbox,
            "changing",
            "oneonone.detail",
            {"id": "people.directory", "replication_method": "FULL_TABLE"},
            end_date="2025-09-30",
            content_type=content_type,
            emit_activate_version_messages=True,
        )
        # A map that changes nothing is one all the same: the SDK applies it to each record.
        same: dict[str, Any] = {"changing": {}, "oneonone_detail": {}, "people_directory": {}}
        lanes = [
            run_tap(config, tmp_path).succeeded().messages,
            run_tap(config | {"stream_maps": same}, tmp_path).succeeded().messages,
        ]
    for messages in lanes:
        for message in messages:
            message.pop("time_extracted", None)
            message.pop("version", None)
            message.get("record", {}).pop("_sdc_report_datetime", None)
    assert lanes[0] == lanes[1]
    assert [list(message.get("record", ())) for message in lanes[0]] == [
        list(message.get("record", ())) for message in lanes[1]
    ], "in the same order"


def test_parallel_downloads_do_not_show_in_the_output(
    settings_for: Callable[..., Any], tmp_path: Path
) -> None:
    outputs = []
    for parallel in (1, 16):
        with Sandbox(time_scale=TIME_SCALE, people=12) as sandbox:
            config = settings_for(
                sandbox,
                "oneonone.summary",
                "oneonone.detail",
                "engagement.survey",
                max_parallel_reports=parallel,
                end_date="2025-06-30",
                request_timeout=600,
                job_timeout=600,
            )
            run = run_tap(config, tmp_path).succeeded()
            assert len(sandbox.tokens) == 1
        lines = []
        for message in run.messages:
            message.pop("time_extracted", None)
            message.get("record", {}).pop("_sdc_report_datetime", None)
            lines.append(json.dumps(message))
        outputs.append(lines)
    assert outputs[0] == outputs[1]

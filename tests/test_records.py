"""The fast way and the careful way make the same records, and both lanes the same messages."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC
from typing import TYPE_CHECKING, Any

import pytest
from drifting import month
from hypothesis import given
from hypothesis import strategies as st
from singer import TIME_SCALE, run_tap

from tap_crewmojo.column_types import ColumnConfig, ColumnType
from tap_crewmojo.errors import ReportError
from tap_crewmojo.inference import discovered_schema, infer
from tap_crewmojo.landing import land
from tap_crewmojo.records import RecordMaker, as_dict
from tap_crewmojo.report_file import ReportFile
from tap_crewmojo.sandbox.runner import Sandbox
from tap_crewmojo.sandbox.sources import ReportSource
from tap_crewmojo.schema import OnNewColumn, SchemaRules, StreamSchema

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tap_crewmojo.rows import Row

METADATA = {"_sdc_report_datetime": "2025-01-01T00:00:00Z"}

heading = st.sampled_from(["A", "a", "B", 'q"', "", "A__text", "n" * 64, "ü"])
scalar = st.sampled_from(
    [
        *("1", "1.5", "007", "1" * 16, "0", "3.6666666666666665", "true", "False", "", "x"),
        *("2024-02-29", "2024-02-30", "2024-01-01T00:00:00+01:00", "{}", "[1]", '{"a": 1.50}'),
    ]
)
json_value = (
    scalar
    | st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.integers()
    | st.sampled_from([1.5, 0.1, 1e300, 5e-06, -1e16, 2.0])
    | st.dictionaries(st.sampled_from("xy"), st.none() | st.floats(0, 1), max_size=2)
    | st.lists(st.integers(0, 1), max_size=2)
)
rules = st.builds(
    SchemaRules,
    st.dictionaries(
        heading, st.builds(ColumnConfig, st.sampled_from(ColumnType.for_settings())), max_size=2
    ),
    st.booleans(),
    st.sampled_from(OnNewColumn),
    st.just(UTC),
)
tables = st.lists(heading, min_size=2, max_size=5, unique=True).flatmap(
    lambda heads: st.tuples(
        st.just(heads),
        st.lists(st.lists(scalar, min_size=len(heads), max_size=len(heads)), max_size=8),
    )
)
objects = st.lists(st.dictionaries(heading, json_value, max_size=4), max_size=8)


def as_csv(table: tuple[list[str], list[list[str]]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(table[0])
    writer.writerows(table[1])
    return text.getvalue().encode()


def as_json(rows: list[dict[str, Any]]) -> bytes:
    return json.dumps(rows).encode()


bodies = st.tuples(tables.map(as_csv), st.just("text/csv")) | st.tuples(
    objects.map(as_json), st.just("application/json")
)


def report(body: tuple[bytes, str]) -> ReportFile:
    data, content_type = body
    answer = land((data[place : place + 3] for place in range(0, len(data), 3)), content_type)
    assert isinstance(answer, ReportFile)
    return answer


def fast(file: ReportFile, schema: StreamSchema, keys: list[str]) -> list[dict[str, Any]]:
    maker = RecordMaker(schema, keys, METADATA)
    return [as_dict(record, maker.names) for batch in maker.batches(file) for record in batch]


def careful(file: ReportFile, schema: StreamSchema, keys: list[str]) -> list[dict[str, Any]]:
    records = []
    rows: list[Row] = list(file.rows())
    # Whether it is another report is told by the first piece that has any headings.
    in_pieces = file.is_json and file.has_pieces
    pieces = map(json.loads, file.pieces()) if in_pieces else iter([rows])
    headings = [name for row in next(filter(any, pieces), []) for name in row]
    schema.check_headings(dict.fromkeys(headings) if file.is_json else file.headings())
    for number, row in enumerate(rows, start=1):
        values = schema.record(row)
        if any(values.get(key) is None for key in keys):
            raise ReportError
        record = {**values, **METADATA, "_sdc_row_number": number}
        names = (*schema.names, *METADATA, "_sdc_row_number")
        records.append({name: record[name] for name in names if schema.is_selected(name)})
    return records


def outcome(  # noqa: PLR0913, PLR0917  # what an outcome depends on
    make: Callable[..., list[dict[str, Any]]],
    body: tuple[bytes, str],
    json_schema: dict[str, Any],
    how: SchemaRules,
    deselected: str | None,
    keys: list[str],
) -> object:
    schema = StreamSchema(json_schema, how, dated=False, is_selected=lambda n: n != deselected)
    try:
        records = make(report(body), schema, keys)
    except ReportError:
        return "refused"
    # In any order: a piece's headings are told together, a row's by themselves.
    described = [{name: repr(value) for name, value in record.items()} for record in records]
    return described, schema.take_change(), schema.misfits, schema.ignored


@given(
    bodies,
    bodies,
    rules,
    st.none() | st.just("A"),
    st.sampled_from([[], ["B"]]),
    st.integers(1, 3),
)
def test_the_fast_way_makes_the_records_of_the_careful_way(  # noqa: PLR0913, PLR0917
    sample: tuple[bytes, str],
    body: tuple[bytes, str],
    how: SchemaRules,
    deselected: str | None,
    keys: list[str],
    size: int,
) -> None:
    schema = discovered_schema(infer(report(sample).rows()), how, dated=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tap_crewmojo.records.CHUNK", size)
        patch.setattr("tap_crewmojo.records._FEW", 1)
        patch.setattr("tap_crewmojo.csv_pieces.PIECE", 8 * size)
        patch.setattr("tap_crewmojo.json_pieces.PIECE", 8 * size)
        assert outcome(fast, body, schema, how, deselected, keys) == outcome(
            careful, body, schema, how, deselected, keys
        )


def test_a_heading_that_comes_in_a_later_piece_without_a_value() -> None:
    rows: list[dict[str, Any]]
    rows = [{"A": "1"}, {"A": "2", "B": None}, {"A": "3"}, {"B": None, "A": "4"}, {"A": "5"}]
    schema = discovered_schema(
        {"A": ColumnType.STRING},
        how := SchemaRules({}, True, OnNewColumn.ADD, UTC),  # noqa: FBT003
        dated=False,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tap_crewmojo.json_pieces.PIECE", 8)
        body = (as_json(rows), "application/json")
        made = fast(
            report(body), StreamSchema(schema, how, dated=False, is_selected=lambda _: True), []
        )
    assert [record["A"] for record in made] == ["1", "2", "3", "4", "5"]


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

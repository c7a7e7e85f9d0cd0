"""Overlapping runs, loaded into every target that installs: each value is where it is declared.

What a target loses is part of its declaration, and held against what it stores like all the rest.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest
from requests import HTTPError

from support import nesting, overlapping_runs
from support.changing_company import PROFILES, TEXTS, ChangingCompany
from support.declared_targets import TARGETS, Batches, Left, Nested, TypeChange, declared
from support.expectations import columns_of, expected, in_order, read, rounded, since_last_schema
from support.repository import block
from support.sandboxes import settings_for
from support.stores import Bucket, Requests, store
from support.tap_runs import TIME_SCALE, load, run_tap
from support.targets import CSV, PYARROW, S3_JSONL, STITCH
from tap_crewmojo.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path

    from support.declared_targets import Target
    from support.servers import Servers
    from support.stores import Store
    from support.tap_runs import Run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the runs; it stays, as the runs do."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture
def runs(folder: Path, target: Target) -> list[Run]:
    return overlapping_runs.with_one_catalog(folder, target.naming)


@pytest.fixture
def runs_without_catalog(folder: Path, target: Target) -> list[Run]:
    return overlapping_runs.without_catalog(folder, target.naming)


@pytest.fixture
def activating_runs(folder: Path, target: Target) -> list[Run]:
    return overlapping_runs.that_activate(folder, target.naming)


@pytest.fixture
def runs_by_format(folder: Path, target: Target) -> dict[str, Run]:
    return overlapping_runs.by_format(folder, target.naming)


@pytest.fixture
def collected_by_format(folder: Path, target: Target) -> dict[str, Run]:
    return overlapping_runs.by_format(folder, target.naming, on_new_column="collect")


def short_name(target: Target) -> str:
    return re.sub(r"[^\w.]+", "-", target.name).strip("-")


@pytest.fixture(params=TARGETS, ids=short_name)
def target(request: pytest.FixtureRequest) -> Target:
    chosen: Target = request.param
    return chosen


@pytest.fixture
def held_by(target: Target, tmp_path: Path, servers: Servers) -> Store:
    return store(target, tmp_path, servers)


def test_each_value_is_where_it_is_declared(
    target: Target, held_by: Store, runs: list[Run]
) -> None:
    for run in runs:
        held_by.load(run)
    for stream in load(*runs):
        columns = columns_of(target, stream, runs)
        rows = held_by.rows(stream)
        assert read(rows, columns) == expected(target, stream, runs, columns)
        of_the_target = {str(name) for row in rows for name in row} - set(columns)
        assert all(name.lower().startswith("_sdc_") for name in of_the_target)
    if types := held_by.types("notes"):
        held_as = [types[target.column(heading)] for heading in ("Day", "When")]
        assert held_as == [target.date, target.date_time]
    assert forms_of_nested_json(target, held_by) == {target.nested}
    assert target.fractions_as_text == fractions_are_text(target, held_by)
    if isinstance(held_by, Requests):  # Stitch itself overwrites rows, by the keys that it is sent
        keys = {body["table_name"]: body["key_names"] for body in held_by.bodies}
        assert keys == {
            message["stream"]: message["key_properties"] for run in runs for message in run.schemas
        }


def forms_of_nested_json(target: Target, held_by: Store) -> set[str]:
    """Return the types of the columns with nested JSON; of a store without types, those of values.

    A text there is no JSON: `value` reads it as a text.
    """
    names = [target.column(heading) for heading in nesting.NESTED]
    if types := held_by.types("profiles"):
        return {f"`{types[name]}`" for name in names}
    values = [row.get(name) for row in held_by.rows("profiles") for name in names]
    return {
        Nested.PYTHON if isinstance(value, str) else Nested.OBJECTS for value in values if value
    }


def fractions_are_text(target: Target, held_by: Store) -> bool:
    """Return whether a target that could keep numbers makes texts of those with a fraction."""
    if target.spec is CSV or held_by.types("notes"):
        return False
    return any(isinstance(row["Score"], str) for row in held_by.rows("notes"))


@pytest.mark.parametrize("target", [target for target in TARGETS if target.identifiers])
def test_a_heading_stops_a_target_that_needs_identifiers(held_by: Store, folder: Path) -> None:
    first, *_ = overlapping_runs.with_one_catalog(folder, "as_is")
    with pytest.raises(RuntimeError, match="PROGRESS %%"):
        held_by.load(first)


def test_a_type_that_changes_without_a_catalog(
    target: Target, held_by: Store, runs_without_catalog: list[Run]
) -> None:
    first, second = runs = runs_without_catalog
    held_by.load(first)
    if target.type_change is TypeChange.STOPS:
        with pytest.raises(RuntimeError, match=r"(Could not convert|cannot change) column"):
            held_by.load(second)
        runs = [first]
    else:
        held_by.load(second)
    columns = columns_of(target, "notes", runs)
    score = target.column("Score")
    columns[score] = {"type": ["number", "string", "null"]}
    wanted = expected(target, "notes", runs, columns)
    rows = held_by.rows("notes")
    if target.type_change is TypeChange.BESIDE:
        number = {score: {"type": ["number", "null"]}}
        (renamed,) = {name for name in rows[0] if re.fullmatch(r"score_\d{8}_\d{4}", name)}
        before = read([{score: row.pop(renamed)} for row in rows], number)
        assert before == expected(target, "notes", [first], number)
        requested = target.stored_name("_sdc_report_datetime")
        read_later = {row[requested] for row in expected(target, "notes", [second], columns)}
        for row in wanted:
            if row[requested] not in read_later:
                row[score] = None
    assert read(rows, columns) == in_order(wanted)


def test_rows_that_left(
    target: Target,
    held_by: Store,
    activating_runs: list[Run],
    tmp_path: Path,
    servers: Servers,
) -> None:
    for run in activating_runs:
        held_by.load(run)
    code, deleted_at = target.column("Employee Code"), target.stored_name("_sdc_deleted_at")
    left = [row for row in held_by.rows("staff") if row[code] == "E2"]
    match target.left:
        case Left.STAYS:
            assert len(left) == 1
            assert not left[0].get(deleted_at)
        case Left.MARKED:
            marked = [row[code] for row in held_by.rows("staff") if row[deleted_at]]
            assert marked == ["E2"]
            hard = store(target, tmp_path, servers, hard_delete=True)
            for run in activating_runs:
                hard.load(run)
            assert {row[code] for row in hard.rows("staff")} == {"E1", "E3", "E4"}
        case Left.GONE:
            assert not left
        case Left.DELETION_ORDERED:
            assert isinstance(held_by, Requests)
            versions = [body["table_version"] for body in held_by.bodies]
            assert versions == sorted(set(versions))
            for body in held_by.bodies:
                actions = [message["action"] for message in body["messages"]]
                assert actions == ["upsert", "upsert", "upsert", "activate_version"]


@pytest.mark.parametrize("form", overlapping_runs.FORMATS)
def test_batches_hold_the_values_of_the_records(
    target: Target, held_by: Store, runs_by_format: dict[str, Run], form: str
) -> None:
    """Loaded twice, since a window may be."""
    outcome: Batches = getattr(target, form)
    if error := outcome.error:
        with pytest.raises(RuntimeError, match=error):
            held_by.load(runs_by_format[form])
    else:
        for _ in range(1 if outcome is Batches.IGNORED else 2):
            held_by.load(runs_by_format[form])
    records = runs_by_format["records"]
    if outcome is Batches.EARLIER_ROWS_LOST:
        records = since_last_schema(records)
    for stream in ("notes", "changing", "staff", "profiles"):
        columns = columns_of(target, stream, [records])
        # The one value that differs between the runs.
        del columns[target.stored_name("_sdc_report_datetime")]
        wanted = expected(target, stream, [records, records], columns)
        if outcome is Batches.ROUNDED:
            wanted = [{name: rounded(value) for name, value in row.items()} for row in wanted]
        if outcome.error or outcome is Batches.IGNORED:
            wanted = []
        assert read(held_by.rows(stream), columns) == in_order(wanted)


@pytest.mark.parametrize(
    ("target", "form"),
    [
        pytest.param(target, form, id=f"{short_name(target)}-{form}")
        for target in TARGETS
        for form in ("records", *overlapping_runs.FORMATS)
        if not target.file_per_run
        if form == "records" or getattr(target, form) is Batches.EARLIER_ROWS_LOST
    ],
)
def test_one_schema_a_run_brings_each_value(
    target: Target, held_by: Store, collected_by_format: dict[str, Run], form: str
) -> None:
    """Also where a new column would lose rows."""
    streams = ("notes", "changing", "staff", "profiles")
    assert len(collected_by_format[form].schemas) == len(streams)
    held_by.load(collected_by_format[form])
    records = collected_by_format["records"]
    for stream in streams:
        columns = columns_of(target, stream, [records])
        assert target.stored_name("_sdc_report_extra") in columns
        # The one value that differs between the runs.
        del columns[target.stored_name("_sdc_report_datetime")]
        wanted = expected(target, stream, [records], columns)
        assert read(held_by.rows(stream), columns) == in_order(wanted)


@pytest.mark.parametrize(
    "target",
    [
        pytest.param(
            replace(target, spec=replace(target.spec, beside=())), id=target.spec.executable
        )
        for target in TARGETS
        if PYARROW in target.spec.beside and not target.file_per_run
    ],
)
def test_parquet_stops_a_target_without_pyarrow(
    held_by: Store, runs_by_format: dict[str, Run]
) -> None:
    with pytest.raises(RuntimeError, match="Unsupported batch encoding format: parquet"):
        held_by.load(runs_by_format["parquet"])
    assert not held_by.rows("changing")


def test_nested_json_that_is_declared_as_text_is_json(tmp_path: Path, servers: Servers) -> None:
    """In a target that writes nested JSON as Python would."""
    target = declared(CSV)
    assert target.nested is Nested.PYTHON
    with Sandbox(time_scale=TIME_SCALE, reports=ChangingCompany().sources) as sandbox:
        report = PROFILES | {"columns": dict.fromkeys(nesting.NESTED, "string")}
        config = settings_for(sandbox, report, start_date="2025-02-01", end_date="2025-02-28")
        run = run_tap(config, tmp_path).succeeded()
    held_by = store(target, tmp_path, servers)
    held_by.load(run)
    of_the_report = [
        {name: json.loads(row[name]) if row[name] else None for name in nesting.NESTED}
        for row in held_by.rows("profiles")
    ]
    sent = nesting.profiles(date(2025, 2, 1), TEXTS, later=False)
    assert of_the_report == [{name: row[name] for name in nesting.NESTED} for row in sent]


@pytest.mark.parametrize("target", [declared(S3_JSONL)])
def test_a_missing_bucket_loses_every_row_of_a_run(held_by: Store, runs: list[Run]) -> None:
    assert isinstance(held_by, Bucket)
    missing = replace(held_by, config=held_by.config | {"s3_bucket": "missing"})
    missing.load(runs[0])  # exit code 0, and the state of the run
    with pytest.raises(HTTPError, match="404"):
        missing.rows("notes")


@pytest.mark.parametrize("target", [declared(STITCH)])
def test_the_documented_map_leaves_stitch_no_reserved_name(held_by: Store, tmp_path: Path) -> None:
    assert isinstance(held_by, Requests)
    documented = json.loads(f"{{{block('config: names for stitch')}}}")
    with Sandbox(time_scale=TIME_SCALE, people=3) as sandbox:
        run = run_tap(settings_for(sandbox, "oneonone.summary", **documented), tmp_path).succeeded()
    held_by.load(run)
    assert {body["table_name"] for body in held_by.bodies} == {"oneonone_summary"}
    names = {name for row in held_by.rows("oneonone_summary") for name in row}
    keys = {name for body in held_by.bodies for name in body["key_names"]}
    assert keys == {"report_start_date", "row_number"}
    assert keys < names
    assert not [name for name in names if name.startswith("_sdc")]

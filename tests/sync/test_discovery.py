"""Discovery: a catalog made from samples, and catalogs that are obeyed."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import pytest

from support.catalogs import deselect, entry_of, metadata_of
from support.sandboxes import DIRECTORY, requested, settings_for
from support.tap_runs import TIME_SCALE, run_tap, timeless
from tap_crewmojo.sandbox.company.company import ReportSource
from tap_crewmojo.sandbox.company.table import Table
from tap_crewmojo.sandbox.faults import Fault
from tap_crewmojo.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path


def test_the_sample_is_the_newest_complete_window(sandbox: Sandbox, tmp_path: Path) -> None:
    run = run_tap(settings_for(sandbox, "oneonone.detail", DIRECTORY), tmp_path, "--discover")
    assert set(requested(sandbox)) == {
        ("oneonone.detail", 20250201, 20250228),
        ("people.directory", None, None),
    }
    streams = {entry["stream"]: entry for entry in run.succeeded().catalog["streams"]}
    assert streams["oneonone_detail"]["replication_key"] == "_sdc_report_end_date"
    assert streams["oneonone_detail"]["replication_method"] == "INCREMENTAL"
    assert streams["people_directory"]["replication_method"] == "FULL_TABLE"
    assert streams["people_directory"]["key_properties"] == ["_sdc_row_number"]


def test_the_sample_is_an_earlier_window_where_the_newest_is_empty(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    config = settings_for(sandbox, "engagement.survey", end_date="2025-06-02", request_timeout=300)
    run = run_tap(config, tmp_path, "--discover").succeeded()
    assert [start for _, start, _ in requested(sandbox)] == [20250501, 20250401, 20250301]
    columns = run.catalog["streams"][0]["schema"]["properties"]
    assert columns["Score"] == {"type": ["number", "null"]}


def test_a_report_without_any_rows_has_the_columns_of_its_headings(tmp_path: Path) -> None:
    for empty in (Table(("A", "B"), ()), b"[]", b'{"rows": []}'):
        reports = {"nobody": ReportSource(lambda *_, empty=empty: empty)}
        with Sandbox(time_scale=TIME_SCALE, people=3, reports=reports) as sandbox:
            run = run_tap(settings_for(sandbox, "nobody"), tmp_path).succeeded()
        assert len(run.schemas) == 1
        columns = run.schemas[0]["schema"]["properties"]
        vendors = {name: column for name, column in columns.items() if name[:4] != "_sdc"}
        string = {"type": ["string", "null"]}
        assert vendors == ({"A": string, "B": string} if isinstance(empty, Table) else {})
        assert (
            "The report has no rows from 2025-01-01 to 2025-02-28, so every column is a string. "
            "Once it has rows, run `--discover` again"
        ) in run.stderr
        assert run.bookmarks == {"nobody": "2025-03-15"}


def test_a_sync_goes_on_without_a_report_that_cannot_be_sampled(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    run = run_tap(settings_for(sandbox, "what.ever", DIRECTORY), tmp_path)
    assert run.returncode == 1
    assert len(run.records("people_directory")) == 12
    assert "1 of 2 reports failed" in run.stderr
    assert "'what.ever'" in run.stderr
    assert "Traceback" not in run.stderr


def test_with_a_catalog_nothing_is_sampled_and_its_selection_is_obeyed(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    config = settings_for(sandbox, "oneonone.summary", "oneonone.detail", DIRECTORY)
    catalog = run_tap(config, tmp_path, "--discover").succeeded().catalog
    whole = run_tap(config, tmp_path, catalog=catalog).succeeded()
    before = len(requested(sandbox))
    part = copy.deepcopy(catalog)
    deselect(part, "oneonone_summary")
    deselect(part, "people_directory")
    deselect(part, "oneonone_detail", "Notes", "Employee")
    run = run_tap(config, tmp_path, catalog=part).succeeded()
    assert sorted(requested(sandbox)[before:]) == [
        ("oneonone.detail", 20250101, 20250131),
        ("oneonone.detail", 20250201, 20250228),
        ("oneonone.detail", 20250301, 20250315),
    ]
    assert {message["stream"] for message in run.schemas} == {"oneonone_detail"}
    assert not run.schemas[0]["schema"]["properties"].keys() & {"Notes", "Employee"}
    assert [timeless(record) for record in run.records("oneonone_detail")] == [
        {k: v for k, v in timeless(record).items() if k not in {"Notes", "Employee"}}
        for record in whole.records("oneonone_detail")
    ]


def test_a_catalogs_types_and_keys_are_obeyed(company: Sandbox, tmp_path: Path) -> None:
    config = settings_for(company, "oneonone.detail")
    catalog = run_tap(config, tmp_path, "--discover").succeeded().catalog
    entry = entry_of(catalog)
    entry["schema"]["properties"]["Rating"] = {"type": "string"}
    entry["key_properties"] = ["1:1 ID"]
    metadata_of(catalog)["table-key-properties"] = ["1:1 ID"]
    run = run_tap(config, tmp_path, catalog=catalog).succeeded()
    assert run.schemas[0]["key_properties"] == ["1:1 ID"]
    ratings = [record["Rating"] for record in run.records("oneonone_detail") if record["Rating"]]
    assert ratings
    assert all(isinstance(rating, str) for rating in ratings)


def test_a_full_refresh_by_catalog_reads_every_window_again(
    company: Sandbox, tmp_path: Path
) -> None:
    config = settings_for(company, "oneonone.summary")
    catalog = run_tap(config, tmp_path, "--discover").succeeded().catalog
    first = run_tap(config, tmp_path, catalog=catalog).succeeded()
    catalog["streams"][0]["replication_method"] = "FULL_TABLE"
    again = run_tap(config, tmp_path, catalog=catalog, state=first.state).succeeded()
    assert [timeless(record) for record in again.records("oneonone_summary")] == [
        timeless(record) for record in first.records("oneonone_summary")
    ]
    assert again.bookmarks == first.bookmarks, "and leaves the bookmark alone"


def test_discovery_goes_on_without_the_reports_that_cannot_be_sampled(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.faults.add(
        Fault(
            phase="post",
            kind="status",
            status=403,
            report="objective.detail",
            body='{"message": "no access to this report for ann@example.com, case 4711"}',
        )
    )
    bad = ("oneonone.sumary", "objective.detail", "what.ever")
    config = settings_for(sandbox, "oneonone.summary", *bad)
    run = run_tap(config, tmp_path, "--discover").succeeded()
    (stream,) = run.catalog["streams"]
    assert stream["tap_stream_id"] == "oneonone_summary"
    errors = [line for line in run.stderr.splitlines() if "| ERROR" in line]
    words = ("status 400", 'status 403 ("no access to this report for *")', "status 400")
    for line, report, status in zip(errors, bad, words, strict=True):
        assert f"'{report}'" in line
        assert status in line
        assert "check with Crewmojo" in line
    assert len(requested(sandbox)) == 4, "a wrong identifier is requested once"


def test_a_test_of_the_schemas_fails_if_a_report_cannot_be_sampled(
    company: Sandbox, tmp_path: Path
) -> None:
    run = run_tap(settings_for(company, DIRECTORY, "what.ever"), tmp_path, "--test=schema")
    assert run.returncode == 1
    assert "1 of 2 reports failed:\n  - report 'what.ever'" in run.stderr
    assert "Employee Code" in run.schema("people_directory")["properties"]


def test_discovery_fails_if_no_report_could_be_sampled(sandbox: Sandbox, tmp_path: Path) -> None:
    key = {"id": "oneonone.summary", "primary_keys": ["Employee ID"]}
    config = settings_for(sandbox, key, "what.ever")
    run = run_tap(config, tmp_path, "--discover")
    assert run.returncode == 1
    assert run.stdout == ""
    message = run.stderr[run.stderr.index("Discovery failed:") :]
    assert ("the primary key 'Employee ID' must be one of its columns: Employee Code") in message
    assert "report 'what.ever'" in message
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("name", ["A\u2028B", "A\x85B"])
def test_a_heading_cannot_break_a_line_of_the_log(name: str, tmp_path: Path) -> None:
    reports = {"x": ReportSource(lambda *_: Table((name, "C"), (("1", "2"),)))}
    with Sandbox(time_scale=TIME_SCALE, people=3, reports=reports) as sandbox:
        report = {"id": "x", "primary_keys": [f"{name}?"]}
        run = run_tap(settings_for(sandbox, report), tmp_path, "--discover")
    assert run.returncode == 1
    assert repr(name)[1:-1] in run.stderr
    assert name not in run.stderr


@pytest.mark.parametrize("content_type", ["csv", "json"])
def test_columns_are_typed_as_configured(content_type: str, tmp_path: Path) -> None:
    table = Table(
        ("Code", "Amount", "Day", "When", "Sign", "Flag"),
        (
            ("7", 1.5, "31/12/2024", "31.12.2024 23:30", "+5", True),
            ("8", 2, "01/02/2025", "01.02.2025 00:00", "-5", None),
        ),
    )
    columns = {
        "Code": "string",
        "Amount": "number",
        "Day": {"type": "date", "format": "%d/%m/%Y"},
        "When": {"type": "date-time", "format": "%d.%m.%Y %H:%M"},
        "Flag": "string",
    }
    reports = {"typed": ReportSource(lambda *_: table)}
    with Sandbox(time_scale=TIME_SCALE, people=3, reports=reports) as sandbox:
        config = settings_for(
            sandbox,
            {"id": "typed", "columns": columns, "replication_method": "FULL_TABLE"},
            timezone="Australia/Sydney",
            content_type=content_type,
        )
        run = run_tap(config, tmp_path).succeeded()
        strings = run_tap(config | {"infer_types": False}, tmp_path).succeeded()
    assert [timeless(record) for record in run.records("typed")] == [
        {
            "Code": "7",
            "Amount": 1.5,
            "Day": "2024-12-31",
            "When": "2024-12-31T12:30:00Z",
            "Sign": "+5",
            "Flag": "true",
            "_sdc_row_number": 1,
        },
        {
            "Code": "8",
            "Amount": 2,
            "Day": "2025-02-01",
            "When": "2025-01-31T13:00:00Z",
            "Sign": "-5",
            "Flag": None,
            "_sdc_row_number": 2,
        },
    ]
    assert strings.records("typed")[0]["Day"] == "2024-12-31", "configured types stay"
    assert strings.schemas[0]["schema"]["properties"]["Sign"] == {"type": ["string", "null"]}


def test_nothing_due_yet_still_has_a_schema(sandbox: Sandbox, tmp_path: Path) -> None:
    """A start in the future: discovery looks at the last days there are, a sync reads nothing."""
    config = settings_for(sandbox, "oneonone.detail", start_date="2099-01-01")
    del config["end_date"]
    run = run_tap(config, tmp_path).succeeded()
    assert len(run.schemas[0]["schema"]["properties"]) > 4
    assert not run.records("oneonone_detail")
    assert run.bookmarks == {"oneonone_detail": None}


def test_a_sentence_that_calls_itself_csv_is_no_sample_of_a_report(tmp_path: Path) -> None:
    """A full-table report without rows would empty the table of the target."""
    reports = {"busy": ReportSource(lambda *_: b"Service is busy", content_type="text/csv")}
    with Sandbox(time_scale=TIME_SCALE, people=3, reports=reports) as sandbox:
        report = {"id": "busy", "replication_method": "FULL_TABLE"}
        run = run_tap(settings_for(sandbox, report, DIRECTORY), tmp_path)
    assert run.returncode == 1
    assert "report 'busy' is one heading without rows" in run.stderr
    assert not [schema for schema in run.schemas if schema["stream"] == "busy"]
    assert run.records("people_directory")

"""The main job, through the real command line: reports in, Singer messages out, incrementally."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from support.sandboxes import DIRECTORY, requested, settings_for
from support.tap_runs import TIME_SCALE, Run, load, run_tap, timeless
from tap_crewmojo.sandbox.company.company import ReportSource
from tap_crewmojo.sandbox.company.table import Table
from tap_crewmojo.sandbox.sandbox import Sandbox
from tap_crewmojo.windows import ReportWindow, windows_between

if TYPE_CHECKING:
    from pathlib import Path

    from tap_crewmojo.sandbox.company.table import Cell

DATED = ("oneonone.summary", "oneonone.detail", "objective.detail")
METADATA = {"_sdc_report_start_date", "_sdc_report_end_date", "_sdc_report_datetime"} | {
    "_sdc_row_number"
}


def value(cell: Cell) -> object:
    """Return a cell as a record holds it."""
    match cell:
        case datetime():
            return cell.isoformat().replace("+00:00", "Z")
        case date():
            return cell.isoformat()
        case "":
            return None
        case _:
            return cell


def expected(sandbox: Sandbox, report: str, start: date, end: date) -> list[dict[str, Any]]:
    """Return the rows of a window as the company has them, without the tap's own columns."""
    table = sandbox.company.report(report, start, end)
    return [
        {
            **{name: value(cell) for name, cell in zip(table.headings, row, strict=True)},
            "_sdc_report_start_date": start.isoformat(),
            "_sdc_report_end_date": end.isoformat(),
            "_sdc_row_number": number,
        }
        for number, row in enumerate(table.rows, start=1)
    ]


@pytest.fixture(scope="module")
def first_run(company: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Fourteen months of three incremental reports and one without dates."""
    config = settings_for(
        company, *DATED, DIRECTORY, start_date="2024-01-17", end_date="2025-02-20"
    )
    return run_tap(config, tmp_path_factory.mktemp("first")).succeeded()


def test_a_first_run_emits_every_row_of_every_window(first_run: Run, company: Sandbox) -> None:
    windows = list(windows_between(ReportWindow.MONTH, date(2024, 1, 17), date(2025, 2, 20)))
    assert len(windows) == 14
    for report in DATED:
        stream = report.replace(".", "_")
        rows = [
            row for window in windows for row in expected(company, report, window.start, window.end)
        ]
        assert [timeless(record) for record in first_run.records(stream)] == rows
        assert first_run.bookmarks[stream] == "2025-02-20"
    people = company.company.report("people.directory", None, None)
    assert [record["_sdc_row_number"] for record in first_run.records("people_directory")] == list(
        range(1, len(people.rows) + 1)
    )
    assert first_run.bookmarks["people_directory"] is None


def test_rows_carry_the_window_and_the_moment_of_their_request(first_run: Run) -> None:
    for stream in ("oneonone_summary", "oneonone_detail", "objective_detail"):
        moments: dict[str, set[str]] = {}
        for record in first_run.records(stream):
            assert record.keys() >= METADATA
            moments.setdefault(record["_sdc_report_start_date"], set()).add(
                record["_sdc_report_datetime"]
            )
        assert all(len(values) == 1 for values in moments.values()), "one value per download"
        assert all(
            datetime.fromisoformat(moment).utcoffset() == timedelta(0)
            for values in moments.values()
            for moment in values
        )
    assert METADATA - first_run.records("people_directory")[0].keys() == {
        "_sdc_report_start_date",
        "_sdc_report_end_date",
    }


def test_types_and_keys_of_the_schemas(first_run: Run) -> None:
    schemas = {message["stream"]: message for message in first_run.schemas}
    assert len(first_run.schemas) == 4, "one SCHEMA a stream"
    detail = schemas["oneonone_detail"]["schema"]["properties"]
    assert detail["Employee Code"] == {"type": ["string", "null"]}, "leading zeros"
    assert detail["Date"] == {"type": ["string", "null"], "format": "date"}
    assert detail["Completed At"] == {"type": ["string", "null"], "format": "date-time"}
    assert detail["Completed"] == {"type": ["boolean", "null"]}
    assert detail["Rating"] == {"type": ["number", "null"]}
    assert detail["1:1 ID"] == {"type": ["number", "null"]}, "never integer"
    assert schemas["oneonone_detail"]["key_properties"] == [
        "_sdc_report_start_date",
        "_sdc_row_number",
    ]
    assert schemas["oneonone_detail"]["bookmark_properties"] == ["_sdc_report_end_date"]
    assert schemas["people_directory"]["key_properties"] == ["_sdc_row_number"]


def test_a_state_follows_each_window(first_run: Run) -> None:
    steps: dict[str, list[str]] = {}
    last: dict[str, str] = {}
    for message in first_run.messages:
        if message["type"] == "RECORD" and "_sdc_report_end_date" in message["record"]:
            last[message["stream"]] = message["record"]["_sdc_report_end_date"]
        if message["type"] == "STATE":
            for stream, bookmark in message["value"]["bookmarks"].items():
                if reached := bookmark.get("replication_key_value"):
                    assert reached <= last[stream], "a bookmark never runs ahead of its records"
                    steps.setdefault(stream, []).append(reached)
    for stream in ("oneonone_summary", "oneonone_detail", "objective_detail"):
        assert steps[stream] == sorted(steps[stream])
        assert len(set(steps[stream])) == 14


def test_a_second_run_requests_only_what_is_due(sandbox: Sandbox, tmp_path: Path) -> None:
    config = settings_for(sandbox, *DATED, DIRECTORY, end_date="2025-03-05")
    first = run_tap(config, tmp_path).succeeded()
    before = len(requested(sandbox))
    catalog = run_tap(config, tmp_path, "--discover").succeeded().catalog
    discovered = len(requested(sandbox))
    second = run_tap(
        config | {"end_date": "2025-03-06"}, tmp_path, catalog=catalog, state=first.state
    ).succeeded()
    new = requested(sandbox)[discovered:]
    assert before < discovered
    assert sorted(new, key=str) == sorted(
        [
            ("people.directory", None, None),
            *((report, 20250201, 20250228) for report in DATED),  # within the lookback
            *((report, 20250301, 20250306) for report in DATED),
        ],
        key=str,
    )
    for report in DATED:
        stream = report.replace(".", "_")
        table = [timeless(record) for record in load(first, second)[stream].values()]
        windows = windows_between(ReportWindow.MONTH, date(2025, 1, 1), date(2025, 3, 6))
        rows = [
            row for window in windows for row in expected(sandbox, report, window.start, window.end)
        ]
        key = ("_sdc_report_start_date", "_sdc_row_number")
        assert sorted(table, key=lambda row: [row[name] for name in key]) == rows


def test_nothing_is_requested_when_everything_is_read(sandbox: Sandbox, tmp_path: Path) -> None:
    config = settings_for(sandbox, "oneonone.summary", lookback_days=0)
    catalog = run_tap(config, tmp_path, "--discover").succeeded().catalog
    first = run_tap(config, tmp_path, catalog=catalog).succeeded()
    before = len(sandbox.requests)
    second = run_tap(config, tmp_path, catalog=catalog, state=first.state).succeeded()
    assert len(sandbox.requests) == before, "not even for a token"
    assert second.state == first.state


def test_an_empty_window_in_the_middle_moves_the_bookmark(sandbox: Sandbox, tmp_path: Path) -> None:
    """The survey has rows in March and June only."""
    config = settings_for(sandbox, "engagement.survey", end_date="2025-06-30", request_timeout=300)
    run = run_tap(config, tmp_path).succeeded()
    months = {record["_sdc_report_start_date"] for record in run.records("engagement_survey")}
    assert months == {"2025-03-01", "2025-06-01"}
    assert run.bookmarks == {"engagement_survey": "2025-06-30"}
    states = [message["value"] for message in run.messages if message["type"] == "STATE"]
    assert "2025-05-31" in str(states)


def test_the_sampled_report_is_not_requested_twice(sandbox: Sandbox, tmp_path: Path) -> None:
    run_tap(settings_for(sandbox, *DATED, DIRECTORY), tmp_path).succeeded()
    requests = requested(sandbox)
    assert len(requests) == len(set(requests)) == 3 * 3 + 1


def test_one_token_serves_the_whole_run(sandbox: Sandbox, tmp_path: Path) -> None:
    config = settings_for(sandbox, *DATED, "review.detail", DIRECTORY)
    run_tap(config, tmp_path, env={"TAP_CREWMOJO_TIME_SCALE": "1"}).succeeded()
    assert len(sandbox.tokens) == 1
    for words in (("--about",), ("--about", "--format=markdown"), ("--help",), ("--version",)):
        run_tap(config, tmp_path, *words).succeeded()
    assert len(sandbox.tokens) == 1


def test_csv_json_and_jobs_give_the_same(tmp_path: Path) -> None:
    """A report requested as JSON may come back from a job as CSV, or within an object."""
    outputs = []
    ways: list[tuple[tuple[str, ...], dict[str, Any]]] = [
        ((), {}),
        ((), {"content_type": "json"}),
        ((), {"force_job": True}),
        (("jobs-as-csv",), {"content_type": "json", "force_job": True}),
        (("json-wrapped",), {"content_type": "json"}),
        (("envelope-202", "numeric-job-id", "polls-hang"), {"force_job": True}),
    ]
    for variants, settings in ways:
        with Sandbox(time_scale=TIME_SCALE, people=12, variants=variants) as sandbox:
            config = settings_for(
                sandbox, *DATED, "review.detail", DIRECTORY, request_timeout=300, **settings
            )
            run = run_tap(config, tmp_path).succeeded()
            polls = len(requested(sandbox, "poll"))
            assert polls >= 13 if settings.get("force_job") else polls == 0
        records = [
            (message["stream"], timeless(message["record"]))
            for message in run.messages
            if message["type"] == "RECORD"
        ]
        outputs.append((run.schemas, records))
    assert all(output == outputs[0] for output in outputs[1:])
    assert len(outputs[0][1]) > 100


@pytest.mark.parametrize("unit", list(ReportWindow))
def test_each_calendar_unit(unit: ReportWindow, company: Sandbox, tmp_path: Path) -> None:
    config = settings_for(
        company, {"id": "oneonone.summary", "report_window": str(unit)}, end_date="2025-01-20"
    )
    run = run_tap(config, tmp_path).succeeded()
    rows = [
        row
        for window in windows_between(unit, date(2025, 1, 1), date(2025, 1, 20))
        for row in expected(company, "oneonone.summary", window.start, window.end)
    ]
    assert [timeless(record) for record in run.records("oneonone_summary")] == rows
    assert run.bookmarks == {"oneonone_summary": "2025-01-20"}


def test_a_connection_test_reads_one_window_of_each_report(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    run = run_tap(settings_for(sandbox, *DATED, DIRECTORY), tmp_path, "--test").succeeded()
    assert sorted(requested(sandbox), key=str) == sorted(
        [("people.directory", None, None), *((report, 20250201, 20250228) for report in DATED)],
        key=str,
    )
    assert {message["stream"] for message in run.messages if message["type"] == "RECORD"} == {
        "oneonone_summary",
        "oneonone_detail",
        "objective_detail",
        "people_directory",
    }


def test_a_full_table_is_activated_only_after_its_last_record(
    company: Sandbox, tmp_path: Path
) -> None:
    config = settings_for(
        company, "oneonone.summary", DIRECTORY, emit_activate_version_messages=True
    )
    run = run_tap(config, tmp_path).succeeded()
    kinds = [
        message["type"]
        for message in run.messages
        if message.get("stream") == "people_directory" and message["type"] != "SCHEMA"
    ]
    assert kinds[-1] == "ACTIVATE_VERSION"
    assert set(kinds[:-1]) == {"RECORD"}
    version = run.messages[[m["type"] for m in run.messages].index("ACTIVATE_VERSION")]["version"]
    versions = {
        message["version"]
        for message in run.messages
        if message["type"] == "RECORD" and message["stream"] == "people_directory"
    }
    assert versions == {version}


@pytest.mark.parametrize(("keys", "repeated"), [(["Code"], 2), (["Code", "Score"], 1), ([], 0)])
def test_repeated_keys_are_warned_of(keys: list[str], repeated: int, tmp_path: Path) -> None:
    rows = (("1", "10"), ("2", "10"), ("1", "10"), ("1", "20"))
    reports = {"x": ReportSource(lambda *_: Table(("Code", "Score"), rows))}
    with Sandbox(time_scale=TIME_SCALE, people=3, reports=reports) as sandbox:
        report = {"id": "x", "primary_keys": keys}
        # The same in each month, which is no repetition.
        run = run_tap(settings_for(sandbox, report, end_date="2025-02-28"), tmp_path).succeeded()
    assert len(run.records("x")) == 2 * len(rows)
    words = "Rows with the primary key of another row of their window"
    assert (f"{words}: {2 * repeated}. " in run.stderr) == bool(repeated)
    assert (words in run.stderr) == bool(repeated)


def test_given_primary_keys_keep_the_months_apart(company: Sandbox, tmp_path: Path) -> None:
    report = {"id": "oneonone.summary", "primary_keys": ["Employee Code"]}
    run = run_tap(settings_for(company, report), tmp_path).succeeded()
    assert run.schemas[0]["key_properties"] == ["_sdc_report_start_date", "Employee Code"]
    assert len(load(run)["oneonone_summary"]) == len(run.records("oneonone_summary"))


def test_a_primary_key_without_a_value_fails_its_report_only(tmp_path: Path) -> None:
    table = Table(("Code", "Score"), (("a", 1), (None, 2)))
    reports = {"x.y": ReportSource(lambda *_: table)}
    with Sandbox(time_scale=TIME_SCALE, people=3, reports=reports) as sandbox:
        report = {"id": "x.y", "primary_keys": ["Code"]}
        run = run_tap(settings_for(sandbox, report, DIRECTORY), tmp_path)
    assert run.returncode == 1
    assert "x.y" in run.stderr
    assert "2025-01-01 to 2025-01-31" in run.stderr
    assert "row 2" in run.stderr
    assert "'Code'" in run.stderr
    assert run.bookmarks["x_y"] is None
    assert len(run.records("people_directory")) == 3


def test_a_log_at_debug_holds_nothing_about_people(company: Sandbox, tmp_path: Path) -> None:
    reports = (*DATED, "review.detail", DIRECTORY)
    run = run_tap(settings_for(company, *reports), tmp_path).succeeded()
    values = {
        value
        for stream in {message["stream"] for message in run.schemas}
        for record in run.records(stream)
        for name, value in record.items()
        if isinstance(value, str) and not name.startswith("_sdc") and not value[:4].isdigit()
    }
    assert len(values) > 300
    assert "DEBUG" in run.stderr
    secrets = {company.client_secret, *company.tokens}
    leaked = [
        word
        for word in values | secrets
        if len(word) > 5 and re.search(rf"(?<!\w){re.escape(word)}(?!\w)", run.stderr)
    ]
    assert not leaked

"""Through Meltano, with the meltano.yml of this repository."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from datetime import date
from typing import TYPE_CHECKING, Any

from support.repository import block
from support.sandboxes import DIRECTORY, requested, variables_for
from support.tap_runs import TIME_SCALE
from support.targets import meltano_log, meltano_project, run_meltano
from tap_crewmojo.sandbox.company.company import ReportSource
from tap_crewmojo.sandbox.company.table import Table
from tap_crewmojo.sandbox.faults import Fault
from tap_crewmojo.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def test_the_log_of_meltano_has_all_that_a_user_needs(tmp_path: Path) -> None:
    """One report is good, one is empty, and one fails in its second window."""

    def rows(start: date | None, _end: date | None) -> Table:
        return Table(("Code",), tuple((n,) for n in range(start.month if start else 0)))

    def none(_start: date | None, _end: date | None) -> Table:
        return Table(("Code",), ())

    reports = {"a.bad": rows, "b.good": rows, "c.empty": none}
    sources = {name: ReportSource(source) for name, source in reports.items()}
    with Sandbox(time_scale=TIME_SCALE, people=3, reports=sources) as sandbox:
        # Not in the window that discovery samples.
        sandbox.faults.add(
            Fault(phase="post", kind="status", status=404, report="a.bad", start=20250301)
        )
        project = meltano_project(tmp_path)
        env = variables_for(sandbox, *reports)
        code, log = meltano_log(project, "run", "tap-crewmojo", "target-jsonl", env=env)
    assert code == 1
    lines = [line.split("] tap-crewmojo", 1)[1] for line in log.splitlines() if "] tap-cr" in line]
    texts = [re.sub(r"\d+\.\d s", "1.5 s", line.strip()) for line in lines]
    bad = "report 'a.bad', 2025-03-01 to 2025-03-15"
    for words in (
        "b_good: Starting with 3 windows, 2025-01-01 to 2025-03-15 (no bookmark yet)",
        "Finished report 'b.good', 2025-02-01 to 2025-02-28: 2 rows, 1.5 s; 1 window left",
        "Finished report 'c.empty', 2025-03-01 to 2025-03-15: 0 rows, 1.5 s; 0 windows left",
        "a_bad: Summary: FAILED, 2 of 3 windows, 3 rows, 1.5 s, bookmark 2025-02-28",
        "b_good: Summary: done, 3 of 3 windows, 6 rows, 1.5 s, bookmark 2025-03-15",
        "c_empty: Summary: done, 3 of 3 windows, 0 rows, 1.5 s, bookmark 2025-03-15",
        "1 of 3 reports failed:",
    ):
        assert len([text for text in texts if text.startswith(words)]) == 1, (words, log)
    (failure,) = (text for text in texts if text.startswith(f"a_bad: {bad}: "))
    assert "status 404" in failure
    assert "check with Crewmojo" in failure
    counts = [text for text in texts if "metric_name=record_count" in text]
    assert [text.split("metric_value=")[1] for text in counts] == ["3", "6", "0"]
    assert not [text for text in texts if "http_request" in text]


def test_a_second_run_requests_only_what_is_due(sandbox: Sandbox, tmp_path: Path) -> None:
    project = meltano_project(tmp_path)
    env = variables_for(
        sandbox,
        "oneonone.summary",
        DIRECTORY,
    )
    run_meltano(project, "run", "tap-crewmojo", "target-jsonl", env=env)
    first = [(report, start) for report, start, _ in requested(sandbox)]
    assert {("oneonone.summary", month) for month in (20250101, 20250201, 20250301)} < set(first)

    before = len(requested(sandbox))
    env["TAP_CREWMOJO_END_DATE"] = "2025-03-16"
    run_meltano(project, "run", "tap-crewmojo", "target-jsonl", env=env)
    second = requested(sandbox)[before:]
    # An editable plugin is discovered in each run, which costs a sample.
    assert second.count(("oneonone.summary", 20250301, 20250316)) == 1
    assert set(second) == {
        ("oneonone.summary", 20250201, 20250228),
        ("oneonone.summary", 20250301, 20250316),
        ("people.directory", None, None),
    }
    lines = loaded(project, "oneonone_summary")
    assert {line["_sdc_report_end_date"] for line in lines} == {
        "2025-01-31",
        "2025-02-28",
        "2025-03-15",
        "2025-03-16",
    }
    state = json.loads(run_meltano(project, "state", "get", "dev:tap-crewmojo-to-target-jsonl"))
    bookmark = state["singer_state"]["bookmarks"]["oneonone_summary"]
    assert bookmark["replication_key_value"] == "2025-03-16"


def test_a_heading_with_a_dot_or_brackets_is_selected_with_question_marks(tmp_path: Path) -> None:
    rows = b"Manager.Email,Rating [1-5],Name,Salary\nann@example.com,3,Bob,90210\n"
    reports = {"people.one": ReportSource(lambda _start, _end: rows)}
    project = meltano_project(tmp_path)
    with Sandbox(time_scale=TIME_SCALE, people=3, reports=reports) as sandbox:
        env = variables_for(sandbox, "people.one", end_date="2025-01-31")
        for command in block("command: select special headings").splitlines():
            run_documented(project, command.replace("oneonone_summary", "people_one"), env)
        run_meltano(project, "run", "tap-crewmojo", "target-jsonl", env=env)
    (row,) = map(without_metadata, loaded(project, "people_one"))
    assert row == {"Manager.Email": "ann@example.com", "Rating [1-5]": 3}


def test_two_columns_are_selected_and_one_of_them_is_hashed(
    company: Sandbox, tmp_path: Path
) -> None:
    project = meltano_project(tmp_path)
    env = variables_for(company, "oneonone.summary", DIRECTORY, end_date="2025-01-31")
    env["TAP_CREWMOJO_STREAM_MAP_CONFIG"] = '{"salt": "s"}'
    listing, *selections = block("command: select columns").splitlines()
    assert "oneonone_summary.Average Rating" in run_documented(project, listing, env)
    for command in (*selections, block("command: hash a column with meltano")):
        run_documented(project, command, env)
    run_meltano(project, "run", "tap-crewmojo", "target-jsonl", env=env)
    table = company.company.report("oneonone.summary", date(2025, 1, 1), date(2025, 1, 31))
    email, rating = map(table.headings.index, ("Email", "Average Rating"))
    assert list(map(without_metadata, loaded(project, "oneonone_summary"))) == [
        {
            "Email": hashlib.sha256(f"s{row[email]}".encode()).hexdigest(),
            "Average Rating": row[rating],
        }
        for row in table.rows
    ]
    assert not list((project / "output").glob("*people_directory*"))


def run_documented(project: Path, command: str, env: Mapping[str, str]) -> str:
    """Run a command of a page; return what it prints."""
    program, *arguments = shlex.split(command)
    assert program == "meltano"
    return run_meltano(project, *arguments, env=env)


def loaded(project: Path, stream: str) -> list[dict[str, Any]]:
    """Return the rows that the target has written."""
    (file,) = (project / "output").glob(f"*{stream}*")
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def without_metadata(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row without the columns that the tap adds."""
    return {name: value for name, value in row.items() if not name.startswith("_sdc_")}


def test_the_probe_is_a_command_of_the_plugin(sandbox: Sandbox, tmp_path: Path) -> None:
    env = variables_for(sandbox, "oneonone.detail", request_timeout=600)
    args = ("--date=2025-01-15", "--format=json")
    output = run_meltano(meltano_project(tmp_path), "invoke", "tap-crewmojo:probe", *args, env=env)
    findings = json.loads(output)["assumptions"]
    assert "differs" not in {finding["result"] for finding in findings}
    assert len(requested(sandbox)) >= 5

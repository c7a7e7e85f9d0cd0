"""Through Meltano, with the meltano.yml of this repository."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

import pytest
from singer import TIME_SCALE
from targets import meltano_project, run_meltano
from test_readme import block

from tap_crewmojo.sandbox.runner import Sandbox
from tap_crewmojo.sandbox.sources import ReportSource

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.programs


def test_a_second_run_asks_only_for_what_is_due(sandbox: Sandbox, tmp_path: Path) -> None:
    project = meltano_project(tmp_path)
    env = {
        "TAP_CREWMOJO_API_URL": sandbox.api_url,
        "TAP_CREWMOJO_CLIENT_ID": sandbox.client_id,
        "TAP_CREWMOJO_CLIENT_SECRET": sandbox.client_secret,
        "TAP_CREWMOJO_REPORTS": json.dumps(
            ["oneonone.summary", {"id": "people.directory", "replication_method": "FULL_TABLE"}]
        ),
        "TAP_CREWMOJO_START_DATE": "2025-01-01",
        "TAP_CREWMOJO_END_DATE": "2025-03-15",
        "TAP_CREWMOJO_TIME_SCALE": str(sandbox.time_scale),
    }
    run_meltano(project, "run", "tap-crewmojo", "target-jsonl", env=env)
    first = [(entry.report, entry.start) for entry in sandbox.requests if entry.phase == "post"]
    assert {("oneonone.summary", month) for month in (20250101, 20250201, 20250301)} < set(first)

    before = len(sandbox.requests)
    env["TAP_CREWMOJO_END_DATE"] = "2025-03-16"
    run_meltano(project, "run", "tap-crewmojo", "target-jsonl", env=env)
    second = [
        (entry.report, entry.start, entry.end)
        for entry in sandbox.requests[before:]
        if entry.phase == "post"
    ]
    # An editable plugin is discovered in each run, which costs a sample.
    assert second.count(("oneonone.summary", 20250301, 20250316)) == 1
    assert set(second) == {
        ("oneonone.summary", 20250201, 20250228),
        ("oneonone.summary", 20250301, 20250316),
        ("people.directory", None, None),
    }
    (file,) = (project / "output").glob("*oneonone_summary*")
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
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
        env = {
            "TAP_CREWMOJO_API_URL": sandbox.api_url,
            "TAP_CREWMOJO_CLIENT_ID": sandbox.client_id,
            "TAP_CREWMOJO_CLIENT_SECRET": sandbox.client_secret,
            "TAP_CREWMOJO_REPORTS": '["people.one"]',
            "TAP_CREWMOJO_START_DATE": "2025-01-01",
            "TAP_CREWMOJO_END_DATE": "2025-01-31",
            "TAP_CREWMOJO_TIME_SCALE": str(sandbox.time_scale),
        }
        for command in block("command: select columns").splitlines():
            _, *arguments = shlex.split(command.replace("oneonone_summary", "people_one"))
            run_meltano(project, *arguments, env=env)
        run_meltano(project, "run", "tap-crewmojo", "target-jsonl", env=env)
    (file,) = (project / "output").glob("*people_one*")
    (row,) = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    vendors = {name: value for name, value in row.items() if not name.startswith("_sdc_")}
    assert vendors == {"Manager.Email": "ann@example.com", "Rating [1-5]": 3}

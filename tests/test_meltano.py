"""Through Meltano, with the meltano.yml of this repository."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from targets import meltano_project, run_meltano

if TYPE_CHECKING:
    from pathlib import Path

    from tap_crewmojo.sandbox.runner import Sandbox


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

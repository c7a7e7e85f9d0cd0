"""The Dagster example: run unchanged, against the sandbox."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from uv import find_uv_bin

from support.repository import ROOT
from support.sandboxes import DIRECTORY, requested
from support.targets import MELTANO, meltano_project, run_meltano
from tap_crewmojo.sandbox.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_crewmojo.sandbox.sandbox import Sandbox

DAGSTER = "dagster==1.13.29"
TIMEOUT = 600  # seconds: Meltano takes its time to start, and runs three times for a report
SUMMARY = "crewmojo__oneonone_summary"
PEOPLE = "crewmojo__people_directory"
UNKNOWN = "crewmojo__no_such"


def test_each_report_is_an_asset_with_a_state_of_its_own(sandbox: Sandbox, tmp_path: Path) -> None:
    project = deployment(tmp_path, "oneonone.summary", DIRECTORY, "no.such")
    env = environment(sandbox, project)
    # Its discovery is spared; then its run fails once, for Dagster to try again.
    sandbox.faults.add(
        Fault(phase="post", kind="status", status=400, report="people.directory", skip=1)
    )
    first = harness(project, "job", env)

    happened = first["happened"]
    done = ["ASSET_MATERIALIZATION", "STEP_SUCCESS"]
    assert kinds(happened, SUMMARY) == ["STEP_START", *done]
    assert kinds(happened, PEOPLE) == ["STEP_START", "STEP_UP_FOR_RETRY", "STEP_RESTARTED", *done]
    assert kinds(happened, UNKNOWN) == [
        *("STEP_START", "STEP_UP_FOR_RETRY", "STEP_RESTARTED", "STEP_FAILURE")
    ]
    (failure,) = [text for _, _, text in happened if text]
    assert failure.startswith("Report no.such failed")
    assert one_at_a_time(happened)
    assert first["runs_a_day"] == 1
    assert "Finished report 'oneonone.summary', 2025-03-01 to 2025-03-15" in first["log"]
    assert re.search(r"report 'no\.such', .* has status 400", first["log"])
    assert 401 not in [entry.status for entry in sandbox.requests]

    months = [(1, 31), (2, 28), (3, 15)]
    summaries = sum(
        len(sandbox.company.report("oneonone.summary", *days(month, last)).rows)
        for month, last in months
    )
    people = len(sandbox.company.report("people.directory", None, None).rows)
    assert loaded(project) == {"oneonone_summary": summaries, "people_directory": people}

    before = len(requested(sandbox))
    env["TAP_CREWMOJO_END_DATE"] = "2025-03-16"
    configure(project, "oneonone.summary", DIRECTORY)
    again = harness(project, "materialize", env)["happened"]
    assert kinds(again, SUMMARY) == kinds(again, PEOPLE) == ["STEP_START", *done]
    assert sorted(requested(sandbox)[before:], key=str) == [  # no sample: the catalogs were kept
        ("oneonone.summary", 20250301, 20250316),
        ("people.directory", None, None),
    ]
    assert bookmarks(project, "oneonone_summary", env) == {"oneonone_summary": "2025-03-16"}
    assert bookmarks(project, "people_directory", env) == {}
    assert loaded(project)["people_directory"] == 2 * people


def deployment(folder: Path, *reports: object) -> Path:
    """Make a Meltano project with the example in it."""
    project = meltano_project(folder)
    for name in ("definitions.py", "dagster.yaml"):
        shutil.copy(ROOT / "examples" / "dagster" / name, project)
    configure(project, *reports)
    return project


def configure(project: Path, *reports: object) -> None:
    """Give the example other reports, and no time to wait between tries."""
    file = ROOT / "examples" / "dagster" / "reports.yaml"
    config = yaml.safe_load(file.read_text(encoding="utf-8"))
    config |= {"reports": list(reports), "retries": 1, "retry_delay": 0}
    (project / file.name).write_text(yaml.safe_dump(config), encoding="utf-8")


def environment(sandbox: Sandbox, project: Path) -> dict[str, str]:
    return {
        "DAGSTER_HOME": str(project),
        "MELTANO_CLI_DISABLE_VERSION_CHECK": "true",
        "MELTANO_SEND_ANONYMOUS_USAGE_STATS": "false",
        "TAP_CREWMOJO_API_URL": sandbox.api_url,
        "TAP_CREWMOJO_CLIENT_ID": sandbox.client_id,
        "TAP_CREWMOJO_CLIENT_SECRET": sandbox.client_secret,
        "TAP_CREWMOJO_START_DATE": "2025-01-01",
        "TAP_CREWMOJO_END_DATE": "2025-03-15",
        "TAP_CREWMOJO_TIME_SCALE": str(sandbox.time_scale),
    }


def harness(project: Path, mode: str, env: Mapping[str, str]) -> dict[str, Any]:
    """Run the harness where Dagster and Meltano are installed; return what it prints, and `log`."""
    command = [
        *(find_uv_bin(), "tool", "run", "--quiet", "--python", sys.executable),
        *("--from", DAGSTER, "--with", MELTANO),
        *("python", str(Path(__file__).with_name("dagster_harness.py")), mode),
    ]
    done = subprocess.run(
        command,
        cwd=project,
        env=os.environ | env,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {**json.loads(done.stdout.splitlines()[-1]), "log": done.stderr}


def kinds(happened: Sequence[Sequence[str]], asset: str) -> list[str]:
    return [kind for step, kind, _ in happened if step == asset]


def one_at_a_time(happened: Sequence[Sequence[str]]) -> bool:
    """Return whether each try had ended before the next one started."""
    running = 0
    for _, kind, _ in happened:
        running += kind in {"STEP_START", "STEP_RESTARTED"}
        running -= kind in {"STEP_UP_FOR_RETRY", "STEP_SUCCESS", "STEP_FAILURE"}
        if running > 1:
            return False
    return True


def days(month: int, last: int) -> tuple[date, date]:
    return date(2025, month, 1), date(2025, month, last)


def loaded(project: Path) -> dict[str, int]:
    return {
        file.stem: len(file.read_text(encoding="utf-8").splitlines())
        for file in (project / "output").glob("*.jsonl")
    }


def bookmarks(project: Path, suffix: str, env: Mapping[str, str]) -> dict[str, str]:
    """Return the bookmarks that Meltano keeps for one report."""
    name = f"dev:tap-crewmojo-to-target-jsonl:{suffix}"
    kept = json.loads(run_meltano(project, "state", "get", name, env=env))
    return {
        stream: bookmark["replication_key_value"]
        for stream, bookmark in kept["singer_state"]["bookmarks"].items()
        if bookmark
    }

"""The pages about the sandbox and Python: the settings, a fault, and the exceptions that follow."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from support.repository import block
from support.sandboxes import settings_for
from support.tap_runs import run_tap, tap_environment
from tap_crewmojo.sandbox.cli import serve
from tap_crewmojo.sandbox.faults import Fault

if TYPE_CHECKING:
    from pathlib import Path

    from tap_crewmojo.sandbox.sandbox import Sandbox


def test_the_settings_are_the_defaults_of_the_sandbox() -> None:
    config = json.loads(block("config: sandbox"))
    defaults = {option.name: option.default for option in serve.params}
    assert urlsplit(config["api_url"]).port == defaults["port"]
    assert config["client_id"] == defaults["client_id"]
    assert config["client_secret"] == defaults["client_secret"]


def test_a_report_fails_by_a_fault_and_another_is_loaded(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.faults.add(documented_fault())
    config = settings_for(sandbox, *json.loads(block("config: sandbox"))["reports"])
    run = run_tap(config, tmp_path)
    assert run.returncode == 1
    assert "report 'oneonone.detail'" in run.stderr
    assert "has status 404" in run.stderr
    assert run.records("oneonone_summary")


def test_a_text_that_is_declared_as_a_number_is_kept_beside_it(
    company: Sandbox, tmp_path: Path
) -> None:
    report = {"id": "oneonone.summary", "columns": {"Team": "number"}}
    run = run_tap(settings_for(company, report, end_date="2025-01-31"), tmp_path).succeeded()
    rows = run.records("oneonone_summary")
    assert {row["Team"] for row in rows} == {None}
    assert all(row["Team__text"] for row in rows)


def test_the_example_catches_a_report_that_fails(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.faults.add(documented_fault())
    done = run_example(settings_for(sandbox, "oneonone.detail", "oneonone.summary"), tmp_path)
    assert done.returncode == 0, done.stderr
    failed, loaded = done.stdout.splitlines()
    assert failed.startswith("oneonone_detail failed: report 'oneonone.detail'")
    assert int(loaded.removeprefix("oneonone_summary ")) > 0


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"client_secret": "wrong"}, "Crewmojo refused the client id or secret"),
        ({"reports": ["unknown"]}, "Discovery failed"),
    ],
)
def test_the_example_ends_if_nothing_can_be_read(
    wrong: dict[str, Any], message: str, company: Sandbox, tmp_path: Path
) -> None:
    done = run_example(settings_for(company, "oneonone.summary") | wrong, tmp_path)
    assert done.returncode == 1
    assert not done.stdout
    assert f"Nothing can be read: {message}" in done.stderr
    assert "Traceback" not in done.stderr


def documented_fault() -> Fault:
    """Return the fault of the page."""
    return Fault.from_json(shlex.split(block("command: sandbox fault"))[-1])


def run_example(config: dict[str, Any], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the example of the page about Python."""
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-c", block("command: exceptions in python")],
        cwd=folder,
        env=tap_environment(),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

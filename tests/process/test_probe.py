"""The probe as a process: invalid settings, no network, Ctrl-C, a log at DEBUG."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.exceptions import ConfigValidationError

from support.processes import TIMEOUT, posix
from support.sandboxes import DIRECTORY, settings_for, variables_for
from support.tap_runs import tap_environment
from tap_crewmojo.sandbox.company.company import ReportSource
from tap_crewmojo.sandbox.company.table import Table
from tap_crewmojo.sandbox.sandbox import Sandbox
from tap_crewmojo.tap import TapCrewmojo

if TYPE_CHECKING:
    from pathlib import Path

PROBE = [sys.executable, "-m", "tap_crewmojo.probe"]


def run_probe(*args: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROBE, *args],
        capture_output=True,
        encoding="utf-8",
        env=tap_environment(env),
        check=False,
        timeout=TIMEOUT,
    )


def test_variables_are_settings_and_the_log_at_debug_has_nothing_of_anybody(
    company: Sandbox,
) -> None:
    before = len(company.tokens)
    variables = variables_for(company, "oneonone.detail", request_timeout=600)
    done = run_probe("--config=ENV", "--date=2025-01-15", "--format=json", env=variables)
    assert done.returncode == 0, done.stderr
    verdicts = {each["id"]: each["result"] for each in json.loads(done.stdout)["assumptions"]}
    assert "differs" not in verdicts.values()
    assert verdicts["same-rows"] == "as assumed"
    assert len(company.tokens) == before + 1
    rows = company.company.report("oneonone.detail").rows
    names = {text for row in rows for text in row[1:4] if isinstance(text, str)}
    secrets = {*names, "Employee", company.client_secret, company.tokens[-1]}
    assert len(secrets) > 40
    assert not [text for text in secrets if text in done.stdout + done.stderr]


def test_invalid_settings_are_those_of_the_tap(sandbox: Sandbox, tmp_path: Path) -> None:
    config: dict[str, Any] = settings_for(sandbox, "it", lookback_days=-1, api_url="http://x.y/v1")
    with pytest.raises(ConfigValidationError, match="lookback_days must be at least 0") as invalid:
        TapCrewmojo(config=config)
    (tmp_path / "config.json").write_text(json.dumps(config))
    env = {"TAP_CREWMOJO_TIME_SCALE": "1"}
    probe = run_probe(f"--config={tmp_path / 'config.json'}", env=env)
    assert (probe.returncode, probe.stdout) == (1, "")
    assert probe.stderr == f"{invalid.value}\n"
    missing = run_probe("--config=missing.json")
    assert missing.stderr == (
        "The file 'missing.json' given as --config cannot be read: no such file or directory\n"
    )
    assert not sandbox.requests


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"client_secret": "wrong"}, "Error: Crewmojo refused the client id or secret (status 401"),
        (
            {"api_url": "http://127.0.0.1:9/v1"},
            (
                "Error: Could not get an access token from http://127.0.0.1:9/v1: the token "
                "request failed: no response from http://127.0.0.1:9/v1 (connection refused). "
                "Check the network and api_url"
            ),
        ),
    ],
)
def test_without_a_token_one_sentence_says_why(
    wrong: dict[str, str], sentence: str, company: Sandbox, tmp_path: Path
) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(settings_for(company, DIRECTORY, **wrong)))
    done = run_probe(f"--config={config}")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(sentence)
    assert "- could not be seen: no access token" in done.stdout
    assert "| not tried |" in done.stdout
    assert "**differs**" not in done.stdout


@posix
def test_ctrl_c_prints_the_result_so_far(tmp_path: Path) -> None:
    reports = {"it": ReportSource(lambda *_: Table(("a", "b"), ((1, 2),)))}
    with Sandbox(people=1, reports=reports, time_scale=1) as sandbox:
        config = tmp_path / "config.json"
        config.write_text(
            json.dumps(settings_for(sandbox, {"id": "it", "replication_method": "FULL_TABLE"}))
        )
        with subprocess.Popen(
            [*PROBE, f"--config={config}", "--slow", "--format=json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            env=tap_environment({"TAP_CREWMOJO_TIME_SCALE": "1"}),
        ) as process:
            assert process.stderr
            for line in process.stderr:
                if line.startswith("unknown report: status 400"):
                    break  # the request for a job would take 30 s
            process.send_signal(signal.SIGINT)
            stdout, stderr = process.communicate(timeout=TIMEOUT)
    result = json.loads(stdout)
    assert process.returncode == 130
    assert result["failures"] == ["the probe was ended by Ctrl-C"]
    assert "Traceback" not in stderr
    verdicts = {each["id"]: each["result"] for each in result["assumptions"]}
    assert (verdicts["same-rows"], verdicts["job-status"]) == ("as assumed", "not tried")

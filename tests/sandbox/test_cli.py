"""The command line of the sandbox, in a subprocess where signals or packages matter."""

from __future__ import annotations

import codecs
import json
import shlex
import signal
import subprocess
import sys
from datetime import date
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import requests
from click.testing import CliRunner

from tap_crewmojo.sandbox.cli import serve
from tap_crewmojo.sandbox.company.company import Company
from tap_crewmojo.sandbox.company.reports import REPORTS
from tap_crewmojo.sandbox.company.table import to_csv
from tap_crewmojo.sandbox.fault_kinds import FAULT_KINDS
from tap_crewmojo.sandbox.faults import Fault
from tap_crewmojo.sandbox.variants import VARIANTS

if TYPE_CHECKING:
    from pathlib import Path

    from support.sandbox_client import Client


def test_a_port_in_use_is_explained(shared_client: Client) -> None:
    port = urlsplit(shared_client.sandbox.api_url).port
    run = subprocess.run(
        [sys.executable, "-m", "tap_crewmojo.sandbox", f"--port={port}"],
        check=False, capture_output=True, encoding="utf-8", timeout=20,
    )  # fmt: skip
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr == (
        f"Error: Port {port} is in use. Choose another with --port; 0 takes any free port.\n"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to handle")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_sandbox_runs_until_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    log = tmp_path / "log.jsonl"
    fault = '{"phase": "post", "kind": "status", "status": 503}'
    command = [
        sys.executable, "-m", "tap_crewmojo.sandbox", "--port=0", "--seed=5", "--people=9",
        "--time-scale=0.002", f"--request-log={log}", f"--fault={fault}", "--client-id=it's me",
        "--client-secret=s3", "--variant=csv-lf", "--variant=csv-bom",
    ]  # fmt: skip
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    ) as process:
        assert process.stdout
        assert process.stderr
        lines = [
            line.rstrip()
            for line in iter(process.stdout.readline, "# Stop the sandbox with Ctrl-C.\n")
        ]
        exports = dict(
            shlex.split(line)[1].split("=", 1) for line in lines if line.startswith("export ")
        )
        response = requests.post(
            exports["TAP_CREWMOJO_API_URL"] + "/oauth/token",
            json={
                "grant_type": "client_credentials",
                "client_id": exports["TAP_CREWMOJO_CLIENT_ID"],
                "client_secret": exports["TAP_CREWMOJO_CLIENT_SECRET"],
            },
            timeout=10,
        )
        url = exports["TAP_CREWMOJO_API_URL"] + "/integrations/download/people.directory"
        headers = {"Authorization": f"Bearer {response.json()['access_token']}"}
        posts = [requests.post(url, json={}, headers=headers, timeout=10) for _ in range(2)]
        process.send_signal(number)
        rest, errors = process.communicate(timeout=10)
    assert (process.returncode, rest, errors) == (0, "", "")
    assert [post.status_code for post in posts] == [503, 200]
    csv = to_csv(Company(5, 9).report("people.directory"))
    assert posts[1].content == codecs.BOM_UTF8 + csv.replace(b"\r\n", b"\n")
    assert exports["TAP_CREWMOJO_CLIENT_ID"] == "it's me"
    assert exports["TAP_CREWMOJO_TIME_SCALE"] == "0.002"
    assert date.fromisoformat(exports["TAP_CREWMOJO_START_DATE"]).day == 1
    reports = json.loads(exports["TAP_CREWMOJO_REPORTS"])
    assert {item if isinstance(item, str) else item["id"] for item in reports} == set(REPORTS)
    assert {"id": "people.directory", "replication_method": "FULL_TABLE"} in reports
    assert any("oneonone.summary (documented by Crewmojo)" in line for line in lines)
    assert all(line.startswith(("# ", "export ")) for line in lines), "it can be pasted"
    assert len(log.read_text(encoding="utf-8").splitlines()) == 3


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("fault", "{}", "'phase' must be one of token, post, poll."),
        (
            "request-log",
            "/no/log",
            "The file /no/log cannot be written: no such file or directory.",
        ),
        ("time-scale", "nan", "nan must be a finite number."),
    ],
)
def test_an_invalid_value_is_explained(option: str, value: str, sentence: str) -> None:
    done = CliRunner().invoke(serve, [f"--{option}={value}"])
    assert done.exit_code == 2
    assert done.output.endswith(f"Error: Invalid value for '--{option}': {sentence}\n")


def test_the_help_lists_each_kind_of_fault_with_an_example() -> None:
    done = CliRunner().invoke(serve, ["--help"])
    assert done.exit_code == 0
    examples = [
        shlex.split(line)[1]
        for line in done.output.splitlines()
        if line.lstrip().startswith("--fault '")
    ]
    assert [Fault.from_json(example).kind for example in examples] == list(FAULT_KINDS)
    for name, kind in FAULT_KINDS.items():
        explained = done.output.partition(f"\n  {name}: ")[2].partition("--fault")[0]
        assert all(f"`{field}`" in explained for field in kind.fields), name


def test_the_help_lists_each_variant() -> None:
    done = CliRunner().invoke(serve, ["--help"])
    for name in VARIANTS:
        assert f"\n  {name}: " in done.output


@pytest.mark.parametrize("missing", ["aiohttp", "faker"])
def test_a_missing_package_is_named_with_its_extra(missing: str) -> None:
    program = (
        f"import sys; sys.modules[{missing!r}] = None;"
        "from tap_crewmojo.sandbox.__main__ import main; main()"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        capture_output=True,
        encoding="utf-8",
        timeout=20,
    )
    assert run.returncode == 1
    assert run.stderr == (
        f"Error: the package {missing} is not installed. "
        "Install the tap with its extra 'sandbox'.\n"
    )

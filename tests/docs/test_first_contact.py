"""The page about the first contact, and the issue form that asks for its result."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from support.probes import run_probe
from support.repository import PAGES, ROOT, block
from support.sandboxes import settings_for
from tap_crewmojo.clock import SCALE_VARIABLE
from tap_crewmojo.probe.assumptions import ASSUMPTIONS
from tap_crewmojo.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path

SCALE = 0.005
FORM = ROOT / ".github/ISSUE_TEMPLATE/first-contact.yml"


@pytest.fixture(autouse=True)
def _at_the_sandboxes_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SCALE_VARIABLE, str(SCALE))


def commands(marker: str, program: str) -> list[list[str]]:
    """Return the arguments of each command in a block."""
    lines = [shlex.split(line, comments=True) for line in block(marker).splitlines()]
    assert all(line[0] == program for line in lines)
    return [line[1:] for line in lines]


def test_the_example_is_what_the_probe_prints(tmp_path: Path) -> None:
    with Sandbox(people=12, time_scale=SCALE, variants=["json-with-total"]) as sandbox:
        settings = settings_for(sandbox, "oneonone.summary", request_timeout=600)
        run = run_probe(settings, tmp_path, "--date=2025-01-15", "--format=markdown")
    printed = run.stdout.splitlines()
    assert [line for line in block("output: probe").splitlines() if line not in printed] == []


def test_its_commands_run(tmp_path: Path) -> None:
    outputs = []
    for config, name, *args in commands("command: first contact", "tap-crewmojo-probe"):
        assert [config, name] == ["--config", "config.json"]
        with Sandbox(people=2, time_scale=SCALE) as sandbox:
            settings = settings_for(sandbox, "oneonone.detail", request_timeout=600)
            form = [] if "--format" in args else ["--format=markdown"]
            run = run_probe(settings, tmp_path, "--date=2025-01-15", *args, *form)
        assert run.code == 0
        outputs.append(run.stdout)
    assert [output.startswith("# First contact") for output in outputs] == [True, True, False]


def test_the_sandbox_takes_the_documented_variants() -> None:
    (args,) = commands("command: sandbox variant", "tap-crewmojo-sandbox")
    assert set(args[::2]) == {"--variant"}
    Sandbox(variants=args[1::2])


def test_each_assumption_that_the_tap_needs_has_a_next_step() -> None:
    rows = re.findall(r"^\| (`.*?) \|", PAGES["docs/first-contact.md"], re.MULTILINE)
    listed = {name for row in rows for name in re.findall(r"`([a-z-]+)`", row)}
    examples = set(re.findall(r"^\| `([a-z-]+)`:", block("output: probe"), re.MULTILINE))
    needed = {
        assumption.id
        for assumption in ASSUMPTIONS
        if not assumption.if_different.startswith("The tap takes it")
    }
    assert listed - (examples - needed) == needed
    assert len({assumption.id for assumption in ASSUMPTIONS}) == len(ASSUMPTIONS)


def test_the_issue_form_is_valid_and_asks_for_json() -> None:
    checker = [sys.executable, "-m", "check_jsonschema", "--builtin-schema"]
    subprocess.run([*checker, "vendor.github-issue-forms", str(FORM)], check=True)
    form: dict[str, Any] = yaml.safe_load(FORM.read_text(encoding="utf-8"))
    (result,) = [part for part in form["body"] if part.get("id") == "result"]
    assert result["attributes"]["render"] == "json"
    assert result["validations"]["required"] is True
    command = re.findall(r"`(tap-crewmojo-probe [^`]*)`", result["attributes"]["description"])[0]
    assert command in " ".join(block("command: first contact").split())

"""A target that stops reading, an output or a log that cannot be written."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from support.processes import (
    BUFFERING,
    CELLS,
    TIMEOUT,
    WAITING,
    Tap,
    assert_no_traceback,
    assert_reason_then_summary,
    is_record_of,
    months,
    posix,
)
from support.sandboxes import DIRECTORY, settings_for
from support.tap_runs import TIME_SCALE, Run, tap_command, tap_environment
from tap_crewmojo.sandbox.company.company import ReportSource
from tap_crewmojo.sandbox.sandbox import Sandbox

FULL = Path("/dev/full")
"""A disk without room, which Linux has."""


@posix
@pytest.mark.parametrize("env", BUFFERING)
@pytest.mark.parametrize("cell", CELLS)
def test_a_target_that_dies_ends_the_tap_without_a_word_of_python(
    cell: str, env: dict[str, str], tmp_path: Path
) -> None:
    reports = {"x.y": ReportSource(months({1: 4_000_000 // (len(cell) + 200)}, cell))}
    with (
        Sandbox(time_scale=TIME_SCALE, people=3, reports=reports) as sandbox,
        Tap(tap_command(settings_for(sandbox, "x.y", **WAITING), tmp_path), tmp_path, env) as tap,
    ):
        tap.read_until(is_record_of("2025-01-01"))
        tap.stdout.close()
        assert tap.process.wait() == 1
        assert_no_traceback(tap.run)
        assert_reason_then_summary(tap.run, "The target has stopped reading")
        assert "unhandled" not in re.sub(r".*\| DEBUG .*", "", tap.log)
        assert list(tap.temporary.iterdir()) == []


@posix
@pytest.mark.parametrize("output", ["closed", *(["full"] if FULL.exists() else [])])
@pytest.mark.parametrize("arguments", [(), ("--discover",), ("--about",), ("--help",)], ids=str)
def test_an_output_that_cannot_be_written_is_said_once_and_ends_the_run(
    arguments: tuple[str, ...], output: str, company: Sandbox, tmp_path: Path
) -> None:
    command = [*tap_command(settings_for(company, DIRECTORY), tmp_path), *arguments]
    redirected = {"full": f">{FULL}", "closed": ">&-"}[output]
    run = in_shell(command, redirected, tmp_path)
    reason = {"full": "no space left on device", "closed": "standard output is closed"}[output]
    assert run.returncode == 1
    assert run.stderr.count(f"The output could not be written: {reason}") == 1
    assert_no_traceback(run)


@posix
@pytest.mark.parametrize("redirected", ["2>&-", *([f"2>{FULL}"] if FULL.exists() else [])])
def test_a_log_that_cannot_be_written_does_not_stop_the_rows(
    redirected: str, company: Sandbox, tmp_path: Path
) -> None:
    run = in_shell(tap_command(settings_for(company, DIRECTORY), tmp_path), redirected, tmp_path)
    assert len(run.succeeded().records("people_directory")) == company.people


def in_shell(command: list[str], redirected: str, folder: Path) -> Run:
    """Run a command, its streams redirected by a shell."""
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {redirected}', "sh", *command],
        capture_output=True,
        check=False,
        cwd=folder,
        env=tap_environment(),
        timeout=TIMEOUT,
        encoding="utf-8",
    )
    return Run(done.returncode, done.stdout, done.stderr)

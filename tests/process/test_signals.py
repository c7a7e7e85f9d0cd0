"""A signal at any moment: whole lines, the state of whole windows, no Python innards."""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
import sys
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from support.processes import (
    BUFFERING,
    CELLS,
    SLOW,
    TIMEOUT,
    WAITING,
    Gate,
    Tap,
    assert_clean_end,
    assert_no_traceback,
    assert_reason_then_summary,
    is_record_of,
    months,
    posix,
    wait_for,
    windows,
)
from support.sandboxes import DIRECTORY, settings_for
from support.tap_runs import TIME_SCALE, Run, run_tap, tables, tap_command
from tap_crewmojo.sandbox.company.company import ReportSource
from tap_crewmojo.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path

SIGNALS = [pytest.param(number, id=number.name) for number in (signal.SIGTERM, signal.SIGINT)]


@posix
@pytest.mark.parametrize("env", BUFFERING)
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_while_rows_stream_leaves_whole_lines_and_the_state_of_whole_windows(
    number: signal.Signals, cell: str, env: dict[str, str], tmp_path: Path
) -> None:
    reports = {"x.y": ReportSource(months({2: 4_000_000 // (len(cell) + 200)}, cell))}
    with Sandbox(time_scale=TIME_SCALE, people=3, reports=reports) as sandbox:
        config = settings_for(sandbox, "x.y", window_log=True, **WAITING)
        with Tap(tap_command(config, tmp_path), tmp_path, env) as tap:
            tap.read_until(is_record_of("2025-02-01"))
            tap.wait_until_stuck()
            run = tap.signalled(number)
        assert_clean_end(tap, run)
        assert run.returncode == 128 + number
        assert [done["window_end"] for done in run.records("report_windows")] == ["2025-01-31"]
        assert_reason_then_summary(run, f"Ended by {number.name}: the next run resumes")
        assert "unfinished, 1 of 3 windows, 20 rows" in run.stderr
        assert run.bookmarks == {"x_y": "2025-01-31"}
        assert windows(run, "x_y") == ["2025-01-01", "2025-02-01"]


@posix
@pytest.mark.parametrize("env", BUFFERING)
def test_a_signal_does_not_wait_until_the_target_has_read_all_that_was_gathered(
    env: dict[str, str], tmp_path: Path
) -> None:
    """Who stops a container waits ten seconds, then kills: in the middle of a line."""
    reports = {"x.y": ReportSource(months({2: 900}, "x" * 20_000))}
    with (
        Sandbox(time_scale=TIME_SCALE, people=3, reports=reports) as sandbox,
        Tap(tap_command(settings_for(sandbox, "x.y", **WAITING), tmp_path), tmp_path, env) as tap,
    ):
        tap.read_until(is_record_of("2025-02-01"))
        tap.wait_until_stuck()
        read = len(tap.lines)
        run = tap.signalled(signal.SIGTERM)
        assert_clean_end(tap, run)
        assert run.returncode == 143
        assert sum(map(len, tap.lines[read:])) < 1_000_000


@posix
@pytest.mark.parametrize("env", BUFFERING)
@pytest.mark.parametrize("cell", CELLS)
def test_a_signal_before_the_target_goes_away_ends_in_silence(
    cell: str, env: dict[str, str], tmp_path: Path
) -> None:
    """Ctrl-C reaches the target, too: it goes away while the tap holds a line for it."""
    reports = {"x.y": ReportSource(months({2: 4_000_000 // (len(cell) + 200)}, cell))}
    with (
        Sandbox(time_scale=TIME_SCALE, people=3, reports=reports) as sandbox,
        Tap(tap_command(settings_for(sandbox, "x.y", **WAITING), tmp_path), tmp_path, env) as tap,
    ):
        tap.read_until(is_record_of("2025-02-01"))
        tap.wait_until_stuck()
        tap.process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            tap.process.wait(0.2)  # it may end now, or only when the target has gone
        tap.stdout.close()
        assert tap.process.wait() in {130, 1}
        assert_no_traceback(tap.run)
        assert list(tap.temporary.iterdir()) == []


@posix
@pytest.mark.parametrize("env", BUFFERING)
def test_a_target_that_reads_no_more_cannot_hold_back_a_second_signal(
    env: dict[str, str], tmp_path: Path
) -> None:
    reports = {"x.y": ReportSource(months({2: 200}, "x" * 20_000))}
    with (
        Sandbox(time_scale=TIME_SCALE, people=3, reports=reports) as sandbox,
        Tap(tap_command(settings_for(sandbox, "x.y", **WAITING), tmp_path), tmp_path, env) as tap,
    ):
        tap.read_until(is_record_of("2025-02-01"))
        tap.wait_until_stuck()
        while tap.process.poll() is None:
            tap.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                tap.process.wait(0.2)
        assert tap.process.returncode in {143, -signal.SIGTERM}
        assert_no_traceback(tap.run)


@posix
@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_while_a_report_is_requested_does_not_wait_for_it(
    number: signal.Signals, tmp_path: Path
) -> None:
    with (
        Gate(date(2025, 3, 1)) as gate,
        Sandbox(
            time_scale=TIME_SCALE, people=3, reports={"x.y": ReportSource(gate.rows)}
        ) as sandbox,
        gate,  # opened before the sandbox ends
        Tap(tap_command(settings_for(sandbox, "x.y", **WAITING), tmp_path), tmp_path, SLOW) as tap,
    ):
        tap.read_until(lambda message: "2025-02-28" in str(message.get("value")))
        assert gate.reached.wait(TIMEOUT)
        run = tap.signalled(number)
        assert not gate.opened.is_set()
        assert_clean_end(tap, run)
        assert run.returncode == 128 + number
        assert run.bookmarks == {"x_y": "2025-02-28"}
        assert windows(run, "x_y") == ["2025-01-01", "2025-02-01"]
        assert len(run.records("x_y")) == 40


@posix
@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_while_a_job_is_polled_keeps_what_is_complete(
    number: signal.Signals, tmp_path: Path
) -> None:
    quick, slow = ReportSource(months({})), ReportSource(months({}), generation_seconds=1e9)
    with Sandbox(people=3, reports={"a": quick, "b": quick}, time_scale=TIME_SCALE) as sandbox:
        catalog = (
            run_tap(settings_for(sandbox, "a", "b"), tmp_path, "--discover").succeeded().catalog
        )
    with Sandbox(people=3, reports={"a": quick, "b": slow}, time_scale=TIME_SCALE) as sandbox:
        command = tap_command(settings_for(sandbox, "a", "b", **WAITING), tmp_path, catalog=catalog)
        with Tap(command, tmp_path, SLOW) as tap:
            tap.read_until(lambda message: message.get("stream") == "b")
            wait_for(lambda: any(entry.phase == "poll" for entry in sandbox.requests))
            run = tap.signalled(number)
    assert_clean_end(tap, run)
    assert run.returncode == 128 + number
    assert run.bookmarks["a"] == "2025-03-15"
    assert run.bookmarks.get("b") is None
    assert len(run.records("a")) == 60
    assert not run.records("b")


@posix
def test_ctrl_c_while_the_program_is_loaded_prints_no_traceback() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "tap_crewmojo", "--version"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stderr
        loading = next(line for line in process.stderr if b"singer_sdk" in line)
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert loading
    assert process.returncode == -signal.SIGINT
    assert b"Traceback" not in rest


@pytest.fixture(scope="module")
def clean_run(company: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run_tap(several(company), tmp_path_factory.mktemp("clean")).succeeded()


def several(company: Sandbox) -> dict[str, Any]:
    return settings_for(
        company, "oneonone.summary", "oneonone.detail", "objective.detail", DIRECTORY
    )


@posix
@pytest.mark.parametrize("seed", range(8))
def test_a_killed_run_and_the_next_one_load_what_a_single_run_loads(
    seed: int, company: Sandbox, clean_run: Run, tmp_path: Path
) -> None:
    config = several(company)
    spared = random.Random(seed).randrange(len(clean_run.messages))  # noqa: S311  # no secret
    with Tap(tap_command(config, tmp_path), tmp_path) as tap:
        read = iter(range(spared))
        tap.read_until(lambda _: next(read, None) is None)
        killed = tap.signalled(signal.SIGKILL)
        assert killed.returncode == -signal.SIGKILL
        assert list(tap.temporary.iterdir()) == []
    again = run_tap(config, tmp_path, state=killed.state).succeeded()
    assert tables(killed, again) == tables(clean_run)
    assert again.bookmarks == clean_run.bookmarks

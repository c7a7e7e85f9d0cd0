"""What people and programs see of a run on standard error: its lines, its end, a bar."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from support.repository import block
from support.sandboxes import settings_for
from support.tap_runs import TIME_SCALE, Run, run_tap, tap_command, tap_environment
from tap_crewmojo.sandbox.company.company import ReportSource
from tap_crewmojo.sandbox.company.table import Table
from tap_crewmojo.sandbox.faults import Fault
from tap_crewmojo.sandbox.sandbox import Sandbox

if sys.platform != "win32":
    import pty
    import termios

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

INFO = {"LOGLEVEL": "INFO"}
JANUARY = "2025-01-01 to 2025-01-31"
FOREVER = 10_000
NAME = "Zebulon Quark"


def rows(start: date | None, _end: date | None) -> Table:
    """Return a row for each of ten days."""
    assert start
    days = [start + timedelta(day) for day in range(10)]
    return Table(("Name", "Day"), tuple((NAME, day) for day in days))


QUICK = ReportSource(rows)
SLOW = ReportSource(rows, generation_seconds=110)


def lines(run: Run, words: str) -> list[str]:
    """Return the log lines that hold some words, from their level on."""
    return [line.split(" | ", 1)[1] for line in run.stderr.splitlines() if words in line]


def test_the_log_says_how_each_stream_starts_goes_and_ends(tmp_path: Path) -> None:
    whole = {"id": "whole", "replication_method": "FULL_TABLE"}
    reports = {"a.b": QUICK, "whole": ReportSource(lambda *_: Table(("A",), (("x",),)))}
    with Sandbox(time_scale=TIME_SCALE, people=3, reports=reports) as sandbox:
        sandbox.faults.add(Fault(phase="post", kind="lose-job", report="a.b", start=20250301))
        config = settings_for(sandbox, "a.b", "no.such", whole, force_job=True)
        state = {
            "bookmarks": {
                "a_b": {
                    "replication_key": "_sdc_report_end_date",
                    "replication_key_value": "2025-02-28",
                }
            }
        }
        run = run_tap(config, tmp_path, state=state, env=INFO)
    assert run.returncode == 1
    assert "Discovery: sampling 3 reports" in run.stderr
    assert "Discovery: 2 of 3 reports sampled" in run.stderr
    start = "Starting with 2 windows, 2025-02-01 to 2025-03-15 (bookmark 2025-02-28)"
    assert f"a_b: {start}" in run.stderr
    assert "whole: Starting with the whole report" in run.stderr
    (first, second) = lines(run, "Finished report 'a.b'")
    assert re.search(r"\| tap-crewmojo\.a_b +\| Finished", first)
    assert re.search(r"2025-02-01 to 2025-02-28: 10 rows, \d+\.\d s, 1 job; 1 window left$", first)
    assert re.search(r"2025-03-01 to 2025-03-15: 10 rows, \d+\.\d s, 2 jobs; 0 windows", second)
    assert re.search(r"Finished report 'whole': 1 row, \d+\.\d s, 1 job$", run.stderr, re.MULTILINE)
    assert summary(run) == [
        "a_b: Summary: done, 2 of 2 windows, 20 rows, 3 jobs, 1.5 s, bookmark 2025-03-15",
        "no_such: Summary: FAILED, 0 of 3 windows, 0 rows, 1.5 s",
        "whole: Summary: done, 1 row, 1 job, 1.5 s",
    ]


def summary(run: Run) -> list[str]:
    """Return the summary of each stream, its seconds replaced."""
    texts = [line.split(" | ")[-1] for line in lines(run, "Summary: ")]
    return [re.sub(r"\d+\.\d s", "1.5 s", line) for line in texts]


def test_a_run_of_one_report_is_about_ten_lines_however_many_windows_it_has(tmp_path: Path) -> None:
    with Sandbox(time_scale=TIME_SCALE, people=3, reports={"x": QUICK}) as sandbox:
        config = settings_for(sandbox, "x", start_date="2023-01-01")
        run = run_tap(config, tmp_path, env=INFO).succeeded()
    log = run.stderr.splitlines()
    assert len(log) <= 12, "two of them about discovery"
    metrics = [re.search(r'"metric":"(\w+)"', line) for line in log if "METRIC" in line]
    assert [found.group(1) for found in metrics if found] == ["sync_duration", "record_count"]
    assert "Finished report 'x', 2025-03-01 to 2025-03-15" in run.stderr
    assert "27 of 27 windows, 270 rows" in run.stderr


def test_a_summary_counts_real_seconds(tmp_path: Path) -> None:
    """The API's seconds pass a hundred times faster in these sandboxes."""
    with Sandbox(time_scale=TIME_SCALE, people=3, reports={"x": SLOW}) as sandbox:
        config = settings_for(sandbox, "x", end_date="2025-01-31")
        catalog = run_tap(config, tmp_path, "--discover", env=INFO).succeeded().catalog
        run = run_tap(config, tmp_path, catalog=catalog, env=INFO).succeeded()
    for line in (*lines(run, "Finished"), *lines(run, "Summary")):
        seconds = re.search(r"(\d+\.\d) s", line)
        assert seconds
        assert 1 <= float(seconds[1]) < 30, "110 of the API"


def test_nothing_is_logged_about_a_report_after_it_has_failed(tmp_path: Path) -> None:
    """Its other windows are being downloaded and retried, and its last column has variants."""

    def drifting(start: date | None, _end: date | None) -> Table:
        assert start
        cells = ("x", "7") if start.month == 2 else ("7", "8")
        return Table(("Code",), tuple((cell,) for cell in cells))

    reports = {"a": ReportSource(drifting), "b": SLOW}
    with Sandbox(time_scale=TIME_SCALE, people=3, reports=reports) as sandbox:
        config = settings_for(sandbox, "a", "b", end_date="2025-12-31")
        catalog = run_tap(config, tmp_path, "--discover").succeeded().catalog
        sandbox.faults.add(
            Fault(phase="post", kind="status", status=404, report="a", start=20250301),
            Fault(phase="post", kind="status", status=503, report="a", start=20250401),
            Fault(phase="post", kind="delay", seconds=80, report="a", start=20250501),
        )
        run = run_tap(config, tmp_path, catalog=catalog, env=INFO)
    about = [line for line in run.stderr.splitlines() if "tap-crewmojo.a " in line]
    (at,) = (place for place, line in enumerate(about) if "| ERROR " in line)
    assert "Column 'Code' has values that do not fit its type (1)" in "".join(about[:at])
    assert [line.split(" | ")[-1].split(",")[0] for line in about[at + 1 :]] == [
        "a: Summary: FAILED"
    ]


def test_every_30_seconds_a_line_says_what_the_run_waits_for(tmp_path: Path) -> None:
    """While the server is silent, in the pause before a retry, and while a job is polled."""
    reports = {"job": SLOW, "paused": QUICK, "silent": QUICK}
    with Sandbox(time_scale=TIME_SCALE, people=3, reports=reports) as sandbox:
        sandbox.faults.add(
            Fault(phase="post", kind="delay", seconds=75, report="silent"),
            Fault(phase="post", kind="status", status=503, retry_after="75", report="paused"),
        )
        config = settings_for(sandbox, *reports, end_date="2025-01-31", job_timeout=600)
        run = run_tap(config, tmp_path, env=INFO).succeeded()
    for report, why in {
        "silent": "no report yet$",
        "paused": r"no report yet \(the last failure: the response has status 503",
        "job": r"its job was polled \d+ times",
    }.items():
        texts = [
            re.search(
                rf"report '{report}', {JANUARY}, attempt 1 of 3: waiting for (\d+) s, (.*)", line
            )
            for line in lines(run, f"report '{report}'")
            if "waiting" in line
        ]
        seconds = [int(line.group(1)) for line in texts if line]
        assert len(seconds) == len(texts) >= 2, run.stderr
        assert 30 <= seconds[0] < 60 <= seconds[1]
        last = texts[-1]
        assert last
        assert re.match(why, last.group(2)), last.group(2)


def test_a_retry_is_logged_with_its_reason_and_its_pause(tmp_path: Path) -> None:
    with Sandbox(time_scale=TIME_SCALE, people=3, reports={"x": SLOW}) as sandbox:
        post: dict[str, Any] = {"phase": "post", "report": "x"}
        sandbox.faults.add(
            Fault(kind="status", status=503, retry_after="7", **post),
            Fault(kind="reset", **post),
            Fault(kind="delay", seconds=100, **post),
            Fault(kind="status", status=401, **post),
            Fault(phase="poll", kind="lose-job", report="x"),
        )
        config = settings_for(sandbox, "x", end_date="2025-01-31", job_timeout=600)
        run = run_tap(config, tmp_path, env=INFO).succeeded()
    texts = [line.split(" | ")[-1] for line in lines(run, "WARNING")]
    attempt = f"report 'x', {JANUARY}, attempt 1 of 3: "
    silent = f"{attempt}no response from {sandbox.api_url}"
    assert texts == [
        f'{attempt}the response has status 503 ("a * of the *"); retried in 7 s (try 2 of 8)',
        f"{silent} (the connection was closed before a response); retried in 2 s (try 3 of 8)",
        f"{silent} (no response within 90 s); retried in 4 s (try 4 of 8)",
        texts[3],
        attempt
        + 'its job is lost: the response has status 404 ("unknown job"); requested again in 2 s',
    ]
    assert re.fullmatch(
        rf"report 'x', {JANUARY}: the token was refused with status 401; retried with a new "
        r"one in [012] s \(renewal 1 of 3\)",
        texts[3],
    )


def test_a_person_does_not_wait_long_for_a_server_that_is_not_there(tmp_path: Path) -> None:
    """In `--test` and `--discover`: the pauses before the fifth try are 15 seconds together.

    A busy machine may need so long for the fourth one.
    """
    with Sandbox(time_scale=TIME_SCALE, people=3, reports={"x": QUICK}) as sandbox:
        config = settings_for(sandbox, "x")
        catalog = run_tap(config, tmp_path, "--discover").succeeded().catalog
    for arguments, known, tries in (
        (["--test"], None, "45"),
        (["--discover"], None, "45"),
        ([], catalog, "8"),
    ):
        run = run_tap(config, tmp_path, *arguments, catalog=known, env={"LOGLEVEL": "DEBUG"})
        assert run.returncode == 1
        first, *others = (line.split(" | ")[-1] for line in lines(run, "WARNING"))
        assert "connection refused" in first
        assert not [line for line in others if line.partition("; retried")[0] in first]
        assert max(re.findall(r"try (\d) of", run.stderr)) in tries


def test_a_connection_test_tries_every_report_and_lists_all_that_failed(tmp_path: Path) -> None:
    with Sandbox(time_scale=TIME_SCALE, people=3, reports={"m": QUICK}) as sandbox:
        config = settings_for(sandbox, "a.none", "m", "z.none", {"id": "m", "name": "keyless"})
        config["reports"][-1]["columns"] = {"Day": {"type": "date", "format": "%d/%m/%Y"}}
        run = run_tap(config, tmp_path, "--test", env=INFO)
    assert run.returncode == 1
    assert "2 of 4 reports failed:\n" in run.stderr
    listed = run.stderr.split("reports failed:\n")[1].splitlines()
    assert [re.match(r"  - report '(.+?)', 2025-02-01 to", line)[1] for line in listed] == [  # type: ignore[index]
        "a.none",
        "z.none",
    ]
    assert len(run.records("m")) == len(run.records("keyless")) == 1
    assert len(lines(run, "The connection test of")) == 2


def test_a_stream_that_fails_does_not_keep_the_workers_busy(tmp_path: Path) -> None:
    with Sandbox(time_scale=TIME_SCALE, reports={"a": QUICK, "b": QUICK}) as sandbox:
        config = settings_for(sandbox, "a", "b", end_date="2025-12-31")
        catalog = run_tap(config, tmp_path, "--discover").succeeded().catalog
    with Sandbox(time_scale=TIME_SCALE, reports={"a": SLOW, "b": QUICK}) as sandbox:
        sandbox.faults.add(
            Fault(phase="post", kind="status", status=404, report="a", start=20250101),
            Fault(phase="post", kind="delay", seconds=40, report="a", times=FOREVER),
        )
        config |= {"api_url": sandbox.api_url}
        run = run_tap(config, tmp_path, catalog=catalog, env=INFO)
        phases = [entry.phase for entry in sandbox.requests if entry.report == "a"]
    assert run.returncode == 1
    assert len(run.records("b")) == 120
    assert run.bookmarks["b"] == "2025-12-31"
    # One has its response, four are under way; their jobs would be ready after some ten polls each.
    assert phases.count("post") <= 5
    assert "poll" not in phases


def json_log(run: Run) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run.stderr.splitlines()]


def test_a_log_in_json_has_the_same_facts_as_fields_and_the_sdks_metrics(tmp_path: Path) -> None:
    readme = block("config: logs")
    assert "    filters: [no metrics]\n" in readme
    for name, text in {
        "quiet": readme,
        "loud": readme.replace("    filters: [no metrics]\n", "").replace("INFO", "DEBUG"),
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    with Sandbox(time_scale=TIME_SCALE, people=3, reports={"x": QUICK}) as sandbox:
        sandbox.faults.add(Fault(phase="post", kind="reset", report="x"))
        config = settings_for(sandbox, "x", "no.such")
        loud, quiet = (
            run_tap(config, tmp_path, env={"SINGER_SDK_LOG_CONFIG": str(tmp_path / name), **level})
            for name, level in (("loud", {"LOGLEVEL": "DEBUG"}), ("quiet", INFO))
        )
        secrets = [sandbox.client_secret, *sandbox.tokens, NAME]
    assert loud.returncode == quiet.returncode == 1
    assert not [word for word in secrets if word in loud.stderr]
    metrics = [line["metric_info"] for line in json_log(loud) if "metric_info" in line]
    assert {metric["metric"] for metric in metrics} == {
        "record_count",
        "http_request_duration",
        "sync_duration",
    }
    (count,) = [
        metric["value"]
        for metric in metrics
        if metric["metric"] == "record_count" and metric["tags"]["stream"] == "x"
    ]
    assert count == 30
    endpoints = {metric["tags"].get("endpoint") for metric in metrics}
    assert endpoints - {None} == {
        "/integrations/download/x",
        "/integrations/download/no.such",
    }

    events = json_log(quiet)
    assert not [event for event in events if "metric_info" in event]
    finished = [event for event in events if event["message"].startswith("Finished")]
    assert [event["stream_name"] for event in finished] == ["x"] * 3
    facts = finished[0]["extra"]
    assert isinstance(facts.pop("seconds"), float)
    assert facts == {
        "report": "x",
        "window_start": "2025-01-01",
        "window_end": "2025-01-31",
        "rows": 10,
        "empty_rows": 0,
        "jobs": 0,
        "windows_left": 2,
    }
    ends = {
        event["stream_name"]: event["extra"]
        for event in events
        if ": Summary: " in event["message"]
    }
    assert {name: (facts["result"], facts["windows"]) for name, facts in ends.items()} == {
        "no_such": ("FAILED", 0),
        "x": ("done", 3),
    }
    assert ends["x"]["bookmark"] == "2025-03-15"


def on_terminal(command: list[str]) -> str:
    """Run a command whose standard error is a terminal; return what that has shown."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    with (
        os.fdopen(ours, "rb") as terminal,
        subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=theirs, env=tap_environment(INFO)
        ) as tap,
    ):
        os.close(theirs)
        shown = b""
        try:
            while piece := terminal.read1(1 << 16):
                shown += piece
        except OSError:  # the other end of a terminal is gone
            pass
        assert tap.wait() == 0, shown
    return shown.decode()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminal")
def test_a_terminal_shows_a_bar_below_the_log_and_a_pipe_does_not(tmp_path: Path) -> None:
    with Sandbox(time_scale=TIME_SCALE, people=3, reports={"x": QUICK}) as sandbox:
        config = settings_for(sandbox, "x")
        shown = on_terminal(tap_command(config, tmp_path))
        run = run_tap(config, tmp_path, env=INFO).succeeded()
    assert "| 1 of 3 downloads, " in shown
    pieces = [piece for piece in re.split(r"[\r\n]+", shown) if piece.strip()]
    bars = [piece for piece in pieces if re.match(r" *\d+%\|", piece)]
    assert len(bars) > 3
    assert all(re.fullmatch(r" *\d+%\|.{40,}\| \d of 3 downloads, \S+", bar) for bar in bars)
    logged = [piece for piece in pieces if piece not in bars]
    texts = [line.split(" | ")[-1] for line in logged if "Finished" in line]
    assert len(texts) == 3, "a line each, whole"
    assert "x: Summary: done, 3 of 3 windows" in logged[-1], "the bar is gone in the end"
    assert "\r" not in run.stderr
    assert "of 3 downloads" not in run.stderr

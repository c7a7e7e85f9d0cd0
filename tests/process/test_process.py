"""The tap as a process among others: signals, pipes, disks, twins, TLS, redirects, proxies, states.

All of it through the real command line, against sandboxes on this machine.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import random
import re
import signal
import ssl
import stat
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pytest
import trustme

from support.tap_runs import TIME_SCALE, Run, load, run_tap, tap_command, tap_environment, timeless
from tap_crewmojo.sandbox.company.company import ReportSource
from tap_crewmojo.sandbox.company.table import Table
from tap_crewmojo.sandbox.faults import Fault
from tap_crewmojo.sandbox.sandbox import HOST, Sandbox

if sys.platform != "win32":
    import fcntl
    import termios

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

PATIENCE = 60
"""Seconds after which a process or a thread is taken to hang: far more than any of them needs."""

SLOW = {"TAP_CREWMOJO_TIME_SCALE": "0.1"}
"""For a tap that is to wait in the middle: with `WAITING` it does so for a minute."""

WAITING = {"job_timeout": 600, "request_timeout": 600}

SIGNALS = [pytest.param(number, id=number.name) for number in (signal.SIGTERM, signal.SIGINT)]
BUFFERING = [pytest.param({}, id="buffered"), pytest.param({"PYTHONUNBUFFERED": "1"}, id="direct")]
CELLS = [pytest.param("x" * 80, id="short-rows"), pytest.param("x" * 20_000, id="long-rows")]
"""A line of 20 kB is longer than any buffer between the tap and the pipe."""

PIPE = 4096
"""Bytes between the tap and its reader; as few as can be, so that it is never far ahead."""

FULL = Path("/dev/full")
"""A disk without room, which Linux has."""

PEOPLE = {"id": "people.directory", "replication_method": "FULL_TABLE"}

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process in other ways")


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the developer's own proxies, certificates and passwords."""
    names = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "netrc")
    for name in (*names, *map(str.upper, names), "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@dataclass
class Tap:
    """The tap in a process of its own that is read line by line; ends with this context.

    Attributes:
        command: its command line.
        folder: where it runs, and where its log goes.
        env: what its environment has besides.
        temporary: its TMPDIR, which nobody else uses.
        lines: what has been read of its stdout.
    """

    command: list[str]
    folder: Path
    env: Mapping[str, str] = field(default_factory=dict)
    lines: list[bytes] = field(default_factory=list)
    process: subprocess.Popen[bytes] = field(init=False)

    @property
    def temporary(self) -> Path:
        return self.folder / "temporary"

    def __enter__(self) -> Self:
        self.temporary.mkdir(exist_ok=True)
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                self.command,
                stdout=subprocess.PIPE,
                stderr=log,
                pipesize=PIPE,
                cwd=self.folder,
                env=tap_environment({"TMPDIR": str(self.temporary)} | dict(self.env)),
            )
        # Lest a tap that hangs hold up its reader: killed, it fails the test.
        self._watchdog = threading.Timer(PATIENCE, self.process.kill)
        self._watchdog.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._watchdog.cancel()
        self.process.kill()
        self.process.wait()
        self.stdout.close()

    @property
    def stdout(self) -> Any:  # noqa: ANN401  # subprocess has it optional
        return self.process.stdout

    def read_until(self, enough: Callable[[dict[str, Any]], bool]) -> None:
        """Read messages up to one that is enough."""
        for line in self.stdout:
            self.lines.append(line)
            if enough(json.loads(line)):
                return
        raise AssertionError(self.log)

    def signalled(self, number: signal.Signals) -> Run:
        self.process.send_signal(number)
        return self.ended()

    def wait_until_stuck(self) -> None:
        """Return when the pipe is full, so that the tap can only wait for its reader."""

        def full() -> bool:
            waiting = fcntl.ioctl(self.stdout, termios.FIONREAD, bytes(4))
            return int.from_bytes(waiting, sys.byteorder) > PIPE - 1024  # less than a short line

        wait_for(full)

    def ended(self) -> Run:
        """Read the rest, and wait for the end."""
        self.lines += self.stdout.readlines()
        self.process.wait()
        return self.run

    @property
    def run(self) -> Run:
        """What a target has read: a last line without its end is none."""
        whole = [line.decode() for line in self.lines if line.endswith(b"\n")]
        return Run(self.process.returncode, "".join(whole), self.log)

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8")


@dataclass
class Gate:
    """A report that is not delivered for one window until the gate is opened."""

    start: date
    size: int = 20
    reached: threading.Event = field(default_factory=threading.Event)
    opened: threading.Event = field(default_factory=threading.Event)

    def rows(self, start: date | None, end: date | None) -> Table:
        if start == self.start:
            self.reached.set()
            self.opened.wait(PATIENCE)
        return months({}, other=self.size)(start, end)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.opened.set()


def months(
    sizes: Mapping[int, int], cell: str = "x", other: int = 20
) -> Callable[[date | None, date | None], Table]:
    """Return a report with so many rows in each month."""

    def rows(start: date | None, _end: date | None) -> Table:
        assert start
        number = sizes.get(start.month, other)
        return Table(("Code", "Note"), tuple((f"{start:%m}-{n}", cell) for n in range(number)))

    return rows


def settings(sandbox: Sandbox, *reports: Any, **own: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "client_id": sandbox.client_id,
        "client_secret": sandbox.client_secret,
        "api_url": sandbox.api_url,
        "reports": list(reports),
        "start_date": "2025-01-01",
        "end_date": "2025-03-15",
        **own,
    }


def tables(*runs: Run) -> dict[str, dict[Any, Any]]:
    """Return what a target holds, without what differs from run to run."""
    return {
        stream: {key: timeless(row) for key, row in table.items()}
        for stream, table in load(*runs).items()
    }


def windows(run: Run, stream: str) -> list[str]:
    """Return the windows that a run has rows of, in their order."""
    return list(dict.fromkeys(row["_sdc_report_start_date"] for row in run.records(stream)))


def is_record_of(start: str) -> Callable[[dict[str, Any]], bool]:
    return lambda message: (
        message["type"] == "RECORD" and message["record"]["_sdc_report_start_date"] == start
    )


def wait_for(condition: Callable[[], object]) -> None:
    """Return when something has happened in another thread."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def assert_told_without_a_traceback(run: Run) -> None:
    for words in ("Traceback", "Exception ignored", 'File "', "Unexpected "):
        assert words not in run.stderr, run.stderr


def assert_said_then_summarized(run: Run, reason: str) -> None:
    """The log has the reason once, then how the stream ended, and nothing else from the SDK."""
    assert run.stderr.count(reason) == 1
    assert "x_y: Summary: unfinished, " in run.stderr.split(reason)[1]
    assert "| ERROR " not in run.stderr.split(reason)[1]


def assert_clean_end(tap: Tap, run: Run) -> None:
    """Nothing is left behind: no half a line, no file, no Python innards on stderr."""
    assert tap.lines[-1].endswith(b"\n"), "half a line, which no target can read"
    assert run.messages
    assert_told_without_a_traceback(run)
    assert list(tap.temporary.iterdir()) == []


# Signals


@posix
@pytest.mark.parametrize("env", BUFFERING)
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_while_rows_stream_leaves_whole_lines_and_the_state_of_whole_windows(
    number: signal.Signals, cell: str, env: dict[str, str], tmp_path: Path
) -> None:
    reports = {"x.y": ReportSource(months({2: 4_000_000 // (len(cell) + 200)}, cell))}
    with Sandbox(time_scale=TIME_SCALE, people=3, reports=reports) as sandbox:
        with Tap(tap_command(settings(sandbox, "x.y", **WAITING), tmp_path), tmp_path, env) as tap:
            tap.read_until(is_record_of("2025-02-01"))
            tap.wait_until_stuck()
            run = tap.signalled(number)
        assert_clean_end(tap, run)
        assert run.returncode == 128 + number
        assert_said_then_summarized(run, f"Ended by {number.name}: the next run resumes")
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
        Tap(tap_command(settings(sandbox, "x.y", **WAITING), tmp_path), tmp_path, env) as tap,
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
        Tap(tap_command(settings(sandbox, "x.y", **WAITING), tmp_path), tmp_path, env) as tap,
    ):
        tap.read_until(is_record_of("2025-02-01"))
        tap.wait_until_stuck()
        tap.process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            tap.process.wait(0.2)  # it may end now, or only when the target has gone
        tap.stdout.close()
        assert tap.process.wait() in {130, 1}
        assert_told_without_a_traceback(tap.run)
        assert list(tap.temporary.iterdir()) == []


@posix
@pytest.mark.parametrize("env", BUFFERING)
def test_a_target_that_reads_no_more_cannot_hold_back_a_second_signal(
    env: dict[str, str], tmp_path: Path
) -> None:
    reports = {"x.y": ReportSource(months({2: 200}, "x" * 20_000))}
    with (
        Sandbox(time_scale=TIME_SCALE, people=3, reports=reports) as sandbox,
        Tap(tap_command(settings(sandbox, "x.y", **WAITING), tmp_path), tmp_path, env) as tap,
    ):
        tap.read_until(is_record_of("2025-02-01"))
        tap.wait_until_stuck()
        while tap.process.poll() is None:
            tap.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                tap.process.wait(0.2)
        assert tap.process.returncode in {143, -signal.SIGTERM}
        assert_told_without_a_traceback(tap.run)


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
        Tap(tap_command(settings(sandbox, "x.y", **WAITING), tmp_path), tmp_path, SLOW) as tap,
    ):
        tap.read_until(lambda message: "2025-02-28" in str(message.get("value")))
        assert gate.reached.wait(PATIENCE)
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
        catalog = run_tap(settings(sandbox, "a", "b"), tmp_path, "--discover").succeeded().catalog
    with Sandbox(people=3, reports={"a": quick, "b": slow}, time_scale=TIME_SCALE) as sandbox:
        command = tap_command(settings(sandbox, "a", "b", **WAITING), tmp_path, catalog=catalog)
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
    return settings(company, "oneonone.summary", "oneonone.detail", "objective.detail", PEOPLE)


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


# Pipes and disks


@posix
@pytest.mark.parametrize("env", BUFFERING)
@pytest.mark.parametrize("cell", CELLS)
def test_a_target_that_dies_ends_the_tap_without_a_word_of_python(
    cell: str, env: dict[str, str], tmp_path: Path
) -> None:
    reports = {"x.y": ReportSource(months({1: 4_000_000 // (len(cell) + 200)}, cell))}
    with (
        Sandbox(time_scale=TIME_SCALE, people=3, reports=reports) as sandbox,
        Tap(tap_command(settings(sandbox, "x.y", **WAITING), tmp_path), tmp_path, env) as tap,
    ):
        tap.read_until(is_record_of("2025-01-01"))
        tap.stdout.close()
        assert tap.process.wait() == 1
        assert_told_without_a_traceback(tap.run)
        assert_said_then_summarized(tap.run, "The target has stopped reading")
        assert "unhandled" not in re.sub(r".*\| DEBUG .*", "", tap.log)
        assert list(tap.temporary.iterdir()) == []


@posix
@pytest.mark.parametrize("output", ["closed", *(["full"] if FULL.exists() else [])])
@pytest.mark.parametrize("arguments", [(), ("--discover",), ("--about",), ("--help",)], ids=str)
def test_an_output_that_cannot_be_written_is_said_once_and_ends_the_run(
    arguments: tuple[str, ...], output: str, company: Sandbox, tmp_path: Path
) -> None:
    command = [*tap_command(settings(company, PEOPLE), tmp_path), *arguments]
    redirected = {"full": f">{FULL}", "closed": ">&-"}[output]
    run = in_shell(command, redirected, tmp_path)
    reason = {"full": "no space left on device", "closed": "standard output is closed"}[output]
    assert run.returncode == 1
    assert run.stderr.count(f"The output could not be written: {reason}") == 1
    assert_told_without_a_traceback(run)


@posix
@pytest.mark.parametrize("redirected", ["2>&-", *([f"2>{FULL}"] if FULL.exists() else [])])
def test_a_log_that_cannot_be_written_does_not_stop_the_rows(
    redirected: str, company: Sandbox, tmp_path: Path
) -> None:
    run = in_shell(tap_command(settings(company, PEOPLE), tmp_path), redirected, tmp_path)
    assert len(run.succeeded().records("people_directory")) == company.people


def in_shell(command: list[str], redirected: str, folder: Path) -> Run:
    """Run a command, its streams redirected by a shell."""
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {redirected}', "sh", *command],
        capture_output=True,
        check=False,
        cwd=folder,
        env=tap_environment(),
        timeout=PATIENCE,
        encoding="utf-8",
    )
    return Run(done.returncode, done.stdout, done.stderr)


@posix
def test_a_full_temporary_folder_fails_its_window_and_no_other_report(tmp_path: Path) -> None:
    limit = 1 << 20
    big = b"Code,Note\r\n" + b"".join(b"%d,%s\r\n" % (n, b"x" * 1000) for n in range(3 * 1024))
    assert len(big) > 2 * limit

    def rows(start: date | None, end: date | None) -> Table | bytes:
        return big if start == date(2025, 2, 1) else months({})(start, end)

    reports = {"a.big": ReportSource(rows), "b.small": ReportSource(months({}))}
    with Sandbox(time_scale=TIME_SCALE, people=3, reports=reports) as sandbox:
        config = settings(sandbox, "a.big", "b.small", end_date="2025-03-31")
        command = tap_command(config, tmp_path)
        with Tap(limited(command, limit), tmp_path) as tap:
            run = tap.ended()
    assert_clean_end(tap, run)
    assert run.returncode == 1
    assert "report 'a.big', 2025-02-01 to 2025-02-28: " in run.stderr
    assert "could not be written to the temporary folder" in run.stderr
    assert run.bookmarks == {"a_big": "2025-01-31", "b_small": "2025-03-31"}
    assert windows(run, "a_big") == ["2025-01-01"]
    assert len(run.records("b_small")) == 60


@posix
def test_a_temporary_folder_without_room_for_parquet_fails_its_window_and_no_other_report(
    tmp_path: Path,
) -> None:
    """A digit a row is small as CSV; as parquet each row takes at least its number."""
    big = b"Code\r\n" + b"7\r\n" * 400_000
    reports = {
        "a.big": ReportSource(lambda *_: big),
        "b.small": ReportSource(months({})),
    }
    with Sandbox(time_scale=TIME_SCALE, people=3, reports=reports) as sandbox:
        batches = {
            "encoding": {"format": "parquet", "compression": "none"},
            "storage": {"root": f"file://{tmp_path}/batches"},
        }
        config = settings(sandbox, "a.big", "b.small", end_date="2025-01-31", batch_config=batches)
        with Tap(limited(tap_command(config, tmp_path), 2 << 20), tmp_path) as tap:
            run = tap.ended()
    assert run.returncode == 1
    assert (
        "report 'a.big', 2025-01-01 to 2025-01-31: the report could not be written to the "
        "temporary folder (file too large)"
    ) in run.stderr
    assert_told_without_a_traceback(run)
    assert run.bookmarks == {"a_big": None, "b_small": "2025-01-31"}
    assert [message["stream"] for message in run.messages if message["type"] == "BATCH"] == [
        "b_small"
    ]
    assert list(tap.temporary.iterdir()) == []


def test_a_batch_that_cannot_be_stored_names_its_folder_and_the_reason(
    company: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    root = f"file://{tmp_path}/file/below"
    batches = {
        "encoding": {"format": "jsonl", "compression": "gzip"},
        "storage": {"root": root},
    }
    run = run_tap(settings(company, PEOPLE, batch_config=batches), tmp_path)
    assert run.returncode == 1
    assert f"The batch files could not be written to {root} (not a directory): check" in run.stderr
    assert_told_without_a_traceback(run)


def limited(command: list[str], size: int) -> list[str]:
    """Return a command that may write no file beyond a size: as good as a full disk."""
    words = "import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (%d, %d)); %s"
    words %= (size, size, "os.execv(sys.argv[1], sys.argv[1:])")
    return [sys.executable, "-c", words, *command]


@posix
def test_a_report_waits_on_disk_without_a_name_and_for_its_user_only(tmp_path: Path) -> None:
    """While January is generated, the sample of February is held."""
    with (
        Gate(date(2025, 1, 1)) as gate,
        Sandbox(
            time_scale=TIME_SCALE, people=3, reports={"x.y": ReportSource(gate.rows)}
        ) as sandbox,
        gate,
        Tap(tap_command(settings(sandbox, "x.y", **WAITING), tmp_path), tmp_path, SLOW) as tap,
    ):
        assert gate.reached.wait(PATIENCE)
        assert list(tap.temporary.iterdir()) == []
        if sys.platform == "linux":
            held = list(spools(tap))
            assert held
            for opened in held:
                assert str(opened.readlink()).endswith(" (deleted)")
                assert stat.S_IMODE(opened.stat().st_mode) == 0o600
            assert any(b"02-19,x" in opened.read_bytes() for opened in held)
        gate.opened.set()
        run = tap.ended().succeeded()
        assert len(run.records("x_y")) == 60
        assert list(tap.temporary.iterdir()) == []


def spools(tap: Tap) -> Iterator[Path]:
    """Yield what the tap has open in its temporary folder, as Linux shows it."""
    for opened in Path(f"/proc/{tap.process.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # a connection that was closed just now
            if str(opened.readlink()).startswith(f"{tap.temporary}/"):
                yield opened


# Twins


TWINS = ({"id": "oneonone.detail", "force_job": True}, "oneonone.summary", PEOPLE)
TWIN_SCALE = 0.02
"""Slower than in other tests: a request takes its real time, however fast the API's clock runs."""


@pytest.fixture(scope="module")
def lone_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    with twin_sandbox() as sandbox:
        (run,) = at_once(1, sandbox, tmp_path_factory.mktemp("alone"))
        assert len(sandbox.tokens) == 1
        return run.succeeded()


def twin_sandbox() -> Sandbox:
    return Sandbox(time_scale=TWIN_SCALE, people=12)


def at_once(number: int, sandbox: Sandbox, folder: Path) -> list[Run]:
    """Run so many taps with the same credentials at the same time."""
    config = settings(sandbox, *TWINS, request_timeout=600)
    env = {"TAP_CREWMOJO_TIME_SCALE": str(TWIN_SCALE)}
    folders = [folder / str(n) for n in range(number)]
    for own in folders:
        own.mkdir()
    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(lambda own: run_tap(config, own, env=env), folders))


@pytest.mark.parametrize("_again", range(3))
def test_two_runs_with_the_same_credentials_both_get_through(
    _again: int, lone_run: Run, tmp_path: Path
) -> None:
    with twin_sandbox() as sandbox:
        both = at_once(2, sandbox, tmp_path)
        assert len(sandbox.tokens) > 2, "they end each other's"
    for run in both:
        assert tables(run.succeeded()) == tables(lone_run)
        assert run.bookmarks == lone_run.bookmarks


def test_three_runs_with_the_same_credentials_get_through_or_say_why_not(
    lone_run: Run, tmp_path: Path
) -> None:
    with twin_sandbox() as sandbox:
        three = at_once(3, sandbox, tmp_path)
    for run in three:
        assert_told_without_a_traceback(run)
        if run.returncode == 0:
            assert tables(run) == tables(lone_run)
            continue
        assert run.returncode == 1
        assert "Another process may be using this client" in run.stderr
        for stream, table in tables(run).items():
            assert table.items() <= tables(lone_run)[stream].items()


# TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def tls(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def bundle(authority: trustme.CA, folder: Path) -> dict[str, str]:
    file = folder / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    return {"REQUESTS_CA_BUNDLE": str(file)}


def assert_certificate_refused(sandbox: Sandbox, run: Run) -> None:
    assert run.returncode == 1
    assert "the server's certificate is not trusted" in run.stderr
    assert_told_without_a_traceback(run)
    assert run.stderr.count("Requesting an access token") == 1, "asking again would not help"
    assert not sandbox.requests
    assert not sandbox.tokens


def test_a_certificate_of_an_unknown_authority_is_refused(
    authority: trustme.CA, tmp_path: Path
) -> None:
    with Sandbox(people=3, ssl_context=tls(authority.issue_cert(HOST))) as sandbox:
        run = run_tap(settings(sandbox, PEOPLE), tmp_path)
        assert_certificate_refused(sandbox, run)


def test_a_server_without_tls_is_not_blamed_for_its_certificate(
    company: Sandbox, tmp_path: Path
) -> None:
    api_url = company.api_url.replace("http:", "https:")
    run = run_tap(settings(company, PEOPLE, api_url=api_url), tmp_path)
    assert run.returncode == 1
    assert "the server speaks no TLS, or another version of it; check api_url" in run.stderr
    assert "certificate" not in run.stderr
    assert_told_without_a_traceback(run)


def test_an_expired_certificate_is_refused(authority: trustme.CA, tmp_path: Path) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    expired = authority.issue_cert(HOST, not_after=yesterday)
    with Sandbox(people=3, ssl_context=tls(expired)) as sandbox:
        run = run_tap(settings(sandbox, PEOPLE), tmp_path, env=bundle(authority, tmp_path))
        assert_certificate_refused(sandbox, run)


def test_the_certificate_of_another_host_is_refused(authority: trustme.CA, tmp_path: Path) -> None:
    other = authority.issue_cert("crewmojo.example", "127.0.0.2")
    with Sandbox(people=3, ssl_context=tls(other)) as sandbox:
        run = run_tap(settings(sandbox, PEOPLE), tmp_path, env=bundle(authority, tmp_path))
        assert_certificate_refused(sandbox, run)


def test_an_authority_of_the_users_own_is_trusted(authority: trustme.CA, tmp_path: Path) -> None:
    with Sandbox(people=3, ssl_context=tls(authority.issue_cert(HOST))) as sandbox:
        run = run_tap(settings(sandbox, PEOPLE), tmp_path, env=bundle(authority, tmp_path))
    assert len(run.succeeded().records("people_directory")) == 3


def test_a_missing_file_of_authorities_is_told_in_a_sentence(
    authority: trustme.CA, tmp_path: Path
) -> None:
    env = {"REQUESTS_CA_BUNDLE": str(tmp_path / "missing.pem")}
    with Sandbox(people=3, ssl_context=tls(authority.issue_cert(HOST))) as sandbox:
        run = run_tap(settings(sandbox, PEOPLE), tmp_path, env=env)
        assert not sandbox.requests
    assert run.returncode == 1
    assert "REQUESTS_CA_BUNDLE" in run.stderr
    assert_told_without_a_traceback(run)


# Redirects, proxies and other people's passwords


@pytest.mark.parametrize("status", [302, 307])
@pytest.mark.parametrize("phase", ["token", "post", "poll"])
def test_a_redirect_is_refused_and_its_destination_sees_nothing(
    phase: Any,  # noqa: ANN401  # one of the words that a fault takes
    status: int,
    company: Sandbox,
    sandbox: Sandbox,
    tmp_path: Path,
) -> None:
    seen = len(company.requests)
    there = f"{company.api_url}/{'oauth/token' if phase == 'token' else 'integrations/download/x'}"
    sandbox.faults.add(Fault(phase=phase, kind="redirect", status=status, body=there, times=99))
    config = settings(sandbox, PEOPLE, force_job=phase == "poll")
    run = run_tap(config, tmp_path)
    assert run.returncode == 1
    assert f"status {status}" in run.stderr
    assert "api_url" in run.stderr
    assert phase == "token" or "a redirect, which is not followed" in run.stderr
    assert_told_without_a_traceback(run)
    assert len(company.requests) == seen
    assert [entry.phase for entry in sandbox.requests].count(phase) == 1


class Recorder(http.server.ThreadingHTTPServer):
    """Notes what is asked of it, as a server or as a proxy; gives a token and refuses the rest."""

    def __init__(self) -> None:
        super().__init__((HOST, 0), _RecordingHandler)
        self.seen: list[tuple[str, str, str | None]] = []

    @property
    def address(self) -> str:
        return f"{HOST}:{self.server_port}"


class _RecordingHandler(http.server.BaseHTTPRequestHandler):
    server: Recorder

    def answer(self) -> None:
        self.server.seen.append((self.command, self.path, self.headers["Authorization"]))
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b'{"access_token": "a-token"}'
        self.send_response(200 if self.path.endswith("/oauth/token") else 403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET = do_CONNECT = answer  # noqa: N815  # the library's names

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with Recorder() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_plain_http_to_this_machine_passes_every_proxy_by(
    company: Sandbox, recorder: Recorder, tmp_path: Path
) -> None:
    """A proxy would read the client secret in clear text."""
    env = dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY"), f"http://{recorder.address}")
    run = run_tap(settings(company, PEOPLE), tmp_path, env=env).succeeded()
    assert run.records("people_directory")
    assert not recorder.seen


def test_a_proxy_sees_no_credentials_under_tls(recorder: Recorder, tmp_path: Path) -> None:
    config = {
        "client_id": "somebody",
        "client_secret": "a-secret",
        "api_url": "https://crewmojo.example/v1",
        "reports": [PEOPLE],
        "max_job_attempts": 1,
        "job_timeout": 1,
    }
    env = {"HTTPS_PROXY": f"http://{recorder.address}", "TAP_CREWMOJO_TIME_SCALE": ""}
    run = run_tap(config, tmp_path, env=env)
    assert run.returncode == 1
    assert_told_without_a_traceback(run)
    assert set(recorder.seen) == {("CONNECT", "crewmojo.example:443", None)}


def test_a_host_without_a_proxy_is_asked_directly(
    company: Sandbox, recorder: Recorder, tmp_path: Path
) -> None:
    env = {"HTTP_PROXY": f"http://{recorder.address}", "NO_PROXY": HOST}
    run_tap(settings(company, PEOPLE), tmp_path, env=env).succeeded()
    assert not recorder.seen


def test_passwords_of_netrc_are_not_used(
    company: Sandbox, recorder: Recorder, tmp_path: Path
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text(f"machine {HOST} login somebody password swordfish\n", encoding="utf-8")
    netrc.chmod(0o600)
    for own in ({"HOME": str(tmp_path)}, {"NETRC": str(netrc)}):
        run = run_tap(settings(company, PEOPLE), tmp_path, env=own).succeeded()
        assert len(run.records("people_directory")) == company.people
        recorder.seen.clear()
        config = settings(company, PEOPLE, api_url=f"http://{recorder.address}/v1")
        run_tap(config, tmp_path, env=own)
        assert [authorization for *_, authorization in recorder.seen] == [None, "Bearer a-token"]


# States


@pytest.fixture(scope="module")
def shelf() -> Iterator[Sandbox]:
    reports = {"x.y": ReportSource(months({}))}
    with Sandbox(time_scale=TIME_SCALE, people=3, reports=reports) as sandbox:
        yield sandbox


END = "_sdc_report_end_date"
NEXT_YEAR = f"{datetime.now(UTC).year + 1}-01-01"
STRANGE_BOOKMARKS = {
    "another-key": {"replication_key": "Date", "replication_key_value": "2025-02-28"},
    "no-key": {"replication_key_value": "2025-02-28"},
    "future": {"replication_key": END, "replication_key_value": NEXT_YEAR},
    "far-future": {"replication_key": END, "replication_key_value": "9999-12-31"},
    "no-value": {"replication_key": END},
    "null": {"replication_key": END, "replication_key_value": None},
    "words": {"replication_key": END, "replication_key_value": "last February"},
    "no-date": {"replication_key": END, "replication_key_value": "2025-02-30"},
    "number": {"replication_key": END, "replication_key_value": 1740700800},
    "list": {"replication_key": END, "replication_key_value": ["2025-02-28"]},
    "object": {"replication_key": END, "replication_key_value": {"date": "2025-02-28"}},
}
UNREADABLE = {
    "empty": "",
    "words": "nothing here",
    "half": '{"bookmarks": {"x_y": {"replication_key": "_sdc_rep',
    "two-lines": '{"bookmarks": {}}\n{"bookmarks": {}}\n',
    "list": "[]",
    "text": '"2025-02-28"',
    "number": "7",
    "bookmarks-list": '{"bookmarks": []}',
    "bookmarks-null": '{"bookmarks": null}',
    "bookmark-text": '{"bookmarks": {"x_y": "2025-02-28"}}',
    "bookmark-null": '{"bookmarks": {"x_y": null}}',
    "message": '{"type": "STATE", "value": {"bookmarks": {}}}',
    "latin-1": "\udce9",
}


def test_a_strange_bookmark_is_a_start_from_start_date_with_a_warning(
    shelf: Sandbox, tmp_path: Path
) -> None:
    reports = [{"id": "x.y", "name": name} for name in STRANGE_BOOKMARKS]
    state = {"bookmarks": STRANGE_BOOKMARKS}
    run = run_tap(settings(shelf, *reports), tmp_path, state=state).succeeded()
    assert_told_without_a_traceback(run)
    assert run.stderr.count("starting from start_date") == len(STRANGE_BOOKMARKS)
    for name in STRANGE_BOOKMARKS:
        assert windows(run, name) == ["2025-01-01", "2025-02-01", "2025-03-01"], name
        assert run.state["bookmarks"][name] == {
            "replication_key": END,
            "replication_key_value": "2025-03-15",
        }


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE)
def test_a_state_that_is_none_is_refused_in_a_sentence_or_nothing_is_skipped(
    text: str, shelf: Sandbox, tmp_path: Path
) -> None:
    file = tmp_path / "strange.json"
    file.write_text(text, encoding="utf-8", errors="surrogateescape")
    run = run_tap(settings(shelf, "x.y"), tmp_path, "--state", str(file))
    assert_told_without_a_traceback(run)
    if run.returncode == 0:
        assert windows(run, "x_y") == ["2025-01-01", "2025-02-01", "2025-03-01"]
        return
    assert run.returncode == 1
    assert not run.stdout
    assert re.search(
        "The state is not readable|file given (as --state|on the command line)", run.stderr
    )

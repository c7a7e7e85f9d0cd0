"""The tap as a process that a test reads line by line, stops, and looks at."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import pytest

from support.tap_runs import Run, tap_environment
from tap_crewmojo.sandbox.company.table import Table

if sys.platform != "win32":
    import fcntl
    import termios

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Mapping
    from datetime import date
    from pathlib import Path

TIMEOUT = 60
"""Seconds after which a process or a thread counts as hanging: far more than any of them needs."""

SLOW = {"TAP_CREWMOJO_TIME_SCALE": "0.1"}
"""For a tap that has to wait in the middle: with `WAITING` it does that for a minute."""

WAITING = {"job_timeout": 600, "request_timeout": 600}
BUFFERING = [pytest.param({}, id="buffered"), pytest.param({"PYTHONUNBUFFERED": "1"}, id="direct")]
CELLS = [pytest.param("x" * 80, id="short-rows"), pytest.param("x" * 20_000, id="long-rows")]
"""A line of 20 kB is longer than any buffer between the tap and the pipe."""

PIPE = 4096
"""Bytes between the tap and its reader; as few as can be, so that it is never far ahead."""

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process in other ways")


@dataclass
class Tap:
    """The tap in a subprocess that is read line by line; ends with this context.

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
        # A tap that hangs would block its reader for ever: killed, it fails the test.
        self._watchdog = threading.Timer(TIMEOUT, self.process.kill)
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
            self.opened.wait(TIMEOUT)
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


def windows(run: Run, stream: str) -> list[str]:
    """Return the windows that a run has rows of, in their order."""
    return list(dict.fromkeys(row["_sdc_report_start_date"] for row in run.records(stream)))


def is_record_of(start: str) -> Callable[[dict[str, Any]], bool]:
    return lambda message: (
        message["type"] == "RECORD" and message["record"].get("_sdc_report_start_date") == start
    )


def wait_for(condition: Callable[[], object]) -> None:
    """Return when something has happened in another thread."""
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def assert_no_traceback(run: Run) -> None:
    for words in ("Traceback", "Exception ignored", 'File "', "Unexpected "):
        assert words not in run.stderr, run.stderr


def assert_reason_then_summary(run: Run, reason: str) -> None:
    """The log has the reason once, then how the stream ended, and nothing else from the SDK."""
    assert run.stderr.count(reason) == 1
    assert "x_y: Summary: unfinished, " in run.stderr.split(reason)[1]
    assert "| ERROR " not in run.stderr.split(reason)[1]


def assert_clean_end(tap: Tap, run: Run) -> None:
    """Nothing is left behind: no half a line, no file, no Python innards on stderr."""
    assert tap.lines[-1].endswith(b"\n"), "half a line, which no target can read"
    assert run.messages
    assert_no_traceback(run)
    assert list(tap.temporary.iterdir()) == []

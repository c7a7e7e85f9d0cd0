"""One run of a command: its time, its CPU time and its peak memory."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from benchmarks.environments import Environment

# The machine's own settings for Python must not be measured: they may forbid caches of compiled
# modules, for example.
_KEPT: Final = ("PATH", "HOME", "LANG", "TMPDIR", "SSL_CERT_FILE")


@dataclass(frozen=True, slots=True)
class Command:
    """A whole process.

    Attributes:
        argv: the command line.
        env: variables, in addition to the few that every process gets.
        cwd: where it runs.
    """

    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """A command to measure.

    Attributes:
        name: the name of its figures.
        environment: where the program is installed.
        command: makes the command line.
        times: how often it runs in one round.
    """

    name: str
    environment: Environment
    command: Callable[[], Command]
    times: int = 1


@dataclass(frozen=True, slots=True)
class Run:
    """What one run took. Times in seconds, memory in MiB."""

    wall: float
    cpu: float
    memory: float


class RunFailedError(Exception):
    """A command failed; the text is the end of its log."""


def environment(command: Command) -> dict[str, str]:
    """Return the variables that a command runs with."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | dict(command.env)


def run(command: Command, log: Path) -> Run:
    """Run a command, discard its output and keep its log.

    Raises:
        RunFailedError: its exit code is not 0.
    """
    with log.open("wb") as stderr:
        started = time.perf_counter()
        process = subprocess.Popen(
            command.argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            env=environment(command),
            cwd=command.cwd,
        )
        # The kernel counts for this one process. Its peak is at least the size of the process that
        # started it: this one therefore imports little.
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        last_words = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:]
        msg = f"exit code {process.returncode}: {' | '.join(last_words)[-400:]}"
        raise RunFailedError(msg)
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def middle(runs: Sequence[Run]) -> Run:
    """Return the median of each figure."""
    return Run(
        median(run.wall for run in runs),
        median(run.cpu for run in runs),
        median(run.memory for run in runs),
    )

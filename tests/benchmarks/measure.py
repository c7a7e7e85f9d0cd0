"""One run of a command: how long it took, what it computed, how much memory it held at most."""

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

# What the machine's owner has set for Python must not be measured: it may forbid caches of
# compiled modules, say, or buffers.
_KEPT: Final = ("PATH", "HOME", "LANG", "TMPDIR", "SSL_CERT_FILE")


@dataclass(frozen=True, slots=True)
class Command:
    """A whole process.

    Attributes:
        argv: the command line.
        env: variables, beside the few that every process gets.
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
    """Run a command, its output thrown away and its log kept.

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
        # The kernel's own account of this one process; its peak counts from this process's size
        # on, which is why this one imports and holds little.
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

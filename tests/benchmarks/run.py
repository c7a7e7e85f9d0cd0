"""The benchmarks: makes the data, installs everybody, measures in rounds, writes what came out."""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from benchmarks import environments, results
from benchmarks.measure import Command, Run, RunFailedError, middle, run
from benchmarks.served import served
from benchmarks.subjects import PEERS, SMALL, Subjects
from benchmarks.waits import Waits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

HERE: Final = Path(__file__).parent
SECONDS: Final = 0.5
"""How long each of the slow reports takes."""

_STARTS: Final = 5
"""Starts are short: so many times as many rounds."""


class Measurements:
    """Runs commands in turn and keeps what each took.

    Args:
        folder: takes the logs.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._runs: dict[str, list[Run]] = defaultdict(list)
        self.failures: dict[str, str] = {}

    def round(self, commands: Mapping[str, Callable[[], Command]]) -> None:
        """Run each command once, but for those that failed before."""
        for name, command in commands.items():
            if name in self.failures:
                continue
            log = self._folder / f"{len(self._runs)}.log"
            try:
                taken = run(command(), log)
            except (RunFailedError, OSError, subprocess.CalledProcessError) as exc:
                self.failures[name] = str(exc)
                say(f"  {name}: FAILED, {exc}")
                continue
            self._runs[name].append(taken)
            say(f"  {name}: {taken.wall:.2f} s, {taken.cpu:.2f} s CPU, {taken.memory:.0f} MiB")

    @property
    def medians(self) -> dict[str, Any]:
        """The medians of each command's figures."""
        return {name: asdict(middle(runs)) for name, runs in self._runs.items()}


def say(text: str) -> None:
    """Tell how far it has come."""
    print(text, flush=True)  # noqa: T201


def _installed() -> dict[str, str]:
    failures = {}
    for environment in environments.ALL:
        if failure := environment.install():
            failures[environment.name] = failure
        say(f"{environment.name}: {failure or environment.versions}")
    return failures


def _starts() -> dict[str, Callable[[], Command]]:
    ours = environments.OURS
    about = Command([str(ours.bin / "tap-crewmojo"), "--about"])
    empty = Command([ours.python, str(PEERS / "empty_tap.py")])
    return {"about": lambda: about, "empty": lambda: empty}


def _measure(options: argparse.Namespace, data: Path, not_installed: Mapping[str, str]) -> Any:  # noqa: ANN401  # for JSON
    with (
        TemporaryDirectory(prefix="benchmark-") as name,
        served(environments.OURS, data, SECONDS) as where,
    ):
        folder = Path(name)
        measurements = Measurements(folder)
        subjects = Subjects(data, where, folder)
        commands: dict[str, Callable[[], Command]] = {}
        for subject in subjects.all():
            if failure := not_installed.get(subject.environment.name):
                measurements.failures[subject.name] = failure
                continue
            for size in (*subject.sizes, options.rows):
                label = subject.name if size == options.rows else f"{subject.name} @{size}"
                commands[label] = lambda s=subject, n=size: s.command(n)  # type: ignore[misc]
        waits = {
            "|".join(map(str, key)): make
            for key, make in Waits(where, folder, subjects.write).all().items()
        }
        for number in range(options.rounds):
            say(f"Round {number + 1} of {options.rounds}")
            for _ in range(_STARTS):
                measurements.round(_starts())
            measurements.round(_chosen(commands, options.only))
            measurements.round(_chosen(waits, options.only))
            for leftover in folder.glob("batch-*"):
                leftover.unlink()
        return {"medians": measurements.medians, "failures": measurements.failures}


def _chosen(
    commands: Mapping[str, Callable[[], Command]], only: str | None
) -> dict[str, Callable[[], Command]]:
    return {name: make for name, make in commands.items() if not only or only in name}


def _arguments(argv: Iterable[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the large report")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is run")
    parser.add_argument("--quick", action="store_true", help="100,000 rows, one round")
    parser.add_argument(
        "--only", metavar="TEXT", help="those whose name holds this; writes nothing"
    )
    options = parser.parse_args(argv and list(argv))
    if options.quick:
        options.rows, options.rounds = 100_000, 1
    return options


def main(argv: Iterable[str] | None = None) -> None:
    """Run the benchmarks."""
    options = _arguments(argv)
    began = time.monotonic()
    environments.FOLDER.mkdir(exist_ok=True)
    (environments.FOLDER / ".gitignore").write_text("*\n")  # half a gigabyte is no commit
    not_installed = _installed()
    data = environments.FOLDER / "reports"
    sizes = [str(size) for size in (*SMALL, options.rows)]
    subprocess.run([sys.executable, str(HERE / "data.py"), str(data), *sizes], check=True)
    measured = _measure(options, data, not_installed)
    if options.only:
        return
    report = measured | {
        "rows": options.rows,
        "rounds": options.rounds,
        "machine": results.machine(),
        "python": platform.python_version(),
        "date": time.strftime("%Y-%m-%d"),
        "versions": {e.name: e.versions for e in environments.ALL if e.name not in not_installed},
    }
    is_full = options.rows >= 1_000_000
    target = HERE if is_full else environments.FOLDER
    (environments.FOLDER / "measured.json").write_text(json.dumps(report, indent=1))
    (target / "results.md").write_text(results.page(report))
    chart = [environments.CHART.python, str(HERE / "chart.py")]
    files = [str(environments.FOLDER / "measured.json"), str(target / "results.png")]
    subprocess.run([*chart, *files], check=True)
    say(f"{target / 'results.md'}, after {(time.monotonic() - began) / 60:.0f} minutes")


if __name__ == "__main__":
    main()

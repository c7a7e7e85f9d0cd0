"""Measures the tap and its peers in rounds, and writes the page of results."""

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
from benchmarks.figures import ABOUT, EMPTY, Measured
from benchmarks.measure import Command, Run, RunFailedError, Task, middle, run
from benchmarks.nightly import SLOW_SECONDS, Nightly
from benchmarks.served import served
from benchmarks.subjects import PEERS, SMALL, Subjects
from benchmarks.waits import Waits

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.environments import Environment

HERE: Final = Path(__file__).parent
SECONDS: Final = 0.5
"""How long each of the slow reports takes."""

_STARTS: Final = 5
"""Runs of each start in a round: they are short."""

_HELP: Final = """\
Without --tap and --only, and with at least 1,000,000 rows, the page and the chart in
tests/benchmarks are written; otherwise they go to .benchmarks. The figures are printed.

  nox -s benchmarks                                   everything: the published page
  nox -s benchmarks -- --tap --rows 300000            the tap and the limits, in a few minutes
  nox -s benchmarks -- --tap --quick                  the same with 100,000 rows, once: a smoke test
  nox -s benchmarks -- --only parquet                 the commands with parquet in their names
"""


class Measurements:
    """Runs commands and keeps their figures.

    Args:
        folder: takes the logs.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._runs: dict[str, list[Run]] = defaultdict(list)
        self.failures: dict[str, str] = {}

    def run(self, task: Task) -> None:
        """Run a command as often as one round needs it, unless it failed before."""
        for _ in range(task.times):
            if task.name in self.failures:
                return
            try:
                taken = run(task.command(), self._folder / f"{len(self._runs)}.log")
            except (RunFailedError, OSError, subprocess.CalledProcessError) as exc:
                self.failures[task.name] = str(exc)
                say(f"  {task.name}: FAILED, {exc}")
                return
            self._runs[task.name].append(taken)
            say(f"  {task.name}: {taken.wall:.2f} s, {taken.cpu:.2f} s CPU, {taken.memory:.0f} MiB")

    @property
    def medians(self) -> dict[str, Any]:
        """The medians of each command's figures."""
        return {name: asdict(middle(runs)) for name, runs in self._runs.items()}


def say(text: str) -> None:
    """Print a line about the progress."""
    print(text, flush=True)  # noqa: T201


def _starts() -> list[Task]:
    ours = environments.OURS
    about = Command([str(ours.bin / "tap-crewmojo"), "--about"])
    empty = Command([ours.python, str(PEERS / "empty_tap.py")])
    return [
        Task(ABOUT, ours, lambda: about, _STARTS),
        Task(EMPTY, ours, lambda: empty, _STARTS),
    ]


def _installed(needed: Iterable[Environment]) -> dict[Environment, str | None]:
    """Install environments; return each with what failed."""
    installed = {}
    for environment in dict.fromkeys(needed):
        installed[environment] = failure = environment.install()
        say(f"{environment.name}: {failure or environment.versions}")
    return installed


def _measure(options: argparse.Namespace, reports: Path) -> dict[str, Any]:
    ours = _installed([environments.OURS])
    with (
        TemporaryDirectory(prefix="benchmark-") as name,
        served(environments.OURS, reports, SECONDS, SLOW_SECONDS) as where,
    ):
        folder = Path(name)
        subjects = Subjects(reports, where, folder)
        nightly = Nightly(where, folder, subjects.write).tasks()
        waits = [] if options.tap else Waits(where, folder, subjects.write).tasks()
        tasks = [
            task
            for task in (*_starts(), *nightly, *subjects.tasks(options.rows), *waits)
            if _is_chosen(task, options)
        ]
        installed = _installed(task.environment for task in tasks if task.environment not in ours)
        installed |= ours
        measurements = Measurements(folder)
        for task in tasks:
            if failure := installed[task.environment]:
                measurements.failures[task.name] = failure
        for number in range(options.rounds):
            say(f"Round {number + 1} of {options.rounds}")
            for task in tasks:
                measurements.run(task)
                for leftover in folder.glob("batch-*"):
                    leftover.unlink()
        return {
            "medians": measurements.medians,
            "failures": measurements.failures,
            "versions": {e.name: e.versions for e, failure in installed.items() if not failure},
        }


def _is_chosen(task: Task, options: argparse.Namespace) -> bool:
    if options.tap:
        return task.environment is environments.OURS
    return not options.only or any(text in task.name for text in options.only)


def _arguments(argv: Iterable[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="benchmarks",
        description=__doc__,
        epilog=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the large report")
    parser.add_argument("--rounds", type=int, default=3, help="how often each command runs")
    parser.add_argument("--quick", action="store_true", help="100,000 rows, one round")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument(
        "--tap", action="store_true", help="the tap and the limits: no peers, no slow reports"
    )
    choice.add_argument(
        "--only",
        metavar="TEXT",
        action="append",
        help="the commands whose name contains this; may be repeated",
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
    (environments.FOLDER / ".gitignore").write_text("*\n")  # a gigabyte of reports
    reports = environments.FOLDER / "reports"
    sizes = [str(size) for size in (*SMALL, options.rows)]
    subprocess.run([sys.executable, str(HERE / "data.py"), str(reports), *sizes], check=True)
    report = _measure(options, reports) | {
        "rows": options.rows,
        "rounds": options.rounds,
        "machine": results.machine(),
        "python": platform.python_version(),
        "date": time.strftime("%Y-%m-%d"),
    }
    is_part = options.tap or bool(options.only)
    target = HERE if options.rows >= 1_000_000 and not is_part else environments.FOLDER
    _write(report, target)
    for line in results.goals(Measured(report["medians"], options.rows), with_missing=False):
        say(line)
    say(f"{target / 'results.md'}, after {(time.monotonic() - began) / 60:.0f} minutes")


def _write(report: dict[str, Any], target: Path) -> None:
    chart = environments.CHART
    shown = results.chart(report)
    if failure := _installed([chart])[chart]:
        report["failures"]["chart"] = failure
    else:
        report["versions"][chart.name] = chart.versions
    measured = environments.FOLDER / "measured.json"
    measured.write_text(json.dumps(report | {"chart": shown}, indent=1))
    (target / "results.md").write_text(results.page(report))
    if not failure and any(panel["bars"] for panel in shown["panels"]):
        argv = [chart.python, str(HERE / "chart.py"), str(measured), str(target / "results.png")]
        subprocess.run(argv, check=True)


if __name__ == "__main__":
    main()

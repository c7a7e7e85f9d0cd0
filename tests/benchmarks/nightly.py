"""A nightly run: six small reports that are ready at once, or eight that are slow."""

from __future__ import annotations

import subprocess
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from benchmarks import environments
from benchmarks.measure import Command, Task, environment
from benchmarks.subjects import PEERS, discovered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from benchmarks.served import Served

QUICK: Final = "nightly run"
LIBRARIES: Final = "nightly run, imports of other libraries"
SLOW: Final = "nightly run, eight slow reports"
NAMES: Final = frozenset({QUICK, LIBRARIES, SLOW})
SLOW_SECONDS: Final = 2.0
"""How long each of the slow reports takes."""

IN_A_ROW: Final = 2
"""Slow reports that follow each other: there are eight, and four are in flight."""

_REPORTS: Final = {QUICK: ("quick", 6), SLOW: ("slow", 4 * IN_A_ROW)}
_TIMES: Final = 10  # the runs are short, and the figures of their difference small
_LIST_MODULES: Final = """\
import atexit, json, sys
from tap_crewmojo.__main__ import main
def show():
    others = [name for name in sys.modules if name.partition(".")[0] != "tap_crewmojo"]
    print(json.dumps(others), file=sys.stderr)
atexit.register(show)
main()
"""


class Nightly:
    """Makes the command lines.

    Args:
        served: where the reports are.
        folder: takes the files of settings, catalog and state.
        write: writes one.
    """

    def __init__(
        self, served: Served, folder: Path, write: Callable[[str, Mapping[str, Any]], str]
    ) -> None:
        self._served = served
        self._folder = folder
        self._write = write

    def tasks(self) -> Iterator[Task]:
        """Yield the commands."""
        yield Task(LIBRARIES, environments.OURS, self._libraries, _TIMES)
        yield Task(QUICK, environments.OURS, partial(self._run, QUICK), _TIMES)
        yield Task(SLOW, environments.OURS, partial(self._run, SLOW))

    def _run(self, kind: str) -> Command:
        """Return a run with catalog and state, as a runner keeps them: one window is due."""
        report, number = _REPORTS[kind]
        names = [f"{report}{each}" for each in range(number)]
        bookmark = {
            "replication_key": "_sdc_report_end_date",
            "replication_key_value": "2024-12-30",
        }
        config = {
            "client_id": "sandbox",
            "client_secret": "sandbox-secret",
            "api_url": self._served.jobs,
            "reports": [{"id": report, "name": name} for name in names],
            "start_date": "2024-12-01",
            "end_date": "2024-12-31",
        }
        settings = self._write(f"nightly-{report}", config)
        state = self._write(
            f"nightly-{report}-state", {"bookmarks": dict.fromkeys(names, bookmark)}
        )
        scale = {"TAP_CREWMOJO_TIME_SCALE": str(self._served.scale)}
        argv = [str(environments.OURS.bin / "tap-crewmojo"), "--config", settings]
        catalog = self._folder / f"nightly-{report}-catalog.json"
        if not catalog.exists():
            catalog.write_bytes(discovered(Command(argv, scale)))
        return Command([*argv, "--catalog", str(catalog), "--state", state], scale)

    def _libraries(self) -> Command:
        """Return a program that imports what a run imports, except for the tap's own modules."""
        modules = self._folder / "nightly-modules.json"
        if not modules.exists():
            _, *options = (run := self._run(QUICK)).argv
            argv = [environments.OURS.python, "-c", _LIST_MODULES, *options]
            ended = subprocess.run(
                argv, check=True, capture_output=True, env=environment(Command(argv, run.env))
            )
            modules.write_bytes(ended.stderr.splitlines()[-1])
        return Command([environments.OURS.python, str(PEERS / "libraries.py"), str(modules)])

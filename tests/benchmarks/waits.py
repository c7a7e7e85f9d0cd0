"""The programs measured over many slow reports, and how each is run."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from benchmarks import airbyte, environments
from benchmarks.measure import Command, Task
from benchmarks.served import token
from benchmarks.subjects import PEERS, airbyte_read, discovered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from benchmarks.served import Served

REPORTS: Final = tuple(f"wait{number}" for number in range(6))
WORKERS: Final = (1, 2, 4, 8, 16)
OURS: Final = "tap-crewmojo"
SDK: Final = "SDK tap"
DLT: Final = "dlt"
AIRBYTE: Final = "airbyte-cdk"
_PEERS_WORKERS: Final = 8


def waiting(who: str, kind: str, workers: int) -> str:
    """Return the name of a measurement."""
    return f"{who}|{kind}|{workers}"


class Waits:
    """Makes the command lines.

    Args:
        served: where the reports are.
        folder: takes the files of settings.
        write: writes one.
    """

    def __init__(
        self, served: Served, folder: Path, write: Callable[[str, Mapping[str, Any]], str]
    ) -> None:
        self._served = served
        self._folder = folder
        self._write = write

    def tasks(self) -> Iterator[Task]:
        """Yield the commands, for each program, kind of responses and number of workers."""
        for kind in ("immediate", "jobs"):
            for workers in WORKERS:
                yield Task(
                    waiting(OURS, kind, workers),
                    environments.OURS,
                    partial(self._ours, kind, workers),
                )
            name = waiting(DLT, kind, _PEERS_WORKERS)
            yield Task(name, environments.DLT, partial(self._dlt, kind))
        yield Task(waiting(SDK, "immediate", 1), environments.SDK, self._sdk)
        name = waiting(AIRBYTE, "immediate", _PEERS_WORKERS)
        yield Task(name, environments.AIRBYTE, self._airbyte)

    def _api(self, kind: str) -> str:
        return self._served.jobs if kind == "jobs" else self._served.immediate

    def _ours(self, kind: str, workers: int) -> Command:
        config = {
            "client_id": "sandbox",
            "client_secret": "sandbox-secret",
            "api_url": self._api(kind),
            "reports": list(REPORTS),
            "start_date": "2024-01-01",
            "end_date": "2024-12-31",
            "max_parallel_reports": workers,
        }
        scale = {"TAP_CREWMOJO_TIME_SCALE": str(self._served.scale)} if kind == "jobs" else {}
        settings = self._write(f"wait-{kind}-{workers}", config)
        command = Command(
            [str(environments.OURS.bin / "tap-crewmojo"), "--config", settings], scale
        )
        catalog = self._folder / "wait-catalog.json"
        if not catalog.exists():
            catalog.write_bytes(discovered(command))
        return Command([*command.argv, "--catalog", str(catalog)], scale)

    def _config(self, kind: str) -> dict[str, Any]:
        api_url = self._api(kind)
        return {"api_url": api_url, "token": token(api_url), "reports": list(REPORTS)}

    def _sdk(self) -> Command:
        config = self._write("wait-sdk", self._config("immediate"))
        script = str(PEERS / "waiting_tap.py")
        return Command([environments.SDK.python, script, "--config", config])

    def _dlt(self, kind: str) -> Command:
        scale = {"scale": self._served.scale}
        config = self._write(f"wait-dlt-{kind}", self._config(kind) | scale)
        workers = {"EXTRACT__WORKERS": str(_PEERS_WORKERS)}
        return Command([environments.DLT.python, str(PEERS / "dlt_waits.py"), config], workers)

    def _airbyte(self) -> Command:
        config = self._config("immediate")
        manifest = airbyte.waiting_manifest(config["api_url"], REPORTS, _PEERS_WORKERS)
        secrets = {"token": config["token"]}
        return airbyte_read(self._write, "wait-airbyte", manifest, secrets, list(REPORTS))

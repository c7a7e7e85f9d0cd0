"""Who is measured over many rows, and how each is run."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks import airbyte, environments
from benchmarks.measure import Command, environment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from benchmarks.environments import Environment
    from benchmarks.served import Served

PEERS: Final = Path(__file__).parent / "peers"
SMALL: Final = (1, 10_000)
"""Rows of the reports that tell a start-up's time, and what memory a report's size takes."""

OUR_CSV: Final = "tap-crewmojo, CSV"
OUR_JSON: Final = "tap-crewmojo, JSON"
OUR_MAP: Final = "tap-crewmojo, CSV, with a stream map (one column hashed, one left out)"
OUR_BATCHES: Final = "tap-crewmojo, CSV, BATCH as parquet"
OUR_DISCOVERY: Final = "tap-crewmojo, CSV, without a catalog (types inferred first)"
IDIOMATIC: Final = "idiomatic SDK tap, CSV"
IDIOMATIC_JSON: Final = "idiomatic SDK tap, JSON"
MSGSPEC: Final = "idiomatic SDK tap, CSV, msgspec writer"
TAP_CSV: Final = "MeltanoLabs tap-csv (texts)"
TAP_REST: Final = "tap-rest-api-msdk, JSON"
AIRBYTE: Final = "airbyte-cdk, CSV, typed"
AIRBYTE_TEXT: Final = "airbyte-cdk, CSV, texts"
AIRBYTE_JSON: Final = "airbyte-cdk, JSON"
DLT: Final = "dlt, CSV, typed dictionaries → JSON lines"
DLT_TEXT: Final = "dlt, CSV, dictionaries of texts → JSON lines"
DLT_ARROW: Final = "dlt, CSV → Arrow → parquet"
LIMIT: Final = "limit: csv.reader, our converter, msgspec"
BARE_LIMIT: Final = "bare limit: types not checked"


@dataclass(frozen=True, slots=True)
class Subject:
    """One line of the table.

    Attributes:
        name: what a reader calls it.
        environment: where it is installed.
        command: makes the command line for a report of so many rows.
        sizes: the small reports that it is run over, too.
    """

    name: str
    environment: Environment
    command: Callable[[int], Command]
    sizes: tuple[int, ...] = ()


class Subjects:
    """Makes the command lines, with their files of settings.

    Args:
        data: the reports.
        served: where they are served.
        folder: takes the files.
    """

    def __init__(self, data: Path, served: Served, folder: Path) -> None:
        self._data = data
        self._served = served
        self._folder = folder

    def all(self) -> list[Subject]:
        """Return everybody."""
        batches = {
            "encoding": {"format": "parquet"},
            "storage": {"root": self._folder.as_uri(), "prefix": "batch-"},
        }
        hashed = {"Email": "sha256('salt' + Email)", "Notes": None}
        ours, sdk, cdk = environments.OURS, environments.SDK, environments.AIRBYTE
        dlt, script = environments.DLT, self._script
        return [
            Subject(OUR_CSV, ours, self._ours("csv"), SMALL),
            Subject(OUR_JSON, ours, self._ours("json"), SMALL),
            Subject(OUR_MAP, ours, self._ours("csv", stream_maps={"big": hashed})),
            Subject(OUR_BATCHES, ours, self._ours("csv", batch_config=batches)),
            Subject(OUR_DISCOVERY, ours, self._ours("csv", catalog=False)),
            Subject(IDIOMATIC, sdk, self._idiomatic("csv")),
            Subject(IDIOMATIC_JSON, sdk, self._idiomatic("json")),
            Subject(MSGSPEC, sdk, self._idiomatic("csv", WRITER="msgspec")),
            Subject(TAP_CSV, environments.TAP_CSV, self._tap_csv),
            Subject(TAP_REST, environments.TAP_REST, self._tap_rest),
            Subject(AIRBYTE, cdk, self._airbyte("csv", typed=True)),
            Subject(AIRBYTE_TEXT, cdk, self._airbyte("csv", typed=False)),
            Subject(AIRBYTE_JSON, cdk, self._airbyte("json", typed=False)),
            Subject(DLT, dlt, script(dlt, "dlt_rows.py", "typed", self._url)),
            Subject(DLT_TEXT, dlt, script(dlt, "dlt_rows.py", "texts", self._url)),
            Subject(DLT_ARROW, dlt, script(dlt, "dlt_rows.py", "arrow", self._url)),
            Subject(LIMIT, ours, script(ours, "checked_limit.py", self._path), (1,)),
            Subject(BARE_LIMIT, ours, script(ours, "limit.py", self._path), (1,)),
        ]

    def _url(self, size: int, form: str = "csv") -> str:
        return f"{self._served.files}/{size}.{form}"

    def _path(self, size: int) -> str:
        return str(self._data / f"{size}.csv")

    def write(self, name: str, value: Mapping[str, Any]) -> str:
        """Write a file of settings; return its path."""
        path = self._folder / f"{name}.json"
        path.write_text(json.dumps(value))
        return str(path)

    def _script(
        self, where: Environment, name: str, *args: str | Callable[[int], str]
    ) -> Callable[[int], Command]:
        return lambda size: Command(
            [
                *(where.python, str(PEERS / name)),
                *(arg if isinstance(arg, str) else arg(size) for arg in args),
            ]
        )

    def _ours(self, form: str, *, catalog: bool = True, **more: object) -> Callable[[int], Command]:
        tap = str(environments.OURS.bin / "tap-crewmojo")

        def command(size: int) -> Command:
            report = {"id": f"rows{size}.{form}", "name": "big"}
            config = {
                "client_id": "sandbox",
                "client_secret": "sandbox-secret",
                "api_url": self._served.immediate,
                "reports": [report | {"replication_method": "FULL_TABLE"}],
            }
            name = f"ours-{size}-{form}-{'-'.join(more)}"
            argv = [tap, "--config", self.write(name, config | more)]
            return Command([*argv, "--catalog", self._catalog] if catalog else argv)

        return command

    @property
    def _catalog(self) -> str:
        """The catalog of our tap, as a runner keeps it."""
        path = self._folder / "catalog.json"
        if not path.exists():
            discover = self._ours("csv", catalog=False)(SMALL[-1])
            path.write_bytes(discovered(discover))
        return str(path)

    def _idiomatic(self, form: str, **env: str) -> Callable[[int], Command]:
        def command(size: int) -> Command:
            config = self.write(f"idiomatic-{size}-{form}", {"url": self._url(size, form)})
            script = str(PEERS / "idiomatic_tap.py")
            return Command([environments.SDK.python, script, "--config", config], env)

        return command

    def _tap_csv(self, size: int) -> Command:
        file = {"entity": "big", "path": self._path(size), "keys": ["Code"]}
        config = self.write("tap-csv", {"files": [file | {"encoding": "utf-8"}]})
        return Command([str(environments.TAP_CSV.bin / "tap-csv"), "--config", config])

    def _tap_rest(self, size: int) -> Command:
        stream = {"name": "big", "path": f"/{size}.json", "records_path": "$[*]"}
        config = self.write(
            "tap-rest", {"api_url": self._served.files, "streams": [stream | {"primary_keys": []}]}
        )
        argv = [str(environments.TAP_REST.bin / "tap-rest-api-msdk"), "--config", config]
        return Command(argv)

    def _airbyte(self, form: str, *, typed: bool) -> Callable[[int], Command]:
        def command(size: int) -> Command:
            manifest = airbyte.rows_manifest(self._url(size, form), typed=typed)
            return airbyte_read(self.write, f"airbyte-{form}-{typed}", manifest, {}, ["big"])

        return command


def airbyte_read(
    write: Callable[[str, Mapping[str, Any]], str],
    name: str,
    manifest: Mapping[str, Any],
    config: Mapping[str, Any],
    streams: list[str],
) -> Command:
    """Return the command that reads all streams of a source of Airbyte's."""
    return Command(
        [
            *(str(environments.AIRBYTE.bin / "source-declarative-manifest"), "read"),
            *("--config", write(f"{name}-config", config)),
            *("--catalog", write(f"{name}-catalog", airbyte.catalog(streams))),
            *("--manifest-path", write(name, manifest)),
        ]
    )


def discovered(command: Command) -> bytes:
    """Return the catalog that a tap prints."""
    argv = [*command.argv, "--discover"]
    env = environment(command)
    return subprocess.run(
        argv, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env
    ).stdout

"""The programs measured over many rows, and how each is run."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks import airbyte, data, environments
from benchmarks.measure import Command, Task, environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from benchmarks.environments import Environment
    from benchmarks.served import Served

PEERS: Final = Path(__file__).parent / "peers"
SMALL: Final = (1, 10_000)
"""Rows of the small reports, for the time of a start and for the memory that a start takes."""

OUR_CSV: Final = "tap-crewmojo, CSV"
OUR_JSON: Final = "tap-crewmojo, JSON"
OUR_BATCHES: Final = "tap-crewmojo, CSV to parquet"
OUR_VARIANTS: Final = "tap-crewmojo, CSV, one row in 100 has a value that does not fit its column"
OUR_KEY: Final = "tap-crewmojo, CSV, a declared primary key"
OUR_DISCOVERY: Final = "tap-crewmojo, CSV, no catalog: types inferred first"
OUR_MAP: Final = "tap-crewmojo, CSV, a stream map: one column hashed, one dropped"
OUR_JSON_TOTAL: Final = "tap-crewmojo, JSON, an object with the rows and their number"
OUR_BATCH_VARIANTS: Final = "tap-crewmojo, CSV to parquet, one row in 100 with such a value"
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
LIMIT: Final = "limit: csv.reader, our converters, msgspec"
BARE_LIMIT: Final = "bare limit: types not checked"

_OUR_TAP: Final = str(environments.OURS.bin / "tap-crewmojo")
_MAP: Final = {"Email": "md5(Email)", "Notes": None}


def small(name: str, size: int) -> str:
    """Return the name of the measurement over a small report."""
    return f"{name} @{size}"


@dataclass(frozen=True, slots=True)
class Subject:
    """One line of the table.

    Attributes:
        name: what a reader calls it.
        environment: where it is installed.
        command: makes the command line for a report of so many rows.
        sizes: rows of the small reports that it reads as well.
    """

    name: str
    environment: Environment
    command: Callable[[int], Command]
    sizes: tuple[int, ...] = ()


class Subjects:
    """Makes the command lines, with their files of settings.

    Args:
        reports: the folder of the reports.
        served: where they are served.
        folder: takes the files.
    """

    def __init__(self, reports: Path, served: Served, folder: Path) -> None:
        self._reports = reports
        self._served = served
        self._folder = folder

    def tasks(self, rows: int) -> Iterator[Task]:
        """Yield the commands over a report of so many rows, and those over the small ones."""
        for subject in self._all():
            for size in (*subject.sizes, rows):
                name = subject.name if size == rows else small(subject.name, size)
                yield Task(name, subject.environment, partial(subject.command, size))

    def _all(self) -> list[Subject]:
        ours, sdk, cdk = environments.OURS, environments.SDK, environments.AIRBYTE
        dlt, script = environments.DLT, self._script
        return [
            *(
                Subject(name, ours, command, SMALL)
                for name, command in {
                    OUR_CSV: self._ours(data.CSV),
                    OUR_VARIANTS: self._ours(data.CSV_VARIANTS),
                    OUR_KEY: self._ours(data.CSV, keys=("Code",)),
                    OUR_DISCOVERY: self._ours(data.CSV, has_catalog=False),
                    OUR_MAP: self._ours(data.CSV, stream_maps={"big": _MAP}),
                    OUR_JSON: self._ours(data.JSON),
                    OUR_JSON_TOTAL: self._ours(data.JSON_TOTAL),
                    OUR_BATCHES: self._ours(data.CSV, batch_config=self._batches),
                    OUR_BATCH_VARIANTS: self._ours(data.CSV_VARIANTS, batch_config=self._batches),
                }.items()
            ),
            Subject(LIMIT, ours, script(ours, "checked_limit.py", self._path), (1,)),
            Subject(BARE_LIMIT, ours, script(ours, "limit.py", self._path), (1,)),
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
        ]

    @property
    def _batches(self) -> Mapping[str, Any]:
        return {
            "encoding": {"format": "parquet"},
            "storage": {"root": self._folder.as_uri(), "prefix": "batch-"},
        }

    def _url(self, size: int, form: str = "csv") -> str:
        return f"{self._served.files}/{size}.{form}"

    def _path(self, size: int) -> str:
        return str(self._reports / f"{size}.csv")

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

    def _ours(
        self, form: str, *, keys: Sequence[str] = (), has_catalog: bool = True, **settings: object
    ) -> Callable[[int], Command]:
        def config(file: str) -> dict[str, Any]:
            report = {"id": f"rows{file}", "name": "big", "replication_method": "FULL_TABLE"}
            return {
                "client_id": "sandbox",
                "client_secret": "sandbox-secret",
                "api_url": self._served.immediate,
                "reports": [report | {"primary_keys": keys}],
            }

        def command(size: int) -> Command:
            name = "-".join(("ours", *keys, *settings, f"{size}{form}"))
            argv = [_OUR_TAP, "--config", self.write(name, config(f"{size}{form}") | settings)]
            if has_catalog:
                argv += ["--catalog", self._catalog(config(f"{SMALL[-1]}{data.CSV}"))]
            return Command(argv)

        return command

    def _catalog(self, config: Mapping[str, Any]) -> str:
        """Return the catalog of our tap, as a runner keeps it, for a report with these keys."""
        name = "-".join(("catalog", *config["reports"][0]["primary_keys"]))
        path = self._folder / f"{name}.json"
        if not path.exists():
            settings = self.write(f"{name}-settings", config)
            path.write_bytes(discovered(Command([_OUR_TAP, "--config", settings])))
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
    """Return the command that reads all streams of an Airbyte source."""
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

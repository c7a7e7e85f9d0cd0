"""Loading into a target, and reading back what it holds."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote
from uuid import uuid4
from xml.sax.saxutils import unescape

import duckdb
import requests

from support.targets import (
    BIGQUERY,
    CSV,
    DUCKDB,
    JSONL,
    KAFKA,
    PIPELINEWISE,
    POSTGRES,
    S3_JSONL,
    SNOWFLAKE,
    STITCH,
    run_target,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from support.declared_targets import Target
    from support.servers import BigQuery, KafkaBroker, Servers
    from support.tap_runs import Message, Record, Run


class Store(Protocol):
    """A target with a separate store."""

    def load(self, run: Run) -> None:
        """Pipe a run into the target, which has to print the run's last state."""

    def rows(self, stream: str) -> list[Record]:
        """Return all rows of a stream, as what reads this kind of store gives them."""

    def types(self, stream: str) -> dict[str, str]:
        """Return the types of a stream's columns; nothing for what has none but text."""


_SNOWFLAKE_TYPES = {"timestamp": "timestamp_ntz", "json": "variant"}
"""What fakesnow makes of Snowflake's types, and back."""


@dataclass
class Files:
    """Files of one kind in a folder: a line or a row each."""

    target: Target
    folder: Path
    suffix: str
    setting: str
    read: Callable[[Iterable[str]], Iterable[Record]]
    runs: int = 0

    def load(self, run: Run) -> None:
        self.runs += self.target.file_per_run
        place = str(self.folder / str(self.runs))
        config = {self.setting: place, "do_timestamp_file": False}  # which target-csv ignores
        states = run_target(self.target.spec, config, run.stdout, self.folder)
        assert json.loads(states.splitlines()[-1]) == run.state

    def rows(self, stream: str) -> list[Record]:
        rows: list[Record] = []
        for path in sorted(self.folder.glob(f"*/{stream}{self.suffix}")):
            with path.open(encoding="utf-8", newline="") as file:
                rows += self.read(file)
        return rows

    def types(self, _stream: str) -> dict[str, str]:
        return {}


@dataclass
class Requests:
    """What target-stitch would send to Stitch."""

    target: Target
    folder: Path
    bodies: list[Message] = field(default_factory=list)

    def load(self, run: Run) -> None:
        printed = run_target(self.target.spec, {}, run.stdout, self.folder)
        lines = [json.loads(line) for line in printed.splitlines()]
        assert lines[-1] == run.state
        self.bodies += [line for line in lines if "table_name" in line]

    def rows(self, stream: str) -> list[Record]:
        return [
            message["data"]
            for body in self.bodies
            for message in body["messages"]
            if body["table_name"] == stream and message["action"] == "upsert"
        ]

    def types(self, _stream: str) -> dict[str, str]:
        return {}


@dataclass
class Bucket:
    """A bucket of object storage, with an object for each stream and run."""

    target: Target
    folder: Path
    server: str
    name: str

    def load(self, run: Run) -> None:
        config = {
            "s3_bucket": self.name,
            "aws_endpoint_url": self.server,
            "aws_access_key_id": "somebody",
            "aws_secret_access_key": "the-secret-key",
            "work_dir": str(self.folder),
        }
        region = {"AWS_DEFAULT_REGION": "us-east-1"}
        states = run_target(self.target.spec, config, run.stdout, self.folder, region)
        assert json.loads(states.splitlines()[-1]) == run.state

    def rows(self, stream: str) -> list[Record]:
        keys = re.findall("<Key>(.+?)</Key>", self._get(f"?list-type=2&prefix={stream}-").decode())
        objects = [self._get(f"/{quote(unescape(key))}") for key in keys]
        return [json.loads(line) for each in objects for line in each.splitlines()]

    def _get(self, path: str) -> bytes:
        somebody = ("somebody", "the-secret-key")  # no object is public
        response = requests.get(f"{self.server}/{self.name}{path}", auth=somebody, timeout=10)
        response.raise_for_status()
        return response.content

    def types(self, _stream: str) -> dict[str, str]:
        return {}


@dataclass
class Topics:
    """Topics of Kafka, with a common prefix."""

    target: Target
    folder: Path
    broker: KafkaBroker
    prefix: str
    names: set[str] = field(default_factory=set)

    def load(self, run: Run) -> None:
        for name in {message["stream"] for message in run.schemas} - self.names:
            self.broker.create_topic(self.prefix + name)
            self.names.add(name)
        config = {"bootstrap_servers": self.broker.address, "topic_prefix": self.prefix}
        states = run_target(self.target.spec, config, run.stdout, self.folder)
        assert json.loads(states.splitlines()[-1]) == run.state

    def rows(self, stream: str) -> list[Record]:
        return [message["value"] for message in self.broker.messages(self.prefix + stream)]

    def types(self, _stream: str) -> dict[str, str]:
        return {}


@dataclass
class Documents:
    """A dataset of BigQuery, with the records in one JSON column."""

    target: Target
    folder: Path
    server: BigQuery
    dataset: str

    def load(self, run: Run) -> None:
        config = {
            "project": "project",
            "dataset": self.dataset,
            "method": "batch_job",
            "denormalized": False,
            "credentials_json": self.server.credentials,
        }
        place = {"BIGQUERY_EMULATOR_HOST": self.server.url}
        states = run_target(self.target.spec, config, run.stdout, self.folder, place)
        assert json.loads(states.splitlines()[-1]) == run.state

    def rows(self, stream: str) -> list[Record]:
        return [json.loads(line) for line in self.server.lines(self.dataset, stream)]

    def types(self, _stream: str) -> dict[str, str]:
        return {}


@dataclass
class Database:
    """A schema of a database.

    Args:
        called: the types that have another name in the database behind this one.
    """

    target: Target
    folder: Path
    settings: dict[str, object]
    query: Callable[[str], list[tuple[Any, ...]]]
    called: Mapping[str, str] = field(default_factory=dict)

    def load(self, run: Run) -> None:
        states = run_target(self.target.spec, self.settings, run.stdout, self.folder)
        assert json.loads(states.splitlines()[-1]) == run.state

    def rows(self, stream: str) -> list[Record]:
        names = list(self.types(stream))
        if not names:  # no such table
            return []
        columns = ", ".join(f'"{name}"' for name in names)
        rows = self.query(f'SELECT {columns} FROM {self._schema}."{stream}"')  # noqa: S608
        return [dict(zip(names, row, strict=True)) for row in rows]

    def types(self, stream: str) -> dict[str, str]:
        found = self.query(
            "SELECT column_name, lower(data_type) FROM information_schema.columns "  # noqa: S608
            f"WHERE lower(table_schema) = '{self._schema}' AND lower(table_name) = '{stream}'"
        )
        return {name: self.called.get(data_type, data_type) for name, data_type in found}

    @property
    def _schema(self) -> object:
        return self.settings["default_target_schema"]


def store(target: Target, folder: Path, servers: Servers, **settings: object) -> Store:
    """Return an empty store for a target: in a folder, or in a server that others use, too."""
    match target.spec.requirement:
        case JSONL.requirement:
            return Files(target, folder, ".jsonl", "destination_path", _json_lines)
        case CSV.requirement:
            return Files(target, folder, ".csv", "output_path", csv.DictReader)
        case STITCH.requirement:
            return Requests(target, folder)
        case S3_JSONL.requirement | KAFKA.requirement | BIGQUERY.requirement:
            return _served(target, folder, servers)
        case _:
            return _database(target, folder, servers, settings)


def _served(target: Target, folder: Path, servers: Servers) -> Store:
    name = f"store-{uuid4().hex}"
    match target.spec.requirement:
        case S3_JSONL.requirement:
            requests.put(f"{servers.object_storage}/{name}", timeout=10).raise_for_status()
            return Bucket(target, folder, servers.object_storage, name)
        case KAFKA.requirement:
            return Topics(target, folder, servers.kafka, f"{name}.")
        case _:
            return Documents(target, folder, servers.bigquery, name.replace("-", "_"))


def _database(
    target: Target, folder: Path, servers: Servers, settings: dict[str, object]
) -> Database:
    name = uuid4().hex
    schema = f"store_{name}"
    file = folder / f"DATABASE_{name.upper()}.db"  # as fakesnow calls it
    of_schema = {"default_target_schema": schema, **settings}

    def query(sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(file, read_only=True) as connection:
            return connection.execute(sql).fetchall()

    match target.spec.requirement:
        case POSTGRES.requirement:
            postgres = servers.postgres
            return Database(target, folder, postgres.target_config(**of_schema), postgres.query)
        case PIPELINEWISE.requirement:
            postgres = servers.postgres
            config = postgres.pipelinewise_config(**of_schema)
            return Database(target, folder, config, postgres.query)
        case DUCKDB.requirement:
            return Database(target, folder, {"path": str(file), **of_schema}, query)
        case SNOWFLAKE.requirement:
            account = dict.fromkeys(("account", "user", "password"), "fake")
            kept = {"clean_up_batch_files": False}  # other tests load them, too
            config = {**account, **kept, "database": file.stem, **of_schema}
            return Database(target, folder, config, query, _SNOWFLAKE_TYPES)
        case other:
            raise ValueError(other)


def _json_lines(lines: Iterable[str]) -> Iterable[Record]:
    return map(json.loads, lines)

"""Loading into a target, and reading back what it holds."""

from __future__ import annotations

import csv
import json
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
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


SOMEBODY = ("somebody", "the-secret-key")
"""Whose bucket it is: no object is public."""


@dataclass
class Store(ABC):
    """A target with a separate store.

    Attributes:
        config: the settings of the target.
    """

    target: Target
    folder: Path
    config: dict[str, Any]

    def load(self, run: Run) -> None:
        """Pipe a run into the target, which has to print the run's last state."""
        states = self.pipe(run)
        assert json.loads(states[-1]) == run.state

    def pipe(self, run: Run) -> list[str]:
        """Pipe a run into the target; return the lines that it prints."""
        spec, variables = self.target.spec, self.variables()
        return run_target(spec, self.config, run.stdout, self.folder, variables).splitlines()

    def variables(self) -> dict[str, str]:
        """Return what the target needs in its environment."""
        return {}

    @abstractmethod
    def rows(self, stream: str) -> list[Record]:
        """Return all rows of a stream, as what reads this kind of store gives them."""

    def types(self, stream: str) -> dict[str, str]:  # noqa: ARG002
        """Return the types of a stream's columns; nothing for what has none but text."""
        return {}


@dataclass
class Files(Store):
    """Files of one kind in a folder: a line or a row each."""

    suffix: str
    setting: str
    read: Callable[[Iterable[str]], Iterable[Record]]
    runs: int = 0

    def load(self, run: Run) -> None:
        self.runs += self.target.file_per_run
        self.config[self.setting] = str(self.folder / str(self.runs))
        super().load(run)

    def rows(self, stream: str) -> list[Record]:
        rows: list[Record] = []
        for path in sorted(self.folder.glob(f"*/{stream}{self.suffix}")):
            with path.open(encoding="utf-8", newline="") as file:
                rows += self.read(file)
        return rows


@dataclass
class Requests(Store):
    """What target-stitch would send to Stitch."""

    bodies: list[Message] = field(default_factory=list)

    def load(self, run: Run) -> None:
        lines = [json.loads(line) for line in self.pipe(run)]
        assert lines[-1] == run.state
        self.bodies += [line for line in lines if "table_name" in line]

    def rows(self, stream: str) -> list[Record]:
        return [
            message["data"]
            for body in self.bodies
            for message in body["messages"]
            if body["table_name"] == stream and message["action"] == "upsert"
        ]


@dataclass
class Bucket(Store):
    """A bucket of object storage, with an object for each stream and run."""

    def variables(self) -> dict[str, str]:
        return {"AWS_DEFAULT_REGION": "us-east-1"}

    def rows(self, stream: str) -> list[Record]:
        keys = re.findall("<Key>(.+?)</Key>", self._get(f"?list-type=2&prefix={stream}-").decode())
        objects = [self._get(f"/{quote(unescape(key))}") for key in keys]
        return [json.loads(line) for each in objects for line in each.splitlines()]

    def _get(self, path: str) -> bytes:
        bucket = f"{self.config['aws_endpoint_url']}/{self.config['s3_bucket']}"
        response = requests.get(f"{bucket}{path}", auth=SOMEBODY, timeout=10)
        response.raise_for_status()
        return response.content


@dataclass
class Topics(Store):
    """Topics of Kafka, with a common prefix."""

    broker: KafkaBroker
    names: set[str] = field(default_factory=set)

    def load(self, run: Run) -> None:
        for name in {message["stream"] for message in run.schemas} - self.names:
            self.broker.create_topic(self._topic(name))
            self.names.add(name)
        super().load(run)

    def rows(self, stream: str) -> list[Record]:
        return [message["value"] for message in self.broker.messages(self._topic(stream))]

    def _topic(self, stream: str) -> str:
        return f"{self.config['topic_prefix']}{stream}"


@dataclass
class Documents(Store):
    """A dataset of BigQuery, with the records in one JSON column."""

    server: BigQuery

    def variables(self) -> dict[str, str]:
        return {"BIGQUERY_EMULATOR_HOST": self.server.url}

    def rows(self, stream: str) -> list[Record]:
        return [json.loads(line) for line in self.server.lines(self.config["dataset"], stream)]


@dataclass
class Database(Store):
    """A schema of a database.

    Args:
        called: the types that have another name in the database behind this one.
    """

    query: Callable[[str], list[tuple[Any, ...]]]
    called: Mapping[str, str] = field(default_factory=dict)

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
        return self.config["default_target_schema"]


_SNOWFLAKE_TYPES = {"timestamp": "timestamp_ntz", "json": "variant"}
"""What fakesnow makes of Snowflake's types, and back."""


def store(target: Target, folder: Path, servers: Servers, **settings: object) -> Store:
    """Return an empty store for a target: in a folder, or in a server that others use, too."""
    match target.spec.requirement:
        case JSONL.requirement:
            one_file = {"do_timestamp_file": False}
            return Files(target, folder, one_file, ".jsonl", "destination_path", _json_lines)
        case CSV.requirement:
            return Files(target, folder, {}, ".csv", "output_path", csv.DictReader)
        case STITCH.requirement:
            return Requests(target, folder, {})
        case S3_JSONL.requirement | KAFKA.requirement | BIGQUERY.requirement:
            return _served(target, folder, servers)
        case _:
            return _database(target, folder, servers, settings)


def _served(target: Target, folder: Path, servers: Servers) -> Store:
    name = f"store-{uuid4().hex}"
    match target.spec.requirement:
        case S3_JSONL.requirement:
            server = servers.object_storage
            requests.put(f"{server}/{name}", timeout=10).raise_for_status()
            keys = dict(zip(("aws_access_key_id", "aws_secret_access_key"), SOMEBODY, strict=True))
            place = {"s3_bucket": name, "aws_endpoint_url": server, "work_dir": str(folder)}
            return Bucket(target, folder, {**keys, **place})
        case KAFKA.requirement:
            broker = servers.kafka
            place = {"bootstrap_servers": broker.address, "topic_prefix": f"{name}."}
            return Topics(target, folder, place, broker)
        case _:
            config = {
                "project": "project",
                "dataset": name.replace("-", "_"),
                "method": "batch_job",
                "denormalized": False,
                "credentials_json": servers.bigquery.credentials,
            }
            return Documents(target, folder, config, servers.bigquery)


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

"""Loading into a target, and reading back what it holds."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

import duckdb

from support.targets import (
    CSV,
    DUCKDB,
    JSONL,
    PIPELINEWISE,
    POSTGRES,
    SNOWFLAKE,
    STITCH,
    run_target,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from support.declared_targets import Target
    from support.tap_runs import Message, Record, Run
    from support.targets import PostgresServer


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


def store(target: Target, folder: Path, server: PostgresServer, **settings: object) -> Store:
    """Return an empty store for a target: files in a folder, or a schema in a database."""
    match target.spec.requirement:
        case JSONL.requirement:
            return Files(target, folder, ".jsonl", "destination_path", _json_lines)
        case CSV.requirement:
            return Files(target, folder, ".csv", "output_path", csv.DictReader)
        case STITCH.requirement:
            return Requests(target, folder)
        case _:
            return _database(target, folder, server, settings)


def _database(
    target: Target, folder: Path, server: PostgresServer, settings: dict[str, object]
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
            return Database(target, folder, server.target_config(**of_schema), server.query)
        case PIPELINEWISE.requirement:
            return Database(target, folder, server.pipelinewise_config(**of_schema), server.query)
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

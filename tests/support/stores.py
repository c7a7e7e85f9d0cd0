"""Loading into a target, and reading back what it holds."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

import duckdb

from support.targets import CSV, DUCKDB, JSONL, PIPELINEWISE, POSTGRES, run_target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
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
    """A schema of a database."""

    target: Target
    folder: Path
    settings: dict[str, object]
    query: Callable[[str], list[tuple[Any, ...]]]

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
            f"WHERE table_schema = '{self._schema}' AND table_name = '{stream}'"
        )
        return dict(found)

    @property
    def _schema(self) -> object:
        return self.settings["default_target_schema"]


def store(target: Target, folder: Path, server: PostgresServer, **settings: object) -> Store:
    """Return an empty store for a target: files in a folder, or a schema in a database."""
    schema = f"store_{uuid4().hex}"
    database = folder / "store.duckdb"

    def query(sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(database, read_only=True) as connection:
            return connection.execute(sql).fetchall()

    match target.spec.requirement:
        case JSONL.requirement:
            return Files(target, folder, ".jsonl", "destination_path", _json_lines)
        case CSV.requirement:
            return Files(target, folder, ".csv", "output_path", csv.DictReader)
        case POSTGRES.requirement:
            config = server.target_config(default_target_schema=schema, **settings)
            return Database(target, folder, config, server.query)
        case PIPELINEWISE.requirement:
            config = server.pipelinewise_config(default_target_schema=schema, **settings)
            return Database(target, folder, config, server.query)
        case DUCKDB.requirement:
            config = {"path": str(database), "default_target_schema": schema, **settings}
            return Database(target, folder, config, query)
        case _:
            return Requests(target, folder)


def _json_lines(lines: Iterable[str]) -> Iterable[Record]:
    return map(json.loads, lines)

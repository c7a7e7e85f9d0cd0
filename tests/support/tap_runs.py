"""Running the real command line, and holding what it prints against the Singer specification."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from jsonschema import Draft202012Validator, FormatChecker

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

Message: TypeAlias = "dict[str, Any]"
Record: TypeAlias = "dict[str, Any]"
Table: TypeAlias = "dict[tuple[Any, ...], Record]"

TIMEOUT = 120  # seconds

BOOKMARK = {"replication_key", "replication_key_value", "report_window", "column_names"}


@dataclass(frozen=True)
class Run:
    """One run of the tap.

    Attributes:
        returncode: the exit code.
        stdout: what a target would have read.
        stderr: the log.
    """

    returncode: int
    stdout: str
    stderr: str
    args: list[str] = field(default_factory=list)

    @cached_property
    def messages(self) -> list[Message]:
        """The Singer messages, each record checked against the SCHEMA last sent for its stream."""
        messages = [json.loads(line) for line in self.stdout.splitlines()]
        check(messages)
        return messages

    @property
    def schemas(self) -> list[Message]:
        return [message for message in self.messages if message["type"] == "SCHEMA"]

    def schema(self, stream: str) -> dict[str, Any]:
        """The JSON schema that was last sent for a stream."""
        schemas = [message["schema"] for message in self.schemas if message["stream"] == stream]
        last: dict[str, Any] = schemas[-1]
        return last

    @property
    def catalog(self) -> dict[str, Any]:
        """The catalog that `--discover` printed."""
        catalog: dict[str, Any] = json.loads(self.stdout)
        return catalog

    @property
    def state(self) -> dict[str, Any]:
        """The last state; empty if there was none."""
        states = [message["value"] for message in self.messages if message["type"] == "STATE"]
        return states[-1] if states else {}

    @property
    def bookmarks(self) -> dict[str, str | None]:
        return {
            name: bookmark.get("replication_key_value")
            for name, bookmark in self.state.get("bookmarks", {}).items()
        }

    @property
    def warnings(self) -> list[str]:
        """The lines of the log that are warnings."""
        return [line for line in self.stderr.splitlines() if "| WARNING" in line]

    def records(self, stream: str) -> list[Record]:
        return [
            message["record"]
            for message in self.messages
            if message["type"] == "RECORD" and message["stream"] == stream
        ]

    def succeeded(self) -> Run:
        assert self.returncode == 0, self.stderr
        return self


def check(messages: Sequence[Message]) -> None:
    """Hold messages against the specification: what a strict target would refuse fails here."""
    validators: dict[str, Draft202012Validator] = {}
    for message in messages:
        match message["type"]:
            case "SCHEMA":
                schema = message["schema"]
                Draft202012Validator.check_schema(schema)
                strict = {**schema, "additionalProperties": False}
                validators[message["stream"]] = Draft202012Validator(
                    strict, format_checker=FormatChecker()
                )
                assert set(message["key_properties"]) <= set(schema["properties"])
            case "RECORD":
                errors = list(validators[message["stream"]].iter_errors(message["record"]))
                assert not errors, errors[0].message
                assert message["time_extracted"]
            case "STATE":
                for bookmark in message["value"].get("bookmarks", {}).values():
                    assert set(bookmark) <= BOOKMARK
            case "ACTIVATE_VERSION" | "BATCH":
                assert message["stream"] in validators
            case other:
                raise AssertionError(other)


def load(*runs: Run) -> dict[str, Table]:
    """Return what an upserting target holds after some runs: rows by key, for each stream."""
    tables: dict[str, Table] = defaultdict(dict)
    for run in runs:
        keys: dict[str, list[str]] = {}
        for message in run.messages:
            if message["type"] == "SCHEMA":
                keys[message["stream"]] = message["key_properties"]
            elif message["type"] == "RECORD":
                record = message["record"]
                key = tuple(record[name] for name in keys[message["stream"]])
                assert None not in key
                tables[message["stream"]][key] = record
    return dict(tables)


def timeless(record: Record) -> Record:
    """Return a record without what differs from run to run."""
    return {name: value for name, value in record.items() if name != "_sdc_report_datetime"}


def tables(*runs: Run) -> dict[str, Table]:
    """Return what an upserting target holds, without what differs from run to run."""
    return {
        stream: {key: timeless(row) for key, row in table.items()}
        for stream, table in load(*runs).items()
    }


def run_tap(  # as many as the command line has
    config: Mapping[str, Any],
    directory: Path,
    *args: str,
    catalog: Mapping[str, Any] | None = None,
    state: Mapping[str, Any] | None = None,
    env: Mapping[str, str] | None = None,
) -> Run:
    """Run `tap-crewmojo` in a subprocess."""
    command = [*tap_command(config, directory, catalog=catalog, state=state), *args]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=TIMEOUT,
        check=False,
        cwd=directory,
        env=tap_environment(env),
    )
    return Run(done.returncode, done.stdout, done.stderr, command)


def tap_command(
    config: Mapping[str, Any],
    directory: Path,
    *,
    catalog: Mapping[str, Any] | None = None,
    state: Mapping[str, Any] | None = None,
) -> list[str]:
    """Return the command line for `tap-crewmojo`, its files written."""
    command = [sys.executable, "-m", "tap_crewmojo"]
    for option, content in (("config", config), ("catalog", catalog), ("state", state)):
        if content is not None:
            file = directory / f"{option}.json"
            file.write_text(json.dumps(content), encoding="utf-8")
            command += [f"--{option}", str(file)]
    return command


def tap_environment(env: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a run: no settings of the developer's own, log at DEBUG."""
    clean = {name: value for name, value in os.environ.items() if "TAP_CREWMOJO" not in name}
    ours = {
        "LOGLEVEL": "DEBUG",
        "PYTHONIOENCODING": "utf-8",  # Windows would write its log in a code page
        "TAP_CREWMOJO_TIME_SCALE": str(TIME_SCALE),
    }
    return clean | ours | dict(env or {})


TIME_SCALE = 0.01
"""Real seconds in one second of the API, for the tap and its sandbox alike."""

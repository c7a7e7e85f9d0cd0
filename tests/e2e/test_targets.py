"""Through real targets: after two overlapping runs, each row once and each value as it was."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from support.sandboxes import DIRECTORY, settings_for
from support.tap_runs import load, run_tap
from support.targets import JSONL, POSTGRES, run_target

if TYPE_CHECKING:
    from pathlib import Path

    from support.postgres import PostgresServer
    from support.servers import Servers
    from support.tap_runs import Record, Run
    from tap_crewmojo.sandbox.sandbox import Sandbox


REPORTS = ("oneonone.summary", "oneonone.detail", "objective.detail", "review.detail", DIRECTORY)


@pytest.fixture
def two_runs(company: Sandbox, tmp_path: Path) -> list[Run]:
    """A run, and another ten days later that reads the last window and the one before again."""
    config = settings_for(company, *REPORTS, end_date="2025-03-05")
    first = run_tap(config, tmp_path).succeeded()
    later = config | {"end_date": "2025-03-15", "lookback_days": 20}
    second = run_tap(later, tmp_path, state=first.state).succeeded()
    assert second.records("oneonone_detail")[0]["_sdc_report_start_date"] == "2025-02-01"
    return [first, second]


def test_target_jsonl_has_each_value(two_runs: list[Run], tmp_path: Path) -> None:
    for run in two_runs:
        states = run_target(JSONL, {"do_timestamp_file": False}, run.stdout, tmp_path)
        assert json.loads(states.splitlines()[-1]) == run.state
    for stream, table in load(*two_runs).items():
        lines = (tmp_path / f"{stream}.jsonl").read_text(encoding="utf-8").splitlines()
        written = [json.loads(line) for line in lines]
        assert written == [record for run in two_runs for record in run.records(stream)]
        # What to do with a target that only appends: the newest report of each window counts.
        window = "1" if stream == "people_directory" else "_sdc_report_start_date"
        with duckdb.connect() as database:
            newest = database.execute(
                f"""
                SELECT count(*) FROM (
                    FROM read_json('{tmp_path / stream}.jsonl')
                    QUALIFY _sdc_report_datetime = max(_sdc_report_datetime)
                        OVER (PARTITION BY {window})
                )
                """  # noqa: S608
            ).fetchall()
        assert newest == [(len(table),)]


def test_target_postgres_has_each_row_once(
    two_runs: list[Run], servers: Servers, tmp_path: Path
) -> None:
    server = servers.postgres.new_database()
    for run in two_runs:
        run_target(POSTGRES, server.target_config(), run.stdout, tmp_path)
    for stream, table in load(*two_runs).items():
        schema = two_runs[0].schema(stream)
        keys = next(
            message["key_properties"]
            for message in two_runs[0].schemas
            if message["stream"] == stream
        )
        held = {
            tuple(row[name] for name in keys): row
            for row in rows_of(server, stream, list(schema["properties"]))
        }
        assert held == {
            key: {
                name: comparable(value, schema["properties"][name]) for name, value in row.items()
            }
            for key, row in table.items()
        }


def rows_of(server: PostgresServer, table: str, columns: list[str]) -> list[Record]:
    """Return a table as records, dates as ISO text again."""
    names = ", ".join('"' + name.replace('"', '""') + '"' for name in columns)
    return [
        {
            name: value.isoformat() if type(value) is date else value
            for name, value in zip(columns, row, strict=True)
        }
        for row in server.query(f'SELECT {names} FROM "{table}"')  # noqa: S608
    ]


def comparable(value: object, schema: dict[str, Any]) -> object:
    """Return a value as PostgreSQL gives it back: date-times in UTC without a zone."""
    if isinstance(value, str) and schema.get("format") == "date-time":
        return datetime.fromisoformat(value).replace(tzinfo=None)
    return Decimal(str(value)) if isinstance(value, float) else value

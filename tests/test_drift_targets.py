"""Drift, through real targets and Meltano: all values are in the database afterwards."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from drifting import held, month, source, text
from singer import TIME_SCALE, run_tap
from targets import (
    JSONL,
    PIPELINEWISE,
    POSTGRES,
    ROOT,
    meltano_project,
    postgres_server,
    run_meltano,
    run_target,
)
from uv import find_uv_bin

from tap_crewmojo.sandbox.runner import Sandbox
from tap_crewmojo.sandbox.sources import ReportSource
from tap_crewmojo.sandbox.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date
    from pathlib import Path

    from targets import PostgresServer

Values = dict[tuple[str, int], dict[str, str]]


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as running:
        yield running


def other_company(start: date | None, _end: date | None) -> Table:
    assert start
    return Table(("Code", "Squad", "Points"), (("b1", "Red", start.month), ("b2", "Blue", 0.5)))


@pytest.fixture
def runs(settings_for: Callable[..., Any], tmp_path: Path) -> list[str]:
    """What the tap prints in April, in September with April's catalog, and for a second company."""
    outputs = []
    reports = {"changing": ReportSource(month)}
    with Sandbox(time_scale=TIME_SCALE, people=3, reports=reports) as sandbox:
        config = settings_for(sandbox, "changing", end_date="2025-04-30")
        catalog = run_tap(config, tmp_path, "--discover").succeeded().catalog
        april = run_tap(config, tmp_path, catalog=catalog).succeeded()
        config["end_date"] = "2025-09-30"
        september = run_tap(config, tmp_path, catalog=catalog, state=april.state).succeeded()
        assert held(april) | held(september) == source()
        outputs += [april.stdout, september.stdout]
    reports = {"changing": ReportSource(other_company)}
    with Sandbox(time_scale=TIME_SCALE, people=3, reports=reports) as sandbox:
        config = settings_for(sandbox, "changing", start_date="2026-01-01", end_date="2026-01-31")
        outputs.append(run_tap(config, tmp_path).succeeded().stdout)
    return outputs


OTHER: Values = {
    ("2026-01-01", 1): {"Code": "b1", "Squad": "Red", "Points": "1"},
    ("2026-01-01", 2): {"Code": "b2", "Squad": "Blue", "Points": "0.5"},
}


def values(rows: list[dict[str, Any]]) -> Values:
    """Return the values of a table as text, by window and row, variants joined again."""
    result: Values = {}
    for row in rows:
        key = (str(row["_sdc_report_start_date"]), int(row["_sdc_row_number"]))
        assert key not in result, "each row once"
        result[key] = {
            name.removesuffix("__text"): text(value)
            for name, value in row.items()
            if value is not None and not name.startswith("_sdc")
        }
    return result


def in_the_databases_words(expected: Values, *, lower: bool) -> Values:
    """Return values as PostgreSQL writes them: numbers without `.0`, moments in UTC."""

    def word(value: str) -> str:
        value = re.sub(r"^(\d+)\.0$", r"\1", value)
        return {
            "2025-01-01T10:00:00Z": "2025-01-01 10:00:00",
            "2024-12-31T23:00:00Z": "2024-12-31 23:00:00",
        }.get(value, value)

    return {
        key: {name.lower() if lower else name: word(value) for name, value in row.items()}
        for key, row in expected.items()
    }


def table(server: PostgresServer, schema: str) -> list[dict[str, Any]]:
    columns = [
        name
        for (name,) in server.query(
            "SELECT column_name FROM information_schema.columns "  # noqa: S608
            f"WHERE table_name = 'changing' AND table_schema = '{schema}'"
        )
    ]
    names = ", ".join(f'"{name}"' for name in columns)
    rows = server.query(f'SELECT {names} FROM {schema}."changing"')  # noqa: S608
    return [{name: normal(value) for name, value in zip(columns, row, strict=True)} for row in rows]


def normal(value: object) -> object:
    words = text(value)
    if re.fullmatch(r"\d+(\.\d*)?", words) and not isinstance(value, str):
        return f"{float(words):g}"
    return re.sub(r"^(\d{4}-\d\d-\d\d) 00:00:00$", r"\1", words) if value is not None else None


def test_target_jsonl(runs: list[str], tmp_path: Path) -> None:
    for output in runs:
        run_target(JSONL, {"do_timestamp_file": False}, output, tmp_path)
    lines = (tmp_path / "changing.jsonl").read_text(encoding="utf-8").splitlines()
    newest = {}
    for record in map(json.loads, lines):  # it appends: April was within September's lookback
        newest[record["_sdc_report_start_date"], record["_sdc_row_number"]] = record
    assert values(list(newest.values())) == source() | OTHER


def test_meltanolabs_target_postgres(
    runs: list[str], server: PostgresServer, tmp_path: Path
) -> None:
    for output in runs:
        run_target(POSTGRES, server.target_config(), output, tmp_path)
    expected = in_the_databases_words(source() | OTHER, lower=False)
    assert values(table(server, "public")) == expected


def test_pipelinewise_target_postgres(
    runs: list[str], server: PostgresServer, tmp_path: Path
) -> None:
    for output in runs:
        run_target(PIPELINEWISE, server.pipelinewise_config(), output, tmp_path)
    expected = in_the_databases_words(source() | OTHER, lower=True)
    assert values(table(server, "pipelinewise")) == expected


def test_meltano_with_a_cached_catalog(tmp_path: Path) -> None:
    """Only a plugin installed from a distribution has its catalog cached."""
    subprocess.run(
        [find_uv_bin(), "build", "--quiet", "--wheel", "--out-dir", str(tmp_path / "dist"), ROOT],
        check=True,
        capture_output=True,
    )
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    project = meltano_project(tmp_path)
    definition = (project / "meltano.yml").read_text(encoding="utf-8")
    definition = re.sub(r"pip_url: .*-e .*", f"pip_url: {wheel}", definition, count=1)
    (project / "meltano.yml").write_text(definition, encoding="utf-8")

    changed = False

    def report(start: date | None, end: date | None) -> Table:
        assert start
        return month(start if changed else start.replace(month=4), end)

    reports = {"changing": ReportSource(report)}
    with Sandbox(time_scale=TIME_SCALE, people=3, reports=reports) as sandbox:
        env = {
            "TAP_CREWMOJO_API_URL": sandbox.api_url,
            "TAP_CREWMOJO_CLIENT_ID": sandbox.client_id,
            "TAP_CREWMOJO_CLIENT_SECRET": sandbox.client_secret,
            "TAP_CREWMOJO_REPORTS": '["changing"]',
            "TAP_CREWMOJO_START_DATE": "2025-01-01",
            "TAP_CREWMOJO_END_DATE": "2025-09-30",
            "TAP_CREWMOJO_LOOKBACK_DAYS": "400",
            "TAP_CREWMOJO_TIME_SCALE": str(TIME_SCALE),
            "TARGET_JSONL_DO_TIMESTAMP_FILE": "false",
        }
        run_meltano(project, "run", "tap-crewmojo", "target-jsonl", env=env)
        before = len(sandbox.requests)
        changed = True
        run_meltano(project, "run", "tap-crewmojo", "target-jsonl", env=env)
        asked = [entry for entry in sandbox.requests[before:] if entry.phase == "post"]
    assert len(asked) == 9, "no sample: the catalog came from Meltano's cache"
    file = project / "output" / "changing.jsonl"
    records = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    newest: dict[str, str] = {}
    for record in records:
        newest[record["_sdc_report_start_date"]] = record["_sdc_report_datetime"]
    current = [
        record
        for record in records
        if record["_sdc_report_datetime"] == newest[record["_sdc_report_start_date"]]
    ]
    assert values(current) == source()

"""The dbt example, on files and on PostgreSQL: the current rows, and each loss fails its test."""

from __future__ import annotations

import json
import shlex
import shutil
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import duckdb
import pytest
import yaml

from support.dbt_example import Project, copy_example, modelled_reports
from support.repository import block
from support.sandboxes import DIRECTORY, requested, settings_for, variables_for
from support.tap_runs import TIME_SCALE, run_tap
from support.targets import (
    JSONL,
    POSTGRES,
    meltano_project,
    run_meltano,
    run_target,
)
from tap_crewmojo.sandbox.company.company import Company, ReportSource
from tap_crewmojo.sandbox.company.reports import REPORTS
from tap_crewmojo.sandbox.company.table import Table
from tap_crewmojo.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from support.postgres import PostgresServer
    from support.servers import Servers
    from support.tap_runs import Record, Run

Rows: TypeAlias = "list[Record]"
Change: TypeAlias = "Callable[[Rows], Rows]"

LOG = "report_windows"
PEOPLE = 12
FIRST_END, SECOND_END = date(2025, 3, 5), date(2025, 3, 15)
JANUARY, FEBRUARY = date(2025, 1, 1), date(2025, 2, 1)
WINDOWS = (
    (JANUARY, date(2025, 1, 31)),
    (FEBRUARY, date(2025, 2, 28)),
    (date(2025, 3, 1), SECOND_END),
)
FORMATS = {"jsonl": "-*.json.gz", "parquet": "-*.parquet"}
"""Of batches, with the ends of the names of their files."""

OF_THE_TARGET = {
    *("_sdc_extracted_at", "_sdc_received_at", "_sdc_batched_at", "_sdc_deleted_at"),
    *("_sdc_sequence", "_sdc_table_version", "_sdc_sync_started_at"),
}


@dataclass
class Office:
    """A company. Before the second run, it has edited February and its directory.

    There are no 1:1s any more, one review and one person less, and an objective has changed.
    """

    later: bool = False
    company: Company = field(default_factory=partial(Company, people=PEOPLE))

    def report(self, report_id: str, start: date | None, end: date | None) -> Table:
        table = self.company.report(report_id, start, end)
        rows = list(table.rows)
        if self.later and start in {FEBRUARY, None}:
            match report_id:
                case "oneonone.detail" | "oneonone.summary":
                    rows.clear()
                case "review.detail" | "people.directory":
                    del rows[0]
                case "objective.detail":
                    progress = table.headings.index("Progress %")
                    rows[0] = (*rows[0][:progress], 1.25, *rows[0][progress + 1 :])
        return Table(table.headings, tuple(rows))

    @property
    def sources(self) -> Mapping[str, ReportSource]:
        return {name: ReportSource(partial(self.report, name)) for name in REPORTS}


@dataclass(frozen=True)
class Loaded:
    """Two overlapping runs.

    Attributes:
        runs: their messages, as records.
        folders: the folder of their batch files, by format.
        current: the rows that are current in the end, by stream.
    """

    runs: list[Run]
    folders: Mapping[str, Path]
    current: Mapping[str, Rows]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    office = Office()
    folder = tmp_path_factory.mktemp("runs")
    folders = {form: tmp_path_factory.mktemp(form) for form in FORMATS}
    reports = [DIRECTORY if name == DIRECTORY["id"] else name for name in REPORTS]
    with Sandbox(time_scale=TIME_SCALE, people=PEOPLE, reports=office.sources) as sandbox:
        config = settings_for(sandbox, *reports, window_log=True, end_date=FIRST_END.isoformat())
        catalog = run_tap(config, folder, "--discover").succeeded().catalog
        run = partial(run_tap, directory=folder, catalog=catalog)
        first = run(config).succeeded()
        for form in FORMATS:
            run(in_files(config, form, folders[form])).succeeded()
        office.later = True
        config |= {"end_date": SECOND_END.isoformat(), "lookback_days": 20}
        for form in FORMATS:
            run(in_files(config, form, folders[form]), state=first.state).succeeded()
        begun = len(requested(sandbox))
        second = run(config, state=first.state).succeeded()
        again = {(report, start) for report, start, _ in requested(sandbox)[begun:]}
    assert ("oneonone.detail", 20250201) in again
    assert ("oneonone.detail", 20250101) not in again
    return Loaded([first, second], folders, current_rows([first, second]))


def in_files(config: Mapping[str, Any], form: str, folder: Path) -> dict[str, Any]:
    batches = {"encoding": {"format": form}, "storage": {"root": folder.as_uri()}}
    return {**config, "batch_config": batches}


def current_rows(runs: list[Run]) -> dict[str, Rows]:
    """Return the rows of the company: January as in the first run, the rest as in the second."""
    current = {}
    for name in REPORTS:
        stream = name.replace(".", "_")
        moments = {
            row.get("_sdc_report_start_date"): utc(row["_sdc_report_datetime"])
            for run in runs
            for row in run.records(stream)
        }
        if name == DIRECTORY["id"]:
            table = Office(later=True).report(name, None, None)
            current[stream] = as_records(table, {"_sdc_report_datetime": moments[None]})
            continue
        current[stream] = [
            row
            for start, end in WINDOWS
            for row in as_records(
                Office(later=start >= FEBRUARY).report(name, start, end),
                {
                    "_sdc_report_start_date": start,
                    "_sdc_report_end_date": end,
                    "_sdc_report_datetime": moments.get(start.isoformat()),
                },
            )
        ]
    return current


def as_records(table: Table, metadata: Record) -> Rows:
    """Return the cells that have a value, as a database does: date-times in UTC without a zone."""
    return [
        {
            **{
                heading: cell.replace(tzinfo=None) if isinstance(cell, datetime) else cell
                for heading, cell in zip(table.headings, row, strict=True)
                if cell is not None
            },
            **metadata,
            "_sdc_row_number": number,
        }
        for number, row in enumerate(table.rows, start=1)
    ]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


# --- files ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Landing:
    """A folder with what target-jsonl has written, and the example in it."""

    folder: Path

    @property
    def project(self) -> Project:
        return Project(self.folder / "dbt")

    def edit(self, stream: str, change: Change) -> None:
        file = self.folder / f"{stream}.jsonl"
        rows = change([json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()])
        file.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")


@pytest.fixture(scope="module")
def built(loaded: Loaded, tmp_path_factory: pytest.TempPathFactory) -> Landing:
    """The files of both runs, and the example, unchanged, built on them."""
    landing = Landing(tmp_path_factory.mktemp("landing"))
    for run in loaded.runs:
        run_target(JSONL, {"do_timestamp_file": False}, run.stdout, landing.folder)
    copy_example(landing.folder / "dbt")
    assert landing.project.build() == set()
    return landing


@pytest.fixture
def landing(built: Landing, tmp_path: Path) -> Landing:
    """A copy of them to break."""
    return Landing(shutil.copytree(built.folder, tmp_path / "landing"))


def test_the_models_of_json_lines_have_the_current_rows(built: Landing, loaded: Loaded) -> None:
    assert in_warehouse(built.project) == loaded.current
    assert built.project.freshness() == dict.fromkeys([*loaded.current, LOG], "pass")


@pytest.mark.parametrize("form", FORMATS)
def test_the_models_of_batches_have_the_current_rows(
    loaded: Loaded, tmp_path: Path, form: str
) -> None:
    program, command, option, variables = shlex.split(block("command: dbt on batches"))
    assert (program, command, option) == ("dbt", "build", "--vars")
    documented = yaml.safe_load(variables)["files"]
    assert documented.endswith(FORMATS["parquet"])
    files = documented.replace("/var/spool/crewmojo", loaded.folders[form].as_posix())
    files = files.replace(FORMATS["parquet"], FORMATS[form])
    project = copy_example(tmp_path / "dbt", variables={"files": files})
    assert project.build() == set()
    assert without_moments(in_warehouse(project)) == without_moments(loaded.current)
    assert set(project.freshness().values()) == {"pass"}


def in_warehouse(project: Project) -> dict[str, Rows]:
    """Return the rows of the models of reports in DuckDB."""
    with duckdb.connect(project.folder / "warehouse.duckdb", read_only=True) as database:
        tables = {
            stream: database.sql(f"FROM stg_crewmojo__{stream}") for stream in modelled_reports()
        }
        return {
            stream: in_order(table.columns, table.fetchall()) for stream, table in tables.items()
        }


def in_order(names: list[str], rows: list[tuple[Any, ...]]) -> Rows:
    """Return rows in the order of their report, without what is null."""
    records = [
        {name: value for name, value in zip(names, row, strict=True) if value is not None}
        for row in rows
    ]
    return sorted(
        records, key=lambda row: (row.get("_sdc_report_start_date"), row["_sdc_row_number"])
    )


def without_moments(streams: Mapping[str, Rows]) -> dict[str, Rows]:
    return {
        stream: [without_column(row, "_sdc_report_datetime") for row in rows]
        for stream, rows in streams.items()
    }


def without_column(row: Record, column: str) -> Record:
    return {name: value for name, value in row.items() if name != column}


def without_last(rows: Rows) -> Rows:
    return rows[:-1]


def without_first(start: date) -> Change:
    """Leave out the first row of a window."""

    def change(rows: Rows) -> Rows:
        lost = next(row for row in rows if row["_sdc_report_start_date"] == start.isoformat())
        return [row for row in rows if row is not lost]

    return change


def without_window(start: date) -> Change:
    """Leave out the rows of a window, or its records in the log."""
    return lambda rows: [
        row
        for row in rows
        if start.isoformat() not in {row.get("_sdc_report_start_date"), row.get("window_start")}
    ]


def of(stream: str, change: Change) -> Change:
    """Change the records of one stream in the log."""
    return lambda rows: [
        *(row for row in rows if row["stream"] != stream),
        *change([row for row in rows if row["stream"] == stream]),
    ]


def with_other(**values: object) -> Change:
    """Add a copy of the last row, with other values."""
    return lambda rows: [*rows, {**rows[-1], **values}]


def with_last_changed(values: Record) -> Change:
    return lambda rows: [*rows[:-1], {**rows[-1], **values}]


def with_other_last(rows: Rows) -> Rows:
    """Replace the last row by a copy of the one before."""
    return [*rows[:-1], rows[-2]]


def older(**ago: float) -> Change:
    """Move the moments of requests into the past."""
    moments = ("_sdc_report_datetime", "requested_at")
    return lambda rows: [
        row
        | {
            name: (datetime.fromisoformat(row[name]) - timedelta(**ago)).isoformat()
            for name in moments
            if name in row
        }
        for row in rows
    ]


@dataclass(frozen=True)
class Break:
    """A change of the rows of a stream, or of its records in the log, and the test that fails."""

    test: str
    rows: Change = list
    log: Change = list


@pytest.mark.parametrize(
    "breaks",
    [
        {
            "oneonone_summary": Break("every_row_arrived", rows=without_first(JANUARY)),
            "oneonone_detail": Break("every_row_arrived", rows=without_last),
            "people_directory": Break("every_row_arrived", rows=without_last),
            "review_detail": Break("every_earlier_row_arrived", rows=without_first(FEBRUARY)),
            "objective_detail": Break("unique_key", rows=with_other_last),
            "engagement_survey": Break("not_null", rows=with_last_changed({"Response ID": None})),
        },
        {
            "oneonone_summary": Break("every_row_arrived", rows=without_window(JANUARY)),
            "review_detail": Break(
                "every_window_arrived",
                rows=without_window(FEBRUARY),
                log=without_window(FEBRUARY),
            ),
            "oneonone_detail": Break("every_row_arrived", log=without_last),
            "objective_detail": Break("every_row_arrived", rows=with_other()),
            "engagement_survey": Break(
                "every_row_arrived", rows=with_other(_sdc_report_datetime="2100-01-01T00:00:00Z")
            ),
        },
    ],
    ids=["rows", "windows, records and copies"],
)
def test_each_loss_fails_its_test_and_no_other(
    landing: Landing, breaks: Mapping[str, Break]
) -> None:
    """Each report is broken in one way, and no test of another report fails."""
    for stream, change in breaks.items():
        landing.edit(stream, change.rows)
        landing.edit(LOG, of(stream, change.log))
    assert landing.project.build() == {(change.test, stream) for stream, change in breaks.items()}


def test_a_reading_that_ended_in_the_middle_is_left_out(landing: Landing, loaded: Loaded) -> None:
    """If a later one is whole, it is harmless."""
    landing.edit("review_detail", with_other(_sdc_report_datetime="2024-01-01T00:00:00Z"))
    assert landing.project.build() == set()
    landing.edit("oneonone_summary", with_other(_sdc_report_datetime="2100-01-01T00:00:00Z"))
    landing.project.run()  # without the tests, which would skip this model
    assert in_warehouse(landing.project) == loaded.current


def test_columns_come_and_go(landing: Landing, loaded: Loaded) -> None:
    """A text stays a text, and a declared column keeps its type."""
    stream, gone, new = "oneonone_summary", "Average Rating", 'At "work"'
    landing.edit(stream, lambda rows: [{**without_column(row, gone), new: "09:30"} for row in rows])
    assert landing.project.build() == set()
    wanted = [{**without_column(row, gone), new: "09:30"} for row in loaded.current[stream]]
    assert in_warehouse(landing.project)[stream] == wanted
    with duckdb.connect(landing.project.folder / "warehouse.duckdb", read_only=True) as database:
        table = database.sql(f"FROM stg_crewmojo__{stream}")
        assert str(dict(zip(table.columns, table.types, strict=True))[gone]) == "DOUBLE"


def test_stale_reports_are_reported(landing: Landing) -> None:
    for stream, days in (("oneonone_detail", 2), ("review_detail", 8), ("engagement_survey", 8)):
        landing.edit(stream, older(days=days))
        landing.edit(LOG, of(stream, older(days=days)))
    # This one has been requested since, without any reply.
    now = datetime.now(UTC).isoformat()
    april = {"window_start": "2025-04-01", "window_end": "2025-04-15", "requested_at": now}
    landing.edit(LOG, of("engagement_survey", with_other(**april, row_count=0)))
    statuses = dict.fromkeys([*modelled_reports(), LOG], "pass")
    stale = {"oneonone_detail": "warn", "review_detail": "error"}
    assert landing.project.freshness() == statuses | stale


# --- PostgreSQL -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server(servers: Servers) -> PostgresServer:
    return servers.postgres.new_database()


@pytest.fixture(scope="module")
def database(
    server: PostgresServer, loaded: Loaded, tmp_path_factory: pytest.TempPathFactory
) -> Project:
    """The example, unchanged, beside a server that target-postgres has loaded both runs into."""
    folder = tmp_path_factory.mktemp("database")
    config = server.target_config(default_target_schema="tap_crewmojo")
    for run in loaded.runs:
        run_target(POSTGRES, config, run.stdout, folder)
    return copy_example(
        folder / "dbt",
        target="postgres",
        environment=server.variables,
    )


def test_the_models_of_postgres_have_the_current_rows(
    server: PostgresServer, database: Project, loaded: Loaded
) -> None:
    assert database.build() == set()
    assert set(database.freshness().values()) == {"pass"}
    assert in_database(server) == loaded.current

    # A reading that ended in the middle has overwritten one row, which cannot be left out.
    server.query(
        "UPDATE tap_crewmojo.objective_detail SET _sdc_report_datetime = '2100-01-01' "
        "WHERE _sdc_report_start_date = '2025-03-01' AND _sdc_row_number = 1"
    )
    database.run()
    assert without_moments(in_database(server)) == without_moments(loaded.current)

    lost = (
        "oneonone_summary WHERE _sdc_report_start_date = '2025-01-01' AND _sdc_row_number = 1",
        "review_detail WHERE _sdc_report_start_date = '2025-02-01'",
        f"{LOG} WHERE stream = 'review_detail' AND window_start = '2025-02-01'",
    )
    for rows in lost:
        server.query(f"DELETE FROM tap_crewmojo.{rows}")  # noqa: S608
    assert database.build() == {
        ("every_row_arrived", "objective_detail"),
        ("every_row_arrived", "oneonone_summary"),
        ("every_window_arrived", "review_detail"),
    }


def test_meltano_loads_builds_and_tests(company: Sandbox, servers: Servers, tmp_path: Path) -> None:
    project = meltano_project(tmp_path)
    file = project / "meltano.yml"
    definition = yaml.safe_load(file.read_text(encoding="utf-8"))
    plugins = definition["plugins"]
    plugins |= yaml.safe_load(block("config: dbt with meltano"))["plugins"]
    plugins["loaders"].append(
        {
            "name": "target-postgres",
            "namespace": "target_postgres",
            "pip_url": POSTGRES.requirement,
            "executable": POSTGRES.executable,
            "settings": [{"name": "sqlalchemy_url"}, {"name": "default_target_schema"}],
        }
    )
    file.write_text(yaml.safe_dump(definition), encoding="utf-8")
    copy_example(project / "dbt")
    program, *arguments = shlex.split(block("command: dbt with meltano"))
    assert program == "meltano"
    reports = [DIRECTORY if name == DIRECTORY["id"] else name for name in REPORTS]
    server = servers.postgres.new_database()
    env = {
        **variables_for(company, *reports, window_log=True),
        **server.variables,
        "TARGET_POSTGRES_SQLALCHEMY_URL": server.sqlalchemy_url,
        "TARGET_POSTGRES_DEFAULT_TARGET_SCHEMA": "tap_crewmojo",
    }
    run_meltano(project, *arguments, env=env)
    held = {stream: len(rows) for stream, rows in in_database(server).items()}
    assert held == {
        name.replace(".", "_"): sum(
            len(company.company.report(name, *window).rows)
            for window in ([(None, None)] if name == DIRECTORY["id"] else WINDOWS)
        )
        for name in REPORTS
    }


def in_database(server: PostgresServer) -> dict[str, Rows]:
    """Return the rows of the models of reports in PostgreSQL, without the target's columns."""
    rows = {}
    for stream in modelled_reports():
        table = f"stg_crewmojo__{stream}"
        columns = server.query(
            "SELECT column_name FROM information_schema.columns "  # noqa: S608
            f"WHERE table_schema = 'crewmojo' AND table_name = '{table}' ORDER BY ordinal_position"
        )
        names = [name for (name,) in columns]
        found = in_order(names, server.query(f"SELECT * FROM crewmojo.{table}"))  # noqa: S608
        rows[stream] = [
            {name: value for name, value in row.items() if name not in OF_THE_TARGET}
            for row in found
        ]
    return rows

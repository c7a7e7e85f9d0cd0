"""The documented SQL of the window log, on what real targets have stored of real runs."""

from __future__ import annotations

from collections import Counter
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import duckdb
import pytest

from support.declared_targets import declared
from support.repository import block
from support.sandboxes import settings_for, variables_for
from support.stores import Database, store
from support.tap_runs import TIME_SCALE, Run, run_tap
from support.targets import (
    DUCKDB,
    DUCKDB_AS_IT_INSTALLS,
    PIPELINEWISE,
    POSTGRES,
    meltano_project,
    run_meltano,
)
from tap_crewmojo.sandbox.company.company import ReportSource
from tap_crewmojo.sandbox.company.table import Table
from tap_crewmojo.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from support.servers import Servers
    from support.targets import TargetSpec


JANUARY, FEBRUARY, MARCH = "2025-01-01", "2025-02-01", "2025-03-01"
SUMMARY, DIRECTORY, LOG = "oneonone_summary", "people_directory", "report_windows"

CURRENT = (
    "SELECT CAST(_sdc_report_start_date AS VARCHAR), _sdc_row_number "
    "FROM oneonone_summary_current ORDER BY 1, 2"
)

Query: TypeAlias = "Callable[[str], list[tuple[Any, ...]]]"


@dataclass
class Company:
    """Later, February is empty, March has two rows instead of three, and Bob has left."""

    later: bool = False

    def summary(self, start: date | None, _end: date | None) -> Table:
        assert start
        most = {1: 3, 2: 0 if self.later else 2, 3: 2 if self.later else 3}[start.month]
        rows = [(f"E{number}", number + self.later / 2) for number in range(most)]
        return Table(("Code", "Score"), tuple(rows))

    def directory(self, _start: date | None, _end: date | None) -> Table:
        names = ("Ann", "Cat") if self.later else ("Ann", "Bob", "Cat")
        return Table(("Name", "Team"), tuple((name, "Red") for name in names))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    """A run, another ten days later, and one that ended in the middle of March."""
    folder = tmp_path_factory.mktemp("runs")
    company = Company()
    reports = {
        "oneonone.summary": ReportSource(company.summary),
        "people.directory": ReportSource(company.directory),
    }
    with Sandbox(time_scale=TIME_SCALE, people=3, reports=reports) as sandbox:
        directory = {
            "id": "people.directory",
            "replication_method": "FULL_TABLE",
            "primary_keys": ["Name"],
        }
        config = settings_for(
            sandbox, "oneonone.summary", directory, end_date="2025-03-05", window_log=True
        )
        catalog = run_tap(config, folder, "--discover").succeeded().catalog
        first = run_tap(config, folder, catalog=catalog).succeeded()
        company.later = True
        config |= {"end_date": "2025-03-15", "lookback_days": 20}
        second = run_tap(config, folder, catalog=catalog, state=first.state).succeeded()
        config |= {"lookback_days": 0, "end_date": "2025-03-20"}
        third = run_tap(config, folder, catalog=catalog, state=second.state).succeeded()
    lines = third.stdout.splitlines(keepends=True)
    (begun, _) = (place for place, line in enumerate(lines) if '"E' in line)
    return [first, second, replace(third, stdout="".join(lines[: begun + 1]))]


@pytest.fixture(
    scope="module",
    params=[POSTGRES, PIPELINEWISE, DUCKDB],
    ids=["postgres", "pipelinewise", "duckdb"],
)
def held(
    request: pytest.FixtureRequest,
    servers: Servers,
    runs: list[Run],
    tmp_path_factory: pytest.TempPathFactory,
) -> Database:
    """What a target has stored of the first two runs."""
    return loaded(request.param, tmp_path_factory.mktemp("store"), servers, *runs[:2])


def loaded(spec: TargetSpec, folder: Path, servers: Servers, *runs: Run) -> Database:
    database = store(declared(spec), folder, servers)
    assert isinstance(database, Database)
    for run in runs:
        database.load(run)
    return database


@contextmanager
def opened(held: Database, servers: Servers) -> Iterator[Query]:
    """Yield what runs SQL in the schema of a store; all of it is undone."""
    schema = held.config["default_target_schema"]
    if path := held.config.get("path"):
        with duckdb.connect(str(path)) as database:
            database.execute(f"USE {schema}").begin()
            yield lambda sql: database.execute(sql).fetchall()
            database.rollback()
    else:
        with closing(servers.postgres.connect()) as connection, connection.cursor() as cursor:

            def query(sql: str) -> list[tuple[Any, ...]]:
                cursor.execute(sql)
                return cursor.fetchall() if cursor.description else []

            query(f"SET search_path TO {schema}")
            yield query
            connection.rollback()


def lost(query: Query) -> list[tuple[Any, ...]]:
    """Return what the documented query finds, without the times."""
    return [(*row[:2], *row[3:]) for row in query(block("sql: lost rows"))]


def test_nothing_is_lost(held: Database, servers: Servers) -> None:
    assert len(held.rows(LOG)) == 3 + 1 + 2 + 1
    with opened(held, servers) as query:
        assert lost(query) == []


@pytest.mark.parametrize(
    ("change", "found"),
    [
        pytest.param(
            "DELETE FROM oneonone_summary WHERE _sdc_report_start_date = '2025-01-01' "
            "AND _sdc_row_number = 2",
            [(SUMMARY, JANUARY, 3, 2)],
            id="a row",
        ),
        pytest.param(
            "DELETE FROM oneonone_summary WHERE _sdc_report_start_date = '2025-03-01'",
            [(SUMMARY, MARCH, 2, None)],
            id="a window",
        ),
        pytest.param("DELETE FROM people_directory", [(DIRECTORY, "", 2, None)], id="a report"),
        pytest.param(
            "DELETE FROM people_directory WHERE _sdc_row_number = 1",
            [(DIRECTORY, "", 2, 1)],
            id="a row of a report without windows",
        ),
        pytest.param(
            "DELETE FROM report_windows WHERE window_start = '2025-01-01'",
            [(SUMMARY, JANUARY, None, 3)],
            id="a record of the log",
        ),
        pytest.param(
            "DELETE FROM report_windows WHERE row_count = 2 AND window_start = '2025-03-01'",
            [(SUMMARY, MARCH, 3, 1), (SUMMARY, MARCH, None, 2)],
            id="the record of the newest reading",
        ),
        pytest.param(
            "DELETE FROM report_windows",
            [
                *((SUMMARY, JANUARY, None, 3), (SUMMARY, FEBRUARY, None, 2)),
                *((SUMMARY, MARCH, None, 1), (SUMMARY, MARCH, None, 2)),
                *((DIRECTORY, "", None, 1), (DIRECTORY, "", None, 2)),
            ],
            id="the log",
        ),
        pytest.param(
            "UPDATE report_windows SET row_count = 2 WHERE window_start = '2025-01-01'",
            [(SUMMARY, JANUARY, 2, 3)],
            id="rows too many",
        ),
    ],
)
def test_what_is_lost_is_found(
    change: str, found: list[tuple[Any, ...]], held: Database, servers: Servers
) -> None:
    with opened(held, servers) as query:
        query(change)
        assert lost(query) == found


def test_the_views_have_the_current_rows(held: Database, servers: Servers) -> None:
    with opened(held, servers) as query:
        query(block("sql: current rows"))
        without_log = query(CURRENT)
        query("DROP VIEW oneonone_summary_current")
        query(block("sql: current rows by the log"))
        query(block("sql: current rows of a full table by the log"))
        rows = query(CURRENT)
        people = query("SELECT _sdc_row_number FROM people_directory_current ORDER BY 1")
    assert rows == [(JANUARY, 1), (JANUARY, 2), (JANUARY, 3), (MARCH, 1), (MARCH, 2)]
    assert people == [(1,), (2,)]
    assert set(without_log) - set(rows) == {(FEBRUARY, 1), (FEBRUARY, 2)}, "February is empty now"


@pytest.mark.parametrize("spec", [POSTGRES, DUCKDB], ids=["postgres", "duckdb"])
def test_a_run_that_ended_in_the_middle_of_a_window(
    spec: TargetSpec, runs: list[Run], tmp_path: Path, servers: Servers
) -> None:
    held = loaded(spec, tmp_path, servers, *runs)
    with opened(held, servers) as query:
        assert lost(query) == [(SUMMARY, MARCH, 2, 1), (SUMMARY, MARCH, None, 1)]
        query(block("sql: current rows by the log"))
        rows = query(CURRENT)
    assert rows[-2:] == [(MARCH, 1), (MARCH, 2)], "each row once, as it was read last"


def test_the_query_finds_what_a_target_really_loses(
    runs: list[Run], tmp_path: Path, servers: Servers
) -> None:
    held = loaded(DUCKDB_AS_IT_INSTALLS, tmp_path, servers, *runs[:1])
    stored = Counter(
        (str(row["_sdc_report_start_date"]), moment(row["_sdc_report_datetime"]))
        for row in held.rows(SUMMARY)
    )
    short = {
        record["window_start"]
        for record in runs[0].records(LOG)
        if record["stream"] == SUMMARY
        and record["row_count"] != stored[record["window_start"], moment(record["requested_at"])]
    }
    assert short
    with opened(held, servers) as query:
        found = {row[1] for row in lost(query) if row[0] == SUMMARY}
    assert short <= found


def test_meltano_turns_it_on(sandbox: Sandbox, tmp_path: Path) -> None:
    project = meltano_project(tmp_path)
    env = variables_for(sandbox, "oneonone.summary", end_date="2025-02-28")
    run_meltano(project, "config", "set", "tap-crewmojo", "window_log", "true")
    run_meltano(project, "run", "tap-crewmojo", "target-jsonl", env=env)
    assert written(project).keys() == {SUMMARY, LOG}
    assert written(project)[LOG] == 2
    run_meltano(project, "config", "set", "tap-crewmojo", "window_log", "what_arrived")
    run_meltano(project, "run", "tap-crewmojo", "target-jsonl", "--full-refresh", env=env)
    assert written(project)["what_arrived"] == 2


def written(project: Path) -> dict[str, int]:
    """Return how many lines target-jsonl has written of each stream."""
    lines: Counter[str] = Counter()
    for path in (project / "output").glob("*.jsonl"):
        with path.open(encoding="utf-8") as file:
            lines[path.name.partition("-")[0].removesuffix(".jsonl")] += sum(1 for _ in file)
    return dict(lines)


def moment(value: object) -> datetime:
    read = datetime.fromisoformat(str(value))
    return read if read.tzinfo else read.replace(tzinfo=UTC)

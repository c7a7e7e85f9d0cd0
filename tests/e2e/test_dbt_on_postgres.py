"""The dbt example on PostgreSQL, by itself and in a Meltano project."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest
import yaml

from support.dbt_example import Project, copy_example, modelled_reports
from support.office import LOG, WINDOWS, in_order, without_moments
from support.repository import block
from support.sandboxes import DIRECTORY, variables_for
from support.targets import POSTGRES, meltano_project, run_meltano, run_target
from tap_crewmojo.sandbox.company.reports import REPORTS

if TYPE_CHECKING:
    from pathlib import Path

    from support.office import Loaded, Rows
    from support.postgres import PostgresServer
    from support.servers import Servers
    from tap_crewmojo.sandbox.sandbox import Sandbox

OF_THE_TARGET = {
    *("_sdc_extracted_at", "_sdc_received_at", "_sdc_batched_at", "_sdc_deleted_at"),
    *("_sdc_sequence", "_sdc_table_version", "_sdc_sync_started_at"),
}


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

"""The dbt example on files: the models have the current rows, and each loss fails its test."""

from __future__ import annotations

import json
import shlex
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import duckdb
import pytest
import yaml

from support.dbt_example import Project, copy_example, modelled_reports
from support.office import (
    FEBRUARY,
    FORMATS,
    JANUARY,
    LOG,
    in_order,
    without_column,
    without_moments,
)
from support.repository import block
from support.row_changes import (
    of,
    older,
    with_last_changed,
    with_other,
    with_other_last,
    without_first,
    without_last,
    without_window,
)
from support.targets import JSONL, run_target

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from support.office import Loaded, Rows
    from support.row_changes import Change


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

"""A column that the catalog lacks: an allow-list holds, and nothing comes in without a word."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from support.sandboxes import settings_for
from support.tap_runs import TIME_SCALE, run_tap
from tap_crewmojo.sandbox.company.company import ReportSource
from tap_crewmojo.sandbox.company.table import Table
from tap_crewmojo.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from pathlib import Path

SALARY = "93001"


def people(start: date | None, _end: date | None) -> Table:
    """Return a report that has a column more from March on."""
    if start and start.month >= 3:
        return Table(("Name", "Score", "Salary"), (("Ann", 4, SALARY), ("Bob", "n/a", SALARY)))
    return Table(("Name", "Score"), (("Ann", 4), ("Bob", 5)))


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with Sandbox(
        time_scale=TIME_SCALE, people=3, reports={"staff": ReportSource(people)}
    ) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def config(server: Sandbox) -> dict[str, Any]:
    return settings_for(server, "staff")


@pytest.fixture(scope="module")
def discovered(config: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("discovered")
    return run_tap(config, folder, "--discover").succeeded().catalog


def without(catalog: dict[str, Any], *columns: str) -> dict[str, Any]:
    """Return a catalog that deselects some columns, as a selection of the others does."""
    catalog = copy.deepcopy(catalog)
    for each in catalog["streams"][0]["metadata"]:
        if each["breadcrumb"]:
            each["metadata"]["selected"] = each["breadcrumb"][1] not in columns
    return catalog


@pytest.mark.parametrize("content_type", ["csv", "json"])
def test_a_new_column_is_left_out_where_the_catalog_deselects_any(
    content_type: str, config: dict[str, Any], discovered: dict[str, Any], tmp_path: Path
) -> None:
    catalog = without(discovered, "Name")
    config = config | {"content_type": content_type}
    run = run_tap(config, tmp_path, catalog=catalog).succeeded()
    assert SALARY not in run.stdout
    assert SALARY not in run.stderr
    assert "Name" not in run.schema("staff")["properties"]
    assert len(run.records("staff")) == 6
    assert run.records("staff")[-1]["Score__text"] == "n/a", "a variant is no new column"
    (warning,) = (line for line in run.warnings if "'Salary'" in line)
    assert "left out" in warning
    assert "run `--discover` again and select it" in warning


def test_a_new_column_is_added_where_all_are_selected(
    config: dict[str, Any], discovered: dict[str, Any], tmp_path: Path
) -> None:
    run = run_tap(config, tmp_path, catalog=without(discovered)).succeeded()
    assert [row.get("Salary") for row in run.records("staff")] == [None] * 4 + [SALARY] * 2
    (warning,) = (line for line in run.warnings if "'Salary'" in line)
    assert "added" in warning


def test_the_columns_of_the_tap_do_not_make_an_allow_list(
    config: dict[str, Any], discovered: dict[str, Any], tmp_path: Path
) -> None:
    """An older catalog may deselect them; they are sent all the same."""
    own = {name for name in discovered["streams"][0]["schema"]["properties"] if name[:5] == "_sdc_"}
    catalog = without(discovered, *own)
    for each in catalog["streams"][0]["metadata"]:
        each["metadata"]["inclusion"] = "available"
    run = run_tap(config, tmp_path, catalog=catalog).succeeded()
    assert own <= run.records("staff")[0].keys()
    assert run.records("staff")[-1]["Salary"] == SALARY

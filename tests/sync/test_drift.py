"""Columns that come, go and change: no value is lost, and no target is sent what breaks it."""

from __future__ import annotations

import copy
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from support.catalogs import deselect
from support.drifting import CATALOGUED, held, month, source
from support.sandboxes import settings_for
from support.tap_runs import TIME_SCALE, run_tap
from tap_crewmojo.sandbox.company.company import ReportSource
from tap_crewmojo.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def changing() -> Iterator[Sandbox]:
    reports = {"changing": ReportSource(month)}
    with Sandbox(time_scale=TIME_SCALE, people=3, reports=reports) as sandbox:
        yield sandbox


@pytest.fixture
def config(changing: Sandbox) -> dict[str, Any]:
    return settings_for(changing, "changing", end_date="2025-09-30")


@pytest.fixture
def catalog(config: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    """The catalog of before the change: discovered in April."""
    april = config | {"end_date": "2025-04-30"}
    return run_tap(april, tmp_path, "--discover").succeeded().catalog


@pytest.mark.parametrize("content_type", ["csv", "json"])
@pytest.mark.parametrize("with_catalog", [True, False], ids=["catalog", "no catalog"])
def test_no_value_is_lost(
    config: dict[str, Any],
    catalog: dict[str, Any],
    tmp_path: Path,
    with_catalog: bool,  # noqa: FBT001
    content_type: str,
) -> None:
    config["content_type"] = content_type
    run = run_tap(config, tmp_path, catalog=catalog if with_catalog else None).succeeded()
    assert held(run) == source()
    assert run.bookmarks == {"changing": "2025-09-30"}


def test_the_schema_is_sent_again_once_for_each_change(
    config: dict[str, Any], catalog: dict[str, Any], tmp_path: Path
) -> None:
    run = run_tap(config, tmp_path, catalog=catalog).succeeded()
    columns = [set(message["schema"]["properties"]) for message in run.schemas]
    added = [later - earlier for earlier, later in pairwise(columns)]
    assert added == [
        {"Mood"},
        {"Score__text", "Day__text", "When__text", "Done__text"},
    ]
    assert run.schema("changing")["properties"]["Mood"] == {"type": ["string", "null"]}
    july = [r for r in run.records("changing") if r["_sdc_report_start_date"] == "2025-07-01"]
    assert july[2]["Score"] is None
    assert july[2]["Score__text"] == "n/a"
    assert july[2]["Day__text"] == "2024-02-30"
    assert july[3]["Score__text"] == "1e5"
    assert july[4]["Score"] == 7
    assert july[4]["Score__text"] is None
    warnings = [line for line in run.stderr.splitlines() if "WARNING" in line]
    assert len([line for line in warnings if "values that do not fit its type (2)" in line]) == 4
    assert not any(value in run.stderr for value in ("n/a", "mañana", "31/12/2024"))


def test_in_the_next_run_a_new_column_is_there_from_the_start(
    config: dict[str, Any], tmp_path: Path
) -> None:
    june = run_tap(config | {"end_date": "2025-06-30"}, tmp_path).succeeded()
    assert len(june.schemas) == 1
    assert "Mood" in june.schemas[0]["schema"]["properties"]
    assert "Empty" in june.schemas[0]["schema"]["properties"]


def test_a_catalog_that_deselects_a_column_lists_what_is_emitted(
    config: dict[str, Any], catalog: dict[str, Any], tmp_path: Path
) -> None:
    deselect(catalog, "changing", "Score", "Secret")
    run = run_tap(config, tmp_path, catalog=catalog).succeeded()
    names = set(run.schema("changing")["properties"])
    assert not names & {"Score", "Score__text", "Secret", "Mood", "Mood__text"}
    assert "Day__text" in names, "its own column is in the list"
    assert held(run) == {
        key: {name: cell for name, cell in row.items() if name not in {"Score", "Secret", "Mood"}}
        for key, row in source().items()
    }
    (warning,) = (line for line in run.stderr.splitlines() if "'Mood'" in line)
    assert "was left out (the catalog deselects columns of this stream)" in warning
    assert "run `--discover` again and select it" in warning


def test_a_new_column_that_is_added_is_named_in_a_warning(
    config: dict[str, Any], catalog: dict[str, Any], tmp_path: Path
) -> None:
    run = run_tap(config | {"end_date": "2025-05-31"}, tmp_path, catalog=catalog).succeeded()
    assert [line for line in run.warnings if "'Mood' is not in the catalog and was added" in line]
    assert not any("'Empty'" in line for line in run.warnings), "it has no value"


def test_stream_maps_and_flattening_stay_in_force(
    config: dict[str, Any], catalog: dict[str, Any], tmp_path: Path
) -> None:
    config |= {
        "stream_maps": {
            "changing": {"Secret": None, "Twice": "str(Code) + str(Code)"},
            "copies": {"__source__": "changing", "__filter__": "Code == '007'"},
        },
        "stream_map_config": {},
        "flattening_enabled": True,
        "flattening_max_depth": 1,
    }
    run = run_tap(config, tmp_path, catalog=catalog).succeeded()
    for stream in ("changing", "copies"):
        assert {"Mood", "Score__text"} <= set(run.schema(stream)["properties"])
    assert "Secret" not in run.schema("changing")["properties"]
    values = held(run)
    assert values == {
        key: {name: cell for name, cell in row.items() if name != "Secret"}
        | {"Twice": row.get("Code", "None") * 2}
        for key, row in source().items()
    }
    assert {row["Code"] for row in held(run, "copies").values()} == {"007"}


def test_ignore_leaves_a_new_column_out_with_one_warning(
    config: dict[str, Any], catalog: dict[str, Any], tmp_path: Path
) -> None:
    run = run_tap(config | {"on_new_column": "ignore"}, tmp_path, catalog=catalog).succeeded()
    assert "Mood" not in run.schema("changing")["properties"]
    assert len([line for line in run.warnings if "'Mood'" in line]) == 1
    assert len(run.records("changing")) == len(source())


def test_fail_fails_the_window_naming_the_column(
    config: dict[str, Any], catalog: dict[str, Any], tmp_path: Path
) -> None:
    run = run_tap(config | {"on_new_column": "fail"}, tmp_path, catalog=catalog)
    assert run.returncode == 1
    assert "report 'changing', 2025-05-01 to 2025-05-31" in run.stderr
    assert "'Mood'" in run.stderr
    assert "Traceback" not in run.stderr
    assert run.bookmarks == {"changing": "2025-04-30"}
    assert not [r for r in run.records("changing") if r["_sdc_report_start_date"] > "2025-04-30"]


def test_another_report_is_refused_rather_than_emitted_as_nulls(
    config: dict[str, Any], catalog: dict[str, Any], tmp_path: Path
) -> None:
    other = copy.deepcopy(catalog)
    properties = other["streams"][0]["schema"]["properties"]
    for name in CATALOGUED:
        properties[f"Other {name}"] = properties.pop(name)
    run = run_tap(config, tmp_path, catalog=other)
    assert run.returncode == 1
    assert "has none of the columns that the catalog knows" in run.stderr
    assert not run.records("changing")


def test_a_configured_format_that_does_not_match_loses_nothing(
    config: dict[str, Any], tmp_path: Path
) -> None:
    config["reports"] = [
        {
            "id": "changing",
            "columns": {
                "Day": {"type": "date", "format": "%d/%m/%Y"},
                "Code": "number",
                "When": {"type": "date-time", "format": "%Y"},
            },
        }
    ]
    run = run_tap(config, tmp_path).succeeded()
    july = {
        record["_sdc_row_number"]: record
        for record in run.records("changing")
        if record["_sdc_report_start_date"] == "2025-07-01"
    }
    assert july[4]["Day"] == "2024-12-31"
    assert july[3]["Day__text"] == "2024-02-30"
    assert july[1]["Code__text"] == "007"
    assert july[1]["When__text"] == "2025-01-01T10:00:00Z"

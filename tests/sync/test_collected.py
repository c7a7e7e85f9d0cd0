"""With `on_new_column: collect` a stream has one SCHEMA, and no value is lost."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

from support.batches import batch_rows
from support.catalogs import deselect, entry_of
from support.drifting import collected, month, source, text
from support.sandboxes import settings_for
from support.tap_runs import TIME_SCALE, load, run_tap
from tap_crewmojo.sandbox.company.company import ReportSource
from tap_crewmojo.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.tap_runs import Run

EXTRA = "_sdc_report_extra"
ODD = b"""\
Code,,Comment,Comment,comment, Padded ,"say ""hi""\ttwice",Answers
1,no name,one,two,lower,blanks,"two
lines","{""mood"": 4}"
2,,,,,,,
"""
ODD_EXTRA = {
    "unnamed": "no name",
    "Comment": "one",
    "Comment__2": "two",
    "Padded": "blanks",
    'say "hi"_twice': "two\nlines",
}


@pytest.fixture(scope="module")
def changing() -> Iterator[Sandbox]:
    answers = b'[{"Code": "1"}, {"Code": "2", "Answers": {"mood": [4, null]}, "code": 1.50}]'
    reports = {
        "changing": ReportSource(month),
        "odd": ReportSource(lambda *_: ODD),
        "answers": ReportSource(lambda *_: answers, content_type="application/json"),
    }
    with Sandbox(time_scale=TIME_SCALE, people=3, reports=reports) as sandbox:
        yield sandbox


@pytest.fixture
def config(changing: Sandbox) -> dict[str, Any]:
    return settings_for(changing, "changing", end_date="2025-09-30", on_new_column="collect")


@pytest.fixture(scope="module")
def kept(changing: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The catalog of before the change, from another mode: without the column of this one."""
    april = settings_for(changing, "changing", end_date="2025-04-30")
    catalog = run_tap(april, tmp_path_factory.mktemp("kept"), "--discover").succeeded().catalog
    columns = entry_of(catalog)["schema"]["properties"]
    assert EXTRA not in columns
    columns["Score__text"] = {"type": ["string", "null"]}
    return catalog


@pytest.fixture
def catalog(kept: dict[str, Any]) -> dict[str, Any]:
    return copy.deepcopy(kept)


@pytest.fixture(scope="module")
def discovered(changing: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The catalog of before the change, from this mode."""
    april = settings_for(changing, "changing", end_date="2025-04-30", on_new_column="collect")
    return run_tap(april, tmp_path_factory.mktemp("found"), "--discover").succeeded().catalog


def held(run: Run) -> dict[tuple[str, int], dict[str, str]]:
    """Return all values that a target holds, as text, by window and row."""
    return {
        key: {
            name: text(value)
            for name, value in (row | json.loads(row.get(EXTRA) or "{}")).items()
            if value is not None and not name.startswith("_sdc")
        }
        for key, row in load(run)["changing"].items()
    }


def extras(run: Run) -> dict[tuple[str, int], dict[str, str]]:
    """Return what is in the extra column, by window and row."""
    rows = load(run)["changing"].items()
    return {key: json.loads(row[EXTRA]) for key, row in rows if row[EXTRA] is not None}


@pytest.mark.parametrize("content_type", ["csv", "json"])
def test_no_value_is_lost_and_no_schema_follows_the_first(
    config: dict[str, Any], catalog: dict[str, Any], tmp_path: Path, content_type: str
) -> None:
    run = run_tap(config | {"content_type": content_type}, tmp_path, catalog=catalog).succeeded()
    (schema,) = run.schemas
    assert set(schema["schema"]["properties"]) == {
        *entry_of(catalog)["schema"]["properties"],
        EXTRA,
    }
    assert schema["schema"]["properties"][EXTRA] == {"type": ["string", "null"]}
    assert held(run) == source()
    assert extras(run) == collected()
    assert {row["Score__text"] for row in run.records("changing")} == {None}
    assert run.bookmarks == {"changing": "2025-09-30"}
    fits = f"has values that do not fit its type (2); they are in '{EXTRA}'"
    for column in ("Score", "Day", "When", "Done"):
        (warning,) = (line for line in run.warnings if f"Column '{column}'" in line)
        assert fits in warning
    (warning,) = (line for line in run.warnings if "'Mood'" in line)
    assert f"4 values of it are in '{EXTRA}'" in warning
    assert not any(value in run.stderr for value in ("n/a", "mañana", "31/12/2024", "good"))


def test_without_a_catalog_too(config: dict[str, Any], tmp_path: Path) -> None:
    """Only the columns of the newest month are known then."""
    run = run_tap(config, tmp_path).succeeded()
    (schema,) = run.schemas
    names = [name for name in schema["schema"]["properties"] if not name.startswith("_sdc")]
    assert names == ["Score", "Code"]
    assert held(run) == source()
    assert extras(run) == collected(known=names)


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_batches_hold_the_records(
    config: dict[str, Any], catalog: dict[str, Any], tmp_path: Path, form: str
) -> None:
    (tmp_path / "batches").mkdir()
    storage = {"root": (tmp_path / "batches").as_uri()}
    config["batch_config"] = {"encoding": {"format": form}, "storage": storage}
    run = run_tap(config, tmp_path, catalog=catalog).succeeded()
    assert [message["type"] for message in run.messages].count("SCHEMA") == 1
    rows = {(row["_sdc_report_start_date"], row["_sdc_row_number"]): row for row in batch_rows(run)}
    assert {key: json.loads(row[EXTRA]) for key, row in rows.items() if row[EXTRA]} == collected()
    assert len(rows) == len(source())


def test_a_catalog_that_deselects_a_column_lists_what_is_emitted(
    config: dict[str, Any], catalog: dict[str, Any], tmp_path: Path
) -> None:
    deselect(catalog, "changing", "Score", "Secret")
    run = run_tap(config, tmp_path, catalog=catalog).succeeded()
    allowed = {"Day", "When", "Done"}
    assert extras(run) == {
        key: kept
        for key, extra in collected().items()
        if (kept := {name: value for name, value in extra.items() if name in allowed})
    }
    (warning,) = (line for line in run.warnings if "'Mood'" in line)
    assert "was left out (the catalog deselects columns of this stream)" in warning


def test_the_column_is_sent_whatever_the_catalog_selects(
    config: dict[str, Any], discovered: dict[str, Any], tmp_path: Path
) -> None:
    """A pattern of Meltano's that selects one column deselects all others."""
    catalog = copy.deepcopy(discovered)
    for name in entry_of(catalog)["schema"]["properties"]:
        if name != "Score":
            deselect(catalog, "changing", name)
    run = run_tap(config, tmp_path, catalog=catalog).succeeded()
    rows = run.records("changing")
    assert {name for row in rows for name in row if not name.startswith("_sdc_")} == {"Score"}
    extra = [json.loads(row[EXTRA]) for row in rows if row[EXTRA]]
    assert extra
    assert all(list(values) == ["Score"] for values in extra)
    assert "mañana" not in run.stdout


def test_the_catalog_serves_another_mode_too(
    config: dict[str, Any], discovered: dict[str, Any], tmp_path: Path
) -> None:
    assert EXTRA in entry_of(discovered)["schema"]["properties"]
    config |= {"on_new_column": "add", "end_date": "2025-07-31"}
    run = run_tap(config, tmp_path, catalog=discovered).succeeded()
    assert all(EXTRA not in message["schema"]["properties"] for message in run.schemas)
    rows = [row for row in run.records("changing") if row.get("Score__text")]
    assert [row["Score__text"] for row in rows] == ["n/a", "1e5"]


def test_any_heading_has_a_place_in_the_object(changing: Sandbox, tmp_path: Path) -> None:
    """Also unnamed ones, repeated ones, and those that a JSON path could not express."""
    reports = [
        {"id": name, "replication_method": "FULL_TABLE", "primary_keys": ["Code"]}
        for name in ("odd", "answers")
    ]
    config = settings_for(changing, *reports, on_new_column="collect")
    columns = {"properties": {"Code": {"type": ["string", "null"]}}}
    streams = [{"tap_stream_id": report["id"], "schema": columns} for report in reports]
    run = run_tap(config, tmp_path, catalog={"streams": streams}).succeeded()
    assert len(run.schemas) == 2
    first, second = run.records("odd")
    extra = json.loads(first[EXTRA])
    (lower,) = extra.keys() - ODD_EXTRA.keys() - {"Answers"}
    assert lower.startswith("comment__")
    assert extra == ODD_EXTRA | {lower: "lower", "Answers": '{"mood": 4}'}
    assert second[EXTRA] is None
    first, second = run.records("answers")
    assert first[EXTRA] is None
    extra = json.loads(second[EXTRA])
    assert extra.pop("Answers") == '{"mood":[4,null]}'
    assert list(extra.values()) == ["1.50"]


def test_the_column_must_not_be_in_a_key(
    config: dict[str, Any], catalog: dict[str, Any], tmp_path: Path
) -> None:
    entry_of(catalog)["key_properties"] = ["_sdc_report_start_date", EXTRA]
    run = run_tap(config, tmp_path, catalog=catalog)
    assert run.returncode == 1
    assert not run.records("changing")
    assert f"report 'changing': the key in the catalog must not hold '{EXTRA}'" in run.stderr

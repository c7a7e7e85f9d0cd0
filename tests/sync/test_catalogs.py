"""Catalogs of others: each is obeyed, repaired with a warning, or refused in a sentence."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from support.catalogs import entry_of, metadata_of
from support.sandboxes import DIRECTORY, requested, settings_for
from support.tap_runs import TIME_SCALE, load, run_tap, timeless
from tap_crewmojo.sandbox.company.company import ReportSource
from tap_crewmojo.sandbox.company.table import Table
from tap_crewmojo.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from pathlib import Path

START_DATE, END_DATE = "_sdc_report_start_date", "_sdc_report_end_date"


def people(start: date | None, _end: date | None) -> Table:
    """Return the same codes each month; from April on, one of them has a letter."""
    letter = "C" if start and start.month >= 4 else ""
    codes = ("1001", "1002", f"{letter}1003")
    return Table(
        ("Code", "Score", "Note"),
        tuple((code, f"{start.month if start else 0}.5", "x") for code in codes),
    )


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    reports = {
        "staff": ReportSource(people),
        "people.directory": ReportSource(lambda *_: Table(("Code",), (("1",), ("2",)))),
    }
    with Sandbox(time_scale=TIME_SCALE, people=3, reports=reports) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def config(server: Sandbox) -> dict[str, Any]:
    return settings_for(server, {"id": "staff", "primary_keys": ["Code"]})


@pytest.fixture(scope="module")
def discovered(config: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("discovered")
    return run_tap(config, folder, "--discover").succeeded().catalog


@pytest.fixture
def catalog(discovered: dict[str, Any]) -> dict[str, Any]:
    """A catalog to spoil."""
    return copy.deepcopy(discovered)


# The tap's own columns, and keys


def test_the_columns_of_the_tap_are_automatic_and_keys_are_strings(
    discovered: dict[str, Any],
) -> None:
    for name, column in entry_of(discovered)["schema"]["properties"].items():
        automatic = name.startswith("_sdc_") or name == "Code"
        inclusion = metadata_of(discovered, name)["inclusion"]
        assert inclusion == ("automatic" if automatic else "available")
        if name == "Code":
            assert column == {"type": ["string", "null"]}, "though all of the sample are numbers"


def test_an_older_catalog_cannot_drop_the_columns_of_the_tap_nor_the_key(
    config: dict[str, Any], catalog: dict[str, Any], tmp_path: Path
) -> None:
    columns = entry_of(catalog)["schema"]["properties"]
    for name in columns:
        metadata_of(catalog, name).update(inclusion="available", selected=name == "Score")
    run = run_tap(config, tmp_path, catalog=catalog).succeeded()
    kept = columns.keys() - {"Note"}
    assert run.schema("staff")["properties"].keys() == kept
    assert all(record.keys() == kept for record in run.records("staff"))
    assert len(load(run)["staff"]) == 9
    (warning,) = run.warnings
    assert "Column 'Code' is in the key, and is emitted although" in warning


@pytest.mark.parametrize("stated", ["in metadata", "nowhere"])
def test_a_catalog_without_key_properties_has_a_key_all_the_same(
    stated: str, config: dict[str, Any], catalog: dict[str, Any], tmp_path: Path
) -> None:
    del entry_of(catalog)["key_properties"]
    keys = metadata_of(catalog)["table-key-properties"]
    assert keys == [START_DATE, "Code"]
    if stated == "in metadata":
        metadata_of(catalog)["table-key-properties"] = keys = [START_DATE, "Code", "Note"]
        entry_of(catalog)["key_properties"] = None
    else:
        del metadata_of(catalog)["table-key-properties"]
    run = run_tap(config, tmp_path, catalog=catalog).succeeded()
    assert [message["key_properties"] for message in run.schemas] == [keys]
    assert load(run) == load(run, run)
    assert len(load(run)["staff"]) == 9


def test_a_code_with_a_letter_does_not_stop_a_stream_whose_codes_were_numbers(
    config: dict[str, Any], catalog: dict[str, Any], tmp_path: Path
) -> None:
    april = config | {"end_date": "2025-04-30"}
    run = run_tap(april, tmp_path, catalog=catalog).succeeded()
    assert run.records("staff")[-1]["Code"] == "C1003"
    # A catalog of before keys were strings.
    entry_of(catalog)["schema"]["properties"]["Code"] = {"type": ["number", "null"]}
    old = run_tap(april, tmp_path, catalog=catalog)
    assert old.returncode == 1
    assert "report 'staff', 2025-04-01 to 2025-04-30" in old.stderr
    assert "'Code' in row 3 that fits its type. If it is not empty, run `--discover`" in old.stderr
    assert "or set its type to string in the catalog" in old.stderr
    assert old.bookmarks == {"staff": "2025-03-31"}


def test_a_configured_type_of_a_key_stays(server: Sandbox, tmp_path: Path) -> None:
    report = {"id": "staff", "primary_keys": ["Code"], "columns": {"Code": "number"}}
    catalog = run_tap(settings_for(server, report), tmp_path, "--discover").succeeded().catalog
    assert entry_of(catalog)["schema"]["properties"]["Code"] == {"type": ["number", "null"]}


# Catalogs of another kind of report


def test_a_catalog_of_a_full_table_report_is_refused_for_a_windowed_one(
    server: Sandbox,
    config: dict[str, Any],
    catalog: dict[str, Any],
    tmp_path: Path,
) -> None:
    whole = settings_for(
        server, {"id": "staff", "replication_method": "FULL_TABLE", "primary_keys": ["Code"]}
    )
    entry_of(catalog).update(key_properties=["Code"], replication_method="FULL_TABLE")
    del entry_of(catalog)["replication_key"]
    for name in (START_DATE, END_DATE):
        del entry_of(catalog)["schema"]["properties"][name]
    run = run_tap(config, tmp_path, catalog=catalog)
    assert run.returncode == 1
    assert "report 'staff': the catalog is of a FULL_TABLE report" in run.stderr
    assert "run `--discover` again" in run.stderr
    assert not run.schemas
    assert run.bookmarks == {"staff": None}
    entry_of(catalog)["key_properties"] = [START_DATE, "Code"]
    run = run_tap(whole, tmp_path, catalog=catalog)
    assert run.returncode == 1
    assert "report 'staff': the catalog is of a report with windows" in run.stderr
    assert not run.schemas


def test_a_key_that_lacks_the_window_is_warned_of_in_every_run(
    config: dict[str, Any], catalog: dict[str, Any], tmp_path: Path
) -> None:
    entry_of(catalog)["key_properties"] = ["Code"]
    first = run_tap(config, tmp_path, catalog=catalog).succeeded()
    second = run_tap(config, tmp_path, catalog=catalog, state=first.state).succeeded()
    for run in (first, second):
        (warning,) = run.warnings
        assert "The key in the catalog ('Code') lacks '_sdc_report_start_date'" in warning


@pytest.mark.parametrize("keys", [["Note"], []])
def test_a_key_that_the_settings_have_changed_is_warned_of(
    keys: list[str], server: Sandbox, catalog: dict[str, Any], tmp_path: Path
) -> None:
    config = settings_for(server, {"id": "staff", "primary_keys": keys})
    run = run_tap(config, tmp_path, catalog=catalog).succeeded()
    assert run.schemas[0]["key_properties"] == [START_DATE, "Code"]
    (warning,) = run.warnings
    assert f"The key in the catalog ({START_DATE!r}, 'Code') is used" in warning
    assert f"({START_DATE!r}, {(keys or ['_sdc_row_number'])[0]!r}). Run `--discover`" in warning


def test_a_type_that_the_settings_have_changed_is_warned_of(
    server: Sandbox, catalog: dict[str, Any], tmp_path: Path
) -> None:
    before = entry_of(catalog)["schema"]["properties"]["Note"]
    columns = {"Note": "number", "Code": "string"}
    config = settings_for(server, {"id": "staff", "primary_keys": ["Code"], "columns": columns})
    run = run_tap(config, tmp_path, catalog=catalog).succeeded()
    assert run.schemas[0]["schema"]["properties"]["Note"] == before
    (warning,) = run.warnings
    assert "Column 'Note' is of type string in the catalog, which is used, although" in warning


def test_a_key_that_is_the_same_for_all_rows_of_a_window_is_refused(
    config: dict[str, Any], catalog: dict[str, Any], tmp_path: Path
) -> None:
    entry_of(catalog)["key_properties"] = [START_DATE]
    run = run_tap(config, tmp_path, catalog=catalog)
    assert run.returncode == 1
    assert "is the same for all rows of a window" in run.stderr
    assert not run.records("staff")


# Other shapes


def test_a_catalog_with_unusual_entries_is_obeyed_as_far_as_it_goes(
    config: dict[str, Any], catalog: dict[str, Any], tmp_path: Path
) -> None:
    plain = run_tap(config, tmp_path, catalog=catalog).succeeded()
    entry = entry_of(catalog)
    entry["stream"] = "renamed"
    entry["replication_key"] = "Score"
    entry["metadata"] = [each for each in entry["metadata"] if each["breadcrumb"]]
    columns = entry["schema"]["properties"]
    columns["Note"] = True
    columns["Score"] = {"anyOf": [{"type": "null"}, {"type": "number"}, True]}
    columns["Code"] = {"anyOf": [True, {"type": "number"}]}
    for name in list(columns):
        if name.startswith("_sdc_"):
            columns[name] = {"type": "boolean"}
    run = run_tap(config, tmp_path, catalog=catalog).succeeded()
    assert run.schemas == plain.schemas, "sent once"
    assert list(map(timeless, run.records("staff"))) == list(map(timeless, plain.records("staff")))
    assert run.state == plain.state
    renamed, key = run.warnings
    assert "'staff' is emitted by its own name, not as 'renamed'" in renamed
    assert "replication key 'Score' is ignored" in key


def test_a_stream_without_metadata_is_selected_with_all_its_columns(
    config: dict[str, Any], catalog: dict[str, Any], tmp_path: Path
) -> None:
    del entry_of(catalog)["metadata"]
    run = run_tap(config, tmp_path, catalog=catalog).succeeded()
    assert run.schema("staff") == entry_of(catalog)["schema"]
    assert len(run.records("staff")) == 9


STREAM: dict[str, Any] = {"tap_stream_id": "staff", "schema": {"properties": {"A": {}}}}


def test_all_that_is_invalid_in_a_catalog_is_listed_before_any_request(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    catalog = {"streams": [7, STREAM | {"replication_method": "LOG_BASED"}]}
    run = run_tap(settings_for(sandbox, "oneonone.summary"), tmp_path, catalog=catalog)
    assert run.returncode == 1
    assert run.stdout == ""
    assert "catalog['streams'][0] must be object" in run.stderr
    assert "catalog['streams'][1]['replication_method'] must be one of" in run.stderr
    assert "Traceback" not in run.stderr
    assert "Unexpected" not in run.stderr
    assert not sandbox.requests


# Reports that the catalog lacks, and selection


@pytest.mark.parametrize("streams", [[], [STREAM | {"tap_stream_id": "other"}]], ids=["0", "1"])
def test_a_catalog_without_any_of_the_reports_is_an_error(
    streams: list[dict[str, Any]],
    sandbox: Sandbox,
    tmp_path: Path,
) -> None:
    config = settings_for(sandbox, "oneonone.summary")
    run = run_tap(config, tmp_path, catalog={"streams": streams})
    assert run.returncode == 1
    assert run.stdout == ""
    assert (
        "none of the streams of the settings ('oneonone_summary'): run `--discover`" in run.stderr
    )
    assert not sandbox.requests


def test_a_report_that_the_catalog_lacks_fails_and_the_others_are_loaded(
    server: Sandbox,
    catalog: dict[str, Any],
    tmp_path: Path,
) -> None:
    config = settings_for(server, {"id": "staff", "primary_keys": ["Code"]}, DIRECTORY)
    before = len(requested(server))
    run = run_tap(config, tmp_path, catalog=catalog)
    assert run.returncode == 1
    assert {message["stream"] for message in run.schemas} == {"staff"}
    assert len(run.records("staff")) == 9
    assert run.bookmarks == {"staff": "2025-03-15", "people_directory": None}
    words = (
        "report 'people.directory' is not in the catalog: it was added later, or could not be "
        "sampled. Run `--discover` again (Meltano: `meltano run --refresh-catalog`) and read its "
        "errors"
    )
    assert run.stderr.count(words) == 2, "when it is found, and in the end"
    assert "1 of 2 reports failed" in run.stderr
    assert {report for report, *_ in requested(server)[before:]} == {"staff"}


def test_a_catalog_that_selects_nothing_is_warned_of(
    config: dict[str, Any], catalog: dict[str, Any], tmp_path: Path
) -> None:
    metadata_of(catalog)["selected"] = False
    entry_of(catalog)["key_properties"] = [START_DATE]  # which matters no more
    run = run_tap(config, tmp_path, catalog=catalog).succeeded()
    assert not run.schemas
    (warning,) = run.warnings
    assert "Nothing is read: the catalog selects none of the streams" in warning


# Windows that were complete once


STATE = {
    "bookmarks": {"staff": {"replication_key": END_DATE, "replication_key_value": "2025-06-30"}}
}


@pytest.mark.parametrize("lookback", [7, 60, 400])
def test_an_end_date_before_the_bookmark_replaces_no_complete_window(
    lookback: int,
    server: Sandbox,
    config: dict[str, Any],
    catalog: dict[str, Any],
    tmp_path: Path,
) -> None:
    before = len(server.requests)
    early = config | {"end_date": "2025-05-15", "lookback_days": lookback}
    run = run_tap(early, tmp_path, catalog=catalog, state=STATE).succeeded()
    assert len(server.requests) == before
    assert not run.records("staff")
    assert run.state == STATE
    (warning,) = run.warnings
    assert "Nothing is requested: end_date 2025-05-15 is before the bookmark 2025-06-30" in warning
    assert "set a larger lookback_days for one run, or run a full refresh" in warning


def test_a_full_refresh_reads_a_window_as_far_as_it_was_read_before(
    config: dict[str, Any], catalog: dict[str, Any], tmp_path: Path
) -> None:
    """The way to an earlier end that the warning names must not lose rows either."""
    entry_of(catalog)["replication_method"] = "FULL_TABLE"
    run = run_tap(config, tmp_path, catalog=catalog, state=STATE).succeeded()
    ends = {record[START_DATE]: record[END_DATE] for record in run.records("staff")}
    assert ends == {
        "2025-01-01": "2025-01-31",
        "2025-02-01": "2025-02-28",
        "2025-03-01": "2025-03-31",
    }
    assert run.state == STATE

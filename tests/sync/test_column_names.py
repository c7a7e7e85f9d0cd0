"""Columns as identifiers: the same rows under other names, from discovery to a new column."""

from __future__ import annotations

import copy
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from support.catalogs import deselect, entry_of, metadata_of
from support.sandboxes import settings_for
from support.tap_runs import TIME_SCALE, run_tap, tables, timeless
from tap_crewmojo.sandbox.company.company import ReportSource
from tap_crewmojo.sandbox.company.table import Table
from tap_crewmojo.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from pathlib import Path

    from support.tap_runs import Record, Run
    from tap_crewmojo.sandbox.company.table import Row

NAMES = {
    "1:1 ID": "x1_1_id",
    "Employee Code": "employee_code",
    "Score": "score",
    "Score %": "score_pct",
    "Score #": "score_number",
    "Größe": "grosse",
    "名前": "ming_qian",
    "Next steps?": "next_steps",
    # From March on:
    "Mood & Energy": "mood_and_energy",
    "Score__text": "score__text",
}
HEADINGS = tuple(NAMES)[:8]
IDENTIFIERS = {"column_names": "identifier"}


def staff(start: date | None, _end: date | None) -> Table:
    """Return a report that has a column more from March on, and a score that is no number."""
    month = start.month if start else 0
    rows: list[Row] = [
        (f"{month}-1", "007", 3.5, 40, "1", "M", "花子", "Ask, then\nlisten"),
        (f"{month}-2", "008", month, 60.5, "02", None, "Bob", None),
    ]
    if month < 3:
        return Table(HEADINGS, tuple(rows))
    late: Row = (f"{month}-3", "009", "n/a", None, None, None, None, None)
    return Table((*HEADINGS, "Mood & Energy"), tuple((*row, "+") for row in (*rows, late)))


def plain(_start: date | None, _end: date | None) -> Table:
    """Return a report whose headings are identifiers already."""
    return Table(("employee_code", "score", "name__text"), (("007", 3, "a"), ("008", 4, "b")))


def twins(start: date | None, _end: date | None) -> Table:
    """Return a report that gets a heading like the name of another column; then, that is gone."""
    match start.month if start else 0:
        case 1:
            return Table(("Code", "Pulse %"), (("a", "first"),))
        case 2:
            return Table(("pulse_pct", "Code", "Pulse %"), (("second", "a", "first"),))
        case _:
            return Table(("pulse_pct", "Code"), (("second", "a"),))


NESTED = json.dumps([{"reviewScore": 4, "HTMLNotes": {"Sub Key": "x"}, "OKRs": [1]}]).encode()
SOURCES = {
    "staff": ReportSource(staff),
    "plain": ReportSource(plain),
    "twins": ReportSource(twins),
    "nested": ReportSource(lambda *_: NESTED, content_type="application/json"),
}
KEYED = {"id": "staff", "primary_keys": ["1:1 ID"]}


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with Sandbox(time_scale=TIME_SCALE, people=3, reports=SOURCES) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def config(server: Sandbox) -> dict[str, Any]:
    return settings_for(server, KEYED, "plain", "twins", "nested")


@pytest.fixture(scope="module")
def catalogs(
    config: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Any]]:
    """The catalogs of January, by `column_names`."""
    folder, january = tmp_path_factory.mktemp("catalogs"), config | {"end_date": "2025-01-31"}
    return {
        naming: run_tap(january | {"column_names": naming}, folder, "--discover")
        .succeeded()
        .catalog
        for naming in ("as_is", "identifier")
    }


@pytest.fixture(scope="module")
def runs(
    config: dict[str, Any],
    catalogs: dict[str, dict[str, Any]],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Run]:
    """Runs until March, by `column_names`."""
    folder = tmp_path_factory.mktemp("runs")
    return {
        naming: run_tap(config | {"column_names": naming}, folder, catalog=catalog).succeeded()
        for naming, catalog in catalogs.items()
    }


def renamed(record: Record) -> Record:
    return {NAMES.get(name, name): value for name, value in timeless(record).items()}


def filled(*runs: Run) -> dict[str, dict[tuple[Any, ...], Record]]:
    """Return what a target holds. A column that is added may be missing in an earlier row."""
    return {
        stream: {
            key: {name: value for name, value in row.items() if value is not None}
            for key, row in table.items()
        }
        for stream, table in tables(*runs).items()
    }


def described(heading: str) -> str:
    return f"Heading in Crewmojo: {heading}"


def test_the_catalog_has_the_names_and_the_headings(catalogs: dict[str, dict[str, Any]]) -> None:
    entry = entry_of(catalogs["identifier"], "staff")
    columns = entry["schema"]["properties"]
    assert list(columns)[:8] == [NAMES[heading] for heading in HEADINGS]
    assert [columns[NAMES[name]]["description"] for name in HEADINGS] == [
        described(heading) for heading in HEADINGS
    ]
    assert entry["key_properties"] == ["_sdc_report_start_date", "x1_1_id"]
    inclusion = metadata_of(catalogs["identifier"], "x1_1_id", stream="staff")["inclusion"]
    assert inclusion == "automatic"
    assert "description" not in json.dumps(catalogs["as_is"])


def test_rows_and_values_are_the_same_under_other_names(runs: dict[str, Run]) -> None:
    expected = list(map(renamed, runs["as_is"].records("staff")))
    assert len(expected) == 7
    assert list(map(timeless, runs["identifier"].records("staff"))) == expected
    assert runs["identifier"].bookmarks == runs["as_is"].bookmarks


def test_json_that_is_read_again_overwrites_the_same_rows(
    runs: dict[str, Run],
    config: dict[str, Any],
    catalogs: dict[str, dict[str, Any]],
    tmp_path: Path,
) -> None:
    again = config | IDENTIFIERS | {"content_type": "json", "lookback_days": 31}
    first, catalog = runs["identifier"], catalogs["identifier"]
    second = run_tap(again, tmp_path, catalog=catalog, state=first.state).succeeded()
    assert len(second.records("staff")) == 5
    assert filled(first, second) == filled(first)


def test_the_schema_has_a_description_for_each_column_also_for_added_ones(
    runs: dict[str, Run],
) -> None:
    columns = runs["identifier"].schema("staff")["properties"]
    words = {name: column.pop("description", None) for name, column in columns.items()}
    headings = {name: described(heading) for heading, name in NAMES.items()}
    variants = "Values that do not fit the type of the column score"
    own = {name: None for name in columns if name[:4] == "_sdc"}
    assert words == headings | {"score__text": variants} | own
    before = runs["as_is"].schema("staff")["properties"]
    assert columns == {NAMES.get(name, name): column for name, column in before.items()}


def test_warnings_name_the_column_and_its_heading(runs: dict[str, Run]) -> None:
    warnings = "\n".join(runs["identifier"].warnings)
    assert "Column 'mood_and_energy' (heading 'Mood & Energy') is not in the catalog" in warnings
    assert "Column 'score' (heading 'Score') has values that do not fit its type (1)" in warnings
    assert "in 'score__text'" in warnings
    assert "(heading" not in "".join(runs["as_is"].warnings)


def test_keys_within_nested_json_stay(runs: dict[str, Run]) -> None:
    record = runs["identifier"].records("nested")[0]
    vendors = {name: value for name, value in record.items() if name[:4] != "_sdc"}
    assert vendors == {"review_score": 4, "html_notes": {"Sub Key": "x"}, "okrs": [1]}


def test_a_heading_that_comes_later_does_not_take_the_column_of_another(
    runs: dict[str, Run],
) -> None:
    first, *_, last = (m for m in runs["identifier"].schemas if m["stream"] == "twins")
    (late,) = last["schema"]["properties"].keys() - first["schema"]["properties"]
    assert re.fullmatch("pulse_pct__[0-9a-f]{8}", late)
    values = [(row["pulse_pct"], row.get(late)) for row in runs["identifier"].records("twins")]
    assert values == [("first", None), ("first", "second"), (None, "second")]


@pytest.mark.parametrize("now", ["identifier", "as_is"])
def test_a_catalog_with_other_names_is_refused_unless_they_are_the_same_in_both(
    now: str,
    runs: dict[str, Run],
    config: dict[str, Any],
    tmp_path: Path,
    catalogs: dict[str, dict[str, Any]],
) -> None:
    before, column = {"identifier": ("as_is", "1:1 ID"), "as_is": ("identifier", "x1_1_id")}[now]
    run = run_tap(config | {"column_names": now}, tmp_path, catalog=catalogs[before])
    assert run.returncode == 1
    assert (
        f"report 'staff': the catalog was made before column_names was set to '{now}' (see its "
        f"column {column!r}). Run `--discover` again, and a full refresh into a new table"
    ) in run.stderr
    assert "3 of 4 reports failed" in run.stderr
    assert {message["stream"] for message in run.schemas} == {"plain"}
    assert tables(run)["plain"] == tables(runs[now])["plain"]
    assert run.bookmarks == {
        **dict.fromkeys(("staff", "twins", "nested")),
        "plain": "2025-03-15",
    }


def test_settings_name_a_column_by_its_heading_or_its_name(server: Sandbox, tmp_path: Path) -> None:
    report = {
        "id": "staff",
        "primary_keys": ["x1_1_id", "Employee Code"],
        "columns": {"score": "string", "Score %": "string", "employee_code": "date"},
    }
    config = settings_for(server, report, column_names="identifier", end_date="2025-02-28")
    discovered = run_tap(config, tmp_path, "--discover").succeeded()
    assert not discovered.warnings
    entry = entry_of(discovered.catalog)
    keys = ["_sdc_report_start_date", "x1_1_id", "employee_code"]
    assert entry["key_properties"] == keys
    columns = {name: column["type"][0] for name, column in entry["schema"]["properties"].items()}
    assert columns["score"] == columns["score_pct"] == "string"
    assert entry["schema"]["properties"]["employee_code"]["format"] == "date"
    # A catalog without a key has that of the settings.
    catalog = discovered.catalog
    del entry_of(catalog)["key_properties"]
    del metadata_of(catalog)["table-key-properties"]
    del entry_of(catalog)["schema"]["properties"]["employee_code"]["format"]
    run = run_tap(config, tmp_path, catalog=catalog).succeeded()
    assert run.schemas[0]["key_properties"] == keys
    (warning,) = run.warnings
    assert "Column 'employee_code' is of type string in the catalog" in warning


def test_a_refused_new_column_is_named_with_its_heading(
    config: dict[str, Any], catalogs: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    config = config | IDENTIFIERS | {"on_new_column": "fail", "reports": [KEYED]}
    run = run_tap(config, tmp_path, catalog=catalogs["identifier"])
    assert run.returncode == 1
    assert "has a new column 'mood_and_energy' (heading 'Mood & Energy'), and on" in run.stderr
    assert run.bookmarks == {"staff": "2025-02-28"}


def test_a_stream_map_by_the_heading_fails_the_report_before_it_sends_the_column(
    config: dict[str, Any], catalogs: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    config = config | IDENTIFIERS | {"reports": [KEYED], "end_date": "2025-02-28"}
    kept = catalogs["identifier"]
    bare = copy.deepcopy(kept)
    for column in entry_of(bare, "staff")["schema"]["properties"].values():
        column.pop("description", None)
    for catalog in (kept, bare, None):
        maps = {"sta*": {"Score %": None}}
        run = run_tap(config | {"stream_maps": maps}, tmp_path, catalog=catalog)
        assert run.returncode == 1
        assert "the stream map 'sta*' names a column by its heading, 'Score %'" in run.stderr
        assert "Write the column's name, 'score_pct'" in run.stderr
        assert not run.records("staff")


def test_selection_and_stream_maps_use_the_names(
    config: dict[str, Any], catalogs: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    catalog = copy.deepcopy(catalogs["identifier"])
    deselect(catalog, "staff", "grosse")
    staff_map = {"share": "str(score_pct)", "ming_qian": None, "Points": None}
    config = config | IDENTIFIERS | {"reports": [KEYED], "stream_maps": {"staff": staff_map}}
    run = run_tap(config | {"end_date": "2025-02-28"}, tmp_path, catalog=catalog).succeeded()
    assert [row["share"] for row in run.records("staff")] == ["40", "60.5"] * 2
    assert not any({"grosse", "ming_qian"} & row.keys() for row in run.records("staff"))
    (warning,) = run.warnings
    assert "leaves out the column 'Points', which does not exist" in warning

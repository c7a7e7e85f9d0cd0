"""Stream maps: nothing more about a person than they let through."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from support.catalogs import deselect
from support.repository import block
from support.sandboxes import settings_for
from support.tap_runs import TIME_SCALE, run_tap
from tap_crewmojo.clock import SCALE_VARIABLE
from tap_crewmojo.sandbox.company.company import ReportSource
from tap_crewmojo.sandbox.sandbox import Sandbox
from tap_crewmojo.tap import TapCrewmojo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from pathlib import Path

    from support.tap_runs import Run

# The second month has a new column, a value that does not fit, and one that is empty.
JANUARY = b"""\
Employee Code,Email,Name,Team,Rating
E1,ann@example.com,Ann,Sales,3
E2,bob@example.com,Bob,,4
"""
FEBRUARY = b"""\
Employee Code,Email,Name,Team,Rating,Salary
E1,ann@example.com,Ann,Sales,3,90210
E2,bob@example.com,Bob,Ops,see Carol,80210
E3,,Cat,,5,
"""
PERSONAL = ("ann@example.com", "bob@example.com", "Ann", "Bob", "90210", "80210", "Carol", "E1")


def month(start: date | None, _end: date | None) -> bytes:
    return FEBRUARY if start and start.month > 1 else JANUARY


@pytest.fixture
def people() -> Iterator[Sandbox]:
    reports = {name: ReportSource(month) for name in ("people.one", "people.two")}
    with Sandbox(time_scale=TIME_SCALE, people=3, reports=reports) as sandbox:
        yield sandbox


@pytest.fixture
def config(people: Sandbox) -> dict[str, Any]:
    return settings_for(people, "people.one", end_date="2025-02-28")


def catalog_of(config: dict[str, Any], directory: Path) -> dict[str, Any]:
    """The catalog of January: without the new column, with numbers as ratings."""
    january = config | {"end_date": "2025-01-31"}
    january.pop("stream_maps", None)
    return run_tap(january, directory, "--discover").succeeded().catalog


@pytest.mark.parametrize("on_new_column", ["add", "collect"])
def test_columns_are_hashed_and_left_out_and_later_ones_do_not_come_in(
    config: dict[str, Any], tmp_path: Path, on_new_column: str
) -> None:
    recipe = json.loads(block("config: pseudonymised people"))
    config |= recipe | {
        "on_new_column": on_new_column,
        "reports": [{**recipe["reports"][0], "id": "people.one", "name": "oneonone_summary"}],
    }
    salt = "not in any file"
    export, command = block("command: salt").splitlines()
    name, value = export.removeprefix("export ").split("=", 1)
    assert command.split()[3] == "--config=ENV"
    run = run_tap(
        config,
        tmp_path,
        "--config=ENV",
        catalog=catalog_of(config, tmp_path),
        env={name: value.strip("'").replace("…", salt)},
    ).succeeded()

    def pseudonym(text: str) -> str:
        return hashlib.sha256((salt + text).encode()).hexdigest()

    records = run.records("oneonone_summary")
    assert [record["Employee Code"] for record in records] == [
        pseudonym(code) for code in ("E1", "E2", "E1", "E2", "E3")
    ]
    assert [record["Email"] for record in records][2:] == [
        pseudonym("ann@example.com"),
        pseudonym("bob@example.com"),
        None,
    ]
    assert [record["Team"] for record in records] == ["Sales", None, "Sales", "Ops", None]
    assert {tuple(sorted(record)) for record in records} == {
        (
            *("Email", "Employee Code", "Team"),
            *("_sdc_report_datetime", "_sdc_report_end_date", "_sdc_report_start_date"),
            "_sdc_row_number",
        )
    }
    assert run.schemas[-1]["key_properties"] == ["_sdc_report_start_date", "Employee Code"]
    for text in (*PERSONAL, salt):
        assert text not in run.stdout + run.stderr


def test_without_an_else_a_column_takes_its_variant_with_it(
    config: dict[str, Any], tmp_path: Path
) -> None:
    catalog = catalog_of(config, tmp_path)
    config["stream_maps"] = {"people_one": {"Rating": None}}
    run = run_tap(config, tmp_path, catalog=catalog).succeeded()
    assert "Salary" in run.schema("people_one")["properties"]
    assert "Rating__text" not in run.schema("people_one")["properties"]
    assert "Carol" not in run.stdout
    config["stream_maps"]["people_one"]["Rating__text"] = "record.get('Rating__text')"
    assert "see Carol" in {
        record.get("Rating__text")
        for record in run_tap(config, tmp_path, catalog=catalog).records("people_one")
    }


def test_what_a_map_drops_or_changes_is_not_in_the_extra_column_either(
    config: dict[str, Any], tmp_path: Path
) -> None:
    extra = "_sdc_report_extra"
    catalog = catalog_of(config, tmp_path)
    config["on_new_column"] = "collect"
    config["stream_maps"] = {
        "people_one": {"Rating": "self * 2 if self else None"},
        "teams": {
            "__source__": "people_one",
            "__else__": None,
            "__key_properties__": ["Team"],
            "Team": "Team",
            "Salary": None,
        },
    }
    run = run_tap(config, tmp_path, catalog=catalog).succeeded()
    assert "Carol" not in run.stdout + run.stderr
    records = run.records("people_one")
    assert [record[extra] for record in records] == [
        *(None, None),
        *('{"Salary":"90210"}', '{"Salary":"80210"}', None),
    ]
    assert {tuple(record) for record in run.records("teams")} == {("Team",)}
    (warning,) = (line for line in run.warnings if "Column 'Rating'" in line)
    assert f"left out (a stream map drops or changes the column, and does not name '{extra}'" in (
        warning
    )

    config["stream_maps"] = {"people_*": {"Salary": None}}
    run = run_tap(config, tmp_path, catalog=catalog).succeeded()
    assert "90210" not in run.stdout + run.stderr
    assert [record[extra] for record in run.records("people_one")][2:] == [
        *(None, '{"Rating":"see Carol"}', None)
    ]

    config["stream_maps"]["people_*"] |= {"Rating": None, extra: f"_['{extra}']"}
    run = run_tap(config, tmp_path, catalog=catalog).succeeded()
    assert [record[extra] for record in run.records("people_one")][2:] == [
        *('{"Salary":"90210"}', '{"Rating":"see Carol","Salary":"80210"}', None)
    ]


def test_an_expression_that_fails_fails_its_report_alone(
    config: dict[str, Any], tmp_path: Path
) -> None:
    config["reports"] = ["people.one", "people.two", "people.directory"]
    config["content_type"] = "json"
    catalog = catalog_of(
        config | {"reports": ["people.one", "people.two", "oneonone.summary"]}, tmp_path
    )
    deselect(catalog, "oneonone_summary")
    config["reports"] = ["people.one", "people.two", "oneonone.summary"]
    config["stream_maps"] = {
        "*": {"Email": "sha256(self)", "__key_properties__": ["Employee Code"], "Naem": None},
        "people_two": {"Email": "md5(Email) if Email else None", "__filter__": "Name"},
        "people.one": None,
    }
    run = run_tap(config, tmp_path, catalog=catalog, env={"LOGLEVEL": "INFO"})
    assert run.returncode == 1
    assert (
        "report 'people.one', 2025-02-01 to 2025-02-28: the report does not fit the stream map "
        "'people_one': the expression of 'Email' fails in row 3 (AttributeError)"
    ) in run.stderr
    assert "Please report it" not in run.stderr
    assert run.bookmarks == {"people_one": "2025-01-31", "people_two": "2025-02-28"}
    assert len(run.records("people_two")) == 5
    assert metrics(run) == {
        ("people_one", "sync_duration"): "failed",
        ("people_one", "record_count"): len(run.records("people_one")),
        ("people_two", "sync_duration"): "succeeded",
        ("people_two", "record_count"): 5,
    }
    warnings = [line for line in run.stderr.splitlines() if "stream_maps:" in line]
    assert len(warnings) == 2
    assert (
        "'*' leaves out the column 'Naem', which does not exist; did you mean 'Name'" in warnings[0]
    )
    assert "no stream is called 'people.one'" in warnings[1]
    assert "did you mean 'people_one'" in warnings[1]
    for text in PERSONAL[:-1]:
        assert text not in run.stderr, "not at DEBUG either"


def metrics(run: Run) -> dict[tuple[str, str], str | int]:
    """Return the status of each timer and the value of each counter that the SDK logs."""
    points = [
        json.loads(line.partition("METRIC: ")[2])
        for line in run.stderr.splitlines()
        if "METRIC: " in line
    ]
    return {
        (point["tags"]["stream"], point["metric"]): point["tags"].get("status", point["value"])
        for point in points
    }


BOTH = ["people.one", "people.two"]
CASE_TWINS = [{"id": "people.one", "name": "Staff"}, {"id": "people.two", "name": "staff"}]


@pytest.mark.parametrize(
    ("settings", "sent"),
    [
        (
            {"reports": BOTH, "stream_maps": {"*": {"__alias__": "people"}}},
            ["'people.one' as 'people' and 'people.two' as 'people'"],
        ),
        (
            {"stream_maps": {"people_one": {"__source__": "people_one"}}},
            ["'people.one' as 'people_one' and 'people.one' as 'people_one'"],
        ),
        ({"reports": CASE_TWINS}, ["'people.one' as 'Staff' and 'people.two' as 'staff'"]),
        ({"reports": BOTH, "stream_maps": {"copy": {"__source__": "*one"}}}, []),
    ],
)
def test_rows_that_become_one_table_are_warned_of(
    config: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, Any],
    sent: list[str],
) -> None:
    monkeypatch.setenv(SCALE_VARIABLE, str(TIME_SCALE))
    TapCrewmojo(config=config | settings)
    about = [
        re.search("One table gets the rows of (.*): a row over", text) for text in caplog.messages
    ]
    assert [found[1] for found in about if found] == sent


def test_an_invalid_map_ends_the_run_before_the_first_request(
    people: Sandbox, config: dict[str, Any], tmp_path: Path
) -> None:
    config["stream_maps"] = {"people_one": {"Email": "sha265(Email)", "Name": "(", "Team": 3}}
    before = len(people.requests)
    run = run_tap(config, tmp_path)
    assert run.returncode == 1
    assert len(people.requests) == before
    assert run.stderr.count("stream_maps: ") == 3
    assert "'Email' of 'people_one' uses an unknown function, 'sha265'; did you mean" in run.stderr

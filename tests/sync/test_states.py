"""States of others: a strange bookmark starts from start_date, an unreadable state is refused."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from support.processes import assert_no_traceback, months, windows
from support.sandboxes import settings_for
from support.tap_runs import TIME_SCALE, run_tap
from tap_crewmojo.sandbox.company.company import ReportSource
from tap_crewmojo.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def shelf() -> Iterator[Sandbox]:
    reports = {"x.y": ReportSource(months({}))}
    with Sandbox(time_scale=TIME_SCALE, people=3, reports=reports) as sandbox:
        yield sandbox


END = "_sdc_report_end_date"
NEXT_YEAR = f"{datetime.now(UTC).year + 1}-01-01"
STRANGE_BOOKMARKS = {
    "another-key": {"replication_key": "Date", "replication_key_value": "2025-02-28"},
    "no-key": {"replication_key_value": "2025-02-28"},
    "future": {"replication_key": END, "replication_key_value": NEXT_YEAR},
    "far-future": {"replication_key": END, "replication_key_value": "9999-12-31"},
    "no-value": {"replication_key": END},
    "null": {"replication_key": END, "replication_key_value": None},
    "words": {"replication_key": END, "replication_key_value": "last February"},
    "no-date": {"replication_key": END, "replication_key_value": "2025-02-30"},
    "number": {"replication_key": END, "replication_key_value": 1740700800},
    "list": {"replication_key": END, "replication_key_value": ["2025-02-28"]},
    "object": {"replication_key": END, "replication_key_value": {"date": "2025-02-28"}},
}
UNREADABLE = {
    "empty": "",
    "words": "nothing here",
    "half": '{"bookmarks": {"x_y": {"replication_key": "_sdc_rep',
    "two-lines": '{"bookmarks": {}}\n{"bookmarks": {}}\n',
    "list": "[]",
    "text": '"2025-02-28"',
    "number": "7",
    "bookmarks-list": '{"bookmarks": []}',
    "bookmarks-null": '{"bookmarks": null}',
    "bookmark-text": '{"bookmarks": {"x_y": "2025-02-28"}}',
    "bookmark-null": '{"bookmarks": {"x_y": null}}',
    "another message": '{"type": "RECORD", "value": {"bookmarks": {}}}',
    "latin-1": "\udce9",
}


def test_a_strange_bookmark_is_a_start_from_start_date_with_a_warning(
    shelf: Sandbox, tmp_path: Path
) -> None:
    reports = [{"id": "x.y", "name": name} for name in STRANGE_BOOKMARKS]
    state = {"bookmarks": STRANGE_BOOKMARKS}
    run = run_tap(settings_for(shelf, *reports), tmp_path, state=state).succeeded()
    assert_no_traceback(run)
    assert run.stderr.count("starting from start_date") == len(STRANGE_BOOKMARKS)
    for name in STRANGE_BOOKMARKS:
        assert windows(run, name) == ["2025-01-01", "2025-02-01", "2025-03-01"], name
        assert run.state["bookmarks"][name] == {
            "replication_key": END,
            "replication_key_value": "2025-03-15",
            "report_window": "month",
            "column_names": "as_is",
        }


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE)
def test_a_state_that_is_none_is_refused_in_a_sentence_or_nothing_is_skipped(
    text: str, shelf: Sandbox, tmp_path: Path
) -> None:
    file = tmp_path / "strange.json"
    file.write_text(text, encoding="utf-8", errors="surrogateescape")
    run = run_tap(settings_for(shelf, "x.y"), tmp_path, "--state", str(file))
    assert_no_traceback(run)
    if run.returncode == 0:
        assert windows(run, "x_y") == ["2025-01-01", "2025-02-01", "2025-03-01"]
        return
    assert run.returncode == 1
    assert not run.stdout
    assert re.search("The state is invalid|given (as --state|on the command line)", run.stderr)


FEBRUARY = {"replication_key": END, "replication_key_value": "2025-02-28"}


def test_a_state_of_runs_with_other_rows_or_columns_fails_its_report_alone(
    shelf: Sandbox, tmp_path: Path
) -> None:
    report = {"id": "x.y", "name": "kept"}
    first = run_tap(settings_for(shelf, "x.y", report), tmp_path).succeeded()
    changed = {"id": "x.y", "report_window": "week"}
    run = run_tap(settings_for(shelf, changed, report), tmp_path, state=first.state)
    assert run.returncode == 1
    assert (
        "report 'x.y': the state is of runs with report_window 'month'. With 'week'" in run.stderr
    )
    assert not run.records("x_y")
    assert run.records("kept")
    assert run.state == first.state, "so that the setting can be set back"
    config = settings_for(shelf, "x.y", column_names="identifier")
    run = run_tap(config, tmp_path, state=first.state)
    assert run.returncode == 1
    assert "with column_names 'as_is'. With 'identifier'" in run.stderr
    again = run_tap(config, tmp_path).succeeded()
    assert windows(again, "x_y") == ["2025-01-01", "2025-02-01", "2025-03-01"]


@pytest.mark.parametrize("is_message", [False, True])
def test_a_state_without_the_settings_is_taken_also_as_a_message(
    shelf: Sandbox, tmp_path: Path, *, is_message: bool
) -> None:
    state: dict[str, object] = {"bookmarks": {"x_y": FEBRUARY}}
    given = {"type": "STATE", "value": state} if is_message else state
    week = settings_for(shelf, "x.y", report_window="week", lookback_days=0)
    run = run_tap(week, tmp_path, state=given).succeeded()
    assert windows(run, "x_y")[0] == "2025-02-24"
    assert run.state["bookmarks"]["x_y"]["report_window"] == "week"

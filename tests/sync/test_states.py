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
    "message": '{"type": "STATE", "value": {"bookmarks": {}}}',
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

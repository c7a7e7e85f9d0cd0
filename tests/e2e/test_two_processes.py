"""Two taps at once with the same client, each of whose tokens ends the other's."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import TYPE_CHECKING

from support.sandboxes import settings_for
from support.tap_runs import Run, run_tap
from tap_crewmojo.sandbox.company.company import ReportSource
from tap_crewmojo.sandbox.company.table import Table
from tap_crewmojo.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path

SCALE = 0.05
"""Slower than elsewhere: a real answer must not seem to take seconds, or nobody gets through."""


MONDAYS = [date(2024, 12, 30) + timedelta(weeks=week) for week in range(11)]
"""The windows from the start date to the end date."""


def rows(start: date | None, end: date | None) -> Table:
    return Table(("first", "last", "n"), tuple((start, end, n) for n in range(5)))


def test_both_get_through_and_lose_nothing(tmp_path: Path) -> None:
    reports = {
        "quick": ReportSource(rows, generation_seconds=8),
        "slow": ReportSource(rows, generation_seconds=45),  # a job, which goes on being polled
    }
    with Sandbox(time_scale=SCALE, people=3, reports=reports) as sandbox:
        config = settings_for(sandbox, "quick", "slow", report_window="week")

        def run(name: str) -> Run:
            folder = tmp_path / name
            folder.mkdir()
            return run_tap(config, folder, env={"TAP_CREWMOJO_TIME_SCALE": str(SCALE)})

        with ThreadPoolExecutor() as processes:
            both = list(processes.map(run, ("one", "other")))
        refused = [entry.status for entry in sandbox.requests].count(401)
    assert refused > 2  # they did get into each other's way
    for one in both:
        one.succeeded()
        assert one.bookmarks == {"quick": "2025-03-15", "slow": "2025-03-15"}
        for stream in ("quick", "slow"):
            found = [(record["first"], record["n"]) for record in one.records(stream)]
            assert found == [(monday.isoformat(), n) for monday in MONDAYS for n in range(5)]

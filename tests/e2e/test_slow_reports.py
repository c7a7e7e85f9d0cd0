"""A nightly run of slow reports takes little longer than the reports themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.sandboxes import settings_for
from support.tap_runs import run_tap
from tap_crewmojo.sandbox.company.company import ReportSource
from tap_crewmojo.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

SECONDS = 60.0
"""How long each report is generated, in the API's seconds."""

SCALE = 0.05
"""Real seconds in one of the API's."""

REPORTS = 8
IN_FLIGHT = 4


def rows(_start: date | None, _end: date | None) -> bytes:
    return b"Code,Score\r\nA,1\r\n"


def test_eight_slow_reports_take_as_long_as_two_of_them_in_a_row(tmp_path: Path) -> None:
    """The benchmarks measure it with less margin."""
    with Sandbox(
        people=1, reports={"slow": ReportSource(rows, SECONDS)}, time_scale=SCALE
    ) as sandbox:
        settings = settings_for(
            sandbox,
            *({"id": "slow", "name": f"slow{number}"} for number in range(REPORTS)),
            start_date="2025-03-01",
            max_parallel_reports=IN_FLIGHT,
        )
        run = run_tap(settings, tmp_path, env={"TAP_CREWMOJO_TIME_SCALE": str(SCALE)}).succeeded()
        first = min(entry.at for entry in sandbox.requests if entry.phase == "post")
        last = max(entry.at + entry.seconds for entry in sandbox.requests)
    assert all(len(run.records(f"slow{number}")) == 1 for number in range(REPORTS))
    in_a_row = REPORTS / IN_FLIGHT * SECONDS
    assert in_a_row <= last - first < 1.25 * in_a_row

"""One token for the whole process, also in a long run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.sandboxes import settings_for
from support.tap_runs import TIME_SCALE, run_tap
from tap_crewmojo.sandbox.company.company import ReportSource
from tap_crewmojo.sandbox.company.table import Table
from tap_crewmojo.sandbox.faults import Fault
from tap_crewmojo.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path


def test_many_requests_in_flight_need_one_new_token(tmp_path: Path) -> None:
    table = Table(("a",), ((1,),))
    reports = {"slow": ReportSource(lambda *_: table, generation_seconds=20)}
    with Sandbox(time_scale=TIME_SCALE, people=3, reports=reports) as sandbox:
        sandbox.faults.add(Fault(phase="post", kind="revoke", skip=5))
        config = settings_for(
            sandbox,
            "slow",
            report_window="day",
            end_date="2025-01-31",
            max_parallel_reports=8,
            request_timeout=300,
        )
        run = run_tap(config, tmp_path).succeeded()
        assert len(sandbox.tokens) == 2
        assert [entry.status for entry in sandbox.requests].count(401) >= 1
    assert len(run.records("slow")) == 31


def test_a_long_run_renews_its_token_before_a_request_is_refused(tmp_path: Path) -> None:
    table = Table(("a",), ((1,),))
    reports = {"slow": ReportSource(lambda *_: table, generation_seconds=200)}
    scale = 0.002
    with Sandbox(time_scale=scale, people=3, reports=reports) as sandbox:
        config = settings_for(
            sandbox, "slow", end_date="2025-12-31", max_parallel_reports=1, job_timeout=600
        )
        env = {"TAP_CREWMOJO_TIME_SCALE": str(scale)}
        run = run_tap(config, tmp_path, env=env).succeeded()
        assert len(sandbox.tokens) >= 2
        assert 401 not in [entry.status for entry in sandbox.requests]
    assert len(run.records("slow")) == 12

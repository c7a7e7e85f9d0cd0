"""A bad night shows as a failure, never as missing or doubled rows, and never tells about people.

Each fault, in each phase, through the real command line; one oracle judges all of them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from singer import TIME_SCALE, Run, load, run_tap, timeless

from tap_crewmojo.sandbox.faults import Fault
from tap_crewmojo.sandbox.runner import Sandbox

if TYPE_CHECKING:
    from pathlib import Path

PEOPLE = 8
FOREVER = 10_000
REPORTS = ("oneonone.detail", "objective.detail")


def config_for(sandbox: Sandbox, content_type: str = "csv", **own: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "client_id": sandbox.client_id,
        "client_secret": sandbox.client_secret,
        "api_url": sandbox.api_url,
        "reports": [{"id": report, **own} for report in REPORTS],
        "start_date": "2025-01-01",
        "end_date": "2025-02-28",
        "content_type": content_type,
        "job_timeout": 600,
    }


class Night:
    """A clean run to compare with, and its catalog, so that faulty runs take no sample."""

    def __init__(self, folder: Path) -> None:
        with Sandbox(time_scale=TIME_SCALE, people=PEOPLE) as sandbox:
            config = config_for(sandbox)
            self.catalog = run_tap(config, folder, "--discover").succeeded().catalog
            self.clean = run_tap(config, folder, catalog=self.catalog).succeeded()
            self.secret = sandbox.client_secret
        self.tables = tables(self.clean)
        self.values = {
            value
            for table in self.tables.values()
            for row in table.values()
            for name, value in row.items()
            if isinstance(value, str) and len(value) > 4 and not name.startswith("_sdc")
            # dates and moments are in every log
            if not re.match(r"\d{4}-\d\d-\d\d", value)
        }
        assert len(self.values) > 30

    def judge(self, run: Run, sandbox: Sandbox, folder: Path, config: dict[str, Any]) -> None:
        """The oracle: all is there, or the failure is loud and the next run makes it good."""
        self.assert_nothing_leaked(run, sandbox)
        assert "Traceback" not in run.stderr
        got = tables(run)
        for stream, bookmark in run.bookmarks.items():
            rows = self.tables[stream]
            passed = {key: row for key, row in rows.items() if reached(row, bookmark)}
            assert passed.items() <= got.get(stream, {}).items(), "the bookmark passed lost rows"
        if run.returncode == 0:
            assert got == self.tables
            return
        assert run.returncode == 1
        told = re.search(
            r"Crewmojo refused the client|Could not get an access token"
            r"|report '(oneonone|objective)\.detail', 2025-0[12]-01 to 2025-0[12]-(31|28): ",
            run.stderr,
        )
        assert told, run.stderr
        for stream, table in got.items():
            assert table.items() <= self.tables[stream].items(), "emitted what is not so"
        sandbox.faults.clear()
        again = run_tap(config, folder, catalog=self.catalog, state=run.state).succeeded()
        assert tables(run, again) == self.tables

    def assert_nothing_leaked(self, run: Run, sandbox: Sandbox) -> None:
        for word in (self.secret, *sandbox.tokens, *self.values):
            # Standing by itself: a number of seconds may hold a code's digits.
            found = re.search(rf"(?<![\w.]){re.escape(word)}(?!\w)", run.stderr)
            assert not found, word


def tables(*runs: Run) -> dict[str, dict[Any, Any]]:
    return {
        stream: {key: timeless(row) for key, row in table.items()}
        for stream, table in load(*runs).items()
    }


def reached(row: dict[str, Any], bookmark: str | None) -> bool:
    return bookmark is not None and bool(row["_sdc_report_end_date"] <= bookmark)


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    return Night(tmp_path_factory.mktemp("night"))


# What may pass, by phase. `True`: the tap gets over it when it happens once.
ONCE: dict[Any, list[dict[str, Any]]] = {
    "token": [
        {"kind": "status", "status": 500},
        {"kind": "status", "status": 429, "retry_after": "7"},
        {"kind": "reset"},
        {"kind": "cut"},
        {"kind": "cut-chunked"},
        {"kind": "empty"},
        {"kind": "body", "body": "<html>busy</html>", "content_type": "text/html"},
        {"kind": "delay", "seconds": 100},
        {"kind": "gzip"},
    ],
    "post": [
        {"kind": "status", "status": 500},
        {"kind": "status", "status": 503, "retry_after": "Wed, 21 Oct 2015 07:28:00 GMT"},
        {"kind": "status", "status": 429, "retry_after": "20"},
        {"kind": "status", "status": 408},
        {"kind": "status", "status": 206, "body": "a,b\n1,2\n", "content_type": "text/csv"},
        {"kind": "status", "status": 401},
        {"kind": "reset"},
        {"kind": "cut"},
        {"kind": "cut-chunked"},
        {"kind": "revoke"},
        {"kind": "empty"},
        {"kind": "body", "body": "<!doctype html><p>busy", "content_type": "text/html"},
        {"kind": "body", "body": '{"error": "busy"}', "content_type": "application/json"},
        {"kind": "body", "body": '[{"a": 1', "content_type": "application/json"},
        {"kind": "body", "body": 'a,b\n1,"x', "content_type": "text/csv"},
        {"kind": "body", "body": "a,b\n1\n", "content_type": "text/csv"},
        {"kind": "delay", "seconds": 100},
        {"kind": "gzip"},
    ],
}
ONCE["poll"] = [
    *ONCE["post"],
    {"kind": "lose-job"},
    {"kind": "status", "status": 400},
    {"kind": "status", "status": 404},
    {"kind": "status", "status": 410},
]


BODIES = {"cut", "cut-chunked", "gzip", "body", "empty"}


def words(fault: dict[str, Any]) -> str:
    body = re.sub(r"\W+", "", str(fault.get("body", "")))
    return "-".join(str(part) for part in (fault["kind"], fault.get("status"), body) if part)


@pytest.mark.parametrize(
    ("phase", "fault", "content_type"),
    [
        pytest.param(phase, fault, content_type, id=f"{phase}-{words(fault)}-{content_type}")
        for phase, faults in ONCE.items()
        for fault in faults
        for content_type in ("csv", "json")
        # What was asked for makes no difference where there is no body of it.
        if content_type == "csv" or (phase != "token" and fault["kind"] in BODIES)
    ],
)
def test_the_tap_gets_over_what_passes(
    phase: Any,  # noqa: ANN401
    fault: dict[str, Any],
    content_type: str,
    night: Night,
    tmp_path: Path,
) -> None:
    with Sandbox(time_scale=TIME_SCALE, people=PEOPLE) as sandbox:
        report = None if phase == "token" else REPORTS[0]
        sandbox.faults.add(Fault(phase=phase, report=report, **fault))
        config = config_for(sandbox, content_type, force_job=phase == "poll")
        run = run_tap(config, tmp_path, catalog=night.catalog)
        assert not sandbox.faults.pending, "it happened"
        night.judge(run.succeeded(), sandbox, tmp_path, config)


ALWAYS: list[tuple[Any, dict[str, Any]]] = [
    ("token", {"kind": "status", "status": 500}),
    (
        "token",
        {"kind": "status", "status": 401, "body": '{"error": "no, bob@x.com 12345"}'},
    ),
    ("token", {"kind": "status", "status": 400}),
    ("token", {"kind": "reset"}),
    ("post", {"kind": "status", "status": 500}),
    ("post", {"kind": "status", "status": 403}),
    ("post", {"kind": "status", "status": 404}),
    ("post", {"kind": "status", "status": 401}),
    ("post", {"kind": "status", "status": 429, "retry_after": "99999"}),
    ("post", {"kind": "revoke"}),
    ("post", {"kind": "cut"}),
    ("post", {"kind": "empty"}),
    ("post", {"kind": "body", "body": 'a,b\n1,"x', "content_type": "text/csv"}),
    ("post", {"kind": "body", "body": "a,b\n1\n", "content_type": "text/csv"}),
    ("post", {"kind": "body", "body": '[{"a":', "content_type": "application/json"}),
    ("post", {"kind": "body", "body": "x\n1\n", "content_type": "text/csv"}),
    ("poll", {"kind": "status", "status": 410}),
    ("poll", {"kind": "lose-job"}),
    ("poll", {"kind": "status", "status": 502}),
    ("poll", {"kind": "cut-chunked"}),
]


@pytest.mark.parametrize(
    ("phase", "fault"),
    [pytest.param(phase, fault, id=f"{phase}-{words(fault)}") for phase, fault in ALWAYS],
)
def test_what_does_not_pass_is_loud_and_made_good_in_the_next_run(
    phase: Any,  # noqa: ANN401
    fault: dict[str, Any],
    night: Night,
    tmp_path: Path,
) -> None:
    """The second window of the first report never comes; the other report does not suffer."""
    with Sandbox(time_scale=TIME_SCALE, people=PEOPLE) as sandbox:
        aim: dict[str, Any] = {} if phase == "token" else {"report": REPORTS[0], "start": 20250201}
        sandbox.faults.add(Fault(phase=phase, times=FOREVER, **aim, **fault))
        config = config_for(sandbox, force_job=phase == "poll") | {"job_timeout": 200}
        run = run_tap(config, tmp_path, catalog=night.catalog)
        assert run.returncode == 1
        if phase != "token":
            assert run.bookmarks == {
                "objective_detail": "2025-02-28",
                "oneonone_detail": "2025-01-31",
            }
            assert "1 of 2 reports failed" in run.stderr
            assert not [
                record
                for record in run.records("oneonone_detail")
                if record["_sdc_report_start_date"] == "2025-02-01"
            ], "nothing of a refused body is emitted"
        night.judge(run, sandbox, tmp_path, config)


def test_wrong_credentials_stop_at_once(night: Night, tmp_path: Path) -> None:
    with Sandbox(time_scale=TIME_SCALE, people=PEOPLE) as sandbox:
        config = config_for(sandbox) | {"client_secret": "wrong"}
        run = run_tap(config, tmp_path, catalog=night.catalog)
        assert run.returncode == 1
        assert [entry.phase for entry in sandbox.requests] == ["token"]
    assert "Crewmojo refused the client id or secret (status 401 from /oauth/token" in run.stderr
    assert "Company Settings > Integrations > API Authentication" in run.stderr
    assert "Traceback" not in run.stderr


def test_a_job_that_takes_too_long_is_a_failure_and_no_empty_report(
    night: Night, tmp_path: Path
) -> None:
    with Sandbox(time_scale=TIME_SCALE, people=PEOPLE) as sandbox:
        for report in REPORTS[:1]:
            sandbox.faults.add(
                Fault(phase="poll", kind="status", status=500, report=report, times=0)
            )
        config = config_for(sandbox, force_job=True) | {"job_timeout": 25, "max_job_attempts": 2}
        run = run_tap(config, tmp_path, catalog=night.catalog)
        posts = [entry for entry in sandbox.requests if entry.phase == "post"]
    assert run.returncode == 1
    assert run.bookmarks == {"objective_detail": None, "oneonone_detail": None}
    assert not run.records("oneonone_detail")
    for report in ("objective.detail", "oneonone.detail"):
        window = f"report '{report}', 2025-01-01 to 2025-01-31"
        assert f"{window}, attempt 1 of 2: no response" in run.stderr
        assert f"{window}: not delivered after 2 attempts" in run.stderr
    # The sandbox writes down a request when it has answered; the last ones nobody waited for.
    assert len(posts) <= 2 * len({(entry.report, entry.start) for entry in posts})


schedules = st.lists(
    st.sampled_from(list(ONCE)).flatmap(
        lambda phase: st.builds(
            lambda fault, **when: Fault(phase=phase, **fault, **when),
            st.sampled_from(ONCE[phase]),
            skip=st.integers(0, 6),
            times=st.integers(1, 4),
        )
    ),
    min_size=1,
    max_size=5,
)


@given(faults=schedules, content_type=st.sampled_from(["csv", "json"]), jobs=st.booleans())
@settings(max_examples=12, deadline=None)
def test_any_schedule_of_faults_is_survived_or_told(
    faults: list[Fault],
    content_type: str,
    jobs: bool,  # noqa: FBT001
    night: Night,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("schedule")
    with Sandbox(time_scale=TIME_SCALE, people=PEOPLE) as sandbox:
        sandbox.faults.add(*faults)
        config = config_for(sandbox, content_type, force_job=jobs)
        run = run_tap(config, folder, catalog=night.catalog)
        night.judge(run, sandbox, folder, config)

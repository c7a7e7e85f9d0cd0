"""A fault ends in all rows or in an error: no row is lost or repeated, no log contains data.

Each fault is tried in each phase and format, with the real command line; one oracle checks all.
Many cases share a run, each with its own report: a report that fails does not stop the others.
"""

from __future__ import annotations

import hashlib
import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.sandboxes import requested, settings_for
from support.tap_runs import TIME_SCALE, Run, run_tap, tables
from sync.faults import BOMBS, FAMILIES, HARMLESS_TOKEN_FAULTS, MARK, TOKEN_FAULTS, Case, status
from tap_crewmojo.sandbox.company.company import ReportSource
from tap_crewmojo.sandbox.company.table import Table
from tap_crewmojo.sandbox.faults import Fault
from tap_crewmojo.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

FOREVER = 10_000
ROWS = 12
JANUARY, FEBRUARY = (date(2025, month, 1) for month in (1, 2))
HEADINGS = ("Report", "Code", "Name", "Score", "Active", "Note", "Started", "Total")
PAIR = ("first", "second")
"""Two reports, for tests that concern a run."""


def rows_of(report: str, start: date) -> tuple[tuple[Any, ...], ...]:
    """Return the rows of a report for one month; only empty cells occur in two reports."""
    names = ("Zoe", "Andre", "Soren") if "plain" in report else ("Zoë", "André", "Søren")

    def row(number: int) -> tuple[Any, ...]:
        digest = hashlib.sha256(f"{report} {start} {number}".encode()).hexdigest()
        word, code = f"qz{digest[:10]}", f"0070{int(digest[:10], 16):013}"
        note = None if number % 3 else f'"{word}", said {names[0]},\nthen left'
        score = None if number % 4 == 1 else number + 0.5
        name, started = f"{names[number % 3]} {word}", date(2020, 1, 1 + number)
        return report, code, name, score, number % 2 == 0, note, started, 99_000 + 7 * number

    return tuple(row(number) for number in range(ROWS))


WORD = re.compile(r"qz[0-9a-f]{10}|0070\d{13}")
"""The texts in the cells of one report: a log must not contain them."""


def source(report: str) -> ReportSource:
    def rows(start: date | None, _end: date | None) -> Table:
        assert start
        return Table(HEADINGS, rows_of(report, start))

    return ReportSource(rows, generation_seconds=100 if "slow" in report else 0)


def expected(report: str) -> dict[Any, Any]:
    """Return the rows of a report that a target must have, straight from the source."""
    return {
        (start.isoformat(), number): {
            **dict(zip(HEADINGS, row, strict=True)),
            "Started": row[HEADINGS.index("Started")].isoformat(),
            "_sdc_report_start_date": start.isoformat(),
            "_sdc_report_end_date": end_of(start),
            "_sdc_row_number": number,
        }
        for start in (JANUARY, FEBRUARY)
        for number, row in enumerate(rows_of(report, start), 1)
    }


def end_of(start: date) -> str:
    return start.replace(day=monthrange(start.year, start.month)[1]).isoformat()


def stream_of(report: str) -> str:
    return re.sub(r"\W", "_", report)


def sandbox_for(reports: Iterable[str]) -> Sandbox:
    return Sandbox(
        time_scale=TIME_SCALE, people=1, reports={name: source(name) for name in reports}
    )


def config_for(
    sandbox: Sandbox,
    reports: Iterable[str],
    content_type: str = "csv",
    **own: Any,  # noqa: ANN401
) -> dict[str, Any]:
    return settings_for(
        sandbox,
        *({"id": report, **own} for report in reports),
        end_date="2025-02-28",
        content_type=content_type,
        on_new_column="ignore",
        max_parallel_reports=16,
        max_job_attempts=2,
        job_timeout=300,
    )


@dataclass(frozen=True)
class Oracle:
    """Runs the tap, and compares the result with the source.

    Attributes:
        stream: The catalog entry of a report without faults; all reports have its columns.
    """

    stream: dict[str, Any]

    def catalog(self, reports: Iterable[str]) -> dict[str, Any]:
        names = map(stream_of, reports)
        streams = [self.stream | {"tap_stream_id": name, "stream": name} for name in names]
        return {"streams": streams}

    def run(self, config: dict[str, Any], folder: Path, **more: Any) -> Run:  # noqa: ANN401
        reports = [report["id"] for report in config["reports"]]
        return run_tap(config, folder, catalog=self.catalog(reports), **more)

    def check(
        self, run: Run, sandbox: Sandbox, folder: Path, config: dict[str, Any]
    ) -> dict[str, str]:
        """Check a run: each report is complete, or failed with an error and complete after a rerun.

        Returns:
            The result of each report: `complete`, `failed`, or a description of the problem.
        """
        reports = [report["id"] for report in config["reports"]]
        got = tables(run)
        results = {
            report: result_of(run, report, got.get(stream_of(report), {})) for report in reports
        }
        assert run.returncode == int(set(results.values()) != {"complete"})
        secrets = (sandbox.client_secret, *sandbox.tokens, MARK, "Traceback")
        if found := [word for word in secrets if word in run.stderr]:
            results["log"] = f"the log contains {', '.join(found)}"
        if run.returncode:
            sandbox.faults.clear()
            again = self.run(config, folder, state=run.state).succeeded()
            assert tables(run, again) == {stream_of(name): expected(name) for name in reports}
        return results


def result_of(run: Run, report: str, got: dict[Any, Any]) -> str:
    """Return the result of a report, or a description of the problem."""
    true, bookmark = expected(report), run.bookmarks.get(stream_of(report)) or ""
    passed = {key: row for key, row in true.items() if row["_sdc_report_end_date"] <= bookmark}
    window = "2025-0[12]-01 to 2025-0[12]-(31|28)"
    failed = re.search(rf"ERROR .*report '{re.escape(report)}', {window}: ", run.stderr)
    no_token = "refused the client|not get an access token|response to the token request has"
    stopped = re.search(no_token, run.stderr)
    if not passed.items() <= got.items():
        return f"rows before the bookmark {bookmark} are missing or wrong"
    if not got.items() <= true.items():
        return "wrong rows were emitted"
    if got == true and bookmark == end_of(FEBRUARY):
        return "complete, with an error" if failed else "complete"
    if not (failed or stopped):
        return f"no error, bookmark {bookmark}: {len(true) - len(got)} rows are missing"
    return "failed" if got == passed else "rows of a failed window were emitted"


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Oracle:
    folder = tmp_path_factory.mktemp("oracle")
    with sandbox_for(["first"]) as sandbox:
        config = config_for(sandbox, ["first"])
        oracle = Oracle(run_tap(config, folder, "--discover").succeeded().catalog["streams"][0])
        run = oracle.run(config, folder).succeeded()
    assert tables(run) == {"first": expected("first")}
    return oracle


def cases_of(family: str, phase: str, content_type: str) -> list[Case]:
    return [
        case for case in FAMILIES[family] if phase in case.phases and content_type in case.formats
    ]


# --- reports ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("family", "phase", "content_type"),
    [
        (family, phase, content_type)
        for family in FAMILIES
        for phase in ("post", "poll")
        for content_type in ("csv", "json")
        if cases_of(family, phase, content_type)
    ],
)
def test_each_fault_ends_in_all_rows_or_an_error(
    family: str,
    phase: Any,  # noqa: ANN401
    content_type: str,
    oracle: Oracle,
    tmp_path: Path,
) -> None:
    """The fault applies to the second window; the first one must be complete."""
    cases = cases_of(family, phase, content_type)
    once = {f"{case.name}.once": case for case in cases}
    always = {f"{case.name}.always": case for case in cases if case.always}
    reports = [*once, *always, *PAIR]
    with sandbox_for(reports) as sandbox:
        for report, case in (once | always).items():
            fault = in_format(case.fault, content_type)
            times = case.times if report in once else FOREVER
            sandbox.faults.add(
                Fault(phase=phase, report=report, start=20250201, times=times, **fault)
            )
        config = config_for(sandbox, reports, content_type)
        for report in config["reports"]:
            report["force_job"] = phase == "poll" or "slow" in report["id"]
        run = oracle.run(config, tmp_path)
        requests = sandbox.requests
        results = oracle.check(run, sandbox, tmp_path, config)
    affected = {entry.report for entry in requests if entry.fault}
    posts = [entry.report for entry in requests if (entry.phase, entry.start) == ("post", 20250201)]
    wrong = {
        report: f"{results[report]} (must be {result})"
        for report, result in [
            *((report, case.once) for report, case in once.items()),
            *((report, case.always) for report, case in always.items()),
            *((report, "complete") for report in PAIR),
        ]
        if results[report] not in ({result} if result != "either" else {"complete", "failed"})
    }
    wrong |= dict.fromkeys((once | always).keys() - affected, "the fault was not applied")
    wrong |= {
        report: f"requested {posts.count(report)} times"
        for report, case in once.items()
        if case.is_one_job and posts.count(report) != 1
    }
    wrong |= {
        report: f"the error lacks {case.message}"
        for report, case in always.items()
        if not re.search(f"'{report}'.*{case.message}", run.stderr)
    }
    wrong |= {report: problem for report, problem in results.items() if report not in reports}
    assert not wrong, "\n".join(f"{report}: {problem}" for report, problem in wrong.items())


def in_format(fault: dict[str, Any], content_type: str) -> dict[str, Any]:
    """Fill in the `content_type` of a fault, which may be a template."""
    header = {"csv": "text/csv", "json": "application/json"}[content_type]
    if "content_type" not in fault:
        return fault
    return fault | {"content_type": fault["content_type"].replace("{}", header)}


@pytest.mark.parametrize("fault", [status(401), {"kind": "revoke"}], ids=["401", "revoke"])
def test_a_report_whose_token_is_refused_every_time_fails(
    fault: dict[str, Any], oracle: Oracle, tmp_path: Path
) -> None:
    with sandbox_for(PAIR) as sandbox:
        sandbox.faults.add(
            Fault(phase="post", report="first", start=20250201, times=FOREVER, **fault)
        )
        config = config_for(sandbox, PAIR)
        run = oracle.run(config, tmp_path)
        results = oracle.check(run, sandbox, tmp_path, config)
    assert results == {"first": "failed", "second": "complete"}
    assert "1 of 2 reports failed" in run.stderr


@pytest.mark.parametrize("fault", BOMBS, ids=["csv", "json"])
def test_a_bomb_is_refused(fault: dict[str, Any], oracle: Oracle, tmp_path: Path) -> None:
    """One download at a time: while a bomb is read, the others would time out."""
    with sandbox_for(PAIR) as sandbox:
        sandbox.faults.add(
            Fault(phase="post", report="first", start=20250201, times=FOREVER, **fault)
        )
        config = config_for(sandbox, PAIR) | {"max_parallel_reports": 1}
        run = oracle.run(config, tmp_path)
        results = oracle.check(run, sandbox, tmp_path, config)
    assert results == {"first": "failed", "second": "complete"}


@pytest.mark.parametrize("phase", ["post", "poll"])
def test_no_content_is_an_empty_window(phase: Any, oracle: Oracle, tmp_path: Path) -> None:  # noqa: ANN401
    with sandbox_for(PAIR) as sandbox:
        sandbox.faults.add(
            Fault(phase=phase, kind="empty", status=204, report="first", start=20250201)
        )
        config = config_for(sandbox, PAIR, force_job=phase == "poll")
        run = oracle.run(config, tmp_path).succeeded()
        assert not sandbox.faults.pending
    emptied = {key: row for key, row in expected("first").items() if key[0] == "2025-01-01"}
    assert tables(run) == {"first": emptied, "second": expected("second")}
    assert run.bookmarks == {"first": "2025-02-28", "second": "2025-02-28"}


def test_a_job_that_takes_too_long_fails(oracle: Oracle, tmp_path: Path) -> None:
    with sandbox_for(PAIR) as sandbox:
        config = config_for(sandbox, PAIR, force_job=True)
        config |= {"job_timeout": 25, "max_job_attempts": 2}
        run = oracle.run(config, tmp_path)
        posts = requested(sandbox)
    assert run.returncode == 1
    assert run.bookmarks == {"first": None, "second": None}
    for report in PAIR:
        assert not run.records(report)
        window = f"report '{report}', 2025-01-01 to 2025-01-31"
        assert f"{window}, attempt 1 of 2: " in run.stderr
        assert f"{window}: not delivered after 2 attempts" in run.stderr
    # The sandbox logs a request with its response; the tap does not wait for the last ones.
    assert len(posts) <= 2 * len(set(posts))


# --- tokens -----------------------------------------------------------------------------------

AT_ONCE = 5


@pytest.mark.parametrize("first", range(0, len(TOKEN_FAULTS), AT_ONCE))
def test_a_request_for_a_token_is_repeated(first: int, oracle: Oracle, tmp_path: Path) -> None:
    """Several faults are applied, one after another, before the token is issued."""
    with sandbox_for(PAIR) as sandbox:
        for fault in TOKEN_FAULTS[first : first + AT_ONCE]:
            sandbox.faults.add(Fault(phase="token", **fault))
        config = config_for(sandbox, PAIR)
        run = oracle.run(config, tmp_path)
        pending = sandbox.faults.pending
        results = oracle.check(run, sandbox, tmp_path, config)
    assert results == dict.fromkeys(PAIR, "complete")
    assert not pending


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(status(500), id="500"),
        pytest.param(status(401, body=f'{{"error": "no, {MARK}"}}'), id="401"),
        pytest.param(status(400), id="400"),
        pytest.param({"kind": "redirect", "body": "http://[x"}, id="redirect"),
        pytest.param({"kind": "interim"}, id="interim"),
        pytest.param({"kind": "nested"}, id="nested"),
    ],
)
def test_a_token_that_is_never_issued_is_an_error(
    fault: dict[str, Any], oracle: Oracle, tmp_path: Path
) -> None:
    with sandbox_for(PAIR) as sandbox:
        sandbox.faults.add(Fault(phase="token", times=FOREVER, **fault))
        config = config_for(sandbox, PAIR) | {"job_timeout": 200}
        run = oracle.run(config, tmp_path)
        assert oracle.check(run, sandbox, tmp_path, config) == dict.fromkeys(PAIR, "failed")


def test_a_token_in_an_unusual_response_is_used(oracle: Oracle, tmp_path: Path) -> None:
    """Each token is revoked once: the tap requests each of the unusual responses, and no more."""
    reports = [f"report-{number}" for number in range(len(HARMLESS_TOKEN_FAULTS))]
    with sandbox_for(reports) as sandbox:
        sandbox.faults.add(*(Fault(phase="token", **fault) for fault in HARMLESS_TOKEN_FAULTS))
        for report in reports[1:]:
            sandbox.faults.add(Fault(phase="post", kind="revoke", report=report, start=20250201))
        config = config_for(sandbox, reports) | {"max_parallel_reports": 1}
        run = oracle.run(config, tmp_path)
        pending, tokens = sandbox.faults.pending, len(sandbox.tokens)
        results = oracle.check(run, sandbox, tmp_path, config)
    assert results == dict.fromkeys(reports, "complete")
    assert not pending
    assert tokens == len(reports)


def test_retry_after_of_the_token_endpoint_is_respected(oracle: Oracle, tmp_path: Path) -> None:
    with sandbox_for(PAIR) as sandbox:
        sandbox.faults.add(Fault(phase="token", **status(429, "60")))
        oracle.run(config_for(sandbox, PAIR), tmp_path).succeeded()
        first, second, *_ = [entry for entry in sandbox.requests if entry.phase == "token"]
    assert second.at - first.at >= 60


def test_wrong_credentials_stop_at_once(oracle: Oracle, tmp_path: Path) -> None:
    with sandbox_for(PAIR) as sandbox:
        config = config_for(sandbox, PAIR) | {"client_secret": "wrong"}
        run = oracle.run(config, tmp_path)
        assert run.returncode == 1
        assert [entry.phase for entry in sandbox.requests] == ["token"]
    assert "Crewmojo refused the client id or secret (status 401 from /oauth/token" in run.stderr
    assert "Company Settings > Integrations > API Authentication" in run.stderr
    assert "Traceback" not in run.stderr


# --- any schedule -----------------------------------------------------------------------------


def drawn(phase: Any) -> st.SearchStrategy[Fault]:  # noqa: ANN401
    cases: Sequence[Case] = [
        case
        for family in FAMILIES.values()
        for case in family
        if phase in case.phases and case.once == "complete"
    ]
    faults = TOKEN_FAULTS if phase == "token" else [in_format(case.fault, "csv") for case in cases]
    build = partial(Fault, phase=phase)
    return st.builds(
        lambda fault, skip, times: build(**fault, skip=skip, times=times),
        st.sampled_from(faults),
        st.integers(0, 6),
        st.integers(1, 4),
    )


@given(
    faults=st.lists(
        st.sampled_from(["token", "post", "poll"]).flatmap(drawn), min_size=1, max_size=5
    ),
    content_type=st.sampled_from(["csv", "json"]),
    jobs=st.booleans(),
)
@settings(max_examples=12, deadline=None)
def test_any_schedule_of_faults_ends_in_all_rows_or_an_error(
    faults: list[Fault],
    content_type: str,
    jobs: bool,  # noqa: FBT001
    oracle: Oracle,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("schedule")
    with sandbox_for(PAIR) as sandbox:
        sandbox.faults.add(*faults)
        config = config_for(sandbox, PAIR, content_type, force_job=jobs)
        run = oracle.run(config, folder)
        results = oracle.check(run, sandbox, folder, config)
        assert set(results.values()) <= {"complete", "failed"}, results

"""The probe: what it requests, what it prints, and that it prints nothing of anybody."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.exceptions import ConfigValidationError

from support.probes import Probed, run_probe
from support.sandboxes import DIRECTORY, requested, settings_for
from tap_crewmojo.clock import SCALE_VARIABLE
from tap_crewmojo.probe.assumptions import ASSUMPTIONS
from tap_crewmojo.sandbox.company.company import ReportSource
from tap_crewmojo.sandbox.company.table import Table
from tap_crewmojo.sandbox.faults import Fault
from tap_crewmojo.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path

SCALE = 0.003
UNHURRIED = 0.05
"""For the probe where nothing waits: no timeout is near, even on a busy machine."""

PERSON = "Quillfeather"
"""A name in all that the vendor sends: headings, cells, members, headers."""

HEADINGS = (f"{PERSON} score", "E-mail", f"{PERSON} note | `x`", "jobs")
WINDOW = "--date=2025-01-15"


@pytest.fixture(autouse=True)
def _unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SCALE_VARIABLE, str(UNHURRIED))


@pytest.fixture
def _at_the_sandboxes_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests with --slow."""
    monkeypatch.setenv(SCALE_VARIABLE, str(SCALE))


def people(*_: object) -> Table:
    return Table(HEADINGS, ((1.5, f"{PERSON}@example.com", f"{PERSON}, again", 2),))


def sandbox_with(rows: Any = people, seconds: float = 0, *variants: str) -> Sandbox:  # noqa: ANN401
    reports = {"it": ReportSource(rows, generation_seconds=seconds)}
    return Sandbox(time_scale=SCALE, people=1, reports=reports, variants=variants)


def probed(sandbox: Sandbox, folder: Path, *args: str, report: Any = "it") -> Probed:  # noqa: ANN401
    settings = settings_for(sandbox, report, request_timeout=600, job_timeout=60)
    return run_probe(settings, folder, WINDOW, *args)


def assert_nothing_of_anybody(run: Probed, sandbox: Sandbox) -> None:
    """A report, a token or a secret is in no output."""
    for text in (run.stdout, run.stderr):
        for secret in (PERSON, PERSON.lower(), "E-mail", sandbox.client_secret, *sandbox.tokens):
            assert secret not in text, text


# --- requests ---------------------------------------------------------------------------------


def test_it_sends_few_requests_that_it_announces(tmp_path: Path) -> None:
    with sandbox_with() as sandbox:
        run = probed(sandbox, tmp_path)
        requests = [(entry.phase, entry.report) for entry in sandbox.requests]
        dates = requested(sandbox)
    unknown = "tap-crewmojo-probe.unknown"
    assert requests == [
        ("token", None), *[("post", "it")] * 4, ("post", unknown),
    ]  # fmt: skip
    january, day = (20250101, 20250131), (20250130, 20250130)
    assert [each[1:] for each in dates] == [january, january, day, (None, None), january]
    first, *announced = run.stderr.splitlines()
    assert first == f"At most 8 requests to {sandbox.api_url}, one at a time:"
    assert [line[:5] for line in announced[:6]] == [f"  {number}. " for number in range(1, 7)]
    assert "each earlier token of this client ends" in announced[0]
    assert run.code == 0


def test_without_dates_there_are_fewer_requests(tmp_path: Path) -> None:
    report = {**DIRECTORY, "content_type": "json", "force_job": True}
    with sandbox_with() as sandbox:
        run = probed(sandbox, tmp_path, report=report)
        assert len(sandbox.requests) == 4
    assert {"range-ends", "no-dates"} <= run.ids("not tried")
    assert run.ids("differs") == set()


def test_another_report_can_be_requested(tmp_path: Path) -> None:
    with sandbox_with() as sandbox:
        settings = settings_for(sandbox, "it", DIRECTORY)
        run_probe(settings, tmp_path, "--report=people_directory", WINDOW)
        run_probe(settings, tmp_path, "--report=oneonone.detail", WINDOW)
        reports = [report for report, *_ in requested(sandbox)]
    assert reports.count("people.directory") == 2
    assert reports.count("oneonone.detail") >= 4
    assert "it" not in reports


def of_days(*days: int) -> Any:  # noqa: ANN401
    """Return a report with a row for some days of January."""

    def rows(start: date | None, end: date | None) -> Table:
        found = [
            (day, f"of {day}")
            for day in days
            if (start or date.min) <= date(2025, 1, day) <= (end or date.max)
        ]
        return Table(("Day", "Again"), tuple(found))

    return rows


@pytest.mark.parametrize(
    ("days", "verdict", "number"),
    [
        ([2, 30], "as assumed", 1),
        ([30], "not tried", 1),  # as many rows as the month: all rows may be in all ranges
        ([31], "as assumed", 3),
        ([2], "not tried", 2),
        ([], "not tried", 2),
    ],
)
def test_a_day_without_rows_is_followed_by_the_next_day(
    days: list[int], verdict: str, number: int, tmp_path: Path
) -> None:
    with sandbox_with(of_days(*days)) as sandbox:
        run = probed(sandbox, tmp_path)
        assert len(sandbox.requests) == 5 + number
    assert "range-ends" in run.ids(verdict)
    assert run.ids("differs") == set()
    of_rows = {"json-rows", "same-columns", "same-types", "same-rows", "no-dates"}
    assert bool(of_rows & run.ids("as assumed")) is bool(days)


def test_a_range_that_excludes_its_first_day_is_found(tmp_path: Path) -> None:
    def rows(start: date | None, end: date | None) -> Table:
        report: Table = of_days(30, 31)(start and start + timedelta(days=1), end)
        return report

    with sandbox_with(rows) as sandbox:
        run = probed(sandbox, tmp_path)
    assert run.ids("differs") == {"range-ends"}
    assert "do not load" in run.stdout


def test_a_long_report_needs_the_option_slow(tmp_path: Path) -> None:
    with sandbox_with(seconds=40) as sandbox:
        run = probed(sandbox, tmp_path, report={"id": "it", "replication_method": "FULL_TABLE"})
    assert run.code == 1
    assert run.result["failures"][0] == (
        "report as CSV: it became a job: run the probe with --slow"
    )
    assert {"job-status", "job-fields", "job-id-type"} <= run.ids("as assumed")


# --- failures ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--report=.."], "reports: the identifier must not be '..'"),
        (["--report=a\nb"], "must not hold control characters"),
        (["--date=2999-01-01"], r"--date must not be after yesterday \(\d{4}-\d\d-\d\d\)"),
    ],
)
def test_an_invalid_argument_is_refused_before_the_first_request(
    args: list[str], message: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    with pytest.raises(ConfigValidationError, match=message):
        run_probe(settings_for(sandbox, "it"), tmp_path, *args)
    assert not sandbox.requests


def test_a_server_without_tls_is_refused(sandbox: Sandbox, tmp_path: Path) -> None:
    api_url = sandbox.api_url.replace("http:", "https:")
    run = run_probe(settings_for(sandbox, "it", api_url=api_url), tmp_path)
    assert run.code == 1
    assert "the server speaks no TLS" in run.stderr
    assert run.ids("not tried") == {assumption.id for assumption in ASSUMPTIONS}


@pytest.mark.parametrize(
    ("fault", "failure", "message"),
    [
        ({"phase": "token", "kind": "status", "status": 401}, "no access token", "refused the"),
        ({"phase": "token", "kind": "status", "status": 500}, "no access token", "status 500"),
        ({"phase": "token", "kind": "reset"}, "no access token", "Could not get an access token"),
        ({"phase": "token", "kind": "body", "body": "{}"}, "no access token", "no access token"),
        ({"phase": "post", "kind": "revoke"}, "status 401", "let nothing else use the client"),
        ({"phase": "post", "kind": "status", "status": 503}, "status 503", "status 503"),
        ({"phase": "post", "kind": "reset"}, "report as CSV: no response", "closed before"),
        ({"phase": "post", "kind": "cut", "framing": "length"}, "could not be read", "cut short"),
        ({"phase": "post", "kind": "bomb", "size": 33 << 20}, "more than 32 MiB", "more than 32"),
    ],
)  # fmt: skip
def test_a_failure_is_one_sentence_and_the_rest_is_shown(
    fault: dict[str, Any],
    failure: str,
    message: str,
    tmp_path: Path,
) -> None:
    with sandbox_with() as sandbox:
        sandbox.faults.add(Fault(**fault))
        run = probed(sandbox, tmp_path)
        assert len(sandbox.tokens) <= 1
    assert run.code == 1
    assert failure in "; ".join(run.result["failures"])
    assert message in run.stderr
    assert len(run.result["assumptions"]) == len(ASSUMPTIONS)
    assert "csv-type" in run.ids("not tried")
    assert sandbox.api_url not in run.stdout


@pytest.mark.parametrize("status", [429, 503])
def test_a_status_that_may_pass_is_no_finding(status: int, tmp_path: Path) -> None:
    with sandbox_with() as sandbox:
        sandbox.faults.add(Fault(phase="post", kind="status", status=status, skip=1, times=9))
        run = probed(sandbox, tmp_path)
    assert run.code == 1
    assert len(run.result["failures"]) == 4
    assert run.ids("differs") == set()
    assert {"range-ends", "no-dates", "unknown-report-status"} <= run.ids("not tried")


def test_an_unknown_report_shows_nothing_of_dates(tmp_path: Path) -> None:
    with sandbox_with() as sandbox:
        run = probed(sandbox, tmp_path, report="mistyped")
    assert run.code == 1
    assert run.ids("differs") == set()
    assert run.seen("range-ends") == run.seen("no-dates") == "report as CSV: status 400"


def test_a_partial_report_is_not_one(tmp_path: Path) -> None:
    with sandbox_with() as sandbox:
        body = "a,b\r\n1,2\r\n"
        sandbox.faults.add(Fault(phase="post", kind="body", body=body, status=206, times=9))
        run = probed(sandbox, tmp_path)
    assert run.result["failures"] == [f"report as {each}: status 206" for each in ("CSV", "JSON")]
    assert "report-status" in run.ids("not tried")


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (
            {"kind": "wrap", "body": '{"rows": BODY, "next": "x"}'},
            "only a part of the report",
        ),
        (
            {"kind": "body", "body": "[[1, 2]]", "content_type": "application/json"},
            "neither a report",
        ),
        ({"kind": "body", "body": '[{"a": '}, "ends before its text is complete"),
        ({"kind": "cut", "at": "cell", "framing": "close"}, "nothing shows that it is complete"),
    ],
)
def test_what_the_tap_does_not_read_is_not_said_to_be_taken(
    fault: dict[str, Any], why: str, tmp_path: Path
) -> None:
    with sandbox_with() as sandbox:
        sandbox.faults.add(Fault(phase="post", skip=1, **fault))
        run = probed(sandbox, tmp_path)
    assert "readable" in run.ids("differs")
    assert why in run.seen("readable")
    assert "json-shape" not in run.ids("as assumed")
    assert "The tap takes it." not in run.stdout


def test_json_instead_of_csv_shows_nothing_of_csv(tmp_path: Path) -> None:
    with sandbox_with() as sandbox:
        sandbox.faults.add(
            Fault(phase="post", kind="body", body='[{"a": "b"}]', content_type="application/json")
        )
        run = probed(sandbox, tmp_path)
    of_csv = {each.id for each in ASSUMPTIONS if each.id.startswith("csv-")}
    assert of_csv & run.ids("differs") == {"csv-type"}
    assert of_csv - run.ids("not tried") == {"csv-type"}


def test_a_token_in_another_form_is_shown(tmp_path: Path) -> None:
    with sandbox_with() as sandbox:
        token = f'{{"accessToken": "{PERSON}", "token_type": "Bearer"}}'
        sandbox.faults.add(Fault(phase="token", kind="body", body=token))
        run = probed(sandbox, tmp_path)
        assert len(sandbox.requests) == 1
    assert run.code == 1
    assert run.ids("differs") == {"token-fields"}
    assert run.seen("token-fields") == "`accessToken` (a string), `token_type` (a string)"
    assert "The tap takes it if the probe goes on with this token." in run.stdout
    assert PERSON not in run.stdout


def test_a_report_that_the_tap_cannot_read_is_a_finding(tmp_path: Path) -> None:
    with sandbox_with() as sandbox:
        body = f"name;{PERSON}\n{PERSON};2,5\n"
        sandbox.faults.add(Fault(phase="post", kind="body", body=body))
        run = probed(sandbox, tmp_path)
        assert_nothing_of_anybody(run, sandbox)
    assert run.code == 0
    assert {"readable", "csv-separator"} <= run.ids("differs")
    assert "semicolon" in run.seen("csv-separator")


@pytest.mark.usefixtures("_at_the_sandboxes_pace")
def test_a_job_that_is_somewhere_else_is_a_finding(tmp_path: Path) -> None:
    with sandbox_with() as sandbox:
        sandbox.faults.add(Fault(phase="poll", kind="status", status=404, body="{}"))
        run = probed(sandbox, tmp_path, "--slow")
    assert run.ids("differs") == {"job-path"}
    assert run.seen("job-path") == "status 404"


@pytest.mark.usefixtures("_at_the_sandboxes_pace")
@pytest.mark.parametrize("skip", [0, 3])
def test_a_poll_that_fails_is_no_finding(skip: int, tmp_path: Path) -> None:
    with sandbox_with(seconds=10_000) as sandbox:
        sandbox.faults.add(Fault(phase="poll", kind="status", status=503, skip=skip))
        settings = settings_for(sandbox, {**DIRECTORY, "id": "it"})
        sandbox.faults.add(Fault(phase="post", kind="body", body="a,b\n1,2\n", times=2))
        run = run_probe(settings, tmp_path, "--slow")
    assert run.code == 1
    assert run.result["failures"] == [
        "report of the job: status 503, which may pass: run the probe again later"
    ]
    assert {"job-time", "job-type"} <= run.ids("not tried")
    assert not [each for each in run.ids("differs") if "job" in each]


@pytest.mark.usefixtures("_at_the_sandboxes_pace")
def test_a_report_instead_of_a_job_is_a_finding(tmp_path: Path) -> None:
    with sandbox_with() as sandbox:
        sandbox.faults.add(Fault(phase="post", kind="body", body="a,b\n1,2\n", skip=5))
        run = probed(sandbox, tmp_path, "--slow")
        assert not sandbox.faults.pending
    assert run.code == 0
    assert run.ids("differs") == {"job-fields"}
    assert {"job-status", "job-wait", "job-id-type", "job-path", "job-type"} <= run.ids("not tried")


@pytest.mark.usefixtures("_at_the_sandboxes_pace")
def test_a_job_that_is_refused_is_a_finding(tmp_path: Path) -> None:
    with sandbox_with() as sandbox:
        sandbox.faults.add(Fault(phase="post", kind="status", status=400, skip=5))
        run = probed(sandbox, tmp_path, "--slow")
    assert run.code == 0
    assert run.ids("differs") == {"job-fields"}
    assert {"job-status", "job-path"} <= run.ids("not tried")


@pytest.mark.usefixtures("_at_the_sandboxes_pace")
def test_a_job_that_is_never_ready_is_a_finding(tmp_path: Path) -> None:
    with sandbox_with(seconds=10_000) as sandbox:
        runs = [
            run_probe(
                settings_for(sandbox, {**DIRECTORY, "id": "it"}, job_timeout=seconds),
                tmp_path,
                "--slow",
            )
            for seconds in (60, 300)
        ]
    assert [run.code for run in runs] == [1, 1]
    assert [run.ids("differs") for run in runs] == [set(), {"job-time"}]
    assert "the job was not ready 60 s after it was requested" in runs[0].seen("job-time")


# --- results ----------------------------------------------------------------------------------


def test_markdown_says_the_same_as_json_and_first_what_differs(tmp_path: Path) -> None:
    with sandbox_with(people, 0, "csv-bom") as sandbox:
        sandbox.faults.add(Fault(phase="post", kind="reset", skip=2))
        result = probed(sandbox, tmp_path).result
        sandbox.faults.clear()
        sandbox.faults.add(Fault(phase="post", kind="reset", skip=2))
        text = probed(sandbox, tmp_path, "--format=markdown").stdout
    rows = [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in text.splitlines()
        if line.startswith("| `")
    ]
    verdicts = ["differs", "as assumed", "not tried"]
    found = sorted(result["assumptions"], key=lambda each: verdicts.index(each["result"]))
    assert {each["result"] for each in found} == set(verdicts)
    for row, finding in zip(rows, found, strict=True):
        assert row[0] == f"`{finding['id']}`: {finding['assumption']}"
        assert row[1].strip("*") == finding["result"]
        assert row[2].startswith(f"{finding['seen']}.")
        assert row[2].endswith(finding["next"] or ".")
    for failure in result["failures"]:
        assert f"- could not be seen: {failure}" in text
    requests = [line.split(" | ")[0] for line in text.partition("| request |")[2].splitlines()[2:]]
    assert requests == [f"| {each['request']}" for each in result["requests"]]


def test_headings_are_shown_if_wanted_only(tmp_path: Path) -> None:
    with sandbox_with() as sandbox:
        assert "headings" not in probed(sandbox, tmp_path).result
        shown = probed(sandbox, tmp_path, "--headings").result["headings"]
        text = probed(sandbox, tmp_path, "--headings", "--format=markdown").stdout
    types = dict(zip(HEADINGS, ("number", "string", "string", "number"), strict=True))
    assert shown == {"report as CSV": types, "report as JSON": types}
    assert f'    "{PERSON} score": number' in text.splitlines()
    assert "@example.com" not in text


def wrap(template: str) -> dict[str, Any]:
    return {"kind": "wrap", "body": template}


def body(text: str, content_type: str = "application/json", status: int = 200) -> dict[str, Any]:
    return {"kind": "body", "body": text, "content_type": content_type, "status": status}


PEOPLE = json.dumps({f"{PERSON}@example.com": PERSON, "name": PERSON, "meta": {PERSON: PERSON}})
HOSTILE = [
    *(
        ("token", fault)
        for fault in (
            wrap(f'{{INNER, "{PERSON}": "{PERSON}", "scope": "{PERSON}"}}'),
            wrap(f'{{INNER, "token_type": "{PERSON}", "expires_in": "{PERSON}"}}'),
            wrap(f'{{INNER, "token_type": ["{PERSON}"], "expires_in": {{"{PERSON}": 1}}}}'),
            wrap('{INNER, "token_type": null, "expires_in": 1e999}'),
            wrap(f'{{INNER, "token_type": 7, "expires_in": {"9" * 400}}}'),
            {"kind": "status", "status": 401, "body": PEOPLE},
            {"kind": "status", "status": 503, "body": PEOPLE, "content_type": PERSON},
            body(f'{{"error": "{PERSON}"}}'),
            {"kind": "interim", "body": PERSON},
            {"kind": "compress", "encoding": PERSON},
        )
    ),
    *(
        ("post", fault)
        for fault in (
            wrap(f'{{"{PERSON}": BODY}}'),
            wrap(f'{{"data": BODY, "{PERSON}": {{"{PERSON}": "{PERSON}"}}}}'),
            wrap(f'{{"data": BODY, "meta": {PEOPLE}}}'),
            wrap(f'{{"data": BODY, "next": "{PERSON}"}}'),
            body(PEOPLE),
            body(PEOPLE, status=400),
            body(f'[{PEOPLE}, "{PERSON}"]'),
            body(f'{{"jobId": "{PERSON}"}}'),
            body(f'{{"jobId": "{PERSON}", "{PERSON}": "{PERSON}"}}', status=202),
            body(f'{{"error": {{"message": "{PERSON}", "{PERSON}": 1}}}}', status=500),
            body(f"<html>{PERSON}", status=404),
            body(f'a,b\n1,"{PERSON}'),
            body(f"{PERSON};b\n1;2\n", content_type=f"text/csv; charset={PERSON}"),
            body(f"a,b\n{PERSON}\n", content_type=f"text/csv; name={PERSON}"),
            body(f"{PERSON}\n", content_type=f"x/{PERSON}"),
            {"kind": "compress", "encoding": PERSON},
            {"kind": "compress", "encoding": "gzip", "damage": "checksum"},
            {"kind": "charset", "charset": "utf-16"},
            {"kind": "redirect", "body": f"https://{PERSON}/"},
            {"kind": "interim", "headers": {"Link": PERSON}, "body": PERSON},
            {"kind": "malformed", "lines": [f"{PERSON} has no colon"]},
            {"kind": "malformed", "status_line": f"HTTP/1.1 {PERSON}"},
            {"kind": "nested", "size": 100_000},
            {"kind": "repeat-name"},
        )
    ),
    *(
        ("poll", fault)
        for fault in (body(PEOPLE), body(PEOPLE, status=404), body(f'{{"jobId": "{PERSON}"}}'))
    ),
]


@pytest.mark.parametrize(("phase", "fault"), HOSTILE)
def test_nothing_of_a_hostile_response_is_printed(
    phase: Any,  # noqa: ANN401
    fault: dict[str, Any],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each is the response to all requests of its phase, so that each judge meets it."""
    caplog.set_level("DEBUG")
    slow = ["--slow"] if phase == "poll" else []
    if slow:
        monkeypatch.setenv(SCALE_VARIABLE, str(SCALE))
    with sandbox_with() as sandbox:
        sandbox.faults.add(Fault(phase=phase, times=100, **fault))
        for form in ("json", "markdown") if phase == "token" else ("json",):
            run = probed(sandbox, tmp_path, f"--format={form}", *slow)
            assert_nothing_of_anybody(run, sandbox)
        assert any(entry.fault for entry in sandbox.requests)
        for secret in (PERSON, sandbox.client_secret, *sandbox.tokens):
            assert secret not in caplog.text
    assert not re.search("Traceback|Unexpected", run.stderr)
    assert len(run.stdout.splitlines()) > len(ASSUMPTIONS)

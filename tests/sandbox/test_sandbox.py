"""The sandbox against the vendor's rules: the other tests take it for the truth."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
import signal
import socket
import ssl
import subprocess
import sys
import time
import warnings
import zlib
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from statistics import fmean
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import requests
import trustme
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_crewmojo.sandbox.command import serve
from tap_crewmojo.sandbox.company import FIRST_DAY, LAST_DAY, REPORTS, Company
from tap_crewmojo.sandbox.faults import Fault, FaultPlan, Phase
from tap_crewmojo.sandbox.kinds import KINDS
from tap_crewmojo.sandbox.render import to_csv, to_json
from tap_crewmojo.sandbox.runner import Sandbox
from tap_crewmojo.sandbox.sources import ReportSource
from tap_crewmojo.sandbox.table import Cell, Table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCALE = 0.002
"""Thirty seconds of the API take 60 ms."""

MARCH = {"startDate": 20240301, "endDate": 20240331}
SLOW = ReportSource(lambda *_: Table(("a",), ((1,),)), generation_seconds=75)
HELD_UP = ReportSource(lambda *_: Table(("a",), ((1,),)), generation_seconds=10**6)


@dataclass(frozen=True)
class Wired:
    """A response as bytes, split at its first blank line."""

    head: str
    body: bytes
    is_kept: bool  # the connection


@dataclass(frozen=True)
class Client:
    """The least that talks to the API."""

    sandbox: Sandbox

    def ask_token(self, **fields: str) -> requests.Response:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.sandbox.client_id,
            "client_secret": self.sandbox.client_secret,
        } | fields
        return requests.post(f"{self.sandbox.api_url}/oauth/token", data=form, timeout=10)

    def token(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.ask_token().json()['access_token']}"}

    def url(self, *parts: str) -> str:
        return "/".join((self.sandbox.api_url, "integrations/download", *parts))

    def post(
        self, report: str, token: dict[str, str] | None = None, /, **body: object
    ) -> requests.Response:
        headers = self.token() if token is None else token
        return requests.post(
            self.url(report), json=body, headers=headers, timeout=10, allow_redirects=False
        )

    def poll(self, report: str, job: str, token: dict[str, str]) -> requests.Response:
        return requests.get(self.url(report, job), headers=token, timeout=10)

    @property
    def csv(self) -> bytes:
        """The true `people.directory`."""
        return to_csv(self.sandbox.company.report("people.directory"))

    def on_the_wire(self, path: str = "integrations/download/people.directory") -> Wired:
        """Return what comes over the wire in response to a POST."""
        address = urlsplit(self.sandbox.api_url)
        host = f"HTTP/1.1\r\nHost: {address.netloc}\r\n"
        authorization = self.token()["Authorization"]
        # The second request is answered only where the connection is kept.
        text = (
            f"POST {address.path}/{path} {host}Content-Length: 2\r\n"
            f"Authorization: {authorization}\r\n\r\n{{}}"
            f"GET / {host}Connection: close\r\n\r\n"
        )
        with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
            connection.sendall(text.encode())
            got = b"".join(iter(partial(connection.recv, 1 << 16), b""))
        first, hint, _ = got.partition(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain")
        head, _, body = first.partition(b"\r\n\r\n")
        return Wired(head.decode("latin-1"), body, is_kept=bool(hint))

    def wait(self, report: str, job: str, token: dict[str, str]) -> requests.Response:
        """Poll until there is something else than the envelope."""
        while "jobId" in (answer := self.poll(report, job, token)).text:
            time.sleep(SCALE)
        return answer


@pytest.fixture(scope="module")
def shared() -> Iterator[Client]:
    """A sandbox that no test upsets."""
    with Sandbox(time_scale=SCALE) as sandbox:
        yield Client(sandbox)


@pytest.fixture
def client() -> Iterator[Client]:
    """A sandbox of the test's own."""
    with Sandbox(time_scale=SCALE, reports={"slow": SLOW, "held-up": HELD_UP}) as sandbox:
        yield Client(sandbox)


def as_text(cell: Cell) -> str:
    """What a cell is in CSV, by another way than the sandbox's."""
    match cell:
        case None:
            return ""
        case bool():
            return str(cell).lower()
        case datetime():
            return cell.strftime("%Y-%m-%dT%H:%M:%SZ")
        case _:
            return str(cell)


# --- the company ------------------------------------------------------------------------------

days = st.dates(FIRST_DAY, LAST_DAY)
dated = pytest.mark.parametrize(
    "report", [name for name in REPORTS if name not in {"oneonone.summary", "people.directory"}]
)


@dated
@settings(max_examples=20, deadline=None)
@given(start=days, length=st.integers(1, 60), cut=st.integers(0, 59))
def test_two_ranges_agree_on_the_days_they_share(
    report: str, start: date, length: int, cut: int
) -> None:
    company, end = Company(), start + timedelta(days=length)
    middle = start + timedelta(days=min(cut, length - 1))
    whole = company.report(report, start, end).rows
    first = company.report(report, start, middle).rows
    assert first + company.report(report, middle + timedelta(days=1), end).rows == whole


@settings(max_examples=20, deadline=None)
@given(start=days, length=st.integers(0, 90))
def test_the_summary_sums_up_the_completed_meetings_of_its_range(start: date, length: int) -> None:
    end = start + timedelta(days=length)
    detail = Company().report("oneonone.detail", start, end)
    meetings: defaultdict[Cell, list[dict[str, Any]]] = defaultdict(list)
    for row in detail.rows:
        met = dict(zip(detail.headings, row, strict=True))
        if met["Completed"]:
            meetings[met["Employee Code"]].append(met)
    summary = Company().report("oneonone.summary", start, end)
    assert [row[0] for row in summary.rows] == sorted(map(str, meetings))
    for row in summary.rows:
        got = dict(zip(summary.headings, row, strict=True))
        own = meetings[got["Employee Code"]]
        ratings = [met["Rating"] for met in own if met["Rating"] is not None]
        assert got["Completed 1:1s"] == len(own)
        assert got["Last 1:1"] == max(met["Date"] for met in own)
        assert got["Average Rating"] == (round(fmean(ratings), 2) if ratings else None)


def test_january_and_february_are_not_january_to_february() -> None:
    company = Company()
    january = company.report("oneonone.summary", date(2024, 1, 1), date(2024, 1, 31)).rows
    february = company.report("oneonone.summary", date(2024, 2, 1), date(2024, 2, 29)).rows
    both = company.report("oneonone.summary", date(2024, 1, 1), date(2024, 2, 29)).rows
    assert set(january + february) != set(both)
    assert len(both) < len(january) + len(february)


@pytest.mark.parametrize("report", REPORTS)
def test_the_seed_decides(report: str) -> None:
    spring = date(2025, 3, 1), date(2025, 5, 31)
    assert Company(7).report(report, *spring) == Company(7).report(report, *spring)
    assert Company(7).report(report, *spring) != Company(8).report(report, *spring)
    assert Company(7, people=9).report(report, *spring) != Company(7).report(report, *spring)


def test_another_process_makes_up_the_same_company() -> None:
    program = (
        "import sys; from tap_crewmojo.sandbox.company import *;"
        "from tap_crewmojo.sandbox.render import to_csv;"
        "sys.stdout.buffer.write(b''.join(to_csv(Company(3, 12).report(r)) for r in REPORTS))"
    )
    other = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True).stdout
    assert other == b"".join(to_csv(Company(3, 12).report(name)) for name in REPORTS)


@pytest.mark.parametrize("report", REPORTS)
def test_without_dates_a_report_covers_the_company_s_life(report: str) -> None:
    everything = Company().report(report)
    assert everything == Company().report(report, date(1999, 1, 1), date(9999, 12, 31))
    assert all(len(row) == len(everything.headings) for row in everything.rows)
    assert len(everything.rows) >= 39


def test_nothing_happens_before_the_company_begins() -> None:
    assert Company().report("oneonone.detail", date(2022, 1, 1), date(2022, 12, 31)).rows == ()


def test_the_directory_is_the_same_whatever_the_dates() -> None:
    alone = Company().report("people.directory", date(2024, 2, 3), date(2024, 2, 3))
    assert alone == Company().report("people.directory")
    assert len(alone.rows) == 40


def test_the_survey_is_empty_in_most_months() -> None:
    filled = {
        month
        for month in range(1, 13)
        if Company().report("engagement.survey", date(2024, month, 1), date(2024, month, 28)).rows
    }
    assert filled == {3, 6, 9, 12}


def test_the_rows_are_as_awkward_as_they_should_be() -> None:
    people = Company().report("people.directory")
    codes, names, emails = list(zip(*people.rows, strict=True))[:3]
    assert "00042" in codes
    assert len(set(codes)) == len(set(emails)) == 40
    assert all(str(email).endswith("@example.com") for email in emails)
    assert sum(not str(name).isascii() for name in names) > 10
    detail = Company().report("oneonone.detail")
    columns = dict(zip(detail.headings, zip(*detail.rows, strict=True), strict=True))
    assert {True, False} == set(columns["Completed"])
    assert None in columns["Rating"]
    notes = "".join(str(note) for note in columns["Notes"])
    assert {'"', ",", "\n", "\t", "🚀"} <= set(notes)
    assert len(set(columns["1:1 ID"])) == len(detail.rows)
    objectives = Company().report("objective.detail")
    progress = objectives.headings.index("Progress %")
    assert {int, float} == {type(row[progress]) for row in objectives.rows}


@pytest.mark.parametrize("people", [1, 2, 3, 6, 7])
def test_a_company_may_be_small(people: int) -> None:
    for report in REPORTS:
        Company(people=people).report(report)
    assert len(Company(people=people).report("people.directory").rows) == people


def test_a_company_has_people() -> None:
    with pytest.raises(ValueError, match="people"):
        Company(people=0)


# --- rendering --------------------------------------------------------------------------------


def test_csv_cells() -> None:
    moment = datetime(2024, 2, 29, 23, 30, tzinfo=UTC)
    row = (True, False, None, 3, 2.5, 1e-7, 1e22, date(2024, 2, 29), moment, '"a",\nb', "007")
    written = to_csv(Table(tuple("abcdefghijk"), (row,)))
    assert written == (
        b"a,b,c,d,e,f,g,h,i,j,k\r\n"
        b"true,false,,3,2.5,0.0000001,10000000000000000000000,2024-02-29,2024-02-29T23:30:00Z,"
        b'"""a"",\nb",007\r\n'
    )


def test_json_cells() -> None:
    moment = datetime(2024, 2, 29, 23, 30, tzinfo=UTC)
    table = Table(tuple("abcdef"), ((True, None, 3, 2.5, moment, "007"),))
    row = {"a": True, "b": None, "c": 3, "d": 2.5, "e": "2024-02-29T23:30:00Z", "f": "007"}
    assert json.loads(to_json(table)) == [row]
    assert json.loads(to_json(table, "data")) == {"data": [row]}


@pytest.mark.parametrize("report", REPORTS)
def test_csv_is_json_is_the_company(shared: Client, report: str) -> None:
    body, source = dict(MARCH), Company().report(report, date(2024, 3, 1), date(2024, 3, 31))
    assert source.rows
    token = shared.token()
    answers = {
        kind: shared.post(report, token, contentType=kind, **body) for kind in ("csv", "json")
    }
    for kind, answer in answers.items():
        if "jobId" in answer.text:
            answers[kind] = shared.wait(report, answer.json()["jobId"], token)
    assert answers["csv"].headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answers["json"].headers["Content-Type"] == "application/json"
    lines = list(csv.reader(io.StringIO(answers["csv"].content.decode(), newline="")))
    assert tuple(lines[0]) == source.headings
    assert lines[1:] == [[as_text(cell) for cell in row] for row in source.rows]
    objects = answers["json"].json()
    assert [list(row) for row in objects] == [list(source.headings)] * len(source.rows)
    assert [[as_text(cell) for cell in row.values()] for row in objects] == lines[1:]


# --- tokens -----------------------------------------------------------------------------------


def test_a_token_by_form_and_by_json(shared: Client) -> None:
    credentials = {
        "grant_type": "client_credentials",
        "client_id": "sandbox",
        "client_secret": "sandbox-secret",
    }
    url = f"{shared.sandbox.api_url}/oauth/token"
    for how in ({"data": credentials}, {"json": credentials}):
        answer = requests.post(url, timeout=10, **how)  # type: ignore[arg-type]
        assert answer.status_code == 200
        granted = answer.json()
        assert granted == {
            "access_token": shared.sandbox.tokens[-1],
            "token_type": "Bearer",
            "expires_in": 1800,
        }
        assert granted["access_token"].startswith("sandbox-")


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"client_secret": "wrong"}, 401),
        ({"client_id": "wrong"}, 401),
        ({"client_id": ""}, 400),
        ({"grant_type": "password"}, 400),
        ({"grant_type": ""}, 400),
    ],
)
def test_a_token_refused(shared: Client, fields: dict[str, str], status: int) -> None:
    answer = shared.ask_token(**fields)
    assert answer.status_code == status
    assert answer.json()["error"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"client_id": 1}'])
def test_a_malformed_token_request(shared: Client, body: bytes) -> None:
    answer = requests.post(
        f"{shared.sandbox.api_url}/oauth/token",
        data=body,
        headers={"Content-Type": "application/json"},
        timeout=10,
    )
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_a_new_token_invalidates_the_earlier_ones(client: Client) -> None:
    first = client.token()
    assert client.post("people.directory", first).status_code == 200
    second = client.token()
    refused = client.post("people.directory", first)
    assert refused.status_code == 401
    assert refused.json()["error"]
    assert client.post("people.directory", second).status_code == 200
    assert len(client.sandbox.tokens) == 2


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Bearer nonsense", "Basic {}"])
def test_a_request_without_a_valid_token(shared: Client, header: str | None) -> None:
    token = shared.token()["Authorization"].split()[1]
    headers = {} if header is None else {"Authorization": header.format(token)}
    assert shared.post("people.directory", headers).status_code == 401
    assert shared.poll("people.directory", "job-1", headers).status_code == 401


def test_a_token_expires_after_30_minutes() -> None:
    with Sandbox(time_scale=0.0001) as sandbox:  # 180 ms
        client = Client(sandbox)
        token, until = client.token(), time.monotonic() + 5
        while client.post("people.directory", token).status_code == 200:
            assert time.monotonic() < until
        granted, *asked = sandbox.requests
        assert asked[-1].status == 401
        assert asked[-1].at + asked[-1].seconds - granted.at >= 1800


# --- requests for reports ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b"null",
        b'{"startDate": 20240101}',
        b'{"endDate": 20240101}',
        b'{"startDate": "20240101", "endDate": "20240131"}',
        b'{"startDate": 20240101.0, "endDate": 20240131}',
        b'{"startDate": true, "endDate": 20240131}',
        b'{"startDate": null, "endDate": null}',
        b'{"startDate": 20230229, "endDate": 20230301}',
        b'{"startDate": 240101, "endDate": 240131}',
        b'{"startDate": 20240131, "endDate": 20240101}',
        b'{"contentType": "xml"}',
        b'{"contentType": ["csv"]}',
        b'{"jobId": "true"}',
        b'{"jobId": 1}',
    ],
)
def test_an_invalid_request(shared: Client, body: bytes) -> None:
    answer = requests.post(
        shared.url("people.directory"), data=body, headers=shared.token(), timeout=10
    )
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json()["error"]


def test_an_unknown_report(shared: Client) -> None:
    answer = shared.post("nobody.knows")
    assert (answer.status_code, list(answer.json())) == (400, ["error"])


def test_unknown_fields_are_ignored(shared: Client) -> None:
    assert shared.post("people.directory", colour="blue").status_code == 200


def test_one_day_is_a_range(shared: Client) -> None:
    day = date(2024, 3, 5)
    answer = shared.post("oneonone.detail", startDate=20240305, endDate=20240305)
    assert answer.content == to_csv(Company().report("oneonone.detail", day, day))


def test_a_hint_for_whoever_looks(shared: Client) -> None:
    answer = requests.get(shared.sandbox.api_url.removesuffix("v1"), timeout=10)
    assert "made-up people" in answer.text


def test_json_in_an_envelope() -> None:
    with Sandbox(json_envelope="data") as sandbox:
        answer = Client(sandbox).post("people.directory", contentType="json").json()
    assert len(answer["data"]) == 40


def test_a_report_of_one_s_own() -> None:
    ranges: list[tuple[date | None, date | None]] = []

    def rows(start: date | None, end: date | None) -> Table:
        ranges.append((start, end))
        return Table(("x",), ((1,),))

    hostile = ReportSource(lambda *_: b"\xff\x00", content_type="text/html")
    plain = ReportSource(lambda *_: b"[]")
    reports = {"own": ReportSource(rows), "people.directory": hostile, "plain": plain}
    with Sandbox(reports=reports) as sandbox:
        client = Client(sandbox)
        assert client.post("own", **MARCH).content == b"x\r\n1\r\n"
        assert client.post("own").content == b"x\r\n1\r\n"
        raw = client.post("people.directory")
        assert client.post("plain", contentType="json").json() == []
    assert ranges == [(date(2024, 3, 1), date(2024, 3, 31)), (None, None)]
    assert (raw.content, raw.headers["Content-Type"]) == (b"\xff\x00", "text/html")


# --- the 30-second rule -----------------------------------------------------------------------


def test_a_slow_report_becomes_a_job(client: Client) -> None:
    token = client.token()
    answer = client.post("slow", token, **MARCH)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    job = answer.json()["jobId"]
    assert isinstance(job, str)
    assert client.wait("slow", job, token).content == b"a\r\n1\r\n"
    assert client.poll("slow", job, token).content == b"a\r\n1\r\n"
    _, post, *polls = client.sandbox.requests
    assert post.seconds >= 30
    assert {(poll.start, poll.end, poll.job_id) for poll in polls} == {(20240301, 20240331, job)}
    assert polls[-2].at + polls[-2].seconds >= post.at + 75


@pytest.mark.parametrize(("seconds", "becomes_a_job"), [(29, False), (30, False), (31, True)])
def test_the_30_seconds(seconds: float, becomes_a_job: bool) -> None:  # noqa: FBT001  # a parameter
    source = ReportSource(lambda *_: Table(("a",), ()), generation_seconds=seconds)
    with Sandbox(time_scale=SCALE, reports={"it": source}) as sandbox:
        assert ("jobId" in Client(sandbox).post("it").text) == becomes_a_job
        assert sandbox.requests[-1].seconds >= min(seconds, 30)


def test_a_job_on_demand(client: Client) -> None:
    token = client.token()
    job = client.post("people.directory", token, jobId=True).json()["jobId"]
    answer = client.poll("people.directory", job, token)  # ready by now
    assert answer.content == to_csv(client.sandbox.company.report("people.directory"))
    assert client.sandbox.requests[1].seconds >= 30
    assert client.post("people.directory", token, jobId=False).content == answer.content


def test_a_job_belongs_to_its_report(client: Client) -> None:
    token = client.token()
    job = client.post("people.directory", token, jobId=True).json()["jobId"]
    assert client.poll("oneonone.detail", job, token).status_code == 404
    answer = client.poll("people.directory", "job-0", token)
    assert (answer.status_code, list(answer.json())) == (404, ["error"])


def test_a_job_expires_10_minutes_after_the_post() -> None:
    with Sandbox(time_scale=0.0005, reports={"held-up": HELD_UP}) as sandbox:  # 300 ms
        client = Client(sandbox)
        token, until = client.token(), time.monotonic() + 5
        job = client.post("held-up", token).json()["jobId"]
        while client.poll("held-up", job, token).status_code == 200:
            assert time.monotonic() < until
        _, post, *polls = sandbox.requests
    assert polls[-1].status == 410
    assert polls[-1].at + polls[-1].seconds - post.at >= 600
    assert all(poll.at - post.at < 620 for poll in polls[:-1])


@pytest.mark.parametrize(("hang", "answer"), [(30, "jobId"), (500, "a\r\n1\r\n")])
def test_a_poll_may_hang(hang: float, answer: str) -> None:
    reports = {"it": replace(SLOW, generation_seconds=300)}
    with Sandbox(time_scale=SCALE, reports=reports, poll_hang=hang) as sandbox:
        client = Client(sandbox)
        token = client.token()
        job = client.post("it", token).json()["jobId"]
        assert answer in client.poll("it", job, token).text
        _, post, poll = sandbox.requests
    assert poll.seconds >= 30
    assert (poll.at + poll.seconds - post.at >= 300) == (hang == 500)


def test_job_envelopes_differ() -> None:
    with Sandbox(time_scale=SCALE, job_status=202, numeric_job_ids=True) as sandbox:
        client = Client(sandbox)
        token = client.token()
        answer = client.post("people.directory", token, jobId=True)
        job = answer.json()["jobId"]
        assert (answer.status_code, type(job)) == (202, int)
        assert client.poll("people.directory", str(job), token).status_code == 200
        assert sandbox.requests[-1].job_id == str(job)


def test_a_job_s_answer_may_be_csv_though_json_was_asked_for() -> None:
    with Sandbox(time_scale=SCALE, job_answers_csv=True) as sandbox:
        client = Client(sandbox)
        token = client.token()
        directly = client.post("people.directory", token, contentType="json")
        asked = {"contentType": "json", "jobId": True}
        job = client.post("people.directory", token, **asked).json()["jobId"]
        later = client.poll("people.directory", job, token)
    assert directly.headers["Content-Type"] == "application/json"
    assert later.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert later.content == to_csv(Company().report("people.directory"))


# --- faults -----------------------------------------------------------------------------------


def test_a_status(client: Client) -> None:
    client.sandbox.faults.add(
        Fault(phase="post", kind="status", status=503, retry_after="7", times=2),
        Fault(phase="post", kind="status", body="<p>", content_type="text/html"),
        Fault(phase="token", kind="status", status=429),
    )
    assert client.ask_token().status_code == 429
    first, second, third, fourth = (client.post("people.directory") for _ in range(4))
    assert [a.status_code for a in (first, second, third, fourth)] == [503, 503, 500, 200]
    assert first.headers["Retry-After"] == "7"
    assert first.json()["error"]
    assert (third.text, third.headers["Content-Type"]) == ("<p>", "text/html")
    assert client.sandbox.faults.pending == []


def test_a_fault_chooses_its_requests() -> None:
    plan = FaultPlan()
    fault = Fault(phase="post", kind="empty", report="a", start=1, skip=1, times=2)
    plan.add(fault)
    for other in (("token", None, None), ("poll", "a", 1), ("post", "b", 1), ("post", "a", 2)):
        assert plan.pick(*other) is None
    assert [plan.pick("post", "a", 1) for _ in range(4)] == [None, fault, fault, None]
    assert plan.pending == []


def test_a_reset(client: Client) -> None:
    client.sandbox.faults.add(Fault(phase="token", kind="reset"), Fault(phase="post", kind="reset"))
    with pytest.raises(requests.ConnectionError):
        client.ask_token()
    token = client.token()
    assert len(client.sandbox.tokens) == 1
    with pytest.raises(requests.ConnectionError):
        client.post("people.directory", token)
    assert client.post("people.directory", token).status_code == 200
    assert [entry.status for entry in client.sandbox.requests] == [None, 200, None, 200]


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("report", ["people.directory", "review.detail"])
def test_a_cut_body(client: Client, framing: str, report: str) -> None:
    whole = to_csv(client.sandbox.company.report(report))
    pieces: list[bytes] = []
    client.sandbox.faults.add(Fault(phase="post", kind="cut", framing=framing))
    with requests.post(
        client.url(report), json={}, headers=client.token(), timeout=10, stream=True
    ) as answer:
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            pieces.extend(answer.iter_content(1 << 10))
        announced = answer.headers.get("Content-Length")
    assert answer.status_code == 200
    assert announced == (str(len(whole)) if framing == "length" else None)
    got = b"".join(pieces)
    assert len(whole) // 2 - 1024 <= len(got) <= len(whole) // 2
    assert whole.startswith(got)
    assert client.post(report).content == whole


@pytest.mark.parametrize("at", ["half", "cell", "line"])
@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
def test_where_a_body_is_cut(client: Client, framing: str, at: str) -> None:
    whole = client.csv
    lines = whole.splitlines(keepends=True)
    part = {
        "half": whole[: len(whole) // 2],
        "cell": whole.rstrip()[:-1],
        "line": b"".join(lines[:-1]),
    }[at]
    client.sandbox.faults.add(Fault(phase="post", kind="cut", framing=framing, at=at))
    got = client.on_the_wire()
    assert got.head.startswith("HTTP/1.1 200 OK\r\nContent-Type: text/csv; charset=utf-8\r\n")
    assert not got.is_kept
    match framing:
        case "length":
            assert f"Content-Length: {len(whole)}" in got.head
            assert got.body == part
        case "chunked":
            assert "Transfer-Encoding: chunked" in got.head
            assert got.body == b"%x\r\n%s\r\n" % (len(part), part)
        case _:
            assert got.head.endswith("charset=utf-8\r\nConnection: close")
            assert got.body == part


def test_a_body_whose_end_nothing_announces(client: Client) -> None:
    client.sandbox.faults.add(Fault(phase="post", kind="frame"))
    got = client.on_the_wire()
    assert got.head.split("\r\n")[1:] == [
        "Content-Type: text/csv; charset=utf-8",
        "Connection: close",
    ]
    assert (got.body, got.is_kept) == (client.csv, False)


def test_a_cut_token_has_been_issued_all_the_same(client: Client) -> None:
    client.sandbox.faults.add(Fault(phase="token", kind="cut"))
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        client.ask_token()
    assert len(client.sandbox.tokens) == 1


def test_a_delay(client: Client) -> None:
    client.sandbox.faults.add(Fault(phase="post", kind="delay", seconds=20))
    assert client.post("people.directory").status_code == 200
    assert client.sandbox.requests[-1].seconds >= 20


def test_a_revoked_token(client: Client) -> None:
    client.sandbox.faults.add(Fault(phase="poll", kind="revoke"))
    token = client.token()
    job = client.post("people.directory", token, jobId=True).json()["jobId"]
    assert client.poll("people.directory", job, token).status_code == 401
    assert client.poll("people.directory", job, client.token()).status_code == 200


@pytest.mark.parametrize("phase", ["post", "poll"])
def test_a_lost_job(client: Client, phase: Phase) -> None:
    client.sandbox.faults.add(Fault(phase=phase, kind="lose-job", start=20240301))
    token = client.token()
    job = client.post("people.directory", token, jobId=True, **MARCH).json()["jobId"]
    assert client.poll("people.directory", job, token).status_code == 404
    assert client.sandbox.faults.pending == []


def test_another_body(client: Client) -> None:
    client.sandbox.faults.add(
        Fault(phase="post", kind="body", body="<html>", content_type="text/html"),
        Fault(phase="post", kind="empty"),
    )
    page, nothing = client.post("people.directory"), client.post("people.directory")
    assert (page.status_code, page.text) == (200, "<html>")
    assert page.headers["Content-Type"] == "text/html"
    assert (nothing.status_code, nothing.content) == (200, b"")


def test_a_redirect(client: Client) -> None:
    client.sandbox.faults.add(
        Fault(phase="post", kind="redirect", body="http://127.0.0.1:9/"),
        Fault(phase="post", kind="redirect", status=307, body="/v1/oauth/token"),
    )
    first, second = client.post("people.directory"), client.post("people.directory")
    assert (first.status_code, first.headers["Location"]) == (302, "http://127.0.0.1:9/")
    assert (second.status_code, second.headers["Location"]) == (307, "/v1/oauth/token")


WINDOWS = {"gzip": 31, "deflate": 15, "raw-deflate": -15}


@pytest.mark.parametrize("encoding", WINDOWS)
@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
def test_a_compressed_body(client: Client, encoding: str, framing: str) -> None:
    fault = Fault(phase="post", kind="compress", encoding=encoding, framing=framing, times=3)
    client.sandbox.faults.add(fault, replace(fault, damage="half", times=1))
    answer = client.post("people.directory")
    assert answer.headers["Content-Encoding"] == encoding.removeprefix("raw-")
    assert answer.content == client.csv
    whole = unchunked(client.on_the_wire(), framing)
    assert zlib.decompress(whole, WINDOWS[encoding]) == client.csv
    assert client.on_the_wire().is_kept == (framing != "close")
    half = unchunked(client.on_the_wire(), framing)
    assert half == whole[: len(whole) // 2]
    reader = zlib.decompressobj(WINDOWS[encoding])
    part = reader.decompress(half)
    assert client.csv.startswith(part)
    assert part
    assert not reader.eof


def unchunked(got: Wired, framing: str) -> bytes:
    """Return a body, if it is framed as it should be: the framing is not what is wrong with it."""
    if framing != "chunked":
        assert f"Content-Length: {len(got.body)}" in got.head or framing == "close"
        return got.body
    assert got.head.endswith("Transfer-Encoding: chunked")
    size, _, rest = got.body.partition(b"\r\n")
    body, end = rest[: int(size, 16)], rest[int(size, 16) :]
    assert end == b"\r\n0\r\n\r\n"
    return body


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_damaged_compressed_bodies(client: Client, encoding: str) -> None:
    client.sandbox.faults.add(
        *(
            Fault(phase="post", kind="compress", encoding=encoding, damage=damage)
            for damage in ("trailer", "checksum", "members", "plain")
        )
    )
    cut, wrong, members, plain = (client.on_the_wire().body for _ in range(4))
    reader = zlib.decompressobj(WINDOWS[encoding])
    assert (reader.decompress(cut), reader.eof) == (client.csv, False)
    with pytest.raises(zlib.error, match="incorrect data check"):
        zlib.decompress(wrong, WINDOWS[encoding])
    first = zlib.decompressobj(WINDOWS[encoding])
    start = first.decompress(members)
    assert start + zlib.decompress(first.unused_data, WINDOWS[encoding]) == client.csv
    assert plain == client.csv


def test_other_encodings(client: Client) -> None:
    client.sandbox.faults.add(
        Fault(phase="post", kind="compress", encoding="br"),
        Fault(phase="post", kind="compress", transfer=True),
    )
    unknown, transferred = client.on_the_wire(), client.on_the_wire()
    assert "Content-Encoding: br" in unknown.head
    assert client.csv[:20] not in unknown.body
    assert "Content-Encoding" not in transferred.head
    assert transferred.head.endswith("Transfer-Encoding: gzip, chunked")


def test_charsets(client: Client) -> None:
    client.sandbox.faults.add(
        *(Fault(phase="post", kind="charset", charset=name) for name in ("utf-16-le", "utf-8-sig")),
        Fault(phase="post", kind="charset", content_type="text/csv; charset=klingon"),
    )
    wide, marked, wrong = (client.post("people.directory") for _ in range(3))
    assert wide.headers["Content-Type"] == "text/csv; charset=utf-16-le"
    assert wide.content.decode("utf-16-le") == client.csv.decode()
    assert marked.content == b"\xef\xbb\xbf" + client.csv
    assert wrong.headers["Content-Type"] == "text/csv; charset=klingon"
    assert wrong.content == client.csv.decode().encode("latin-1", "replace")


def test_interim_responses(client: Client) -> None:
    client.sandbox.faults.add(
        Fault(phase="post", kind="interim", headers={"Link": "</x>"}),
        Fault(phase="post", kind="interim", status=102, body="a,b\n1,2\n"),
        Fault(phase="token", kind="interim", status=101, skip=1),
    )
    token = client.on_the_wire("oauth/token")
    hint, payload = client.on_the_wire(), client.on_the_wire()
    assert (token.head, hint.head) == (
        "HTTP/1.1 101 Switching Protocols",
        "HTTP/1.1 103 Early Hints\r\nLink: </x>",
    )
    assert payload.head == "HTTP/1.1 102 Processing\r\nContent-Length: 8"
    assert hint.body.startswith(b"HTTP/1.1 200 OK\r\n")
    assert hint.body.endswith(client.csv)
    assert payload.body == b"a,b\n1,2\n" + hint.body
    assert hint.is_kept


def test_malformed_heads(client: Client) -> None:
    lines = ["no colon", "Content-Length: 3"]
    client.sandbox.faults.add(
        Fault(phase="post", kind="malformed", lines=lines),
        Fault(phase="post", kind="malformed", status_line="HTTP/9 fine", close=True),
        Fault(phase="post", kind="malformed", blank_line=False, framing="chunked"),
    )
    odd, bad, joined = (client.on_the_wire() for _ in range(3))
    size = f"Content-Length: {len(client.csv)}"
    content_type = "Content-Type: text/csv; charset=utf-8"
    assert odd.head.split("\r\n") == ["HTTP/1.1 200 OK", *lines, content_type, size]
    assert (odd.body, odd.is_kept) == (client.csv, True)
    assert (bad.head.split("\r\n")[0], bad.is_kept) == ("HTTP/9 fine", False)
    assert joined.head.encode("latin-1").startswith(
        b"HTTP/1.1 200 OK\r\n%s\r\nTransfer-Encoding: chunked\r\n%x\r\n%s"
        % (content_type.encode(), len(client.csv), client.csv.rstrip())
    )


def test_bombs(client: Client) -> None:
    client.sandbox.faults.add(
        Fault(phase="post", kind="bomb", size=3_000_000, body="a\n"),
        Fault(phase="post", kind="bomb", size=5, encoding="deflate", content_type="text/plain"),
    )
    big, small = client.post("people.directory"), client.post("people.directory")
    assert big.content == b"a\n" + b"0" * 3_000_000
    assert int(big.headers["Content-Length"]) < 10_000
    assert (small.text, small.headers["Content-Type"]) == ("00000", "text/plain")


def test_json_that_is_nested(client: Client) -> None:
    client.sandbox.faults.add(Fault(phase="token", kind="nested", size=3))
    assert client.ask_token().json() == {"access_token": [[[]]]}


def test_json_in_a_template(client: Client) -> None:
    template = '{"total": COUNT, "data": BODY}'
    client.sandbox.faults.add(
        Fault(phase="post", kind="wrap", body=template),
        Fault(phase="post", kind="wrap", body='{"links": ["BODY"], INNER, "warnings": []}'),
        Fault(phase="post", kind="repeat-name"),
    )
    token, as_json = client.token(), {"contentType": "json"}
    rows = json.loads(to_json(client.sandbox.company.report("people.directory")))
    assert client.post("people.directory", token, **as_json).json() == {"total": 40, "data": rows}
    job = client.post("people.directory", token, **as_json, jobId=True).text
    assert re.fullmatch(r'\{"links": \[".*"\], "jobId": "job-700001", "warnings": \[\]\}', job)
    pairs = json.loads(
        client.post("people.directory", token, **as_json).content, object_pairs_hook=list
    )
    first = next(iter(rows[0]))
    assert pairs == [[*row.items(), (first, "repeated")] for row in rows]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "A fault must be a JSON object; this cannot be parsed: "),
        ("[" * 100_000, "A fault must be a JSON object; this cannot be parsed: "),
        ("[]", "A fault must be a JSON object, such as "),
        ("{}", "'phase' must be one of token, post, poll."),
        ('{"phase": "post"}', "'kind' must be one of status, body, "),
        ('{"phase": "post", "kind": "x"}', "'kind' must be one of status, body, "),
        ('{"phase": ["post"], "kind": "cut"}', "'phase' must be one of token, post, poll."),
        ('{"colour": "blue"}', "A fault takes no 'colour'; it takes phase, kind, "),
    ],
)
def test_what_is_no_fault_is_explained_in_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}"):
        Fault.from_json(text)


@pytest.mark.parametrize(
    ("kind", "fields", "sentence"),
    [
        ("cut", {"seconds": 1}, "The kind 'cut' does not take 'seconds'; it takes framing, at."),
        ("reset", {"body": ""}, "The kind 'reset' does not take 'body'; it takes no fields."),
        ("reset", {"times": -1}, "'times' must be a whole number, at least 0."),
        ("reset", {"start": "2025-01-01"}, "'start' must be a date as a number yyyymmdd."),
        ("status", {"status": 99}, "'status' must be a status from 100 to 599."),
        ("status", {"status": True}, "'status' must be a status from 100 to 599."),
        ("status", {"headers": {"a": 1}}, "'headers' must be an object of texts."),
        ("delay", {"seconds": float("inf")}, "'seconds' must be a number of seconds, at least 0."),
        ("charset", {"charset": "klingon"}, "'charset' must be a charset that Python knows."),
        ("malformed", {"lines": "x"}, "'lines' must be a list of texts."),
        ("malformed", {"close": 1}, "'close' must be true or false."),
        ("cut", {"at": "noon"}, "'at' must be one of half, cell, line."),
    ],
)
def test_an_invalid_field_is_explained_in_a_sentence(
    kind: str, fields: dict[str, object], sentence: str
) -> None:
    text = json.dumps({"phase": "post", "kind": kind, **fields})
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        Fault.from_json(text)


# --- running it -------------------------------------------------------------------------------


def test_the_log_tells_what_was_asked_and_no_secrets(tmp_path: Path) -> None:
    path = tmp_path / "requests.jsonl"
    with Sandbox(time_scale=SCALE, request_log=path) as sandbox:
        client = Client(sandbox)
        client.sandbox.faults.add(Fault(phase="post", kind="compress"))
        client.post("oneonone.detail", contentType="json", **MARCH)
        token, entry = client.sandbox.requests
        assert (token.phase, token.status) == ("token", 200)
        assert (entry.phase, entry.report) == ("post", "oneonone.detail")
        assert (entry.start, entry.end, entry.content_type) == (20240301, 20240331, "json")
        assert (entry.status, entry.fault, entry.job_id) == (200, "compress", None)
        assert token.at <= token.at + token.seconds <= entry.at
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["phase"] for line in lines] == ["token", "post"]
    assert not any(
        secret in path.read_text(encoding="utf-8") for secret in (*sandbox.tokens, "sandbox-secret")
    )


def test_it_stops_while_requests_hang() -> None:
    began = time.monotonic()
    with Sandbox(reports={"slow": SLOW}) as sandbox:
        client = Client(sandbox)
        with pytest.raises(requests.ReadTimeout):
            requests.post(client.url("slow"), json={}, headers=client.token(), timeout=0.1)
    assert time.monotonic() - began < 5
    with pytest.raises(requests.ConnectionError):
        client.ask_token()


def test_many_start_and_stop_quietly() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(5):
            with Sandbox() as one, Sandbox() as other:
                assert one.api_url != other.api_url
                assert Client(one).ask_token().status_code == 200


def test_a_port_that_is_taken(shared: Client) -> None:
    port = int(shared.sandbox.api_url.split(":")[2].split("/")[0])
    with pytest.raises(OSError, match="address"), Sandbox(port=port):
        pass
    run = subprocess.run(
        [sys.executable, "-m", "tap_crewmojo.sandbox", f"--port={port}"],
        check=False, capture_output=True, encoding="utf-8", timeout=20,
    )  # fmt: skip
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr == (
        f"Error: Port {port} is in use. Choose another with --port; 0 takes any free port.\n"
    )


def test_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    trusted = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(trusted))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with Sandbox(ssl_context=context) as sandbox:
        assert sandbox.api_url.startswith("https://127.0.0.1:")
        hint = requests.get(sandbox.api_url.removesuffix("v1"), verify=str(trusted), timeout=10)
    assert hint.status_code == 200


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to handle")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_line(tmp_path: Path, number: signal.Signals) -> None:
    log = tmp_path / "log.jsonl"
    fault = '{"phase": "post", "kind": "status", "status": 503}'
    command = [
        sys.executable, "-m", "tap_crewmojo.sandbox", "--port=0", "--seed=5", "--people=9",
        "--time-scale=0.002", f"--request-log={log}", f"--fault={fault}", "--client-id=it's me",
        "--client-secret=s3", "--job-answers-csv", "--poll-hang=1",
    ]  # fmt: skip
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    ) as process:
        assert process.stdout
        assert process.stderr
        lines = [
            line.rstrip()
            for line in iter(process.stdout.readline, "# Stop the sandbox with Ctrl-C.\n")
        ]
        exports = dict(
            shlex.split(line)[1].split("=", 1) for line in lines if line.startswith("export ")
        )
        answer = requests.post(
            exports["TAP_CREWMOJO_API_URL"] + "/oauth/token",
            json={
                "grant_type": "client_credentials",
                "client_id": exports["TAP_CREWMOJO_CLIENT_ID"],
                "client_secret": exports["TAP_CREWMOJO_CLIENT_SECRET"],
            },
            timeout=10,
        )
        url = exports["TAP_CREWMOJO_API_URL"] + "/integrations/download/people.directory"
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        asked = [requests.post(url, json={}, headers=headers, timeout=10) for _ in range(2)]
        process.send_signal(number)
        rest, errors = process.communicate(timeout=10)
    assert (process.returncode, rest, errors) == (0, "", "")
    assert [a.status_code for a in asked] == [503, 200]
    assert asked[1].content == to_csv(Company(5, 9).report("people.directory"))
    assert exports["TAP_CREWMOJO_CLIENT_ID"] == "it's me"
    assert exports["TAP_CREWMOJO_TIME_SCALE"] == "0.002"
    assert date.fromisoformat(exports["TAP_CREWMOJO_START_DATE"]).day == 1
    reports = json.loads(exports["TAP_CREWMOJO_REPORTS"])
    assert {item if isinstance(item, str) else item["id"] for item in reports} == set(REPORTS)
    assert {"id": "people.directory", "replication_method": "FULL_TABLE"} in reports
    assert any("oneonone.summary (named in the documentation" in line for line in lines)
    assert all(line.startswith(("# ", "export ")) for line in lines), "it can be pasted"
    assert len(log.read_text(encoding="utf-8").splitlines()) == 3


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("fault", "{}", "'phase' must be one of token, post, poll."),
        (
            "request-log",
            "/no/log",
            "The file /no/log cannot be written: no such file or directory.",
        ),
        ("time-scale", "nan", "nan must be a finite number."),
        ("poll-hang", "inf", "inf must be a finite number."),
    ],
)
def test_the_command_line_explains_an_invalid_value(option: str, value: str, sentence: str) -> None:
    done = CliRunner().invoke(serve, [f"--{option}={value}"])
    assert done.exit_code == 2
    assert done.output.endswith(f"Error: Invalid value for '--{option}': {sentence}\n")


def test_the_help_lists_each_kind_of_fault_with_an_example() -> None:
    done = CliRunner().invoke(serve, ["--help"])
    assert done.exit_code == 0
    examples = [
        shlex.split(line)[1]
        for line in done.output.splitlines()
        if line.lstrip().startswith("--fault '")
    ]
    assert [Fault.from_json(example).kind for example in examples] == list(KINDS)
    for name, kind in KINDS.items():
        explained = done.output.partition(f"\n  {name}: ")[2].partition("--fault")[0]
        assert all(f"`{field}`" in explained for field in kind.takes), name


@pytest.mark.parametrize("missing", ["aiohttp", "faker"])
def test_the_command_line_without_its_extra(missing: str) -> None:
    program = (
        f"import sys; sys.modules[{missing!r}] = None;"
        "from tap_crewmojo.sandbox.__main__ import main; main()"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        capture_output=True,
        encoding="utf-8",
        timeout=20,
    )
    assert run.returncode == 1
    assert "install the tap with its extra 'sandbox'" in run.stderr
    assert "Traceback" not in run.stderr

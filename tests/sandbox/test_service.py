"""The vendor's rules: tokens, reports, and jobs after 30 seconds."""

from __future__ import annotations

import csv
import io
import time
from dataclasses import replace
from datetime import date, datetime

import pytest
import requests

from support.sandbox_client import MARCH, SCALE, SLOW, VERY_SLOW, Client
from tap_crewmojo.sandbox.company.company import Company, ReportSource
from tap_crewmojo.sandbox.company.reports import REPORTS
from tap_crewmojo.sandbox.company.table import Cell, Table, to_csv
from tap_crewmojo.sandbox.sandbox import Sandbox


def as_text(cell: Cell) -> str:
    """Return the CSV text of a cell, without the code of the sandbox."""
    match cell:
        case None:
            return ""
        case bool():
            return str(cell).lower()
        case datetime():
            return cell.strftime("%Y-%m-%dT%H:%M:%SZ")
        case _:
            return str(cell)


@pytest.mark.parametrize("report", REPORTS)
def test_csv_and_json_hold_the_rows_of_the_company(shared_client: Client, report: str) -> None:
    body, source = dict(MARCH), Company().report(report, date(2024, 3, 1), date(2024, 3, 31))
    assert source.rows
    token = shared_client.token()
    responses = {
        kind: shared_client.post(report, token, contentType=kind, **body)
        for kind in ("csv", "json")
    }
    for kind, response in responses.items():
        if "jobId" in response.text:
            responses[kind] = shared_client.wait(report, response.json()["jobId"], token)
    assert responses["csv"].headers["Content-Type"] == "text/csv; charset=utf-8"
    assert responses["json"].headers["Content-Type"] == "application/json"
    lines = list(csv.reader(io.StringIO(responses["csv"].content.decode(), newline="")))
    assert tuple(lines[0]) == source.headings
    assert lines[1:] == [[as_text(cell) for cell in row] for row in source.rows]
    objects = responses["json"].json()
    assert [list(row) for row in objects] == [list(source.headings)] * len(source.rows)
    assert [[as_text(cell) for cell in row.values()] for row in objects] == lines[1:]


def test_a_token_is_issued_for_a_form_and_for_json(shared_client: Client) -> None:
    credentials = {
        "grant_type": "client_credentials",
        "client_id": "sandbox",
        "client_secret": "sandbox-secret",
    }
    url = f"{shared_client.sandbox.api_url}/oauth/token"
    for body in ({"data": credentials}, {"json": credentials}):
        response = requests.post(url, timeout=10, **body)  # type: ignore[arg-type]
        assert response.status_code == 200
        token = response.json()
        assert token == {
            "access_token": shared_client.sandbox.tokens[-1],
            "token_type": "Bearer",
            "expires_in": 1800,
        }
        assert token["access_token"].startswith("sandbox-")


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
def test_wrong_credentials_get_no_token(
    shared_client: Client, fields: dict[str, str], status: int
) -> None:
    response = shared_client.request_token(**fields)
    assert response.status_code == status
    assert response.json()["error"]


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
def test_a_request_without_a_valid_token_is_refused(
    shared_client: Client, header: str | None
) -> None:
    token = shared_client.token()["Authorization"].split()[1]
    headers = {} if header is None else {"Authorization": header.format(token)}
    assert shared_client.post("people.directory", headers).status_code == 401
    assert shared_client.poll("people.directory", "job-1", headers).status_code == 401


def test_a_token_expires_after_30_minutes() -> None:
    with Sandbox(time_scale=0.0001) as sandbox:  # 180 ms
        client = Client(sandbox)
        token, until = client.token(), time.monotonic() + 5
        while client.post("people.directory", token).status_code == 200:
            assert time.monotonic() < until
        issued, *posts = sandbox.requests
        assert posts[-1].status == 401
        assert posts[-1].at + posts[-1].seconds - issued.at >= 1800


def test_an_unknown_report_is_refused(shared_client: Client) -> None:
    response = shared_client.post("nobody.knows")
    assert (response.status_code, list(response.json())) == (400, ["error"])


def test_one_day_is_a_range(shared_client: Client) -> None:
    day = date(2024, 3, 5)
    response = shared_client.post("oneonone.detail", startDate=20240305, endDate=20240305)
    assert response.content == to_csv(Company().report("oneonone.detail", day, day))


def test_a_report_from_another_source() -> None:
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


def test_a_slow_report_becomes_a_job(client: Client) -> None:
    token = client.token()
    response = client.post("slow", token, **MARCH)
    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/json")
    job = response.json()["jobId"]
    assert isinstance(job, str)
    assert client.wait("slow", job, token).content == b"a\r\n1\r\n"
    assert client.poll("slow", job, token).content == b"a\r\n1\r\n"
    _, post, *polls = client.sandbox.requests
    assert post.seconds >= 30
    assert {(poll.start, poll.end, poll.job_id) for poll in polls} == {(20240301, 20240331, job)}
    assert polls[-2].at + polls[-2].seconds >= post.at + 75


@pytest.mark.parametrize(("seconds", "becomes_a_job"), [(29, False), (30, False), (31, True)])
def test_a_report_becomes_a_job_after_30_seconds(seconds: float, becomes_a_job: bool) -> None:  # noqa: FBT001  # a parameter
    source = ReportSource(lambda *_: Table(("a",), ()), generation_seconds=seconds)
    with Sandbox(time_scale=SCALE, reports={"it": source}) as sandbox:
        assert ("jobId" in Client(sandbox).post("it").text) == becomes_a_job
        assert sandbox.requests[-1].seconds >= min(seconds, 30)


def test_a_job_can_be_requested(client: Client) -> None:
    token = client.token()
    job = client.post("people.directory", token, jobId=True).json()["jobId"]
    response = client.poll("people.directory", job, token)  # ready by now
    assert response.content == to_csv(client.sandbox.company.report("people.directory"))
    assert client.sandbox.requests[1].seconds >= 30
    assert client.post("people.directory", token, jobId=False).content == response.content


def test_a_job_belongs_to_its_report(client: Client) -> None:
    token = client.token()
    job = client.post("people.directory", token, jobId=True).json()["jobId"]
    assert client.poll("oneonone.detail", job, token).status_code == 404
    response = client.poll("people.directory", "job-0", token)
    assert (response.status_code, list(response.json())) == (404, ["error"])


def test_a_job_expires_10_minutes_after_the_post() -> None:
    with Sandbox(time_scale=0.0005, reports={"very-slow": VERY_SLOW}) as sandbox:  # 300 ms
        client = Client(sandbox)
        token, until = client.token(), time.monotonic() + 5
        job = client.post("very-slow", token).json()["jobId"]
        while client.poll("very-slow", job, token).status_code == 200:
            assert time.monotonic() < until
        _, post, *polls = sandbox.requests
    assert polls[-1].status == 410
    assert polls[-1].at + polls[-1].seconds - post.at >= 600
    assert all(poll.at - post.at < 620 for poll in polls[:-1])


@pytest.mark.parametrize(("hang", "response"), [(30, "jobId"), (500, "a\r\n1\r\n")])
def test_a_poll_may_hang(hang: float, response: str) -> None:
    reports = {"it": replace(SLOW, generation_seconds=300)}
    with Sandbox(time_scale=SCALE, reports=reports, poll_hang=hang) as sandbox:
        client = Client(sandbox)
        token = client.token()
        job = client.post("it", token).json()["jobId"]
        assert response in client.poll("it", job, token).text
        _, post, poll = sandbox.requests
    assert poll.seconds >= 30
    assert (poll.at + poll.seconds - post.at >= 300) == (hang == 500)

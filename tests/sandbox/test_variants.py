"""The variants of the sandbox, several at once. The tests of the probe look at each alone."""

from __future__ import annotations

import codecs
import gzip
from datetime import date
from itertools import combinations

import pytest

from support.sandbox_client import SCALE, SLOW, Client
from tap_crewmojo.sandbox.company.company import ReportSource
from tap_crewmojo.sandbox.company.table import Table
from tap_crewmojo.sandbox.faults import Fault
from tap_crewmojo.sandbox.sandbox import Sandbox

HEADINGS = ("Name", "Note", "Score", "Left", "Active")
ROWS = (("Zoë", "one,\r\ntwo", 1.5, None, True), ("Al", None, 2, None, False))
IT = {"it": ReportSource(lambda *_: Table(HEADINGS, ROWS))}


def test_an_unknown_variant_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'gzipped'\. The variants: .*\bgzip\b"):
        Sandbox(variants=("gzip", "gzipped"))


@pytest.mark.parametrize(
    "pair", list(combinations(["csv-bom", "csv-latin-1", "csv-type", "csv-without-charset"], 2))
)
def test_csv_says_what_it_is_under_two_variants(pair: tuple[str, str]) -> None:
    if "csv-latin-1" in pair and "csv-type" not in pair:
        with pytest.raises(ValueError, match=f"'{pair[0]}' and '{pair[1]}' exclude each other"):
            Sandbox(variants=pair)
        return
    with Sandbox(people=1, reports=IT, variants=pair) as sandbox:
        response = Client(sandbox).post("it")
    media_type, _, charset = response.headers["Content-Type"].partition("; charset=")
    assert (media_type == "application/csv") is ("csv-type" in pair)
    assert bool(charset) is ("csv-without-charset" not in pair)
    text = response.content.decode("iso-8859-1" if "csv-latin-1" in pair else "utf-8")
    assert "Zoë" in text
    assert text.startswith("\ufeff") is ("csv-bom" in pair)


def test_csv_is_written_in_another_way_and_sent_in_another_way() -> None:
    variants = ("chunked", "gzip", "csv-without-charset", "csv-bom", "csv-lf", "csv-quoted")
    with Sandbox(people=1, reports=IT, variants=variants) as sandbox:
        response = Client(sandbox).raw_post("integrations/download/it")
    head = response.head.splitlines()
    assert {
        "Content-Type: text/csv",
        "Content-Encoding: gzip",
        "Transfer-Encoding: chunked",
    } <= set(head)
    assert not any(line.startswith("Content-Length") for line in head)
    size, _, rest = response.body.partition(b"\r\n")
    text = gzip.decompress(rest[: int(size, 16)]).decode("utf-8-sig")
    assert text == (
        '"Name","Note","Score","Left","Active"\n'
        '"Zoë","one,\r\ntwo","1.5","","true"\n'
        '"Al","","2","","false"\n'
    )
    assert gzip.decompress(rest[: int(size, 16)]).startswith(codecs.BOM_UTF8)
    with Sandbox(people=1, reports=IT, variants=["csv-latin-1", "csv-lf", "no-length"]) as sandbox:
        response = Client(sandbox).raw_post("integrations/download/it")
    assert "Content-Type: text/csv; charset=iso-8859-1" in response.head
    assert not response.is_kept
    assert response.body.decode("latin-1") == (
        'Name,Note,Score,Left,Active\nZoë,"one,\r\ntwo",1.5,,true\nAl,,2,,false\n'
    )


def test_json_is_written_in_another_way() -> None:
    variants = ("json-with-total", "json-texts", "json-without-nulls", "json-charset")
    with Sandbox(people=1, reports=IT, variants=variants) as sandbox:
        response = Client(sandbox).post("it", contentType="json")
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    assert response.json() == {
        "total": 2,
        "results": [
            {"Name": "Zoë", "Note": "one,\r\ntwo", "Score": "1.5", "Active": "true"},
            {"Name": "Al", "Score": "2", "Active": "false"},
        ],
    }


def test_tokens_jobs_and_errors_differ() -> None:
    variants = (
        "token-without-expiry", "token-with-scope", "error-with-message",
        "unknown-report-404", "unknown-job-410", "envelope-202", "numeric-job-id",
        "job-id-in-snake-case", "envelope-with-status", "pending-without-body", "jobs-as-csv",
    )  # fmt: skip
    with Sandbox(
        people=1, time_scale=SCALE, reports=IT | {"slow": SLOW}, variants=variants
    ) as sandbox:
        client = Client(sandbox)
        token = client.request_token().json()
        bearer = {"Authorization": f"Bearer {token.pop('access_token')}"}
        assert token == {"token_type": "Bearer", "scope": "download"}
        for response, status in (
            (client.post("nobody.knows", bearer), 404),
            (client.poll("it", "1", bearer), 410),
        ):
            assert (response.status_code, response.json().keys()) == (status, {"code", "message"})
        response = client.post("slow", bearer)
        job = response.json().pop("job_id")
        assert (response.status_code, response.json()) == (
            202,
            {"job_id": job, "status": "pending"},
        )
        assert isinstance(job, int)
        response = client.poll("slow", str(job), bearer)
        assert (response.status_code, response.content) == (202, b"")
        job = client.post("it", bearer, contentType="json", jobId=True).json()["job_id"]
        response = client.poll("it", str(job), bearer)
        assert response.headers["Content-Type"] == "text/csv; charset=utf-8"


def test_a_range_may_lack_its_last_day() -> None:
    ranges: list[tuple[date | None, date | None]] = []

    def rows(start: date | None, end: date | None) -> Table:
        ranges.append((start, end))
        return Table(HEADINGS, ROWS)

    with Sandbox(
        people=1, reports={"it": ReportSource(rows)}, variants=["exclusive-end"]
    ) as sandbox:
        Client(sandbox).post("it", startDate=20250101, endDate=20250131)
        Client(sandbox).post("it")
    assert ranges == [(date(2025, 1, 1), date(2025, 1, 30)), (None, None)]


def test_a_fault_is_applied_to_a_variant() -> None:
    with Sandbox(people=1, reports=IT, variants=["csv-lf"]) as sandbox:
        sandbox.faults.add(
            Fault(phase="post", kind="status", status=503, body="x"),
            Fault(phase="post", kind="cut", at="line", framing="close"),
        )
        client = Client(sandbox)
        assert client.post("it").text == "x"
        assert (
            client.post("it").text == 'Name,Note,Score,Left,Active\nZoë,"one,\r\ntwo",1.5,,true\n'
        )

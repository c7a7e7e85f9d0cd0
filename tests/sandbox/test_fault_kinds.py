"""Each kind of fault, as the bytes that it sends."""

from __future__ import annotations

import json
import re
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import requests

from tap_crewmojo.sandbox.company.table import to_csv, to_json
from tap_crewmojo.sandbox.faults import Fault

if TYPE_CHECKING:
    from support.sandbox_client import Client, RawResponse


def test_a_status(client: Client) -> None:
    client.sandbox.faults.add(
        Fault(phase="post", kind="status", status=503, retry_after="7", times=2),
        Fault(phase="post", kind="status", body="<p>", content_type="text/html"),
        Fault(phase="token", kind="status", status=429),
    )
    assert client.request_token().status_code == 429
    first, second, third, fourth = (client.post("people.directory") for _ in range(4))
    assert [response.status_code for response in (first, second, third, fourth)] == [
        503,
        503,
        500,
        200,
    ]
    assert first.headers["Retry-After"] == "7"
    assert first.json()["error"]
    assert (third.text, third.headers["Content-Type"]) == ("<p>", "text/html")
    assert client.sandbox.faults.pending == []


def test_a_reset(client: Client) -> None:
    client.sandbox.faults.add(Fault(phase="token", kind="reset"), Fault(phase="post", kind="reset"))
    with pytest.raises(requests.ConnectionError):
        client.request_token()
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
    chunks: list[bytes] = []
    client.sandbox.faults.add(Fault(phase="post", kind="cut", framing=framing))
    with requests.post(
        client.url(report), json={}, headers=client.token(), timeout=10, stream=True
    ) as response:
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            chunks.extend(response.iter_content(1 << 10))
        announced = response.headers.get("Content-Length")
    assert response.status_code == 200
    assert announced == (str(len(whole)) if framing == "length" else None)
    got = b"".join(chunks)
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
    got = client.raw_post()
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
    got = client.raw_post()
    assert got.head.split("\r\n")[1:] == [
        "Content-Type: text/csv; charset=utf-8",
        "Connection: close",
    ]
    assert (got.body, got.is_kept) == (client.csv, False)


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
    response = client.post("people.directory")
    assert response.headers["Content-Encoding"] == encoding.removeprefix("raw-")
    assert response.content == client.csv
    whole = unchunked(client.raw_post(), framing)
    assert zlib.decompress(whole, WINDOWS[encoding]) == client.csv
    assert client.raw_post().is_kept == (framing != "close")
    half = unchunked(client.raw_post(), framing)
    assert half == whole[: len(whole) // 2]
    reader = zlib.decompressobj(WINDOWS[encoding])
    part = reader.decompress(half)
    assert client.csv.startswith(part)
    assert part
    assert not reader.eof


def unchunked(got: RawResponse, framing: str) -> bytes:
    """Return a body without its framing, which must be correct."""
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
    cut, wrong, members, plain = (client.raw_post().body for _ in range(4))
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
    unknown, transferred = client.raw_post(), client.raw_post()
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
    token = client.raw_post("oauth/token")
    hint, payload = client.raw_post(), client.raw_post()
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
    odd, bad, joined = (client.raw_post() for _ in range(3))
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
    assert client.request_token().json() == {"access_token": [[[]]]}


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

"""A response is whole and final, or an error: interim responses, headers, bodies."""

from __future__ import annotations

import contextlib
import gzip
import io
import logging
import zlib
from typing import TYPE_CHECKING

import pytest
import requests
import urllib3
from hypothesis import given
from hypothesis import strategies as st

from support.raw_server import RawServer
from tap_crewmojo.api.framing import CHUNK, has_known_end, iter_body
from tap_crewmojo.api.http import HttpSession
from tap_crewmojo.clock import Clock
from tap_crewmojo.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Iterator

FOREVER = float("inf")
SECRET_CELL = "Zaphod"
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na,b"


def session_of(server: RawServer) -> HttpSession:
    return HttpSession(server.url, "tests", Clock())


def read(http: HttpSession) -> bytes:
    with http.exchange("GET", "/", auth=lambda request: request, timeout=5) as response:
        return b"".join(iter_body(response, Clock(), FOREVER))


@pytest.mark.parametrize("status", ["101 Switching", "102 Processing", "103 Early Hints", "199 X"])
def test_an_interim_response_is_a_failure_and_the_next_request_gets_its_own_response(
    status: str,
) -> None:
    interim = f"HTTP/1.1 {status}\r\nLink: </x>\r\n\r\n".encode()
    with RawServer(interim + WHOLE.replace(b"a,b", b"old"), WHOLE) as server:
        http = session_of(server)
        with pytest.raises(TransientError, match=f"an interim response, with status {status[:3]}"):
            read(http)
        assert read(http) == b"a,b"
        assert server.connections == 2


def test_a_continue_response_is_skipped() -> None:
    with RawServer(b"HTTP/1.1 100 Continue\r\n\r\n" + WHOLE) as server:
        assert read(session_of(server)) == b"a,b"


@pytest.mark.parametrize(
    "response",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nNo colon\r\nContent-Length: 3\r\n\r\na,b", id="no-colon"),
        pytest.param(
            f"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nName,Age\r\n{SECRET_CELL},2\r\n".encode(),
            id="no-blank-line",
        ),
        pytest.param(
            f"HTTP/1.1 200 OK\r\nName,{SECRET_CELL}: 3\r\nContent-Length: 3\r\n\r\na,b".encode(),
            id="cell-as-a-name",
        ),
        pytest.param(f"{SECRET_CELL},2\r\n\r\n".encode(), id="no-status-line"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nX: " + b"Zaphod " * 20_000 + b"\r\n\r\n", id="long-header"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 9\r\n\r\na,b",
            id="two-lengths",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3\r\na,b\r\n0\r\n\r\n",
            id="unknown-transfer-encoding",
        ),
    ],
)
def test_a_response_with_malformed_headers_is_a_failure_that_shows_nothing_of_it(
    response: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with RawServer(response, WHOLE) as server:
        http = session_of(server)
        with pytest.raises(TransientError) as failure:
            read(http)
        assert read(http) == b"a,b", "the next request has a connection that works"
    assert SECRET_CELL not in str(failure.value) + caplog.text


@contextlib.contextmanager
def response_with(body: bytes, **headers: str) -> Iterator[requests.Response]:
    with requests.Response() as response:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        response.headers.update(names)
        response.raw = urllib3.HTTPResponse(io.BytesIO(body), names, preload_content=False)
        yield response


def compressed(data: bytes, encoding: str) -> bytes:
    return zlib.compress(data) if encoding == "deflate" else gzip.compress(data)


encodings = st.sampled_from(["gzip", "x-gzip", "deflate", "GZIP"])


@given(st.lists(st.binary(max_size=3 * CHUNK), min_size=1, max_size=3), encodings)
def test_a_compressed_body_is_read_whole(members: list[bytes], encoding: str) -> None:
    """Also one of several gzip members, which together are one body."""
    if encoding == "deflate":
        members = members[:1]
    body = b"".join(compressed(member, encoding) for member in members)
    with response_with(body, Content_Encoding=encoding) as response:
        assert b"".join(iter_body(response, Clock(), FOREVER)) == b"".join(members)


@given(st.binary(max_size=2000), encodings, st.data())
def test_a_cut_or_damaged_compressed_body_is_a_failure(
    content: bytes, encoding: str, data: st.DataObject
) -> None:
    body = compressed(content, encoding)
    cut = data.draw(st.integers(1, len(body) - 1), label="cut")
    broken = data.draw(
        st.sampled_from(
            [
                body[:cut],
                body[:-1] + bytes([body[-1] ^ 1]),  # its checksum, or its length
                body + b"trailing",
            ]
        )
    )
    with (
        response_with(broken, Content_Encoding=encoding) as response,
        pytest.raises(TransientError),
    ):
        list(iter_body(response, Clock(), FOREVER))


def test_two_codings_are_undone_in_turn_and_an_unknown_one_is_named() -> None:
    body = zlib.compress(gzip.compress(b"a,b"))
    with response_with(body, Content_Encoding="gzip, deflate") as response:
        assert b"".join(iter_body(response, Clock(), FOREVER)) == b"a,b"
    with (
        response_with(b"a,b", Content_Encoding="br") as response,
        pytest.raises(TransientError, match="compressed with 'br', which the tap does not accept"),
    ):
        list(iter_body(response, Clock(), FOREVER))


def test_a_bomb_is_decompressed_in_small_chunks() -> None:
    size = 1 << 28
    compressor = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(compressor.compress(bytes(1 << 20)) for _ in range(size >> 20))
    with response_with(bomb + compressor.flush(), Content_Encoding="gzip") as response:
        sizes = [len(chunk) for chunk in iter_body(response, Clock(), FOREVER)]
    assert sum(sizes) == size
    assert max(sizes) <= CHUNK


@pytest.mark.parametrize(
    ("headers", "is_known"),
    [
        ({"Content_Length": "3"}, True),
        ({"Transfer_Encoding": "chunked"}, True),
        ({"Content_Encoding": "gzip"}, True),
        ({"Content_Encoding": "identity"}, False),
        ({"Content_Length": "three"}, False),
        ({}, False),
    ],
)
def test_a_body_has_a_known_end_by_its_length_chunks_or_compression(
    headers: dict[str, str],
    is_known: bool,  # noqa: FBT001
) -> None:
    with response_with(b"a,b", **headers) as response:
        assert has_known_end(response) is is_known

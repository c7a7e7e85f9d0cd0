"""The session sends to the right place, and says in words why there is no response."""

from __future__ import annotations

import socket
import struct
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import requests

from support.raw_server import RawServer
from tap_crewmojo.api.http import HttpSession, failure_reason, retry_after
from tap_crewmojo.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable

RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na,b"


@pytest.mark.parametrize("scheme", ["http", "HTTP"])
def test_plain_http_goes_to_this_machine_and_never_to_a_proxy(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proxy would read the client secret."""
    with RawServer() as proxy, RawServer(RESPONSE) as server:
        for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(variable, proxy.url)
        session = HttpSession(server.url.replace("http", scheme), "tests", Clock())
        with session.exchange("GET", "/", auth=lambda request: request, timeout=5) as response:
            assert response.content == b"a,b"
    assert not proxy.connections


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (None, "connection refused"),
        (reset, "connection reset by peer"),
        (lambda _: None, "the connection was closed before a response"),
        (lambda connection: connection.sendall(b"?\r\n\r\n"), "BadStatusLine"),
        (lambda _: threading.Event().wait(0.5), "no response within 90 s"),
    ],
)
def test_the_reason_of_a_missing_response_is_in_words_without_its_url(
    act: Callable[[socket.socket], object] | None, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(1 << 16)
            if act:
                act(connection)

    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/secret"
        if act:
            threading.Thread(target=serve, daemon=True).start()
        else:
            server.close()
        with pytest.raises(requests.RequestException) as failure:
            requests.get(url, timeout=(5, 0.2))
        assert failure_reason(failure.value, 90) == words
        if not act:
            monkeypatch.setenv("http_proxy", url)
            with pytest.raises(requests.RequestException) as failure:
                requests.get("http://crewmojo.example/", timeout=5)
            assert failure_reason(failure.value, 90) == "the proxy: connection refused"


NOW = datetime(2025, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7),
        ("0", 0),
        ("86400", 86400),
        ("86401", None),
        ("9" * 400, None),
        ("Wed, 01 Jan 2025 00:01:00 GMT", 60),
        ("Tue, 31 Dec 2024 23:59:00 GMT", None),
        ("Wed, 01 Jan 99999 00:01:00 GMT", None),
        ("Wed, 01 Jan 2025 00:01:00 +99999999", None),
        ("Wed, 01 Jan 2025 00:01:00", None),
        ("-3", None),
        ("1.5", None),
        ("²", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_read_in_both_its_forms_and_nothing_else(
    value: str, seconds: float | None
) -> None:
    response = requests.Response()
    response.headers["Retry-After"] = value
    assert retry_after(response, NOW) == seconds

"""Why there is no response, in words."""

from __future__ import annotations

import socket
import struct
import threading
from typing import TYPE_CHECKING

import pytest
import requests
from tap_crewmojo.api.outages import reason

if TYPE_CHECKING:
    from collections.abc import Callable


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
def test_why_there_is_no_response(
    act: Callable[[socket.socket], object] | None, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def respond() -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(1 << 16)
            if act:
                act(connection)

    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/secret"
        if act:
            threading.Thread(target=respond, daemon=True).start()
        else:
            server.close()
        with pytest.raises(requests.RequestException) as failed:
            requests.get(url, timeout=(5, 0.2))
        assert reason(failed.value, 90) == words
        if not act:
            monkeypatch.setenv("http_proxy", url)
            with pytest.raises(requests.RequestException) as failed:
                requests.get("http://crewmojo.example/", timeout=5)
            assert reason(failed.value, 90) == "the proxy: connection refused"

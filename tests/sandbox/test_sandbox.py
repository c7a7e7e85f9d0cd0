"""The sandbox as a context: it starts and stops quietly, with and without TLS."""

from __future__ import annotations

import ssl
import time
import warnings
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import requests
import trustme

from support.sandbox_client import SLOW, Client
from tap_crewmojo.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path


def test_it_stops_while_requests_hang() -> None:
    began = time.monotonic()
    with Sandbox(reports={"slow": SLOW}) as sandbox:
        client = Client(sandbox)
        with pytest.raises(requests.ReadTimeout):
            requests.post(client.url("slow"), json={}, headers=client.token(), timeout=0.1)
    assert time.monotonic() - began < 5
    with pytest.raises(requests.ConnectionError):
        client.request_token()


def test_many_start_and_stop_quietly() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(5):
            with Sandbox() as one, Sandbox() as other:
                assert one.api_url != other.api_url
                assert Client(one).request_token().status_code == 200


def test_a_port_that_is_in_use(shared_client: Client) -> None:
    port = urlsplit(shared_client.sandbox.api_url).port or 0
    with pytest.raises(OSError, match="address"), Sandbox(port=port):
        pass


def test_a_sandbox_serves_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    trusted = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(trusted))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with Sandbox(ssl_context=context) as sandbox:
        assert sandbox.api_url.startswith("https://127.0.0.1:")
        hint = requests.get(sandbox.api_url.removesuffix("v1"), verify=str(trusted), timeout=10)
    assert hint.status_code == 200

"""Invalid requests, and unknown fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

if TYPE_CHECKING:
    from support.sandbox_client import Client


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"client_id": 1}'])
def test_a_malformed_token_request_is_refused(shared_client: Client, body: bytes) -> None:
    response = requests.post(
        f"{shared_client.sandbox.api_url}/oauth/token",
        data=body,
        headers={"Content-Type": "application/json"},
        timeout=10,
    )
    assert response.status_code == 400
    assert response.json()["error"]


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
def test_an_invalid_report_request_is_refused(shared_client: Client, body: bytes) -> None:
    response = requests.post(
        shared_client.url("people.directory"), data=body, headers=shared_client.token(), timeout=10
    )
    assert response.status_code == 400
    assert response.headers["Content-Type"] == "application/json"
    assert response.json()["error"]


def test_unknown_fields_are_ignored(shared_client: Client) -> None:
    assert shared_client.post("people.directory", colour="blue").status_code == 200

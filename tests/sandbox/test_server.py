"""The HTTP server: its root, and the faults that act on time, tokens and jobs."""

from __future__ import annotations

import pytest
import requests

from support.sandbox_client import MARCH, Client
from tap_crewmojo.sandbox.faults import Fault, Phase


def test_the_root_explains_the_sandbox(shared_client: Client) -> None:
    response = requests.get(shared_client.sandbox.api_url.removesuffix("v1"), timeout=10)
    assert "made-up people" in response.text


def test_a_delay_takes_api_seconds(client: Client) -> None:
    client.sandbox.faults.add(Fault(phase="post", kind="delay", seconds=20))
    assert client.post("people.directory").status_code == 200
    assert client.sandbox.requests[-1].seconds >= 20


def test_a_revoked_token_is_refused(client: Client) -> None:
    client.sandbox.faults.add(Fault(phase="poll", kind="revoke"))
    token = client.token()
    job = client.post("people.directory", token, jobId=True).json()["jobId"]
    assert client.poll("people.directory", job, token).status_code == 401
    assert client.poll("people.directory", job, client.token()).status_code == 200


@pytest.mark.parametrize("phase", ["post", "poll"])
def test_a_lost_job_is_unknown(client: Client, phase: Phase) -> None:
    client.sandbox.faults.add(Fault(phase=phase, kind="lose-job", start=20240301))
    token = client.token()
    job = client.post("people.directory", token, jobId=True, **MARCH).json()["jobId"]
    assert client.poll("people.directory", job, token).status_code == 404
    assert client.sandbox.faults.pending == []


def test_a_token_whose_response_is_cut_is_issued(client: Client) -> None:
    client.sandbox.faults.add(Fault(phase="token", kind="cut"))
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        client.request_token()
    assert len(client.sandbox.tokens) == 1

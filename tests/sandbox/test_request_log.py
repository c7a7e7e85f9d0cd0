"""The request log: complete, and without secrets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from support.sandbox_client import MARCH, SCALE, Client
from tap_crewmojo.sandbox.faults import Fault
from tap_crewmojo.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path


def test_the_log_shows_each_request_and_no_secret(tmp_path: Path) -> None:
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

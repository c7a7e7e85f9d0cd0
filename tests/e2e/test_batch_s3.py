"""BATCH files in object storage: the real command line, and an S3 server on this machine."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
import requests

from support.sandboxes import DIRECTORY, settings_for
from support.tap_runs import Run, run_tap, tap_command, tap_environment, timeless

if TYPE_CHECKING:
    from pathlib import Path

    from support.servers import Servers
    from support.tap_runs import Record
    from tap_crewmojo.sandbox.sandbox import Sandbox

BUCKET = "lake"
REPORTS = ("oneonone.detail", DIRECTORY)
BATCHES = {
    "encoding": {"format": "jsonl", "compression": "gzip"},
    "storage": {"root": f"s3://{BUCKET}/raw/crewmojo"},
}
SECRETS = {"AWS_SECRET_ACCESS_KEY": "the-secret-key", "AWS_SESSION_TOKEN": "the-session-token"}


def aws_environment(endpoint: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,  # not the developer's own
        "AWS_MAX_ATTEMPTS": "1",
        **SECRETS,
    }


@pytest.fixture(scope="module")
def s3(servers: Servers) -> str:
    """The URL of an S3 server that holds an empty bucket."""
    url = servers.object_storage
    assert requests.put(f"{url}/{BUCKET}", timeout=10).ok
    return url


def _records_at(s3: str, url: str) -> list[Record]:
    response = requests.get(url.replace("s3:/", s3, 1), timeout=10)
    response.raise_for_status()
    return [json.loads(line) for line in gzip.decompress(response.content).splitlines()]


def test_a_bucket_holds_the_records_before_their_state_comes(
    s3: str, company: Sandbox, tmp_path: Path
) -> None:
    config = settings_for(company, *REPORTS)
    plain = run_tap(config, tmp_path).succeeded()
    loaded: dict[str, list[Record]] = {"oneonone_detail": [], "people_directory": []}
    bookmarks = []
    with (
        (tmp_path / "log").open("wb") as log,
        subprocess.Popen(
            tap_command(config | {"batch_config": BATCHES}, tmp_path),
            stdout=subprocess.PIPE,
            stderr=log,
            env=tap_environment(aws_environment(s3)),
        ) as tap,
    ):
        for line in tap.stdout or ():
            message = json.loads(line)
            if message["type"] == "BATCH":
                for url in message["manifest"]:
                    loaded[message["stream"]] += _records_at(s3, url)  # it has to be there by now
            elif message["type"] == "STATE":
                state = message["value"]["bookmarks"].get("oneonone_detail")
                if state:
                    bookmarks.append(state["replication_key_value"])
                    assert bookmarks[-1] == loaded["oneonone_detail"][-1]["_sdc_report_end_date"]
    written = (tmp_path / "log").read_text(encoding="utf-8")
    assert tap.returncode == 0, written
    assert list(dict.fromkeys(bookmarks)) == ["2025-01-31", "2025-02-28", "2025-03-15"]
    for stream, records in loaded.items():
        assert records
        assert [*map(timeless, records)] == [*map(timeless, plain.records(stream))]
    assert "DEBUG" in written
    emails = {value for row in loaded["people_directory"] for value in _emails(row)}
    assert emails
    assert not [word for word in {*SECRETS.values(), *emails} if word in written]


def _emails(record: Record) -> list[str]:
    return [value for value in record.values() if isinstance(value, str) and "@" in value]


def test_a_bucket_that_cannot_be_written_to_moves_no_bookmark(
    company: Sandbox, tmp_path: Path
) -> None:
    config = settings_for(company, "oneonone.detail", batch_config=BATCHES)
    run: Run = run_tap(config, tmp_path, env=aws_environment("http://127.0.0.1:9"))
    assert run.returncode == 1
    failure = "The batch files could not be written to s3://"
    assert re.search(rf"{failure}\S+ \(EndpointConnectionError\)", run.stderr)
    assert "Traceback" not in run.stderr
    assert run.bookmarks["oneonone_detail"] is None

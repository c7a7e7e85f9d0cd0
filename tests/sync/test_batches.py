"""BATCH files hold the records, and come before the state of their window."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.batches import rows_of
from support.catalogs import deselect
from support.drifting import month
from support.sandboxes import settings_for
from support.tap_runs import TIME_SCALE, run_tap, timeless
from tap_crewmojo.sandbox.company.company import ReportSource
from tap_crewmojo.sandbox.sandbox import Sandbox


@pytest.mark.parametrize("encoding", [("jsonl", "gzip"), ("parquet", "gzip"), ("parquet", "none")])
def test_batches_hold_the_records_and_come_before_their_state(
    encoding: tuple[str, str], tmp_path: Path
) -> None:
    reports = {"changing": ReportSource(month)}
    with Sandbox(time_scale=TIME_SCALE, people=3, reports=reports) as sandbox:
        config = settings_for(sandbox, "changing", end_date="2025-07-31")
        catalog = run_tap(config | {"end_date": "2025-04-30"}, tmp_path, "--discover").catalog
        deselect(catalog, "changing", "Secret")
        whole = run_tap(config, tmp_path, catalog=catalog).succeeded()
        config["batch_config"] = {
            "encoding": {"format": encoding[0], "compression": encoding[1]},
            "storage": {"root": f"file://{tmp_path}/batches", "prefix": "nightly-"},
        }
        (tmp_path / "batches").mkdir()
        run = run_tap(config, tmp_path, catalog=catalog).succeeded()
    records = []
    for message in map(json.loads, run.stdout.splitlines()):
        match message["type"]:
            case "SCHEMA":
                columns = set(message["schema"]["properties"])
            case "BATCH":
                assert message["encoding"] == {"format": encoding[0], "compression": encoding[1]}
                for url in message["manifest"]:
                    file = Path(url.removeprefix("file://"))
                    assert file.name.startswith("nightly-")
                    records += rows_of(file)
                assert all(set(record) <= columns for record in records)
            case "STATE" if bookmark := message["value"]["bookmarks"].get("changing"):
                assert bookmark["replication_key_value"] == records[-1]["_sdc_report_end_date"]
    assert "Secret" not in columns
    filled = [dict.fromkeys(columns) | timeless(record) for record in records]
    expected = [dict.fromkeys(columns) | timeless(r) for r in whole.records("changing")]
    assert filled == expected
    assert run.bookmarks == {"changing": "2025-07-31"}


def test_batches_of_nested_json_are_json_lines(tmp_path: Path) -> None:
    body = b'[{"Name": "Ann", "Answers": {"mood": 4}}, {"Name": "Bob", "Answers": {"wish": "x"}}]'
    reports = {"survey": ReportSource(lambda *_: body, content_type="application/json")}
    with Sandbox(time_scale=TIME_SCALE, people=3, reports=reports) as sandbox:
        survey = {"id": "survey", "replication_method": "FULL_TABLE"}
        config = settings_for(sandbox, survey, content_type="json")
        config["batch_config"] = {
            "encoding": {"format": "parquet"},
            "storage": {"root": f"file://{tmp_path}/batches"},
        }
        run = run_tap(config, tmp_path).succeeded()
    (batch,) = (message for message in run.messages if message["type"] == "BATCH")
    assert batch["encoding"] == {"format": "jsonl", "compression": "gzip"}
    (url,) = batch["manifest"]
    rows = rows_of(Path(url.removeprefix("file://")))
    assert [row["Answers"] for row in rows] == [{"mood": 4}, {"wish": "x"}]
    assert "its batches are JSON lines, not parquet" in run.stderr

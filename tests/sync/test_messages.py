"""The same messages, whatever way the records take."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from support.drifting import month
from support.sandboxes import DIRECTORY, settings_for
from support.tap_runs import TIME_SCALE, run_tap
from tap_crewmojo.sandbox.company.company import ReportSource
from tap_crewmojo.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("content_type", ["csv", "json"])
def test_the_fast_lane_and_the_sdks_lane_write_the_same_messages(
    content_type: str, tmp_path: Path
) -> None:
    reports = {"changing": ReportSource(month)}
    with Sandbox(time_scale=TIME_SCALE, people=12, reports=reports) as sandbox:
        config = settings_for(
            sandbox,
            "changing",
            "oneonone.detail",
            DIRECTORY,
            end_date="2025-09-30",
            content_type=content_type,
            emit_activate_version_messages=True,
        )
        # A map that changes nothing is one all the same: the SDK applies it to each record.
        same: dict[str, Any] = {"changing": {}, "oneonone_detail": {}, "people_directory": {}}
        lanes = [
            run_tap(config, tmp_path).succeeded().messages,
            run_tap(config | {"stream_maps": same}, tmp_path).succeeded().messages,
        ]
    for messages in lanes:
        for message in messages:
            message.pop("time_extracted", None)
            message.pop("version", None)
            message.get("record", {}).pop("_sdc_report_datetime", None)
    assert lanes[0] == lanes[1]
    assert [list(message.get("record", ())) for message in lanes[0]] == [
        list(message.get("record", ())) for message in lanes[1]
    ], "in the same order"


def test_parallel_downloads_do_not_show_in_the_output(tmp_path: Path) -> None:
    outputs = []
    for parallel in (1, 16):
        with Sandbox(time_scale=TIME_SCALE, people=12) as sandbox:
            config = settings_for(
                sandbox,
                "oneonone.summary",
                "oneonone.detail",
                "engagement.survey",
                max_parallel_reports=parallel,
                end_date="2025-06-30",
                request_timeout=600,
                job_timeout=600,
            )
            run = run_tap(config, tmp_path).succeeded()
            assert len(sandbox.tokens) == 1
        lines = []
        for message in run.messages:
            message.pop("time_extracted", None)
            message.get("record", {}).pop("_sdc_report_datetime", None)
            lines.append(json.dumps(message))
        outputs.append(lines)
    assert outputs[0] == outputs[1]

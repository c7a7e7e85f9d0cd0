"""Drift, through Meltano, which keeps the catalog: all values have arrived afterwards."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

from uv import find_uv_bin

from support.drifting import month, source, text
from support.repository import ROOT
from support.sandboxes import requested, variables_for
from support.tap_runs import TIME_SCALE
from support.targets import meltano_project, run_meltano
from tap_crewmojo.sandbox.company.company import ReportSource
from tap_crewmojo.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from tap_crewmojo.sandbox.company.table import Table


Values = dict[tuple[str, int], dict[str, str]]


def values(rows: list[dict[str, Any]]) -> Values:
    """Return the values of a table as text, by window and row, variants joined again."""
    result: Values = {}
    for row in rows:
        key = (str(row["_sdc_report_start_date"]), int(row["_sdc_row_number"]))
        assert key not in result, "each row once"
        result[key] = {
            name.removesuffix("__text"): text(value)
            for name, value in row.items()
            if value is not None and not name.startswith("_sdc")
        }
    return result


def test_meltano_with_a_cached_catalog(tmp_path: Path) -> None:
    """Only a plugin installed from a distribution has its catalog cached."""
    subprocess.run(
        [find_uv_bin(), "build", "--quiet", "--wheel", "--out-dir", str(tmp_path / "dist"), ROOT],
        check=True,
        capture_output=True,
    )
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    project = meltano_project(tmp_path)
    definition = (project / "meltano.yml").read_text(encoding="utf-8")
    pip_url = f"pip_url: {wheel.as_posix()}"
    definition = re.sub(r"pip_url: .*-e .*", pip_url, definition, count=1)
    (project / "meltano.yml").write_text(definition, encoding="utf-8")

    changed = False

    def report(start: date | None, end: date | None) -> Table:
        assert start
        return month(start if changed else start.replace(month=4), end)

    reports = {"changing": ReportSource(report)}
    with Sandbox(time_scale=TIME_SCALE, people=3, reports=reports) as sandbox:
        env = variables_for(sandbox, "changing", end_date="2025-09-30", lookback_days=400)
        env["TARGET_JSONL_DO_TIMESTAMP_FILE"] = "false"
        run_meltano(project, "run", "tap-crewmojo", "target-jsonl", env=env)
        before = len(requested(sandbox))
        changed = True
        run_meltano(project, "run", "tap-crewmojo", "target-jsonl", env=env)
        again = requested(sandbox)[before:]
    assert len(again) == 9, "no sample: the catalog came from Meltano's cache"
    file = project / "output" / "changing.jsonl"
    records = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    newest: dict[str, str] = {}
    for record in records:
        newest[record["_sdc_report_start_date"]] = record["_sdc_report_datetime"]
    current = [
        record
        for record in records
        if record["_sdc_report_datetime"] == newest[record["_sdc_report_start_date"]]
    ]
    assert values(current) == source()

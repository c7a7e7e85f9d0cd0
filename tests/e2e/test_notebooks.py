"""The examples of `read_report` on the page about Python, in each library that they name."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import defaultdict
from datetime import date
from typing import TYPE_CHECKING

import pytest

from support.repository import block
from support.sandboxes import settings_for
from support.tap_runs import tap_environment

if TYPE_CHECKING:
    from pathlib import Path

    from tap_crewmojo.sandbox.sandbox import Sandbox


@pytest.mark.parametrize(
    "example",
    [block("command: with pandas"), block("command: with polars"), block("command: with duckdb")],
    ids=["pandas", "polars", "duckdb"],
)
def test_each_library_sums_up_what_the_company_has(
    company: Sandbox, tmp_path: Path, example: str
) -> None:
    expected: dict[str, float] = defaultdict(float)
    for start, end in [(1, 31), (2, 28), (3, 31)]:
        months = company.company.report(
            "oneonone.summary", date(2025, start, 1), date(2025, start, end)
        )
        team, held = map(months.headings.index, ("Team", "Completed 1:1s"))
        for row in months.rows:
            expected[str(row[team])] += float(str(row[held]))
    config = settings_for(company)
    del config["reports"], config["start_date"], config["end_date"]
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    printed = subprocess.run(
        [sys.executable, "-c", block("command: read a report") + example],
        cwd=tmp_path,
        env=tap_environment({"PYTHONUTF8": "1"}),
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=True,
    ).stdout
    assert len(expected) > 2
    totals = {
        team: float(total)
        for line in printed.splitlines()
        for team in expected
        if team in line
        for total in re.findall(r"([\d.]+)\W*$", line)
    }
    assert totals == expected

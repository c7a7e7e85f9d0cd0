"""The page about errors: the summary that ends a run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from support.repository import block
from support.sandboxes import settings_for
from support.tap_runs import run_tap
from tap_crewmojo.sandbox.faults import Fault

if TYPE_CHECKING:
    from pathlib import Path

    from tap_crewmojo.sandbox.sandbox import Sandbox


def test_a_run_ends_with_the_summary_that_is_shown(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.faults.add(
        Fault(phase="post", kind="status", status=404, report="review.detail", start=20250301)
    )
    slow = {"id": "review.detail", "force_job": True}
    run = run_tap(settings_for(sandbox, "oneonone.summary", slow), tmp_path)
    assert run.returncode == 1
    logged = re.findall(r"\S+: Summary: .*", run.stderr)
    assert list(map(without_counts, logged)) == [
        without_counts(line) for line in block("output: summary").splitlines()
    ]


def without_counts(line: str) -> str:
    """Return a line without its numbers of rows and seconds."""
    return re.sub(r"[\d.,]+ (rows|s)\b", r"# \1", line)

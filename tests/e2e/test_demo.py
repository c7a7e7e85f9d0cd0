"""The demo prints and draws what the documentation shows of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from support.repository import ROOT, block


def test_the_pages_show_what_the_demo_prints_and_draws(tmp_path: Path) -> None:
    picture = tmp_path / "new" / "picture.png"
    here = Path(sys.executable).parent  # the demo finds the tap on PATH, as nox lays it
    done = subprocess.run(
        [sys.executable, str(ROOT / "demo/demo.py"), str(picture)],
        cwd=tmp_path,
        env=os.environ | {"PATH": f"{here}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    shown = block("output: demo")
    assert len(shown.splitlines()) > 20
    assert _without_timings(shown) in _without_timings(done.stdout)
    assert str(picture) in done.stdout
    # Renew it with `nox -s demo -- demo/one-on-ones.png` and look at it.
    assert picture.read_bytes() == (ROOT / "demo/one-on-ones.png").read_bytes()


def _without_timings(printed: str) -> str:
    return re.sub(r"polled \d+ times", "polled", printed)

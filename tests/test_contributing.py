"""CONTRIBUTING lists the modules that there are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from targets import ROOT

if TYPE_CHECKING:
    from pathlib import Path

CONTRIBUTING = (ROOT / ".github/CONTRIBUTING.md").read_text(encoding="utf-8")
TABLE = [
    re.findall(r"`([^`]+)`", row)
    for row in re.findall(r"^\| (`\w+/.*?) \|", CONTRIBUTING, re.MULTILINE)
]

MODULES = {path.stem for path in (ROOT / "tap_crewmojo").glob("*.py")} - {"__init__"}


def test_the_table_lists_each_module_once() -> None:
    listed = [path for row in TABLE for path in paths(row)]
    assert all(path.exists() for path in listed), listed
    of_the_tap = [path.stem for path in listed if path.parent == ROOT / "tap_crewmojo"]
    assert sorted(of_the_tap) == sorted([*MODULES, "sandbox"])


def paths(row: list[str]) -> list[Path]:
    """Return the files of a row: the first with its folder, the others beside it."""
    first = ROOT / row[0]
    return [first, *(ROOT / name if "/" in name else first.parent / name for name in row[1:])]

"""CONTRIBUTING lists what there is."""

from __future__ import annotations

import re
from pathlib import Path

import tap_crewmojo
from support.repository import ROOT

CONTRIBUTING = (ROOT / ".github/CONTRIBUTING.md").read_text(encoding="utf-8")
PACKAGE = Path(tap_crewmojo.__file__).parent
ROWS = [
    (layer, re.findall(r"`([^`]+)`", names))
    for layer, names in re.findall(r"^\| ([\d-]) \| (.*?) \|", CONTRIBUTING, re.MULTILINE)
]


def test_the_table_has_each_module_and_folder_once() -> None:
    listed = sorted(name for _, names in ROWS for name in names)
    modules = [path.name for path in PACKAGE.glob("*.py") if path.name != "__init__.py"]
    folders = [f"{path.parent.name}/" for path in PACKAGE.glob("*/__init__.py")]
    assert listed == sorted(modules + folders)


def test_its_layers_are_those_that_lint_checks() -> None:
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    contract = re.findall(r"^layers = \[\n(.*?)^\]", pyproject, re.MULTILINE | re.DOTALL)[0]
    below = [set(re.split(r" [:|] ", layer)) for layer in re.findall(r'"(.*)"', contract)]
    place = {name: number for number, names in enumerate(below) for name in names}
    listed = [
        (int(layer), place[name.removesuffix("/").removesuffix(".py")])
        for layer, names in ROWS
        if layer != "-"
        for name in names
    ]
    assert listed == sorted(listed, key=lambda pair: pair[1])

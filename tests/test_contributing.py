"""CONTRIBUTING draws and lists the modules that there are."""

from __future__ import annotations

import ast
import re
import tomllib
from typing import TYPE_CHECKING

from targets import ROOT

if TYPE_CHECKING:
    from pathlib import Path

CONTRIBUTING = (ROOT / ".github/CONTRIBUTING.md").read_text(encoding="utf-8")
(PICTURE,) = re.findall(r"```mermaid\n(.*?)```", CONTRIBUTING, re.DOTALL)
TABLE = [
    re.findall(r"`([^`]+)`", row)
    for row in re.findall(r"^\| (`\w+/.*?) \|", CONTRIBUTING, re.MULTILINE)
]

MODULES = {path.stem for path in (ROOT / "tap_crewmojo").glob("*.py")} - {"__init__"}


def imports(name: str) -> set[str]:
    """Return the modules that one imports; those for types only are not at the top level."""
    tree = ast.parse((ROOT / f"tap_crewmojo/{name}.py").read_text(encoding="utf-8"))
    nodes = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    paths = [f"{node.module}.{alias.name}".split(".") for node in nodes for alias in node.names]
    return {path[1] for path in paths if path[0] == "tap_crewmojo"} & MODULES


IMPORTS = {name: imports(name) for name in MODULES}


def test_the_picture_has_the_layers_of_the_contract() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = (
        contract
        for contract in pyproject["tool"]["importlinter"]["contracts"]
        if contract["type"] == "layers"
    )
    drawn = [
        {node.strip().split(":::")[0] for node in nodes.split(";")}
        for nodes in re.findall(r"subgraph .*\n(.*)\n +end\n", PICTURE)
    ]
    assert drawn == [set(layer.split(" | ")) for layer in contract["layers"]]
    assert sorted(name for layer in drawn for name in layer) == sorted(MODULES)


def test_its_arrows_are_the_imports_that_no_others_imply() -> None:
    drawn = {
        (start, end)
        for start, ends in re.findall(r"^ +(\w+) --> (.*)$", PICTURE, re.MULTILINE)
        for end in ends.split(" & ")
    }
    assert drawn == {
        (name, imported)
        for name, directly in IMPORTS.items()
        for imported in directly
        if not any(imported in reached(other) for other in directly)
    }


def test_its_layers_are_all_styled() -> None:
    layers = re.findall(r"subgraph (\w+)", PICTURE)
    assert re.findall(r"class (\S+) layer$", PICTURE, re.MULTILINE) == [",".join(layers)]


def test_the_table_lists_each_module_once() -> None:
    listed = [path for row in TABLE for path in paths(row)]
    assert all(path.exists() for path in listed), listed
    of_the_tap = [path.stem for path in listed if path.parent == ROOT / "tap_crewmojo"]
    assert sorted(of_the_tap) == sorted([*MODULES, "sandbox"])


def reached(name: str) -> set[str]:
    """Return what a module imports, directly or over others."""
    return IMPORTS[name].union(*map(reached, IMPORTS[name]))


def paths(row: list[str]) -> list[Path]:
    """Return the files of a row: the first with its folder, the others beside it."""
    first = ROOT / row[0]
    return [first, *(ROOT / name if "/" in name else first.parent / name for name in row[1:])]

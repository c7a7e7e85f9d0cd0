"""Each contract on imports in `pyproject.toml` refuses a module that breaks it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tap_crewmojo
from support.repository import ROOT

PACKAGE = Path(tap_crewmojo.__file__).parent
ALL_BUT_THE_SANDBOX = sorted(
    path.stem
    for path in PACKAGE.iterdir()
    if (path.suffix == ".py" and path.stem != "__init__") or (path / "__init__.py").exists()
    if path.stem != "sandbox"
)


@pytest.mark.parametrize(
    ("contract", "folder", "imported"),
    [
        pytest.param("Imports go down", "readers", ["streams"], id="upward"),
        pytest.param("Imports go down", "readers", ["schema.types"], id="sideways"),
        pytest.param("know nothing of each other", "api", ["singer.state"], id="api-singer"),
        pytest.param("know nothing of each other", "singer", ["api.auth"], id="singer-api"),
        pytest.param(
            "The sandbox imports nothing", "sandbox", ALL_BUT_THE_SANDBOX, id="sandbox-tap"
        ),
        pytest.param("The tap imports nothing", "config", ["sandbox.server"], id="tap-sandbox"),
    ],
)
def test_a_forbidden_import_breaks_its_contract(
    contract: str, folder: str, imported: list[str], tmp_path: Path
) -> None:
    shutil.copytree(PACKAGE, tmp_path / "tap_crewmojo")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    lines = [f"import tap_crewmojo.{name}" for name in imported]
    intruder = tmp_path / "tap_crewmojo" / folder / "intruder.py"
    intruder.write_text("\n".join(lines), encoding="utf-8")

    lint_imports = shutil.which("lint-imports", path=Path(sys.executable).parent)
    assert lint_imports
    run = subprocess.run(
        [lint_imports, "--no-cache", "--no-logo"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path), "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=False,
    )

    assert run.returncode == 1
    (broken,) = re.findall(r"^(.*) BROKEN$", run.stdout, re.MULTILINE)
    assert contract in broken
    for name in imported:
        edge = rf"tap_crewmojo\.{folder}\.intruder -> tap_crewmojo\.{re.escape(name)} \(l\.\d+\)"
        assert re.search(edge, run.stdout), run.stdout

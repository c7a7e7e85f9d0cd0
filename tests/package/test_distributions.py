"""The distributions in `dist`, each in an environment where nothing else is installed."""

from __future__ import annotations

import itertools
import json
import os
import shlex
import signal
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from email.parser import BytesParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from uv import find_uv_bin

from support.repository import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TIMEOUT = 180  # seconds; what is installed may have to be downloaded

(WHEEL,) = (ROOT / "dist").glob("*.whl")
(SDIST,) = (ROOT / "dist").glob("*.tar.gz")
VERSION = SDIST.name.removeprefix("tap_crewmojo-").removesuffix(".tar.gz")


def run(command: list[str], cwd: Path, env: Mapping[str, str] | None = None) -> str:
    """Return what a program prints; if it fails, raise with what it complains of."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=os.environ | dict(env or {}),
        capture_output=True,
        encoding="utf-8",
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@dataclass(frozen=True)
class Environment:
    """A virtual environment outside this repository, with one requirement installed."""

    folder: Path

    @classmethod
    def of(cls, requirement: str, folder: Path) -> Environment:
        environment = cls(folder)
        uv, python = find_uv_bin(), environment.program("python")
        run([uv, "venv", "--quiet", "--python", sys.executable, "environment"], folder)
        run([uv, "pip", "install", "--quiet", "--python", python, requirement], folder)
        return environment

    def program(self, name: str) -> str:
        return str(self.folder / "environment" / "bin" / name)


@pytest.fixture(
    scope="module", params=[pytest.param(WHEEL, id="wheel"), pytest.param(SDIST, id="sdist")]
)
def installed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Environment:
    """The tap without an extra, from the wheel or built from the source distribution."""
    return Environment.of(str(request.param), tmp_path_factory.mktemp("installed"))


def test_it_says_its_version(installed: Environment, tmp_path: Path) -> None:
    said = run([installed.program("tap-crewmojo"), "--version"], tmp_path)
    assert said.startswith(f"tap-crewmojo v{VERSION}, ")


def test_it_describes_itself(installed: Environment, tmp_path: Path) -> None:
    about = run([installed.program("tap-crewmojo"), "--about", "--format=json"], tmp_path)
    described = json.loads(about)
    assert (described["name"], described["version"]) == ("tap-crewmojo", VERSION)
    assert "client_secret" in described["settings"]["properties"]


def test_its_probe_explains_itself(installed: Environment, tmp_path: Path) -> None:
    assert "--slow" in run([installed.program("tap-crewmojo-probe"), "--help"], tmp_path)


@dataclass(frozen=True)
class RunningSandbox:
    """The sandbox of the installed wheel, and what it says to put into the tap's environment."""

    environment: Environment
    exports: Mapping[str, str]


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[RunningSandbox]:
    environment = Environment.of(f"{WHEEL}[sandbox]", tmp_path)
    command = [environment.program("tap-crewmojo-sandbox"), "--port=0", "--time-scale=0.01"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, encoding="utf-8"
    ) as process:
        assert process.stdout
        lines = itertools.takewhile(lambda line: "Ctrl-C" not in line, process.stdout)
        exports = [shlex.split(line)[1] for line in lines if line.startswith("export ")]
        yield RunningSandbox(environment, dict(export.split("=", 1) for export in exports))
        process.send_signal(signal.SIGTERM)
    assert process.returncode == 0


def test_the_wheel_with_its_sandbox_syncs(sandbox: RunningSandbox, tmp_path: Path) -> None:
    tap = sandbox.environment.program("tap-crewmojo")
    lines = run([tap, "--config=ENV"], tmp_path, sandbox.exports).splitlines()
    messages = [json.loads(line) for line in lines]
    reports = json.loads(sandbox.exports["TAP_CREWMOJO_REPORTS"])
    of_type = {
        kind: {message.get("stream") for message in messages if message["type"] == kind}
        for kind in ("SCHEMA", "RECORD")
    }
    assert len(of_type["SCHEMA"]) == len(reports)
    assert of_type["RECORD"] == of_type["SCHEMA"]
    assert messages[-1]["type"] == "STATE"
    assert messages[-1]["value"]["bookmarks"].keys() == of_type["SCHEMA"]


def test_the_wheel_brings_its_types_and_licence_and_no_tests() -> None:
    with zipfile.ZipFile(WHEEL) as wheel:
        names = set(wheel.namelist())
        about = f"tap_crewmojo-{VERSION}.dist-info"
        metadata = BytesParser().parsebytes(wheel.read(f"{about}/METADATA"))
    assert {name.split("/")[0] for name in names} == {"tap_crewmojo", about}
    assert "tap_crewmojo/py.typed" in names
    assert not any("test" in Path(name).stem for name in names)
    assert f"{about}/licenses/LICENSE" in names
    assert metadata["License-Expression"] == "Apache-2.0"


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="git lists the files")
def test_the_source_distribution_is_all_that_git_does_not_ignore() -> None:
    there = run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], ROOT)
    with tarfile.open(SDIST) as sdist:
        held = {name.split("/", 1)[1] for name in sdist.getnames()}
    assert held - {"PKG-INFO"} == set(there.rstrip("\0").split("\0"))

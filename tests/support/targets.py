"""The programs that the tests load data with: Singer targets and Meltano.

Targets and Meltano have environments of their own, since their requirements contradict ours.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from uv import find_uv_bin

from support.repository import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TIMEOUT = 180  # seconds; the first run of a program installs it


@dataclass(frozen=True)
class TargetSpec:
    """A Singer target: what to install, with what else or against its wish, and what to run.

    Attributes:
        within: a Python program that runs the executable, in the environment of the target.
    """

    requirement: str
    executable: str
    beside: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    override: str = ""
    within: Path | None = None


PYARROW = "pyarrow"  # with which a target made with the SDK reads parquet
JSONL = TargetSpec("target-jsonl==0.1.4", "target-jsonl")
CSV = TargetSpec("meltanolabs-target-csv==0.5.0", "target-csv", (PYARROW,))
POSTGRES = TargetSpec("meltanolabs-target-postgres==0.8.1", "target-postgres", (PYARROW,))
PIPELINEWISE = TargetSpec(
    "pipelinewise-target-postgres==2.1.2",
    "target-postgres",
    override="psycopg2-binary>=2.9.10",  # its own has no wheels for Python 3.12 and newer
)
DUCKDB = TargetSpec("target-duckdb==0.8.0", "target-duckdb", ("duckdb==1.2.2",))
DUCKDB_AS_IT_INSTALLS = TargetSpec("target-duckdb==0.8.0", "target-duckdb", ("duckdb==2.0.1",))
STITCH = TargetSpec("target-stitch==4.0.3", "target-stitch", (), ("--dry-run", "--output-file=-"))
S3_JSONL = TargetSpec("target-s3-jsonl==2.0.1", "target-s3-jsonl")
KAFKA = TargetSpec("target-kafka==0.1.3", "target-kafka", (PYARROW,))
BIGQUERY = TargetSpec(
    "z3-target-bigquery==0.7.2",
    "target-bigquery",
    ("setuptools<81",),  # newer ones lack pkg_resources, which a requirement of it imports
    within=Path(__file__).with_name("prompt_bigquery.py"),
)
SNOWFLAKE = TargetSpec(
    "meltanolabs-target-snowflake==0.20.4",
    "target-snowflake",
    ("fakesnow==0.12.1", "duckdb==2.0.1"),
    within=Path(__file__).with_name("fake_snowflake.py"),
)
MELTANO = "meltano==4.4.1"

# Set here too, whatever the project says: a test must not report to anybody.
_QUIET = {
    "MELTANO_CLI_DISABLE_VERSION_CHECK": "true",
    "MELTANO_SEND_ANONYMOUS_USAGE_STATS": "false",
}


def run_target(
    spec: TargetSpec,
    config: Mapping[str, object],
    messages: str | bytes,
    cwd: Path,
    env: Mapping[str, str] | None = None,
) -> str:
    """Pipe Singer messages into a target; return what it prints: the states it has loaded."""
    config_file = cwd / f"{spec.executable}.config.json"
    config_file.write_text(json.dumps(config), encoding="utf-8")
    overrides = cwd / f"{spec.executable}.overrides.txt"
    overrides.write_text(spec.override, encoding="utf-8")
    within = ["python", str(spec.within)] if spec.within else []
    program = [*tool(spec.requirement, *spec.beside), *within, spec.executable, *spec.arguments]
    command = [*program, "--config", str(config_file)]
    return _run(command, cwd, messages, {"UV_OVERRIDE": str(overrides), **(env or {})})


def meltano_project(directory: Path) -> Path:
    """Make a Meltano project of our meltano.yml in `directory`, with the tap taken from here."""
    text = (ROOT / "meltano.yml").read_text(encoding="utf-8")
    source = "pip_url: -e ."
    if text.count(source) != 1:
        message = f"meltano.yml should say once: {source}"
        raise ValueError(message)
    pip_url = json.dumps(f"-e {shlex.quote(str(ROOT))}")
    text = text.replace(source, f"pip_url: {pip_url}")
    (directory / "meltano.yml").write_text(text, encoding="utf-8")
    return directory


def clone_in(folder: Path) -> Path:
    """Return what is as good as a clone of this repository, with all that is not committed yet."""
    clone = folder / "tap-crewmojo"
    clone.symlink_to(ROOT)
    return clone


def loader_definition(file: Path) -> Path:
    """Write the definition of our meltano.yml's loader to a file."""
    project = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    (loader,) = project["plugins"]["loaders"]
    file.write_text(yaml.safe_dump(loader), encoding="utf-8")
    return file


def run_meltano(project: Path, *arguments: str, env: Mapping[str, str] | None = None) -> str:
    """Run Meltano in a project; return what it prints."""
    return _run([*_meltano(), *arguments], cwd=project, env=_QUIET | dict(env or {}))


def meltano_log(project: Path, *arguments: str, env: Mapping[str, str]) -> tuple[int, str]:
    """Run Meltano in a project; return its exit code and its log, whether it fails or not."""
    done = subprocess.run(
        [*_meltano(), *arguments],
        cwd=project,
        env=os.environ | _QUIET | dict(env),
        capture_output=True,
        encoding="utf-8",
        timeout=TIMEOUT,
        check=False,
    )
    return done.returncode, done.stderr


def _meltano() -> list[str]:
    return [*tool(MELTANO), "meltano"]


def tool(requirement: str, *beside: str) -> list[str]:
    """Return the words before a program of a package, which runs in an environment of its own."""
    # This very Python: uv would look for, and may download, one that it likes better.
    uv = [find_uv_bin(), "tool", "run", "--quiet", "--python", sys.executable]
    return [*uv, *(f"--with={other}" for other in beside), "--from", requirement]


def _run(
    command: Sequence[str],
    cwd: Path,
    stdin: str | bytes = b"",
    env: Mapping[str, str] | None = None,
) -> str:
    """Return what a program prints; if it fails, raise with what it complains of."""
    done: subprocess.CompletedProcess[bytes] = subprocess.run(
        command,
        cwd=cwd,
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        env=os.environ | dict(env or {}),
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
    )
    if done.returncode != 0:
        message = f"{command} ended with {done.returncode}:\n{done.stderr.decode()}"
        raise RuntimeError(message)
    return done.stdout.decode()

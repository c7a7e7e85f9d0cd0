"""The dbt example, copied and run in an environment of its own, cut off from the network."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml
from uv import find_uv_bin

from support.repository import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

EXAMPLE = ROOT / "examples" / "dbt"
DBT = "dbt-core==1.11.16"
ADAPTERS = ("dbt-duckdb==1.11.1", "dbt-postgres==1.11.0")
TESTS = (
    *("every_row_arrived", "every_earlier_row_arrived", "every_window_arrived"),
    *("unique_key", "not_null"),
)
TIMEOUT = 300  # seconds; the first run installs it

NO_SOCKETS = """
import os, sys

def refuse(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo", "socket.sendto"}:
        with open(os.environ["SOCKETS"], "a", encoding="utf-8") as file:
            print(event, arguments, file=file)
        raise OSError("no network in this test")

sys.addaudithook(refuse)
"""
"""A module that Python imports as it starts. It does not see the sockets of database drivers."""


@dataclass(frozen=True, slots=True)
class Project:
    """A copy of the example.

    Attributes:
        folder: where it is.
        variables: of dbt, that differ from those of the example.
        target: the output of its profile.
        environment: what its environment has besides.
    """

    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    target: str = "duckdb"
    environment: Mapping[str, str] = field(default_factory=dict)

    def build(self) -> set[tuple[str, str]]:
        """Build and test all models; return the tests that failed or warn, with their streams.

        Whatever dbt skips must be of a stream with a test that failed.
        """
        self._dbt("build")
        by_status = defaultdict(set)
        for result in self._artifact("run_results.json"):
            by_status[result["status"]].add(result["unique_id"])
        assert len(by_status["success"] | by_status["pass"]) > len(TESTS)
        failed, warned = (set(map(_test, by_status[status])) for status in ("fail", "warn"))
        assert {test for test, _ in warned} <= {"every_earlier_row_arrived"}
        assert set(map(_stream, by_status["skipped"])) <= {stream for _, stream in failed}
        assert set(by_status) <= {"success", "pass", "fail", "warn", "skipped"}, by_status
        return failed | warned

    def run(self) -> None:
        """Build all models without a test."""
        self._dbt("run")
        assert {result["status"] for result in self._artifact("run_results.json")} == {"success"}

    def freshness(self) -> dict[str, str]:
        """Return the status of each source."""
        self._dbt("source", "freshness")
        results = self._artifact("sources.json")
        return {result["unique_id"].split(".")[-1]: result["status"] for result in results}

    def _dbt(self, *command: str) -> None:
        cut_off = self.folder / "cut_off"
        cut_off.mkdir(exist_ok=True)
        (cut_off / "sitecustomize.py").write_text(NO_SOCKETS, encoding="utf-8")
        sockets = cut_off / "sockets"
        done = subprocess.run(
            [
                *(find_uv_bin(), "tool", "run", "--quiet", "--python", sys.executable),
                *(f"--with={adapter}" for adapter in ADAPTERS),
                *("--from", DBT, "dbt", "--no-use-colors", *command, "--target", self.target),
                *("--vars", json.dumps(dict(self.variables))),
            ],
            cwd=self.folder,
            env=os.environ
            | {"PYTHONPATH": str(cut_off), "SOCKETS": str(sockets)}
            | dict(self.environment),
            capture_output=True,
            encoding="utf-8",
            timeout=TIMEOUT,
            check=False,
        )
        assert done.returncode in {0, 1}, done.stdout + done.stderr  # 1: a test failed
        assert "eprecat" not in done.stdout, done.stdout
        assert not sockets.exists(), sockets.read_text(encoding="utf-8")

    def _artifact(self, name: str) -> list[dict[str, Any]]:
        file = self.folder / "target" / name
        results: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))["results"]
        file.unlink()  # so that it is not taken for that of the next run
        return results


def copy_example(folder: Path, **how: Any) -> Project:  # noqa: ANN401
    """Return a copy of the example in a folder."""
    made = ("target", "logs", "*.duckdb")
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns(*made))
    return Project(folder, **how)


def modelled_reports() -> list[str]:
    """Return the streams that the example has as sources, without the window log."""
    text = (EXAMPLE / "models" / "sources.yml").read_text(encoding="utf-8")
    (source,) = yaml.safe_load(text)["sources"]
    return [table["name"] for table in source["tables"] if table["name"] != "report_windows"]


def _test(unique_id: str) -> tuple[str, str]:
    """Return the kind and the stream of a test, from dbt's name of it."""
    (kind,) = (kind for kind in TESTS if kind in unique_id)
    return kind, _stream(unique_id)


def _stream(unique_id: str) -> str:
    (stream,) = (stream for stream in modelled_reports() if stream in unique_id)
    return stream

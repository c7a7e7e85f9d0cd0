"""The dbt example, copied and run in an environment of its own, cut off from other machines."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from support.repository import ROOT
from support.targets import tool

if TYPE_CHECKING:
    from collections.abc import Mapping

CUT_OFF = Path(__file__).with_name("this_machine_only.py")
EXAMPLE = ROOT / "examples" / "dbt"
DBT = "dbt-core==1.11.16"
ADAPTERS = ("dbt-duckdb==1.11.1", "dbt-postgres==1.11.0")
TESTS = (
    *("every_row_arrived", "every_earlier_row_arrived", "every_window_arrived"),
    *("unique_key", "not_null"),
)
TIMEOUT = 300  # seconds; the first run installs it


@dataclass(frozen=True, slots=True)
class Project:
    """A copy of the example.

    Attributes:
        folder: where it is.
        variables: of dbt, where they differ from those of the example.
        target: the output of its profile.
        environment: variables that dbt gets besides.
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
        options = ("--target", self.target, "--vars", json.dumps(dict(self.variables)))
        program = [*tool(DBT, *ADAPTERS), "python", str(CUT_OFF), "dbt", "--no-use-colors"]
        done = subprocess.run(
            [*program, *command, *options],
            cwd=self.folder,
            env=os.environ | dict(self.environment),
            capture_output=True,
            encoding="utf-8",
            timeout=TIMEOUT,
            check=False,
        )
        assert done.returncode in {0, 1}, done.stdout + done.stderr  # 1: a test failed
        assert "eprecat" not in done.stdout, done.stdout

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

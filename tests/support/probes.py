"""The probe, run in this process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from click.testing import CliRunner

from tap_crewmojo.probe.cli import probe

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Probed:
    """A run of the probe.

    Attributes:
        code: its exit code.
        stdout: the result, as JSON unless the arguments say otherwise.
        stderr: what it says about its requests.
    """

    code: int
    stdout: str
    stderr: str

    @property
    def result(self) -> dict[str, Any]:
        result: dict[str, Any] = json.loads(self.stdout)
        return result

    def ids(self, verdict: str) -> set[str]:
        """Return the assumptions with a verdict."""
        found = self.result["assumptions"]
        return {each["id"] for each in found if each["result"] == verdict}

    def seen(self, assumption: str) -> str:
        """Return what was seen of an assumption."""
        (seen,) = (each["seen"] for each in self.result["assumptions"] if each["id"] == assumption)
        return str(seen)


def run_probe(settings: Mapping[str, Any], folder: Path, *args: str) -> Probed:
    """Run the probe with some settings and arguments."""
    config = folder / "config.json"
    config.write_text(json.dumps(settings), encoding="utf-8")
    args = ("--format=json", *args)
    done = CliRunner(catch_exceptions=False).invoke(probe, [f"--config={config}", *args])
    return Probed(done.exit_code, done.stdout, done.stderr)

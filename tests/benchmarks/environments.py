"""One virtual environment for each peer, as a user would install it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from uv import find_uv_bin

if TYPE_CHECKING:
    from typing import Final

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / ".benchmarks"
_TAP_CSV: Final = "1ec62063674926de258549077bfa276693cf9f67"


@dataclass(frozen=True)
class Environment:
    """A virtual environment.

    Attributes:
        name: its folder's name.
        requirements: what is installed in it.
        shown: the packages whose versions a reader wants to know.
        folder: where the environments are.
    """

    name: str
    requirements: tuple[str, ...]
    shown: tuple[str, ...]
    folder: Path = FOLDER / "environments"

    @property
    def bin(self) -> Path:
        """Where its commands are."""
        return self.folder / self.name / ("Scripts" if sys.platform == "win32" else "bin")

    @property
    def python(self) -> str:
        """Its interpreter."""
        return str(self.bin / "python")

    def install(self) -> str | None:
        """Create or update it; return what failed, or none."""
        uv = find_uv_bin()
        target = str(self.folder / self.name)
        pip = [uv, "pip", "install", "--quiet", "--python", target, "--compile-bytecode"]
        # A checkout may have the same version before and after a change: build it each time.
        rebuild = ["--reinstall-package", "tap-crewmojo", "--refresh-package", "tap-crewmojo"]
        try:
            for argv in (
                [uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, target],
                [*pip, *rebuild, *self.requirements],
            ):
                subprocess.run(argv, check=True, capture_output=True, text=True, cwd=ROOT)
        except subprocess.CalledProcessError as exc:
            return f"cannot be installed here (exit code {exc.returncode} of {Path(argv[0]).name})"
        return None

    @cached_property
    def versions(self) -> dict[str, str]:
        """The versions of the packages that are shown."""
        argv = [find_uv_bin(), "pip", "list", "--format", "json", "--python", self.python]
        listed = subprocess.run(argv, check=True, capture_output=True, text=True)
        installed = {package["name"]: package["version"] for package in json.loads(listed.stdout)}
        return {name: installed[name] for name in self.shown if name in installed}


OURS: Final = Environment(
    "ours",
    (".[sandbox,parquet]",),
    ("tap-crewmojo", "singer-sdk", "msgspec", "pyarrow"),
)
SDK: Final = Environment("sdk", ("singer-sdk[msgspec]~=0.54.9",), ("singer-sdk", "msgspec"))
TAP_CSV: Final = Environment(
    "tap-csv",
    # Its releases are not on the package index; this is its main branch of May 2026.
    (f"tap-csv @ git+https://github.com/MeltanoLabs/tap-csv@{_TAP_CSV}",),
    ("tap-csv", "singer-sdk"),
)
TAP_REST: Final = Environment(
    "tap-rest-api-msdk",
    ("tap-rest-api-msdk", "setuptools<81"),  # its SDK is old and imports pkg_resources
    ("tap-rest-api-msdk", "singer-sdk"),
)
AIRBYTE: Final = Environment("airbyte", ("airbyte-cdk>=7,<8",), ("airbyte-cdk",))
DLT: Final = Environment("dlt", ("dlt[parquet]>=1.31",), ("dlt", "pyarrow"))
CHART: Final = Environment("chart", ("matplotlib>=3.10",), ("matplotlib",))

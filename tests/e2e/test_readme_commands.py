"""The README's commands do what it says: each of its shell blocks is run as a newcomer would.

Where a block has to be told about the sandbox, a test replaces some words of it. Each of them must
be there exactly once, so that a README that was edited fails here instead of escaping.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest
from uv import find_uv_bin

from generate import CLONE
from support.repository import README, ROOT
from support.tap_runs import TIME_SCALE, check
from support.targets import MELTANO, clone_in, loader_definition

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_crewmojo.sandbox.log import RequestEntry
    from tap_crewmojo.sandbox.runner import Sandbox

TIMEOUT = 600  # seconds; most of them go into installing

# The first line of each block that a test here runs.
INSTALL = "mkdir crewmojo && cd crewmojo    # beside the clone"
LIBRARY = "pip install ../tap-crewmojo    # beside the clone"
NIGHTLY = (
    "tap-crewmojo --config config.json --test > /dev/null    # it prints one row of each report"
)
PROJECT = "meltano init warehouse && cd warehouse    # beside the clone, if you have no project"
PIPELINE = "meltano add target-jsonl"
SANDBOX = "pipx install --force '../tap-crewmojo[sandbox]'    # beside the clone"


def test_every_shell_block_is_run() -> None:
    fences = re.findall(r"^[ \t]*```(.*)\n", README, re.MULTILINE)
    assert not {"bash", "console", "shell", "zsh", "powershell"} & set(fences), "say `sh`"
    blocks = re.findall(r"^(.*)\n[ \t]*```sh\n(.*)\n", README, re.MULTILINE)
    assert len(blocks) == fences.count("sh")
    # Those with a marker are run by CI itself, by name.
    ours = [opening for before, opening in blocks if not before.startswith("<!-- command: ")]
    assert sorted(ours) == sorted([INSTALL, LIBRARY, NIGHTLY, PIPELINE, PROJECT, SANDBOX])


def test_installed_and_run_every_night(newcomer: Newcomer, sandbox: Sandbox) -> None:
    newcomer.runs("uv tool install --quiet pipx")
    newcomer.runs(block(INSTALL))
    folder = newcomer.home / "crewmojo"
    config = replaced(
        fenced("json", '"client_id"'),
        ('"client_id": "…"', f'"client_id": "{sandbox.client_id}"'),
        ('"client_secret": "…"', f'"client_secret": "{sandbox.client_secret}"'),
    )
    once, nightly = block(NIGHTLY).split("\n# every night, in bash:\n")

    def settings(end: str) -> None:
        added = {"api_url": sandbox.api_url, "end_date": end}
        newcomer.write("crewmojo/config.json", json.dumps(json.loads(config) | added))

    settings("2024-04-03")
    newcomer.runs(once, folder)
    begun = len(sandbox.requests)
    newcomer.runs(nightly, folder)
    assert windows(sandbox.requests[begun:]) == [
        (20240101, 20240131),
        (20240201, 20240229),
        (20240301, 20240331),
        (20240401, 20240403),
    ]
    begun = len(sandbox.requests)
    settings("2024-04-04")
    newcomer.runs(nightly, folder)
    # The lookback reaches into March.
    assert windows(sandbox.requests[begun:]) == [(20240301, 20240331), (20240401, 20240404)]
    _, last = newcomer.read("crewmojo/states.jsonl").splitlines()
    (bookmark,) = json.loads(last)["bookmarks"].values()
    assert bookmark["replication_key_value"] == "2024-04-04"
    the_view_has_what_is_current(folder, sandbox)


def the_view_has_what_is_current(loaded: Path, sandbox: Sandbox) -> None:
    """Run the README's SQL on what the target has written; compare with the company itself."""
    ends = (date(2024, 1, 31), date(2024, 2, 29), date(2024, 3, 31), date(2024, 4, 4))
    expected = {
        (end.replace(day=1), code, held, rating)
        for end in ends
        for code, *_, held, rating, _last in sandbox.company.report(
            "oneonone.summary", end.replace(day=1), end
        ).rows
    }
    with duckdb.connect() as database:
        files = loaded / "oneonone_summary*.jsonl"
        database.execute(f"CREATE TABLE oneonone_summary AS FROM read_json('{files}')")
        database.execute(fenced("sql", "CREATE VIEW oneonone_summary_current"))
        columns = '_sdc_report_start_date, "Employee Code", "Completed 1:1s", "Average Rating"'
        current = database.sql(f"SELECT {columns} FROM oneonone_summary_current").fetchall()  # noqa: S608
        (everything,) = database.sql("SELECT count(*) FROM oneonone_summary").fetchall()
    assert set(current) == expected
    assert len(current) == len(expected) < everything[0]


def test_uv_installs_it_as_well(newcomer: Newcomer) -> None:
    (command,) = re.findall("`([^`]+)` does as well", block(INSTALL))
    newcomer.runs(f"{block(INSTALL).splitlines()[0]}\n{command}")
    assert newcomer.runs("tap-crewmojo --version").startswith("tap-crewmojo ")


def test_a_meltano_project(newcomer: Newcomer, sandbox: Sandbox) -> None:
    newcomer.runs(f"uv tool install --quiet {shlex.quote(MELTANO)}")
    loader = shlex.quote(str(loader_definition(newcomer.home / "loader.yml")))
    (to_sandbox,) = re.findall(r"with Meltano,\n?`([^`]+ …)`", README)
    run = "meltano run tap-crewmojo target-jsonl"
    commands = replaced(
        block(PROJECT) + block(PIPELINE),
        # Else Meltano would ask its Hub about the target.
        ("add target-jsonl", f"add target-jsonl --from-ref {loader}"),
        ("client_id …", f"client_id {sandbox.client_id}"),
        ("client_secret …", f"client_secret {sandbox.client_secret}"),
        (run, f"{replaced(to_sandbox, ('…', sandbox.api_url))}\n{run}"),
    )
    newcomer.runs(commands)
    assert sandbox.client_secret in newcomer.read("warehouse/.env")
    assert sandbox.client_secret not in newcomer.read("warehouse/meltano.yml")
    asked = windows(sandbox.requests)
    assert asked[0] == (20240101, 20240131)
    assert asked[-1][1] >= int(f"{datetime.now(UTC) - timedelta(days=2):%Y%m%d}")
    (file,) = (newcomer.home / "warehouse/output").glob("oneonone_summary*.jsonl")
    lines = file.read_text(encoding="utf-8").splitlines()
    starts = {json.loads(line)["_sdc_report_start_date"] for line in lines}
    assert {f"2024-{month:02}-01" for month in range(1, 13)} < starts


def test_other_addresses_in_a_meltano_project(newcomer: Newcomer) -> None:
    """Each goes into `pip_url`, here of a project that is not beside the clone."""
    newcomer.runs(f"uv tool install --quiet {shlex.quote(MELTANO)}")
    clone = newcomer.home / "code" / "tap-crewmojo"
    newcomer.runs(f"git clone --quiet {shlex.quote(str(ROOT))} {clone}; git -C {clone} tag v9.8.7")
    create, add = block(PROJECT).splitlines()
    newcomer.runs(f"{create}\n{replaced(add, (CLONE.tap, str(clone)))} --no-install")
    definition = newcomer.read("warehouse/meltano.yml")
    for address, version in (
        (replaced(CLONE.with_extras, (CLONE.tap, str(clone))), ""),
        (replaced(CLONE.of_a_tag, ("/path/to/tap-crewmojo@v0.1.0", f"{clone}@v9.8.7")), "v9.8.7"),
    ):
        edited = replaced(definition, (f"pip_url: {CLONE.tap}", f"pip_url: {address}"))
        newcomer.write("warehouse/meltano.yml", edited)
        printed = newcomer.runs(
            "cd warehouse; meltano install; meltano invoke tap-crewmojo --version\n"
            ".meltano/extractors/tap-crewmojo/venv/bin/python -c 'import pyarrow'"
        )
        assert f"tap-crewmojo {version}" in printed


def test_a_library(newcomer: Newcomer) -> None:
    newcomer.runs(
        "mkdir crewmojo; cd crewmojo; uv venv --quiet --seed; . .venv/bin/activate\n"
        f"{block(LIBRARY)}\npython -c 'from tap_crewmojo.tap import TapCrewmojo'"
    )


def test_a_sandbox_of_ones_own(newcomer: Newcomer) -> None:
    newcomer.runs("uv tool install --quiet pipx")
    install, serve, run = block(SANDBOX).splitlines()
    newcomer.runs(f"mkdir crewmojo; cd crewmojo; {install}")
    serve = replaced(serve, ("sandbox ", "sandbox --port 0 "))
    with newcomer.starts(f"exec {serve}") as server:  # so that the signal is the sandbox's
        assert server.stdout
        try:
            printed = []
            for line in server.stdout:
                printed.append(line)
                if "Ctrl-C" in line:
                    break
            output = newcomer.runs("".join([*printed, run]))
        finally:
            server.send_signal(signal.SIGINT)
    assert server.returncode == 0
    messages = [json.loads(line) for line in output.splitlines()]
    check(messages)
    records = {message["stream"] for message in messages if message["type"] == "RECORD"}
    assert {"oneonone_summary", "engagement_survey", "people_directory"} < records


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody with a shell in an empty folder, and with programs of their own only."""

    home: Path

    def runs(self, commands: str, cwd: Path | None = None) -> str:
        """Paste commands into bash; return what they print."""
        with self.starts(commands, cwd, stderr=subprocess.PIPE) as shell:
            printed, complaints = shell.communicate(timeout=TIMEOUT)
        assert shell.returncode == 0, f"{commands}\n{printed}\n{complaints}"
        return printed

    def starts(
        self, commands: str, cwd: Path | None = None, stderr: int | None = None
    ) -> subprocess.Popen[str]:
        """Start commands in bash."""
        return subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", commands],
            cwd=cwd or self.home,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            encoding="utf-8",
        )

    def write(self, name: str, text: str) -> None:
        (self.home / name).write_text(text, encoding="utf-8")

    def read(self, name: str) -> str:
        return (self.home / name).read_text(encoding="utf-8")

    def _environment(self) -> dict[str, str]:
        programs, tools = self.home / "bin", self.home / "tools"
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("TAP_CREWMOJO", "VIRTUAL_ENV", "MELTANO", "PIPX", "COVERAGE"))
        }
        # What this very environment has, a newcomer has not.
        path = [
            folder
            for folder in inherited["PATH"].split(os.pathsep)
            if not Path(folder, "tap-crewmojo").exists()
        ]
        return inherited | {
            "PATH": os.pathsep.join([str(programs), *path]),
            "PIPX_HOME": str(tools / "pipx"),
            "PIPX_BIN_DIR": str(programs),
            "PIPX_MAN_DIR": str(tools / "man"),
            "UV_TOOL_DIR": str(tools / "uv"),
            "UV_TOOL_BIN_DIR": str(programs),
            "UV_PYTHON": sys.executable,
            "MELTANO_CLI_DISABLE_VERSION_CHECK": "true",
            "MELTANO_SEND_ANONYMOUS_USAGE_STATS": "false",
            "TAP_CREWMOJO_TIME_SCALE": str(TIME_SCALE),
        }


@pytest.fixture
def newcomer(tmp_path: Path) -> Newcomer:
    """Somebody who has a shell, git, Python, uv and a clone."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "uv").symlink_to(find_uv_bin())
    clone_in(tmp_path)
    return Newcomer(tmp_path)


def block(opening: str) -> str:
    """Return the shell block that begins with a line."""
    return fenced("sh", f"{opening}\n")


def fenced(language: str, words: str) -> str:
    """Return the one fenced block that has some words in it."""
    texts = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    (text,) = [text for text in texts if words in text]
    return str(text)


def replaced(text: str, *changes: tuple[str, str]) -> str:
    """Replace words that are there exactly once."""
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} is not there once:\n{text}"
        text = text.replace(old, new)
    return text


def windows(requests: Iterable[RequestEntry]) -> list[tuple[int, int]]:
    """Return the windows of the summaries asked for, in order."""
    return sorted(
        {
            (entry.start, entry.end)
            for entry in requests
            if entry.report == "oneonone.summary" and entry.start and entry.end
        }
    )

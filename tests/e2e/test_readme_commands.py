"""The commands of the README and of `docs` work: each shell block is run as a newcomer would.

Where a block needs the sandbox, a test replaces some words of it. Each of them must be there once:
a page that was edited fails here instead of escaping the test.
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
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
import yaml
from uv import find_uv_bin

from generate import CLONE
from support.dbt_example import copy_example
from support.repository import PAGES, ROOT, block, fenced
from support.sandboxes import DIRECTORY, variables_for
from support.tap_runs import TIME_SCALE, check
from support.targets import MELTANO, clone_in, loader_definition
from tap_crewmojo.sandbox.company.reports import REPORTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_crewmojo.sandbox.request_log import RequestEntry
    from tap_crewmojo.sandbox.sandbox import Sandbox

TIMEOUT = 600  # seconds; most of them go into installing
PROGRAMS = ".local/bin"  # in the newcomer's home, where pipx and uv install programs
SCALE = f"TAP_CREWMOJO_TIME_SCALE={TIME_SCALE}"

# The first line of each shell block without a marker.
INSTALL = "mkdir crewmojo && cd crewmojo    # beside the clone"
LIBRARY = "pip install '../tap-crewmojo[parquet]'    # beside the clone"
FIRST_RUN = (
    "set -o pipefail                                         # in bash: a failure of the tap counts"
)
PROJECT = "meltano init warehouse && cd warehouse    # beside the clone, if you have no project"
PIPELINE = "meltano add target-jsonl"
SANDBOX = "pipx install --force '../tap-crewmojo[sandbox]'    # beside the clone"

EVERY_WINDOW = [
    (20240101, 20240131),
    (20240201, 20240229),
    (20240301, 20240331),
    (20240401, 20240404),
]


def test_every_shell_block_without_a_marker_is_run() -> None:
    """Those with one are looked for by tests/docs/test_pages.py."""
    openings = [
        opening
        for page in PAGES.values()
        for before, opening in re.findall(r"^(.*)\n```sh\n(.*)\n", page, re.MULTILINE)
        if not before.startswith("<!-- command: ")
    ]
    assert sorted(openings) == sorted([INSTALL, LIBRARY, FIRST_RUN, PIPELINE, PROJECT, SANDBOX])


def test_installed_and_run_every_night(newcomer: Newcomer, sandbox: Sandbox) -> None:
    newcomer.runs("uv tool install --quiet pipx")
    newcomer.runs(opened(INSTALL))
    folder = newcomer.home / "crewmojo"
    config = replaced(
        fenced("json", '"client_id": "…"'),
        ('"client_id": "…"', f'"client_id": "{sandbox.client_id}"'),
        ('"client_secret": "…"', f'"client_secret": "{sandbox.client_secret}"'),
    )

    def settings(end: str) -> None:
        added = {"api_url": sandbox.api_url, "end_date": end}
        newcomer.write("crewmojo/config.json", json.dumps(json.loads(config) | added))

    settings("2024-04-03")
    *checks, first = opened(FIRST_RUN).splitlines()
    newcomer.runs("\n".join(checks), folder)
    begun = len(sandbox.requests)
    newcomer.runs(first, folder)
    assert windows(sandbox.requests[begun:]) == [*EVERY_WINDOW[:3], (20240401, 20240403)]

    begun = len(sandbox.requests)
    settings("2024-04-04")
    newcomer.write("crewmojo/nightly.sh", block("command: nightly"))
    assert block("command: nightly").endswith(block("command: continue"))
    (folder / "nightly.sh").chmod(0o700)
    *fields, command = block("config: crontab").strip().split(maxsplit=5)
    assert len([field for field in fields if re.fullmatch(r"[0-9*]+", field)]) == 5
    # As cron does it: another folder, another shell, and almost no environment.
    newcomer.runs(f"env -i HOME={newcomer.home} {SCALE} PATH=/usr/bin:/bin sh -c '{command}'")
    # The lookback reaches into March.
    assert windows(sandbox.requests[begun:]) == EVERY_WINDOW[2:]
    assert "oneonone_summary: Summary: done" in newcomer.read("crewmojo/nightly.log")
    _, last = newcomer.read("crewmojo/states.jsonl").splitlines()
    (bookmark,) = json.loads(last)["bookmarks"].values()
    assert bookmark["replication_key_value"] == "2024-04-04"

    begun = len(sandbox.requests)
    newcomer.runs(block("command: read again"), folder)
    assert windows(sandbox.requests[begun:]) == EVERY_WINDOW
    the_view_has_what_is_current(folder, "oneonone_summary*.jsonl", sandbox)

    newcomer.runs("rm states.jsonl", folder)
    encoding = {"format": "jsonl", "compression": "gzip"}
    storage = {"root": (folder / "lake").as_uri()}
    with_files = json.loads(newcomer.read("crewmojo/config.json"))
    with_files["batch_config"] = {"encoding": encoding, "storage": storage}
    newcomer.write("crewmojo/config.json", json.dumps(with_files))
    for due in (EVERY_WINDOW, EVERY_WINDOW[2:]):
        begun = len(sandbox.requests)
        newcomer.runs(block("command: batches without a target"), folder)
        assert windows(sandbox.requests[begun:]) == due
    the_view_has_what_is_current(folder / "lake", "*oneonone_summary*.json.gz", sandbox)


def the_view_has_what_is_current(loaded: Path, names: str, sandbox: Sandbox) -> None:
    """Run the documented SQL on the files that were written; compare with the company itself."""
    ends = (date(2024, 1, 31), date(2024, 2, 29), date(2024, 3, 31), date(2024, 4, 4))
    expected = {
        (end.replace(day=1), code, held, rating)
        for end in ends
        for code, *_, held, rating, _last in sandbox.company.report(
            "oneonone.summary", end.replace(day=1), end
        ).rows
    }
    with duckdb.connect() as database:
        files = loaded / names
        database.execute(f"CREATE TABLE oneonone_summary AS FROM read_json('{files}')")
        database.execute(block("sql: current rows"))
        columns = '_sdc_report_start_date, "Employee Code", "Completed 1:1s", "Average Rating"'
        current = database.sql(f"SELECT {columns} FROM oneonone_summary_current").fetchall()  # noqa: S608
        (everything,) = database.sql("SELECT count(*) FROM oneonone_summary").fetchall()
    assert set(current) == expected
    assert len(current) == len(expected) < everything[0]


def test_uv_installs_it_as_well(newcomer: Newcomer) -> None:
    (command,) = re.findall("or `([^`]+)`", opened(INSTALL))
    newcomer.runs(f"{opened(INSTALL).splitlines()[0]}\n{command}")
    assert newcomer.runs("tap-crewmojo --version").startswith("tap-crewmojo ")


def test_a_meltano_project(newcomer: Newcomer, sandbox: Sandbox) -> None:
    newcomer.runs(f"uv tool install --quiet {shlex.quote(MELTANO)}")
    loader = shlex.quote(str(loader_definition(newcomer.home / "loader.yml")))
    to_sandbox = replaced(
        block("command: sandbox with meltano"),
        ("http://127.0.0.1:8585/v1", sandbox.api_url),
    )
    run = "meltano run tap-crewmojo target-jsonl"
    commands = replaced(
        opened(PROJECT) + opened(PIPELINE),
        # Else Meltano would look for the target in its Hub.
        ("add target-jsonl", f"add target-jsonl --from-ref {loader}"),
        (run, f"{to_sandbox}{run}"),
    )
    newcomer.runs(commands)
    project = newcomer.home / "warehouse"
    assert sandbox.client_secret in newcomer.read("warehouse/.env")
    assert sandbox.client_secret not in newcomer.read("warehouse/meltano.yml")
    requested = windows(sandbox.requests)
    assert requested[0] == (20240101, 20240131)
    assert requested[-1][1] >= int(f"{datetime.now(UTC) - timedelta(days=2):%Y%m%d}")
    lines = written(project)
    starts = {line["_sdc_report_start_date"] for line in lines}
    assert {f"2024-{month:02}-01" for month in range(1, 13)} < starts
    assert all("Email" in line for line in lines)

    # A kept catalog needs no sample, and holds the selection.
    keep = block("command: keep the catalog")
    again = keep  # with the variable set
    newcomer.runs(block("command: exclude a column") + keep + again, project)
    use = keep.splitlines()[1]
    begun = len(sandbox.requests)
    furthest = datetime.now(UTC).date() - timedelta(days=1 + 184)
    newcomer.runs(f"{use}\n{block('command: read again with meltano')}", project)
    requests = [entry for entry in sandbox.requests[begun:] if entry.phase == "post"]
    assert windows(requests)[0][0] == int(f"{furthest:%Y%m}01")
    assert len(windows(requests)) == len(requests)
    added = written(project)[len(lines) :]
    assert added
    assert not any("Email" in line for line in added)

    # What a runner of GitHub does after it has checked the project out and installed Meltano.
    job = yaml.safe_load(block("config: github actions"))["jobs"]["load"]
    steps = [step["run"] for step in job["steps"] if "run" in step]
    assert steps[0] == "pip install meltano"
    assert job["env"]["TAP_CREWMOJO__CATALOG"] == use.split("=")[1]
    assert (project / job["env"]["TAP_CREWMOJO__CATALOG"]).exists()
    folder = newcomer.home / job["defaults"]["run"]["working-directory"]
    newcomer.runs("\n".join([use, *steps[1:]]), folder)


def written(project: Path) -> list[dict[str, Any]]:
    """Return what the target has written, in order."""
    (file,) = (project / "output").glob("oneonone_summary*.jsonl")
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_an_address_with_extras_in_a_meltano_project(newcomer: Newcomer) -> None:
    """It goes into `pip_url`, here of a project that is not beside the clone."""
    newcomer.runs(f"uv tool install --quiet {shlex.quote(MELTANO)}")
    clone = newcomer.home / "code" / "tap-crewmojo"
    newcomer.runs(f"git clone --quiet {shlex.quote(str(ROOT))} {clone}; git -C {clone} tag v9.8.7")
    create, add = opened(PROJECT).splitlines()
    newcomer.runs(f"{create}\n{replaced(add, (CLONE.tap, str(clone)))} --no-install")
    definition = newcomer.read("warehouse/meltano.yml")
    address = replaced(CLONE.with_extras, (CLONE.tap, str(clone)))
    edited = replaced(definition, (f"pip_url: {CLONE.tap}", f"pip_url: {address}"))
    newcomer.write("warehouse/meltano.yml", edited)
    printed = newcomer.runs(
        "cd warehouse; meltano install; meltano invoke tap-crewmojo --version\n"
        ".meltano/extractors/tap-crewmojo/venv/bin/python -c 'import pyarrow'"
    )
    assert "tap-crewmojo v9.8.7" in printed


def test_a_library(newcomer: Newcomer) -> None:
    newcomer.runs(
        "mkdir crewmojo; cd crewmojo; uv venv --quiet --seed; . .venv/bin/activate\n"
        f"{opened(LIBRARY)}\npython -c 'import pyarrow, tap_crewmojo.tap'"
    )


def test_a_sandbox_of_ones_own(newcomer: Newcomer) -> None:
    newcomer.runs("uv tool install --quiet pipx")
    install, serve, run = opened(SANDBOX).splitlines()
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
            output = newcomer.runs("".join([*printed, replaced(run, (" | target-jsonl", ""))]))
        finally:
            server.send_signal(signal.SIGINT)
    assert server.returncode == 0
    messages = [json.loads(line) for line in output.splitlines()]
    check(messages)
    records = {message["stream"] for message in messages if message["type"] == "RECORD"}
    assert {"oneonone_summary", "engagement_survey", "people_directory"} < records


def test_dbt_on_the_reports_of_the_sandbox(newcomer: Newcomer, sandbox: Sandbox) -> None:
    newcomer.runs("uv tool install --quiet pipx")
    newcomer.runs(opened(INSTALL))
    folder = newcomer.home / "crewmojo"
    names = [name for name in REPORTS if name != DIRECTORY["id"]]
    variables = variables_for(sandbox, *names, DIRECTORY)
    settings = "".join(f"export {name}={shlex.quote(variables[name])}\n" for name in variables)
    newcomer.runs(settings + block("command: load with a window log"), folder)
    copy_example(folder / "dbt")
    report = newcomer.runs(block("command: dbt"), folder)
    assert "Completed successfully" in report
    assert report.count("PASS freshness of crewmojo.") == 7
    with duckdb.connect(folder / "dbt" / "warehouse.duckdb", read_only=True) as database:
        (rows,) = database.sql("SELECT count(*) FROM stg_crewmojo__people_directory").fetchall()
    assert rows == (len(sandbox.company.report("people.directory").rows),)


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody with a shell in an empty home, and with the programs installed there."""

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
        programs, tools = self.home / PROGRAMS, self.home / "tools"
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("TAP_CREWMOJO", "VIRTUAL_ENV", "MELTANO", "PIPX", "COVERAGE"))
        }
        # A newcomer does not have the programs of this environment.
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
            **dict([SCALE.split("=")]),
        }


@pytest.fixture
def newcomer(tmp_path: Path) -> Newcomer:
    """Somebody who has a shell, git, Python, uv and a clone."""
    programs = tmp_path / PROGRAMS
    programs.mkdir(parents=True)
    (programs / "uv").symlink_to(find_uv_bin())
    clone_in(tmp_path)
    return Newcomer(tmp_path)


def opened(opening: str) -> str:
    """Return the shell block that begins with a line."""
    return fenced("sh", f"{opening}\n")


def replaced(text: str, *changes: tuple[str, str]) -> str:
    """Replace words that are there exactly once."""
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} is not there once:\n{text}"
        text = text.replace(old, new)
    return text


def windows(requests: Iterable[RequestEntry]) -> list[tuple[int, int]]:
    """Return the requested windows of the summary, in order."""
    return sorted(
        {
            (entry.start, entry.end)
            for entry in requests
            if entry.report == "oneonone.summary" and entry.start and entry.end
        }
    )

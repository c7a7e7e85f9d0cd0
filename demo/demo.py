"""The whole pipeline in a minute: a sandbox of the Crewmojo API, the tap, a Singer target, SQL.

Loads half a year of a made-up company into JSON lines, queries them with DuckDB, then runs again a
month later and shows the requests. Everything stays on this machine and is removed at the end,
except a picture of the loaded data: the given file, or `output/one-on-ones.png`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import TYPE_CHECKING

import duckdb
from picture import draw
from uv import find_uv_bin

from tap_crewmojo.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_crewmojo.sandbox.request_log import RequestEntry

TIME_SCALE = 0.01  # a job of 75 seconds takes less than a second
REPORTS = [
    "oneonone.summary",
    {"id": "oneonone.detail", "force_job": True},  # as a long-running job
    "engagement.survey",  # takes long
    {"id": "people.directory", "replication_method": "FULL_TABLE"},
]
TARGET = ("target-jsonl==0.1.4", "target-jsonl")
PICTURE = Path("output/one-on-ones.png")

# Files only grow: a window that was read again is in them twice. Its newest report counts.
CURRENT = """
    CREATE OR REPLACE VIEW {stream} AS
    FROM read_json('{file}')
    QUALIFY _sdc_report_datetime = max(_sdc_report_datetime) OVER ({windows})
"""
ONE_ON_ONES = """
    SELECT
        _sdc_report_start_date AS month,
        count(*) AS people,
        sum("Completed 1:1s")::INTEGER AS "1:1s",
        round(avg("Average Rating"), 2) AS rating
    FROM oneonone_summary
    GROUP BY month
    ORDER BY month
"""


def main(picture: Path) -> None:
    """Run the demo."""
    began = monotonic()
    with (
        TemporaryDirectory(prefix="crewmojo-demo-") as name,
        Sandbox(seed=1, time_scale=TIME_SCALE) as sandbox,
        duckdb.connect() as database,
    ):
        folder = Path(name)
        config: dict[str, object] = {
            "api_url": sandbox.api_url,
            "client_id": sandbox.client_id,
            "client_secret": sandbox.client_secret,
            "reports": REPORTS,
            "start_date": "2025-01-01",
        }
        print("A sandbox of the Crewmojo API is running, with made-up people.")

        print("\n1. tap-crewmojo | target-jsonl, from January to June 2025\n")
        state = load(folder, config | {"end_date": "2025-06-30"}, "{}")
        first_requests = sandbox.requests
        show_requests(first_requests)
        print("\n   What the target has written, and the 1:1s in it:\n")
        show_files(folder, database)

        print("2. The same a month later, with the state that the first run left\n")
        load(folder, config | {"end_date": "2025-07-31"}, state)
        show_requests(sandbox.requests[len(first_requests) :])
        print("\n   Only July, and June again: the 7 days of `lookback_days` reach into it.\n")
        show_files(folder, database)
        draw(database, picture)
    print(f"A picture of it: {picture}\n")
    print(f"Done in {monotonic() - began:.0f} seconds. Nothing else is left, and nothing running.")


def load(folder: Path, config: dict[str, object], state: str) -> str:
    """Pipe the tap into the target; return the last state that the target has loaded."""
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "state.json").write_text(state, encoding="utf-8")
    (folder / "target.json").write_text('{"do_timestamp_file": false}', encoding="utf-8")
    requirement, target = TARGET
    with (
        (folder / "tap.log").open("wb") as log,
        subprocess.Popen(
            ["tap-crewmojo", "--config", "config.json", "--state", "state.json"],
            cwd=folder,
            env=os.environ | {"TAP_CREWMOJO_TIME_SCALE": str(TIME_SCALE)},
            stdout=subprocess.PIPE,
            stderr=log,
        ) as tap,
    ):
        loaded = subprocess.run(
            # In another environment: its requirements contradict the tap's.
            [
                *(find_uv_bin(), "tool", "run", "--quiet", "--python", sys.executable),
                *("--from", requirement, target, "--config", "target.json"),
            ],
            cwd=folder,
            stdin=tap.stdout,
            stdout=subprocess.PIPE,
            check=False,
            encoding="utf-8",
        )
    if tap.returncode or loaded.returncode:
        print((folder / "tap.log").read_text(encoding="utf-8"))
        sys.exit(f"tap ended with {tap.returncode}, target with {loaded.returncode}")
    return loaded.stdout.splitlines()[-1]


def show_requests(requests: Iterable[RequestEntry]) -> None:
    """Print the requests, a line for each report."""

    def report(request: RequestEntry) -> str:
        return request.report or ""

    requested = sorted((request for request in requests if request.report), key=report)
    for name, entries in groupby(requested, report):
        about = list(entries)
        windows = sorted({f"{post.start}-{post.end}" for post in about if post.start})
        jobs = len({entry.job_id for entry in about} - {None})
        polls = sum(entry.phase == "poll" for entry in about)
        what = f"{len(windows)} windows, {windows[0]} to {windows[-1]}" if windows else "no dates"
        print(f"   {name:18} {what}{f'; {jobs} jobs, polled {polls} times' if jobs else ''}")


def show_files(folder: Path, database: duckdb.DuckDBPyConnection) -> None:
    """Print the number of rows of each stream, and a summary of the 1:1s."""
    for file in sorted(folder.glob("*.jsonl")):
        lines = len(file.read_bytes().splitlines())
        windows = "" if file.stem == "people_directory" else "PARTITION BY _sdc_report_start_date"
        database.execute(CURRENT.format(stream=file.stem, file=file, windows=windows))
        rows = len(database.sql(f"FROM {file.stem}").fetchall())
        print(f"   {file.name:24} {lines:4} lines, {rows:4} of them current")
    print(f"\n{database.sql(ONE_ON_ONES)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else PICTURE)

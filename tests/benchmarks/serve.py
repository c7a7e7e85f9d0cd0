"""Serves the reports in a separate process: as the vendor does, and as plain files."""

from __future__ import annotations

import csv
import io
import json
import sys
import threading
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Final

from typing_extensions import override

from tap_crewmojo.sandbox.company.company import ReportSource
from tap_crewmojo.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from datetime import date

REPORTS: Final = 6
JOB_SECONDS: Final = 40.0
"""How long a job takes, in the API's seconds: over 30, or there would be no job to poll."""


class _Files(SimpleHTTPRequestHandler):
    """Files of a folder, for programs that do not use the vendor's API."""

    protocol_version = "HTTP/1.1"

    @override
    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _small_table(start: date | None, _end: date | None) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["Person", "Month", "Meetings", "Rating"])
    writer.writerows([f"P{number:04d}", start, number % 7, 3.5] for number in range(20))
    return text.getvalue().encode()


def _sandbox(folder: Path, time_scale: float, generation: float, slow_seconds: float) -> Sandbox:
    sources = {
        f"rows{path.name}": ReportSource(
            partial(_body, path),
            content_type="application/json" if path.suffix == ".json" else "text/csv",
        )
        for path in folder.glob("*.[cj]s*")
    }
    slow = ReportSource(_small_table, generation)
    sources |= {f"wait{number}": slow for number in range(REPORTS)}
    sources |= {
        "quick": ReportSource(_small_table),
        "slow": ReportSource(_small_table, slow_seconds),
    }
    return Sandbox(people=1, reports=sources, time_scale=time_scale)


@cache
def _body(path: Path, _start: date | None, _end: date | None) -> bytes:
    return path.read_bytes()


def main(folder: Path, seconds: float, slow_seconds: float) -> None:
    """Serve until standard input ends.

    Args:
        folder: the data, as CSV and JSON.
        seconds: how long each of the slow reports takes.
        slow_seconds: how long each of those of a nightly run takes.
    """
    files = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, directory=str(folder)))
    threading.Thread(target=files.serve_forever, daemon=True).start()
    scale = seconds / JOB_SECONDS
    slow = slow_seconds / scale
    with (
        _sandbox(folder, 1, seconds, slow) as now,
        _sandbox(folder, scale, JOB_SECONDS, slow) as jobs,
    ):
        urls = {
            "files": f"http://127.0.0.1:{files.server_address[1]}",
            "immediate": now.api_url,
            "jobs": jobs.api_url,
            "scale": scale,
        }
        print(json.dumps(urls), flush=True)  # noqa: T201  # read by the process that started this
        sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]))

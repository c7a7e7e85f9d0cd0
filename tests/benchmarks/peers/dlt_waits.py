"""dlt: reports by the month, asked for by its pool of workers."""

from __future__ import annotations

import calendar
import csv
import io
import json
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import dlt  # type: ignore[import-not-found, unused-ignore]  # in its own environment
import requests

if TYPE_CHECKING:
    from collections.abc import Iterator

YEAR: Final = 2024
HTTP: Final = requests.Session()


@dlt.defer  # type: ignore[untyped-decorator, unused-ignore]  # dlt is not installed for the checks
def window(url: str, token: str, month: int, scale: float) -> list[dict[str, Any]]:
    """Return the rows of one month, polled for as long as they are in the making.

    dlt leaves the polling to its sources; this one makes the same pauses as tap-crewmojo.
    """
    headers = {"Authorization": f"Bearer {token}"}
    first = YEAR * 10000 + month * 100
    last = first + calendar.monthrange(YEAR, month)[1]
    body = {"startDate": first + 1, "endDate": last}
    answer = HTTP.post(url, json=body, headers=headers, timeout=90)
    answer.raise_for_status()
    pause = 1.0
    while answer.text.startswith("{"):
        time.sleep(pause * scale)
        pause = min(1.5 * pause, 5)
        answer = HTTP.get(f"{url}/{answer.json()['jobId']}", headers=headers, timeout=90)
        answer.raise_for_status()
    return list(csv.DictReader(io.StringIO(answer.text)))


def report(url: str, token: str, scale: float) -> Iterator[Any]:
    """Yield the months of a report, still to be asked for."""
    for month in range(1, 13):
        yield window(url, token, month, scale)


def main(config: dict[str, Any]) -> None:
    """Run the pipeline into a folder that is gone afterwards."""
    with TemporaryDirectory(prefix="benchmark-dlt-") as folder:
        resources = [
            dlt.resource(
                report(
                    f"{config['api_url']}/integrations/download/{name}",
                    config["token"],
                    config["scale"],
                ),
                name=name,
            )
            for name in config["reports"]
        ]
        pipeline = dlt.pipeline(
            "benchmark",
            pipelines_dir=f"{folder}/pipeline",
            destination=dlt.destinations.filesystem(Path(folder, "files").as_uri()),
            dataset_name="data",
        )
        pipeline.run(resources, loader_file_format="jsonl").raise_on_failed_jobs()


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))

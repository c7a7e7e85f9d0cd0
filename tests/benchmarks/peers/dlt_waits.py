"""dlt: monthly reports, requested by its pool of workers."""

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
    """Return the rows of one month, polled until they are ready.

    dlt leaves the polling to its sources; this one makes the same pauses as tap-crewmojo.
    """
    headers = {"Authorization": f"Bearer {token}"}
    first = YEAR * 10000 + month * 100
    last = first + calendar.monthrange(YEAR, month)[1]
    body = {"startDate": first + 1, "endDate": last}
    response = HTTP.post(url, json=body, headers=headers, timeout=90)
    response.raise_for_status()
    pause = 1.0
    while response.text.startswith("{"):
        time.sleep(pause * scale)
        pause = min(1.5 * pause, 5)
        response = HTTP.get(f"{url}/{response.json()['jobId']}", headers=headers, timeout=90)
        response.raise_for_status()
    return list(csv.DictReader(io.StringIO(response.text)))


def report(url: str, token: str, scale: float) -> Iterator[Any]:
    """Yield the months of a report, not requested yet."""
    for month in range(1, 13):
        yield window(url, token, month, scale)


def main(config: dict[str, Any]) -> None:
    """Run the pipeline into a folder that is deleted afterwards."""
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

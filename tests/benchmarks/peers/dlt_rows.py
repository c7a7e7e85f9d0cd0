"""dlt: a report's rows to files, as dictionaries to JSON lines or as Arrow tables to parquet."""

from __future__ import annotations

import csv
import io
import sys
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import dlt  # type: ignore[import-not-found, unused-ignore]  # in its own environment
import requests

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE: Final = 5000
COLUMNS: Final[Any] = {
    "Code": {"data_type": "text"},
    "Name": {"data_type": "text"},
    "Email": {"data_type": "text"},
    "Started": {"data_type": "date"},
    "Last Active": {"data_type": "timestamp"},
    "Manager": {"data_type": "bool"},
    "Meetings": {"data_type": "bigint"},
    "Rating": {"data_type": "double"},
    "Team": {"data_type": "text"},
    "Notes": {"data_type": "text"},
    "Score": {"data_type": "double"},
    "Office": {"data_type": "text"},
}


def as_dictionaries(url: str) -> Iterator[Any]:
    """Yield pages of rows; dlt makes their cells what the columns' hints say."""
    with requests.get(url, stream=True, timeout=90) as response:
        rows = csv.DictReader(_text(response))
        while page := list(islice(rows, PAGE)):
            yield [{name: cell or None for name, cell in row.items()} for row in page]


def _text(response: requests.Response) -> io.TextIOWrapper:
    raw: Any = response.raw
    raw.auto_close = False  # else it is closed under the reader's hands at its end
    return io.TextIOWrapper(raw, encoding="utf-8", newline="")


def as_arrow(url: str) -> Iterator[Any]:
    """Yield Arrow's tables, whose columns have the types that Arrow reads in them."""
    import pyarrow as pa  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415  # the other way does without
    from pyarrow import csv as arrow_csv  # noqa: PLC0415  # likewise

    types = {"Code": pa.string(), "Last Active": pa.timestamp("s", tz="UTC")}
    options = arrow_csv.ConvertOptions(column_types=types, strings_can_be_null=True)
    with requests.get(url, stream=True, timeout=90) as response:
        for batch in arrow_csv.open_csv(
            response.raw,
            read_options=arrow_csv.ReadOptions(block_size=1 << 24),
            convert_options=options,
        ):
            yield pa.Table.from_batches([batch])


def main(way: str, url: str) -> None:
    """Run the pipeline into a folder that is deleted afterwards.

    Args:
        way: "arrow"; or as dictionaries, "typed" by hints, or as the "texts" that CSV holds.
        url: where the report is.
    """
    with TemporaryDirectory(prefix="benchmark-dlt-") as folder:
        resource = dlt.resource(
            (as_arrow if way == "arrow" else as_dictionaries)(url),
            name="big",
            columns=COLUMNS if way == "typed" else None,
        )
        pipeline = dlt.pipeline(
            "benchmark",
            pipelines_dir=f"{folder}/pipeline",
            destination=dlt.destinations.filesystem(Path(folder, "files").as_uri()),
            dataset_name="data",
        )
        file_format: Any = "parquet" if way == "arrow" else "jsonl"
        info = pipeline.run(resource, loader_file_format=file_format)
        info.raise_on_failed_jobs()


if __name__ == "__main__":
    main(*sys.argv[1:])

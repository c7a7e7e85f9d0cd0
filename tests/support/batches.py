"""The files of BATCH messages, read back."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING

from pyarrow import parquet

if TYPE_CHECKING:
    from support.tap_runs import Record, Run


def rows_of(file: Path) -> list[Record]:
    """Return the rows of a file."""
    if file.suffix == ".parquet":
        rows: list[Record] = parquet.read_table(file).to_pylist()
        return rows
    return [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]


def batch_rows(run: Run) -> list[Record]:
    """Return the rows of all files of a run."""
    batches = [message for message in run.messages if message["type"] == "BATCH"]
    urls = [url for batch in batches for url in batch["manifest"]]
    return [row for url in urls for row in rows_of(Path(url.removeprefix("file://")))]

"""A report read as rows, in every way that a report can be read."""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import tempfile
from typing import TYPE_CHECKING, Any

from tap_crewmojo.readers.csv_report import CsvReport
from tap_crewmojo.readers.spool import JobEnvelope, ResponseHead, spool

if TYPE_CHECKING:
    from tap_crewmojo.readers.json_report import JsonReport

CSV, JSON = "text/csv", "application/json"
Rows = list[dict[str, Any]]
WHOLE = 1 << 16


def spooled(body: bytes, content_type: str, size: int, **how: Any) -> CsvReport | JsonReport:  # noqa: ANN401
    """Return a report that is read in chunks of so many bytes."""
    report = spool([body], ResponseHead(content_type, **how), chunk_size=size)
    assert not isinstance(report, JobEnvelope)
    return report


def read(body: bytes, content_type: str = CSV, size: int = WHOLE, **how: Any) -> tuple[Rows, int]:  # noqa: ANN401
    """Return the cells of a report that have a value, row by row, and how many rows have none."""
    with contextlib.closing(spooled(body, content_type, size, **how)) as report:
        rows, empty_rows = rows_of(report)
        assert rows_of(report) == (rows, empty_rows), "a report can be read again"
        wanted = set(report.headings()[:1])
        some = [{name: row[name] for name in row if name in wanted} for row in rows]
        assert rows_of(report, wanted) == (some, empty_rows), "the same rows"
        if isinstance(report, CsvReport):
            assert empty_rows == report.empty_rows
            blocks = b"".join(report.blocks(size)).decode()
            assert [
                {name: cell for name, cell in zip(report.headings(), row, strict=True) if cell}
                for row in csv.reader(io.StringIO(blocks, newline=""), strict=True)
            ] == rows
        with tempfile.TemporaryFile() as file:
            file.write(b"another report")
            report.move_to(file)
            assert rows_of(report) == (rows, empty_rows), "the same rows from another file"
    return rows, empty_rows


def rows_of(report: CsvReport | JsonReport, only: set[str] | None = None) -> tuple[Rows, int]:
    rows: Rows = []
    empty_rows = 0
    for batch in report.batches(only):
        assert len(batch.cells) == len(batch.headings) == len(set(batch.headings))
        assert {len(cells) for cells in batch.cells} <= {batch.size}
        for row in list(zip(*batch.cells, strict=True)) or [()] * batch.size:
            named = zip(batch.headings, row, strict=True)
            rows.append({name: cell for name, cell in named if cell is not None and cell != ""})
        empty_rows += batch.empty_rows
    assert only is not None or all(rows)
    return rows, empty_rows


def numbered(names: list[str]) -> list[str]:
    """Return names with their repetitions numbered, as the documentation says."""
    result: list[str] = []
    for name in names:
        numbers = (f"{name}__{number}" for number in itertools.count(2))
        free = (other for other in numbers if other not in {*names, *result})
        result.append(next(free) if name in result else name)
    return result

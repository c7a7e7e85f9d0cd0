"""The limit with the tap's own converter, types checked: still nothing of Singer around it."""

from __future__ import annotations

import csv
import sys
from datetime import UTC
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from tap_crewmojo.column_types import ColumnType
from tap_crewmojo.inference import discovered_schema, infer
from tap_crewmojo.records import RecordMaker
from tap_crewmojo.schema import OnNewColumn, SchemaRules, StreamSchema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_crewmojo.rows import Row


class _PlainFile:
    """What the converter asks of a report: its lines."""

    is_json = False

    def __init__(self, path: Path) -> None:
        self._path = path

    def headings(self) -> list[str]:
        with self._path.open(encoding="utf-8", newline="") as file:
            return next(csv.reader(file))

    def chunks(self, size: int) -> Iterator[list[list[str]]]:
        with self._path.open(encoding="utf-8", newline="") as file:
            lines = csv.reader(file, strict=True)
            next(lines)
            while chunk := list(islice(lines, size)):
                yield chunk


def _schema(file: _PlainFile) -> StreamSchema:
    headings = file.headings()
    rows: list[Row] = [
        {heading: cell or None for heading, cell in zip(headings, line, strict=True)}
        for line in next(file.chunks(100))
    ]
    rules = SchemaRules({}, True, OnNewColumn.ADD, UTC)  # noqa: FBT003  # infer_types
    types = dict.fromkeys(headings, ColumnType.STRING) | infer(rows)
    schema = discovered_schema(types, rules, dated=False)
    return StreamSchema(schema, rules, dated=False, is_selected=lambda _name: True)


def main(path: Path) -> None:
    """Write a report's rows to standard output."""
    encode, write = msgspec.json.Encoder().encode_lines, sys.stdout.buffer.write
    file: Any = _PlainFile(path)
    for records in RecordMaker(_schema(file), (), {}).batches(file):
        write(encode(records))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

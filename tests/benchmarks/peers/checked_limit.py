"""The limit: CSV read, typed by the tap's converters and written as JSON lines, without Singer."""

from __future__ import annotations

import csv
import sys
from datetime import UTC
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tap_crewmojo.cells import Columns
from tap_crewmojo.records import RecordMaker
from tap_crewmojo.schema.inference import discovered_schema, infer
from tap_crewmojo.schema.rules import OnNewColumn, SchemaRules
from tap_crewmojo.schema.stream_schema import StreamSchema

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

ROWS: Final = 500


class _PlainFile:
    """The part of a report that the converters need: its cells, by column."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def headings(self) -> list[str]:
        with self._path.open(encoding="utf-8", newline="") as file:
            return next(csv.reader(file))

    def batches(self, only: Collection[str] | None = None) -> Iterator[Columns]:
        assert only is None
        with self._path.open(encoding="utf-8", newline="") as file:
            lines = csv.reader(file, strict=True)
            headings = tuple(next(lines))
            while rows := list(islice(lines, ROWS)):
                yield Columns(headings, list(zip(*rows, strict=True)), len(rows))


def _schema(file: _PlainFile) -> StreamSchema:
    rules = SchemaRules({}, True, OnNewColumn.ADD, UTC)  # noqa: FBT003  # infer_types
    schema = discovered_schema(infer(islice(file.batches(), 1)), rules, windowed=False)
    return StreamSchema(schema, rules, windowed=False, is_selected=lambda _name: True)


def main(path: Path) -> None:
    """Write a report's rows to standard output."""
    encode, write = msgspec.json.Encoder().encode_lines, sys.stdout.buffer.write
    file: Any = _PlainFile(path)
    for records in RecordMaker(_schema(file), (), {}).batches(file):
        write(encode(records))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

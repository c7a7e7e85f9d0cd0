"""The report that all read: made up, the same for the same number of rows."""

from __future__ import annotations

import csv
import json
import random
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_TYPES: Final[dict[str, Callable[[str], Any]]] = {
    "Code": str,  # leading zeros: no number
    "Name": str,
    "Email": str,
    "Started": str,
    "Last Active": str,
    "Manager": lambda cell: cell == "true",
    "Meetings": int,
    "Rating": float,
    "Team": str,  # a third of its cells are empty
    "Notes": str,
    "Score": float,
    "Office": str,  # half of its cells are empty
}
HEADINGS: Final = tuple(_TYPES)

_GIVEN: Final = (
    "Anna",
    "Zoë",
    "José",
    "Χρήστος",
    "Ольга",
    "次郎",
    "علي",
    "Siobhán",
    "Bob",
    "Nguyễn",
)
_FAMILY: Final = (
    "Müller",
    "O'Neil",
    "Παππάς",
    "Иванова",
    "太郎",
    "حسن",
    "Smith, Jr.",
    "Văn",
    "Brown",
)
_TEAMS: Final = ("", "", "Sales", "Ops", "R&D", "Vertrieb Süd")
_OFFICES: Final = ("", "", "Berlin", "東京")
_NOTES: Final = (
    "Talked about goals, growth and the next review",
    'Said "let us see", then moved on',
    "Nothing to add",
    "Follow-up: ask for feedback, write it down, come back to it in a month",
    "A longer text, of the kind that people leave in a field that asks what went well",
)
_FIRST_DAY: Final = date(2024, 1, 1)


def rows(count: int) -> Iterator[list[str]]:
    """Yield the cells of each row, as CSV has them."""
    chance = random.Random(count)  # noqa: S311  # no secret
    days = [_FIRST_DAY + timedelta(days=day) for day in range(366)]
    midnight = datetime(2024, 1, 1, tzinfo=UTC)
    for number in range(count):
        active = midnight + timedelta(minutes=chance.randrange(366 * 24 * 60))
        yield [
            f"{number:08d}",
            f"{chance.choice(_GIVEN)} {chance.choice(_FAMILY)}",
            f"person{number}@example.com",
            chance.choice(days).isoformat(),
            active.strftime("%Y-%m-%dT%H:%M:%SZ"),
            chance.choice(("true", "false")),
            str(chance.randrange(1000)),
            f"{chance.random() * 100:.2f}",
            chance.choice(_TEAMS),
            f"{chance.choice(_NOTES)} ({chance.randrange(10000)})",
            f"{chance.uniform(1, 9):.6f}",
            chance.choice(_OFFICES),
        ]


def make(folder: Path, count: int) -> None:
    """Write the report as CSV and as JSON, unless it is there."""
    csv_file, json_file = folder / f"{count}.csv", folder / f"{count}.json"
    if json_file.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    partial = json_file.with_suffix(".partial")
    with csv_file.open("w", newline="") as table, partial.open("w") as array:
        writer = csv.writer(table)
        writer.writerow(HEADINGS)
        array.write("[")
        for number, row in enumerate(rows(count)):
            writer.writerow(row)
            array.write(",\n" if number else "")
            array.write(json.dumps(_typed(row), ensure_ascii=False, separators=(",", ":")))
        array.write("]")
    partial.rename(json_file)


def _typed(row: list[str]) -> dict[str, Any]:
    return {
        heading: convert(cell) if cell else None
        for (heading, convert), cell in zip(_TYPES.items(), row, strict=True)
    }


if __name__ == "__main__":
    for size in sys.argv[2:]:
        make(Path(sys.argv[1]), int(size))

"""The report that every program reads: made up, the same for the same number of rows."""

from __future__ import annotations

import csv
import json
import random
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import TextIO

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

CSV: Final = ".csv"
CSV_VARIANTS: Final = "-variants.csv"
"""The same with a value that does not fit its column's type, once in so many rows."""
JSON: Final = ".json"
JSON_TOTAL: Final = "-total.json"
"""The same rows in an object, followed by their number."""
FORMS: Final = (CSV, CSV_VARIANTS, JSON, JSON_TOTAL)
"""What follows the number of rows in the name of each file."""
ROWS_PER_VARIANT: Final = 100

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
    """Write the report in all its forms, unless they exist."""
    targets = {form: folder / f"{count}{form}" for form in FORMS}
    if all(target.exists() for target in targets.values()):
        return
    folder.mkdir(parents=True, exist_ok=True)
    partial = {form: folder / f"partial-{target.name}" for form, target in targets.items()}
    _write_csv(partial[CSV], rows(count))
    _write_csv(partial[CSV_VARIANTS], _with_variants(rows(count)))
    with partial[JSON].open("w", encoding="utf-8") as array:
        _write_array(array, rows(count))
    with partial[JSON_TOTAL].open("w", encoding="utf-8") as file:
        file.write('{"data":')
        _write_array(file, rows(count))
        file.write(f',"total":{count}}}')
    for form, target in targets.items():
        partial[form].rename(target)


def _with_variants(table: Iterable[list[str]]) -> Iterator[list[str]]:
    place = HEADINGS.index("Rating")
    for number, row in enumerate(table, 1):
        if number % ROWS_PER_VARIANT == 0:
            row[place] = "n/a"
        yield row


def _write_csv(target: Path, table: Iterable[list[str]]) -> None:
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADINGS)
        writer.writerows(table)


def _write_array(file: TextIO, table: Iterable[list[str]]) -> None:
    file.write("[")
    for number, row in enumerate(table):
        file.write(",\n" if number else "")
        file.write(json.dumps(_typed(row), ensure_ascii=False, separators=(",", ":")))
    file.write("]")


def _typed(row: list[str]) -> dict[str, Any]:
    return {
        heading: convert(cell) if cell else None
        for (heading, convert), cell in zip(_TYPES.items(), row, strict=True)
    }


if __name__ == "__main__":
    for size in sys.argv[2:]:
        make(Path(sys.argv[1]), int(size))

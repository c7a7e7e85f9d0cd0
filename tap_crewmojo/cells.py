"""The cells of a report in columns, the same for CSV and JSON, and the limits of a report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

Cell: TypeAlias = "str | dict[str, Any] | list[Any] | None"
"""A cell: its text as in CSV, or nested JSON as Python objects; `None` or `""` if it is empty."""

CHUNK: Final = 1 << 16
"""Bytes that are read together: few enough for a processor's cache."""

LONGEST_ROW: Final = 1 << 26
"""Bytes of one row, at most. The longest comment in a review has far fewer."""

MOST_COLUMNS: Final = 100_000
"""Columns of a report, at most."""

NUL: Final = "a NUL character, which databases refuse"


@dataclass(frozen=True, slots=True)
class Columns:
    """Some rows of a report as columns of cells.

    Args:
        headings: the headings, distinct.
        cells: one column for each heading, all of `size` cells.
        size: the number of rows, possibly 0.
        empty_rows: rows without any value; they are not in `cells`.
    """

    headings: tuple[str, ...]
    cells: Sequence[Sequence[Cell]]
    size: int
    empty_rows: int = 0


def is_empty(cell: Cell) -> bool:
    """Return whether a cell has no value."""
    return cell is None or cell == ""


def distinct(headings: Sequence[str]) -> tuple[str, ...]:
    """Return headings with repeated ones numbered: a report may repeat one, a record cannot."""
    taken = set(headings)
    if len(taken) == len(headings):
        return tuple(headings)
    repetitions: dict[str, int] = {}
    result: list[str] = []
    for heading in headings:
        name, number = heading, repetitions.get(heading, 0) + 1
        if number > 1:
            while (name := f"{heading}__{number}") in taken:
                number += 1
        repetitions[heading] = number
        taken.add(name)
        result.append(name)
    return tuple(result)

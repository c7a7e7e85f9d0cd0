"""Cells of a report, by column: what the readers of CSV and of JSON have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

Cell: TypeAlias = "str | dict[str, Any] | list[Any] | None"
"""One cell: its text, as CSV has it; nested JSON as Python objects. `None` and `""`: no value."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Some rows of a report, as one column of cells for each heading.

    Args:
        headings: the headings, distinct.
        cells: one column for each heading, all of `size` cells.
        size: the number of rows.
        empty_rows: rows without any value that were skipped; they are not in `cells`.
    """

    headings: tuple[str, ...]
    cells: Sequence[Sequence[Cell]]
    size: int
    empty_rows: int = 0

"""What a report is: headings, and rows of cells."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TypeAlias

Cell: TypeAlias = str | float | bool | date | None
"""One value. To a type checker `float` takes in `int`, and `date` takes in `datetime`."""

Row: TypeAlias = tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A whole report."""

    headings: tuple[str, ...]
    rows: tuple[Row, ...]

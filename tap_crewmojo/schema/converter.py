"""The conversion of columns, whatever their type.

A column is converted at once. A cell that does not fit the type of its column is data, too: its
value is null, and its text is the column's variant (see `stream_schema.py`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from tap_crewmojo.cells import is_empty

if TYPE_CHECKING:
    from tap_crewmojo.cells import Cell

Value: TypeAlias = "str | int | float | bool | dict[str, Any] | list[Any] | None"
Values: TypeAlias = Sequence[Value]
Variants: TypeAlias = Sequence[str | None]
"""For each cell its text if it does not fit its column's type, or null."""

One: TypeAlias = "Callable[[Cell], Value]"
AllAtOnce: TypeAlias = Callable[[Sequence[Any]], Values | None]

_MOST_REMEMBERED: Final = 1 << 14
"""Distinct cells of a column whose values are kept."""

_FEW: Final = 16
"""Cells that are converted one by one if one of them does not fit."""


class Converter:
    """Converts columns of one type.

    Args:
        one: returns the value of a cell that is not empty, or none if the cell does not fit.
        all_at_once: returns the values of a column, faster than one by one, or none if a cell may
            not fit.
    """

    def __init__(
        self,
        one: One,
        all_at_once: AllAtOnce | None = None,
    ) -> None:
        self._all_at_once = all_at_once
        self._memory = _Memory(one)

    def convert(self, cells: Sequence[Cell]) -> tuple[Values, Variants | None]:
        """Return the values of a column, and its variants if there are any."""
        if not self._all_at_once:
            values = self._one_by_one(cells)
        elif (at_once := self._all_at_once(cells)) is not None:
            return at_once, None
        else:  # only the few cells around one that may not fit are converted one by one
            parts = (cells[start : start + _FEW] for start in range(0, len(cells), _FEW))
            read = (self._all_at_once(part) or self._one_by_one(part) for part in parts)
            values = list(chain.from_iterable(read))
        if not self._memory.has_unfit:
            return values, None
        variants = [
            to_text(cell) if value is None and not is_empty(cell) else None
            for cell, value in zip(cells, values, strict=True)
        ]
        return values, variants if any(variants) else None

    def fits(self, cells: Sequence[Cell]) -> bool:
        """Return whether all cells of a column fit its type."""
        return self.convert(cells)[1] is None

    def _one_by_one(self, cells: Sequence[Cell]) -> Values:
        try:
            return list(map(self._memory.__getitem__, cells))
        except TypeError:  # nested JSON has no hash
            return [None if is_empty(cell) else self._memory.value(cell) for cell in cells]


class _Memory(dict[Any, Value]):
    """The values of a column's cells, since dates and words repeat.

    Args:
        one: returns the value of a cell.

    Attributes:
        has_unfit: whether any cell so far did not fit.
    """

    def __init__(self, one: One) -> None:
        super().__init__({"": None, None: None})
        self.has_unfit = False
        self._one = one

    def value(self, cell: Cell) -> Value:
        """Return the value of a cell that is not empty."""
        value = self._one(cell)
        if value is None:
            self.has_unfit = True
        return value

    def __missing__(self, cell: Cell) -> Value:
        value = self.value(cell)
        # Nested JSON is not kept: the same value in two records would change in both.
        if len(self) < _MOST_REMEMBERED and not isinstance(value, dict | list):
            self[cell] = value
        return value


def to_text(cell: Cell) -> str | None:
    """Return a cell as text; nested JSON as compact JSON."""
    if cell is None or isinstance(cell, str):
        return cell
    return json.dumps(cell, ensure_ascii=False, separators=(",", ":"))

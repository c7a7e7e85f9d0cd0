"""Rows of one window with the same primary key, of which an upserting target keeps one."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from tap_crewmojo.column_types import Value

MOST: Final = 100_000
"""Rows of a window that are looked at: a key that does not tell rows apart shows early."""


class RepeatedKeys:
    """Counts the rows of a window whose key an earlier one has.

    Args:
        keys: the columns that should tell them apart.

    Attributes:
        count: such rows, among the first `MOST`.
    """

    def __init__(self, keys: Collection[str]) -> None:
        self.count = 0
        self._keys = keys
        self._seen: set[int] = set()
        self._looked_at = 0

    def look_at(self, rows: Iterable[tuple[Value, ...]], names: Sequence[str]) -> None:
        """Take in some rows.

        Args:
            rows: their values, in the order of `names`.
            names: their columns.
        """
        if not self._keys or not set(self._keys) <= set(names) or self._looked_at >= MOST:
            return
        places = [names.index(name) for name in sorted(self._keys)]
        key_of: Callable[[tuple[Value, ...]], object] = operator.itemgetter(*places)
        for row in rows:
            self._looked_at += 1
            key = hash(repr(key_of(row)))  # of the text, since nested JSON has no hash
            self.count += key in self._seen
            self._seen.add(key)

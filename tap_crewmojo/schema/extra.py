"""The column that collects what the schema has no column for, so that the schema never changes.

Its value is a JSON object of texts by heading: those of new columns, and those that do not fit
their column's type. It is null in rows that have neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from tap_crewmojo.schema.metadata import EXTRA

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from tap_crewmojo.schema.converter import Variants

_ENCODER: Final = msgspec.json.Encoder(order="sorted")


@dataclass(frozen=True, slots=True)
class ExtraColumn:
    """What may get into the column.

    Args:
        is_selected: returns whether the catalog selects a column.
        hidden: headings and names of columns whose values must not get into it.
    """

    is_selected: Callable[[str], bool]
    hidden: Collection[str]

    def refusal(self, *names: str) -> str | None:
        """Return why values must not get into the column, if so.

        Args:
            names: the heading of the values, and the names that columns with them have.
        """
        for name in names:
            if not self.is_selected(name):
                return f"the catalog deselects {name!r}"
        if not self.hidden or set(names).isdisjoint(self.hidden):
            return None
        return f"a stream map drops or changes the column, and does not name {EXTRA!r}"


def as_objects(texts: Mapping[str, Variants]) -> Variants:
    """Return a JSON object for each row, with its names in alphabetical order.

    Args:
        texts: at least one column of texts, by its name in the objects.
    """
    return [
        _as_object(zip(texts, row, strict=True)) if any(row) else None
        for row in zip(*texts.values(), strict=True)
    ]


def _as_object(texts: Iterable[tuple[str, str | None]]) -> str:
    filled = {name: text for name, text in texts if text is not None}
    return _ENCODER.encode(filled).decode()

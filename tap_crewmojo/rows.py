"""Rows by heading, for callers that do not read columns yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from tap_crewmojo.json_cells import cell_of_json, nested_cell, objects_of, scalar_cell

if TYPE_CHECKING:
    from tap_crewmojo.cells import Cell

__all__ = ["Row", "array_rows", "cell_of_json", "nested_cell", "scalar_cell"]

Row: TypeAlias = "dict[str, Cell]"
"""One row, by the headings of the report."""


def array_rows(piece: bytes) -> list[Row]:
    """Return the objects of a JSON array that is known to be well-formed."""
    return objects_of(piece.decode()[1:-1])

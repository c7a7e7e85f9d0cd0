"""A report whose columns come, go and change, and what all of it amounts to."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from support.oracle import value_of
from support.tap_runs import load
from tap_crewmojo.sandbox.company.table import Table

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from support.tap_runs import Run
    from tap_crewmojo.sandbox.company.table import Row as TableRow

CATALOGUED = ("Code", "Score", "Day", "When", "Done", "Secret")
_KINDS = ("string", "number", "date", "date-time", "boolean", "string")
TYPES = dict(zip(CATALOGUED, _KINDS, strict=True))
"""The types that the columns have before the change."""


def month(start: date | None, _end: date | None) -> Table:
    """Return a report whose columns change from month to month.

    A column appears in May, the number meets text in July, dates meet free text in August, a column
    is gone in September.
    """
    assert start
    rows: list[TableRow] = [
        ("007", start.month + 0.5, start, "2025-01-01T10:00:00Z", True, "x"),
        (None, None, None, None, None, None),
        ("008", start.month, date(2024, 2, 29), "2025-01-01T10:00:00+11:00", False, "y"),
    ]
    match start.month:
        case 5 | 6:
            headings = ("Mood", *CATALOGUED, "Empty")
            rows = [("good", *rows[0], None), (None, *rows[1], None), ("bad", *rows[2], None)]
            return Table(headings, tuple(rows))
        case 7:
            rows += [("a", "n/a", "2024-02-30", "mañana", "yes", "z")]
            rows += [("b", "1e5", "31/12/2024", "2025-01-01", "0", "z")]
            rows += [("c", 7, None, None, None, "z")]
        case 9:
            return Table(("Score", "Code"), (("9", "a"), (None, None)))
        case _:
            pass
    return Table(CATALOGUED, tuple(rows))


def rows() -> Iterator[tuple[tuple[str, int], dict[str, Any]]]:
    """Yield the cells of each row of the source, by window and row; empty rows have no number."""
    for number in range(1, 10):
        start = date(2025, number, 1)
        table = month(start, None)
        filled = (row for row in table.rows if any(cell is not None for cell in row))
        for index, row in enumerate(filled, start=1):
            cells = zip(table.headings, row, strict=True)
            yield (
                (start.isoformat(), index),
                {heading: cell for heading, cell in cells if cell is not None},
            )


def source() -> dict[tuple[str, int], dict[str, Any]]:
    """Return all values of the source as text, by window and row."""
    return {key: {heading: text(cell) for heading, cell in cells.items()} for key, cells in rows()}


def collected(known: Collection[str] = CATALOGUED) -> dict[tuple[str, int], dict[str, str]]:
    """Return the cells that no known column takes, as in CSV, of the rows that have such cells."""
    extras = {
        key: {
            heading: in_csv(cell)
            for heading, cell in cells.items()
            if heading not in known or value_of(TYPES[heading], in_csv(cell)) is None
        }
        for key, cells in rows()
    }
    return {key: extra for key, extra in extras.items() if extra}


def in_csv(cell: object) -> str:
    return str(cell).lower() if isinstance(cell, bool) else str(cell)


def text(cell: object) -> str:
    """Return a value as text; a date-time with an offset in UTC, as the tap writes it."""
    words = in_csv(cell)
    return "2024-12-31T23:00:00Z" if words == "2025-01-01T10:00:00+11:00" else words


def held(run: Run, stream: str = "changing") -> dict[tuple[str, int], dict[str, Any]]:
    """Return all values that a target holds, as text, by window and row, variants joined again."""
    return {
        key: {
            name.removesuffix("__text"): text(value)
            for name, value in record.items()
            if value is not None and not name.startswith("_sdc")
        }
        for key, record in load(run)[stream].items()
    }

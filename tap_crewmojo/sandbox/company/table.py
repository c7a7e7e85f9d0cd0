"""Tables: headings and rows of cells, and their CSV and JSON forms."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TypeAlias

Cell: TypeAlias = str | float | bool | date | None
"""One value. For a type checker, `float` includes `int`, and `date` includes `datetime`."""

Row: TypeAlias = tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """The content of a report."""

    headings: tuple[str, ...]
    rows: tuple[Row, ...]


def to_csv(table: Table) -> bytes:
    """Return a table as RFC 4180 CSV in UTF-8: headings first ([doc]), each line ended by CRLF."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\r\n")
    lines.writerow(table.headings)
    lines.writerows([_csv_text(cell) for cell in row] for row in table.rows)
    return text.getvalue().encode()


def to_json(table: Table) -> bytes:
    """Return a table as a JSON array with one object for each row ([assumed]: a bare array)."""
    rows = [dict(zip(table.headings, map(_json_value, row), strict=True)) for row in table.rows]
    return json.dumps(rows, ensure_ascii=False, allow_nan=False).encode()


def _csv_text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return format(Decimal(repr(cell)), "f")  # the shortest digits, never an exponent
    return str(_json_value(cell))


def _json_value(cell: Cell) -> str | float | bool | None:
    if isinstance(cell, datetime):
        return cell.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(cell, date):
        return cell.isoformat()
    return cell

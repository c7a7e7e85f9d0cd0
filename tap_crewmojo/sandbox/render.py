"""Tables as the bytes of an answer: CSV or JSON."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tap_crewmojo.sandbox.company.table import Cell, Table


def to_csv(table: Table) -> bytes:
    """Render RFC 4180 CSV in UTF-8, headings first ([doc]), every line ended by CRLF."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\r\n")
    lines.writerow(table.headings)
    lines.writerows([_csv_text(cell) for cell in row] for row in table.rows)
    return text.getvalue().encode()


def to_json(table: Table, envelope: str | None = None) -> bytes:
    """Render an array of objects, one a row.

    Args:
        table: The report.
        envelope: Put the array into an object, under this name. Whether the vendor does is not
            published, so both must be servable. [assumed: a bare array]
    """
    rows = [dict(zip(table.headings, map(_json_value, row), strict=True)) for row in table.rows]
    whole = rows if envelope is None else {envelope: rows}
    return json.dumps(whole, ensure_ascii=False, allow_nan=False).encode()


def _csv_text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return format(Decimal(repr(cell)), "f")  # the shortest form, but never an exponent
    return str(_json_value(cell))


def _json_value(cell: Cell) -> str | float | bool | None:
    if isinstance(cell, datetime):
        return cell.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(cell, date):
        return cell.isoformat()
    return cell

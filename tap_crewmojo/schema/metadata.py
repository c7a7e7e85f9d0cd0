"""The columns that the tap adds to each row, and the keys that they are part of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

START_DATE: Final = "_sdc_report_start_date"
END_DATE: Final = "_sdc_report_end_date"
REQUESTED_AT: Final = "_sdc_report_datetime"
ROW_NUMBER: Final = "_sdc_row_number"
EXTRA: Final = "_sdc_report_extra"
"""The column for all that has no other column, with `on_new_column: collect` (see `extra.py`)."""

_DATES: Final[dict[str, dict[str, Any]]] = {
    START_DATE: {"type": ["string"], "format": "date"},
    END_DATE: {"type": ["string"], "format": "date"},
}
_METADATA: Final[dict[str, dict[str, Any]]] = {
    REQUESTED_AT: {"type": ["string"], "format": "date-time"},
    ROW_NUMBER: {"type": ["integer"]},
}
_EXTRA: Final[dict[str, dict[str, Any]]] = {EXTRA: {"type": ["string", "null"]}}
RESERVED: Final = (*_DATES, *_METADATA, *_EXTRA)


def metadata_schema(*, windowed: bool, collects: bool) -> dict[str, dict[str, Any]]:
    """Return the JSON schema of the columns that the tap adds to each row.

    Args:
        windowed: whether the report is requested by windows.
        collects: whether the column `EXTRA` is one of them.
    """
    return {**(_DATES if windowed else {}), **_METADATA, **(_EXTRA if collects else {})}


def key_properties(primary_keys: Iterable[str], *, windowed: bool) -> list[str]:
    """Return the columns that identify a row.

    The window's start is one of them even where the report's own keys look unique: a summary has
    the same people every month, and none may overwrite another month's.
    """
    return [*([START_DATE] if windowed else []), *(tuple(primary_keys) or (ROW_NUMBER,))]

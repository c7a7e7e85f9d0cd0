"""Singer tap for Crewmojo's report downloads."""

from __future__ import annotations

TYPE_CHECKING = False  # true for type checkers; `typing` is slow to load

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from typing import Any

    import pyarrow as pa

__all__ = ["read_report"]


def read_report(
    config: Mapping[str, Any],
    report: str,
    *,
    start: date | str | None = None,
    end: date | str | None = None,
) -> pa.Table:
    """Download a report and return its rows as an Arrow table. This needs the extra `parquet`.

    Args:
        config: the tap's settings. Those of this report are taken from `reports`, if it is there.
        report: an identifier from Crewmojo, or the name of a stream in `reports`.
        start: the first day, as a date or in ISO 8601; default: the setting `start_date`.
        end: the last day, inclusive; default: the setting `end_date`. The windows are those of a
            run: from the one of `report_window` that holds `start`, the last one cut at `end`.

    Returns:
        One row for each row of the report, oldest window first. Numbers are doubles, dates are
        date32, date-times are timestamp[us, tz=UTC], all else is text, and nested JSON its text.

    Raises:
        ImportError: pyarrow is not installed.
        singer_sdk.exceptions.ConfigValidationError: the settings are invalid.
        tap_crewmojo.errors.CredentialsError: there is no access token.
        tap_crewmojo.errors.ReportError: the report cannot be read.
    """
    try:
        from tap_crewmojo.table import read_table  # noqa: PLC0415  # slow to load
    except ModuleNotFoundError as exc:
        if exc.name != "pyarrow":
            raise
        msg = (
            "read_report needs pyarrow, which is not installed: install the tap with its extra "
            "'parquet'"
        )
        raise ImportError(msg, name=exc.name) from None
    return read_table(config, report, start, end)

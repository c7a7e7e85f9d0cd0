"""The Singer state. A stream's bookmark is the end of the last window that was emitted whole."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import ConfigValidationError

from tap_crewmojo.config.settings import day
from tap_crewmojo.errors import ReportError
from tap_crewmojo.schema.metadata import END_DATE

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

_DAY = timedelta(days=1)
_BOOKMARK = ("replication_key", "replication_key_value")
_SETTINGS = ("report_window", "column_names")
"""Settings that decide which rows and columns a stream has: see `read_bookmark`."""


class InvalidBookmarkError(ValueError):
    """A bookmark that is not a past day of `_sdc_report_end_date`."""


def usable_state(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return a state with only the bookmarks that this tap writes.

    Partitions and progress markers of other programs would mislead the SDK.

    Args:
        state: a state, or the STATE message that it is in.

    Raises:
        ConfigValidationError: it does not have the shape of a state.
    """
    if state.get("type") == "STATE" and isinstance(value := state.get("value"), dict):
        state = value
    bookmarks = state.get("bookmarks", {} if not state else None)
    if not isinstance(bookmarks, dict) or not all(
        isinstance(bookmark, dict) for bookmark in bookmarks.values()
    ):
        msg = (
            "The state is invalid: it must be the last line that the target printed, such as "
            '{"bookmarks": {"<stream>": {...}}}. Without a state, the tap starts from start_date'
        )
        raise ConfigValidationError(msg, errors=[msg])
    return {
        "bookmarks": {
            stream: {name: bookmark[name] for name in (*_BOOKMARK, *_SETTINGS) if name in bookmark}
            for stream, bookmark in bookmarks.items()
        }
    }


def read_bookmark(
    state: Mapping[str, Any], yesterday: date, report_window: str, column_names: str
) -> date | None:
    """Return the bookmark in a stream's state, if it has one.

    Rows of other windows, or with other columns, must not come beside those of earlier runs. A
    state from before these settings were in it is taken.

    Args:
        state: the stream's part of the state.
        yesterday: the last day that is over. A run in another time zone may have left the day
            after it.
        report_window: the setting.
        column_names: the setting.

    Raises:
        ReportError: the state is of a run with other settings.
        InvalidBookmarkError: the bookmark cannot be used. To skip no window, read from the start.
    """
    if not state:
        return None
    try:
        bookmark = day(str(state.get("replication_key_value")))
    except ValueError:
        raise InvalidBookmarkError from None
    if state.get("replication_key") != END_DATE or bookmark > yesterday + _DAY:
        raise InvalidBookmarkError
    for name, value in zip(_SETTINGS, (report_window, column_names), strict=True):
        if (earlier := state.get(name, value)) != value:
            msg = (
                f"the state is of runs with {name} {earlier!r}. With {value!r}, the same table "
                "would get other rows or columns. Set it back, or run a full refresh into an empty "
                "table: without --state (Meltano: `meltano run --full-refresh`)"
            )
            raise ReportError(msg)
    return bookmark


def write_bookmark(
    state: MutableMapping[str, Any], bookmark: date, report_window: str, column_names: str
) -> None:
    """Put a bookmark into a stream's state, with the settings of its rows."""
    state.update(zip(_BOOKMARK, (END_DATE, bookmark.isoformat()), strict=True))
    state.update(zip(_SETTINGS, (report_window, column_names), strict=True))

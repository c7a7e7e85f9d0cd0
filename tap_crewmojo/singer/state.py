"""The Singer state. A stream's bookmark is the end of the last window that was emitted whole."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import ConfigValidationError

from tap_crewmojo.config.settings import day
from tap_crewmojo.schema.metadata import END_DATE

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

_DAY = timedelta(days=1)
_BOOKMARK = ("replication_key", "replication_key_value")


class InvalidBookmarkError(ValueError):
    """A bookmark that is not a past day of `_sdc_report_end_date`."""


def usable_state(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return a state with only the bookmarks that this tap writes.

    Partitions and progress markers of other programs would mislead the SDK.

    Raises:
        ConfigValidationError: it does not have the shape of a state.
    """
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
            stream: {name: bookmark[name] for name in _BOOKMARK if name in bookmark}
            for stream, bookmark in bookmarks.items()
        }
    }


def read_bookmark(state: Mapping[str, Any], yesterday: date) -> date | None:
    """Return the bookmark in a stream's state, if it has one.

    Args:
        state: the stream's part of the state.
        yesterday: the last day that is over. A run in another time zone may have left the day
            after it.

    Raises:
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
    return bookmark


def write_bookmark(state: MutableMapping[str, Any], bookmark: date) -> None:
    """Put a bookmark into a stream's state."""
    state.update(zip(_BOOKMARK, (END_DATE, bookmark.isoformat()), strict=True))

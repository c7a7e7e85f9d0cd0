"""The bookmark of a stream in its Singer state: the end of the last window emitted whole."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from tap_crewmojo.config.settings import day
from tap_crewmojo.schema.metadata import END_DATE

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

_DAY = timedelta(days=1)


class StrangeBookmarkError(ValueError):
    """A bookmark that is not a past day of `_sdc_report_end_date`."""


def read_bookmark(state: Mapping[str, Any], yesterday: date) -> date | None:
    """Return the bookmark in a stream's state, if it has one.

    Args:
        state: the stream's part of the state.
        yesterday: the last day that is over. One day more is what another time zone leaves behind.

    Raises:
        StrangeBookmarkError: the bookmark is not usable. Read from the start: nothing is left out.
    """
    if not state:
        return None
    try:
        bookmark = day(str(state.get("replication_key_value")))
    except ValueError:
        raise StrangeBookmarkError from None
    if state.get("replication_key") != END_DATE or bookmark > yesterday + _DAY:
        raise StrangeBookmarkError
    return bookmark


def write_bookmark(state: MutableMapping[str, Any], bookmark: date) -> None:
    """Put a bookmark into a stream's state."""
    state["replication_key"] = END_DATE
    state["replication_key_value"] = bookmark.isoformat()

"""The bookmark of a stream in its Singer state: the end of the last window emitted whole."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from tap_crewmojo.metadata import END_DATE
from tap_crewmojo.settings import day

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

_DAY = timedelta(days=1)


class StrangeBookmarkError(ValueError):
    """A state tells something else than a past day of ours."""


def read_bookmark(state: Mapping[str, Any], yesterday: date) -> date | None:
    """Return the bookmark in a stream's state; none if there is none.

    Args:
        state: the stream's part of the state.
        yesterday: the day that no bookmark passes. One day more is what another time zone leaves
            behind: it is read again.

    Raises:
        StrangeBookmarkError: there is nothing to go on from; nothing must be left out for it.
    """
    if not state:
        return None
    try:
        bookmark = day(str(state.get("replication_key_value")))
    except ValueError:
        raise StrangeBookmarkError from None
    if state.get("replication_key") != END_DATE or bookmark > yesterday + _DAY:
        raise StrangeBookmarkError
    return min(bookmark, yesterday)


def write_bookmark(state: MutableMapping[str, Any], bookmark: date) -> None:
    """Put a bookmark into a stream's state."""
    state["replication_key"] = END_DATE
    state["replication_key_value"] = bookmark.isoformat()

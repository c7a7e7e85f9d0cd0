"""Strategies of Hypothesis for cells and columns of cells."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hypothesis import strategies as st

if TYPE_CHECKING:
    from typing import Any

texts = st.text() | st.from_regex(r"-?[0-9]{1,18}(\.[0-9]{1,18})?", fullmatch=True)


digits = st.text("0123456789", min_size=1, max_size=17)
number = st.one_of(
    st.integers(-(10**16), 10**16).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.floats(0, 10).map(repr),
    st.decimals(-(10**6), 10**6, places=2).map(str),
    st.tuples(st.sampled_from(["", "-"]), digits, st.just("."), digits).map("".join),
    st.sampled_from(["0", "-0", "-0.0", "0.10", "1e5", "1,5", "null", "1.", ".5", "--1", "1-2"]),
    st.sampled_from(["0." + "0" * 25, "0." + "0" * 20 + "1", "3.6666666666666665", "1" * 16]),
)
moment = st.one_of(
    st.datetimes().map(lambda value: value.isoformat("T", "seconds") + "Z"),
    st.datetimes().map(lambda value: value.isoformat("T", "milliseconds") + "Z"),
    st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat),
    st.sampled_from(
        [
            *("0000-01-01T00:00:00Z", "2024-02-30T00:00:00Z", "2024-01-01T24:00:00Z"),
            *("2024-01-01T23:59:60Z", '2024-01-01T00:00:00Z","2024-01-01T00:00:00Z', "2024-01-01"),
            *("2024-01-01T00:00:00.123456789Z", "2024-01-01T00:00:00.5+11:00"),
        ]
    ),
)
other = st.sampled_from(["true", "FALSE", "yes", "2024-02-29", "2023-02-29", "{}", "[1]", "x", "é"])
nested = st.sampled_from([{}, [], {"a": 1}, [1, "é"], {"b": [None]}])
empty = st.sampled_from(["", None])


def columns(*kinds: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """Return columns that are mostly of one kind, as those of a report are."""
    return st.one_of(
        [st.lists(kind, min_size=1, max_size=40) for kind in kinds]
        + [st.lists(kind | empty, min_size=1, max_size=40) for kind in kinds]
        + [st.lists(kind | empty | other | nested, min_size=1, max_size=40) for kind in kinds]
    )

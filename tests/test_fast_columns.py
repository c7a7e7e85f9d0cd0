"""Whole columns give what their cells give one by one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from tap_crewmojo.column_types import MISFIT, ColumnType, converter
from tap_crewmojo.json_columns import columns_of, json_column
from tap_crewmojo.rows import array_rows
from tap_crewmojo.schema import Column
from tap_crewmojo.text_columns import UnusualError, text_column

if TYPE_CHECKING:
    from typing import Any

digits = st.text("0123456789", min_size=1, max_size=17)
number = st.one_of(
    st.integers(-(10**16), 10**16).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.floats(0, 10).map(repr),
    st.decimals(-(10**6), 10**6, places=2).map(str),
    st.tuples(st.sampled_from(["", "-"]), digits, st.just("."), digits).map("".join),
    st.sampled_from(["0", "-0", "-0.0", "0.10", "1e5", "1,5", "null", "1.", ".5", "--1", "1-2"]),
)
moment = st.one_of(
    st.datetimes().map(lambda value: value.isoformat("T", "seconds") + "Z"),
    st.datetimes().map(lambda value: value.isoformat("T", "milliseconds") + "Z"),
    st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat),
    st.sampled_from(
        [
            *("0000-01-01T00:00:00Z", "2024-02-30T00:00:00Z", "2024-01-01T24:00:00Z"),
            *("2024-01-01T23:59:60Z", '2024-01-01T00:00:00Z","2024-01-01T00:00:00Z', "2024-01-01"),
            "2024-01-01T00:00:00.123456789Z",
        ]
    ),
)
other = st.sampled_from(["true", "FALSE", "yes", "2024-02-29", "2023-02-29", "{}", "[1]", "x", "é"])


def columns(*kinds: st.SearchStrategy[str]) -> st.SearchStrategy[list[str]]:
    """Return columns that are mostly of one kind, as those of a report are."""
    return st.one_of(
        [st.lists(kind | st.just(""), min_size=1, max_size=12) for kind in kinds]
        + [st.lists(kind, min_size=1, max_size=12) for kind in kinds]
    )


def one_by_one(kind: ColumnType, cells: list[Any]) -> list[Any]:
    convert = converter(kind)
    return [None if cell is None or cell == "" else convert(cell) for cell in cells]


@given(
    st.sampled_from(ColumnType),
    columns(number, moment, other, st.one_of(number, moment, other)),
)
def test_a_column_of_texts(kind: ColumnType, cells: list[str]) -> None:
    expected = one_by_one(kind, cells)
    try:
        values = text_column(kind, converter(kind))(tuple(cells))
    except UnusualError:
        assert MISFIT in expected
    else:
        assert list(map(repr, values)) == list(map(repr, expected))


def column_of(name: str, kind: ColumnType) -> Column:
    return Column(name, kind, converter(kind), selected=True, is_new=False)


json_number = st.one_of(
    st.integers(),
    st.integers(-(10**5), 10**5),
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(0, 10),
    st.sampled_from([0, -0.0, 5e-06, 1e15, 1e300, 1234567890123456, 3.6666666666666665]),
)
json_text = st.one_of(number, moment, other, st.just(""))
json_nested = st.recursive(
    json_number | json_text | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("ab"), inner, max_size=2),
    max_leaves=4,
)
json_kinds = [json_number, json_text, st.booleans(), json_nested]


@given(
    st.sampled_from(ColumnType),
    st.one_of(
        [st.lists(kind | st.none(), min_size=1, max_size=12) for kind in json_kinds]
        + [st.lists(kind, min_size=1, max_size=12) for kind in json_kinds]
    ),
    st.booleans(),
)
def test_a_column_of_json(kind: ColumnType, values: list[Any], ascii_only: bool) -> None:  # noqa: FBT001
    rows = [{"A": value, "B": "beside"} for value in values]
    piece = json.dumps(rows, ensure_ascii=ascii_only).encode()
    column, beside = column_of("A", kind), column_of("B", ColumnType.STRING)
    expected = one_by_one(kind, [row["A"] for row in array_rows(piece)])
    cells = columns_of(piece, ["A", "B"], [column, beside])
    assert cells
    try:
        found = json_column(kind, column.convert)(cells[0])
    except UnusualError:
        assert MISFIT in expected
    else:
        assert list(map(repr, found)) == list(map(repr, expected))
    assert list(json_column(beside.kind, beside.convert)(cells[1])) == ["beside"] * len(rows)


def test_another_heading_is_told() -> None:
    column = column_of("A", ColumnType.STRING)
    assert columns_of(b'[{"A": "1"}, {"B": null}]', ["A"], [column]) is None

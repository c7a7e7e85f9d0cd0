"""Whole columns give what their cells give one by one, and CSV is checked as `csv` reads it."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tap_crewmojo.column_types import MISFIT, ColumnType, converter
from tap_crewmojo.csv_pieces import find_pieces
from tap_crewmojo.errors import UnusableAnswerError
from tap_crewmojo.json_columns import columns_of, json_column
from tap_crewmojo.rows import array_rows, check_csv, csv_lines
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


def reads(body: bytes) -> bool:
    """Tell whether `csv` and the rules for a report accept a body."""
    try:
        check_csv(io.StringIO(body.decode(), newline=""))
    except (UnicodeDecodeError, UnusableAnswerError):
        return False
    return True


csv_bytes = st.lists(
    st.sampled_from(
        [b"a", b'"', b'""', b",", b"\n", b"\r\n", b"\r", b" ", b"\0", b"\xc3\xa9", b"\xc3"]
    ),
    max_size=14,
).map(b"".join)
csv_tables = st.integers(2, 3).flatmap(
    lambda width: st.tuples(
        st.lists(
            st.lists(st.text('a",\n\r é', max_size=3), min_size=width, max_size=width),
            min_size=1,
            max_size=6,
        ),
        # Not QUOTE_MINIMAL: that leaves a lone carriage return as it is.
        st.sampled_from([csv.QUOTE_NONNUMERIC, csv.QUOTE_ALL]),
        st.sampled_from(["\n", "\r\n"]),
    )
)


def well_formed(body: bytes, size: int) -> bool:
    chunks = (body[start : start + size] for start in range(0, len(body), size))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tap_crewmojo.csv_pieces.PIECE", 4)
        spans = find_pieces(chunks, 5)
    assert spans is None or b"".join(body[start - 5 : end - 5] for start, end in spans) == body
    return spans is not None


@given(csv_bytes, st.integers(1, 8))
@example(b",\na", 2)
@example(b"a,b\r\r\n1,2\r\r\n", 8)
@example(b"a,\rb\n1,\r2\n", 8)
def test_what_is_well_formed_is_read_by_csv(body: bytes, size: int) -> None:
    if well_formed(body, size):
        assert reads(body)
        # Where only line feeds end lines, the rows are the same.
        strict, plain = (
            list(csv_lines(io.StringIO(body.decode(), newline=newline))) for newline in ("", "\n")
        )
        assert strict == plain


@given(csv_tables, st.integers(1, 8))
def test_what_csv_writes_is_well_formed(table: tuple[list[list[str]], Any, str], size: int) -> None:
    rows, quoting, end = table
    text = io.StringIO(newline="")
    csv.writer(text, quoting=quoting, lineterminator=end).writerows(rows)
    body = text.getvalue().encode()
    assert well_formed(body, size)
    assert well_formed(body.removesuffix(end.encode()), size) == (len(rows) > 1)
    assert list(csv.reader(io.StringIO(body.decode(), newline="\n"), strict=True)) == rows

"""CSV is checked as `csv` reads it."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tap_crewmojo.csv_pieces import find_pieces
from tap_crewmojo.errors import UnusableAnswerError
from tap_crewmojo.rows import check_csv, csv_lines

if TYPE_CHECKING:
    from typing import Any


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

"""CSV is read as `csv` reads it, and nothing is guessed of what is malformed."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from support.report_rows import CSV, WHOLE, numbered, read, spooled
from tap_crewmojo.errors import TransientError, UnusableResponseError

if TYPE_CHECKING:
    from typing import Literal

csv_bytes = st.lists(
    st.sampled_from(
        [b"a", b'"', b'""', b",", b"\n", b"\r\n", b"\r", b" ", b"\0", b"\xc3\xa9", b"a,b\n", b",\n"]
    ),
    max_size=14,
).map(b"".join)


@given(
    st.sampled_from([b"a,b\n", b"a,b\r\n", b"a\n", b'"a\n",b,c\n', b"a,a\r"]),
    csv_bytes,
    st.integers(1, 12),
)
@example(b"a,b\n", b"1,2\n,\n3,4\n", 4)
@example(b"a,b\r\n", b'1,"\r\n,\r\n"\r\n"",""\r\n', 30)
def test_csv_is_read_as_csv_reads_it_or_refused(headings: bytes, rows: bytes, size: int) -> None:
    body = headings + rows
    try:
        lines = list(csv.reader(io.StringIO(body.decode(), newline=""), strict=True))
    except csv.Error:
        lines = [[], [""] * 9]
    names = numbered(lines[0])
    if b"\0" in body or any(len(line) not in {0, len(names)} for line in lines):
        with pytest.raises(UnusableResponseError):
            read(body, CSV, size)
        return
    expected = [
        {name: cell for name, cell in zip(names, line, strict=True) if cell}
        for line in lines[1:]
        if any(line)
    ]
    assert read(body, CSV, size) == (expected, len(lines) - 1 - len(expected))


@given(st.text('ab,\n" é', max_size=30), st.data())
def test_csv_without_a_known_end_is_whole_lines(text: str, data: st.DataObject) -> None:
    body = b"h,i\n" + "".join(f'"{line}",1\n' for line in text.replace('"', "").split(",")).encode()
    cut = body[: data.draw(st.integers(1, len(body)))]
    try:
        rows, _ = read(cut, CSV, has_known_end=False)
    except (TransientError, UnusableResponseError):
        assert cut != body
    else:
        assert cut.endswith(b"\n")
        assert rows == read(body)[0][: len(rows)]


def test_a_csv_heading_may_look_like_json() -> None:
    assert read(b"[Team],x\na,1\n")[0] == [{"[Team]": "a", "x": "1"}]
    assert read(b"{a},x\na,1\n")[0] == [{"{a}": "a", "x": "1"}]


@given(
    st.integers(2, 4).flatmap(
        lambda width: st.lists(
            st.lists(st.text('a",\n\r é\x01', max_size=3), min_size=width, max_size=width),
            min_size=1,
            max_size=8,
        )
    ),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    st.sampled_from(["\n", "\r\n"]),
    st.sets(st.integers(0, 3)),
)
def test_some_columns_are_the_same_read_alone(
    rows: list[list[str]], quoting: Literal[0, 1, 2], end: str, places: set[int]
) -> None:
    """The same cells of the same rows, also where a row has a value in other columns only."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=quoting, lineterminator=end)
    heads = ["A", "B", "C", "D"][: len(rows[0])]
    assume(quoting or "\r" not in "".join(map("".join, rows)))  # which it leaves unquoted
    writer.writerows([heads, *rows])
    report = spooled(text.getvalue().encode(), CSV, WHOLE)
    only = [head for place, head in enumerate(heads) if place in places]
    expected = [dict(zip(heads, row, strict=True)) for row in rows if any(row)]
    batches = list(report.batches(only))
    assert sum(batch.size for batch in batches) == len(expected)
    for place, head in enumerate(only):
        cells = [cell for batch in batches for cell in batch.cells[place]]
        assert cells == [row[head] for row in expected]

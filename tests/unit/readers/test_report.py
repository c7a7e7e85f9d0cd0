"""The same rows, whether they are CSV or JSON; a refusal quotes none of them."""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import json
import time
from typing import TYPE_CHECKING, Literal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from support.report_rows import CSV, JSON, WHOLE, Rows, read, rows_of
from tap_crewmojo.errors import UnusableResponseError
from tap_crewmojo.readers.spool import JobEnvelope, ResponseHead, spool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


cells = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0")
) | st.sampled_from(["", '"', ",", "\n", "\r\n", "\r", "a,b", '"a"', " a ", "07", "1.50", "true"])
tables = st.integers(1, 4).flatmap(
    lambda width: st.tuples(
        st.lists(st.text('abcäö," \n', min_size=1), min_size=width, max_size=width, unique=True),
        st.lists(st.lists(cells, min_size=width, max_size=width), max_size=5),
    )
)


@given(
    tables,
    # A writer that ends lines with "\n" does not quote a lone "\r" unless it quotes all.
    st.sampled_from([(csv.QUOTE_MINIMAL, "\r\n"), (csv.QUOTE_ALL, "\r\n"), (csv.QUOTE_ALL, "\n")]),
    st.integers(1, 20),
)
def test_csv_and_json_of_a_table_are_the_same_rows(
    table: tuple[list[str], list[list[str]]], style: tuple[Literal[0, 1], str], size: int
) -> None:
    headings, rows = table
    assume(any(heading.strip() for heading in headings))  # blank all over: an empty response
    text = io.StringIO()
    writer = csv.writer(text, quoting=style[0], lineterminator=style[1])
    writer.writerow(headings)
    writer.writerows(rows)
    objects = [dict(zip(headings, row, strict=True)) for row in rows]
    full = [
        {name: cell for name, cell in row.items() if cell} for row in objects if any(row.values())
    ]
    expected = full, len(rows) - len(full)
    document = json.dumps(objects).encode()
    assert read(document, JSON, size) == expected
    assert read(document, CSV, size) == expected, "classified by what it is"
    if not headings[0].lstrip().startswith(("[", "{", "<")):
        body = text.getvalue()
        for encoded in (body.encode(), codecs.BOM_UTF8 + body.encode(), body.encode("utf-16")):
            assert read(encoded, CSV, size) == expected
            if len(headings) > 1 and rows:
                assert read(encoded, JSON, size) == expected


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param(b"", "is empty", id="nothing"),
        pytest.param(b" \r\n", "is empty", id="blank"),
        pytest.param(b"\xef\xbb\xbf", "is empty", id="a BOM alone"),
        pytest.param(b"<Error><Code>secret", "web page", id="XML"),
        pytest.param(b"<!DOCTYPE html><p>secret", "web page", id="HTML"),
        pytest.param(b"<html>secret", "web page", id="HTML without doctype"),
        pytest.param(b'[{"a": "secret"}', "malformed JSON behind row 1", id="JSON without an end"),
        pytest.param(b'[{"a": 1}, {"a": "sec', "malformed JSON in row 2", id="cut JSON"),
        pytest.param(b'[{"a": 1}, {"b" "secret"}]', "malformed JSON in row 2", id="no colon"),
        pytest.param(b'[{"a": 1}, 2, "secret"]', "row 2 that is not a JSON object", id="number"),
        pytest.param(b'{"a": [{}], "b": [{}]}', "2 arrays of objects", id="two arrays"),
        pytest.param(b"a,b\n1,2\n1,secret,3\n", "3 cells in row 2 under 2 headings", id="long row"),
        pytest.param(b"a,b\n1,2\nsecret\n", "1 cells in row 2 under 2 headings", id="short row"),
        pytest.param(b'a,b\n1,"secret\n', "malformed CSV in row 1", id="open quote"),
        pytest.param(b'a,b\n1,2\n1,"x"secret\n', "malformed CSV in row 2", id="stray quote"),
        pytest.param(b"a,b\n1,2\nsecret\0,3\n", "row 2 (a NUL character", id="NUL"),
        pytest.param(b'[{"a": 1}, {"a": "secret\\u0000"}]', "row 2 (a NUL", id="NUL in JSON"),
        pytest.param(b'[{"a": ["secret\\ud800"]}]', "half of a surrogate", id="surrogate"),
        pytest.param(b'[{"secret\\udc00": 1}]', "half of a surrogate", id="surrogate in a name"),
        pytest.param(b"[" * 100_000, "nested too deeply", id="depth"),
        pytest.param(
            b'[{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}]",
            "row 1 (nested too deeply",
            id="deep cell",
        ),
        pytest.param(
            b'[{"a": 1}, {"a": ' + b'{"a": ' * 101 + b"1" + b"}" * 101 + b"}]",
            "row 2 (nested too deeply",
            id="cell that is just too deep",
        ),
        pytest.param(b'{"a": ' + b"[" * 100_000, "nested too deeply", id="deep member"),
        pytest.param(b'{"\\q": [{"a": "secret"}]}', "malformed JSON", id="name of the array"),
        pytest.param(b'{"a": [{"a": 1}] "secret"}', "malformed JSON", id="no comma"),
        pytest.param(b'{"a": [{"a": 1}], 1: 2}', "malformed JSON", id="name that is a number"),
        pytest.param(b'{"\xff": [{"a": "secret"}]}', "byte offset 2", id="name that is no UTF-8"),
        pytest.param(b'[{"a": "secret"}]\f', "malformed JSON", id="form feed behind"),
        pytest.param(b'[{"a": "secret"}}', "malformed JSON", id="wrong bracket"),
        pytest.param(b'[{"a": "secret"},]', "malformed JSON", id="comma behind"),
        pytest.param(b'[{"a": -NaN}]', "malformed JSON in row 1", id="negative NaN"),
        pytest.param(b'[{"a": 1NaN}]', "malformed JSON in row 1", id="digit and NaN"),
        pytest.param(b"a,b\n1,\xffsecret\n", "byte offset 6", id="no UTF-8"),
        pytest.param(b"a\n" + b"x" * 70_000 + b"\n\xe9\n", "byte offset 70003", id="far offset"),
        pytest.param(b"\xff\xfea\0\n\0\0\xd8b\0", "byte offset 6", id="half a pair in UTF-16"),
    ],
)
def test_what_cannot_be_read_is_refused_without_quoting_it(body: bytes, words: str) -> None:
    with pytest.raises(UnusableResponseError) as failure:
        read(body, JSON if body[:1] in {b"[", b"{"} else "" if body[:2] == b"<E" else CSV)
    assert words in str(failure.value)
    assert "secret" not in str(failure.value)


@pytest.mark.parametrize(
    ("body", "rows", "empty_rows"),
    [
        (b"a\n1\n\n2\n\n", [{"a": "1"}, {"a": "2"}], 2),
        (b'a\n""\n2', [{"a": "2"}], 1),
        (b'a,b\n1,2\n,\n\n"",\n3,\n', [{"a": "1", "b": "2"}, {"a": "3"}], 3),
        (b"\n\na,b\n,\n", [], 1),
        (b"a,b\r1,2\r\n3,4\r", [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}], 0),
        (b'[{"a": 1}, {}, {"a": null, "b": ""}, {"b": 2}]', [{"a": "1"}, {"b": "2"}], 2),
        (b"[{}]", [], 1),
        (b'[{"a": []}, {"a": false}, {"a": 0}]', [{"a": []}, {"a": "false"}, {"a": "0"}], 0),
    ],
)
def test_rows_without_a_value_are_counted_alike(body: bytes, rows: Rows, empty_rows: int) -> None:
    for size in (4, WHOLE):
        assert read(body, CSV, size) == (rows, empty_rows)


def test_repeated_headings_are_numbered_alike() -> None:
    expected = [{"a": "1", "a__3": "2", "a__2": "3", "a__4": "4"}], 0
    assert read(b"a,a,a__2,a\n1,2,3,4\n") == expected
    assert read(b'[{"a": 1, "a": 2, "a__2": 3, "a": 4}]') == expected


def test_a_long_comment_is_a_cell() -> None:
    text = 'x, "y"\n' * 500_000
    table = io.StringIO(newline="")
    csv.writer(table).writerows([["a", "b"], [text, "1"], ["2", "3"]])
    expected = [{"a": text, "b": "1"}, {"a": "2", "b": "3"}], 0
    assert read(table.getvalue().encode()) == expected
    assert read(json.dumps(expected[0]).encode()) == expected


ROW = b'{"a": 12345, "b": "hello"}'


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'a,b\n1,"2\n' + b"1,2\n" * 4_000_000, id="a quote that is not closed"),
        pytest.param(b'a,b\n1,"' + b"x\n" * 7_000_000 + b'"\n', id="a cell of many lines"),
        pytest.param(b'[{"a": "' + b"x" * 32_000_000 + b'"}]', id="a row of one text"),
        pytest.param(b'[{"a": [' + b",".join([ROW] * 20_000) + b"]}]", id="a row of many objects"),
        pytest.param(b'[{"a": "' + b"},{" * 160_000 + b'"}]', id="a text of brackets"),
        pytest.param(
            b"[" + b",".join([b'{"a": [{"b": NaN}, {}], "c": "x\\n, NaN, y"}'] * 50_000) + b"]",
            id="odd rows",
        ),
    ],
)
def test_no_report_takes_long_to_check(body: bytes) -> None:
    chunks = (body[start : start + 16_384] for start in range(0, len(body), 16_384))
    started_at = time.process_time()
    with contextlib.suppress(UnusableResponseError):
        spool(chunks, ResponseHead())
    assert time.process_time() - started_at < 20, "many times what it takes"


def test_a_report_is_spooled_to_a_file_without_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def chunks() -> Iterator[bytes]:
        yield b"a\n"
        assert not list(tmp_path.iterdir())
        yield b"\xe91\n"

    report = spool(chunks(), ResponseHead("text/csv; charset=latin1"))
    assert not isinstance(report, JobEnvelope)
    assert not list(tmp_path.iterdir())
    assert rows_of(report) == ([{"a": "é1"}], 0)

    def failing() -> Iterator[bytes]:
        yield b"a"
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011
        spool(failing(), ResponseHead("text/csv"))

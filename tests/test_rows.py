"""Rows are the same from CSV and from JSON, and nothing is guessed of what is malformed."""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import json
import time
from typing import TYPE_CHECKING, Any, Literal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tap_crewmojo.errors import ReportError, UnusableAnswerError, naming
from tap_crewmojo.landing import JobEnvelope, land
from tap_crewmojo.report_file import Report

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


Row = dict[str, Any]

CSV, JSON = "text/csv", "application/json"


def rows_of(report: Report) -> Iterator[Row]:
    for batch in report.batches():
        for row in zip(*batch.cells, strict=True):
            yield dict(zip(batch.headings, (cell or None for cell in row), strict=True))


def read(body: bytes, content_type: str = CSV) -> list[Row]:
    answer = land([body], content_type)
    assert isinstance(answer, Report)
    rows = list(rows_of(answer))
    assert list(rows_of(answer)) == rows, "a report can be read again"
    answer.close()
    return rows


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
)
def test_csv_and_json_of_a_table_are_the_same_rows(
    table: tuple[list[str], list[list[str]]], style: tuple[Literal[0, 1], str]
) -> None:
    headings, rows = table
    assume(any(heading.strip() for heading in headings))  # blank all over: an empty answer
    text = io.StringIO()
    writer = csv.writer(text, quoting=style[0], lineterminator=style[1])
    writer.writerow(headings)
    writer.writerows(rows)
    objects = [dict(zip(headings, row, strict=True)) for row in rows]
    expected = [{name: cell or None for name, cell in row.items()} for row in objects]
    document = json.dumps(objects).encode()
    assert read(document, JSON) == expected
    assert read(document, CSV) == expected, "told by what it is"
    if not headings[0].lstrip().startswith(("[", "{", "<")):
        body = text.getvalue()
        for encoded in (body.encode(), codecs.BOM_UTF8 + body.encode(), body.encode("utf-16")):
            assert read(encoded) == expected
            if len(headings) > 1 and rows:
                assert read(encoded, JSON) == expected


def test_json_scalars_are_the_text_that_csv_has() -> None:
    body = b'[{"a": 1.50, "b": true, "c": null, "d": "", "e": 12345678901234567890, "f": 1e5}]'
    assert read(body, JSON) == [
        {"a": "1.50", "b": "true", "c": None, "d": None, "e": "12345678901234567890", "f": "100000"}
    ]
    assert read(b'[{"a": 5e-06, "b": "5e-06", "c": -1.5E+3, "d": 1e300}]', JSON) == [
        {"a": "0.000005", "b": "5e-06", "c": "-1500", "d": "1e300"}
    ]
    assert read(b'[{"a": NaN, "b": {"c": [1, 2.5, 1e400, null, true]}}]', JSON) == [
        {"a": "NaN", "b": {"c": [1, 2.5, "1e400", None, True]}}
    ]


@pytest.mark.parametrize(
    "body",
    [b'{"data": [{"a": 1}]}', b'{"total": 1, "rows": [{"a": 1}], "x": []}', b' [ {"a": 1} ] '],
)
def test_an_object_may_hold_the_array(body: bytes) -> None:
    assert read(body, JSON) == [{"a": "1"}]


@pytest.mark.parametrize("body", [b"[]", b'{"data": []}', b"a,b\r\n", b"a,b", b"\xef\xbb\xbfa\n\n"])
def test_an_empty_report_is_a_report(body: bytes) -> None:
    assert read(body) == []


@pytest.mark.parametrize(
    ("body", "job"),
    [
        (b'{"jobId": "abc"}', "abc"),
        (b'{"jobId": 17}', "17"),
        (b'\xef\xbb\xbf{"status": "running", "jobId": "x"}', "x"),
    ],
)
def test_a_jobs_envelope_is_told_from_a_report(body: bytes, job: str) -> None:
    for content_type in (CSV, JSON, ""):
        assert land([body], content_type) == JobEnvelope(job)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param(b"", "is empty", id="nothing"),
        pytest.param(b" \r\n", "is empty", id="blank"),
        pytest.param(b"\xef\xbb\xbf", "is empty", id="a BOM alone"),
        pytest.param(b"<Error><Code>secret", "web page", id="XML"),
        pytest.param(b"<!DOCTYPE html><p>secret", "web page", id="HTML"),
        pytest.param(b"<html>secret", "web page", id="HTML without doctype"),
        pytest.param(b'{"error": "no report secret@x.y 42"}', 'a job ("no report *")', id="error"),
        pytest.param(b'{"jobId": ""}', "neither a report nor a job", id="no job id"),
        pytest.param(b'{"jobId": true}', "neither a report nor a job", id="no id at all"),
        pytest.param(b"{}", "neither a report nor a job", id="empty object"),
        pytest.param(b'[{"a": "secret"}', "malformed JSON at character", id="cut JSON"),
        pytest.param(b'[{"a": 1}, 2, "secret"]', "row 2 that is no JSON object", id="no object"),
        pytest.param(b'{"a": [{}], "b": [{}]}', "2 arrays of objects", id="two arrays"),
        pytest.param(b'{"a": ["secret"]}', "0 arrays of objects", id="no array of objects"),
        pytest.param(b"a,b\n1,2\n1,secret,3\n", "3 cells in row 2 under 2 headings", id="long row"),
        pytest.param(b"a,b\n1,2\n\nsecret\n", "1 cells in row 2 under 2 headings", id="short row"),
        pytest.param(b'a,b\n1,"secret\n', "malformed CSV in row 1", id="open quote"),
        pytest.param(b'a,b\n1,2\n1,"x"secret\n', "malformed CSV in row 2", id="stray quote"),
        pytest.param(b"a,b\n1,2\nsecret\0,3\n", "row 2 (a NUL character", id="NUL"),
        pytest.param(b'[{"a": 1}, {"a": "secret\\u0000"}]', "row 2 (a NUL", id="NUL in JSON"),
        pytest.param(b'[{"a": ["secret\\ud800"]}]', "half of a surrogate", id="surrogate"),
        pytest.param(b"[" * 100_000, "nested too deeply", id="depth"),
        pytest.param(
            b'[{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}]",
            "nested too deeply",
            id="deep cell",
        ),
        pytest.param(b'{"\\q": [{"a": "secret"}]}', "malformed JSON", id="name of the array"),
        pytest.param(b'{"\xff": [{"a": "secret"}]}', "byte offset 2", id="name that is no UTF-8"),
        pytest.param(b'[{"a": "secret"}]\f', "malformed JSON", id="form feed behind"),
        pytest.param(b"a,b\n1,\xffsecret\n", "byte offset 6", id="no UTF-8"),
        pytest.param(b"a\n" + b"x" * 70_000 + b"\n\xe9\n", "byte offset 70003", id="far offset"),
    ],
)
def test_what_cannot_be_read_is_refused_without_quoting_it(body: bytes, words: str) -> None:
    with pytest.raises(UnusableAnswerError) as failure:
        read(body, JSON if body[:1] in {b"[", b"{"} else "" if body[:2] == b"<E" else CSV)
    assert words in str(failure.value)
    assert "secret" not in str(failure.value)


@pytest.mark.parametrize(
    "body",
    [b'"a-job"', b"null", b"Service is busy, try later", b"Unavailable\r\nTry again later\r\n"],
)
@pytest.mark.parametrize("content_type", [JSON, "text/plain", ""])
def test_a_word_from_the_server_is_no_empty_report(body: bytes, content_type: str) -> None:
    with pytest.raises(UnusableAnswerError, match="neither a report nor a job"):
        read(body, content_type)


def test_what_is_too_deep_to_be_read_fails_its_report_only() -> None:
    body = b'[{"a": ' + b"[" * 960 + b"]" * 960 + b"}]"
    with (
        pytest.raises(ReportError, match=r"that window: .*nested too deeply"),
        naming("that window"),
    ):
        read(body, JSON)


def test_repeated_headings_are_told_apart() -> None:
    assert read(b"a,a,a__2,a\n1,2,3,4\n") == [{"a": "1", "a__3": "2", "a__2": "3", "a__4": "4"}]


def test_a_csv_heading_may_look_like_json() -> None:
    assert read(b"[Team],x\na,1\n") == [{"[Team]": "a", "x": "1"}]
    assert read(b"{a},x\na,1\n") == [{"{a}": "a", "x": "1"}]


def test_a_long_comment_is_a_cell() -> None:
    assert read(b"a\n" + b"x" * 1_000_000 + b"\n") == [{"a": "x" * 1_000_000}]


@pytest.mark.parametrize("text", [rb"C:\\u0000", rb"C:\\udeploy", rb"\\\\ud800", rb"\ud83d\ude00"])
def test_a_backslash_in_a_text_is_no_escape(text: bytes) -> None:
    report = land([b'[{"a": "%b"}]' % text], JSON)
    assert isinstance(report, Report)


@pytest.mark.parametrize("text", [rb"\\\u0000", rb"\ud83d\\\ude00"])
def test_an_escape_behind_a_backslash_is_one(text: bytes) -> None:
    with pytest.raises(UnusableAnswerError, match=r"row 1 \("):
        land([b'[{"a": "%b"}]' % text], JSON)


ROW = b'{"a": 12345, "b": "hello"}'


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'a,b\n1,"2\n' + b"1,2\n" * 4_000_000, id="a quote that is not closed"),
        pytest.param(b'a,b\n1,"' + b"x\n" * 7_000_000 + b'"\n', id="a cell of many lines"),
        pytest.param(b'[{"a": "' + b"x" * 32_000_000 + b'"}]', id="a row of one text"),
        pytest.param(b'[{"a": [' + b",".join([ROW] * 20_000) + b"]}]", id="a row of many objects"),
        pytest.param(b'[{"a": "' + b"},{" * 160_000 + b'"}]', id="a text of brackets"),
    ],
)
def test_no_report_takes_long_to_look_through(body: bytes) -> None:
    chunks = (body[start : start + 16_384] for start in range(0, len(body), 16_384))
    started_at = time.process_time()
    with contextlib.suppress(UnusableAnswerError):
        land(chunks, "")
    assert time.process_time() - started_at < 5, "a multiple of what it takes"


def test_a_report_is_landed_in_a_file_without_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def chunks() -> Iterator[bytes]:
        yield b"a\n"
        assert not list(tmp_path.iterdir())
        yield b"1\n"

    report = land(chunks(), "text/csv")
    assert isinstance(report, Report)
    assert not list(tmp_path.iterdir())
    assert list(rows_of(report)) == [{"a": "1"}]

    def failing() -> Iterator[bytes]:
        yield b"a"
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011
        land(failing(), "text/csv")


rows_of_json = st.lists(
    st.dictionaries(
        st.sampled_from(["a", "b", "},{", 'q"']),
        st.none()
        | st.booleans()
        | st.integers()
        | st.text()
        | st.sampled_from(["},{", "}]", "\\"]),
        max_size=3,
    ),
    max_size=12,
)


@given(st.data())
def test_a_json_report_cut_anywhere_is_refused(data: st.DataObject) -> None:
    rows = data.draw(rows_of_json.filter(bool))
    frame = data.draw(st.sampled_from(["{}", '{{"data": {}}}']))
    whole = frame.format(json.dumps(rows)).encode()
    cut = whole[: data.draw(st.integers(1, len(whole) - 1))]
    size = data.draw(st.integers(1, 40))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tap_crewmojo.json_pieces.PIECE", size)
        with pytest.raises(UnusableAnswerError):
            read(cut, JSON)


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
    report = land([text.getvalue().encode()], CSV)
    assert isinstance(report, Report)
    only = [head for place, head in enumerate(heads) if place in places]
    expected = [dict(zip(heads, row, strict=True)) for row in rows if any(row)]
    batches = list(report.batches(only))
    assert sum(batch.size for batch in batches) == len(expected)
    for place, head in enumerate(only):
        cells = [cell for batch in batches for cell in batch.cells[place]]
        assert cells == [row[head] for row in expected]

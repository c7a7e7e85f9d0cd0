"""Rows are what `csv` and `json` read, and nothing is guessed of what is malformed."""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import itertools
import json
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tap_crewmojo.errors import TransientError, UnusableResponseError
from tap_crewmojo.readers.csv_report import CsvReport
from tap_crewmojo.readers.spool import JobEnvelope, ResponseHead, spool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tap_crewmojo.readers.json_report import JsonReport

CSV, JSON = "text/csv", "application/json"
Rows = list[dict[str, Any]]
WHOLE = 1 << 16


def spooled(body: bytes, content_type: str, size: int, **how: Any) -> CsvReport | JsonReport:  # noqa: ANN401
    """Return a report of which so many bytes were looked at together."""
    report = spool([body], ResponseHead(content_type, **how), chunk_size=size)
    assert not isinstance(report, JobEnvelope)
    return report


def read(body: bytes, content_type: str = CSV, size: int = WHOLE, **how: Any) -> tuple[Rows, int]:  # noqa: ANN401
    """Return the cells of a report that have a value, row by row, and how many rows have none."""
    with contextlib.closing(spooled(body, content_type, size, **how)) as report:
        rows, empty_rows = rows_of(report)
        assert rows_of(report) == (rows, empty_rows), "a report can be read again"
        wanted = set(report.headings()[:1])
        some = [{name: row[name] for name in row if name in wanted} for row in rows]
        assert rows_of(report, wanted) == (some, empty_rows), "the same rows"
        if isinstance(report, CsvReport):
            assert empty_rows == report.empty_rows
            blocks = b"".join(report.blocks(size)).decode()
            assert [
                {name: cell for name, cell in zip(report.headings(), row, strict=True) if cell}
                for row in csv.reader(io.StringIO(blocks, newline=""), strict=True)
            ] == rows
    return rows, empty_rows


def rows_of(report: CsvReport | JsonReport, only: set[str] | None = None) -> tuple[Rows, int]:
    rows: Rows = []
    empty_rows = 0
    for batch in report.batches(only):
        assert len(batch.cells) == len(batch.headings) == len(set(batch.headings))
        assert {len(cells) for cells in batch.cells} <= {batch.size}
        for row in list(zip(*batch.cells, strict=True)) or [()] * batch.size:
            named = zip(batch.headings, row, strict=True)
            rows.append({name: cell for name, cell in named if cell is not None and cell != ""})
        empty_rows += batch.empty_rows
    assert only is not None or all(rows)
    return rows, empty_rows


def numbered(names: list[str]) -> list[str]:
    """Return names with their repetitions numbered, as the documentation says."""
    result: list[str] = []
    for name in names:
        numbers = (f"{name}__{number}" for number in itertools.count(2))
        free = (other for other in numbers if other not in {*names, *result})
        result.append(next(free) if name in result else name)
    return result


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


names = st.sampled_from(
    [
        rb'"a"',
        rb'"\u0061"',
        rb'"b"',
        rb'"a__2"',
        rb'"},{"',
        rb'"q\""',
        rb'"\\"',
        rb'":"',
        '"ü"'.encode(),
    ]
)
blanks = st.sampled_from([b"", b"", b"", b" ", b"\n", b" \t "])
scalars = st.sampled_from(
    [
        *(
            b"1",
            b"-0",
            b"1.50",
            b"0.0",
            b"1e5",
            b"-1.5E+3",
            b"5e-06",
            b"1e300",
            b"1e400",
            b"1e-999999999",
        ),
        *(b"12345678901234567890", b"3.6666666666666665", b"0.1000000000000000055", b"9" * 500),
        *(b"NaN", b"Infinity", b"-Infinity", b"true", b"false", b"null", b'""', b'"1"', b'"null"'),
        *(
            rb'"},{"',
            rb'"]"',
            rb'"\\"',
            rb'"a\":"',
            rb'"\u003a"',
            rb'"\ud83d\ude00"',
            b'"x, NaN, y"',
        ),
        *(b'"2024-01-01T10:00:00Z"', rb'"C:\\u0000"', '"é"'.encode(), b'"a":"b"'[4:]),
    ]
)


def objects(values: st.SearchStrategy[bytes], most: int) -> st.SearchStrategy[bytes]:
    member = st.tuples(blanks, names, blanks, st.just(b":"), blanks, values, blanks).map(b"".join)
    return st.lists(member, max_size=most).map(lambda members: b"{%b}" % b",".join(members))


nested = st.recursive(
    scalars,
    lambda inner: (
        objects(inner, 3)
        | st.lists(inner, max_size=3).map(lambda items: b"[%b]" % b",".join(items))
    ),
    max_leaves=4,
)
alike = st.lists(names, min_size=1, max_size=3, unique=True).flatmap(
    lambda chosen: st.lists(
        st.tuples(*(scalars for _ in chosen)).map(
            lambda values: b"{%b}" % b",".join(map(b":".join, zip(chosen, values, strict=True)))
        ),
        max_size=12,
    )
)
json_rows = st.lists(objects(nested, 4), max_size=8) | alike
frames = st.sampled_from(
    [
        (b"", b""),
        (b" ", b" \r\n"),
        (b'{"data":', b"}"),
        (b' { "total" : null, "links": [{"rel": "self"}] , "rows" :\n', b' , "x": {"y": [1]} } '),
        (b'{"n": "\\"data\\": [{", "data" :', b', "warnings": [], "tags": ["a"], "m": 1e400}'),
    ]
)


class Number(str):
    """A number as it was written."""

    __slots__ = ()


def oracle(rows: bytes) -> tuple[Rows, int]:
    values = json.loads(
        b"[%b]" % rows,
        object_pairs_hook=tuple,
        parse_int=Number,
        parse_float=Number,
        parse_constant=Number,
    )
    found = []
    for pairs in values:
        keys = numbered([name for name, _ in pairs])
        row = {key: oracle_cell(value) for key, (_, value) in zip(keys, pairs, strict=True)}
        found.append({key: cell for key, cell in row.items() if cell is not None and cell != ""})
    return list(filter(None, found)), sum(not row for row in found)


def oracle_cell(value: object) -> object:
    if isinstance(value, Number):
        if value.lower().strip("-") in {"nan", "infinity"} or "e" not in value.lower():
            return str(value)
        exponent = int(value.lower().partition("e")[2])
        return format(Decimal(value), "f") if abs(exponent) < 20 else str(value)
    if isinstance(value, bool):
        return str(value).lower()
    return oracle_nested(value)


def oracle_nested(value: object) -> object:
    if isinstance(value, tuple):
        keys = numbered([name for name, _ in value])
        return {key: oracle_nested(item) for key, (_, item) in zip(keys, value, strict=True)}
    if isinstance(value, list):
        return list(map(oracle_nested, value))
    if isinstance(value, Number):
        plain = json.loads(value)
        is_exact = len(value) <= 400 and plain == plain and abs(plain) < float("inf")  # noqa: PLR0124
        return plain if is_exact and Decimal(str(plain)) == Decimal(value) else str(value)
    return value


@given(json_rows, frames, blanks, st.integers(1, 60))
@example([b'{"a":1,"a":2}', b'{"b" :3}', b'{"a":1,"b":2}'], (b"", b""), b"", 60)
def test_json_is_read_as_json_reads_it(
    rows: list[bytes], frame: tuple[bytes, bytes], blank: bytes, size: int
) -> None:
    array = (b"," + blank).join(rows)
    body = frame[0] + b"[" + blank + array + b"]" + frame[1]
    assert described(read(body, JSON, size)) == described(oracle(array))


def described(found: tuple[Rows, int]) -> tuple[list[dict[str, str]], int]:
    """Return rows as texts: 1 and 1.0 and True are equal, and not the same."""
    return [{name: repr(row[name]) for name in sorted(row)} for row in found[0]], found[1]


@given(json_rows.filter(bool), frames, st.integers(1, 60), st.data())
def test_json_cut_anywhere_is_refused(
    rows: list[bytes], frame: tuple[bytes, bytes], size: int, data: st.DataObject
) -> None:
    whole = (frame[0] + b"[" + b",".join(rows) + b"]" + frame[1]).strip()
    cut = whole[: data.draw(st.integers(1, len(whole) - 1))].rstrip()
    with pytest.raises(UnusableResponseError):
        read(cut, JSON, size)
    with pytest.raises((TransientError, UnusableResponseError)):
        read(cut, JSON, size, has_known_end=False)


@given(json_rows.filter(bool), st.integers(1, 60), st.binary(min_size=1, max_size=2), st.data())
def test_json_with_other_bytes_in_it_is_json_or_refused(
    rows: list[bytes], size: int, noise: bytes, data: st.DataObject
) -> None:
    whole = b"[" + b",".join(rows) + b"]"
    place = data.draw(st.integers(2, len(whole)))
    body = whole[:place] + noise + whole[place + data.draw(st.integers(0, 1)) :]
    try:
        values = json.loads(body)
        expected = (
            oracle(body.strip()[1:-1]) if all(isinstance(row, dict) for row in values) else None
        )
    except ValueError:
        expected = None
    try:
        found = read(body, JSON, size)
    except UnusableResponseError:
        found = None
    if found is not None:
        assert expected is not None
        assert described(found) == described(expected)
    elif expected is not None:
        assert "\\u0000" in body.decode() or "\\ud" in body.decode() or b"jobId" in body


def test_json_scalars_are_the_text_that_csv_has() -> None:
    body = b'[{"a": 1.50, "b": true, "c": null, "d": "", "e": 12345678901234567890, "f": 1e5}]'
    assert read(body, JSON)[0] == [
        {"a": "1.50", "b": "true", "e": "12345678901234567890", "f": "100000"}
    ]
    assert read(b'[{"a": 5e-06, "b": "5e-06", "c": -1.5E+3, "d": 1e300}]', JSON)[0] == [
        {"a": "0.000005", "b": "5e-06", "c": "-1500", "d": "1e300"}
    ]
    assert read(b'[{"a": NaN, "b": {"c": [1, 2.5, 1e400, null, true]}}]', JSON)[0] == [
        {"a": "NaN", "b": {"c": [1, 2.5, "1e400", None, True]}}
    ]


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
    ("charset", "encoding"),
    [
        *(("ISO-8859-1", "latin-1"), ('"windows-1252"', "cp1252"), ("utf-16le", "utf-16-le")),
        *(
            ("ISO-8859-1", "utf-8"),
            ("UTF-16BE", "utf-8"),
            ("utf-8", "utf-8"),
            ("x-unknown", "utf-8"),
        ),
        *(("zip", "utf-8"), ("utf-8", "utf-16"), ("latin1", "utf-32"), ("gb18030", "gb18030")),
    ],
)
@pytest.mark.parametrize("body", ["h,i\né,2\n", '[{"h": "é", "i": 2}]'], ids=["CSV", "JSON"])
def test_a_body_is_decoded_by_its_mark_or_as_utf_8_or_as_the_header_states(
    body: str, charset: str, encoding: str
) -> None:
    content_type = f"text/csv; header=present; charset={charset}"
    for size in (1, 3, WHOLE):
        assert read(body.encode(encoding), content_type, size) == ([{"h": "é", "i": "2"}], 0)


@pytest.mark.parametrize("charset", ["utf-8", "x\r\nERROR secret", "zip", "undefined", "ascii", ""])
def test_a_body_that_is_not_what_the_header_states_is_refused(charset: str) -> None:
    with pytest.raises(
        UnusableResponseError, match="text: undecodable bytes at byte offset 4"
    ) as failure:
        read("h,i\né,2\n".encode("latin-1"), f"text/csv; charset={charset}")
    assert "\n" not in str(failure.value)
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


def test_a_csv_heading_may_look_like_json() -> None:
    assert read(b"[Team],x\na,1\n")[0] == [{"[Team]": "a", "x": "1"}]
    assert read(b"{a},x\na,1\n")[0] == [{"{a}": "a", "x": "1"}]


def test_a_long_comment_is_a_cell() -> None:
    text = 'x, "y"\n' * 500_000
    table = io.StringIO(newline="")
    csv.writer(table).writerows([["a", "b"], [text, "1"], ["2", "3"]])
    expected = [{"a": text, "b": "1"}, {"a": "2", "b": "3"}], 0
    assert read(table.getvalue().encode()) == expected
    assert read(json.dumps(expected[0]).encode()) == expected


def test_memory_for_columns_that_few_rows_have_is_bounded() -> None:
    rows = [{f"heading{number}": number} for number in range(2000)]
    report = spooled(json.dumps(rows).encode(), JSON, WHOLE)
    sizes = [(batch.size, len(batch.headings)) for batch in report.batches()]
    assert sum(size for size, _ in sizes) == len(rows)
    assert max(size * width for size, width in sizes) <= 1 << 20


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
    assert time.process_time() - started_at < 5, "a multiple of what it takes"


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

"""JSON is read as `json` reads it, and nothing is guessed of what is malformed."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from support.report_rows import JSON, WHOLE, Rows, numbered, read, spooled
from tap_crewmojo.errors import TransientError, UnusableResponseError

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


def test_memory_for_columns_that_few_rows_have_is_bounded() -> None:
    rows = [{f"heading{number}": number} for number in range(2000)]
    report = spooled(json.dumps(rows).encode(), JSON, WHOLE)
    sizes = [(batch.size, len(batch.headings)) for batch in report.batches()]
    assert sum(size for size, _ in sizes) == len(rows)
    assert max(size * width for size, width in sizes) <= 1 << 20

"""Types follow the documented rules, and names are distinct in any database."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from support.oracle import inferred, text_of, value_of
from tap_crewmojo.cells import Columns
from tap_crewmojo.schema.inference import infer, type_of_cell
from tap_crewmojo.schema.names import LONGEST, ColumnNames
from tap_crewmojo.schema.types import ColumnType, converter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

NUMBER, BOOLEAN, DATE = ColumnType.NUMBER, ColumnType.BOOLEAN, ColumnType.DATE
DATE_TIME, STRING = ColumnType.DATE_TIME, ColumnType.STRING


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("0", NUMBER),
        ("-12.50", NUMBER),
        ("123456789012345", NUMBER),
        ("0.000000000123456", NUMBER),
        ("1234567890123456", STRING),
        ("0.000035000000000000004", NUMBER),  # 3.5000000000000004e-05 in JSON
        ("3.6666666666666665", NUMBER),  # a double's own digits: an average, no identifier
        ("0.30000000000000004", NUMBER),
        ("1.2345678901234567890", STRING),
        ("007", STRING),
        ("+61", STRING),
        ("1e5", STRING),
        ("1,000", STRING),
        ("1_000", STRING),
        (".5", STRING),
        ("5.", STRING),
        ("--5", STRING),
        ("NaN", STRING),
        ("Infinity", STRING),
        ("\u0663", STRING),
        (" 1", STRING),
        ("1 ", STRING),
        ("1\n", STRING),
        ("NA", STRING),
        ("true", BOOLEAN),
        ("FALSE", BOOLEAN),
        ("True", BOOLEAN),
        ("yes", STRING),
        ("Yes", STRING),
        ("2024-02-29", DATE),
        ("2023-02-29", STRING),
        ("2024-2-9", STRING),
        ("31/12/2024", STRING),
        ("\u0662\u0660\u0662\u0664-01-01", STRING),
        ("20240101", NUMBER),
        ("2024-W01-1", STRING),
        ("2024-01-01T00:00:00Z", DATE_TIME),
        ("2024-01-01T00:00:00.123456+13:00", DATE_TIME),
        ("2024-01-01T00:00:00.123456789Z", DATE_TIME),
        ("2024-01-01T00:00:00.123456789+13:00", STRING),
        ("0001-01-01T00:00:00+13:00", STRING),
        ("2024-01-01T00:00:00", STRING),
        ("2024-01-01 00:00:00Z", STRING),
        ("2024-01-01T24:00:00Z", STRING),
        ("2024-01-01T00:00:00+25:00", STRING),
        ("2024-01-01T00:00Z", STRING),
    ],
)
def test_the_type_of_a_text(text: str, kind: ColumnType) -> None:
    assert type_of_cell(text) is kind


texts = st.text() | st.from_regex(r"-?[0-9]{1,18}(\.[0-9]{1,18})?", fullmatch=True)
likely = st.sampled_from(
    [
        "true",
        "2024-01-01",
        "2024-01-01T00:00:00Z",
        "2024-01-01T00:00:00.5+11:00",
        "1.5",
        "x",
        "-0",
        "00",
    ]
)


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


FORMS = {"date": "%d/%m/%Y", "date-time": "%d/%m/%Y %H:%M"}


@given(
    st.sampled_from(ColumnType),
    st.booleans(),
    st.lists(
        columns(number, moment, other, texts, st.sampled_from(["31/12/2024", "1/2/2024 10:30"])),
        min_size=1,
        max_size=2,
    ),
)
@example(ColumnType.NUMBER, False, [["1"] * 20 + ["n/a"] + ["2"] * 20, ["3", "n/a"]])  # noqa: FBT003
def test_a_column_has_the_values_of_the_documented_rules(
    kind: ColumnType,
    by_form: bool,  # noqa: FBT001
    batches: list[list[Any]],
) -> None:
    """Also in a later batch, when some cells are known already."""
    form = FORMS.get(kind) if by_form else None
    column = converter(kind, form)
    schema = Draft202012Validator(kind.json_schema, format_checker=FormatChecker())
    for cells in batches:
        present = [None if cell == "" else cell for cell in cells]
        expected = [value_of(kind, cell, form) for cell in present]
        values, variants = column.convert(cells if len(cells) % 2 else tuple(cells))
        assert list(map(repr, values)) == list(map(repr, expected))
        assert list(variants or [None] * len(cells)) == [
            text_of(cell) if value is None else None
            for cell, value in zip(present, expected, strict=True)
        ]
        assert (variants is None) == column.fits(cells)
        assert all(map(schema.is_valid, values))


def batch(**cells: Sequence[Any]) -> Columns:
    return Columns(tuple(cells), list(cells.values()), len(next(iter(cells.values()))))


@given(st.lists(columns(number, moment, other, nested, texts | likely), min_size=1, max_size=3))
def test_the_type_of_a_column_is_that_of_all_its_cells(parts: list[list[Any]]) -> None:
    cells = [None if cell == "" else cell for part in parts for cell in part]
    assert infer(batch(a=part) for part in parts) == {"a": inferred(cells)}


def test_nested_json_is_kept_and_also_read_from_its_text() -> None:
    assert infer([batch(a=[{"b": 1}], c=[[1]])]) == {"a": ColumnType.OBJECT, "c": ColumnType.ARRAY}
    assert infer([batch(a=[{"a": {"b": 1}}, "x"])]) == {"a": STRING}
    assert converter(STRING).convert([{"b": ["é", 1]}]) == (['{"b":["é",1]}'], None)
    assert converter(ColumnType.ARRAY).convert(["[1, 2]"]) == ([[1, 2]], None)
    texts = ['{"b": NaN, "c": 4.50}', "[1]", "{", "{" * 10_000, '{"b": "\\u0000"}']
    values, variants = converter(ColumnType.OBJECT).convert(texts)
    assert values == [{"b": "NaN", "c": 4.5}, None, None, None, None]
    assert variants == [None, *texts[1:]]


def test_each_record_has_a_nested_value_of_its_own() -> None:
    values, _ = converter(ColumnType.OBJECT).convert(['{"b": 1}', '{"b": 1}'])
    assert values[0] is not values[1]


@pytest.mark.parametrize(
    ("kind", "form", "text", "value"),
    [
        (DATE, "%d/%m/%Y", "31/12/2024", "2024-12-31"),
        (DATE, "%d/%m/%Y", "31/02/2024", None),
        (DATE, "%d/%m/%Y", "2024-12-31", None),
        (DATE_TIME, "%d/%m/%Y %H:%M", "31/12/2024 10:30", "2024-12-31T10:30:00Z"),
        (DATE_TIME, "%d/%m/%Y %H:%M %z", "31/12/2024 10:30 +0100", "2024-12-31T09:30:00Z"),
        (DATE_TIME, "%Y %z", "0001 +1400", None),
        (DATE_TIME, "%Y", "now", None),
    ],
)
def test_dates_in_a_given_format(kind: ColumnType, form: str, text: str, value: object) -> None:
    variants = None if value else [text]
    assert converter(kind, form).convert([text]) == ([value], variants)


# What headings may be: blank, repeated but for case or blanks, too long, with control characters,
# one of our own columns, or another's variant.
awkward = st.sampled_from(
    [
        "",
        " ",
        "Name",
        "name",
        "NAME",
        " Name",
        "Name ",
        "unnamed",
        "\ufeffName",
        "_sdc_row_number",
        "_SDC_ROW_NUMBER",
        "Name__text",
        "name__TEXT",
        "a" * 62,
        "a" * 63,
        "a" * 64,
        "a" * 64 + "b",
        "é" * 40,
        "é" * 41,
        "A\0B",
        "A\nB",
        "A_B",
    ]
)
headings = st.lists(awkward | st.text(max_size=70), unique=True, max_size=12)
RESERVED = ("_sdc_row_number", "_sdc_report_datetime")


def names_of(heads: list[str], known: tuple[str, ...] = ()) -> dict[str, str]:
    names = ColumnNames(known, RESERVED)
    assigned = names.assign(heads)
    return assigned | {f"variant of {head}": names.variant(assigned[head]) for head in heads}


@given(headings, st.randoms(use_true_random=False))
def test_names_are_distinct_short_and_the_same_in_any_order(
    heads: list[str], chance: Random
) -> None:
    names = names_of(heads)
    folded = [name.lower() for name in (*names.values(), *RESERVED)]
    assert len(folded) == len(set(folded)), "distinct, also where case is ignored"
    assert all(0 < len(name.encode()) <= LONGEST for name in names.values())
    assert all(
        name.isprintable() or "\xa0" in name or not name.isascii() for name in names.values()
    )
    assert not any(ord(sign) < 32 for name in names.values() for sign in name)
    shuffled = heads.copy()
    chance.shuffle(shuffled)
    assert ColumnNames((), RESERVED).assign(shuffled) == {head: names[head] for head in heads}


@given(headings)
def test_names_stay_when_the_columns_are_known_already(heads: list[str]) -> None:
    first = ColumnNames((), RESERVED).assign(heads)
    known = tuple(first.values())
    assert ColumnNames(known, RESERVED).assign(heads) == first
    for head in heads:
        assert ColumnNames(known, RESERVED).assign([head]) == {head: first[head]}, "also alone"


def test_an_ordinary_heading_is_its_own_name() -> None:
    heads = ["Employee Code", "1:1 ID", "Progress %", "Größe", "名前"]
    assert ColumnNames((), RESERVED).assign(heads) == {head: head for head in heads}


def equal_but_for_numbers(count: int) -> list[str]:
    return ["Comment", *(f"Comment__{number}" for number in range(2, count + 1))]


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(equal_but_for_numbers, id="equal ones"),
        pytest.param(lambda count: ["x" * 70 + str(number) for number in range(count)], id="long"),
        pytest.param(lambda count: [f"{number:b}" for number in range(count)], id="distinct"),
    ],
)
def test_the_time_for_names_grows_with_their_number(make: Callable[[int], list[str]]) -> None:
    def seconds(count: int) -> float:
        heads = make(count)
        started_at = time.process_time()
        known = ColumnNames((), RESERVED).assign(heads)
        ColumnNames(known.values(), RESERVED).assign(heads)
        return time.process_time() - started_at

    assert min(seconds(20_000) for _ in range(3)) < 8 * min(seconds(5_000) for _ in range(3))

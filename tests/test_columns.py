"""Types are told from text beyond doubt, and names are distinct in any database."""

from __future__ import annotations

import math
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from tap_crewmojo.column_names import LONGEST, ColumnNames
from tap_crewmojo.column_types import MISFIT, ColumnType, converter
from tap_crewmojo.inference import infer, type_of_cell

if TYPE_CHECKING:
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
        ("", STRING),
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


@given(texts | likely)
@example("-0.0")
def test_a_converted_value_is_the_text_again(text: str) -> None:
    kind = type_of_cell(text)
    value = converter(kind)(text)
    match kind:
        case ColumnType.NUMBER:
            assert isinstance(value, int | float)
            assert math.isfinite(value)
            assert Decimal(repr(value)) == Decimal(text)
        case ColumnType.BOOLEAN:
            assert str(value).lower() == text.lower()
        case ColumnType.DATE:
            assert date.fromisoformat(text) >= date.min
            assert value == text
        case ColumnType.DATE_TIME:
            assert isinstance(value, str)
            assert value.endswith("Z")
            assert datetime.fromisoformat(value) == datetime.fromisoformat(text)
        case _:
            assert value == text
    validator = Draft202012Validator(kind.json_schema, format_checker=FormatChecker())
    assert validator.is_valid(value)


@given(st.lists(texts | likely | st.none(), max_size=6))
def test_every_value_of_a_sample_fits_the_type_inferred_from_it(cells: list[str | None]) -> None:
    kind = infer({"a": cell} for cell in cells).get("a", STRING)
    assert all(converter(kind)(cell) is not MISFIT for cell in cells if cell is not None)


def test_nested_json_is_kept_and_also_read_from_its_text() -> None:
    assert infer([{"a": {"b": 1}, "c": [1]}]) == {"a": ColumnType.OBJECT, "c": ColumnType.ARRAY}
    assert infer([{"a": {"b": 1}}, {"a": "x"}]) == {"a": STRING}
    assert converter(STRING)({"b": ["é", 1]}) == '{"b":["é",1]}'
    assert converter(ColumnType.OBJECT)('{"b": 1}') == {"b": 1}
    assert converter(ColumnType.ARRAY)("[1, 2]") == [1, 2]
    assert converter(ColumnType.OBJECT)('{"b": NaN, "c": 4.50}') == {"b": "NaN", "c": 4.5}
    for text in ("[1]", "{", "{" * 10_000, '{"b": "\\u0000"}'):
        assert converter(ColumnType.OBJECT)(text) is MISFIT


@pytest.mark.parametrize(
    ("kind", "form", "text", "value"),
    [
        (DATE, "%d/%m/%Y", "31/12/2024", "2024-12-31"),
        (DATE, "%d/%m/%Y", "31/02/2024", MISFIT),
        (DATE, "%d/%m/%Y", "2024-12-31", MISFIT),
        (DATE_TIME, "%d/%m/%Y %H:%M", "31/12/2024 10:30", "2024-12-31T10:30:00Z"),
        (DATE_TIME, "%d/%m/%Y %H:%M %z", "31/12/2024 10:30 +0100", "2024-12-31T09:30:00Z"),
        (DATE_TIME, "%Y %z", "0001 +1400", MISFIT),
        (DATE_TIME, "%Y", "now", MISFIT),
    ],
)
def test_dates_in_a_given_format(kind: ColumnType, form: str, text: str, value: object) -> None:
    assert converter(kind, form)(text) == value


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

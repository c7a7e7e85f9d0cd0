"""Inferred types follow the documented rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.cells import columns, moment, nested, number, other, texts
from support.oracle import inferred
from tap_crewmojo.cells import Columns
from tap_crewmojo.schema.inference import infer, type_of_cell
from tap_crewmojo.schema.types import ColumnType, converter

if TYPE_CHECKING:
    from collections.abc import Sequence

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

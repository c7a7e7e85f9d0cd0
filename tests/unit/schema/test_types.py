"""Values of each type follow the documented rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from support.cells import columns, moment, number, other, texts
from support.oracle import text_of, value_of
from tap_crewmojo.schema.types import ColumnType, converter

if TYPE_CHECKING:
    from typing import Any

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


def test_each_record_has_a_nested_value_of_its_own() -> None:
    values, _ = converter(ColumnType.OBJECT).convert(['{"b": 1}', '{"b": 1}'])
    assert values[0] is not values[1]


@pytest.mark.parametrize(
    ("kind", "form", "text", "value"),
    [
        (ColumnType.DATE, "%d/%m/%Y", "31/12/2024", "2024-12-31"),
        (ColumnType.DATE, "%d/%m/%Y", "31/02/2024", None),
        (ColumnType.DATE, "%d/%m/%Y", "2024-12-31", None),
        (ColumnType.DATE_TIME, "%d/%m/%Y %H:%M", "31/12/2024 10:30", "2024-12-31T10:30:00Z"),
        (
            ColumnType.DATE_TIME,
            "%d/%m/%Y %H:%M %z",
            "31/12/2024 10:30 +0100",
            "2024-12-31T09:30:00Z",
        ),
        (ColumnType.DATE_TIME, "%Y %z", "0001 +1400", None),
        (ColumnType.DATE_TIME, "%Y", "now", None),
    ],
)
def test_dates_in_a_given_format(kind: ColumnType, form: str, text: str, value: object) -> None:
    variants = None if value else [text]
    assert converter(kind, form).convert([text]) == ([value], variants)

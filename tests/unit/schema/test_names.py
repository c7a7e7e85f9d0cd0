"""Names are distinct in any database, and the same in each run."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_crewmojo.schema.names import LONGEST, ColumnNames

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random


# Headings: blank, repeated except for case or blanks, too long, with control characters,
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

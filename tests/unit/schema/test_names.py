"""Names are distinct in any database, and the same in each run."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_crewmojo.schema.names import (
    LONGEST,
    ColumnNames,
    Naming,
    column_of,
    described_headings,
)

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
        # Identifiers, and what becomes one of them.
        "a_b",
        " a_b",
        "a_b__text",
        "a-b",
        "aB",
        "A b",
        "%",
        "pct",
        "- -",
        "名前",
        "2",
        "x2",
        "name_text",
        "a" * 58,
        "A" * 58,
    ]
)
headings = st.lists(awkward | st.text(max_size=70), unique=True, max_size=12)
namings = st.sampled_from(Naming)
RESERVED = ("_sdc_row_number", "_sdc_report_datetime")


def names_of(heads: list[str], naming: Naming) -> dict[str, str]:
    names = ColumnNames((), RESERVED, naming)
    assigned = names.assign(heads)
    return assigned | {f"variant of {head}": names.variant(assigned[head]) for head in heads}


def schemas(names: dict[str, str], naming: Naming) -> dict[str, dict[str, str]]:
    """Return the schemas of columns by name, as a catalog has them."""
    return {name: naming.describe(heading) for heading, name in names.items()}


@given(headings, namings, st.randoms(use_true_random=False))
def test_names_are_distinct_short_and_the_same_in_any_order(
    heads: list[str], naming: Naming, chance: Random
) -> None:
    names = names_of(heads, naming)
    folded = [name.lower() for name in (*names.values(), *RESERVED)]
    assert len(folded) == len(set(folded)), "distinct, also where case is ignored"
    assert all(0 < len(name.encode()) <= LONGEST for name in names.values())
    assert all(
        name.isprintable() or "\xa0" in name or not name.isascii() for name in names.values()
    )
    assert not any(ord(sign) < 32 for name in names.values() for sign in name)
    if naming is Naming.IDENTIFIER:
        assert all(re.fullmatch("[a-z][a-z0-9_]*", name) for name in names.values())
    shuffled = heads.copy()
    chance.shuffle(shuffled)
    assert ColumnNames((), RESERVED, naming).assign(shuffled) == {
        head: names[head] for head in heads
    }


@given(headings, namings)
def test_names_stay_when_the_columns_are_known_already(heads: list[str], naming: Naming) -> None:
    first = ColumnNames((), RESERVED, naming).assign(heads)
    known = tuple(first.values())
    assert ColumnNames(known, RESERVED, naming).assign(heads) == first
    for head in heads:
        assert ColumnNames(known, RESERVED, naming).assign([head]) == {head: first[head]}, "alone"


@given(headings, headings)
def test_an_identifier_stays_whatever_headings_come_later(
    heads: list[str], later: list[str]
) -> None:
    naming = Naming.IDENTIFIER
    first = ColumnNames((), RESERVED, naming).assign(heads)
    columns = schemas(first, naming)
    assert described_headings(columns) == first
    alone = ColumnNames(columns, RESERVED, naming, first).assign(later)
    together = ColumnNames(columns, RESERVED, naming, first).assign([*later, *heads])
    assert together == first | alone
    assert len(set(together.values())) == len(together)


@given(headings)
def test_an_identifier_is_its_own_name(heads: list[str]) -> None:
    names = ColumnNames((), RESERVED, Naming.IDENTIFIER).assign(heads).values()
    unhashed = [name for name in names if not name.endswith("__text")]
    assert ColumnNames((), RESERVED, Naming.IDENTIFIER).assign(unhashed) == {
        name: name for name in unhashed
    }


@given(headings, namings)
def test_a_setting_names_a_column_by_its_heading_or_its_name(
    heads: list[str], naming: Naming
) -> None:
    names = ColumnNames((), RESERVED, naming).assign(heads)
    columns = schemas(names, naming)
    for heading, name in names.items():
        assert column_of(heading, columns, naming) == name
        assert column_of(name, columns, naming) == names.get(name, name)
    assert column_of("Nowhere at all", columns, Naming.AS_IS) == "Nowhere at all"


@given(headings)
def test_a_catalog_of_the_other_naming_is_noticed_unless_its_names_are_the_same(
    heads: list[str],
) -> None:
    catalogs = {
        naming: schemas(ColumnNames((), RESERVED, naming).assign(heads), naming)
        for naming in Naming
    }
    as_is, identifiers = catalogs[Naming.AS_IS], catalogs[Naming.IDENTIFIER]
    for naming, columns in catalogs.items():
        assert naming.named_otherwise(columns) is None
    are_same = as_is.keys() == identifiers.keys()
    assert (Naming.AS_IS.named_otherwise(identifiers) is None) == are_same
    assert (Naming.IDENTIFIER.named_otherwise(as_is) is None) == are_same


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

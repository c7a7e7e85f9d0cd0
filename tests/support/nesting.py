"""A report with nested JSON that changes between two runs, and what all of it amounts to."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

from support.tap_runs import load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from support.tap_runs import Record, Run

PROFILE: dict[str, Any] = {
    "name": "Zoë Łuczak 日本語 🦊",
    "level": 3,
    "rate": 3.6666666666666665,
    "badge": 9007199254740993,  # no double holds this
    "code": "007",
    "joined": "2024-02-29",
    "remote": True,
    "manager": None,
    "extra": {},
    "teams": [{"name": "Red", "since": -0.000005}, {"name": "Blue", "lead": {"id": None}}],
}
LATER_PROFILE: dict[str, Any] = {
    "name": {"first": "Zoë", "last": None},
    "level": "three",
    "rate": [3.5],
    "remote": None,
    "Level": 4,
    "extra": {"": [], "%s $1 'x'": [[]]},
    "teams": "Red",
}
GOALS = [1, -2.5, "three", None, True, [], {}, [[{"title": 'Ship "it"', "done": False}]]]
NESTED = ("Profile", "Goals")
"""The columns with nested JSON that the catalog knows."""


def profiles(start: date | None, texts: Sequence[str], *, later: bool) -> list[Record]:
    """Return the rows of the report.

    Later, members have come, gone and changed their type; an object is an array, an array an
    object; a column has come.

    Args:
        start: the first day of its window.
        texts: texts that loaders trip over.
        later: whether it is as in the second run.
    """
    assert start
    rows: list[Record] = [
        {"Code": "n1", "Profile": PROFILE | {"month": start.month}, "Goals": GOALS},
        {"Code": "n2", "Profile": {}, "Goals": []},
        {"Code": "n3", "Profile": None, "Goals": None},
        {"Code": "n4", "Profile": {text: text for text in texts}, "Goals": list(texts)},
    ]
    if later:
        rows[0] |= {"Profile": LATER_PROFILE | {"month": str(start)}, "Goals": {}}
        rows[1] |= {"Profile": [1, None], "Goals": [PROFILE], "Badges": [{"name": "Zoë 🦊"}]}
        rows[2] |= {"Profile": {"level": None}, "Goals": [None], "Badges": []}
    return rows


def source(texts: Sequence[str]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return all values of the source, by window and code: from February on, the later ones."""
    return {
        (start.isoformat(), row["Code"]): {
            heading: value for heading, value in row.items() if value is not None
        }
        for start in (date(2025, month, 1) for month in range(1, 10))
        for row in profiles(start, texts, later=start.month > 1)
    }


def held(*runs: Run) -> dict[tuple[str, str], dict[str, Any]]:
    """Return all values that a target holds, by window and code; JSON in text columns is read."""
    in_text = {"Badges", *(f"{name}__text" for name in NESTED)}
    return {
        (record["_sdc_report_start_date"], record["Code"]): {
            name.removesuffix("__text"): json.loads(value) if name in in_text else value
            for name, value in record.items()
            if value is not None and not name.startswith("_sdc")
        }
        for record in load(*runs)["profiles"].values()
    }

"""A company whose reports change between two runs of the tap, in all the ways that targets mind."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from support.drifting import month
from support.nesting import profiles
from tap_crewmojo.sandbox.company.company import ReportSource
from tap_crewmojo.sandbox.company.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_crewmojo.sandbox.company.table import Row

STAFF: dict[str, Any] = {
    "id": "staff",
    "replication_method": "FULL_TABLE",
    "primary_keys": ["Employee Code"],
}
PROFILES: dict[str, Any] = {
    "id": "profiles",
    "primary_keys": ["Code"],
    "content_type": "json",
}
REPORTS = (
    "notes",
    "changing",
    STAFF,
    PROFILES,
    "oneonone.summary",
    "oneonone.detail",
    "objective.detail",
)

HEADINGS = ("Code", "Note", "Score", "Day", "When", "Done")
NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)
TEXTS = (
    "one, two; three\ttabs",
    "she said \"no\" and 'yes'",
    "first line\nsecond line\r\nthird",
    '"quoted", from\nstart to "end"',
    "C:\\new\\table \\N \\",
    "Zoë Łuczak 日本語 🦊 e\u0301",
    "NULL",
    "null",
    "\\N",
    "{1, 2}",
    "%s $1 :name {x}",
    "<b>&amp;</b> -- ; DROP TABLE notes",
    "=1+1",
    "0",
)
"""Texts that loaders are known to trip over."""


@dataclass
class ChangingCompany:
    """Its reports, earlier and later.

    Later, of February's notes one has left and one has changed; a score is no number; a column has
    come. Of the staff, one has left, one has changed, one has come. What is `changing` does so from
    month to month. The profiles are nested JSON.
    """

    later: bool = False

    @property
    def sources(self) -> Mapping[str, ReportSource]:
        """The reports, as a sandbox takes them."""
        return {
            "changing": ReportSource(month),
            "notes": ReportSource(self._notes),
            "profiles": ReportSource(self._profiles),
            "staff": ReportSource(self._staff),
        }

    def _notes(self, start: date | None, _end: date | None) -> Table:
        assert start
        rows: list[Row] = [
            ("007", "plain", 3.6666666666666665, start, NOON, True),
            ("008", None, None, None, None, None),
            *(
                (f"{number:03}", text, number / 8, date(2024, 2, 29), NOON, number % 2 == 0)
                for number, text in enumerate(TEXTS, start=100)
            ),
            (
                "009",
                "limits",
                123456789012345,
                date(9999, 12, 31),
                "2025-07-01T01:02:03.45+10:00",
                False,
            ),
            ("010", "small", -0.000005, date(1900, 1, 1), NOON, False),
            ("011", "last", 0, start, NOON, False),
        ]
        if self.later and start.month == 2:
            rows[0] = ("007", "rewritten", 4.5, start, NOON, None)
            rows[2] = ("100", TEXTS[0], "n/a", date(2024, 2, 29), NOON, True)
            del rows[-1]
        if not self.later:
            return Table(HEADINGS, tuple(rows))
        moods: list[Any] = ["good", *("so-so" for _ in rows[2:]), None]
        return Table(
            ("Code", "Mood", *HEADINGS[1:]),
            tuple((row[0], mood, *row[1:]) for row, mood in zip(rows, moods, strict=True)),
        )

    def _profiles(self, start: date | None, _end: date | None) -> bytes:
        return json.dumps(profiles(start, TEXTS, later=self.later)).encode()

    def _staff(self, _start: date | None, _end: date | None) -> Table:
        people: list[Row] = [
            ("E1", "Ann", date(2020, 1, 1), 0.5 if self.later else 1),
            ("E3", "Cat", date(2022, 1, 1), 1),
        ]
        people.append(
            ("E4", "Dan", None, 0.8) if self.later else ("E2", "Bob", date(2021, 1, 1), 1)
        )
        return Table(("Employee Code", "Name", "Since", "FTE"), tuple(people))


def other_company(start: date | None, _end: date | None) -> Table:
    """Return a report that shares one column with the one that is `changing`."""
    assert start
    return Table(("Code", "Squad", "Points"), (("b1", "Red", start.month), ("b2", "Blue", 0.5)))

"""Objectives: a made-up report, with integers and decimals in one column."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tap_crewmojo.sandbox.company.people import Crew
    from tap_crewmojo.sandbox.company.table import Row

DETAIL = (
    "Objective ID", "Employee Code", "Owner", "Objective", "Start Date", "Due Date", "Progress %",
    "Target", "Completed", "Updated At",
)  # fmt: skip

_TITLES = (
    "Answer tickets within a day",
    "Grow sales, by region",
    "採用ページを新しくする",
    "Ship v2.0",
)
_PROGRESS = (0, 12.5, 25, 33.3, 50, 66.67, 100)
_TARGETS = (None, 10, 99.5, 1_250_000)
_DONE = 100


def detail(crew: Crew, days: Iterable[date]) -> Iterator[Row]:
    """One row for each objective that was touched on one of these days."""
    for day in days:
        dice = crew.dice("objective", day)
        for number, who in enumerate(crew.share(dice, one_in=12), start=1):
            started = day - timedelta(days=dice.randint(0, 120))
            due = dice.choice((None, started + timedelta(days=90)))
            progress = dice.choice(_PROGRESS)
            updated = datetime.combine(day, time(dice.randrange(24), dice.randrange(60)), UTC)
            yield (
                f"OBJ-{day:%y%m%d}-{number}", who.code, who.name, dice.choice(_TITLES), started,
                due, progress, dice.choice(_TARGETS), progress == _DONE, updated,
            )  # fmt: skip

"""Performance reviews: a made-up report, with scores and long texts."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

from tap_crewmojo.sandbox.texts import essay

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from tap_crewmojo.sandbox.company.people import Crew
    from tap_crewmojo.sandbox.company.table import Row

DETAIL = (
    "Review ID", "Employee Code", "Employee", "Reviewer", "Review Date", "Score", "Strengths",
    "To Improve", "Shared", "Submitted At",
)  # fmt: skip


def detail(crew: Crew, days: Iterable[date]) -> Iterator[Row]:
    """One row for each review that was written on one of these days."""
    for day in days:
        dice = crew.dice("review", day)
        for number, who in enumerate(crew.share(dice, one_in=20), start=1):
            score = dice.choice((None, 1, 2, 2.5, 3, 3.75, 4, 5))
            submitted = datetime.combine(day, time(dice.randrange(24), 0, 59), UTC)
            yield (
                f"R{day:%Y%m%d}{number:03}", who.code, who.name, who.manager, day, score,
                essay(dice), dice.choice((None, essay(dice))), dice.random() < 0.5, submitted,  # noqa: PLR2004  # a coin
            )  # fmt: skip

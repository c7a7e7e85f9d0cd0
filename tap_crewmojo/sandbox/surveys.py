"""Engagement surveys: a made-up report, slow to generate and empty in most months."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_crewmojo.sandbox.texts import note

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from tap_crewmojo.sandbox.company.people import Crew
    from tap_crewmojo.sandbox.company.table import Row

SURVEY = ("Response ID", "Date", "Team", "Question", "Score", "Comment")

_QUESTIONS = (
    "I know what is expected of me",
    'I would recommend us, "warts and all"',
    "I learn something new",
)
_MONTHS = (3, 6, 9, 12)


def survey(crew: Crew, days: Iterable[date]) -> Iterator[Row]:
    """One row for each answer; the company asks in the last month of a quarter only."""
    for day in days:
        if day.month not in _MONTHS:
            continue
        dice = crew.dice("survey", day)
        for number, who in enumerate(crew.share(dice, one_in=10), start=1):
            score = dice.choice((None, *range(11)))
            yield (
                f"{day:%Y%m%d}-{number}",
                day,
                who.team,
                dice.choice(_QUESTIONS),
                score,
                note(dice),
            )

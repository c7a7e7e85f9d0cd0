"""1:1s: the meetings themselves, and the two reports on them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from statistics import fmean
from typing import TYPE_CHECKING

from tap_crewmojo.sandbox.texts import note

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tap_crewmojo.sandbox.company.people import Crew, Person
    from tap_crewmojo.sandbox.company.table import Row

DETAIL = (
    "1:1 ID", "Employee Code", "Employee", "Manager", "Date", "Completed At", "Completed",
    "Rating", "Notes",
)  # fmt: skip
SUMMARY = (
    "Employee Code", "Employee", "Email", "Team", "Manager", "Completed 1:1s", "Average Rating",
    "Last 1:1",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class OneOnOne:
    """A meeting of somebody with their manager, held or missed."""

    number: int
    person: Person
    day: date
    completed_at: datetime | None
    rating: float | None
    notes: str | None


def held(crew: Crew, days: Iterable[date]) -> Iterator[OneOnOne]:
    """The meetings of these days."""
    for day in days:
        dice = crew.dice("oneonone", day)
        for number, person in enumerate(crew.share(dice, one_in=8), start=1):
            completed = dice.random() < 0.85  # noqa: PLR2004  # most are held
            minutes = timedelta(minutes=dice.randint(8 * 60, 17 * 60))
            rating = round(dice.uniform(1, 5), 2)
            yield OneOnOne(
                number=int(f"{day:%Y%m%d}{number:04}"),
                person=person,
                day=day,
                completed_at=datetime.combine(day, time(), UTC) + minutes if completed else None,
                rating=rating if completed and dice.randrange(5) else None,
                notes=note(dice),
            )


def detail(crew: Crew, days: Iterable[date]) -> Iterator[Row]:
    """One row a meeting."""
    for met in held(crew, days):
        who = met.person
        completed = met.completed_at is not None
        yield (
            met.number, who.code, who.name, who.manager, met.day, met.completed_at, completed,
            met.rating, met.notes,
        )  # fmt: skip


def summary(crew: Crew, days: Iterable[date]) -> Iterator[Row]:
    """One row for each person with completed 1:1s in the range ([doc]: a summary over the range).

    Its numbers are of the range as a whole: two months are not the sum of one and the other.
    """
    completed: defaultdict[str, list[OneOnOne]] = defaultdict(list)
    for met in held(crew, days):
        if met.completed_at:
            completed[met.person.code].append(met)
    for _, mets in sorted(completed.items()):
        who = mets[0].person
        ratings = [met.rating for met in mets if met.rating is not None]
        average = round(fmean(ratings), 2) if ratings else None
        yield (
            who.code, who.name, who.email, who.team, who.manager, len(mets), average, mets[-1].day,
        )  # fmt: skip

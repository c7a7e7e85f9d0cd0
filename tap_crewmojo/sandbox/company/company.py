"""A made-up company and its reports: pure, without a clock, the same for the same seed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

from tap_crewmojo.sandbox import objectives, reviews, surveys
from tap_crewmojo.sandbox.company import reports as oneonones
from tap_crewmojo.sandbox.company.people import Crew, hire
from tap_crewmojo.sandbox.company.table import Row, Table

if TYPE_CHECKING:
    from typing import TypeAlias

FIRST_DAY, LAST_DAY = date(2023, 1, 1), date(2030, 12, 31)
"""The company's life: nothing happens outside it; asked without dates, a report covers it all."""

RowsOf: TypeAlias = Callable[[Crew, Sequence[date]], Iterable[Row]]


@dataclass(frozen=True, slots=True)
class Report:
    """A kind of report."""

    headings: tuple[str, ...]
    rows: RowsOf
    generation_seconds: float = 0
    documented: bool = False
    timeless: bool = False  # the same whatever the dates


def _directory(crew: Crew, _days: Sequence[date]) -> Iterable[Row]:
    """Everybody, whatever the dates."""
    for who in crew.people:
        yield who.code, who.name, who.email, who.team, who.manager, who.started


DIRECTORY = ("Employee Code", "Name", "Email", "Team", "Manager", "Started")

REPORTS: Mapping[str, Report] = MappingProxyType(
    {
        # [doc]: the one identifier that the vendor's pages name. The others are made up.
        "oneonone.summary": Report(oneonones.SUMMARY, oneonones.summary, documented=True),
        "oneonone.detail": Report(oneonones.DETAIL, oneonones.detail),
        "objective.detail": Report(objectives.DETAIL, objectives.detail),
        "review.detail": Report(reviews.DETAIL, reviews.detail),
        "people.directory": Report(DIRECTORY, _directory, timeless=True),
        "engagement.survey": Report(surveys.SURVEY, surveys.survey, generation_seconds=75),
    }
)


@dataclass(frozen=True, slots=True)
class Company:
    """A company that follows from a seed and a head count alone.

    What happens on a day depends on that day only, so any two ranges agree on the days they share.
    Names come from Faker: another version of it may bring other names.
    """

    seed: int = 1
    people: int = 40

    def __post_init__(self) -> None:
        if self.people < 1:
            message = "a company needs people"
            raise ValueError(message)

    @property
    def crew(self) -> Crew:
        """Everybody in the company."""
        return hire(self.seed, self.people)

    def report(self, report_id: str, start: date | None = None, end: date | None = None) -> Table:
        """Generate a report over a range, inclusive at both ends ([assumed])."""
        report = REPORTS[report_id]
        days = _working_days(start or FIRST_DAY, end or LAST_DAY)
        return Table(report.headings, tuple(report.rows(self.crew, days)))


def _working_days(start: date, end: date) -> list[date]:
    start, end = max(start, FIRST_DAY), min(end, LAST_DAY)
    days = (start + timedelta(days=n) for n in range((end - start).days + 1))
    saturday = 5
    return [day for day in days if day.weekday() < saturday]

"""The made-up company: the same for the same seed, without a clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING

from tap_crewmojo.sandbox.company.people import Crew, hire
from tap_crewmojo.sandbox.company.reports import REPORTS
from tap_crewmojo.sandbox.company.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FIRST_DAY, LAST_DAY = date(2023, 1, 1), date(2030, 12, 31)
"""The life of the company: outside of it nothing happens. Without dates, a report covers it all."""


@dataclass(frozen=True, slots=True)
class ReportSource:
    """A report that the sandbox serves.

    Attributes:
        rows: Generates the report for a range of dates, or for none. Bytes are served as the body,
            unchanged.
        generation_seconds: How long this takes; more than 30 seconds make it a job.
        content_type: The header for bytes; by default that of the requested content type.
    """

    rows: Callable[[date | None, date | None], Table | bytes]
    generation_seconds: float = 0
    content_type: str | None = None


@dataclass(frozen=True, slots=True)
class Company:
    """A company that a seed and a number of people define completely.

    The events of a day depend on that day only: two ranges agree about the days that they share.
    The names come from Faker: another version of Faker may give other names.
    """

    seed: int = 1
    people: int = 40

    def __post_init__(self) -> None:
        if self.people < 1:
            message = f"'people' must be at least 1, not {self.people}."
            raise ValueError(message)

    @property
    def crew(self) -> Crew:
        """The people of the company."""
        return hire(self.seed, self.people)

    def report(self, report_id: str, start: date | None = None, end: date | None = None) -> Table:
        """Generate a report for a range that includes both its ends ([assumed])."""
        definition = REPORTS[report_id]
        days = _working_days(start or FIRST_DAY, end or LAST_DAY)
        return Table(definition.headings, tuple(definition.rows(self.crew, days)))

    @property
    def sources(self) -> Mapping[str, ReportSource]:
        """The reports of the company, by identifier."""
        return {
            report_id: ReportSource(partial(self.report, report_id), definition.generation_seconds)
            for report_id, definition in REPORTS.items()
        }


def _working_days(start: date, end: date) -> list[date]:
    start, end = max(start, FIRST_DAY), min(end, LAST_DAY)
    days = (start + timedelta(days=n) for n in range((end - start).days + 1))
    saturday = 5
    return [day for day in days if day.weekday() < saturday]

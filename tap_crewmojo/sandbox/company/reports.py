"""The reports of the made-up company: their headings, and a function that makes their rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from statistics import fmean
from types import MappingProxyType
from typing import TYPE_CHECKING

from tap_crewmojo.sandbox.company.people import Crew, Person, essay, note
from tap_crewmojo.sandbox.company.table import Row

if TYPE_CHECKING:
    from typing import TypeAlias

MakeRows: TypeAlias = Callable[[Crew, Sequence[date]], Iterable[Row]]


@dataclass(frozen=True, slots=True)
class ReportDefinition:
    """A report that the company offers.

    Attributes:
        headings: The names of its columns.
        rows: Makes the rows for some days.
        generation_seconds: How long the API needs to generate it.
        documented: Whether the vendor documents its identifier.
        timeless: Whether it is the same for all dates.
    """

    headings: tuple[str, ...]
    rows: MakeRows
    generation_seconds: float = 0
    documented: bool = False
    timeless: bool = False


# --- 1:1s: two reports about the same meetings ------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Meeting:
    """A 1:1 of an employee and their manager, held or missed."""

    number: int
    person: Person
    day: date
    completed_at: datetime | None
    rating: float | None
    notes: str | None


def _meetings(crew: Crew, days: Iterable[date]) -> Iterator[_Meeting]:
    for day in days:
        rng = crew.rng("oneonone", day)
        for number, person in enumerate(crew.sample(rng, one_in=8), start=1):
            completed = rng.random() < 0.85  # noqa: PLR2004  # most are held
            minutes = timedelta(minutes=rng.randint(8 * 60, 17 * 60))
            rating = round(rng.uniform(1, 5), 2)
            yield _Meeting(
                number=int(f"{day:%Y%m%d}{number:04}"),
                person=person,
                day=day,
                completed_at=datetime.combine(day, time(), UTC) + minutes if completed else None,
                rating=rating if completed and rng.randrange(5) else None,
                notes=note(rng),
            )


def _oneonone_detail(crew: Crew, days: Iterable[date]) -> Iterator[Row]:
    """Yield one row for each meeting."""
    for meeting in _meetings(crew, days):
        person, completed = meeting.person, meeting.completed_at is not None
        yield (
            meeting.number, person.code, person.name, person.manager, meeting.day,
            meeting.completed_at, completed, meeting.rating, meeting.notes,
        )  # fmt: skip


def _oneonone_summary(crew: Crew, days: Iterable[date]) -> Iterator[Row]:
    """Yield one row for each person with completed 1:1s ([doc]: a summary of the range).

    The numbers are about the whole range: the summary of two months is not the sum of the
    summaries of each month.
    """
    completed: defaultdict[str, list[_Meeting]] = defaultdict(list)
    for meeting in _meetings(crew, days):
        if meeting.completed_at:
            completed[meeting.person.code].append(meeting)
    for _, meetings in sorted(completed.items()):
        person = meetings[0].person
        ratings = [meeting.rating for meeting in meetings if meeting.rating is not None]
        average = round(fmean(ratings), 2) if ratings else None
        yield (
            person.code, person.name, person.email, person.team, person.manager, len(meetings),
            average, meetings[-1].day,
        )  # fmt: skip


# --- objectives: integers and decimals in one column ------------------------------------------

_TITLES = (
    "Answer tickets within a day",
    "Grow sales, by region",
    "採用ページを新しくする",
    "Ship v2.0",
)
_PROGRESS = (0, 12.5, 25, 33.3, 50, 66.67, 100)
_TARGETS = (None, 10, 99.5, 1_250_000)
_DONE = 100


def _objective_detail(crew: Crew, days: Iterable[date]) -> Iterator[Row]:
    """Yield one row for each objective that was changed on one of these days."""
    for day in days:
        rng = crew.rng("objective", day)
        for number, person in enumerate(crew.sample(rng, one_in=12), start=1):
            started = day - timedelta(days=rng.randint(0, 120))
            due = rng.choice((None, started + timedelta(days=90)))
            progress = rng.choice(_PROGRESS)
            updated = datetime.combine(day, time(rng.randrange(24), rng.randrange(60)), UTC)
            yield (
                f"OBJ-{day:%y%m%d}-{number}", person.code, person.name, rng.choice(_TITLES),
                started, due, progress, rng.choice(_TARGETS), progress == _DONE, updated,
            )  # fmt: skip


# --- reviews: scores and long texts -----------------------------------------------------------


def _review_detail(crew: Crew, days: Iterable[date]) -> Iterator[Row]:
    """Yield one row for each review that was written on one of these days."""
    for day in days:
        rng = crew.rng("review", day)
        for number, person in enumerate(crew.sample(rng, one_in=20), start=1):
            score = rng.choice((None, 1, 2, 2.5, 3, 3.75, 4, 5))
            submitted = datetime.combine(day, time(rng.randrange(24), 0, 59), UTC)
            yield (
                f"R{day:%Y%m%d}{number:03}", person.code, person.name, person.manager, day, score,
                essay(rng), rng.choice((None, essay(rng))), rng.random() < 0.5, submitted,  # noqa: PLR2004  # one in two
            )  # fmt: skip


# --- surveys: slow to generate, empty in most months ------------------------------------------

_QUESTIONS = (
    "I know what is expected of me",
    'I would recommend us, "warts and all"',
    "I learn something new",
)
_SURVEY_MONTHS = (3, 6, 9, 12)


def _engagement_survey(crew: Crew, days: Iterable[date]) -> Iterator[Row]:
    """Yield one row for each reply; the survey runs in the last month of each quarter."""
    for day in days:
        if day.month not in _SURVEY_MONTHS:
            continue
        rng = crew.rng("survey", day)
        for number, person in enumerate(crew.sample(rng, one_in=10), start=1):
            score = rng.choice((None, *range(11)))
            yield (
                f"{day:%Y%m%d}-{number}", day, person.team, rng.choice(_QUESTIONS), score,
                note(rng),
            )  # fmt: skip


# --- the directory: the same for all dates ----------------------------------------------------


def _people_directory(crew: Crew, _days: Iterable[date]) -> Iterator[Row]:
    for person in crew.people:
        yield person.code, person.name, person.email, person.team, person.manager, person.started


REPORTS: Mapping[str, ReportDefinition] = MappingProxyType(
    {
        # [doc]: the only identifier that the vendor's pages name. The others are made up.
        "oneonone.summary": ReportDefinition(
            (
                "Employee Code", "Employee", "Email", "Team", "Manager", "Completed 1:1s",
                "Average Rating", "Last 1:1",
            ),
            _oneonone_summary,
            documented=True,
        ),
        "oneonone.detail": ReportDefinition(
            (
                "1:1 ID", "Employee Code", "Employee", "Manager", "Date", "Completed At",
                "Completed", "Rating", "Notes",
            ),
            _oneonone_detail,
        ),
        "objective.detail": ReportDefinition(
            (
                "Objective ID", "Employee Code", "Owner", "Objective", "Start Date", "Due Date",
                "Progress %", "Target", "Completed", "Updated At",
            ),
            _objective_detail,
        ),
        "review.detail": ReportDefinition(
            (
                "Review ID", "Employee Code", "Employee", "Reviewer", "Review Date", "Score",
                "Strengths", "To Improve", "Shared", "Submitted At",
            ),
            _review_detail,
        ),
        "people.directory": ReportDefinition(
            ("Employee Code", "Name", "Email", "Team", "Manager", "Started"),
            _people_directory,
            timeless=True,
        ),
        "engagement.survey": ReportDefinition(
            ("Response ID", "Date", "Team", "Question", "Score", "Comment"),
            _engagement_survey,
            generation_seconds=75,
        ),
    }
)  # fmt: skip

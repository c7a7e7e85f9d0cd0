"""What the probe has seen: a response for each step, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tap_crewmojo.probe.bodies import Table
    from tap_crewmojo.probe.exchange import Seen


class Step(StrEnum):
    """A response that is looked at, in the words of the result."""

    TOKEN = "access token"  # noqa: S105  # a word
    CSV = "report as CSV"
    JSON = "report as JSON"
    ONE_DAY = "report of one day"
    TWO_DAYS = "report of that day and the next"
    NEXT_DAY = "report of the next day"
    NO_DATES = "report without dates"
    UNKNOWN_REPORT = "unknown report"
    ENVELOPE = "report as a job"
    JOB = "report of the job"
    UNKNOWN_JOB = "unknown job"


class NotTriedError(Exception):
    """There is no response to look at. The text is the reason, for the result."""


@dataclass(slots=True)
class Observations:
    """The responses so far.

    Attributes:
        responses: all responses in their order.
        polls: the responses to the polls of the requested job, without the report.
        job_seconds: API seconds from the request for the job to its report, or to the end of polls.
    """

    responses: list[tuple[Step, Seen]] = field(default_factory=list)
    polls: list[Seen] = field(default_factory=list)
    job_seconds: float = 0.0
    _seen: dict[Step, Seen] = field(default_factory=dict)
    _reasons: dict[Step, str] = field(default_factory=dict)

    def note(self, step: Step, seen: Seen) -> None:
        """Keep the response of a step."""
        self._seen[step] = seen

    def skip(self, step: Step, reason: str) -> None:
        """Keep the reason why a step has no response."""
        self._reasons.setdefault(step, reason)

    def __contains__(self, step: Step) -> bool:
        return step in self._seen

    def __getitem__(self, step: Step) -> Seen:
        """Return the response of a step.

        Raises:
            NotTriedError: there is none.
        """
        if step not in self._seen:
            raise NotTriedError(self._reasons.get(step, "the probe ended before"))
        return self._seen[step]

    def report(self, step: Step) -> Seen:
        """Return the response of a step that has no error status.

        Raises:
            NotTriedError: there is none.
        """
        seen = self[step]
        if not seen.is_success:
            msg = f"{step}: status {seen.status}"
            raise NotTriedError(msg)
        return seen

    def table(self, step: Step) -> Table:
        """Return the report in the response of a step.

        Raises:
            NotTriedError: there is none.
        """
        table = self.report(step).table
        if table is None:
            msg = f"{step}: not read"
            raise NotTriedError(msg)
        return table

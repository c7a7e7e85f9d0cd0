"""The paginator of a job: submit a report, then poll its job until the response is the report.

One loop serves the immediate and the slow response, and tests drive it without HTTP or waiting.
"""

from __future__ import annotations

from dataclasses import dataclass

from singer_sdk.pagination import BaseAPIPaginator
from typing_extensions import override

from tap_crewmojo.readers.spool import JobEnvelope

FIRST_PAUSE = 1.0
"""Seconds before the first poll."""

LONGEST_PAUSE = 5.0
"""Seconds that the pauses between polls grow to."""

_GROWTH = 1.05
"""A job is seen at most a twentieth of its time later than it is ready, and 1 s: Crewmojo responds
with a job id after 30 seconds, and later pauses are a twentieth of the time that has passed."""


@dataclass(frozen=True, slots=True)
class Submit:
    """The next HTTP request requests the report."""

    pause = 0.0


@dataclass(frozen=True, slots=True)
class Poll:
    """The next HTTP request polls a job.

    Args:
        job_id: the job's id in Crewmojo.
        number: 1 for the first poll. It makes two polls of a job different, since the SDK's
            paginators take equal pages for a loop.
    """

    job_id: str
    number: int

    @property
    def pause(self) -> float:
        """Seconds to wait before the poll."""
        return min(FIRST_PAUSE * _GROWTH ** (self.number - 1), LONGEST_PAUSE)


class JobPoller(BaseAPIPaginator[Submit | Poll]):
    """Pages through the responses of one attempt; the last page is the report."""

    def __init__(self) -> None:
        super().__init__(Submit())

    @override
    def advance(self, response: object) -> None:
        """Move on after a response, which has been spooled and classified.

        Args:
            response: a `JobEnvelope` while the job runs; anything else ends the paging.
        """
        super().advance(response)  # type: ignore[arg-type]  # the SDK only passes it on

    @override
    def has_more(self, response: object) -> bool:
        return isinstance(response, JobEnvelope)

    @override
    def get_next(self, response: object) -> Poll | None:
        if not isinstance(response, JobEnvelope):
            return None
        polls = self.current_value.number if isinstance(self.current_value, Poll) else 0
        return Poll(response.job_id, polls + 1)

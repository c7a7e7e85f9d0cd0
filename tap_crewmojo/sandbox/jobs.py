"""Reports that took too long to be answered at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_crewmojo.sandbox.requests import Asked

LIFETIME = 10 * 60  # since the original request [doc]


@dataclass(frozen=True, slots=True)
class Job:
    """A report in the making; moments are API seconds."""

    number: int
    report: str
    asked: Asked
    ready: float
    expires: float


@dataclass(slots=True)
class Jobs:
    """All jobs there have been, less those that were lost."""

    numeric: bool = False  # whether an id is a number or a string is not published
    _numbers: Iterator[int] = field(default_factory=lambda: count(700_001))
    _jobs: dict[str, Job] = field(default_factory=dict)

    def open(self, report: str, asked: Asked, posted: float, ready: float) -> Job:
        """Begin a job for a request that came in at `posted`."""
        job = Job(next(self._numbers), report, asked, ready, posted + LIFETIME)
        self._jobs[str(self.public_id(job))] = job
        return job

    def public_id(self, job: Job) -> str | int:
        """The job's id as the client gets it."""
        return job.number if self.numeric else f"job-{job.number}"

    def find(self, report: str | None, job_id: str | None) -> Job | None:
        """Look up a job of this report, expired or not."""
        job = self._jobs.get(job_id or "")
        return job if job and job.report == report else None

    def lose(self, job_id: str | None) -> None:
        """Forget a job, if there is one."""
        self._jobs.pop(job_id or "", None)

"""The vendor's API as its pages document it, without HTTP and without faults."""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING

from tap_crewmojo.sandbox.company.table import to_csv, to_json
from tap_crewmojo.sandbox.responses import CSV, JSON, Response, error_response, json_response

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_crewmojo.sandbox.company.company import ReportSource
    from tap_crewmojo.sandbox.requests import ContentType, ReportRequest, TokenRequest

TOKEN_SECONDS = 30 * 60  # [doc]
JOB_SECONDS = 10 * 60  # since the request for the report [doc]
LONGEST_WAIT = 30
"""Seconds of generating after which the response is a job id ([doc])."""


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """The behaviour that the vendor does not document, or that a test changes.

    Attributes:
        client_id: The id of the only client.
        client_secret: Its secret.
        time_scale: Real seconds for each second of the API: 0.01 makes it a hundred times faster.
        poll_hang: The longest time, in API seconds, that a poll waits for its job. [assumed: up to
            30; the vendor's pages do not say]
        job_status: The status of a job envelope. [assumed: 200 or 202]
        numeric_job_ids: Whether job ids are numbers. [assumed: numbers or strings]
        jobs_as_csv: Whether a job's report is CSV even if JSON was requested. The vendor's page
            documents CSV only.
        exclusive_end: Whether a range lacks its last day. [assumed: it includes both ends]
        unknown_report_status: The status for an unknown report. [assumed: 400, not 404]
        unknown_job_status: The status for an unknown job. [assumed: 400, 404 or 410]
    """

    client_id: str = "sandbox"
    client_secret: str = "sandbox-secret"  # noqa: S105  # valid in a sandbox only
    time_scale: float = 1.0
    poll_hang: float = 0
    job_status: int = 200
    numeric_job_ids: bool = False
    jobs_as_csv: bool = False
    exclusive_end: bool = False
    unknown_report_status: int = 400
    unknown_job_status: int = 404


@dataclass(frozen=True, slots=True)
class Clock:
    """The time of the API, which can run faster than real time.

    Attributes:
        scale: Real seconds for each second of the API.
    """

    scale: float = 1.0
    _began: float = field(default_factory=time.monotonic)

    def now(self) -> float:
        """Return the API seconds since the start."""
        return (time.monotonic() - self._began) / self.scale

    async def sleep_until(self, moment: float) -> None:
        """Wait until a moment; return at once if it is past."""
        while (left := moment - self.now()) > 0:  # noqa: ASYNC110  # sleep() may end a tick early
            await asyncio.sleep(left * self.scale)

    async def sleep(self, seconds: float) -> None:
        """Wait for some API seconds."""
        await self.sleep_until(self.now() + seconds)


@dataclass(slots=True)
class Tokens:
    """Access tokens. Each new token invalidates all earlier ones ([doc])."""

    issued: list[str] = field(default_factory=list)
    _expires: float = 0

    def issue(self, now: float) -> str:
        """Issue a new token."""
        self.issued.append(f"sandbox-{secrets.token_urlsafe(24)}")
        self._expires = now + TOKEN_SECONDS
        return self.issued[-1]

    def revoke(self) -> None:
        """Invalidate all tokens."""
        self._expires = 0

    def accepts(self, authorization: str | None, now: float) -> bool:
        """Return whether an `Authorization` header holds the valid token."""
        scheme, _, token = (authorization or "").partition(" ")
        return (
            scheme.lower() == "bearer"
            and bool(self.issued)
            and token == self.issued[-1]
            and now < self._expires
        )


@dataclass(frozen=True, slots=True)
class Job:
    """A report that takes long to generate; `ready` and `expires` are in API seconds."""

    number: int
    report: str
    request: ReportRequest
    ready: float
    expires: float


@dataclass(slots=True)
class Jobs:
    """All jobs, without those that a fault has lost."""

    numeric: bool = False
    _numbers: Iterator[int] = field(default_factory=lambda: count(700_001))
    _jobs: dict[str, Job] = field(default_factory=dict)

    def start(self, report: str, request: ReportRequest, arrived: float, ready: float) -> Job:
        """Start a job for a request that arrived at `arrived`."""
        job = Job(next(self._numbers), report, request, ready, arrived + JOB_SECONDS)
        self._jobs[str(self.public_id(job))] = job
        return job

    def public_id(self, job: Job) -> str | int:
        """Return the job's id as the client sees it."""
        return job.number if self.numeric else f"job-{job.number}"

    def find(self, report: str, job_id: str) -> Job | None:
        """Return a job of this report, expired or not."""
        job = self._jobs.get(job_id)
        return job if job and job.report == report else None

    def lose(self, job_id: str | None) -> None:
        """Remove a job, if it exists."""
        self._jobs.pop(job_id or "", None)


@dataclass(slots=True)
class Service:
    """The API: tokens, reports and jobs."""

    behaviour: Behaviour
    sources: Mapping[str, ReportSource]
    tokens: Tokens
    clock: Clock = field(init=False)
    jobs: Jobs = field(init=False)

    def __post_init__(self) -> None:
        self.clock = Clock(self.behaviour.time_scale)
        self.jobs = Jobs(numeric=self.behaviour.numeric_job_ids)

    async def token(self, request: TokenRequest) -> Response:
        """Respond to a request for a token."""
        if request.problem:
            return error_response(400, request.problem)
        credentials = self.behaviour.client_id, self.behaviour.client_secret
        if (request.client_id, request.client_secret) != credentials:
            return error_response(401, "invalid_client")
        token = self.tokens.issue(self.clock.now())
        return json_response(
            {"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_SECONDS}
        )

    async def report(
        self, authorization: str | None, report: str, request: ReportRequest
    ) -> Response:
        """Respond to a request for a report: with the report, or after 30 s with a job."""
        arrived = self.clock.now()
        if not self.tokens.accepts(authorization, arrived):
            return error_response(401, "unauthorized")
        if request.problem:
            return error_response(400, request.problem)
        if report not in self.sources:
            return error_response(self.behaviour.unknown_report_status, "unknown report")
        ready = arrived + self.sources[report].generation_seconds
        if ready <= arrived + LONGEST_WAIT and not request.force_job:
            await self.clock.sleep_until(ready)
            return await self._generated(report, request, request.content_type)
        await self.clock.sleep_until(arrived + LONGEST_WAIT)
        return self._envelope(self.jobs.start(report, request, arrived, ready))

    async def job(self, authorization: str | None, report: str, job_id: str) -> Response:
        """Respond to a poll: with the report, or with the job again."""
        arrived = self.clock.now()
        if not self.tokens.accepts(authorization, arrived):
            return error_response(401, "unauthorized")
        job = self.jobs.find(report, job_id)
        if job is None:
            return error_response(self.behaviour.unknown_job_status, "unknown job")
        await self.clock.sleep_until(min(job.ready, arrived + self.behaviour.poll_hang))
        if self.clock.now() >= job.expires:
            return error_response(410, "the job has expired")  # [assumed: 400, 404 or 410]
        if self.clock.now() < job.ready:
            return self._envelope(job)  # [assumed]
        content_type = "csv" if self.behaviour.jobs_as_csv else job.request.content_type
        return await self._generated(report, job.request, content_type)

    def _envelope(self, job: Job) -> Response:
        job_id = self.jobs.public_id(job)
        return json_response({"jobId": job_id}, self.behaviour.job_status, job_id=str(job_id))

    async def _generated(
        self, report: str, request: ReportRequest, content_type: ContentType
    ) -> Response:
        return await asyncio.to_thread(self._generate, report, request, content_type)

    def _generate(self, report: str, request: ReportRequest, content_type: ContentType) -> Response:
        source, (start, end) = self.sources[report], request.dates
        if end and self.behaviour.exclusive_end:
            end -= timedelta(days=1)
        rows, header = source.rows(start, end), JSON if content_type == "json" else CSV
        if isinstance(rows, bytes):
            return Response(rows, source.content_type or header)
        if content_type == "json":
            return Response(to_json(rows), header)
        return Response(to_csv(rows), header)

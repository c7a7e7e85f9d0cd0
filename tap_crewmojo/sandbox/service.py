"""What the vendor's API answers, as far as its pages tell; no HTTP, no faults."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tap_crewmojo.sandbox.clock import Clock
from tap_crewmojo.sandbox.jobs import Job, Jobs
from tap_crewmojo.sandbox.render import to_csv, to_json
from tap_crewmojo.sandbox.responses import CSV, JSON, Answer, json_answer, refusal
from tap_crewmojo.sandbox.tokens import LIFETIME, Tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_crewmojo.sandbox.behaviour import Behaviour
    from tap_crewmojo.sandbox.grants import GrantRequest
    from tap_crewmojo.sandbox.requests import Asked, ContentType
    from tap_crewmojo.sandbox.sources import ReportSource

PATIENCE = 30
"""Seconds of generating after which a request is answered with a job id ([doc])."""


@dataclass(slots=True)
class Service:
    """Tokens, reports and jobs."""

    behaviour: Behaviour
    sources: Mapping[str, ReportSource]
    tokens: Tokens
    clock: Clock = field(init=False)
    jobs: Jobs = field(init=False)

    def __post_init__(self) -> None:
        self.clock = Clock(self.behaviour.time_scale)
        self.jobs = Jobs(numeric=self.behaviour.numeric_job_ids)

    async def grant(self, wanted: GrantRequest) -> Answer:
        """Answer a request for a token."""
        if wanted.problem:
            return refusal(400, wanted.problem)
        known = self.behaviour.client_id, self.behaviour.client_secret
        if (wanted.client_id, wanted.client_secret) != known:
            return refusal(401, "invalid_client")
        token = self.tokens.issue(self.clock.now())
        return json_answer({"access_token": token, "token_type": "Bearer", "expires_in": LIFETIME})

    async def report(self, authorization: str | None, report: str, asked: Asked) -> Answer:
        """Answer a request for a report: with it, or after 30 s with a job."""
        arrived = self.clock.now()
        if not self.tokens.accepts(authorization, arrived):
            return refusal(401, "unauthorized")
        if asked.problem:
            return refusal(400, asked.problem)
        if report not in self.sources:
            return refusal(400, "no such report")  # [assumed: not 404]
        ready = arrived + self.sources[report].generation_seconds
        if ready <= arrived + PATIENCE and not asked.force_job:
            await self.clock.sleep_until(ready)
            return await self._generated(report, asked, asked.content_type)
        await self.clock.sleep_until(arrived + PATIENCE)
        return self._envelope(self.jobs.open(report, asked, arrived, ready))

    async def job(self, authorization: str | None, report: str, job_id: str) -> Answer:
        """Answer a request for a job: with the report, or with the job once more."""
        arrived = self.clock.now()
        if not self.tokens.accepts(authorization, arrived):
            return refusal(401, "unauthorized")
        job = self.jobs.find(report, job_id)
        if job is None:
            return refusal(404, "no such job")  # [assumed: 400, 404 or 410]
        await self.clock.sleep_until(min(job.ready, arrived + self.behaviour.poll_hang))
        if self.clock.now() >= job.expires:
            return refusal(410, "the job has expired")  # [assumed: 400, 404 or 410]
        if self.clock.now() < job.ready:
            return self._envelope(job)  # [assumed]
        as_csv = self.behaviour.job_answers_csv
        return await self._generated(report, job.asked, "csv" if as_csv else job.asked.content_type)

    def _envelope(self, job: Job) -> Answer:
        shown = self.jobs.public_id(job)
        return json_answer({"jobId": shown}, self.behaviour.job_status, job_id=str(shown))

    async def _generated(self, report: str, asked: Asked, content_type: ContentType) -> Answer:
        return await asyncio.to_thread(self._generate, report, asked, content_type)

    def _generate(self, report: str, asked: Asked, content_type: ContentType) -> Answer:
        source = self.sources[report]
        rows, header = source.rows(*asked.dates), JSON if content_type == "json" else CSV
        if isinstance(rows, bytes):
            return Answer(rows, source.content_type or header)
        if content_type == "json":
            return Answer(to_json(rows, self.behaviour.json_envelope), header)
        return Answer(to_csv(rows), header)

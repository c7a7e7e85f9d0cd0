"""The sandbox's HTTP side: paths, the faults on order, the log of requests."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from aiohttp import web

from tap_crewmojo.sandbox.fault_kinds import KINDS
from tap_crewmojo.sandbox.grants import GrantRequest
from tap_crewmojo.sandbox.request_log import RequestEntry, RequestLog
from tap_crewmojo.sandbox.requests import Asked
from tap_crewmojo.sandbox.responses import Answer, deliver

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tap_crewmojo.sandbox.faults import Fault, FaultPlan
    from tap_crewmojo.sandbox.service import Service

HINT = "A sandbox of the Crewmojo download API, with made-up people. The API is under /v1.\n"
_REPORT = "/v1/integrations/download/{report}"


@dataclass(frozen=True, slots=True)
class Server:
    """Lets the service speak HTTP, and misbehave where that is on order."""

    service: Service
    faults: FaultPlan
    log: RequestLog

    def application(self) -> web.Application:
        """Everything at its path."""
        app = web.Application()
        app.router.add_get("/", self.hint)
        app.router.add_post("/v1/oauth/token", self.token)
        app.router.add_post(_REPORT, self.post)
        app.router.add_get(_REPORT + "/{job}", self.poll)  # [assumed: two path segments]
        return app

    async def hint(self, _request: web.Request) -> web.StreamResponse:
        """Tell whoever looks here what this is."""
        return web.Response(text=HINT)

    async def token(self, request: web.Request) -> web.StreamResponse:
        """Answer `POST /oauth/token`."""
        entry = RequestEntry(phase="token", at=self.service.clock.now())
        wanted = GrantRequest.of(await request.read(), request.content_type)
        return await self._respond(request, entry, partial(self.service.grant, wanted))

    async def post(self, request: web.Request) -> web.StreamResponse:
        """Answer the request for a report."""
        at, report = self.service.clock.now(), request.match_info["report"]
        asked = Asked.of(await request.read())
        entry = RequestEntry(phase="post", report=report, at=at, **asked.logged())
        answer = partial(self.service.report, request.headers.get("Authorization"), report, asked)
        return await self._respond(request, entry, answer)

    async def poll(self, request: web.Request) -> web.StreamResponse:
        """Answer the request for a job."""
        at, report = self.service.clock.now(), request.match_info["report"]
        job_id = request.match_info["job"]
        job = self.service.jobs.find(report, job_id)
        entry = RequestEntry(phase="poll", report=report, job_id=job_id, at=at)
        if job:
            entry = replace(entry, **job.asked.logged())
        answer = partial(self.service.job, request.headers.get("Authorization"), report, job_id)
        return await self._respond(request, entry, answer)

    async def _respond(
        self, request: web.Request, entry: RequestEntry, truth: Callable[[], Awaitable[Answer]]
    ) -> web.StreamResponse:
        fault = self.faults.pick(entry.phase, entry.report, entry.start)
        answer = await self._answer(fault, entry, truth) if fault else await truth()
        # Noted before it is sent: who has the answer finds the entry.
        self.log.add(
            replace(
                entry,
                status=None if answer.wire and answer.wire.ending == "reset" else answer.status,
                job_id=entry.job_id or answer.job_id,
                fault=fault.kind if fault else None,
                seconds=self.service.clock.now() - entry.at,
            )
        )
        return await deliver(request, answer)

    async def _answer(
        self, fault: Fault, entry: RequestEntry, truth: Callable[[], Awaitable[Answer]]
    ) -> Answer:
        """Do what a fault does before, instead of and after the true answer."""
        kind = KINDS[fault.kind]
        match fault.kind:
            case "delay":
                await self.service.clock.sleep(fault.seconds)
            case "revoke":
                self.service.tokens.revoke()
            case "lose-job":
                self.service.jobs.lose(entry.job_id)
        answer = kind.instead(fault) if kind.instead else await truth()
        if fault.kind == "lose-job":
            self.service.jobs.lose(answer.job_id)
        return kind.change(fault, answer) if kind.change else answer

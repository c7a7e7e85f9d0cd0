"""The HTTP side of the sandbox: paths, faults and the request log."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from aiohttp import web

from tap_crewmojo.sandbox.fault_kinds import FAULT_KINDS
from tap_crewmojo.sandbox.request_log import RequestEntry, RequestLog
from tap_crewmojo.sandbox.requests import ReportRequest, TokenRequest
from tap_crewmojo.sandbox.responses import Response, send
from tap_crewmojo.sandbox.variants import varied

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    from tap_crewmojo.sandbox.faults import Fault, FaultPlan
    from tap_crewmojo.sandbox.service import Service

HINT = "A sandbox of the Crewmojo download API, with made-up people. The API is under /v1.\n"
_REPORT = "/v1/integrations/download/{report}"


@dataclass(frozen=True, slots=True)
class Server:
    """The service over HTTP, with variants and faults."""

    service: Service
    variants: Collection[str]
    faults: FaultPlan
    log: RequestLog

    def application(self) -> web.Application:
        """Return the application with all its paths."""
        app = web.Application()
        app.router.add_get("/", self.hint)
        app.router.add_post("/v1/oauth/token", self.token)
        app.router.add_post(_REPORT, self.post)
        app.router.add_get(_REPORT + "/{job}", self.poll)  # [assumed: two path segments]
        return app

    async def hint(self, _request: web.Request) -> web.StreamResponse:
        """Explain the sandbox to a person who opens it in a browser."""
        return web.Response(text=HINT)

    async def token(self, request: web.Request) -> web.StreamResponse:
        """Respond to a request for a token."""
        entry = RequestEntry(phase="token", at=self.service.clock.now())
        token_request = TokenRequest.parse(await request.read(), request.content_type)
        return await self._respond(request, entry, partial(self.service.token, token_request))

    async def post(self, request: web.Request) -> web.StreamResponse:
        """Respond to a request for a report."""
        at, report = self.service.clock.now(), request.match_info["report"]
        authorization = request.headers.get("Authorization")
        report_request = ReportRequest.parse(await request.read())
        entry = RequestEntry(phase="post", report=report, at=at, **report_request.logged_fields)
        respond = partial(self.service.report, authorization, report, report_request)
        return await self._respond(request, entry, respond)

    async def poll(self, request: web.Request) -> web.StreamResponse:
        """Respond to a request for a job."""
        at, report = self.service.clock.now(), request.match_info["report"]
        authorization, job_id = request.headers.get("Authorization"), request.match_info["job"]
        entry = RequestEntry(phase="poll", report=report, job_id=job_id, at=at)
        if job := self.service.jobs.find(report, job_id):
            entry = replace(entry, **job.request.logged_fields)
        respond = partial(self.service.job, authorization, report, job_id)
        return await self._respond(request, entry, respond)

    async def _respond(
        self, request: web.Request, entry: RequestEntry, respond: Callable[[], Awaitable[Response]]
    ) -> web.StreamResponse:
        async def usual() -> Response:
            return varied(await respond(), entry.phase, self.variants)

        fault = self.faults.pick(entry.phase, entry.report, entry.start)
        response = await (self._apply(fault, entry, usual) if fault else usual())
        is_reset = response.wire and response.wire.ending == "reset"
        # Logged before it is sent: a client that has the response finds the entry.
        self.log.add(
            replace(
                entry,
                status=None if is_reset else response.status,
                job_id=entry.job_id or response.job_id,
                fault=fault.kind if fault else None,
                seconds=self.service.clock.now() - entry.at,
            )
        )
        return await send(request, response)

    async def _apply(
        self, fault: Fault, entry: RequestEntry, respond: Callable[[], Awaitable[Response]]
    ) -> Response:
        """Return the response with a fault: changed, replaced, or after a change of the service."""
        kind = FAULT_KINDS[fault.kind]
        match fault.kind:
            case "delay":
                await self.service.clock.sleep(fault.seconds)
            case "revoke":
                self.service.tokens.revoke()
            case "lose-job":
                self.service.jobs.lose(entry.job_id)
        response = kind.replacement(fault) if kind.replacement else await respond()
        if fault.kind == "lose-job":
            self.service.jobs.lose(response.job_id)
        return kind.change(fault, response) if kind.change else response

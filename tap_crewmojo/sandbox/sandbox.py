"""The sandbox: a server in its own thread, for as long as a context lasts."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Thread
from typing import TYPE_CHECKING, Self

from aiohttp import web

from tap_crewmojo.sandbox.company.company import Company, ReportSource
from tap_crewmojo.sandbox.faults import FaultPlan
from tap_crewmojo.sandbox.request_log import RequestEntry, RequestLog
from tap_crewmojo.sandbox.server import Server
from tap_crewmojo.sandbox.service import Behaviour, Service, Tokens
from tap_crewmojo.sandbox.variants import behaviour_of, problem_of

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

HOST = "127.0.0.1"
"""The loopback interface only: other machines cannot reach the sandbox."""


class _ServerThread:
    """An event loop in a daemon thread that serves one application until it is stopped."""

    def __init__(self) -> None:
        self.port = 0
        self._stop = asyncio.Event()

    def start(
        self, application: Callable[[], web.Application], port: int, tls: ssl.SSLContext | None
    ) -> None:
        started: Future[int] = Future()

        async def serve() -> None:
            self._loop = asyncio.get_running_loop()
            runner = web.AppRunner(application(), access_log=None, shutdown_timeout=0.1)
            try:
                await runner.setup()
                await web.TCPSite(runner, HOST, port, ssl_context=tls).start()
                started.set_result(runner.addresses[0][1])
                await self._stop.wait()
            except OSError as error:  # the port is taken
                started.set_exception(error)
            finally:
                await _close(runner)

        self._thread = Thread(target=asyncio.run, args=(serve(),), daemon=True, name="sandbox")
        self._thread.start()
        self.port = started.result()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()


async def _close(runner: web.AppRunner) -> None:
    connections = runner.server.connections if runner.server else []
    transports = [connection.transport for connection in connections]
    await runner.cleanup()
    for transport in transports:
        if transport:
            transport.abort()  # over TLS, close() would wait for the client to close, too


@dataclass(frozen=True, kw_only=True, eq=False)
class Sandbox(Behaviour):
    """The vendor's API with made-up people. It runs while the context lasts.

    Raises:
        ValueError: A variant is unknown, or excludes another one.

    Attributes:
        seed: The seed of the made-up company.
        people: The number of people in the company.
        variants: Names of `VARIANTS`: what is different from the usual responses.
        reports: More reports, or replacements for those of the company, by identifier.
        port: The port on the loopback interface; 0 takes any free port.
        ssl_context: Serve TLS with this context.
        request_log: Also write the request log to this file, as lines of JSON.
        faults: The faults to apply; more can be added at any time.
    """

    seed: int = 1
    people: int = 40
    variants: Collection[str] = ()
    reports: Mapping[str, ReportSource] | None = None
    port: int = 0
    ssl_context: ssl.SSLContext | None = None
    request_log: Path | None = None
    faults: FaultPlan = field(default_factory=FaultPlan, init=False)
    _tokens: Tokens = field(default_factory=Tokens, init=False)
    _log: RequestLog = field(default_factory=RequestLog, init=False)
    _thread: _ServerThread = field(default_factory=_ServerThread, init=False)

    def __post_init__(self) -> None:
        if problem := problem_of(self.variants):
            raise ValueError(problem)

    @property
    def company(self) -> Company:
        """The made-up company."""
        return Company(self.seed, self.people)

    @property
    def api_url(self) -> str:
        """The API root for clients."""
        scheme = "https" if self.ssl_context else "http"
        return f"{scheme}://{HOST}:{self._thread.port}/v1"

    @property
    def requests(self) -> list[RequestEntry]:
        """A copy of the request log: the requests that have a response."""
        return self._log.entries

    @property
    def tokens(self) -> list[str]:
        """A copy of all issued tokens."""
        return list(self._tokens.issued)

    def __enter__(self) -> Self:
        self._log.path = self.request_log
        _ = self.company.crew  # made up now: the first response must not be slow
        sources = {**self.company.sources, **(self.reports or {})}
        service = Service(behaviour_of(self, self.variants), sources, self._tokens)
        server = Server(service, self.variants, self.faults, self._log)
        self._thread.start(server.application, self.port, self.ssl_context)
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.stop()

"""Responses, and how they are sent: as correct HTTP, or as the raw bytes that a fault defines."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web
from typing_extensions import override

from tap_crewmojo.sandbox.wire import to_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp.abc import AbstractStreamWriter

    from tap_crewmojo.sandbox.wire import Wire

CSV, JSON = "text/csv; charset=utf-8", "application/json"


@dataclass(frozen=True, slots=True)
class Response:
    """A response that is ready to be sent.

    Attributes:
        body: The body.
        content_type: The header `Content-Type`.
        status: The status.
        headers: More headers.
        job_id: The job that the body names, for the request log.
        wire: How it is sent; None: as correct HTTP.
    """

    body: bytes = b""
    content_type: str = JSON
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    job_id: str | None = None
    wire: Wire | None = None


def json_response(value: object, status: int = 200, job_id: str | None = None) -> Response:
    """Return a response with a JSON document."""
    return Response(json.dumps(value).encode(), JSON, status, job_id=job_id)


def error_response(status: int, message: str) -> Response:
    """Return an error: JSON ([doc]); the vendor does not document its fields ([assumed])."""
    return json_response({"error": message}, status)


class _AlreadySent(web.StreamResponse):
    """A response without bytes for aiohttp to send: they are written already."""

    def __init__(self, *, is_kept: bool) -> None:
        super().__init__()
        self._is_kept = is_kept

    @property
    @override
    def keep_alive(self) -> bool:
        return self._is_kept

    @override
    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        return None

    @override
    async def write_eof(self, data: bytes = b"") -> None:
        """Send nothing."""


async def send(request: web.Request, response: Response) -> web.StreamResponse:
    """Send a response."""
    if response.wire is None:
        headers = {"Content-Type": response.content_type, **response.headers}
        # A stream is sent in chunks: a large body is not copied before it is sent.
        return web.Response(body=io.BytesIO(response.body), status=response.status, headers=headers)
    if request.transport:
        request.transport.write(to_bytes(response, response.wire))
        if response.wire.ending == "reset":
            request.transport.abort()
    # If the connection is not kept, aiohttp closes it after all written bytes are sent.
    return _AlreadySent(is_kept=response.wire.is_kept)

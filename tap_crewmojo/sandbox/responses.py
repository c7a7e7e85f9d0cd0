"""Responses, and how they are sent: properly, or byte by byte as a fault orders."""

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
class Answer:
    """A response, before it is sent."""

    body: bytes = b""
    content_type: str = JSON
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    job_id: str | None = None  # for the log: the job that it speaks of
    wire: Wire | None = None  # None: as a proper server sends it


def json_answer(value: object, status: int = 200, job_id: str | None = None) -> Answer:
    """Answer with a JSON document."""
    return Answer(json.dumps(value).encode(), JSON, status, job_id=job_id)


def refusal(status: int, message: str) -> Answer:
    """Answer with an error: JSON ([doc]), in fields that are not published ([assumed])."""
    return json_answer({"error": message}, status)


class _Sent(web.StreamResponse):
    """A response whose bytes are on their way already: nothing is left for the server to send."""

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


async def deliver(request: web.Request, answer: Answer) -> web.StreamResponse:
    """Send a response."""
    if answer.wire is None:
        headers = {"Content-Type": answer.content_type, **answer.headers}
        # Piece by piece, as a file would: a large report is not to be copied first.
        return web.Response(body=io.BytesIO(answer.body), status=answer.status, headers=headers)
    if request.transport:
        request.transport.write(to_bytes(answer, answer.wire))
        if answer.wire.ending == "reset":
            request.transport.abort()
    # The server closes the connection, if it is not kept; what was written arrives all the same.
    return _Sent(is_kept=answer.wire.is_kept)

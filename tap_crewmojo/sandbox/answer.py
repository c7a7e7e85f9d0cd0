"""Answers, and how they go out: whole, cut short, or not at all."""

from __future__ import annotations

import gzip
import io
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Mapping

CSV, JSON = "text/csv; charset=utf-8", "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, before it is sent."""

    body: bytes = b""
    content_type: str = JSON
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    job_id: str | None = None  # for the log: the job that it speaks of


def json_answer(value: object, status: int = 200, job_id: str | None = None) -> Answer:
    """Answer with a JSON document."""
    return Answer(json.dumps(value).encode(), JSON, status, job_id=job_id)


def refusal(status: int, message: str) -> Answer:
    """Answer with an error: JSON ([doc]), in fields that are not published ([assumed])."""
    return json_answer({"error": message}, status)


async def deliver(request: web.Request, answer: Answer, how: str | None) -> web.StreamResponse:
    """Send an answer.

    Args:
        request: What it answers.
        answer: What to send.
        how: `reset`, `cut`, `cut-chunked` or `gzip`; with anything else it goes out properly.
    """
    headers = {"Content-Type": answer.content_type, **answer.headers}
    if how == "reset":
        if request.transport:
            request.transport.abort()
        return web.Response()  # goes nowhere
    if how in {"cut", "cut-chunked"}:
        return await _deliver_half(request, answer, headers, chunked=how == "cut-chunked")
    body = answer.body
    if how == "gzip":  # whatever the client said it accepts
        body, headers["Content-Encoding"] = gzip.compress(body), "gzip"
    # Piece by piece, as a file would: a large report is not to be copied first.
    return web.Response(body=io.BytesIO(body), status=answer.status, headers=headers)


async def _deliver_half(
    request: web.Request, answer: Answer, headers: dict[str, str], *, chunked: bool
) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers=headers)
    if chunked:
        response.enable_chunked_encoding()
    else:
        response.content_length = len(answer.body) or 1
    await response.prepare(request)
    await response.write(answer.body[: len(answer.body) // 2])
    if request.transport:
        request.transport.close()  # not abort(): the half that was written is to arrive
    return response

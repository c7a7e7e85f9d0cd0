"""Reading the body of an answer, within a deadline that a trickle of bytes cannot stretch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests
import urllib3

from tap_crewmojo.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_crewmojo.clock import Clock

CHUNK = 1 << 16
"""Bytes that are read at a time, at most."""


def body_of(response: requests.Response, clock: Clock, deadline: float) -> Iterator[bytes]:
    """Yield the body of a streamed answer as it arrives, decompressed.

    Args:
        response: an answer whose body has not been read.
        clock: tells the time.
        deadline: when, by the clock's stop-watch, the body must be there.

    Raises:
        TransientError: it was cut short, cannot be decompressed, or took too long.
    """
    raw: urllib3.HTTPResponse = response.raw
    try:
        # requests would wait for whole chunks, and never look at the time in between.
        while chunk := raw.read1(CHUNK, decode_content=True):
            yield chunk
            if clock.monotonic() > deadline:
                msg = "the answer took too long to arrive"
                raise TransientError(msg)
    except (urllib3.exceptions.HTTPError, requests.RequestException) as exc:
        msg = f"the answer was cut short ({type(exc).__name__})"
        raise TransientError(msg) from None


def short_body_of(response: requests.Response, clock: Clock, deadline: float) -> bytes:
    """Return the first part of a body, enough for any error or token.

    Raises:
        TransientError: as in `body_of`.
    """
    body = b""
    for chunk in body_of(response, clock, deadline):
        body += chunk
        if len(body) > CHUNK:
            break
    return body

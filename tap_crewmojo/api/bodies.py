"""The body of a response: read within a deadline, decompressed, and known to be whole.

urllib3 takes half of a compressed body for a whole one. Here a compressed body has to reach its own
end, with a checksum that is right.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

import requests
import urllib3

from tap_crewmojo.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tap_crewmojo.clock import Clock

CHUNK: Final = 1 << 16
"""Bytes that are read, or decompressed, at a time, at most."""

ACCEPTED_ENCODING: Final = "gzip"
"""The compression to accept: its checksum shows that all of a body has arrived."""

_WINDOW_BITS: Final = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
_WINDOW_BITS["x-gzip"] = _WINDOW_BITS["gzip"]  # RFC 9110, 8.4.1.3


def body_of(response: requests.Response, clock: Clock, deadline: float) -> Iterator[bytes]:
    """Yield the body of a response as it arrives, decompressed.

    Args:
        response: a response whose body has not been read.
        clock: tells the time.
        deadline: by when the body must have arrived, by the clock's `monotonic`.

    Raises:
        TransientError: it was cut short, cannot be decompressed, or took too long.
    """
    chunks = _arriving(response.raw, clock, deadline)
    for encoding in reversed(_codings(response, "Content-Encoding")):
        if encoding not in _WINDOW_BITS:
            msg = (
                f"the response is compressed with {encoding[:20]!r}, which the tap does not accept"
            )
            raise TransientError(msg)
        chunks = _decompressed(chunks, _WINDOW_BITS[encoding])
    return chunks


def has_known_end(response: requests.Response) -> bool:
    """Return whether a body that was cut short shows it: by its length, chunks or compression."""
    raw: urllib3.HTTPResponse = response.raw
    return (
        raw.chunked
        or raw.length_remaining is not None
        or bool(_codings(response, "Content-Encoding"))
    )


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


def _codings(response: requests.Response, header: str) -> list[str]:
    names = response.headers.get(header, "").lower().split(",")
    return [name.strip() for name in names if name.strip() not in {"", "identity"}]


def _arriving(raw: urllib3.HTTPResponse, clock: Clock, deadline: float) -> Iterator[bytes]:
    try:
        # requests would wait for whole chunks, and never look at the time in between.
        while chunk := raw.read1(CHUNK, decode_content=False):
            yield chunk
            if clock.monotonic() > deadline:
                msg = "the response took too long to arrive"
                raise TransientError(msg)
    except (urllib3.exceptions.HTTPError, requests.RequestException) as exc:
        msg = f"the response was cut short ({type(exc).__name__})"
        raise TransientError(msg) from None


def _decompressed(chunks: Iterable[bytes], window_bits: int) -> Iterator[bytes]:
    """Yield what compressed chunks hold, `CHUNK` bytes at most at a time.

    Raises:
        TransientError: they end before the compressed data does, or are damaged.
    """
    inflater = None
    try:
        for chunk in chunks:
            rest = chunk
            while rest:
                if inflater is None or inflater.eof:  # gzip may have several members
                    inflater = zlib.decompressobj(window_bits)
                if piece := inflater.decompress(rest, CHUNK):
                    yield piece
                rest = inflater.unconsumed_tail or inflater.unused_data
    except zlib.error:
        msg = "the response cannot be decompressed: it is damaged"
        raise TransientError(msg) from None
    if inflater is not None and not inflater.eof:
        msg = "the response was cut short (its compressed data has no end)"
        raise TransientError(msg)

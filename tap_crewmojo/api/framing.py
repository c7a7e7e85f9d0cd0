"""Responses that are whole: stricter than `http.client` and urllib3.

These libraries accept three kinds of broken responses, each of which would lose or mix up rows:

- an interim response (102, 103) as the final one: the final one would be read as the response to
  the next request;
- headers that cannot be parsed, whose text, which may be rows, urllib3 logs;
- a compressed body that ends early.

Here each is an error. The connection of a response that `StrictAdapter` refuses is closed.
"""

from __future__ import annotations

import http.client
import re
import zlib
from typing import TYPE_CHECKING, Any, Final

import requests
import urllib3
from requests.adapters import HTTPAdapter
from typing_extensions import override
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HeaderParsingError
from urllib3.util.response import assert_header_parsing

from tap_crewmojo.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tap_crewmojo.clock import Clock

CHUNK: Final = 1 << 16
"""The largest number of bytes to read or decompress at a time."""

ACCEPTED_ENCODING: Final = "gzip"
"""The compression to accept: its checksum shows whether a body is whole."""

_FIRST_FINAL_STATUS: Final = 200
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a token of RFC 9110, 5.6.2
_TRANSFER_CODINGS: Final = frozenset({"chunked", "identity"})  # those that `http.client` decodes
_WINDOW_BITS: Final = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
_REFUSED_CODINGS: Final = frozenset({"br", "compress", "zstd"})  # other names may be anything
_WINDOW_BITS["x-gzip"] = _WINDOW_BITS["gzip"]  # RFC 9110, 8.4.1.3


class FramingError(http.client.HTTPException):
    """A response that cannot be separated from the next one. The text quotes nothing of it."""


class _StrictResponse(http.client.HTTPResponse):
    @override
    def begin(self) -> None:
        super().begin()
        if self.status < _FIRST_FINAL_STATUS:
            msg = f"an interim response, with status {self.status}, instead of the final one"
            raise FramingError(msg)
        try:
            assert_header_parsing(self.msg)
            is_valid = all(map(_HEADER_NAME.fullmatch, self.msg))
        except HeaderParsingError:
            is_valid = False
        if not is_valid:
            msg = "a response with malformed headers"
            raise FramingError(msg)
        codings = {coding.lower() for coding in self.msg.get_all("Transfer-Encoding", ())}
        if not codings <= _TRANSFER_CODINGS:
            msg = "a response with an unknown Transfer-Encoding"
            raise FramingError(msg)


class _StrictHttpConnection(HTTPConnection):
    response_class = _StrictResponse


class _StrictHttpsConnection(HTTPSConnection):
    response_class = _StrictResponse


class _StrictHttpPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _StrictHttpConnection


class _StrictHttpsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _StrictHttpsConnection


_POOLS: Final = {"http": _StrictHttpPool, "https": _StrictHttpsPool}


class StrictAdapter(HTTPAdapter):
    """Uses the strict connections above, through a proxy as well."""

    @override
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    @override
    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> urllib3.ProxyManager:
        manager: urllib3.ProxyManager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager


def iter_body(response: requests.Response, clock: Clock, deadline: float) -> Iterator[bytes]:
    """Yield the body of a response as it arrives, decompressed.

    Args:
        response: a response whose body has not been read.
        clock: measures the time.
        deadline: the time by `Clock.monotonic` at which the body must have arrived.

    Raises:
        TransientError: the body was cut short, cannot be decompressed, or took too long.
    """
    chunks = _raw_chunks(response.raw, clock, deadline)
    for encoding in reversed(_content_codings(response)):
        if encoding not in _WINDOW_BITS:
            name = repr(encoding) if encoding in _REFUSED_CODINGS else "an unknown method"
            msg = f"the response is compressed with {name}, which the tap does not accept"
            raise TransientError(msg)
        chunks = _decompress(chunks, _WINDOW_BITS[encoding])
    return chunks


def read_short_body(response: requests.Response, clock: Clock, deadline: float) -> bytes:
    """Return the first part of a body, which is all of a token or an error.

    Raises:
        TransientError: as in `iter_body`.
    """
    body = b""
    for chunk in iter_body(response, clock, deadline):
        body += chunk
        if len(body) > CHUNK:
            break
    return body


def has_known_end(response: requests.Response) -> bool:
    """Return whether its length, chunks or compression show where the body of a response ends."""
    raw: urllib3.HTTPResponse = response.raw
    return raw.chunked or raw.length_remaining is not None or bool(_content_codings(response))


def _content_codings(response: requests.Response) -> list[str]:
    names = response.headers.get("Content-Encoding", "").lower().split(",")
    return [name.strip() for name in names if name.strip() not in {"", "identity"}]


def _raw_chunks(raw: urllib3.HTTPResponse, clock: Clock, deadline: float) -> Iterator[bytes]:
    try:
        # `iter_content` would wait for full chunks, and could not check the deadline meanwhile.
        while chunk := raw.read1(CHUNK, decode_content=False):
            yield chunk
            if clock.monotonic() > deadline:
                msg = "the response took too long to arrive"
                raise TransientError(msg)
    except (urllib3.exceptions.HTTPError, requests.RequestException) as exc:
        msg = f"the response was cut short ({type(exc).__name__})"
        raise TransientError(msg) from None


def _decompress(chunks: Iterable[bytes], window_bits: int) -> Iterator[bytes]:
    """Yield decompressed data, at most `CHUNK` bytes at a time.

    Raises:
        TransientError: the compressed data is damaged or has no end.
    """
    inflater = None
    try:
        for chunk in chunks:
            rest = chunk
            while rest:
                if inflater is None or inflater.eof:  # gzip may have several members
                    inflater = zlib.decompressobj(window_bits)
                if data := inflater.decompress(rest, CHUNK):
                    yield data
                rest = inflater.unconsumed_tail or inflater.unused_data
    except zlib.error:
        msg = "the response cannot be decompressed: it is damaged"
        raise TransientError(msg) from None
    if inflater is not None and not inflater.eof:
        msg = "the response was cut short (its compressed data has no end)"
        raise TransientError(msg)

"""The text of a body as UTF-8, whatever it arrives in.

A byte order mark says what it is. Else it is UTF-8 if it is valid UTF-8, else what the header
states: a header is set once for a server, and often wrong. Nothing is guessed beyond that.
"""

from __future__ import annotations

import codecs
import re
import tempfile
from typing import TYPE_CHECKING, Final

from tap_crewmojo.errors import UnusableResponseError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_CHUNK: Final = 1 << 16
"""Bytes of a chunk, but for the last one."""

_UTF_8: Final = "utf-8"
_BOMS: Final = (
    (codecs.BOM_UTF8, _UTF_8),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins with the mark of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LONGEST_BOM: Final = 4
_CHARSET = re.compile(r";\s*charset\s*=\s*[\"']?([^\s;\"']+)", re.IGNORECASE)


def as_utf8(chunks: Iterable[bytes], content_type: str) -> Iterator[bytes]:
    """Yield a body as valid UTF-8 without a byte order mark, in chunks of one size.

    Args:
        chunks: the body, as it arrives.
        content_type: the response's `Content-Type`, which may state a charset.

    Raises:
        UnusableResponseError: it is not text of the encoding that it should have; the message says
            where, not what is there.
    """
    arriving = _even(chunks)
    start = b""
    while len(start) < _LONGEST_BOM and (chunk := next(arriving, None)) is not None:
        start += chunk
    stated = _stated(content_type)
    for bom, encoding in _BOMS:
        if start.startswith(bom):
            yield from _decoded(start[len(bom) :], arriving, encoding, len(bom))
            return
    if stated == _UTF_8:
        yield from _decoded(start, arriving, _UTF_8)
        return
    # Whether it is valid UTF-8 is known at its end, and only then how it begins.
    with tempfile.TemporaryFile(prefix="tap-crewmojo-") as file:
        decoder, is_utf8 = codecs.getincrementaldecoder(_UTF_8)(), True
        for chunk in _chained(start, arriving):
            file.write(chunk)
            is_utf8 = is_utf8 and b"\0" not in chunk and _is_valid(decoder, chunk)
        is_utf8 = is_utf8 and _is_valid(decoder, b"", final=True)
        file.seek(0)
        written = iter(lambda: file.read(_CHUNK), b"")
        yield from _decoded(b"", written, _UTF_8 if is_utf8 else stated)


def _even(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield chunks of one size, however large or small they arrive."""
    held = bytearray()
    for chunk in chunks:
        held += chunk
        while len(held) >= _CHUNK:
            yield bytes(held[:_CHUNK])
            del held[:_CHUNK]
    yield bytes(held)


def _chained(start: bytes, chunks: Iterable[bytes]) -> Iterator[bytes]:
    yield start
    yield from chunks


def _stated(content_type: str) -> str:
    """Return the name of the charset that a header states; UTF-8 without one that is known."""
    match = _CHARSET.search(content_type)
    if not match:
        return _UTF_8
    try:
        b"a".decode(match[1], errors="replace")  # this refuses what does not encode text, as zip
        return codecs.lookup(match[1]).name
    except (LookupError, ValueError):
        return _UTF_8


def _is_valid(decoder: codecs.IncrementalDecoder, chunk: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError:
        return False
    return True


def _decoded(
    start: bytes, chunks: Iterable[bytes], encoding: str, offset: int = 0
) -> Iterator[bytes]:
    """Yield text as UTF-8.

    Args:
        start: the first bytes.
        chunks: the bytes behind them.
        encoding: what they are in.
        offset: where the first of them stands in the body.
    """
    decoder = codecs.getincrementaldecoder(encoding)()
    for chunk in _chained(start, chunks):
        pending = len(decoder.getstate()[0])
        yield _step(decoder, chunk, encoding, offset - pending)
        offset += len(chunk)
    yield _step(decoder, b"", encoding, offset - len(decoder.getstate()[0]), final=True)


def _step(
    decoder: codecs.IncrementalDecoder,
    chunk: bytes,
    encoding: str,
    offset: int,
    *,
    final: bool = False,
) -> bytes:
    held = decoder.getstate()[0]
    try:
        text = decoder.decode(chunk, final)
        if encoding == _UTF_8:  # whole characters of it, without encoding them again
            whole = held + chunk
            return whole[: len(whole) - len(decoder.getstate()[0])]
        return text.encode() if text else b""
    except UnicodeError as exc:
        place = offset + (exc.start if isinstance(exc, UnicodeDecodeError) else 0)
        msg = f"the report is not {encoding} text: undecodable bytes at byte offset {place}"
        raise UnusableResponseError(msg) from None

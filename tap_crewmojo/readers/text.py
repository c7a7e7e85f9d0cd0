"""The text of a body as UTF-8, whatever its encoding.

A byte order mark decides the encoding. Without one, the body is UTF-8 if it is valid UTF-8, and
otherwise what the header states: a header is set once for a server, and often wrong.
"""

from __future__ import annotations

import codecs
import itertools
import re
import tempfile
from typing import TYPE_CHECKING, Final

from tap_crewmojo.errors import UnusableResponseError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_UTF_8: Final = "utf-8"
_BOMS: Final = (
    (codecs.BOM_UTF8, _UTF_8),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: its mark begins with that of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LONGEST_BOM: Final = 4
CHARSET = re.compile(r";\s*charset\s*=\s*[\"']?([^\s;\"']+)", re.IGNORECASE)


def as_utf8(parts: Iterable[bytes], content_type: str, size: int) -> Iterator[bytes]:
    """Yield a body as valid UTF-8 without a byte order mark.

    Args:
        parts: the body, as it arrives.
        content_type: the response's `Content-Type`, which may state a charset.
        size: bytes that are decoded at a time.

    Raises:
        UnusableResponseError: the body is not valid in its encoding; the message has the position
            of the invalid bytes, not the bytes.
    """
    arriving = _of_size(parts, size)
    start = b""
    while len(start) < _LONGEST_BOM and (part := next(arriving, None)) is not None:
        start += part
    stated = _stated(content_type)
    for bom, encoding in _BOMS:
        if start.startswith(bom):
            body = itertools.chain([start[len(bom) :]], arriving)
            yield from _decoded(body, encoding, len(bom))
            return
    body = itertools.chain([start], arriving)
    if stated == _UTF_8:
        yield from _decoded(body, _UTF_8)
        return
    # Only the end of the body shows whether it is valid UTF-8.
    with tempfile.TemporaryFile(prefix="tap-crewmojo-") as file:
        decoder, is_utf8 = codecs.getincrementaldecoder(_UTF_8)(), True
        for part in body:
            file.write(part)
            is_utf8 = is_utf8 and b"\0" not in part and _is_valid(decoder, part)
        is_utf8 = is_utf8 and _is_valid(decoder, b"", final=True)
        file.seek(0)
        yield from _decoded(iter(lambda: file.read(size), b""), _UTF_8 if is_utf8 else stated)


def _of_size(parts: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Yield the same bytes in parts of one size; the last part may be smaller."""
    held = bytearray()
    for part in parts:
        held += part
        while len(held) >= size:
            yield bytes(held[:size])
            del held[:size]
    yield bytes(held)


def _stated(content_type: str) -> str:
    """Return the name of the charset that a header states; UTF-8 if it states no known one."""
    match = CHARSET.search(content_type)
    if not match:
        return _UTF_8
    try:
        b"a".decode(match[1], errors="replace")  # refuses codecs that are not of text, such as zip
        return codecs.lookup(match[1]).name
    except (LookupError, ValueError):
        return _UTF_8


def _is_valid(decoder: codecs.IncrementalDecoder, part: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(part, final)
    except UnicodeDecodeError:
        return False
    return True


def _decoded(parts: Iterable[bytes], encoding: str, offset: int = 0) -> Iterator[bytes]:
    """Yield a text as UTF-8.

    Args:
        parts: the text.
        encoding: the encoding of the text.
        offset: the position of its first byte in the body.
    """
    decoder = codecs.getincrementaldecoder(encoding)()
    for part in parts:
        pending = len(decoder.getstate()[0])
        yield _step(decoder, part, encoding, offset - pending)
        offset += len(part)
    yield _step(decoder, b"", encoding, offset - len(decoder.getstate()[0]), final=True)


def _step(
    decoder: codecs.IncrementalDecoder,
    part: bytes,
    encoding: str,
    offset: int,
    *,
    final: bool = False,
) -> bytes:
    held = decoder.getstate()[0]
    try:
        text = decoder.decode(part, final)
    except UnicodeError as exc:
        place = offset + (exc.start if isinstance(exc, UnicodeDecodeError) else 0)
        msg = f"the report is not {encoding} text: undecodable bytes at byte offset {place}"
        raise UnusableResponseError(msg) from None
    if encoding != _UTF_8:
        return text.encode() if text else b""
    whole = held + part  # as it arrived: there is no need to encode it again
    return whole[: len(whole) - len(decoder.getstate()[0])]

"""A JSON report in pieces of some rows each, so that its size does not matter.

A piece is cut where one row ends and the next begins. A `},{` may also stand in a text, so a cut
counts only if what is before it decodes: half a text never does. What is no plain array of objects,
alone or under one name, has no pieces and is read whole.
"""

from __future__ import annotations

import itertools
import json
import re
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Span = tuple[int, int]
"""Where the rows of a piece lie in the file: from the first row's brace to past the last one's."""

PIECE: Final = 1 << 16
"""Bytes that a piece has at least, but for the last one."""

_NEAR = 1 << 14
_BLANK: Final = b" \t\r\n"
_OPENING = re.compile(rb'[ \t\r\n]*+(\{[ \t\r\n]*+"(?:[^"\\]++|\\.)*+"[ \t\r\n]*+:[ \t\r\n]*+)?\[')
_BETWEEN_ROWS = re.compile(rb"\}[ \t\r\n]*+,[ \t\r\n]*+\{")
_PUNCTUATION = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|([\[{])|[\]}]', re.DOTALL)
# What is written as an escape and no database stores: NUL, and one half of a surrogate pair.
_UNSTORABLE = re.compile(
    rb"\\u0000"
    rb"|\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])"
    rb"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F]"
)


class _AnyObject(msgspec.Struct):
    """A row of which only that it is an object is of interest."""


_ROWS = msgspec.json.Decoder(list[_AnyObject])


def find_pieces(chunks: Iterable[bytes], start: int) -> list[Span] | None:
    """Return where the pieces of a JSON document lie, or none if it has to be read whole.

    Args:
        chunks: the document, in UTF-8, as it arrives.
        start: where it begins in the file, after a byte order mark.
    """
    arriving = iter(chunks)
    head = next(arriving, b"")
    opening = _OPENING.match(head)
    if not opening:
        return None
    closing = b"]}" if opening[1] else b"]"
    try:
        json.loads(opening[0] + closing)
        return list(_spans(arriving, head[opening.end() :], start + opening.end(), closing))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def _spans(chunks: Iterable[bytes], rest: bytes, offset: int, closing: bytes) -> Iterator[Span]:
    parts, size, enough = [rest], len(rest), PIECE
    for chunk in chunks:
        parts.append(chunk)
        size += len(chunk)
        if size < enough:
            continue
        parts = [b"".join(parts)]
        enough = 2 * size  # a long row is not gone over again with each chunk of it
        if cut := _cut(parts[0]):
            end, begin = cut
            yield offset, offset + end
            parts, size, enough = [parts[0][begin:]], size - begin, PIECE
            offset += begin
    last = b"".join(parts).rstrip(_BLANK)
    for sign in (closing[place : place + 1] for place in reversed(range(len(closing)))):
        if not last.endswith(sign):
            raise msgspec.ValidationError  # cut short, or with more behind the rows
        last = last[:-1].rstrip(_BLANK)
    _check(last)
    if last:
        yield offset, offset + len(last)


def _cut(rows: bytes) -> Span | None:
    """Return where the last whole row ends and the next one begins, if there are two."""
    likely = list(_BETWEEN_ROWS.finditer(rows, max(len(rows) - _NEAR, 0)))[-1:]
    for match in itertools.chain(likely, _between_rows(rows)):
        try:
            _check(rows[: match.start() + 1])
        except msgspec.MsgspecError:
            continue
        return match.start() + 1, match.end() - 1
    return None


def _between_rows(rows: bytes) -> Iterator[re.Match[bytes]]:
    """Yield where the last whole row ends and the next one begins, by counting brackets."""
    depth, last = 0, None
    for sign in _PUNCTUATION.finditer(rows):
        if sign[0][:1] == b'"':
            continue
        depth += 1 if sign[1] else -1
        if not depth:
            last = _BETWEEN_ROWS.match(rows, sign.start()) or last
    if last:
        yield last


def _check(rows: bytes) -> None:
    """Make sure that rows decode, as objects, to what a database can store.

    Raises:
        msgspec.MsgspecError: they do not.
        UnicodeDecodeError: they are no UTF-8.
    """
    rows.decode()
    # Faster than looking for both characters at once.
    escapes = rows.split(b"\\")[1:]
    is_suspect = any(escape[:1] == b"u" for escape in escapes)
    if is_suspect and _UNSTORABLE.search(rows.replace(b"\\\\", b" ")):
        raise msgspec.ValidationError
    _ROWS.decode(b"[%b]" % rows)

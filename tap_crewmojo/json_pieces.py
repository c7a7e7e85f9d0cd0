"""A JSON report in pieces of some rows each, so that its size does not matter.

A piece is cut where one row ends and the next begins. A `},{` may also stand in a text, so a cut
counts only if what is before it decodes: half a text never does. What is no plain array of objects,
alone or under one name, has no pieces and is read whole.
"""

from __future__ import annotations

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
_OPENING = re.compile(rb'\s*(\{\s*"(?:[^"\\]|\\.)*"\s*:\s*)?\[')
_BETWEEN_ROWS = re.compile(rb"\}\s*,\s*\{")
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
    try:
        return list(_spans(arriving, head[opening.end() :], start + opening.end(), opening[1]))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _spans(chunks: Iterable[bytes], rest: bytes, offset: int, name: bytes | None) -> Iterator[Span]:
    for chunk in chunks:
        rest += chunk
        if len(rest) >= PIECE and (cut := _cut(rest)):
            end, begin = cut
            yield offset, offset + end
            rest, offset = rest[begin:], offset + begin
    last = rest.rstrip()
    for closing in (b"}", b"]") if name else (b"]",):
        if not last.endswith(closing):
            raise msgspec.ValidationError  # cut short, or with more behind the rows
        last = last[:-1].rstrip()
    _check(last)
    if last:
        yield offset, offset + len(last)


def _cut(rows: bytes) -> Span | None:
    """Return where the last whole row ends and the next one begins, if there are two."""
    reach = _NEAR
    while True:
        start = max(len(rows) - reach, 0)
        for match in reversed(list(_BETWEEN_ROWS.finditer(rows, start))):
            try:
                _check(rows[: match.start() + 1])
            except msgspec.MsgspecError:
                continue
            return match.start() + 1, match.end() - 1
        if not start:
            return None
        reach *= 8


def _check(rows: bytes) -> None:
    """Make sure that rows decode, as objects, to what a database can store.

    Raises:
        msgspec.MsgspecError: they do not.
        UnicodeDecodeError: they are no UTF-8.
    """
    rows.decode()
    escapes = rows.split(b"\\")[1:]
    if any(escape[:1] == b"u" for escape in escapes) and _UNSTORABLE.search(rows):
        raise msgspec.ValidationError
    _ROWS.decode(b"[%b]" % rows)

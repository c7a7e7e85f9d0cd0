"""A CSV report in pieces of some rows each, each of them looked at as a whole.

So a third of the time that `csv` takes tells that a report is well-formed beyond doubt. What is
unusual here is not wrong yet: it has no pieces, and is left to `rows.check_csv`.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tap_crewmojo.json_pieces import Span

PIECE: Final = 1 << 16
"""Bytes that are looked at together: few enough for a processor's cache."""

_LONGEST: Final = 1 << 24
"""Bytes without a line end that is not quoted; then an open quote is suspected."""

_MOST_LINES: Final = 100
"""Line ends that are looked at for one that is not quoted, before more bytes are awaited."""

_ALL_BUT_SHAPE: Final = bytes(set(range(256)) - set(b",\r\n"))
_LINE_ENDS: Final = {b"\n", b"\r\n"}
_FIRST: Final[Callable[[bytes], bytes]] = operator.itemgetter(slice(1))
_LAST: Final[Callable[[bytes], bytes]] = operator.itemgetter(slice(-1, None))
_BEFORE_QUOTED: Final = frozenset({b",", b"\n", b""})
_BEHIND_QUOTED: Final = frozenset({b",", b"\r", b"\n", b""})


def find_pieces(chunks: Iterable[bytes], start: int) -> list[Span] | None:
    """Return where the pieces of a CSV lie, or none unless `csv` reads rows of equal width in it.

    That is UTF-8 without NUL, of two columns or more, with the same end to each line, none of them
    blank, and quotes around whole cells only.

    Args:
        chunks: the CSV, with headings, as it arrives.
        start: where it begins in the file, after a byte order mark.
    """
    spans: list[Span] = []
    row = b""
    try:
        for piece in _pieces(chunks):
            plain = _without_quoted(piece)
            shape = plain.translate(None, _ALL_BUT_SHAPE)
            row = row or shape[: shape.find(b"\n") + 1]
            end = row.lstrip(b",")
            if end == row or end not in _LINE_ENDS:
                return None
            if not piece.endswith(b"\n"):
                plain, shape = plain + end, shape + end  # as a file's last line may
            rows = len(shape) // len(row)
            if shape != row * rows or (end == b"\r\n" and plain.count(end) != rows):
                return None
            spans.append((start, start := start + len(piece)))
    except ValueError:
        return None
    return spans or None


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield pieces that end where a row does.

    Raises:
        ValueError: a quote is not closed for long.
    """
    parts: list[bytes] = []
    size = quotes = 0
    for chunk in chunks:
        end = _end_of_rows(chunk, quotes) if size + len(chunk) >= PIECE else 0
        if end:
            yield b"".join((*parts, chunk[:end]))
            parts, size, quotes = [], 0, 0
        parts.append(chunk[end:])
        size += len(chunk) - end
        quotes += chunk.count(b'"', end)
        if size > _LONGEST:
            raise ValueError
    if size:
        yield b"".join(parts)


def _end_of_rows(chunk: bytes, quotes: int) -> int:
    """Return where the last row ends in a chunk that so many quotes are before; 0 if none does."""
    end = len(chunk)
    quotes += chunk.count(b'"')
    for _ in range(_MOST_LINES):
        line_end = chunk.rfind(b"\n", 0, end) + 1
        quotes -= chunk.count(b'"', line_end, end)
        if not line_end or not quotes % 2:
            return line_end
        end = line_end - 1
    return 0


def _without_quoted(piece: bytes) -> bytes:
    """Return only what is not quoted.

    Raises:
        ValueError: it is no UTF-8, has a NUL, or a quote that is not closed, or where `csv` would
            not take it for one.
    """
    piece.decode()
    if b"\0" in piece:
        raise ValueError
    if b'"' not in piece:
        return piece
    # Every other part is quoted. An empty one in between is half of a quote that is quoted.
    parts = piece.split(b'"')
    plain = parts[::2]
    before, behind = set(map(_LAST, plain[:-1])), set(map(_FIRST, plain[1:]))
    if not len(parts) % 2 or not (before <= _BEFORE_QUOTED and behind <= _BEHIND_QUOTED):
        raise ValueError
    return b"".join(plain)

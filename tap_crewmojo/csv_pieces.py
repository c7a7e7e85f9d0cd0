"""A CSV report in pieces of some rows each, each of them looked at as a whole.

So a third of the time that `csv` takes tells that a report is well-formed beyond doubt. What is
unusual here is not wrong yet: it has no pieces, and is left to `rows.check_csv`.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_crewmojo.json_pieces import Span

PIECE: Final = 1 << 16
"""Bytes that are looked at together: few enough for a processor's cache."""

_MOST_LINES: Final = 100
"""Lines that a piece may be longer for quoted line breaks; then an open quote is suspected."""

_ALL_BUT_SHAPE: Final = bytes(set(range(256)) - set(b",\r\n"))
_BEFORE_QUOTED: Final = frozenset({b",", b"\n", b""})
_BEHIND_QUOTED: Final = frozenset({b",", b"\r", b"\n", b""})


def find_pieces(file: IO[bytes], start: int) -> list[Span] | None:
    """Return where the pieces of a CSV lie, or none unless `csv` reads rows of equal width in it.

    That is UTF-8 without NUL, of two columns or more, with the same end to each line, none of them
    blank, and quotes around whole cells only.

    Args:
        file: the CSV, with headings.
        start: where it begins, after a byte order mark.
    """
    file.seek(start)
    spans: list[Span] = []
    row = b""
    try:
        for piece in _pieces(file):
            shape = _shape(piece)
            row = row or shape[: shape.find(b"\n") + 1]
            if not piece.endswith(b"\n"):
                shape += row.lstrip(b",")  # as the last line of a file may
            if not row.startswith(b",") or shape != row * (len(shape) // len(row)):
                return None
            spans.append((start, start := start + len(piece)))
    except ValueError:
        return None
    return spans or None


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    """Yield pieces that end where a row does.

    Raises:
        ValueError: a quote is not closed for long.
    """
    while piece := file.read(PIECE) + file.readline():
        for _ in range(_MOST_LINES):
            if not piece.count(b'"') % 2:
                break
            piece += file.readline()
        else:
            raise ValueError
        yield piece


def _shape(piece: bytes) -> bytes:
    """Return only the delimiters and line ends that are not quoted.

    Raises:
        ValueError: it is no UTF-8, has a NUL, a carriage return that ends no line, or a quote
            where `csv` would not take it for one.
    """
    piece.decode()
    if b"\0" in piece:
        raise ValueError
    if b'"' in piece:
        # Every other part is quoted. An empty one in between is half of a quote that is quoted.
        plain = piece.split(b'"')[::2]
        before, behind = {part[-1:] for part in plain[:-1]}, {part[:1] for part in plain[1:]}
        if not (before <= _BEFORE_QUOTED and behind <= _BEHIND_QUOTED):
            raise ValueError
        piece = b"".join(plain)
    if piece.count(b"\r") != piece.count(b"\r\n"):
        raise ValueError
    return piece.translate(None, _ALL_BUT_SHAPE)

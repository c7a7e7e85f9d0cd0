"""A CSV report, checked while it arrives and made plain where it is not.

A chunk is a number of whole rows. Most chunks are plain as they arrive, which a few library calls
show in a third of the time that `csv` takes. All others are read and written again by `csv`, so
every chunk on disk is plain, and `csv` and Arrow read the same rows in it.

Plain means: two columns or more, the same line end everywhere, no blank line, no row without a
value, quotes around whole cells only.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from typing import TYPE_CHECKING, Final

from tap_crewmojo.cells import LONGEST_ROW, MOST_COLUMNS, NUL, distinct
from tap_crewmojo.errors import CutShortError, UnusableResponseError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# The default of 128 KiB is too little: a quote that is not closed makes one cell of all the rest.
csv.field_size_limit(LONGEST_ROW)

_LONGEST: Final = 1 << 24
"""Bytes that are searched for the end of a row; beyond that, `csv` searches for it."""

_MOST_LINES: Final = 100
"""Line ends that are searched for one outside quotes, before more bytes are read."""

_ALL_BUT_SHAPE: Final = bytes(set(range(256)) - set(b",\r\n"))
_ODD_QUOTE = re.compile(rb'"(?:(?<=[^,\n"]")|(?=[^,\r\n"]))')
_LONE_RETURN = re.compile(rb"\r(?!\n)")
_EMPTY_ROW = re.compile(rb'\n(?:"")?+(?:,(?:"")?+)++\r?(?=\n)')
_TOO_LONG = f"a row of more than {LONGEST_ROW >> 20} MiB"
_TOO_WIDE = f"more than {MOST_COLUMNS} columns"


class CsvChunks:
    """The rows of a CSV report in plain chunks.

    Args:
        parts: the report with its headings, valid UTF-8, as it arrives.
        size: bytes of a chunk, at least; the last chunk may have fewer.

    Attributes:
        headings: the headings, distinct; none if all of the report is blank.
        rows: rows with a value so far.
        empty_rows: rows without any value so far, blank lines included; they are in no chunk.

    Raises:
        UnusableResponseError: the report is malformed, or beyond a limit.
    """

    def __init__(self, parts: Iterable[bytes], size: int) -> None:
        self.rows = self.empty_rows = 0
        self._size = size
        self._width = 0
        lines = _Lines(parts)
        self.headings = distinct(next(self._cells(lines), []))
        self._width = len(self.headings)
        self._rest = lines.rest()

    def __iter__(self) -> Iterator[bytes]:
        """Yield the chunks, each once."""
        source = _WholeRows(self._rest, self._size)
        while chunk := source.take():
            if self._width == 1 or source.is_odd or (plain := _unquoted(chunk)) is None:
                yield from self._rewritten(itertools.chain(self._parts(chunk), source.rest()))
                return
            end = b"\r\n" if plain[: plain.find(b"\n") + 1].endswith(b"\r\n") else b"\n"
            if not chunk.endswith((b"\n", b"\r")):
                chunk, plain = chunk + end, plain + end  # the last line's end
            rows = _rows_in(plain, self._width, end)
            if rows and not _may_have_empty_row(chunk):
                self.rows += rows
                yield chunk
            else:
                yield from self._rewritten(self._parts(chunk))

    def _parts(self, chunk: bytes) -> Iterator[bytes]:
        """Yield a chunk, which may be long, in parts whose lines do not take much memory."""
        for start in range(0, len(chunk), self._size):
            yield chunk[start : start + self._size]

    def _rewritten(self, parts: Iterable[bytes]) -> Iterator[bytes]:
        """Yield rows of any form as plain chunks."""
        text = io.StringIO(newline="")
        writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
        for row in self._cells(_Lines(parts)):
            self.rows += 1
            writer.writerow(row)
            if text.tell() >= self._size:
                yield text.getvalue().encode()
                text.seek(0)
                text.truncate()
        if text.tell():
            yield text.getvalue().encode()

    def _cells(self, lines: _Lines) -> Iterator[list[str]]:
        """Yield the cells of each row that has a value."""
        try:
            for row in csv.reader(lines, strict=True):
                lines.size = 0
                if len(row) > MOST_COLUMNS:
                    raise csv.Error(_TOO_WIDE)  # noqa: TRY301  # the row's number is added below
                if row and self._width not in {0, len(row)}:
                    msg = (
                        f"the report has {len(row)} cells in row {self._number} "
                        f"under {self._width} headings"
                    )
                    raise UnusableResponseError(msg)
                if any(row) or (row and not self._width):
                    yield row
                elif self._width:
                    self.empty_rows += 1
        except csv.Error as exc:
            msg = f"the report is malformed CSV in row {self._number} ({exc})"
            raise (CutShortError if lines.has_ended else UnusableResponseError)(msg) from None

    @property
    def _number(self) -> int:
        """The number of the row that is being read; 0 for the headings."""
        return self.rows + self.empty_rows + bool(self._width)


class _Lines:
    """The lines of a text with their ends, as `csv` takes them.

    Args:
        parts: the text in UTF-8.

    Attributes:
        size: characters since this was last set to 0, at the end of a row.
        has_ended: whether all lines have been taken.

    Raises:
        csv.Error: a row is too long or too wide, or there is a NUL character.
    """

    def __init__(self, parts: Iterable[bytes]) -> None:
        self.size = 0
        self.has_ended = False
        self._arriving = iter(parts)
        self._text = io.StringIO(newline="")  # whole lines
        self._begun: list[bytes] = []  # a line whose end has not arrived
        self._begun_size = 0

    def __iter__(self) -> Iterator[str]:
        for part in self._arriving:
            # The line feed of a last carriage return may be in the next part.
            end = max(part.rfind(b"\n"), part.rfind(b"\r", 0, -1)) + 1
            if end:
                lines = b"".join([*self._begun, part[:end]])
                self._begun, self._begun_size = [], 0
            self._begun.append(part[end:])
            self._begun_size += len(part) - end
            if end:
                yield from self._lines(lines)
            elif b"\0" in part:
                raise csv.Error(NUL)
            if self.size + self._begun_size > LONGEST_ROW:
                raise csv.Error(_TOO_LONG)
        self.has_ended = True
        last, self._begun = b"".join(self._begun), []
        yield from self._lines(last)

    def _lines(self, lines: bytes) -> Iterator[str]:
        has_nul = b"\0" in lines
        self._text = io.StringIO(lines.decode(), newline="")
        for line in self._text:
            if has_nul and "\0" in line:
                raise csv.Error(NUL)
            if len(line) > MOST_COLUMNS and _is_too_wide(line, is_quoted=bool(self.size)):
                raise csv.Error(_TOO_WIDE)
            self.size += len(line)
            if self.size > LONGEST_ROW:
                raise csv.Error(_TOO_LONG)
            yield line

    def rest(self) -> Iterator[bytes]:
        """Yield the bytes that have not been taken as lines."""
        yield self._text.read().encode()
        yield b"".join(self._begun)
        yield from self._arriving


class _WholeRows:
    """Rows in chunks that end where a row ends, if quotes are written as usual.

    Args:
        parts: the rows.
        size: bytes of a chunk, at least; the last chunk may have fewer.

    Attributes:
        is_odd: whether the last chunk may end within a row: a quote is not closed for long.
    """

    def __init__(self, parts: Iterable[bytes], size: int) -> None:
        self.is_odd = False
        self._arriving = iter(parts)
        self._least = size
        self._held = b""

    def take(self) -> bytes:
        """Return the next chunk; nothing at the end."""
        taken, size, quotes = [self._held], len(self._held), self._held.count(b'"')
        self._held = b""
        for part in self._arriving:
            size += len(part)
            end = _end_of_rows(part, quotes) if size >= self._least else 0
            if end:
                self._held = part[end:]
                taken.append(part[:end])
                break
            taken.append(part)
            quotes += part.count(b'"')
            if size > _LONGEST:
                self.is_odd = True
                break
        return b"".join(taken)

    def rest(self) -> Iterator[bytes]:
        """Yield the bytes that have not been taken."""
        yield self._held
        yield from self._arriving


def plain_rows(chunk: bytes) -> list[list[str]]:
    """Return the cells of the rows of a plain chunk."""
    # No line of it ends in a lone carriage return, so `io` need not search for one.
    return list(csv.reader(io.StringIO(chunk.decode(), newline="\n"), strict=True))


def _end_of_rows(part: bytes, quotes: int) -> int:
    """Return the end of the last whole row in some bytes, or 0.

    Args:
        part: the bytes.
        quotes: the number of quotes before them.
    """
    end = len(part)
    quotes += part.count(b'"')
    for _ in range(_MOST_LINES):
        line_end = part.rfind(b"\n", 0, end) + 1
        quotes -= part.count(b'"', line_end, end)
        if not line_end or not quotes % 2:
            return line_end
        end = line_end - 1
    return 0


def _unquoted(chunk: bytes) -> bytes | None:
    """Return a chunk with one quote in place of each quoted text.

    Returns nothing if a quote is within a cell, where `csv` takes it for a character.
    """
    if b"\0" in chunk:
        return None
    # Every other part is quoted. An empty part between two of them is half of an escaped quote.
    parts = chunk.split(b'"')
    plain = b'"'.join(parts[::2])
    return plain if len(parts) % 2 and not _ODD_QUOTE.search(plain) else None


def _rows_in(plain: bytes, width: int, end: bytes) -> int:
    """Return the number of rows; 0 unless all have the same width and the same end."""
    shape = plain.translate(None, _ALL_BUT_SHAPE)
    row = b"," * (width - 1) + end
    rows = len(shape) // len(row)
    return rows if shape == row * rows and not _LONE_RETURN.search(plain) else 0


def _may_have_empty_row(chunk: bytes) -> bool:
    """Return whether a row seems to have no value; a quoted text may look like such a row."""
    return bool(_EMPTY_ROW.search(b"\n" + chunk))


def _is_too_wide(line: str, *, is_quoted: bool) -> bool:
    """Return whether a line has more commas outside quotes than a row may have.

    Args:
        line: the line.
        is_quoted: whether the line begins within quotes.
    """
    if line.count(",") < MOST_COLUMNS:
        return False
    return sum(part.count(",") for part in line.split('"')[is_quoted::2]) >= MOST_COLUMNS

"""A CSV report checked as it arrives, chunk by chunk, and made plain where it is not.

A chunk is whole rows. Plain chunks are what reports mostly are: one library call each shows that
all is well, in a third of the time that `csv` takes. The others are read by `csv` and written
again. So what lies on disk is plain throughout: `csv` and Arrow read the same rows in it.

Plain: two columns or more, the same end to each line, no blank line, no row without a value, quotes
around whole cells only.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from typing import TYPE_CHECKING, Final

from tap_crewmojo.cells import CHUNK, LONGEST_ROW, MOST_COLUMNS, NUL, distinct
from tap_crewmojo.errors import CutShortError, UnusableResponseError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# The module's 128 KiB are too few. A quote that is not closed makes a cell of all that follows.
csv.field_size_limit(LONGEST_ROW)

_LONGEST: Final = 1 << 24
"""Bytes without a line end that is not quoted; then `csv` looks for the end of the row."""

_MOST_LINES: Final = 100
"""Line ends that are looked at for one that is not quoted, before more bytes are awaited."""

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

    Attributes:
        headings: the headings, distinct; none if all of the report is blank.
        rows: rows with a value so far.
        empty_rows: rows without any value so far, blank lines among them; they are in no chunk.

    Raises:
        UnusableResponseError: the report cannot be read without guessing, or is beyond a limit.
    """

    def __init__(self, parts: Iterable[bytes]) -> None:
        self.rows = self.empty_rows = 0
        self._width = 0
        lines = _Lines(parts)
        self.headings = distinct(next(self._lines_of(lines), []))
        self._width = len(self.headings)
        self._rest = lines.rest()

    def __iter__(self) -> Iterator[bytes]:
        """Yield the chunks, each once."""
        source = _WholeRows(self._rest)
        while chunk := source.take():
            if self._width == 1 or source.is_odd or (plain := _unquoted(chunk)) is None:
                yield from self._rewritten(itertools.chain(_parts(chunk), source.rest()))
                return
            end = b"\r\n" if plain[: plain.find(b"\n") + 1].endswith(b"\r\n") else b"\n"
            if not chunk.endswith((b"\n", b"\r")):
                chunk, plain = chunk + end, plain + end  # the last line's end
            rows = _rows_in(plain, self._width, end)
            if rows and not _may_have_empty_row(chunk):
                self.rows += rows
                yield chunk
            else:
                yield from self._rewritten(_parts(chunk))

    def _rewritten(self, parts: Iterable[bytes]) -> Iterator[bytes]:
        """Yield rows as plain chunks, whatever they are written like."""
        text = io.StringIO(newline="")
        writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
        for row in self._lines_of(_Lines(parts)):
            self.rows += 1
            writer.writerow(row)
            if text.tell() >= CHUNK:
                yield text.getvalue().encode()
                text.seek(0)
                text.truncate()
        if text.tell():
            yield text.getvalue().encode()

    def _lines_of(self, lines: _Lines) -> Iterator[list[str]]:
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
    """The lines of a text, with their ends, as `csv` wants them.

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
        self._parts_left = iter(parts)
        self._text = io.StringIO(newline="")  # whole lines
        self._begun: list[bytes] = []  # a line that may go on
        self._begun_size = 0

    def __iter__(self) -> Iterator[str]:
        for part in self._parts_left:
            # What ends in a carriage return may have its line feed in the next part.
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
            if len(line) > MOST_COLUMNS and _has_commas(line, is_quoted=bool(self.size)):
                raise csv.Error(_TOO_WIDE)
            self.size += len(line)
            if self.size > LONGEST_ROW:
                raise csv.Error(_TOO_LONG)
            yield line

    def rest(self) -> Iterator[bytes]:
        """Yield what has not been taken as lines."""
        yield self._text.read().encode()
        yield b"".join(self._begun)
        yield from self._parts_left


class _WholeRows:
    """Chunks that end where a row does, unless a quote is written oddly.

    Args:
        parts: the rows.

    Attributes:
        is_odd: whether the last chunk may end anywhere: a quote is not closed for long.
    """

    def __init__(self, parts: Iterable[bytes]) -> None:
        self.is_odd = False
        self._parts_left = iter(parts)
        self._held = b""

    def take(self) -> bytes:
        """Return the next chunk; nothing at the end."""
        parts, size, quotes = [self._held], len(self._held), self._held.count(b'"')
        self._held = b""
        for part in self._parts_left:
            size += len(part)
            end = _end_of_rows(part, quotes) if size >= CHUNK else 0
            if end:
                self._held = part[end:]
                parts.append(part[:end])
                break
            parts.append(part)
            quotes += part.count(b'"')
            if size > _LONGEST:
                self.is_odd = True
                break
        return b"".join(parts)

    def rest(self) -> Iterator[bytes]:
        """Yield what has not been taken."""
        yield self._held
        yield from self._parts_left


def _parts(chunk: bytes) -> Iterator[bytes]:
    """Yield a chunk, which may be long, in parts whose lines do not take much memory."""
    for start in range(0, len(chunk), CHUNK):
        yield chunk[start : start + CHUNK]


def plain_rows(chunk: bytes) -> list[list[str]]:
    """Return the cells of the rows of a plain chunk."""
    # No carriage return ends a line in it, so nobody need look for one.
    return list(csv.reader(io.StringIO(chunk.decode(), newline="\n"), strict=True))


def _end_of_rows(part: bytes, quotes: int) -> int:
    """Return where the last row ends in a part that so many quotes are before; 0 if none does."""
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
    """Return a chunk without what is quoted; none if `csv` takes a quote for a part of a cell.

    A quote stays for each text between quotes.
    """
    if b"\0" in chunk:
        return None
    # Every other part is quoted. An empty one in between is half of a quote that is quoted.
    parts = chunk.split(b'"')
    plain = b'"'.join(parts[::2])
    return plain if len(parts) % 2 and not _ODD_QUOTE.search(plain) else None


def _rows_in(plain: bytes, width: int, end: bytes) -> int:
    """Return how many rows there are; 0 unless all have the same width and the same end."""
    shape = plain.translate(None, _ALL_BUT_SHAPE)
    row = b"," * (width - 1) + end
    rows = len(shape) // len(row)
    return rows if shape == row * rows and not _LONE_RETURN.search(plain) else 0


def _may_have_empty_row(chunk: bytes) -> bool:
    """Return whether a row without any value seems to be there; a quoted text may look like one."""
    return bool(_EMPTY_ROW.search(b"\n" + chunk))


def _has_commas(line: str, *, is_quoted: bool) -> bool:
    """Tell whether a line has more commas that are not quoted than there may be columns.

    Args:
        line: the line.
        is_quoted: whether the line begins within quotes.
    """
    if line.count(",") < MOST_COLUMNS:
        return False
    return sum(part.count(",") for part in line.split('"')[is_quoted::2]) >= MOST_COLUMNS

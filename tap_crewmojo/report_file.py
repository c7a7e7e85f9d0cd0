"""A report on disk, read row by row or piece by piece."""

from __future__ import annotations

import contextlib
import io
import itertools
import weakref
from collections import deque
from typing import IO, TYPE_CHECKING, Final

from tap_crewmojo.cells import Columns
from tap_crewmojo.column_types import is_empty
from tap_crewmojo.errors import UnusableAnswerError
from tap_crewmojo.rows import array_rows, check_csv, csv_lines, json_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from tap_crewmojo.json_pieces import Span
    from tap_crewmojo.rows import Row

_LINES: Final = 500


class ReportFile:
    """A report on disk, known to be well-formed.

    Args:
        file: holds the whole body; closed with this object.
        is_json: whether it is JSON; CSV if not.
        encoding: of its text.
        pieces: where its pieces lie, if it has been looked through by pieces; otherwise it is read
            through here.

    Raises:
        UnusableAnswerError: the report cannot be read without guessing; the text names the row's
            number, never a value. So nothing of a malformed report is ever emitted.
    """

    def __init__(
        self, file: IO[bytes], *, is_json: bool, encoding: str, pieces: list[Span] | None
    ) -> None:
        self.is_json = is_json
        self._file = file
        self._encoding = encoding
        self._pieces = pieces
        if pieces is None:
            with self._text() as text:
                if is_json:
                    deque(json_rows(text), maxlen=0)
                else:
                    check_csv(text)
        self.close = weakref.finalize(self, file.close)
        """Let the disk space go; also done when nobody holds the report any more."""

    def rows(self) -> Iterator[Row]:
        """Yield the rows, from the first one again in each call."""
        if self.is_json and self._pieces is not None:
            for piece in self.pieces():
                yield from array_rows(piece)
        elif self.is_json:
            with self._text() as text:
                yield from json_rows(text)
        else:
            headings = self.headings()
            for line in itertools.chain.from_iterable(self.chunks(_LINES)):
                yield {head: cell or None for head, cell in zip(headings, line, strict=True)}

    def batches(self, only: Collection[str] | None = None) -> Iterator[Columns]:
        """Yield the rows as columns of cells, from the first one again in each call.

        Args:
            only: the headings to read; all if none are given.
        """
        if self.is_json:
            rows = list(self.rows())
            full = [row for row in rows if not all(map(is_empty, row.values()))]
            heads = [head for head in self.headings() if only is None or head in only]
            columns = [[row.get(head) for row in full] for head in heads]
            yield Columns(tuple(heads), columns, len(full), len(rows) - len(full))
            return
        heads = self.headings()
        places = [place for place, head in enumerate(heads) if only is None or head in only]
        for lines in self.chunks(_LINES):
            filled = list(filter(any, lines))
            cells = list(zip(*filled, strict=True)) or [()] * len(heads)
            yield Columns(
                tuple(heads[place] for place in places),
                [cells[place] for place in places],
                len(filled),
                len(lines) - len(filled),
            )

    def headings(self) -> list[str]:
        """Return the headings of a CSV report."""
        if self.is_json:
            return list(dict.fromkeys(head for row in self.rows() for head in row))
        with self._text() as text:
            return next(csv_lines(text))

    def chunks(self, size: int) -> Iterator[list[list[str]]]:
        """Yield the rows of a CSV report as their cells, so many rows at a time."""
        with self._text() as text:
            lines = csv_lines(text)
            next(lines)
            while chunk := list(itertools.islice(lines, size)):
                yield chunk

    @property
    def has_pieces(self) -> bool:
        """Whether this can be read piece by piece, whatever its size."""
        return self._pieces is not None

    def pieces(self) -> Iterator[bytes]:
        """Yield a JSON report that has pieces as arrays of some rows each."""
        for start, end in self._pieces or ():
            yield b"[%b]" % self._bytes(start, end)

    def blocks(self, least: int) -> Iterator[bytes]:
        """Yield the rows of a CSV report that has pieces, at least so many bytes of them at a time.

        Args:
            least: bytes; the last block may have fewer.
        """
        start = end = 0
        for piece_start, end in self._pieces or ():
            start = start or self._end_of_line(piece_start)  # headings of one line, that is
            if end - start >= least:
                yield self._bytes(start, end)
                start = end
        if start < end:
            yield self._bytes(start, end)

    def _bytes(self, start: int, end: int) -> bytes:
        self._file.seek(start)
        return self._file.read(end - start)

    def _end_of_line(self, start: int) -> int:
        self._file.seek(start)
        return start + len(self._file.readline())

    @contextlib.contextmanager
    def _text(self) -> Iterator[IO[str]]:
        self._file.seek(0)
        # In a CSV that has pieces, no carriage return ends a line.
        newline = "" if self._pieces is None else "\n"
        text = io.TextIOWrapper(self._file, encoding=self._encoding, newline=newline)
        try:
            yield text
        except UnicodeDecodeError as exc:
            msg = (
                f"the report is not {self._encoding} text: undecodable bytes at byte offset "
                f"{max(self._file.tell() - len(exc.object), 0) + exc.start}"
            )
            raise UnusableAnswerError(msg) from None
        finally:
            if not self._file.closed:
                text.detach()


Report = ReportFile

"""The answer to a request, landed whole on disk, told for what it is, and read row by row.

A body is written to an unlinked temporary file before its first row is looked at: so a cut one can
be fetched again with nothing of it emitted. What it is, its first bytes tell; the header is only
asked where they leave it open.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import itertools
import json
import re
import tempfile
import weakref
from collections import deque
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from tap_crewmojo import csv_pieces, json_pieces
from tap_crewmojo.errors import UnusableAnswerError, vendor_text
from tap_crewmojo.rows import array_rows, check_csv, csv_lines, json_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tap_crewmojo.json_pieces import Span
    from tap_crewmojo.rows import Row

_LONGEST_ENVELOPE = 1 << 16
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_UTF_8 = ("utf-8", "utf-8-sig")
_JSON_START = re.compile(r"(\[\s*[\[\]{]|\{\s*[\"}])")
_MARKUP_START = re.compile(r"<(!doctype|html|head|body|\?xml)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class JobEnvelope:
    """The answer that a report is still being generated."""

    job_id: str


class ReportFile:
    """A report on disk, which has been read through once.

    Args:
        file: holds the whole body; closed with this object.
        is_json: whether it is JSON; CSV if not.

    Raises:
        UnusableAnswerError: the report cannot be read without guessing; the text names the row's
            number, never a value. So nothing of a malformed report is ever emitted.
    """

    def __init__(self, file: IO[bytes], *, is_json: bool) -> None:
        self.is_json = is_json
        self._file = file
        self._encoding = _encoding(file)
        self._pieces = self._find_pieces()
        if self._pieces is None:
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
            lines = self.lines()
            headings = next(lines)
            for line in lines:
                yield {head: cell or None for head, cell in zip(headings, line, strict=True)}

    def lines(self) -> Iterator[list[str]]:
        """Yield the headings of a CSV report, then the cells of each row."""
        with self._text() as text:
            yield from csv_lines(text)

    @property
    def has_pieces(self) -> bool:
        """Whether this can be read piece by piece, whatever its size."""
        return self._pieces is not None

    def pieces(self) -> Iterator[bytes]:
        """Yield JSON arrays, or lines of CSV, of some rows each; the first has the headings."""
        for start, end in self._pieces or ():
            self._file.seek(start)
            piece = self._file.read(end - start)
            yield b"[%b]" % piece if self.is_json else piece

    def _find_pieces(self) -> list[Span] | None:
        if self._encoding not in _UTF_8:
            return None
        find = json_pieces.find_pieces if self.is_json else csv_pieces.find_pieces
        return find(self._file, len(codecs.BOM_UTF8) * (self._encoding != "utf-8"))

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


def land(chunks: Iterable[bytes]) -> IO[bytes]:
    """Write a body to an unlinked temporary file that only this user can read."""
    file = tempfile.TemporaryFile(prefix="tap-crewmojo-")  # noqa: SIM115  # handed to ReportFile
    try:
        for chunk in chunks:
            file.write(chunk)
        file.flush()
    except BaseException:
        file.close()
        raise
    return file


def read_answer(file: IO[bytes], content_type: str) -> ReportFile | JobEnvelope:
    """Tell what a landed body is.

    Args:
        file: the whole body; closed unless it is returned within a `ReportFile`.
        content_type: the answer's `Content-Type`, for what the bytes leave open.

    Raises:
        UnusableAnswerError: no job's envelope, nor a report that can be read without guessing.
    """
    try:
        answer = _classified(file, content_type)
    except BaseException:
        file.close()
        raise
    if isinstance(answer, JobEnvelope):
        file.close()
    return answer


def _classified(file: IO[bytes], content_type: str) -> ReportFile | JobEnvelope:
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    head = file.read(_LONGEST_ENVELOPE)
    text = head.decode(_encoding(file), errors="replace").lstrip("\ufeff \t\r\n")
    if not text:
        msg = "the answer is empty: not even column headings"
        raise UnusableAnswerError(msg)
    is_csv = "csv" in content_type.lower()
    if _MARKUP_START.match(text) or (text[0] == "<" and not is_csv):
        msg = "the answer is a web page instead of a report; is there a proxy in between?"
        raise UnusableAnswerError(msg)
    is_json = bool(_JSON_START.match(text)) or ("json" in content_type.lower() and text[0] in "[{")
    if is_json and size < _LONGEST_ENVELOPE and (envelope := _envelope(text, head)):
        return envelope
    report = ReportFile(file, is_json=is_json)
    if not is_json and not is_csv and not _is_table(report):
        msg = "the answer is a text that is neither a report nor a job"
        raise UnusableAnswerError(msg)
    return report


def _is_table(report: ReportFile) -> bool:
    """Tell whether what does not call itself CSV looks like it: not a word that all is too busy."""
    first_lines = list(itertools.islice(report.lines(), 2))
    return len(first_lines) > 1 and len(first_lines[0]) > 1


def _envelope(text: str, body: bytes) -> JobEnvelope | None:
    try:
        answer = json.loads(text.lstrip("\ufeff"))
    except (ValueError, RecursionError):
        return None  # reading its rows tells where it is broken
    if not isinstance(answer, dict) or any(isinstance(part, list) for part in answer.values()):
        return None
    job_id = answer.get("jobId")
    if isinstance(job_id, str | int) and not isinstance(job_id, bool) and job_id != "":
        return JobEnvelope(str(job_id))
    msg = f"the answer is neither a report nor a job{vendor_text(body)}"
    raise UnusableAnswerError(msg)


def _encoding(file: IO[bytes]) -> str:
    file.seek(0)
    start = file.read(4)
    file.seek(0)
    return next((name for bom, name in _BOMS if start.startswith(bom)), "utf-8")

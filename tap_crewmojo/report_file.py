"""The answer to a request, landed whole on disk, told for what it is, and read row by row.

A body is written to an unlinked temporary file before its first row is looked at: so a cut one can
be fetched again with nothing of it emitted. What it is, its first bytes tell; the header is only
asked where they leave it open.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import json
import re
import tempfile
import weakref
from collections import deque
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from tap_crewmojo.errors import UnusableAnswerError, vendor_text
from tap_crewmojo.rows import arrays_of_objects, csv_lines, csv_rows, json_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tap_crewmojo.rows import Row

_LONGEST_ENVELOPE = 1 << 16
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_JSON_START = re.compile(r"\s*(\[\s*[\[\]{]|\{\s*[\"}])")
_HTML_START = re.compile(r"\s*<(!doctype|html|head|body|\?xml)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class JobEnvelope:
    """The answer that a report is still being generated."""

    job_id: str


class ReportFile:
    """A report on disk.

    Args:
        file: holds the whole body; closed with this object.
        is_json: whether it is JSON; CSV if not.
    """

    def __init__(self, file: IO[bytes], *, is_json: bool) -> None:
        self._file = file
        self._is_json = is_json
        self._encoding = _encoding(file)
        self.close = weakref.finalize(self, file.close)
        """Let the disk space go; also done when nobody holds the report any more."""

    def rows(self) -> Iterator[Row]:
        """Yield the rows, from the first one again in each call.

        Raises:
            UnusableAnswerError: the report cannot be read without guessing; the text names the
                row's number, never a value.
        """
        with self._text() as text:
            yield from json_rows(text) if self._is_json else csv_rows(text)

    def check(self) -> None:
        """Read it through once, so that nothing of a malformed report is ever emitted.

        Raises:
            UnusableAnswerError: as in `rows`.
        """
        with self._text() as text:
            deque(json_rows(text) if self._is_json else csv_lines(text), maxlen=0)

    @contextlib.contextmanager
    def _text(self) -> Iterator[IO[str]]:
        self._file.seek(0)
        text = io.TextIOWrapper(self._file, encoding=self._encoding, newline="")
        try:
            yield text
        except UnicodeDecodeError as exc:
            msg = (
                f"the report is not {self._encoding} text: undecodable bytes at byte offset "
                f"{max(self._file.tell() - len(exc.object), 0) + exc.start}"
            )
            raise UnusableAnswerError(msg) from None
        finally:
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
    text = head.decode(_encoding(file), errors="replace")
    if not text.strip("\ufeff \t\r\n"):
        msg = "the answer is empty: not even column headings"
        raise UnusableAnswerError(msg)
    if _HTML_START.match(text):
        msg = "the answer is a web page instead of a report; is there a proxy in between?"
        raise UnusableAnswerError(msg)
    is_json = bool(_JSON_START.match(text)) or (
        "json" in content_type.lower() and text.lstrip("\ufeff \t\r\n")[:1] in "[{"
    )
    if is_json and size < _LONGEST_ENVELOPE and (envelope := _envelope(text, head)):
        return envelope
    report = ReportFile(file, is_json=is_json)
    report.check()
    return report


def _envelope(text: str, body: bytes) -> JobEnvelope | None:
    try:
        answer = json.loads(text.lstrip("\ufeff"))
    except (ValueError, RecursionError):
        return None  # reading its rows tells where it is broken
    if not isinstance(answer, dict) or arrays_of_objects(answer):
        return None
    job_id = answer.get("jobId")
    if isinstance(job_id, str | int) and not isinstance(job_id, bool) and job_id != "":
        return JobEnvelope(str(job_id))
    if any(isinstance(value, list) for value in answer.values()):
        return None
    msg = f"the answer is neither a report nor a job{vendor_text(body)}"
    raise UnusableAnswerError(msg)


def _encoding(file: IO[bytes]) -> str:
    file.seek(0)
    start = file.read(4)
    file.seek(0)
    return next((name for bom, name in _BOMS if start.startswith(bom)), "utf-8")

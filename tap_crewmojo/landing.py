"""The body of an answer: landed whole on disk, and told for what it is.

It goes to an unlinked temporary file before its first row is emitted: so one that is cut short can
be fetched again with nothing of it emitted. What it is, its first bytes tell; the header is only
asked where they leave it open. It is looked through while it arrives, when there is time to wait.
"""

from __future__ import annotations

import codecs
import itertools
import json
import re
import tempfile
from collections import deque
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final

from tap_crewmojo import csv_pieces, json_pieces
from tap_crewmojo.errors import UnusableAnswerError, vendor_text
from tap_crewmojo.report_file import ReportFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tap_crewmojo.json_pieces import Span

_HEAD: Final = 1 << 16  # bytes; no job's envelope has so many
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BOM_SIZES: Final = {"utf-8": 0, "utf-8-sig": len(codecs.BOM_UTF8)}
_JSON_START = re.compile(r"(\[\s*[\[\]{]|\{\s*[\"}])")
_MARKUP_START = re.compile(r"<(!doctype|html|head|body|\?xml)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class JobEnvelope:
    """The answer that a report is still being generated."""

    job_id: str


@dataclass(frozen=True, slots=True)
class _Head:
    """The beginning of a body; all of it, if it could be an envelope."""

    data: bytes
    content_type: str

    @property
    def encoding(self) -> str:
        return next((name for bom, name in _BOMS if self.data.startswith(bom)), "utf-8")

    @property
    def text(self) -> str:
        return self.data.decode(self.encoding, errors="replace").lstrip("\ufeff \t\r\n")

    @property
    def says_csv(self) -> bool:
        return "csv" in self.content_type.lower()

    @property
    def is_json(self) -> bool:
        text = self.text
        says_json = "json" in self.content_type.lower() and text[:1] in {"[", "{"}
        return says_json or bool(_JSON_START.match(text))


def land(chunks: Iterable[bytes], content_type: str) -> ReportFile | JobEnvelope:
    """Land a body and tell what it is.

    Args:
        chunks: the body, as it arrives.
        content_type: the answer's `Content-Type`, for what the bytes leave open.

    Raises:
        UnusableAnswerError: no job's envelope, nor a report that can be read without guessing.
        OSError: it cannot be written.
    """
    file = tempfile.TemporaryFile(prefix="tap-crewmojo-")  # noqa: SIM115  # handed to ReportFile
    try:
        answer = _landed(file, chunks, content_type)
    except BaseException:
        file.close()
        raise
    if isinstance(answer, JobEnvelope):
        file.close()
    return answer


def _landed(
    file: IO[bytes], chunks: Iterable[bytes], content_type: str
) -> ReportFile | JobEnvelope:
    landing = _written(file, chunks)
    head = _Head(_start_of(landing), content_type)
    pieces = _pieces(head, landing)
    deque(landing, maxlen=0)  # what is left, if it was not looked through to its end
    file.flush()
    text, is_json = head.text, head.is_json
    if not text:
        msg = "the answer is empty: not even column headings"
        raise UnusableAnswerError(msg)
    if _MARKUP_START.match(text) or (text[0] == "<" and not head.says_csv):
        msg = "the answer is a web page instead of a report; is there a proxy in between?"
        raise UnusableAnswerError(msg)
    if is_json and len(head.data) < _HEAD and (envelope := _envelope(head)):
        return envelope
    report = ReportFile(file, is_json=is_json, encoding=head.encoding, pieces=pieces)
    if not is_json and not head.says_csv and not _is_table(report):
        msg = "the answer is a text that is neither a report nor a job"
        raise UnusableAnswerError(msg)
    return report


def _written(file: IO[bytes], chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        file.write(chunk)
        yield chunk


def _start_of(landing: Iterator[bytes]) -> bytes:
    start = bytearray()
    for chunk in landing:
        start += chunk
        if len(start) >= _HEAD:
            break
    return bytes(start)


def _pieces(head: _Head, landing: Iterator[bytes]) -> list[Span] | None:
    if head.encoding not in _BOM_SIZES:
        return None
    start = _BOM_SIZES[head.encoding]
    find = json_pieces.find_pieces if head.is_json else csv_pieces.find_pieces
    return find(itertools.chain((head.data[start:],), landing), start)


def _is_table(report: ReportFile) -> bool:
    """Tell whether what does not call itself CSV looks like it: not a word that all is too busy."""
    return len(report.headings()) > 1 and any(report.chunks(1))


def _envelope(head: _Head) -> JobEnvelope | None:
    try:
        answer = json.loads(head.text)
    except (ValueError, RecursionError):
        return None  # reading its rows tells where it is broken
    if not isinstance(answer, dict) or any(isinstance(part, list) for part in answer.values()):
        return None
    job_id = answer.get("jobId")
    if isinstance(job_id, str | int) and not isinstance(job_id, bool) and job_id != "":
        return JobEnvelope(str(job_id))
    msg = f"the answer is neither a report nor a job{vendor_text(head.data)}"
    raise UnusableAnswerError(msg)

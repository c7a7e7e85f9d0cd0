"""The body of a response: spooled whole on disk, and classified.

A body is checked while it arrives, and its rows go to an unlinked temporary file before the first
one is emitted: no row of a truncated body is emitted, and the report can be requested again. The
first bytes show whether a body is CSV, JSON or neither; the header decides only if they do not.
"""

from __future__ import annotations

import contextlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from tap_crewmojo.cells import CHUNK
from tap_crewmojo.errors import (
    CutShortError,
    ReportError,
    TransientError,
    UnusableResponseError,
)
from tap_crewmojo.readers import json_members
from tap_crewmojo.readers.csv_report import CsvReport
from tap_crewmojo.readers.json_chunks import JsonChunks
from tap_crewmojo.readers.json_report import JsonReport
from tap_crewmojo.readers.report import ChunkFile, Report
from tap_crewmojo.readers.text import as_utf8
from tap_crewmojo.redaction import vendor_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_HEAD: Final = 1 << 10  # bytes behind leading blanks that are classified
_MOST_BLANK: Final = 1 << 16
_BLANK: Final = b" \t\r\n"
_JSON_START = re.compile(rb"(\[\s*[\[\]{]|\{\s*[\"}])")
_MARKUP_START = re.compile(rb"<(!doctype|html|head|body|\?xml)\b", re.IGNORECASE)
_ACCEPTED: Final = 202
_NO_CONTENT: Final = 204
_LINE_ENDS: Final = frozenset({b"\n", b"\r"})
_JSON_FACTOR: Final = 2  # each row repeats the names, so that a JSON row has about twice the bytes
_NEITHER: Final = "the response is neither a report nor a job"
_AnyReport = TypeVar("_AnyReport", bound=Report)
_EMPTY: Final = "the response is empty: it has not even column headings"


@dataclass(frozen=True, slots=True)
class JobEnvelope:
    """A response instead of a report that is still being generated."""

    job_id: str


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """A response without its body.

    Args:
        content_type: the `Content-Type`, for bodies whose bytes do not show what they are.
        status: the status code.
        has_known_end: whether the response states where its body ends. If not, the body must show
            it, CSV by a line end at its end.
        polled_job: the job that was polled.
    """

    content_type: str = ""
    status: int = 200
    has_known_end: bool = True
    polled_job: str | None = None

    def says(self, name: str) -> bool:
        """Return whether the content type has a name in it."""
        return name in self.content_type.lower()

    @property
    def pending_job(self) -> str | None:
        """The polled job, if the status says that the report is still being generated."""
        return self.polled_job if self.status == _ACCEPTED else None


class _Body:
    """A body that arrives.

    Args:
        parts: the body in UTF-8.

    Attributes:
        last: its last byte so far.
        has_ended: whether all of it has arrived.
    """

    def __init__(self, parts: Iterable[bytes]) -> None:
        self.last = b""
        self.has_ended = False
        self._arriving = iter(parts)
        self._head: list[bytes] = []

    def head(self) -> bytes:
        """Return the first bytes behind leading blanks, without taking them."""
        head = b""
        while len(head.lstrip(_BLANK)) < _HEAD and len(head) < _MOST_BLANK:
            if (part := next(self._arriving, None)) is None:
                break
            self._head.append(part)
            head += part
        return head.lstrip(_BLANK)

    def __iter__(self) -> Iterator[bytes]:
        while self._head:
            yield self._noted(self._head.pop(0))
        for part in self._arriving:
            yield self._noted(part)
        self.has_ended = True

    def _noted(self, part: bytes) -> bytes:
        self.last = part[-1:] or self.last
        return part


def spool(
    parts: Iterable[bytes], response: ResponseHead, *, chunk_size: int = CHUNK
) -> CsvReport | JsonReport | JobEnvelope:
    """Spool a body and classify it.

    Args:
        parts: the body, as it arrives.
        response: the response that it is the body of.
        chunk_size: bytes that are read, and rows that are stored, together.

    Raises:
        UnusableResponseError: the body is neither a job nor a well-formed report.
        TransientError: the body may be truncated.
        ReportError: the body is a part of a report.
        OSError: the body cannot be written.
    """
    if response.status == _NO_CONTENT:
        return CsvReport(())
    body = _Body(as_utf8(parts, response.content_type, chunk_size))
    try:
        return _read(body, response, chunk_size)
    except CutShortError as exc:
        if response.has_known_end:
            raise
        msg = f"the response may be cut short, since nothing states its length: {exc}"
        raise TransientError(msg) from None


def _read(
    body: _Body, response: ResponseHead, chunk_size: int
) -> CsvReport | JsonReport | JobEnvelope:
    head = body.head()
    if not head:
        if response.pending_job is not None:
            return JobEnvelope(response.pending_job)
        raise CutShortError(_EMPTY)
    if _MARKUP_START.match(head) or (head[:1] == b"<" and not response.says("csv")):
        msg = "the response is a web page instead of a report; is there a proxy in between?"
        raise UnusableResponseError(msg)
    if _JSON_START.match(head) or (response.says("json") and head[:1] in {b"[", b"{"}):
        return _json(body, response, chunk_size)
    return _csv(body, response, chunk_size)


def _csv(body: _Body, response: ResponseHead, chunk_size: int) -> CsvReport | JobEnvelope:
    try:
        report = CsvReport(body, chunk_size)
    except UnusableResponseError as exc:
        if body.has_ended and body.last not in _LINE_ENDS:
            raise CutShortError(str(exc)) from None
        raise
    return _closed_if_job(report, lambda report: _classified_csv(report, body, response))


def _classified_csv(
    report: CsvReport, body: _Body, response: ResponseHead
) -> CsvReport | JobEnvelope:
    headings = report.headings()
    if not headings:
        raise CutShortError(_EMPTY)
    if not response.has_known_end and body.last not in _LINE_ENDS:
        msg = "its last line has no end"
        raise CutShortError(msg)
    # A text that is not called CSV may be a sentence, such as "please wait".
    has_rows = report.size + report.empty_rows > 0
    is_table = (response.says("csv") and (has_rows or response.status != _ACCEPTED)) or (
        has_rows and len(headings) > 1
    )
    if not is_table and response.pending_job is not None:
        return JobEnvelope(response.pending_job)
    if not is_table:
        msg = "the response is a text that is neither a report nor a job"
        raise UnusableResponseError(msg)
    if json_members.is_job(headings):
        msg = f"{_NEITHER}: its rows look like a job"
        raise UnusableResponseError(msg)
    return report


def _json(body: _Body, response: ResponseHead, chunk_size: int) -> JsonReport | JobEnvelope:
    chunks = JsonChunks(body, _JSON_FACTOR * chunk_size)
    report = JsonReport(ChunkFile(chunks))
    return _closed_if_job(report, lambda report: _classified_json(report, chunks, response))


def _classified_json(
    report: JsonReport, chunks: JsonChunks, response: ResponseHead
) -> JsonReport | JobEnvelope:
    """Apply the rules of `json_members.py`."""
    members = chunks.members
    if (job_id := json_members.job_id(members)) is not None:
        return JobEnvelope(job_id)
    if json_members.is_failure(members):
        msg = f"the response says that it failed{vendor_text(json.dumps(dict(members)).encode())}"
        raise UnusableResponseError(msg)
    has_no_rows_yet = response.status == _ACCEPTED and not chunks.rows
    is_pending = has_no_rows_yet or json_members.is_pending(members)
    has_rows = chunks.is_bare or chunks.arrays or json_members.is_empty_report(members)
    if response.polled_job is not None and (
        is_pending or (not has_rows and not json_members.is_done(members))
    ):
        return JobEnvelope(response.polled_job)
    if is_pending or not has_rows:
        words = vendor_text(json.dumps(dict(members)).encode())
        raise UnusableResponseError(_NEITHER + words)
    if part := json_members.part_of(members, chunks.rows):
        msg = (
            f"the response is only a part of the report: {part}. Crewmojo documents no paging; "
            "contact Crewmojo, or try a shorter report_window"
        )
        raise ReportError(msg)
    if chunks.rows and json_members.is_job(report.headings()):
        msg = f"{_NEITHER}: its rows look like a job"
        raise UnusableResponseError(msg)
    return report


def _closed_if_job(
    report: _AnyReport, classified: Callable[[_AnyReport], _AnyReport | JobEnvelope]
) -> _AnyReport | JobEnvelope:
    with contextlib.ExitStack() as stack:
        stack.callback(report.close)
        result = classified(report)
        if result is report:
            stack.pop_all()
    return result

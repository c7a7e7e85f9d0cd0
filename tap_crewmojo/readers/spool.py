"""The body of a response: spooled whole on disk, and classified.

It is checked while it arrives, and in an unlinked temporary file before its first row is emitted:
one that is cut short can be requested again with nothing of it emitted. Its first bytes show
whether it is CSV, JSON or neither; the header counts only where they leave it open.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

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
from tap_crewmojo.readers.report import ChunkFile
from tap_crewmojo.readers.text import as_utf8
from tap_crewmojo.redaction import vendor_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_HEAD: Final = 1 << 10  # bytes behind leading blanks that show what a body is
_MOST_BLANK: Final = 1 << 16
_BLANK: Final = b" \t\r\n"
_JSON_START = re.compile(rb"(\[\s*[\[\]{]|\{\s*[\"}])")
_MARKUP_START = re.compile(rb"<(!doctype|html|head|body|\?xml)\b", re.IGNORECASE)
_ACCEPTED: Final = 202
_NO_CONTENT: Final = 204
_NEITHER: Final = "the response is neither a report nor a job"
_EMPTY: Final = "the response is empty: it has not even column headings"


@dataclass(frozen=True, slots=True)
class JobEnvelope:
    """The response that a report is still being generated."""

    job_id: str


@dataclass(frozen=True, slots=True)
class _Response:
    """A response without its body.

    Args:
        content_type: its `Content-Type`.
        status: its status.
        polled_job: the job whose poll it is the response to.
    """

    content_type: str
    status: int
    polled_job: str | None

    def says(self, kind: str) -> bool:
        return kind in self.content_type.lower()


class _Body:
    """A body as it arrives, in UTF-8.

    Args:
        chunks: the body.

    Attributes:
        last: its last byte so far.
        has_ended: whether all of it has arrived.
    """

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self.last = b""
        self.has_ended = False
        self._chunks = iter(chunks)
        self._head: list[bytes] = []

    def head(self) -> bytes:
        """Return the first bytes behind leading blanks, without taking them."""
        head = b""
        while len(head.lstrip(_BLANK)) < _HEAD and len(head) < _MOST_BLANK:
            if (chunk := next(self._chunks, None)) is None:
                break
            self._head.append(chunk)
            head += chunk
        return head.lstrip(_BLANK)

    def __iter__(self) -> Iterator[bytes]:
        while self._head:
            yield self._seen(self._head.pop(0))
        for chunk in self._chunks:
            yield self._seen(chunk)
        self.has_ended = True

    def _seen(self, chunk: bytes) -> bytes:
        self.last = chunk[-1:] or self.last
        return chunk


def spool(
    chunks: Iterable[bytes],
    content_type: str,
    *,
    status: int = 200,
    has_known_end: bool = True,
    polled_job: str | None = None,
) -> CsvReport | JsonReport | JobEnvelope:
    """Spool a body and classify it.

    Args:
        chunks: the body, as it arrives.
        content_type: the response's `Content-Type`, for what the bytes leave open.
        status: the response's status.
        has_known_end: whether something states where the body ends: if nothing does, it must be
            complete by itself, CSV with a line break at its end.
        polled_job: the job whose poll this is the response to.

    Raises:
        UnusableResponseError: neither a job nor a report that can be read without guessing.
        TransientError: the body may be cut short.
        ReportError: the response is a part of a report.
        OSError: it cannot be written.
    """
    if status == _NO_CONTENT:
        return CsvReport(())
    body = _Body(as_utf8(chunks, content_type))
    try:
        response = _Response(content_type, status, polled_job)
        return _classified(body, response, has_known_end=has_known_end)
    except CutShortError as exc:
        if has_known_end:
            raise
        msg = f"the response may be cut short, since nothing states its length: {exc}"
        raise TransientError(msg) from None


def _classified(
    body: _Body, response: _Response, *, has_known_end: bool
) -> CsvReport | JsonReport | JobEnvelope:
    head = body.head()
    if not head:
        if response.polled_job is not None and response.status == _ACCEPTED:
            return JobEnvelope(response.polled_job)
        raise CutShortError(_EMPTY)
    if _MARKUP_START.match(head) or (head[:1] == b"<" and not response.says("csv")):
        msg = "the response is a web page instead of a report; is there a proxy in between?"
        raise UnusableResponseError(msg)
    if _JSON_START.match(head) or (response.says("json") and head[:1] in {b"[", b"{"}):
        return _json(body, response)
    return _csv(body, response, has_known_end=has_known_end)


def _csv(body: _Body, response: _Response, *, has_known_end: bool) -> CsvReport | JobEnvelope:
    try:
        report = CsvReport(body)
    except UnusableResponseError as exc:
        if body.has_ended and body.last not in {b"\n", b"\r"}:
            raise CutShortError(str(exc)) from None
        raise
    try:
        return _checked_csv(report, body, response, has_known_end=has_known_end)
    except BaseException:
        report.close()
        raise


def _checked_csv(
    report: CsvReport, body: _Body, response: _Response, *, has_known_end: bool
) -> CsvReport | JobEnvelope:
    headings = report.headings()
    if not headings:
        raise CutShortError(_EMPTY)
    if not has_known_end and body.last not in {b"\n", b"\r"}:
        msg = "its last line has no end"
        raise CutShortError(msg)
    # A text that does not call itself CSV may be a word that all is too busy.
    has_rows = report.size + report.empty_rows > 0
    is_table = (response.says("csv") and (has_rows or response.status != _ACCEPTED)) or (
        has_rows and len(headings) > 1
    )
    if not is_table and response.polled_job is not None and response.status == _ACCEPTED:
        report.close()
        return JobEnvelope(response.polled_job)
    if not is_table:
        msg = "the response is a text that is neither a report nor a job"
        raise UnusableResponseError(msg)
    if json_members.is_job(headings):
        msg = f"{_NEITHER}: its rows look like a job"
        raise UnusableResponseError(msg)
    return report


def _json(body: _Body, response: _Response) -> JsonReport | JobEnvelope:
    rows = JsonChunks(body)
    file = ChunkFile(rows)
    try:
        answer = _checked_json(JsonReport(file), rows, response)
    except BaseException:
        file.close()
        raise
    if isinstance(answer, JobEnvelope):
        file.close()
    return answer


def _checked_json(
    report: JsonReport, rows: JsonChunks, response: _Response
) -> JsonReport | JobEnvelope:
    """Apply the rules of `json_members.py`."""
    members = rows.members
    if (job_id := json_members.job_id(members)) is not None:
        return JobEnvelope(job_id)
    if json_members.is_failure(members):
        msg = f"the response says that it failed{vendor_text(json.dumps(dict(members)).encode())}"
        raise UnusableResponseError(msg)
    has_no_rows_yet = response.status == _ACCEPTED and not rows.rows
    is_pending = has_no_rows_yet or json_members.is_pending(members)
    has_rows = rows.is_bare or rows.arrays or json_members.is_empty_report(members)
    if response.polled_job is not None and (
        is_pending or (not has_rows and not json_members.is_done(members))
    ):
        return JobEnvelope(response.polled_job)
    if is_pending or not has_rows:
        words = vendor_text(json.dumps(dict(members)).encode())
        raise UnusableResponseError(_NEITHER + words)
    if part := json_members.part_of(members, rows.rows):
        msg = (
            f"the response is only a part of the report: {part}. Crewmojo documents no paging; "
            "contact Crewmojo, or try a shorter report_window"
        )
        raise ReportError(msg)
    if rows.rows and json_members.is_job(report.headings()):
        msg = f"{_NEITHER}: its rows look like a job"
        raise UnusableResponseError(msg)
    return report

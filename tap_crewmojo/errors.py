"""What can go wrong, and what the user is told.

The reports are about people: no exception here takes a row value, a token or a response body.
Of the vendor's own error texts only a short one passes, with e-mail addresses and numbers masked.
"""

from __future__ import annotations

import contextlib
import json
import re
from typing import TYPE_CHECKING

from singer_sdk.exceptions import (
    FatalAPIError,
    FatalSyncError,
    RetriableAPIError,
    RetriableSyncError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_TEXT_FIELDS = ("error_description", "message", "error", "detail", "title", "code")
_LONGEST_TEXT = 160
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+")
_DIGITS = re.compile(r"\d+")


class CredentialsError(FatalAPIError):
    """Crewmojo does not accept the client: nothing can be read, so the run stops at once."""


class ReportError(FatalSyncError):
    """One report cannot be had, or cannot be read. The other reports go on."""


class UnusableAnswerError(RetriableSyncError):
    """An answer is neither a report nor a job, or a report that cannot be read unambiguously.

    The report is requested again, since what is in between may have cut or replaced it.
    """


class TransientError(RetriableAPIError):
    """A request failed in a way that may pass: asked again within the job's deadline.

    Args:
        message: what happened.
        retry_after: seconds that the server asked to wait, if it did.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class JobAbandonedError(RetriableAPIError):
    """A job was lost, or took too long: the report is requested again."""


class SyncFailedError(FatalSyncError):
    """Raised after the last stream, when any of them failed."""


@contextlib.contextmanager
def naming(request: object) -> Iterator[None]:
    """Put the report and its window in front of what reading it complains of."""
    try:
        yield
    except ReportError as exc:
        msg = f"{request}: the report {exc}"
        raise ReportError(msg) from None


def vendor_text(body: bytes) -> str:
    """Return the vendor's own words for an error as ` ("...")`, or nothing.

    Only a short text in a field known to carry one is repeated, and masked: an error body may quote
    what was asked for, or about whom.
    """
    try:
        answer = json.loads(body)
    except ValueError:
        return ""
    if isinstance(answer, dict) and isinstance(answer.get("error"), dict):
        answer = answer["error"]
    if not isinstance(answer, dict):
        return ""
    texts = (answer.get(field) for field in _TEXT_FIELDS)
    text = next((text for text in texts if isinstance(text, str) and text.strip()), "")
    text = " ".join(text.split())
    if not text or len(text) > _LONGEST_TEXT:
        return ""
    return f' ("{_DIGITS.sub("#", _EMAIL.sub("***", text))}")'

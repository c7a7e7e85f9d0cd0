"""What can go wrong, and what the user is told.

The reports are about people: no exception here takes a row value, a token or a response body.
Of the vendor's own error texts only short ones pass, and of these only words from a list.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import re
from typing import TYPE_CHECKING, Any

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
_BREAKING = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_WORDS_BETWEEN = re.compile(r"[\s,;:!?()\"']+|[.](?=\s|$)")
_VOCABULARY = frozenset(
    """
    a access account after allowed an and api are as at authentication authorization authorized
    available bad be been before body both cannot client code contenttype credentials csv customer
    data date dates denied disabled does download enddate error exceeded exist expected expired
    failed failure few field for forbidden format found from given grant has have id identifier in
    integration internal invalid is it job jobid json later limit long malformed many may method
    missing must neither no nor not of on one only or parameter parse permission permissions please
    range rate read report request requested required requests scope server service startdate
    support supported temporarily the this timeout to token too try type unauthorized unavailable
    unexpected unknown unsupported user value was while with wrong you your
    """.split()  # noqa: SIM905  # eighty lines of strings read worse
)


class CredentialsError(FatalAPIError):
    """There is no token to be had: nothing can be read, so the run stops at once."""


class ReportError(FatalSyncError):
    """One report could not be requested, or cannot be read. The other reports go on.

    Args:
        message: a sentence for the log. It stays in one line, whatever a heading in it holds.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(one_line(message))


class UnusableResponseError(RetriableSyncError):
    """An answer is neither a report nor a job, or a report that cannot be read unambiguously.

    The report is requested again, since what is in between may have cut or replaced it.
    """


class CutShortError(UnusableResponseError):
    """A report ends before its text is complete."""


class TransientError(RetriableAPIError):
    """A request failed in a way that may pass: asked again within the job's deadline.

    Args:
        message: what happened.
        retry_after: seconds that the server asked to wait, if it did.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TokenRequestError(TransientError):
    """A request for a token failed in a way that may pass."""


class JobAbandonedError(RetriableAPIError):
    """A job was lost, or took too long: the report is requested again."""


class DownloadCancelledError(ReportError):
    """A report is not wanted any more: its stream has failed."""


class SyncFailedError(FatalSyncError):
    """Raised after the last stream, when any of them failed."""


@contextlib.contextmanager
def errors_about(request: object) -> Iterator[None]:
    """Put the report and its window in front of what reading it complains of."""
    try:
        yield
    except ReportError as exc:
        msg = f"{request}: the report {exc}"
        raise ReportError(msg) from None
    except UnusableResponseError as exc:  # what landing it could not see: it is nested too deeply
        msg = f"{request}: {exc}"
        raise ReportError(msg) from None
    except RecursionError:
        msg = f"{request}: the report is malformed JSON (nested too deeply)"
        raise ReportError(msg) from None


def _within(answer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the objects that may hold the text of an error."""
    for value in (answer.get("error"), answer.get("errors")):
        first = value[0] if isinstance(value, list) and value else value
        if isinstance(first, dict):
            yield first


def breaks_lines(text: str) -> bool:
    """Return whether a text holds control characters, line breaks among them."""
    return bool(_BREAKING.search(text))


def one_line(text: str) -> str:
    """Return a text with its control characters and line breaks escaped."""
    return _BREAKING.sub(lambda match: repr(match[0])[1:-1], text)


def vendor_text(body: bytes, *known: str) -> str:
    """Return the vendor's own words for an error as ` ("...")`, or nothing.

    An error body may quote the request, or a person. A short text in a field known to carry one is
    repeated with those words only that are in a list, or known already; not if most are missing.

    Args:
        body: the error's body.
        known: more words that may be repeated, such as the report's identifier.
    """
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    if isinstance(answer, dict):
        answer = next(_within(answer), answer)
    if not isinstance(answer, dict):
        return ""
    texts = (answer.get(field) for field in _TEXT_FIELDS)
    text = next((text for text in texts if isinstance(text, str) and text.strip()), "")
    if len(text) > _LONGEST_TEXT:
        return ""
    words = _WORDS_BETWEEN.split(text.replace("_", " "))
    allowed = {*_VOCABULARY, *(part.lower() for word in known for part in word.split())}
    masked = [word if word.lower() in allowed else "*" for word in words if word]
    shown = [word for word, _ in itertools.groupby(masked)]
    if 2 * shown.count("*") >= len(shown):
        return ""  # what is left would not say anything
    return f' ("{" ".join(shown)}")'

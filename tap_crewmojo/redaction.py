"""Text from outside, made safe for log lines and error messages.

Reports are about people, and an error body may quote one. Of the vendor's error texts, only short
ones are repeated, and of these only words from a fixed list. No text can break a log line in two.
"""

from __future__ import annotations

import itertools
import json
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_TEXT_FIELDS: Final = ("error_description", "message", "error", "detail", "title", "code")
_MAX_LENGTH: Final = 160
_LINE_BREAKING = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_WORD_SEPARATORS = re.compile(r"[\s,;:!?()\"']+|[.](?=\s|$)")
_VOCABULARY: Final = frozenset(
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
    """.split()  # noqa: SIM905  # a list of strings would be eighty lines
)


def breaks_lines(text: str) -> bool:
    """Return whether a text holds line breaks or other control characters."""
    return bool(_LINE_BREAKING.search(text))


def one_line(text: str) -> str:
    """Return a text with its line breaks and other control characters escaped."""
    return _LINE_BREAKING.sub(lambda match: repr(match[0])[1:-1], text)


def vendor_text(body: bytes, *known: str) -> str:
    """Return the vendor's explanation of an error as ` ("...")`, or an empty string.

    It is a short text in one of the fields that usually hold one. Each word that is not in the
    list is replaced by `*`; where these are half of the words or more, nothing is returned.

    Args:
        body: the body of the error response.
        known: more words that may be repeated, such as the report's identifier.
    """
    try:
        error = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    if isinstance(error, dict):
        error = next(_nested_errors(error), error)
    if not isinstance(error, dict):
        return ""
    texts = (error.get(field) for field in _TEXT_FIELDS)
    text = next((text for text in texts if isinstance(text, str) and text.strip()), "")
    if len(text) > _MAX_LENGTH:
        return ""
    words = _WORD_SEPARATORS.split(text.replace("_", " "))
    allowed = {*_VOCABULARY, *(part.lower() for word in known for part in word.split())}
    masked = [word if word.lower() in allowed else "*" for word in words if word]
    if 2 * masked.count("*") >= len(masked):
        return ""
    shown = " ".join(word for word, _ in itertools.groupby(masked))
    return f' ("{shown}")'


def _nested_errors(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the objects below `error` and `errors`, which may hold the explanation."""
    for value in (body.get("error"), body.get("errors")):
        first = value[0] if isinstance(value, list) and value else value
        if isinstance(first, dict):
            yield first

"""The words of a response that may be shown.

A response is about people, and even the name of a member or a header may be a person's. Of what
comes from the vendor, only numbers and the words below are shown; anything else by its length.
"""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

from tap_crewmojo.progress import counted
from tap_crewmojo.readers.json_members import plain
from tap_crewmojo.readers.text import CHARSET

if TYPE_CHECKING:
    from typing import Any, Final

_NAMES: Final = frozenset(
    """
    accesstoken body code content context count created createdat cursor data description detail
    details elements entries error errorcode errordescription errormessage errors eta expires
    expiresat expiresin expiry fault haserrors hasmore headers href id idtoken info instance
    issuedat items job jobid jobstatus limit link links list location message messages meta
    metadata method name next nextpage offset page pages pagesize pagination path payload progress
    ready reason records refreshtoken report reportid request requestid response result results
    retryafter rows scope self severity size source state status statuscode statustext success
    timestamp title tokentype total totalcount totalpages totalrows trace traceid type uri url
    validationerrors value values version warnings
    """.split()  # noqa: SIM905  # a list of strings would be a hundred lines
)
_MEDIA_TYPES: Final = frozenset(
    """
    application/csv application/json application/octet-stream application/problem+json
    application/vnd.ms-excel application/x-ndjson application/xml application/zip text/csv
    text/html text/json text/plain text/xml
    """.split()  # noqa: SIM905
)
_CODINGS: Final = frozenset({"br", "compress", "deflate", "gzip", "identity", "x-gzip", "zstd"})
_MOST_MEMBERS: Final = 20


def name(text: str) -> str:
    """Return the name of a member as it is written, if it is a usual one."""
    return f"`{text}`" if text.isascii() and plain(text) in _NAMES else _hidden(text)


def media_type(content_type: str) -> str:
    """Return the media type that a `Content-Type` states, if it is a usual one."""
    text = content_type.partition(";")[0].strip().lower()
    if not text:
        return "no content type"
    return text if text in _MEDIA_TYPES else _hidden(text)


def charset(content_type: str) -> str:
    """Return the charset that a `Content-Type` states, by the name that Python has for it."""
    match = CHARSET.search(content_type)
    if not match:
        return "no charset"
    try:
        return codecs.lookup(match[1]).name
    except (LookupError, ValueError):
        return _hidden(match[1])


def coding(content_encoding: str) -> str:
    """Return the compression that a `Content-Encoding` states, if it is a usual one."""
    text = content_encoding.strip().lower()
    return text if text in _CODINGS else _hidden(text)


def kind(value: Any) -> str:  # noqa: ANN401  # whatever JSON holds
    """Return the JSON type of a value."""
    kinds = {bool: "a boolean", str: "a string", dict: "an object", list: "an array"}
    if value is None:
        return "null"
    return kinds.get(type(value), "a number")


def members(value: dict[str, Any]) -> str:
    """Return the names and types of an object's members."""
    shown = [f"{name(each)} ({kind(value[each])})" for each in list(value)[:_MOST_MEMBERS]]
    if len(value) > _MOST_MEMBERS:
        shown.append(f"{len(value) - _MOST_MEMBERS} more")
    return ", ".join(shown) or "no members"


def _hidden(text: str) -> str:
    return f"<{counted(len(text), 'character')}>"

"""Headings as identifiers, which every database takes unquoted and unchanged."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Final

_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*")
_APOSTROPHES = re.compile(r"['`]")
_SEPARATORS = re.compile(r"[^a-z0-9]+")
_WORDS: Final = str.maketrans(
    {
        "%": " pct ",
        "#": " number ",
        "&": " and ",
        "+": " plus ",
        "@": " at ",
        "<": " lt ",
        ">": " gt ",
        "=": " eq ",
        "$": " dollar ",
    }
)
"""Words for the signs that tell headings apart, such as `Score`, `Score %` and `Score #`."""

_HUMPS = re.compile(
    "(?<=[A-Za-z0-9][a-z0-9])(?=[A-Z])"  # review|Score, OKRs|Done, and eNPS in one
    "|(?<=[A-Z])(?=[A-Z](?!s(?![a-z]))[a-z])"  # HTML|Report, and OKRs in one
)
"""Places within a word at which the next one begins."""


def is_identifier(name: str) -> bool:
    """Return whether a name is a letter, and then letters, digits and `_`, all in lower case."""
    return _IDENTIFIER.fullmatch(name) is not None


def identifier(heading: str) -> str | None:
    """Return a heading as an identifier of any length; none if it has no letter and no digit.

    An identifier is returned unchanged.
    """
    if is_identifier(heading):
        return heading
    words = _APOSTROPHES.sub("", _ascii(heading)).translate(_WORDS)
    text = _SEPARATORS.sub(_underscores, _HUMPS.sub(" ", words).lower()).strip("_")
    if not text:
        return None
    return text if is_identifier(text) else f"x{text}"


def _ascii(text: str) -> str:
    if text.isascii():
        return text
    from anyascii import anyascii  # noqa: PLC0415  # most headings do not need it

    return anyascii(text)


def _underscores(separator: re.Match[str]) -> str:
    """Keep the two of a name that the tap has made, such as `Comment__2`."""
    return "__" if "__" in separator[0] else "_"

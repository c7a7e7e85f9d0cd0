"""Column names: the vendor's headings, made distinct in any database.

A heading is the name of its column, without blanks around it and control characters, unless that
would clash with another column: databases know 63 bytes of a name, and some ignore its case. A name
that had to change ends in a hash of its heading, so it depends on no order and no neighbour.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST: Final = 63
"""Bytes of a name that PostgreSQL, the shortest of the common ones, tells apart."""

VARIANT_SUFFIX: Final = "__text"
"""Ends the name of the column that takes the values which do not fit a column's type."""

_UNNAMED: Final = "unnamed"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_HASH_DIGITS: Final = 8


class ColumnNames:
    """The names in use in one stream, and which heading has which.

    Args:
        known: the columns that the stream has already; a heading that would get such a name takes
            that column.
        reserved: names that no heading may have.
    """

    def __init__(self, known: Iterable[str], reserved: Iterable[str]) -> None:
        self._known = set(known)
        self._used = {_fold(name) for name in (*self._known, *reserved)}
        self._by_heading: dict[str, str] = {}
        self._variants: dict[str, str] = {}

    def assign(self, headings: Iterable[str]) -> dict[str, str]:
        """Return the name of each heading; the same for the same headings in any order."""
        headings = list(headings)
        for heading in sorted(headings, key=self._precedence):
            if heading not in self._by_heading:
                self._by_heading[heading] = self._name(heading)
        return {heading: self._by_heading[heading] for heading in headings}

    def variant(self, name: str) -> str:
        """Return the name of the column for values that do not fit the column of this name."""
        if name not in self._variants:
            self._variants[name] = self._claim(name + VARIANT_SUFFIX, salt=name)
        return self._variants[name]

    def _precedence(self, heading: str) -> tuple[bool, bool, str]:
        """Order headings so that no twin takes the name that is another's to the letter."""
        return heading not in self._known, heading != _plain(heading), heading

    def _name(self, heading: str) -> str:
        plain = _plain(heading)
        hashed = _hashed(plain, heading)
        before = hashed in self._known and (heading != plain or plain not in self._known)
        if before or _fold(plain).endswith(VARIANT_SUFFIX):
            return self._claim(hashed, salt=heading)
        return self._claim(plain, salt=heading)

    def _claim(self, wanted: str, salt: str) -> str:
        name = wanted if len(wanted.encode()) <= LONGEST else _hashed(wanted, salt)
        for rehash in range(LONGEST):
            if name in self._known:
                self._known.discard(name)
                return name
            if _fold(name) not in self._used:
                self._used.add(_fold(name))
                return name
            name = _hashed(wanted, salt + "\0" * rehash)
        msg = "no distinct column name found"  # pragma: no cover  # 63 hashes would have to collide
        raise AssertionError(msg)  # pragma: no cover


def _plain(heading: str) -> str:
    return _CONTROL.sub("_", heading.strip("\ufeff \t\r\n\xa0")) or _UNNAMED


def _fold(name: str) -> str:
    return name.lower()


def _hashed(name: str, salt: str) -> str:
    digest = hashlib.sha256(salt.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_DIGITS]
    room = LONGEST - len(digest) - 2
    return f"{name.encode()[:room].decode(errors='ignore')}__{digest}"

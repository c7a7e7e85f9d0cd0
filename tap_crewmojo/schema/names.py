"""Column names: the vendor's headings, made distinct for any database.

A column has the name of its heading, without surrounding blanks and control characters, unless that
clashes with another column: some databases compare only 63 bytes of a name, some ignore case. A
changed name ends in a hash of its heading, and does not depend on the order of the columns.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST: Final = 63
"""Bytes of a name in PostgreSQL, which has the lowest limit of the common databases."""

VARIANT_SUFFIX: Final = "__text"
"""The end of the name of a column for the values that do not fit another column's type."""

_UNNAMED: Final = "unnamed"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_HASH_DIGITS: Final = 8


class ColumnNames:
    """The names of the columns of one stream, by heading.

    Args:
        known: the columns that the stream has; a heading with such a name belongs to that column.
        reserved: names that no heading may get.
    """

    def __init__(self, known: Iterable[str], reserved: Iterable[str]) -> None:
        self._known = set(known)
        self._used = {_fold(name) for name in (*self._known, *reserved)}
        self._by_heading: dict[str, str] = {}
        self._variants: dict[str, str] = {}

    def assign(self, headings: Iterable[str]) -> dict[str, str]:
        """Return the name for each heading, whatever the order of the headings."""
        headings = list(headings)
        for heading in sorted(headings, key=self._precedence):
            if heading not in self._by_heading:
                self._by_heading[heading] = self._name(heading)
        return {heading: self._by_heading[heading] for heading in headings}

    def variant(self, name: str) -> str:
        """Return the name of the column for values that do not fit a column."""
        if name not in self._variants:
            self._variants[name] = self._claim(name + VARIANT_SUFFIX, salt=name)
        return self._variants[name]

    def _precedence(self, heading: str) -> tuple[bool, bool, str]:
        """Order headings: one that is a name exactly comes before one that only becomes it."""
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

"""Column names: the vendor's headings, made distinct for any database.

A column has the name of its heading, without surrounding blanks and control characters or as an
identifier, unless that clashes with another column: some databases compare only 63 bytes of a name,
some ignore case. A changed name ends in a hash of its heading, and does not depend on the order of
the columns.

Several headings may become one identifier, and a heading may come later that has this very name. So
that it does not get the column of another heading, the schema has each heading in a description.
"""

from __future__ import annotations

import hashlib
import re
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from tap_crewmojo.schema.identifiers import identifier, is_identifier

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LONGEST: Final = 63
"""Bytes of a name in PostgreSQL, which has the lowest limit of the common databases."""

VARIANT_SUFFIX: Final = "__text"
"""The end of the name of a column for the values that do not fit another column's type."""

_UNNAMED: Final = "unnamed"
_NOT_WORDS: Final = "column"
_DESCRIPTION: Final = "Heading in Crewmojo: "
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_HASH_DIGITS: Final = 8


class Naming(StrEnum):
    """How columns are named."""

    AS_IS = "as_is"
    IDENTIFIER = "identifier"

    def plain(self, heading: str) -> str:
        """Return the name of a heading that clashes with no other."""
        plain = _plain(heading)
        if self is Naming.AS_IS:
            return plain
        return identifier(plain) or _hashed(_NOT_WORDS, heading)

    def describe(self, heading: str) -> dict[str, str]:
        """Return what a column's schema says of its heading, which is its name as it is."""
        return {} if self is Naming.AS_IS else {"description": f"{_DESCRIPTION}{heading}"}

    def describe_variant(self, name: str) -> dict[str, str]:
        """Return what the schema says of the column for values that do not fit a column."""
        text = f"Values that do not fit the type of the column {name}"
        return {} if self is Naming.AS_IS else {"description": text}

    def named_otherwise(self, columns: Mapping[str, object]) -> str | None:
        """Return a column that is named in another way; none if all may be named in this one.

        Args:
            columns: the JSON schemas of the vendor's columns, by name.
        """
        if self is Naming.IDENTIFIER:
            return next((name for name in columns if not is_identifier(name)), None)
        for heading, name in described_headings(columns).items():
            plain = _plain(heading)
            if name not in {plain, _hashed(plain, heading)}:
                return name
        return None


class ColumnNames:
    """The names of the columns of one stream, by heading.

    Args:
        known: the columns that the stream has; a heading with such a name belongs to that column,
            unless the column is known to have another heading.
        reserved: names that no heading may get.
        naming: how columns are named.
        headings: the names of known columns, by their heading.
    """

    def __init__(
        self,
        known: Iterable[str],
        reserved: Iterable[str],
        naming: Naming = Naming.AS_IS,
        headings: Mapping[str, str] | None = None,
    ) -> None:
        self._naming = naming
        self._by_heading = dict(headings or {})
        self._known = set(known)
        self._used = {_fold(name) for name in (*self._known, *reserved)}
        self._known.difference_update(self._by_heading.values())
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
        return heading not in self._known, heading != self._naming.plain(heading), heading

    def _name(self, heading: str) -> str:
        plain = self._naming.plain(heading)
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


def described_headings(columns: Mapping[str, object]) -> dict[str, str]:
    """Return the names of columns by their heading, for those whose schema has it.

    Args:
        columns: their JSON schemas, by name.
    """
    headings = {}
    for name, column in columns.items():
        description = column.get("description") if isinstance(column, dict) else None
        if isinstance(description, str) and description.startswith(_DESCRIPTION):
            headings[description.removeprefix(_DESCRIPTION)] = name
    return headings


def column_of(given: str, columns: Mapping[str, object], naming: Naming) -> str:
    """Return the name of the column that a setting names by its heading or its name.

    Args:
        given: the heading or name. If there is no such column, it is taken for a heading.
        columns: the JSON schemas of the columns, by name.
        naming: how columns are named.
    """
    names = ColumnNames(columns, (), naming, described_headings(columns))
    name = names.assign([given])[given]
    return given if given in columns and name not in columns else name


def _plain(heading: str) -> str:
    return _CONTROL.sub("_", heading.strip("\ufeff \t\r\n\xa0")) or _UNNAMED


def _fold(name: str) -> str:
    return name.lower()


def _hashed(name: str, salt: str) -> str:
    digest = hashlib.sha256(salt.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_DIGITS]
    room = LONGEST - len(digest) - 2
    return f"{name.encode()[:room].decode(errors='ignore')}__{digest}"

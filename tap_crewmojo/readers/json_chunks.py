"""A JSON response taken apart as it arrives: rows in chunks, and the members beside them.

Rows are the bare array, or the one array of objects among the members of an object, wherever it
stands. A chunk is cut where one row ends and the next begins. A `},{` may also stand in a text or
in a nested array, so a cut counts only if what is before it decodes: half a row never does.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tap_crewmojo.cells import CHUNK, LONGEST_ROW, MOST_COLUMNS
from tap_crewmojo.errors import CutShortError, UnusableResponseError
from tap_crewmojo.json_cells import DEEPEST, objects_of
from tap_crewmojo.readers.json_members import can_be_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_MOST_BESIDE: Final = 1 << 20
"""Bytes of all that is not the rows, at most."""

_MOST_MEMBERS: Final = 1000
_MOST_VALUES: Final = 1 << 20
"""Values in one row, at most, nested ones included."""

_LARGE: Final = 1 << 18  # bytes of a row that may have too many columns or values
_FEW: Final = 1 << 12
_NEAR: Final = 1 << 14
_MOST_CUTS: Final = 8
_LONGEST_INTEGER: Final = 20

_MALFORMED: Final = "the report is malformed JSON"
_BLANK: Final = b" \t\r\n"
_BETWEEN_ROWS = re.compile(rb"\}[ \t\r\n]*+,[ \t\r\n]*+\{")
_PUNCTUATION = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|([\[{])|[\]}]', re.DOTALL)
_BRACKETS: Final = bytes.maketrans(b"[]", b"{}")
_ALL_BUT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
# What Python's encoder writes where JSON has no number. Quoted, it makes the same cell; what looks
# like it within a text would end that text, and nothing would decode.
_CONSTANTS = tuple(
    (
        re.compile(rb"%b(?<=[:,\[ \t\r\n]%b)(?=[,\]} \t\r\n])" % (name, name)),
        b'"%b"' % name,
    )
    for name in (b"NaN", b"Infinity", b"-Infinity")
)
_ESCAPED = re.compile(rb"\\(?=u)")  # a search for one byte is several times faster than for two
# What is written as an escape and no database stores: NUL, and one half of a surrogate pair.
_UNSTORABLE = re.compile(
    rb"\\u0000"
    rb"|\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])"
    rb"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F]"
)


class _AnyObject(msgspec.Struct):
    """A row of which only that it is an object is of interest."""


_ROWS = msgspec.json.Decoder(list[_AnyObject])


class JsonChunks:
    """The rows of a JSON response in chunks, objects with commas between them.

    Args:
        parts: the response, valid UTF-8, as it arrives.

    Attributes:
        members: names and values of the members beside the rows; complete after the last chunk.
        arrays: how many members had rows in them so far.
        is_bare: whether the response is an array.
        rows: rows so far.

    Raises:
        UnusableResponseError: malformed JSON, a row that is not an object, more than one array of
            rows, or something beyond a limit.
    """

    def __init__(self, parts: Iterable[bytes]) -> None:
        self.members: list[tuple[str, Any]] = []
        self.arrays = 0
        self.is_bare = False
        self.rows = 0
        self._text = _Arriving(parts)

    def __iter__(self) -> Iterator[bytes]:
        """Yield the chunks, each once."""
        if self._text.sign() == b"[":
            self.is_bare = True
            self._text.drop(1)
            if self._text.sign() == b"]":
                self._text.drop(1)
            else:
                yield from self._array()
        else:
            yield from self._object()
        if self._text.sign():
            msg = f"{_MALFORMED} (text behind its end)"
            raise UnusableResponseError(msg)

    def _object(self) -> Iterator[bytes]:
        self._take(b"{")
        if self._text.sign() == b"}":
            self._text.drop(1)
            return
        sign = b","
        while sign == b",":
            name = self._text.value()
            if not isinstance(name, str):
                msg = f"{_MALFORMED} (a name is expected)"
                raise UnusableResponseError(msg)
            if len(self.members) >= _MOST_MEMBERS:
                msg = f"the report is JSON with more than {_MOST_MEMBERS} members beside the rows"
                raise UnusableResponseError(msg)
            self._take(b":")
            if can_be_rows(name) and self._text.starts_with_object():
                self._text.drop(1)
                self.arrays += 1
                if self.arrays > 1:
                    msg = "the report is JSON with 2 arrays of objects where one is expected"
                    raise UnusableResponseError(msg)
                yield from self._array()
            else:
                self.members.append((name, self._text.value()))
            sign = self._take(b",}")

    def _take(self, signs: bytes) -> bytes:
        sign = self._text.sign()
        if not sign or sign not in signs:
            msg = f"{_MALFORMED} ({' or '.join(signs.decode())} is expected)"
            raise UnusableResponseError(msg) if sign else CutShortError(msg)
        self._text.drop(1)
        return sign

    def _array(self) -> Iterator[bytes]:
        """Yield the rows of an array up to its end, which is taken, too."""
        enough, is_last = CHUNK, False
        while not is_last:
            self._text.more(enough)
            rows = self._text.held
            chunk, begin, is_last = self._cut(rows)
            if chunk:
                yield chunk
                self._text.drop(begin)
                enough = CHUNK
                continue
            self._check_size(rows)
            if self._text.has_ended:
                raise self._unfinished(rows)
            # A long row is not gone over again with each part of it.
            enough = min(2 * len(rows), LONGEST_ROW + CHUNK)

    def _cut(self, rows: bytes) -> tuple[bytes, int, bool]:
        """Return the whole rows, where the next one begins, and whether there is none.

        Without a row that is known to be whole, nothing is returned of them.
        """
        near = _BETWEEN_ROWS.finditer(rows, max(len(rows) - _NEAR, 0))
        for place in list(near)[: -_MOST_CUTS - 1 : -1]:
            if chunk := self._checked(rows[: place.start() + 1]):
                return chunk, place.end() - 1, False
        end, begin, is_last = _walked(rows)
        chunk = self._checked(rows[:end]) if end else b""
        if end and not chunk:
            chunk = rows[:end]
            self.rows += len(objects_of(chunk.decode(), self.rows + 1))
        return chunk, begin, is_last

    def _checked(self, rows: bytes) -> bytes:
        """Return rows, which are counted then, if they decode as such; else nothing.

        Raises:
            UnusableResponseError: a database cannot store them.
        """
        size = _size(rows)
        if not size and (quoted := _quoted(rows)) != rows:
            rows, size = quoted, _size(quoted)
        if not size:
            return b""
        if _is_unstorable(rows) or _is_deep(rows, size):
            objects_of(rows.decode(), self.rows + 1)
        self.rows += size
        return rows

    def _check_size(self, row: bytes) -> None:
        """Refuse a row, as far as it has come, that would take too much memory."""
        excess = ""
        if len(row) > _LARGE:
            plain = b"".join(_unquoted(row))
            if plain.count(b":") > MOST_COLUMNS:
                excess = f"{MOST_COLUMNS} names"
            elif sum(map(plain.count, (b",", b"[", b"{"))) > _MOST_VALUES:
                excess = f"{_MOST_VALUES} values"
            elif len(row) > LONGEST_ROW:
                excess = f"{LONGEST_ROW >> 20} MiB"
        if excess:
            msg = f"the report has more than {excess} in row {self.rows + 1}"
            raise UnusableResponseError(msg)

    def _unfinished(self, rows: bytes) -> CutShortError:
        """Return the failure of an array without an end."""
        try:
            number = self.rows + len(objects_of(rows.decode(), self.rows + 1))
        except UnusableResponseError as exc:
            return CutShortError(str(exc))
        return CutShortError(f"the report is malformed JSON behind row {number} (it has no end)")


class _Arriving:
    """A text that arrives, of which some is held.

    Args:
        parts: the text in UTF-8.

    Attributes:
        held: what has arrived and not been dropped.
        has_ended: whether there is no more.
    """

    def __init__(self, parts: Iterable[bytes]) -> None:
        self.held = b""
        self.has_ended = False
        self._parts_left = iter(parts)
        self._beside = 0  # bytes of the values that were taken

    def more(self, least: int) -> bool:
        """Hold so many bytes, if they arrive; tell whether there are more than before."""
        parts, size = [self.held], len(self.held)
        while size < least and not self.has_ended:
            if (part := next(self._parts_left, None)) is None:
                self.has_ended = True
            else:
                parts.append(part)
                size += len(part)
        is_more = size > len(self.held)
        self.held = b"".join(parts)
        return is_more

    def drop(self, size: int) -> None:
        """Hold so many bytes less."""
        self.held = self.held[size:]

    def sign(self) -> bytes:
        """Return the next byte that is not blank, and drop what is before it; none at the end."""
        blanks = 0
        while not (held := self.held.lstrip(_BLANK)):
            blanks += len(self.held)
            if blanks > _MOST_BESIDE:
                msg = f"{_MALFORMED} (more than {_MOST_BESIDE >> 20} MiB of blanks)"
                raise UnusableResponseError(msg)
            self.held = b""
            if not self.more(1):
                return b""
        self.held = held
        return held[:1]

    def starts_with_object(self) -> bool:
        """Tell whether an array follows whose first item is an object."""
        if self.sign() != b"[":
            return False
        while not self.held[1:].lstrip(_BLANK) and len(self.held) < _MOST_BESIDE:
            if not self.more(len(self.held) + 1):
                break
        return self.held[1:].lstrip(_BLANK).startswith(b"{")

    def value(self) -> Any:  # noqa: ANN401  # whatever JSON holds
        """Take a value; all of those that are taken must not be large together.

        Raises:
            UnusableResponseError: it is malformed, or they are large.
        """
        self.sign()
        size = _FEW
        while True:
            self.more(size)
            text, is_all = self.held[:size].decode(errors="ignore"), size >= len(self.held)
            is_end = is_all and self.has_ended
            try:
                value, end = _MEMBER.raw_decode(text)
            except RecursionError:
                msg = f"{_MALFORMED} (nested too deeply)"
                raise UnusableResponseError(msg) from None
            except json.JSONDecodeError as exc:
                if is_end:
                    msg = f"{_MALFORMED} ({exc.msg})"
                    raise CutShortError(msg) from None
            else:
                if end < len(text) or is_end:  # a number may go on
                    taken = len(text[:end].encode())
                    self._beside += taken
                    self.drop(taken)
                    return value
            if self._beside + size >= _MOST_BESIDE:
                msg = f"the report is JSON with {_MOST_BESIDE >> 20} MiB beside the rows"
                raise UnusableResponseError(msg)
            size *= 2


def _integer(token: str) -> int | str:
    return int(token) if len(token) <= _LONGEST_INTEGER else token


_MEMBER: Final = json.JSONDecoder(parse_int=_integer)


def _quoted(rows: bytes) -> bytes:
    for constant, text in _CONSTANTS:
        rows = constant.sub(text, rows)
    return rows


def _size(rows: bytes) -> int:
    """Return how many objects there are; 0 if msgspec cannot decode them as such."""
    try:
        return len(_ROWS.decode(b"[%b]" % rows))
    except (msgspec.MsgspecError, RecursionError):
        return 0


def _walked(rows: bytes) -> tuple[int, int, bool]:
    """Return what `JsonChunks._cut` does, found by counting brackets."""
    depth, last = 0, None
    for sign in _PUNCTUATION.finditer(rows):
        if sign[0][:1] == b'"':
            continue
        depth += 1 if sign[1] else -1
        if depth < 0 and sign[0] == b"]":
            return len(rows[: sign.start()].rstrip(_BLANK)), sign.end(), True
        if depth < 0:
            return sign.end(), sign.end(), True  # which does not decode
        if not depth:
            last = _BETWEEN_ROWS.match(rows, sign.start()) or last
    return (last.start() + 1, last.end() - 1, False) if last else (0, 0, False)


def _unquoted(rows: bytes) -> list[bytes]:
    """Return the parts that are not in quotes."""
    return rows.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')[::2]


def _is_deep(rows: bytes, size: int) -> bool:
    """Tell whether something is nested too deeply in so many rows."""
    if sum(rows.count(sign) for sign in (b"{", b"[") if sign in rows) - size < DEEPEST:
        return False
    shape = b"".join(_unquoted(rows)).translate(_BRACKETS, _ALL_BUT_BRACKETS)
    for _ in range(DEEPEST + 1):
        shape = shape.replace(b"{}", b"")
    return bool(shape)


def _is_unstorable(rows: bytes) -> bool:
    """Tell whether an escape seems to be there for what no database stores."""
    return bool(_ESCAPED.search(rows)) and bool(_UNSTORABLE.search(rows.replace(b"\\\\", b" ")))

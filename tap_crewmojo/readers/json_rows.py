"""The whole rows at the start of a JSON text, found and checked.

A text is cut where one row ends and the next begins. The same `},{` may be in a string or in a
nested array, so a cut counts only if the rows before it decode: half a row never does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from tap_crewmojo.cells import LONGEST_ROW, MOST_COLUMNS
from tap_crewmojo.errors import CutShortError, UnusableResponseError
from tap_crewmojo.json_cells import DEEPEST, objects_of
from tap_crewmojo.readers.json_text import BLANK

if TYPE_CHECKING:
    from typing import Final

_MOST_VALUES: Final = 1 << 20
"""Values in one row, at most, nested ones included."""

_LARGE: Final = 1 << 18  # bytes of a row that may have too many columns or values
_NEAR: Final = 1 << 14
_MOST_CUTS: Final = 8

_BETWEEN_ROWS = re.compile(rb"\}[ \t\r\n]*+,[ \t\r\n]*+\{")
_PUNCTUATION = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|([\[{])|[\]}]', re.DOTALL)
_BRACKETS: Final = bytes.maketrans(b"[]", b"{}")
_ALL_BUT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
# Python's encoder writes these where JSON has no number. In quotes they make the same cell; quotes
# around the same letters within a string would end that string, and the rows would not decode.
_CONSTANTS = tuple(
    (
        re.compile(rb"%b(?<=[:,\[ \t\r\n]%b)(?=[,\]} \t\r\n])" % (name, name)),
        b'"%b"' % name,
    )
    for name in (b"NaN", b"Infinity", b"-Infinity")
)
_ESCAPE = re.compile(rb"\\(?=u)")  # a search for one byte is several times faster than for two
# Escapes that no database stores: NUL, and one half of a surrogate pair.
_UNSTORABLE = re.compile(
    rb"\\u0000"
    rb"|\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])"
    rb"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F]"
)


class _AnyObject(msgspec.Struct):
    """An object; its values are skipped."""


_OBJECTS = msgspec.json.Decoder(list[_AnyObject])


@dataclass(frozen=True, slots=True)
class WholeRows:
    """The whole rows at the start of a text.

    Args:
        chunk: the rows, with commas between them; nothing if no row is known to be whole.
        size: the number of rows.
        next: where the text goes on behind them.
        are_last: whether the array ends with them.
    """

    chunk: bytes
    size: int
    next: int
    are_last: bool


def whole_rows(text: bytes, number: int) -> WholeRows:
    """Return the whole rows at the start of a text.

    Args:
        text: rows of an array, the last of which may be cut short, and what follows the array.
        number: the number of the first row, for messages.

    Raises:
        UnusableResponseError: a row is malformed, or has a character that no database stores.
    """
    near = _BETWEEN_ROWS.finditer(text, max(len(text) - _NEAR, 0))
    for cut in list(near)[: -_MOST_CUTS - 1 : -1]:
        chunk, size = _checked(text[: cut.start() + 1], number)
        if size:
            return WholeRows(chunk, size, cut.end() - 1, are_last=False)
    end, following, are_last = _walked(text)
    chunk, size = _checked(text[:end], number) if end else (b"", 0)
    if end and not size:
        chunk = text[:end]
        size = len(objects_of(chunk.decode(), number))
    return WholeRows(chunk, size, following, are_last)


def check_size(row: bytes, number: int) -> None:
    """Refuse the beginning of a row that would take too much memory.

    Raises:
        UnusableResponseError: the row has too many columns, values or bytes.
    """
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
        msg = f"the report has more than {excess} in row {number}"
        raise UnusableResponseError(msg)


def unfinished(text: bytes, number: int) -> CutShortError:
    """Return the failure of rows whose array has no end."""
    try:
        last = number - 1 + len(objects_of(text.decode(), number))
    except UnusableResponseError as exc:
        return CutShortError(str(exc))
    return CutShortError(f"the report is malformed JSON behind row {last} (it has no end)")


def _checked(rows: bytes, number: int) -> tuple[bytes, int]:
    """Return rows and their number, which is 0 if msgspec does not decode them.

    Raises:
        UnusableResponseError: a row has a character that no database stores, or is nested too
            deeply.
    """
    size = _count(rows)
    if not size and (quoted := _with_constants_quoted(rows)) != rows:
        rows, size = quoted, _count(quoted)
    if size and (_is_unstorable(rows) or _is_deep(rows, size)):
        objects_of(rows.decode(), number)
    return rows, size


def _count(rows: bytes) -> int:
    try:
        return len(_OBJECTS.decode(b"[%b]" % rows))
    except (msgspec.MsgspecError, RecursionError):
        return 0


def _with_constants_quoted(rows: bytes) -> bytes:
    for constant, text in _CONSTANTS:
        rows = constant.sub(text, rows)
    return rows


def _walked(text: bytes) -> tuple[int, int, bool]:
    """Return the end of the whole rows, where the text goes on, and whether the array ends there.

    Brackets are counted: this is slow, and right for any text.
    """
    depth, last = 0, None
    for sign in _PUNCTUATION.finditer(text):
        if sign[0][:1] == b'"':
            continue
        depth += 1 if sign[1] else -1
        if depth < 0 and sign[0] == b"]":
            return len(text[: sign.start()].rstrip(BLANK)), sign.end(), True
        if depth < 0:
            return sign.end(), sign.end(), True  # does not decode
        if not depth:
            last = _BETWEEN_ROWS.match(text, sign.start()) or last
    return (last.start() + 1, last.end() - 1, False) if last else (0, 0, False)


def _unquoted(rows: bytes) -> list[bytes]:
    """Return the parts outside quotes."""
    return rows.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')[::2]


def _is_deep(rows: bytes, size: int) -> bool:
    """Return whether a value in so many rows is nested too deeply."""
    if sum(rows.count(sign) for sign in (b"{", b"[") if sign in rows) - size < DEEPEST:
        return False
    shape = b"".join(_unquoted(rows)).translate(_BRACKETS, _ALL_BUT_BRACKETS)
    for _ in range(DEEPEST + 1):
        shape = shape.replace(b"{}", b"")
    return bool(shape)


def _is_unstorable(rows: bytes) -> bool:
    """Return whether an escape seems to be a character that no database stores."""
    return bool(_ESCAPE.search(rows)) and bool(_UNSTORABLE.search(rows.replace(b"\\\\", b" ")))

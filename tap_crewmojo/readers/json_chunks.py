"""A JSON response, taken apart while it arrives: its rows in chunks, its other members as values.

The rows are the bare array, or the only array of objects among the members of an object.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tap_crewmojo.cells import LONGEST_ROW
from tap_crewmojo.errors import CutShortError, UnusableResponseError
from tap_crewmojo.readers.json_members import can_be_rows
from tap_crewmojo.readers.json_rows import check_size, unfinished, whole_rows
from tap_crewmojo.readers.json_text import MALFORMED, JsonText

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_MOST_MEMBERS: Final = 1000


class JsonChunks:
    """The rows of a JSON response in chunks: objects with commas between them.

    Args:
        parts: the response, valid UTF-8, as it arrives.
        size: bytes from which each chunk is cut.

    Attributes:
        members: names and values of the members beside the rows; complete after the last chunk.
        arrays: the number of members with rows so far.
        is_bare: whether the response is an array.
        rows: rows so far.

    Raises:
        UnusableResponseError: the JSON is malformed, a row is not an object, there are several
            arrays of rows, or the response is beyond a limit.
    """

    def __init__(self, parts: Iterable[bytes], size: int) -> None:
        self.members: list[tuple[str, Any]] = []
        self.arrays = 0
        self.is_bare = False
        self.rows = 0
        self._size = size
        self._text = JsonText(parts)

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
            msg = f"{MALFORMED} (text behind its end)"
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
                msg = f"{MALFORMED} (a name is expected)"
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
            msg = f"{MALFORMED} ({' or '.join(signs.decode())} is expected)"
            raise UnusableResponseError(msg) if sign else CutShortError(msg)
        self._text.drop(1)
        return sign

    def _array(self) -> Iterator[bytes]:
        """Yield the rows of an array; its end is taken with the last of them."""
        enough, are_last = self._size, False
        while not are_last:
            self._text.more(enough)
            text, number = self._text.held, self.rows + 1
            whole = whole_rows(text, number)
            are_last = whole.are_last
            if whole.chunk:
                self.rows += whole.size
                yield whole.chunk
                self._text.drop(whole.next)
                enough = self._size
                continue
            check_size(text, number)
            if self._text.has_ended:
                raise unfinished(text, number)
            # Doubled, so that a long row is not read again with each part of it.
            enough = min(2 * len(text), LONGEST_ROW + self._size)

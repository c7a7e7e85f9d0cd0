"""A JSON text that arrives in parts, taken sign by sign and value by value."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from tap_crewmojo.errors import CutShortError, UnusableResponseError

if TYPE_CHECKING:
    from collections.abc import Iterable

MALFORMED: Final = "the report is malformed JSON"
BLANK: Final = b" \t\r\n"

_MOST_BESIDE: Final = 1 << 20
"""Bytes of all that is not the rows, at most."""

_FEW: Final = 1 << 12  # bytes that most values have room in
_LONGEST_INTEGER: Final = 20


class JsonText:
    """A JSON text, the beginning of which is held while the rest arrives.

    Args:
        parts: the text in UTF-8.

    Attributes:
        held: the bytes that have arrived and have not been dropped.
        has_ended: whether all of the text has arrived.
    """

    def __init__(self, parts: Iterable[bytes]) -> None:
        self.held = b""
        self.has_ended = False
        self._arriving = iter(parts)
        self._taken = 0  # bytes of the values so far

    def more(self, least: int) -> bool:
        """Wait until so many bytes are held; return whether there are more than before."""
        parts, size = [self.held], len(self.held)
        while size < least and not self.has_ended:
            if (part := next(self._arriving, None)) is None:
                self.has_ended = True
            else:
                parts.append(part)
                size += len(part)
        is_more = size > len(self.held)
        self.held = b"".join(parts)
        return is_more

    def drop(self, size: int) -> None:
        """Drop bytes from the start."""
        self.held = self.held[size:]

    def sign(self) -> bytes:
        """Drop blanks; return the next byte, or nothing at the end."""
        blanks = 0
        while not (held := self.held.lstrip(BLANK)):
            blanks += len(self.held)
            if blanks > _MOST_BESIDE:
                msg = f"{MALFORMED} (more than {_MOST_BESIDE >> 20} MiB of blanks)"
                raise UnusableResponseError(msg)
            self.held = b""
            if not self.more(1):
                return b""
        self.held = held
        return held[:1]

    def starts_with_object(self) -> bool:
        """Return whether an array follows whose first item is an object."""
        if self.sign() != b"[":
            return False
        while not self.held[1:].lstrip(BLANK) and len(self.held) < _MOST_BESIDE:
            if not self.more(len(self.held) + 1):
                break
        return self.held[1:].lstrip(BLANK).startswith(b"{")

    def value(self) -> Any:  # noqa: ANN401  # whatever JSON holds
        """Take a value.

        Raises:
            UnusableResponseError: the value is malformed, or the values so far are too large.
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
                msg = f"{MALFORMED} (nested too deeply)"
                raise UnusableResponseError(msg) from None
            except json.JSONDecodeError as exc:
                if is_end:
                    msg = f"{MALFORMED} ({exc.msg})"
                    raise CutShortError(msg) from None
            else:
                if end < len(text) or is_end:  # otherwise it may be the start of a longer number
                    size = len(text[:end].encode())
                    self._taken += size
                    self.drop(size)
                    return value
            if self._taken + size >= _MOST_BESIDE:
                msg = f"the report is JSON with {_MOST_BESIDE >> 20} MiB beside the rows"
                raise UnusableResponseError(msg)
            size *= 2


def _integer(token: str) -> int | str:
    return int(token) if len(token) <= _LONGEST_INTEGER else token


_MEMBER: Final = json.JSONDecoder(parse_int=_integer)

"""Responses as raw bytes: framed, cut or malformed in ways that an HTTP server does not allow."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_crewmojo.sandbox.responses import Response

Framing: TypeAlias = Literal["length", "chunked", "close"]
FRAMINGS: Final[tuple[str, ...]] = get_args(Framing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """How a response is sent.

    Attributes:
        framing: How the end of the body is marked: by its `Content-Length`, by a last chunk, or by
            the end of the connection.
        transfer_encoding: The transfer coding of the body inside the chunks.
        sent: Send this number of bytes of the body, then close the connection.
        status_line: A replacement for the status line.
        lines: Raw lines before the headers.
        has_blank_line: Whether a blank line ends the headers.
        before: Raw bytes before the status line, such as an interim response.
        ending: The state of the connection after the response: kept, closed, or reset before
            anything is sent. It is also closed if `framing` or `sent` need it.
    """

    framing: str = "length"
    transfer_encoding: str | None = None
    sent: int | None = None
    status_line: str | None = None
    lines: tuple[str, ...] = ()
    has_blank_line: bool = True
    before: bytes = b""
    ending: Literal["close", "keep", "reset"] = "keep"

    @property
    def is_kept(self) -> bool:
        """Whether the connection is kept open for more requests."""
        return self.ending == "keep" and self.framing != "close" and self.sent is None


def to_bytes(response: Response, wire: Wire) -> bytes:
    """Return the bytes of a response."""
    if wire.ending == "reset":
        return b""
    lines = [
        wire.status_line or status_line(response.status),
        *wire.lines,
        *_headers(response, wire),
    ]
    blank = "\r\n" if wire.has_blank_line else ""
    head = "".join(f"{line}\r\n" for line in lines) + blank
    # Latin-1: a fault can contain any byte.
    return wire.before + head.encode("latin-1") + _framed(response.body, wire)


def interim(status: int, headers: dict[str, str], body: str) -> bytes:
    """Return an interim response, with a body that HTTP does not allow it to have."""
    lines = [status_line(status), *(f"{name}: {value}" for name, value in headers.items())]
    if body:
        lines.append(f"Content-Length: {len(body.encode())}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body.encode()


def status_line(status: int) -> str:
    """Return the status line of a response."""
    phrases = {known.value: known.phrase for known in HTTPStatus}
    return f"HTTP/1.1 {status} {phrases.get(status, 'Unknown')}"


def _headers(response: Response, wire: Wire) -> Iterator[str]:
    yield f"Content-Type: {response.content_type}"
    for name, value in response.headers.items():
        yield f"{name}: {value}"
    match wire.framing:
        case "length":
            yield f"Content-Length: {len(response.body)}"
        case "chunked":
            codings = filter(None, (wire.transfer_encoding, "chunked"))
            yield f"Transfer-Encoding: {', '.join(codings)}"
        case _:
            yield "Connection: close"


def _framed(body: bytes, wire: Wire) -> bytes:
    part = body if wire.sent is None else body[: wire.sent]
    if wire.framing != "chunked":
        return part
    chunk = b"%x\r\n%s\r\n" % (len(part), part) if part else b""
    return chunk if wire.sent is not None else chunk + b"0\r\n\r\n"

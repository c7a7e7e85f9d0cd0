"""Responses as raw bytes: framed, cut or malformed in ways that a proper server refuses to send."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_crewmojo.sandbox.responses import Answer

Framing: TypeAlias = Literal["length", "chunked", "close"]
FRAMINGS: Final[tuple[str, ...]] = get_args(Framing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """How a response goes over the wire.

    Attributes:
        framing: Where the body ends: after its `Content-Length`, with a last chunk, or where the
            connection is closed, which nothing announces.
        transfer_encoding: What the chunks hold, if the body was compressed for the transfer.
        sent: So many bytes of the body are sent, then the connection is closed.
        status_line: What stands instead of the status line.
        lines: Raw lines ahead of the headers.
        has_blank_line: Whether a blank line ends the headers.
        before: Raw bytes ahead of the status line, such as an interim response.
        ending: What becomes of the connection, unless its end is what ends the body. A reset one
            sends nothing.
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
        """Whether the connection is kept for more requests."""
        return self.ending == "keep" and self.framing != "close" and self.sent is None


def to_bytes(answer: Answer, wire: Wire) -> bytes:
    """Render a whole response."""
    if wire.ending == "reset":
        return b""
    lines = [wire.status_line or status_line(answer.status), *wire.lines, *_headers(answer, wire)]
    blank = "\r\n" if wire.has_blank_line else ""
    head = "".join(f"{line}\r\n" for line in lines) + blank
    # Latin-1, so that a fault can order any byte.
    return wire.before + head.encode("latin-1") + _framed(answer.body, wire)


def interim(status: int, headers: dict[str, str], body: str) -> bytes:
    """Render an interim response, with a body that it must not have."""
    lines = [status_line(status), *(f"{name}: {value}" for name, value in headers.items())]
    if body:
        lines.append(f"Content-Length: {len(body.encode())}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body.encode()


def status_line(status: int) -> str:
    """Return the first line of a response."""
    known = {known.value: known.phrase for known in HTTPStatus}
    return f"HTTP/1.1 {status} {known.get(status, 'Unknown')}"


def _headers(answer: Answer, wire: Wire) -> Iterator[str]:
    yield f"Content-Type: {answer.content_type}"
    for name, value in answer.headers.items():
        yield f"{name}: {value}"
    match wire.framing:
        case "length":
            yield f"Content-Length: {len(answer.body)}"
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

"""The kinds of faults: a table, and a small function for each kind.

A kind replaces the true response, or changes it. If it replaces the response, the service does not
see the request: no token is issued, no job starts. The kinds that do neither act on tokens, jobs or
time; `Server` implements these.
"""

from __future__ import annotations

import json
import re
import zlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from tap_crewmojo.sandbox.responses import CSV, JSON, Response
from tap_crewmojo.sandbox.wire import Wire, interim

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_crewmojo.sandbox.faults import Fault

PLACES: Final = ("half", "cell", "line")
DAMAGES: Final = ("half", "trailer", "checksum", "members", "plain")

_WINDOWS: Final = {"gzip": 31, "deflate": 15, "raw-deflate": -15}  # zlib's `wbits`
_TRAILERS: Final = {"gzip": 8, "deflate": 4}  # bytes of the checksum and length at the end
_MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class FaultKind:
    """A kind of fault.

    Attributes:
        description: Its effect, for the help.
        example: The fields of an example, without phase and kind.
        fields: The names of the fields that it reads.
        replacement: Makes the response that replaces the true one.
        change: Changes the true response.
        phase: The phase of the example.
    """

    description: str
    example: Mapping[str, Any] = field(default_factory=dict)
    fields: tuple[str, ...] = ()
    replacement: Callable[[Fault], Response] | None = None
    change: Callable[[Fault, Response], Response] | None = None
    phase: str = "post"


# --- kinds that replace the true response -----------------------------------------------------


def _status(fault: Fault) -> Response:
    headers = dict(fault.headers or {})
    if fault.retry_after is not None:
        headers["Retry-After"] = fault.retry_after
    body = '{"error": "a fault of the sandbox"}' if fault.body is None else fault.body
    return Response(body.encode(), fault.content_type or JSON, fault.status or 500, headers)


def _body(fault: Fault) -> Response:
    body, content_type = (fault.body or "").encode(), fault.content_type or CSV
    return Response(body, content_type, fault.status or 200, fault.headers or {})


def _redirect(fault: Fault) -> Response:
    return Response(status=fault.status or 302, headers={"Location": fault.body or "/"})


def _reset(_fault: Fault) -> Response:
    return Response(wire=Wire(ending="reset"))


def _nested(fault: Fault) -> Response:
    depth = 100_000 if fault.size is None else fault.size
    return Response(b'{"access_token": ' + b"[" * depth + b"]" * depth + b"}")


def _bomb(fault: Fault) -> Response:
    """Compress zeros one MiB at a time: only the client must need the memory for all of them."""
    size = 1500 * _MIB if fault.size is None else fault.size
    encoding = fault.encoding or "gzip"
    packer, zeros = _packer(encoding), b"0" * _MIB
    parts = [packer.compress((fault.body or "").encode())]
    parts += [packer.compress(zeros) for _ in range(size // _MIB)]
    parts += [packer.compress(zeros[: size % _MIB]), packer.flush()]
    return _encoded(Response(content_type=fault.content_type or CSV), encoding, b"".join(parts))


# --- kinds that change the true response ------------------------------------------------------


def _cut(fault: Fault, response: Response) -> Response:
    lines = response.body.rstrip(b"\r\n")
    sent = {
        "half": len(response.body) // 2,
        "cell": len(lines) - 1,
        "line": lines.rfind(b"\n") + 1,
    }[fault.at or "half"]
    return replace(response, wire=Wire(framing=fault.framing or "length", sent=max(sent, 0)))


def _frame(fault: Fault, response: Response) -> Response:
    return replace(response, wire=Wire(framing=fault.framing or "close"))


def _compress(fault: Fault, response: Response) -> Response:
    encoding, damage = fault.encoding or "gzip", fault.damage
    whole = _packed(response.body, encoding)
    end = len(whole) - _TRAILERS.get(encoding, 1)
    match damage:
        case "half":
            body = whole[: len(whole) // 2]
        case "trailer":
            body = whole[:end]
        case "checksum":
            body = whole[:end] + bytes([whole[end] ^ 0xFF]) + whole[end + 1 :]
        case "members":
            middle = len(response.body) // 2
            body = b"".join(
                _packed(part, encoding) for part in (response.body[:middle], response.body[middle:])
            )
        case "plain":
            body = response.body
        case _:
            body = whole
    if fault.transfer:
        wire = Wire(framing="chunked", transfer_encoding=encoding)
        return replace(response, body=body, wire=wire)
    wire = Wire(framing=fault.framing or "length")
    return replace(_encoded(response, encoding, body), wire=wire)


def _packed(body: bytes, encoding: str) -> bytes:
    packer = _packer(encoding)
    return packer.compress(body) + packer.flush()


def _packer(encoding: str) -> zlib._Compress:
    """Return a compressor; for an unknown encoding, one whose output has no header."""
    return zlib.compressobj(wbits=_WINDOWS.get(encoding, -15))


def _encoded(response: Response, encoding: str, body: bytes) -> Response:
    name = encoding.removeprefix("raw-")  # HTTP calls both "deflate"
    return replace(response, body=body, headers={**response.headers, "Content-Encoding": name})


def _charset(fault: Fault, response: Response) -> Response:
    charset = fault.charset or "iso-8859-1"
    content_type = (
        fault.content_type or f"{response.content_type.partition(';')[0]}; charset={charset}"
    )
    body = response.body.decode().encode(charset, "replace")
    return replace(response, body=body, content_type=content_type)


def _interim(fault: Fault, response: Response) -> Response:
    first = interim(fault.status or 103, fault.headers or {}, fault.body or "")
    return replace(response, wire=Wire(before=first))


def _malformed(fault: Fault, response: Response) -> Response:
    wire = Wire(
        framing=fault.framing or "length",
        status_line=fault.status_line,
        lines=tuple(fault.lines or ()),
        has_blank_line=fault.blank_line,
        ending="close" if fault.close else "keep",
    )
    return replace(response, wire=wire)


def _wrap(fault: Fault, response: Response) -> Response:
    text = response.body.decode().strip()
    parts = {"BODY": text, "INNER": text[1:-1], "COUNT": str(_rows_in(text))}
    body = re.sub("|".join(parts), lambda found: parts[found[0]], fault.body or "BODY")
    return replace(response, body=body.encode(), content_type=fault.content_type or JSON)


def _rows_in(text: str) -> int:
    try:
        rows = json.loads(text)
    except ValueError:
        return 0
    return len(rows) if isinstance(rows, list) else 0


def _repeat_name(_fault: Fault, response: Response) -> Response:
    rows = json.loads(response.body) if response.content_type == JSON else None
    if not isinstance(rows, list):
        return response
    texts = (
        f'{json.dumps(row, ensure_ascii=False)[:-1]}, {json.dumps(next(iter(row)))}: "repeated"}}'
        for row in rows
    )
    return replace(response, body=f"[{', '.join(texts)}]".encode())


FAULT_KINDS: Final[Mapping[str, FaultKind]] = {
    "status": FaultKind(
        "respond with `status` (500) and with `body` or a JSON error; optional: `content_type`, "
        "`headers`, `retry_after`",
        {"status": 429, "retry_after": "20"},
        ("status", "body", "content_type", "headers", "retry_after"),
        replacement=_status,
    ),
    "body": FaultKind(
        "respond with `status` (200) and `body`; optional: `content_type`, `headers`",
        {"body": '{"error": "busy", "errors": []}', "content_type": "application/json"},
        ("status", "body", "content_type", "headers"),
        replacement=_body,
    ),
    "empty": FaultKind(
        "respond with `status` (200) and an empty body; optional: `content_type`, `headers`",
        {"status": 204},
        ("status", "content_type", "headers"),
        replacement=_body,
    ),
    "redirect": FaultKind(
        "redirect to the address `body`, with `status` (302)",
        {"body": "http://[x"},
        ("status", "body"),
        replacement=_redirect,
    ),
    "nested": FaultKind(
        "respond with JSON that is nested `size` (100,000) levels deep",
        {"size": 5000},
        ("size",),
        replacement=_nested,
        phase="token",
    ),
    "bomb": FaultKind(
        "respond with `body` and then `size` (1.5 GiB) zeros in one line, compressed; optional: "
        "`encoding`, `content_type`",
        {"size": 80_000_000, "body": "Name\n"},
        ("size", "body", "encoding", "content_type"),
        replacement=_bomb,
    ),
    "reset": FaultKind("reset the connection before any response", replacement=_reset),
    "cut": FaultKind(
        "send a part of the response, then close the connection. `at` is where it is cut: at its "
        "`half`, in its last `cell`, or before its last `line`. `framing` is how the end of the "
        "body was announced: by its `length`, as `chunked`, or not at all (`close`)",
        {"framing": "close", "at": "cell"},
        ("framing", "at"),
        change=_cut,
    ),
    "frame": FaultKind(
        "send the complete response with another `framing`; by default `close`: nothing announces "
        "its end",
        {"framing": "close"},
        ("framing",),
        change=_frame,
    ),
    "compress": FaultKind(
        "compress the body with `encoding`: `gzip`, `deflate` or `raw-deflate`; any other name is "
        "put into the header, and the body cannot be read. `damage`: only the first `half` is "
        "sent, the `trailer` is missing, the `checksum` is wrong, there are two `members`, or the "
        "body is `plain`, not compressed. `framing` as for cut; `transfer` makes it a "
        "Transfer-Encoding",
        {"encoding": "gzip", "damage": "half", "framing": "chunked"},
        ("encoding", "damage", "framing", "transfer"),
        change=_compress,
    ),
    "charset": FaultKind(
        "encode the body in `charset` (with ? for characters that it lacks), and put that into the "
        "header, or `content_type` instead",
        {"charset": "iso-8859-1"},
        ("charset", "content_type"),
        change=_charset,
    ),
    "interim": FaultKind(
        "send an interim response first, with `status` (103), `headers` and even a `body`",
        {"status": 103, "headers": {"Link": "</style.css>; rel=preload"}},
        ("status", "headers", "body"),
        change=_interim,
    ),
    "malformed": FaultKind(
        "put raw `lines` before the headers, replace the `status_line`, or omit the `blank_line` "
        "that ends the headers (false). `framing` as for cut; `close` the connection afterwards",
        {"lines": ["a header without a colon"], "close": True},
        ("lines", "status_line", "blank_line", "framing", "close"),
        change=_malformed,
    ),
    "wrap": FaultKind(
        "put the JSON response into `body`: BODY is replaced by the response, INNER by the text "
        "between its outer brackets, COUNT by the number of its rows; optional: `content_type`",
        {"body": '{"total": COUNT, "data": BODY}'},
        ("body", "content_type"),
        change=_wrap,
    ),
    "repeat-name": FaultKind(
        "repeat the first name of each JSON row at the end of the row, with another value",
        change=_repeat_name,
    ),
    "delay": FaultKind("wait `seconds` before the response", {"seconds": 20}, ("seconds",)),
    "revoke": FaultKind("invalidate all tokens before the response"),
    "lose-job": FaultKind("lose the job that is polled, or that was just started", phase="poll"),
}

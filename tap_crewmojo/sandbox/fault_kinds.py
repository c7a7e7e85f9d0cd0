"""The kinds of faults: a table, and a small function for each.

A kind either replaces the true response or changes it. To replace it leaves undone what the request
asks for: no token is issued, no job begins. The kinds that do neither act on tokens, jobs or time
(`Server` sees to these).
"""

from __future__ import annotations

import json
import re
import zlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from tap_crewmojo.sandbox.responses import CSV, JSON, Answer
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
    """What goes wrong.

    Attributes:
        does: What it does, for the help.
        example: The fields of an example besides phase and kind.
        takes: The fields that it reads.
        instead: Makes the response that replaces the true one.
        change: Makes a response of the true one.
        phase: The phase of the example.
    """

    does: str
    example: Mapping[str, Any] = field(default_factory=dict)
    takes: tuple[str, ...] = ()
    instead: Callable[[Fault], Answer] | None = None
    change: Callable[[Fault, Answer], Answer] | None = None
    phase: str = "post"


# --- instead of the true response -------------------------------------------------------------


def _status(fault: Fault) -> Answer:
    headers = dict(fault.headers or {})
    if fault.retry_after is not None:
        headers["Retry-After"] = fault.retry_after
    body = '{"error": "as ordered"}' if fault.body is None else fault.body
    return Answer(body.encode(), fault.content_type or JSON, fault.status or 500, headers)


def _body(fault: Fault) -> Answer:
    body, content_type = (fault.body or "").encode(), fault.content_type or CSV
    return Answer(body, content_type, fault.status or 200, fault.headers or {})


def _redirect(fault: Fault) -> Answer:
    return Answer(status=fault.status or 302, headers={"Location": fault.body or "/"})


def _reset(_fault: Fault) -> Answer:
    return Answer(wire=Wire(ending="reset"))


def _nested(fault: Fault) -> Answer:
    depth = 100_000 if fault.size is None else fault.size
    return Answer(b'{"access_token": ' + b"[" * depth + b"]" * depth + b"}")


def _bomb(fault: Fault) -> Answer:
    """Compress zeros a MiB at a time: the sandbox must not take the memory that it wants filled."""
    size = 1500 * _MIB if fault.size is None else fault.size
    encoding = fault.encoding or "gzip"
    packer, zeros = _packer(encoding), b"0" * _MIB
    parts = [packer.compress((fault.body or "").encode())]
    parts += [packer.compress(zeros) for _ in range(size // _MIB)]
    parts += [packer.compress(zeros[: size % _MIB]), packer.flush()]
    return _encoded(Answer(content_type=fault.content_type or CSV), encoding, b"".join(parts))


# --- the true response, changed ---------------------------------------------------------------


def _cut(fault: Fault, answer: Answer) -> Answer:
    lines = answer.body.rstrip(b"\r\n")
    sent = {
        "half": len(answer.body) // 2,
        "cell": len(lines) - 1,
        "line": lines.rfind(b"\n") + 1,
    }[fault.at or "half"]
    return replace(answer, wire=Wire(framing=fault.framing or "length", sent=max(sent, 0)))


def _frame(fault: Fault, answer: Answer) -> Answer:
    return replace(answer, wire=Wire(framing=fault.framing or "close"))


def _compress(fault: Fault, answer: Answer) -> Answer:
    encoding, damage = fault.encoding or "gzip", fault.damage
    whole = _packed(answer.body, encoding)
    end = len(whole) - _TRAILERS.get(encoding, 1)
    match damage:
        case "half":
            body = whole[: len(whole) // 2]
        case "trailer":
            body = whole[:end]
        case "checksum":
            body = whole[:end] + bytes([whole[end] ^ 0xFF]) + whole[end + 1 :]
        case "members":
            middle = len(answer.body) // 2
            body = b"".join(
                _packed(part, encoding) for part in (answer.body[:middle], answer.body[middle:])
            )
        case "plain":
            body = answer.body
        case _:
            body = whole
    if fault.transfer:
        wire = Wire(framing="chunked", transfer_encoding=encoding)
        return replace(answer, body=body, wire=wire)
    wire = Wire(framing=fault.framing or "length")
    return replace(_encoded(answer, encoding, body), wire=wire)


def _packed(body: bytes, encoding: str) -> bytes:
    packer = _packer(encoding)
    return packer.compress(body) + packer.flush()


def _packer(encoding: str) -> zlib._Compress:
    """Return what compresses; of an encoding that is unknown here, bytes that nobody can read."""
    return zlib.compressobj(wbits=_WINDOWS.get(encoding, -15))


def _encoded(answer: Answer, encoding: str, body: bytes) -> Answer:
    stated = encoding.removeprefix("raw-")  # HTTP has one name for both kinds of deflate
    return replace(answer, body=body, headers={**answer.headers, "Content-Encoding": stated})


def _charset(fault: Fault, answer: Answer) -> Answer:
    charset = fault.charset or "iso-8859-1"
    stated = f"{answer.content_type.partition(';')[0]}; charset={charset}"
    body = answer.body.decode().encode(charset, "replace")
    return replace(answer, body=body, content_type=fault.content_type or stated)


def _interim(fault: Fault, answer: Answer) -> Answer:
    first = interim(fault.status or 103, fault.headers or {}, fault.body or "")
    return replace(answer, wire=Wire(before=first))


def _malformed(fault: Fault, answer: Answer) -> Answer:
    wire = Wire(
        framing=fault.framing or "length",
        status_line=fault.status_line,
        lines=tuple(fault.lines or ()),
        has_blank_line=fault.blank_line,
        ending="close" if fault.close else "keep",
    )
    return replace(answer, wire=wire)


def _wrap(fault: Fault, answer: Answer) -> Answer:
    true = answer.body.decode().strip()
    parts = {"BODY": true, "INNER": true[1:-1], "COUNT": str(_rows_in(true))}
    body = re.sub("|".join(parts), lambda found: parts[found[0]], fault.body or "BODY")
    return replace(answer, body=body.encode(), content_type=fault.content_type or JSON)


def _rows_in(text: str) -> int:
    try:
        rows = json.loads(text)
    except ValueError:
        return 0
    return len(rows) if isinstance(rows, list) else 0


def _repeat_name(_fault: Fault, answer: Answer) -> Answer:
    rows = json.loads(answer.body) if answer.content_type == JSON else None
    if not isinstance(rows, list):
        return answer
    texts = (
        f'{json.dumps(row, ensure_ascii=False)[:-1]}, {json.dumps(next(iter(row)))}: "repeated"}}'
        for row in rows
    )
    return replace(answer, body=f"[{', '.join(texts)}]".encode())


KINDS: Final[Mapping[str, FaultKind]] = {
    "status": FaultKind(
        "respond with `status` (500), and with `body` or a JSON error; may take `content_type`, "
        "`headers` and `retry_after`",
        {"status": 429, "retry_after": "20"},
        ("status", "body", "content_type", "headers", "retry_after"),
        instead=_status,
    ),
    "body": FaultKind(
        "respond with `status` (200) and `body` instead; may take `content_type` and `headers`",
        {"body": '{"error": "busy", "errors": []}', "content_type": "application/json"},
        ("status", "body", "content_type", "headers"),
        instead=_body,
    ),
    "empty": FaultKind(
        "respond with `status` (200) and an empty body; may take `content_type` and `headers`",
        {"status": 204},
        ("status", "content_type", "headers"),
        instead=_body,
    ),
    "redirect": FaultKind(
        "redirect to the address `body`, with `status` (302)",
        {"body": "http://[x"},
        ("status", "body"),
        instead=_redirect,
    ),
    "nested": FaultKind(
        "respond with JSON that is nested `size` (100,000) deep",
        {"size": 5000},
        ("size",),
        instead=_nested,
        phase="token",
    ),
    "bomb": FaultKind(
        "respond with `body` and `size` (1.5 GiB) zeros in one line, compressed; may take "
        "`encoding` and `content_type`",
        {"size": 80_000_000, "body": "Name\n"},
        ("size", "body", "encoding", "content_type"),
        instead=_bomb,
    ),
    "reset": FaultKind("reset the connection ahead of any response", instead=_reset),
    "cut": FaultKind(
        "send the response up to its `half`, its last `cell` or last `line` (`at`), then close "
        "the connection; `framing` says what announced the end of the body: its `length`, "
        "`chunked`, or nothing (`close`)",
        {"framing": "close", "at": "cell"},
        ("framing", "at"),
        change=_cut,
    ),
    "frame": FaultKind(
        "send the whole response with another `framing`: by default nothing says where it ends",
        {"framing": "close"},
        ("framing",),
        change=_frame,
    ),
    "compress": FaultKind(
        "compress the body with `encoding`: `gzip`, `deflate` or `raw-deflate`; any other name is "
        "stated for bytes that nobody can read. `damage`: `half` of it is sent, its `trailer` is "
        "missing, its `checksum` is wrong, it has two `members`, or it is `plain` after all. "
        "`framing` as above; `transfer` makes it a Transfer-Encoding",
        {"encoding": "gzip", "damage": "half", "framing": "chunked"},
        ("encoding", "damage", "framing", "transfer"),
        change=_compress,
    ),
    "charset": FaultKind(
        "encode the body in `charset` (? for what it lacks), and state that, or `content_type`",
        {"charset": "iso-8859-1"},
        ("charset", "content_type"),
        change=_charset,
    ),
    "interim": FaultKind(
        "send an interim response ahead, with `status` (103), `headers` and even a `body`",
        {"status": 103, "headers": {"Link": "</style.css>; rel=preload"}},
        ("status", "headers", "body"),
        change=_interim,
    ),
    "malformed": FaultKind(
        "put raw `lines` ahead of the headers, replace the `status_line`, or leave out the "
        "`blank_line` that ends the headers; `framing` as above; `close` the connection after it",
        {"lines": ["a header without a colon"], "close": True},
        ("lines", "status_line", "blank_line", "framing", "close"),
        change=_malformed,
    ),
    "wrap": FaultKind(
        "put the JSON response into `body`: BODY stands for the response, INNER for what is "
        "between its outer brackets, COUNT for the number of its rows; may take `content_type`",
        {"body": '{"total": COUNT, "data": BODY}'},
        ("body", "content_type"),
        change=_wrap,
    ),
    "repeat-name": FaultKind(
        "repeat the first name of each JSON row at its end, with another value",
        change=_repeat_name,
    ),
    "delay": FaultKind("wait `seconds` before the response", {"seconds": 20}, ("seconds",)),
    "revoke": FaultKind("invalidate all tokens first"),
    "lose-job": FaultKind("forget the job that is requested, or begun", phase="poll"),
}

"""The faults of responses that the tests try, and the expected result of each.

Each fault is applied once and, if that makes sense, every time. The report must then be *complete*
(it has the rows of a run without faults) or *failed* (an error names the report and the window, and
the bookmark is before that window). *Either* means that both are correct.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Fields: TypeAlias = "dict[str, Any]"
Result: TypeAlias = Literal["complete", "failed", "either"]

MARK = "Quillfeather"
"""A name in bodies and headers of faults: a log must not contain it."""


@dataclass(frozen=True)
class Case:
    """A fault, and the expected results.

    Attributes:
        name: The name of the report that it is applied to.
        fault: The fields of the fault.
        once: The result if it is applied once.
        always: The result if it is applied every time; None: this is not tried.
        phases: The phases in which it makes sense.
        formats: The content types in which it makes sense.
        times: How often it is applied for `once`.
        is_one_job: Whether `once` must not need a second request for the report.
        message: A pattern for the error.
    """

    name: str
    fault: Fields
    once: Result
    always: Result | None
    phases: tuple[str, ...] = ("post", "poll")
    formats: tuple[str, ...] = ("csv", "json")
    times: int = 1
    is_one_job: bool = False
    message: str = ""


def harmless(name: str, fault: Fields, **more: Any) -> Case:  # noqa: ANN401
    """Return a case that does not change the result."""
    return Case(name, fault, "complete", **{"always": "complete", "is_one_job": True, **more})


def recoverable(name: str, fault: Fields, **more: Any) -> Case:  # noqa: ANN401
    """Return a case that a retry resolves."""
    return Case(name, fault, "complete", **{"always": "failed", **more})


def refused(name: str, fault: Fields, **more: Any) -> Case:  # noqa: ANN401
    """Return a case that may fail without a retry, and must fail every time."""
    return Case(name, fault, "either", "failed", **more)


def undecided(name: str, fault: Fields, **more: Any) -> Case:  # noqa: ANN401
    """Return a case that the tap may read or refuse."""
    return Case(name, fault, "either", "either", **more)


def status(number: int, retry_after: str | None = None, **more: Any) -> Fields:  # noqa: ANN401
    return {"kind": "status", "status": number, "retry_after": retry_after, **more}


def cut(framing: str, at: str = "half") -> Fields:
    return {"kind": "cut", "framing": framing, "at": at}


def compress(encoding: str, damage: str | None = None, framing: str = "length") -> Fields:
    return {"kind": "compress", "encoding": encoding, "damage": damage, "framing": framing}


def malformed(*lines: str, **more: Any) -> Fields:  # noqa: ANN401
    return {"kind": "malformed", "lines": list(lines), **more}


def body(text: str, content_type: str = "application/json", **more: Any) -> Fields:  # noqa: ANN401
    return {"kind": "body", "body": text, "content_type": content_type, **more}


def wrap(template: str) -> Fields:
    return {"kind": "wrap", "body": template}


def charset(name: str, **more: Any) -> Fields:  # noqa: ANN401
    return {"kind": "charset", "charset": name, **more}


FRAMINGS = ("length", "chunked", "close")

TRUNCATED = [
    *(
        recoverable(f"cut-{framing}-{at}", cut(framing, at))
        for framing in FRAMINGS
        for at in ("half", "cell")
    ),
    *(  # without an announced end of the body, a missing line cannot be detected
        recoverable(f"cut-{framing}-line", cut(framing, "line"), formats=("csv",))
        for framing in ("length", "chunked")
    ),
    harmless("whole-without-length", {"kind": "frame"}),
    *(
        recoverable(f"{encoding}-half-{framing}", compress(encoding, "half", framing))
        for encoding in ("gzip", "deflate", "raw-deflate")
        for framing in FRAMINGS
    ),
    *(
        recoverable(f"{encoding}-{damage}", compress(encoding, damage))
        for encoding in ("gzip", "deflate")
        for damage in ("trailer", "checksum")
    ),
    recoverable("gzip-trailer-close", compress("gzip", "trailer", "close")),
    recoverable("raw-deflate-trailer", compress("raw-deflate", "trailer")),
    recoverable("gzip-plain", compress("gzip", "plain")),
    refused("brotli", compress("br"), message=r"\bbr\b"),
    refused("brotli-plain", compress("br", "plain"), message=r"\bbr\b"),
    refused("gzip-then-brotli", compress("gzip, br"), message=r"\bbr\b"),
    *(harmless(f"gzip-{framing}", compress("gzip", None, framing)) for framing in FRAMINGS),
    harmless("gzip-members", compress("gzip", "members")),
    undecided("deflate", compress("deflate")),
    undecided("deflate-members", compress("deflate", "members")),
    undecided("raw-deflate", compress("raw-deflate")),
    undecided("transfer-gzip", {"kind": "compress", "transfer": True}),
    refused("transfer-gzip-half", {"kind": "compress", "transfer": True, "damage": "half"}),
]

HEADS = [
    harmless("interim-100", {"kind": "interim", "status": 100}),
    recoverable("interim-101", {"kind": "interim", "status": 101, "headers": {"Upgrade": MARK}}),
    recoverable("interim-102", {"kind": "interim", "status": 102}),
    recoverable(
        "interim-103", {"kind": "interim", "status": 103, "headers": {"Link": f"</{MARK}>"}}
    ),
    recoverable(
        "interim-102-csv", {"kind": "interim", "status": 102, "body": f"Name\r\n{MARK}\r\n"}
    ),
    recoverable("interim-103-json", {"kind": "interim", "body": f'[{{"Name": "{MARK}"}}]'}),
    recoverable("interim-199", {"kind": "interim", "status": 199}),
    recoverable("no-colon", malformed(f"{MARK} has no colon")),
    recoverable("no-colon-close", malformed(f"{MARK} has no colon", close=True)),
    recoverable(
        "no-colon-chunked", malformed(f"{MARK} has no colon", framing="chunked", close=True)
    ),
    recoverable("no-blank-line", malformed(blank_line=False)),
    recoverable("no-blank-line-close", malformed(blank_line=False, close=True)),
    recoverable("long-header", malformed(f"X-Long: {MARK * 6000}")),
    recoverable("many-headers", malformed(*(f"X-{number}: {MARK}" for number in range(150)))),
    recoverable("bad-status-line", malformed(status_line=f"HTTP/1.1 {MARK}")),
    recoverable("no-status-line", malformed(status_line=f"X-{MARK}: 1", close=True)),
    harmless("status-line-without-reason", malformed(status_line="HTTP/1.1 200")),
    recoverable("short-length", malformed("Content-Length: 3")),
    recoverable("long-length", malformed("Content-Length: 99999", close=True)),
    undecided("no-length", malformed(f"Content-Length: {MARK}")),
    undecided("negative-length", malformed("Content-Length: -1")),
    recoverable("chunked-and-length", malformed("Transfer-Encoding: chunked")),
    undecided("folded", malformed(f" {MARK}")),
    undecided("control-characters", malformed(f"X-Odd: \x00\x1b[31m{MARK}\xff")),
]

# Some are applied once only: a token that is invalid every time affects all reports.
STATUSES = [
    recoverable("status-500", status(500)),
    recoverable("status-503", status(503, "Wed, 21 Oct 2015 07:28:00 GMT")),
    recoverable("status-429", status(429, "20")),
    recoverable("status-408", status(408)),
    recoverable("status-206", status(206, body="a,b\n1,2\n", content_type="text/csv")),
    recoverable("status-401", status(401), always=None),
    refused("status-403", status(403)),
    refused("status-404", status(404), phases=("post",)),
    *(recoverable(f"status-{lost}", status(lost), phases=("poll",)) for lost in (400, 404, 410)),
    recoverable("lose-job", {"kind": "lose-job"}, phases=("poll",)),
    recoverable("reset", {"kind": "reset"}),
    recoverable("revoke", {"kind": "revoke"}, always=None),
    recoverable("delay", {"kind": "delay", "seconds": 100}, always=None),
    recoverable("empty", {"kind": "empty"}),
    recoverable("html", body(f"<!doctype html><p>{MARK}", "text/html")),
    recoverable("broken-json", body(f'[{{"a": "{MARK}"')),
    recoverable("broken-csv", body(f'a,b\n1,"{MARK}', "text/csv")),
    recoverable("short-row", body(f"a,b\n{MARK}\n", "text/csv")),
    refused("foreign-columns", body(f"x\n{MARK}\n", "text/csv")),
]

HOSTILE = [
    *(
        refused(f"job-id-{number}", body(f'{{"jobId": {text}}}'))
        for number, text in enumerate(
            [
                r'"\ud800"',
                '".."',
                '"."',
                '" "',
                '""',
                "7",
                "-1",
                "1e400",
                "null",
                "true",
                "{}",
                '["x"]',
                '"a/b"',
                '"a?b#c"',
                r'"a\r\nb"',
                r'"\u0000"',
                '"%2e%2e"',
                f'"{"j" * 5000}"',
            ]
        )
    ),
    *(
        refused(f"retry-after-{number}", status(429, text))
        for number, text in enumerate(
            [
                "Fri, 31 Dec 99999 23:59:59 GMT",
                "Fri, 31 Dec 9999 23:59:59 -9999",
                "9" * 400,
                "1e400",
                "99999",
                "Fri, 31 Dec 9999 23:59:59 GMT",
            ]
        )
    ),
    *(
        recoverable(f"retry-after-nothing-{number}", status(503, text))
        for number, text in enumerate(["-5", MARK, "NaN", "\xb2", "Wed, 32 Foo 2025 99:99:99 GMT"])
    ),
    *(
        refused(f"location-{number}", {"kind": "redirect", "body": text})
        for number, text in enumerate(["http://[x", "//", f"http://{MARK}:99999/", "javascript:1"])
    ),
    recoverable("nested", {"kind": "nested"}),
    recoverable("nested-array", body("[" * 100_000)),
    recoverable("nested-row", body('[{"a": ' + "[" * 100_000 + "]" * 100_000 + "}]")),
]

BOMBS = [  # larger than the largest cell that the tap reads
    {"kind": "bomb", "size": 80 << 20, "body": start, "content_type": content_type}
    for start, content_type in [("Name\n", "text/csv"), ('[{"Name": "', "application/json")]
]

# A report with "plain" in its name has only ASCII in its cells.
CHARSETS = [
    *(
        harmless(f"charset-{name}", charset(name))
        for name in ("iso-8859-1", "windows-1252", "utf-16", "utf-16-le", "utf-16-be", "utf-8-sig")
    ),
    harmless("charset-plain-utf-16-le", charset("utf-16-le")),
    harmless("charset-plain-latin-1", charset("iso-8859-1")),
    harmless("charset-quoted", charset("iso-8859-1", content_type='{}; Charset="ISO-8859-1"; x=1')),
    harmless("charset-not-so", charset("utf-8", content_type="{}; charset=ISO-8859-1")),
    harmless("charset-unknown", charset("utf-8", content_type="{}; charset=klingon")),
    refused("charset-unstated", charset("iso-8859-1", content_type="{}")),
    refused("charset-wrong", charset("iso-8859-1", content_type="{}; charset=utf-8")),
    refused("charset-wrong-utf-16", charset("iso-8859-1", content_type="{}; charset=utf-16-le")),
    refused("charset-wrong-unknown", charset("iso-8859-1", content_type="{}; charset=klingon")),
    refused("charset-wrong-latin-1", charset("utf-16-le", content_type="{}; charset=ISO-8859-1")),
]

ERROR_BODIES = [
    '{"error": "busy"}',
    '{"error": "busy", "errors": []}',
    '{"success": false, "rows": []}',
    '{"status": "error", "results": []}',
    '{"errors": [{"message": "busy"}]}',
    '{"data": [], "errors": [{"message": "busy"}]}',
    '{"error": {"code": 7}, "data": []}',
    '{"ok": false, "data": []}',
    '{"status": "failed", "data": []}',
    '{"message": "busy"}',
]

JOB_TEMPLATES = [
    '{INNER, "warnings": []}',
    '{INNER, "data": []}',
    '{"links": [{"rel": "self"}], INNER}',
    '{INNER, "status": "pending", "error": null}',
]

# A report with "slow" in its name is not ready at the first polls.
SHAPES = [
    *(
        harmless(f"wrapped-{number}", wrap(template), formats=("json",))
        for number, template in enumerate(
            [
                '{"data": BODY}',
                '{"data": BODY, "total": COUNT}',
                '{"total": COUNT, "data": BODY}',
                '{"meta": {"page": 1}, "rows": BODY, "warnings": []}',
                '{"warnings": [], "hasMore": false, "next": null, "results": BODY}',
                '{"success": true, "status": "ok", "error": null, "errors": [], "data": BODY}',
                ' \n{ "data" : BODY }\n ',
            ]
        )
    ),
    *(
        refused(f"part-{number}", wrap(template), formats=("json",))
        for number, template in enumerate(
            [
                '{"data": BODY, "hasMore": true}',
                '{"hasMore": true, "data": BODY}',
                '{"data": BODY, "next": "abc"}',
                '{"next": "abc", "data": BODY}',
                '{"data": BODY, "total": 1COUNT}',
                '{"total": 1COUNT, "data": BODY}',
            ]
        )
    ),
    refused("two-reports", wrap('{"data": BODY, "more": BODY}'), formats=("json",)),
    undecided("repeated-name", {"kind": "repeat-name"}, formats=("json",)),
    *(recoverable(f"failed-{number}", body(text)) for number, text in enumerate(ERROR_BODIES)),
    *(
        harmless(f"slow-job-beside-{number}", wrap(template), phases=("post",))
        for number, template in enumerate(JOB_TEMPLATES)
    ),
    *(
        harmless(f"slow-job-still-{number}", wrap(template), phases=("poll",), always=None, times=3)
        for number, template in enumerate(JOB_TEMPLATES)
    ),
    refused("slow-job-in-array", wrap("[BODY]"), phases=("post",)),
    *(
        recoverable(f"pending-{number}", fields, phases=("poll",), times=3, is_one_job=True)
        for number, fields in enumerate(
            [
                body("", status=202),
                body("{}", status=202),
                body("{}"),
                body('{"status": "pending"}'),
                body('{"status": "running", "progress": 40}', status=202),
            ]
        )
    ),
    recoverable("accepted-without-id", body("", status=202), phases=("post",)),
]

FAMILIES = {
    "truncated": TRUNCATED,
    "heads": HEADS,
    "statuses": STATUSES,
    "hostile": HOSTILE,
    "charsets": CHARSETS,
    "shapes": SHAPES,
}

# Faults of token requests that a retry resolves; several are applied in one run, in order.
TOKEN_FAULTS: list[Fields] = [
    status(500),
    status(429, "7"),
    {"kind": "reset"},
    {"kind": "empty"},
    {"kind": "empty", "status": 204},
    body(f"<html>{MARK}</html>", "text/html"),
    {"kind": "delay", "seconds": 100},
    *(cut(framing) for framing in FRAMINGS),
    *(compress(encoding, "half") for encoding in ("gzip", "deflate", "raw-deflate")),
    compress("gzip", "half", "chunked"),
    compress("gzip", "half", "close"),
    compress("gzip", "trailer"),
    compress("gzip", "checksum"),
    compress("gzip", "plain"),
    compress("br"),
    {"kind": "interim", "status": 102},
    {"kind": "interim", "body": f'{{"access_token": "{MARK}", "token_type": "Bearer"}}'},
    {"kind": "interim", "status": 101},
    malformed(f"{MARK} has no colon"),
    malformed(blank_line=False, close=True),
    malformed(f"X-Long: {MARK * 6000}"),
    malformed(status_line=f"HTTP/1.1 {MARK}"),
    malformed("Content-Length: 3"),
    {"kind": "nested"},
    body("[" * 100_000),
    body('{"access_token": 7}'),
    body('{"access_token": "\\ud800"}'),
    body('{"access_token": "a\\r\\nb"}'),
    body(f'{{"error": "{MARK}"}}'),
    *(status(503, text) for text in ("-5", MARK, "9" * 400, "Fri, 31 Dec 99999 23:59:59 GMT")),
]

TOKEN_LIFETIMES = [
    "0",
    "-1",
    "NaN",
    "Infinity",
    '"1800s"',
    '{"a": 1}',
    "[]",
    "null",
    "true",
    "9" * 400,
    "1e999",
]
"""Invalid values of `expires_in`: each counts as 30 minutes."""

HARMLESS_TOKEN_FAULTS: list[Fields] = [
    {"kind": "interim", "status": 100},
    {"kind": "frame"},
    compress("gzip"),
    compress("gzip", "members"),
    *(wrap(f'{{INNER, "expires_in": {text}}}') for text in TOKEN_LIFETIMES),
]

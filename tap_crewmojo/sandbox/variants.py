"""Variants: other readings of the vendor's page, each as legitimate as the sandbox's usual one.

A fault makes some requests fail. A variant holds for all responses, and none of them is wrong.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from tap_crewmojo.sandbox.fault_kinds import FAULT_KINDS
from tap_crewmojo.sandbox.faults import Fault
from tap_crewmojo.sandbox.responses import CSV, JSON, Response
from tap_crewmojo.sandbox.service import LONGEST_WAIT, Behaviour

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from tap_crewmojo.sandbox.faults import Phase

Subject: TypeAlias = Literal["token", "csv", "json", "envelope", "pending", "error"]
"""The content of a response: a token, a report, the envelope of a new job or of one that is
polled, an error."""

_Change: TypeAlias = "Callable[[Response], Response]"


@dataclass(frozen=True, slots=True)
class Variant:
    """Another reading of the vendor's page.

    Attributes:
        description: What it changes, for the help.
        behaviour: The fields of `Behaviour` that it changes.
        subjects: The responses that it changes.
        change: Changes such a response.
    """

    description: str
    behaviour: Mapping[str, Any] = field(default_factory=dict)
    subjects: tuple[Subject, ...] = ()
    change: _Change | None = None


def problem_of(variants: Collection[str]) -> str | None:
    """Return why a sandbox cannot have all of these variants."""
    if unknown := next((name for name in variants if name not in VARIANTS), None):
        return f"Unknown variant {unknown!r}. The variants: {', '.join(VARIANTS)}."
    pairs = (pair for pair in _EXCLUSIVE if set(pair) <= set(variants))
    return next((f"The variants {a!r} and {b!r} exclude each other." for a, b in pairs), None)


def behaviour_of(sandbox: Behaviour, variants: Collection[str]) -> Behaviour:
    """Return the behaviour of a sandbox with some variants."""
    values = {each.name: getattr(sandbox, each.name) for each in fields(Behaviour)}
    for name, variant in VARIANTS.items():
        if name in variants:
            values |= variant.behaviour
    return Behaviour(**values)


def varied(response: Response, phase: Phase, variants: Collection[str]) -> Response:
    """Return a response with some variants, applied in the order of `VARIANTS`."""
    subject = _subject(response, phase)
    for name, variant in VARIANTS.items():
        if name in variants and variant.change and subject in variant.subjects:
            response = variant.change(response)
    return response


def _subject(response: Response, phase: Phase) -> Subject:
    if response.status >= 400:  # noqa: PLR2004  # the first status of an error
        return "error"
    if phase == "token":
        return "token"
    if response.job_id is not None:
        return "pending" if phase == "poll" else "envelope"
    return "json" if response.content_type == JSON else "csv"


def _as_fault(kind: str, **more: Any) -> _Change:  # noqa: ANN401  # the fields of any fault
    """Return the change that a kind of fault makes."""
    fault = Fault(phase="post", kind=kind, **more)
    change = FAULT_KINDS[kind].change
    assert change  # noqa: S101  # this kind changes responses
    return lambda response: change(fault, response)


def _document(change: Callable[[Any], Any]) -> _Change:
    """Return a change of the JSON document in a response."""

    def changed(response: Response) -> Response:
        document = json.dumps(change(json.loads(response.body)), ensure_ascii=False)
        return replace(response, body=document.encode())

    return changed


def _rows(change: Callable[[str, Any], Any], *, keeps_null: bool = True) -> _Change:
    """Return a change of each value in the rows of a JSON report."""
    return _document(
        lambda rows: [
            {
                name: change(name, value)
                for name, value in row.items()
                if keeps_null or value is not None
            }
            for row in rows
        ]
    )


def _as_text(_name: str, value: Any) -> str | None:  # noqa: ANN401  # whatever JSON holds
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _csv_quoted(response: Response) -> Response:
    text = io.StringIO()
    lines = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    lines.writerows(csv.reader(io.StringIO(response.body.decode(), newline="")))
    return replace(response, body=text.getvalue().encode())


def _csv_lf(response: Response) -> Response:
    parts = response.body.split(b'"')  # a line end in quotes is data
    parts[::2] = [part.replace(b"\r\n", b"\n") for part in parts[::2]]
    return replace(response, body=b'"'.join(parts))


def _gzipped(response: Response) -> Response:
    return replace(_as_fault("compress", encoding="gzip")(response), wire=response.wire)


_REPORTS: Final[tuple[Subject, ...]] = ("csv", "json")
_JOBS: Final[tuple[Subject, ...]] = ("envelope", "pending")

# Content first, then its encoding, then how it is sent.
VARIANTS: Final[dict[str, Variant]] = {
    # --- tokens
    "token-without-expiry": Variant(
        "the response to a token request has no `expires_in`",
        subjects=("token",),
        change=_document(
            lambda token: {name: token[name] for name in token if name != "expires_in"}
        ),
    ),
    "token-expiry-as-text": Variant(
        "`expires_in` is a string of digits",
        subjects=("token",),
        change=_document(
            lambda token: {
                name: str(value) if name == "expires_in" else value for name, value in token.items()
            }
        ),
    ),
    "token-with-scope": Variant(
        "the response to a token request also has a `scope`",
        subjects=("token",),
        change=_document(lambda token: token | {"scope": "download"}),
    ),
    # --- ranges and identifiers
    "exclusive-end": Variant(
        "the last day of a range is not in the report (the tap would lose the rows of that day)",
        behaviour={"exclusive_end": True},
    ),
    "unknown-report-404": Variant(
        "an unknown report has status 404, not 400", behaviour={"unknown_report_status": 404}
    ),
    "error-with-message": Variant(
        "an error has the fields `code` and `message` instead of `error`",
        subjects=("error",),
        change=_document(lambda fields: {"code": "E1", "message": fields["error"]}),
    ),
    # --- jobs
    "envelope-202": Variant("a job has status 202, not 200", behaviour={"job_status": 202}),
    "numeric-job-id": Variant("job ids are numbers", behaviour={"numeric_job_ids": True}),
    "job-id-in-snake-case": Variant(
        "the id of a job is under `job_id`, not `jobId`",
        subjects=_JOBS,
        change=_document(lambda fields: {"job_id": fields["jobId"]}),
    ),
    "envelope-with-status": Variant(
        "a job also has a `status`",
        subjects=_JOBS,
        change=_document(lambda fields: fields | {"status": "pending"}),
    ),
    "pending-without-body": Variant(
        "a poll of a pending job has status 202 and no body",
        subjects=("pending",),
        change=lambda response: replace(response, body=b"", status=202),
    ),
    "polls-hang": Variant(
        "a poll waits up to 30 s for its job", behaviour={"poll_hang": LONGEST_WAIT}
    ),
    "jobs-as-csv": Variant(
        "the report of a job is CSV, even if JSON was requested", behaviour={"jobs_as_csv": True}
    ),
    "unknown-job-400": Variant(
        "an unknown job has status 400, not 404", behaviour={"unknown_job_status": 400}
    ),
    "unknown-job-410": Variant(
        "an unknown job has status 410, not 404", behaviour={"unknown_job_status": 410}
    ),
    # --- JSON
    "json-without-nulls": Variant(
        "a JSON row has no members without a value",
        subjects=("json",),
        change=_rows(lambda _, value: value, keeps_null=False),
    ),
    "json-texts": Variant(
        "all values in JSON rows are strings", subjects=("json",), change=_rows(_as_text)
    ),
    "json-wrapped": Variant(
        "a JSON report is an object with the rows under `data`",
        subjects=("json",),
        change=_as_fault("wrap", body='{"data": BODY}'),
    ),
    "json-with-total": Variant(
        "a JSON report is an object with the rows under `results`, and their number",
        subjects=("json",),
        change=_as_fault("wrap", body='{"total": COUNT, "results": BODY}'),
    ),
    "json-charset": Variant(
        "the `Content-Type` of a JSON report states its charset",
        subjects=("json",),
        change=lambda response: replace(response, content_type=f"{JSON}; charset=utf-8"),
    ),
    # --- CSV
    "csv-quoted": Variant("all cells of CSV are in quotes", subjects=("csv",), change=_csv_quoted),
    "csv-lf": Variant("lines of CSV end in LF, not CRLF", subjects=("csv",), change=_csv_lf),
    "csv-bom": Variant(
        "CSV begins with a byte order mark",
        subjects=("csv",),
        change=_as_fault("charset", charset="utf-8-sig", content_type=CSV),
    ),
    "csv-latin-1": Variant(
        "CSV is in ISO-8859-1 (with ? for characters that it lacks)",
        subjects=("csv",),
        change=_as_fault("charset", charset="iso-8859-1"),
    ),
    "csv-without-charset": Variant(
        "the `Content-Type` of CSV states no charset",
        subjects=("csv",),
        change=lambda response: replace(
            response, content_type=response.content_type.partition(";")[0]
        ),
    ),
    "csv-type": Variant(
        "the `Content-Type` of CSV is application/csv",
        subjects=("csv",),
        change=lambda response: replace(
            response, content_type=response.content_type.replace("text/csv", "application/csv")
        ),
    ),
    # --- how reports are sent
    "gzip": Variant("reports are compressed with gzip", subjects=_REPORTS, change=_gzipped),
    "chunked": Variant(
        "reports are sent in chunks, without a length",
        subjects=_REPORTS,
        change=_as_fault("frame", framing="chunked"),
    ),
    "no-length": Variant(
        "nothing announces the end of a report; the connection is closed behind it",
        subjects=_REPORTS,
        change=_as_fault("frame", framing="close"),
    ),
}

_EXCLUSIVE: Final = (
    ("token-without-expiry", "token-expiry-as-text"),
    ("unknown-job-400", "unknown-job-410"),
    ("json-wrapped", "json-with-total"),
    ("csv-bom", "csv-latin-1"),
    ("csv-latin-1", "csv-without-charset"),  # nothing would show how to read it
    ("chunked", "no-length"),
)

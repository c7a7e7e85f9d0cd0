"""The assumptions about Crewmojo's API, each with the function that holds it against what was seen.

Crewmojo's page documents the requests, and leaves much of the responses open. This is the list of
what the tap was built and tested with.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from tap_crewmojo.probe import findings as found
from tap_crewmojo.probe import job_findings as jobs
from tap_crewmojo.probe.observations import Step

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_crewmojo.probe.evidence import Judged
    from tap_crewmojo.probe.observations import Observations

_OPEN_ISSUE: Final = "The tap may lose rows: do not load this report, and open an issue."
_NOT_READ: Final = "The tap cannot read this report yet: open an issue."
_IF_USED: Final = "The tap takes it if the probe goes on with this token."
_FEWER_WORDS: Final = "The tap takes it, with fewer words in its own message."
_IF_FOUND: Final = "The tap takes it if it has found the id: see `job-path`."
TAKEN: Final = "The tap takes it."
"""This is so if it reads the reports."""


@dataclass(frozen=True, slots=True)
class Assumption:
    """One assumption.

    Args:
        id: its name in the result, which never changes.
        sentence: the assumption.
        judge: holds it against what was seen; raises `NotTriedError` if that was not seen.
        if_different: what a difference means for the user.
    """

    id: str
    sentence: str
    judge: Callable[[Observations], Judged]
    if_different: str = TAKEN


ASSUMPTIONS: Final = (
    # --- the access token
    Assumption(
        "token-response",
        "A token request can be a form; its response has status 200 and a JSON object.",
        found.token_response,
        if_different=_IF_USED,
    ),
    Assumption(
        "token-json",
        "A token request can also be JSON.",
        found.token_as_json,
    ),
    Assumption(
        "token-fields",
        "The members of its response are `access_token`, `token_type` and `expires_in`.",
        found.token_fields,
        if_different=_IF_USED,
    ),
    Assumption("token-type", "The type of a token is `Bearer`.", found.token_type, _IF_USED),
    Assumption(
        "token-lifetime",
        "The lifetime of a token, `expires_in`, is the number 1800.",
        found.token_lifetime,
        if_different=_IF_USED,
    ),
    # --- a report
    Assumption("readable", "The tap reads each report.", found.readable, if_different=_NOT_READ),
    Assumption("report-status", "A report has status 200.", found.report_status),
    Assumption("framing", "The header of a report states its length.", found.framing),
    Assumption("compression", "Reports are not compressed.", found.compression),
    Assumption("csv-type", "CSV is `text/csv`.", found.csv_type),
    Assumption("csv-charset", "CSV is in UTF-8, and its header says so.", found.csv_charset),
    Assumption("csv-bom", "CSV has no byte order mark.", found.csv_bom),
    Assumption("csv-line-ends", "Lines of CSV end in CRLF.", found.csv_line_ends),
    Assumption(
        "csv-separator",
        "Cells of CSV are separated by commas.",
        found.csv_separator,
        if_different=_NOT_READ,
    ),
    Assumption("csv-quotes", "Cells of CSV are in quotes only if needed.", found.csv_quotes),
    Assumption("json-type", "JSON is `application/json`, without a charset.", found.json_type),
    Assumption("json-shape", "A JSON report is an array of rows.", found.json_shape),
    Assumption("json-rows", "Each JSON row has all columns, `null` if empty.", found.json_rows),
    Assumption("json-values", "Numbers in JSON are numbers, not strings.", found.json_values),
    Assumption(
        "same-columns",
        "CSV and JSON have the same columns.",
        found.same_columns,
        if_different="Keep to one `content_type`, and open an issue.",
    ),
    Assumption(
        "same-types",
        "CSV and JSON have the same types.",
        found.same_types,
        if_different="Keep to one `content_type`, and open an issue.",
    ),
    Assumption(
        "same-rows",
        "CSV and JSON have the same rows.",
        partial(found.same_rows, step=Step.JSON),
        if_different=(
            "If nobody has changed data between the two requests, open an issue, and keep to one "
            "`content_type`."
        ),
    ),
    # --- dates and identifiers
    Assumption(
        "range-ends",
        "A range includes both its ends, so that one day is a range.",
        found.range_ends,
        if_different=_OPEN_ISSUE,
    ),
    Assumption(
        "no-dates",
        "Without dates, a report has rows.",
        found.no_dates,
        if_different="The tap requests this report with dates: no `FULL_TABLE`.",
    ),
    Assumption(
        "unknown-report-status",
        "An unknown report has status 400.",
        partial(found.status_is, step=Step.UNKNOWN_REPORT, expected=400),
        if_different="The tap takes it if it is 400, 403 or 404: it says which report failed.",
    ),
    Assumption(
        "unknown-report-body",
        "An unknown report has a JSON object with `error` only.",
        partial(found.error_body, step=Step.UNKNOWN_REPORT),
        if_different=_FEWER_WORDS,
    ),
    # --- jobs
    Assumption(
        "job-status",
        "A job has status 200.",
        jobs.job_status,
        if_different=_IF_FOUND,
    ),
    Assumption(
        "job-fields",
        "A job is a JSON object with `jobId` only.",
        jobs.job_fields,
        if_different=_IF_FOUND,
    ),
    Assumption("job-id-type", "The id of a job is a string.", jobs.job_id_type, _IF_FOUND),
    Assumption("job-wait", "A job is named about 30 s after the request.", jobs.job_wait),
    Assumption(
        "job-path",
        "A job is polled at `/integrations/download/{report}/{job}`.",
        jobs.job_path,
        if_different="The tap cannot read long-running reports yet: open an issue.",
    ),
    Assumption(
        "job-pending", "A poll of a pending job has the same response again.", jobs.job_pending
    ),
    Assumption("poll-wait", "A poll of a pending job has its response at once.", jobs.poll_wait),
    Assumption(
        "job-time",
        "A job is ready within 5 minutes.",
        jobs.job_time,
        if_different="Try a shorter `report_window`, or a larger `job_timeout`.",
    ),
    Assumption("job-type", "The report of a job has the requested content type.", jobs.job_type),
    Assumption(
        "job-rows",
        "The report of a job has the rows of the report as CSV.",
        partial(found.same_rows, step=Step.JOB),
        if_different="If nobody has changed data meanwhile, open an issue.",
    ),
    Assumption(
        "unknown-job-status",
        "An unknown job has status 404.",
        partial(found.status_is, step=Step.UNKNOWN_JOB, expected=404),
        if_different="The tap takes it if it is 400, 404 or 410: it requests the report again.",
    ),
    Assumption(
        "unknown-job-body",
        "An unknown job has a JSON object with `error` only.",
        partial(found.error_body, step=Step.UNKNOWN_JOB),
        if_different=_FEWER_WORDS,
    ),
)
"""The assumptions in the order of the result."""

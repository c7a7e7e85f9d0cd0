"""What was seen, held against the assumptions: whether it is as assumed, and what it is, in words.

All words are ours, or pass through `words.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from tap_crewmojo.probe import words
from tap_crewmojo.probe.bodies import csv_form, json_document, json_form
from tap_crewmojo.probe.observations import NotTriedError, Step
from tap_crewmojo.schema.types import ColumnType

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_crewmojo.probe.bodies import CsvForm, JsonForm
    from tap_crewmojo.probe.exchange import Seen
    from tap_crewmojo.probe.observations import Observations

Judged: TypeAlias = tuple[bool, str]
"""Whether it is as assumed, and what was seen."""

_TOKEN_FIELDS: Final = {"access_token", "token_type", "expires_in"}
_TOKEN_SECONDS: Final = 1800
_JOB_SECONDS: Final = 300
_SOON: Final = 10
_LEAST_WAIT: Final = 25
_MOST_SECONDS: Final = 10**9
_OK: Final = 200
_READ: Final = (
    Step.CSV, Step.JSON, Step.ONE_DAY, Step.TWO_DAYS, Step.NEXT_DAY, Step.NO_DATES, Step.JOB,
)  # fmt: skip


# --- the access token -------------------------------------------------------------------------


def token_response(seen: Observations) -> Judged:
    """Judge the status and the form of the response to a token request."""
    token = seen[Step.TOKEN]
    is_object = isinstance(json_document(token.body), dict)
    form = "a JSON object" if is_object else "no JSON object"
    what = f"status {token.status}, {words.media_type(token.content_type)}, {form}"
    return token.status == _OK and is_object, what


def token_as_json(seen: Observations) -> Judged:
    """Not tried: the second token would end the first one."""
    _ = seen[Step.TOKEN]
    msg = "the probe fetches one token, and the tap sends a form"
    raise NotTriedError(msg)


def token_fields(seen: Observations) -> Judged:
    """Judge the members of a token's response."""
    token = _object(seen[Step.TOKEN])
    return token.keys() == _TOKEN_FIELDS, words.members(token)


def token_type(seen: Observations) -> Judged:
    """Judge the type of a token."""
    value = _object(seen[Step.TOKEN]).get("token_type")
    if isinstance(value, str) and value.lower() == "bearer":
        return value == "Bearer", f"`{value}`"
    return False, "missing" if value is None else f"another value ({words.kind(value)})"


def token_lifetime(seen: Observations) -> Judged:
    """Judge the stated lifetime of a token."""
    value = _object(seen[Step.TOKEN]).get("expires_in")
    if value is None:
        msg = "the response has no `expires_in`"
        raise NotTriedError(msg)
    if isinstance(value, str):
        is_number = value.isascii() and value.isdigit() and len(value) < len(str(_MOST_SECONDS))
        return False, f"a string: {value}" if is_number else "a string that is no number of seconds"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False, words.kind(value)
    if not 0 <= value < _MOST_SECONDS:
        return False, "a number that is no number of seconds"
    return value == _TOKEN_SECONDS, f"{value:g}"


# --- a report ---------------------------------------------------------------------------------


def readable(seen: Observations) -> Judged:
    """Judge whether the tap reads all reports."""
    reports = [(step, seen[step]) for step in _READ if step in seen and seen[step].is_success]
    if not reports:
        _ = seen.report(Step.CSV)  # the reason why there is none
    unread = [f"{step}: {each.unreadable}" for step, each in reports if each.unreadable]
    counts = [
        f"{step}: {words.counted(each.table.rows, 'row')}" for step, each in reports if each.table
    ]
    return not unread, "; ".join(unread or counts)


def report_status(seen: Observations) -> Judged:
    """Judge the status of reports."""
    return _both(seen, lambda each: f"{each.status}", str(_OK))


def framing(seen: Observations) -> Judged:
    """Judge how the end of a report is announced."""
    ways = {
        "length": "the length is stated",
        "chunked": "chunked",
        "close": "the end of the connection",
    }
    return _both(seen, lambda each: ways[each.framing], ways["length"])


def compression(seen: Observations) -> Judged:
    """Judge whether reports are compressed."""
    none = "not compressed"
    return _both(
        seen,
        lambda each: words.coding(each.content_encoding) if each.content_encoding else none,
        none,
    )


def csv_type(seen: Observations) -> Judged:
    """Judge the media type of CSV."""
    media_type = words.media_type(seen.report(Step.CSV).content_type)
    return media_type == "text/csv", media_type


def csv_charset(seen: Observations) -> Judged:
    """Judge the charset of CSV."""
    stated = words.charset(seen.report(Step.CSV).content_type)
    is_utf_8 = _csv(seen).is_utf_8
    what = f"the header states {stated}, and it is {'' if is_utf_8 else 'not '}valid UTF-8"
    return stated == "utf-8" and is_utf_8, what


def csv_bom(seen: Observations) -> Judged:
    """Judge whether CSV has a byte order mark."""
    has_bom = _csv(seen).has_bom
    return not has_bom, "it has one" if has_bom else "none"


def csv_line_ends(seen: Observations) -> Judged:
    """Judge the line ends of CSV."""
    line_ends = _csv(seen).line_ends
    return line_ends == ("CRLF",), " and ".join(line_ends) or "no line end"


def csv_separator(seen: Observations) -> Judged:
    """Judge the separator of CSV."""
    separators = _csv(seen).separators
    if separators:
        return False, f"no comma in the first line, but a {' and a '.join(separators)}"
    return True, words.counted(len(seen.table(Step.CSV).types), "column")


def csv_quotes(seen: Observations) -> Judged:
    """Judge the quotes of CSV."""
    is_needless = _csv(seen).has_needless_quotes
    return not is_needless, "other cells, too" if is_needless else "only if needed"


def json_type(seen: Observations) -> Judged:
    """Judge the content type of JSON."""
    content_type = seen.report(Step.JSON).content_type
    what = f"{words.media_type(content_type)}, {words.charset(content_type)}"
    return what == "application/json, no charset", what


def json_shape(seen: Observations) -> Judged:
    """Judge where the rows are in JSON."""
    form = _json(seen)
    if form.is_bare:
        return True, "an array"
    rows = f"rows under {words.name(form.rows_name)}" if form.rows_name else "no rows"
    return False, f"an object: {rows}; beside them {_form(form.beside)}"


def json_rows(seen: Observations) -> Judged:
    """Judge whether all JSON rows have the same names."""
    _rows_of(seen, Step.JSON)
    are_alike = _json(seen).are_alike
    return are_alike, "all of them" if are_alike else "some rows lack columns"


def json_values(seen: Observations) -> Judged:
    """Judge whether numbers are written as numbers."""
    if ColumnType.NUMBER not in seen.table(Step.JSON).types.values():
        msg = "the report has no column of numbers"
        raise NotTriedError(msg)
    has_numbers = not _json(seen).kinds.isdisjoint({int, float})
    return has_numbers, "numbers" if has_numbers else "strings"


def same_columns(seen: Observations) -> Judged:
    """Judge whether CSV and JSON have the same columns; a column without a value may be missing."""
    as_csv, as_json = seen.table(Step.CSV), seen.table(Step.JSON)
    _rows_of(seen, Step.JSON)  # without rows, JSON has no columns
    only_csv = as_csv.types.keys() - as_json.types.keys() - as_csv.empty
    only_json = as_json.types.keys() - as_csv.types.keys()
    shared = words.counted(len(as_csv.types.keys() & as_json.types.keys()), "column")
    return not (only_csv or only_json), (
        f"{shared} in both, {len(only_csv)} in CSV only, {len(only_json)} in JSON only"
    )


def same_types(seen: Observations) -> Judged:
    """Judge whether the columns have the same inferred types in CSV and JSON."""
    as_csv, as_json = seen.table(Step.CSV), seen.table(Step.JSON)
    _rows_of(seen, Step.JSON)
    shared = as_csv.types.keys() & as_json.types.keys()
    different = sum(as_csv.types[each] is not as_json.types[each] for each in shared)
    return not different, f"{words.counted(different, 'column')} of {len(shared)} differ"


def same_rows(seen: Observations, step: Step) -> Judged:
    """Judge whether a report has the rows of the report as CSV."""
    as_csv, other = seen.table(Step.CSV), seen.table(step)
    rows = f"{words.counted(as_csv.rows, 'row')} as CSV, {other.rows} in the {step}"
    is_same = (as_csv.rows, as_csv.digest) == (other.rows, other.digest)
    return is_same, rows if is_same or as_csv.rows != other.rows else f"{rows}, not the same ones"


# --- dates and identifiers --------------------------------------------------------------------


def range_ends(seen: Observations) -> Judged:
    """Judge whether a range of one day has the rows of that day."""
    if not seen[Step.ONE_DAY].is_success:
        return False, f"one day has status {seen[Step.ONE_DAY].status}"
    if rows := seen.table(Step.ONE_DAY).rows:
        return True, f"one day has {words.counted(rows, 'row')}"
    if not (both := seen.table(Step.TWO_DAYS).rows):
        msg = "no rows on two days: choose another month with --date"
        raise NotTriedError(msg)
    if rows := seen.table(Step.NEXT_DAY).rows:
        return True, f"one day has {words.counted(rows, 'row')}"
    what = f"each of two days has no rows, and both together have {words.counted(both, 'row')}"
    return False, what


def no_dates(seen: Observations) -> Judged:
    """Judge whether a report without dates is a report."""
    without = seen[Step.NO_DATES]
    if not without.table:
        return False, f"status {without.status}, and no report that the tap reads"
    return without.table.rows > 0, words.counted(without.table.rows, "row")


def status_is(seen: Observations, step: Step, expected: int) -> Judged:
    """Judge the status of a step."""
    return seen[step].status == expected, f"status {seen[step].status}"


def error_body(seen: Observations, step: Step) -> Judged:
    """Judge the body of an error."""
    error = seen[step]
    document = json_document(error.body)
    what = f"{words.media_type(error.content_type)}, {_form(document)}"
    return isinstance(document, dict) and document.keys() == {"error"}, what


# --- jobs -------------------------------------------------------------------------------------


def job_fields(seen: Observations) -> Judged:
    """Judge the members of a job's response."""
    if seen[Step.ENVELOPE].table:
        return False, "the report came instead of a job"
    document = json_document(seen[Step.ENVELOPE].body)
    return isinstance(document, dict) and document.keys() == {"jobId"}, _form(document)


def job_id_type(seen: Observations) -> Judged:
    """Judge the type of a job's id."""
    document = _object(seen.report(Step.ENVELOPE))
    ids = [document[each] for each in document if each.lower().replace("_", "") == "jobid"]
    if not ids:
        msg = "the response names no job"
        raise NotTriedError(msg)
    return isinstance(ids[0], str), words.kind(ids[0])


def job_wait(seen: Observations) -> Judged:
    """Judge how long the request for a job takes."""
    seconds = round(seen.report(Step.ENVELOPE).seconds)
    return seconds >= _LEAST_WAIT, f"after {seconds} s"


def job_path(seen: Observations) -> Judged:
    """Judge whether a job is where it is polled."""
    polls = seen.polls or [seen[Step.JOB]]
    return polls[0].is_success, f"status {polls[0].status}"


def job_pending(seen: Observations) -> Judged:
    """Judge the responses to the polls of a pending job."""
    polls, envelope = _polls(seen), seen[Step.ENVELOPE]
    different = [
        poll for poll in polls if poll.status != envelope.status or _names(poll) != _names(envelope)
    ]
    shown = (different or polls)[0]
    form = _form(json_document(shown.body)) if shown.body else "no body"
    return not different, f"{words.counted(len(polls), 'poll')}: status {shown.status}, {form}"


def poll_wait(seen: Observations) -> Judged:
    """Judge how long a poll of a pending job takes."""
    quickest = min(poll.seconds for poll in _polls(seen))
    slowest = max(poll.seconds for poll in _polls(seen))
    return quickest < _SOON, f"after {quickest:.0f} s to {slowest:.0f} s"


def job_time(seen: Observations) -> Judged:
    """Judge how long a job takes."""
    if Step.JOB not in seen and seen.polls:
        return False, "it was not ready when the probe stopped polling"
    _ = seen.report(Step.JOB)
    return seen.job_seconds < _JOB_SECONDS, f"{seen.job_seconds:.0f} s after the request"


def job_type(seen: Observations) -> Judged:
    """Judge the content type of the report of a job that was requested as JSON."""
    media_type = words.media_type(seen.report(Step.JOB).content_type)
    return media_type == "application/json", f"JSON was requested; it is {media_type}"


# --- parts of what was seen -------------------------------------------------------------------


def _both(seen: Observations, shown: Callable[[Seen], str], expected: str) -> Judged:
    """Judge the report as CSV and as JSON alike."""
    texts = {
        name: shown(seen.report(step))
        for name, step in (("CSV", Step.CSV), ("JSON", Step.JSON))
        if step in seen and seen[step].is_success
    }
    if not texts:
        _ = seen.report(Step.CSV)  # the reason why there is none
    what = "; ".join(f"{name}: {text}" for name, text in texts.items())
    return set(texts.values()) == {expected}, what


def _object(seen: Seen) -> dict[str, Any]:
    document = json_document(seen.body)
    if not isinstance(document, dict):
        msg = "the response is no JSON object"
        raise NotTriedError(msg)
    return document


def _form(document: Any) -> str:  # noqa: ANN401  # whatever JSON holds
    """Return the form of a JSON document."""
    if not isinstance(document, dict):
        return "no JSON object" if document is None else f"{words.kind(document)} of JSON"
    inner = [
        f"{words.name(each)} has {words.members(document[each])}"
        for each in document
        if isinstance(document[each], dict)
    ]
    return "; ".join([words.members(document), *inner])


def _names(seen: Seen) -> object:
    document = json_document(seen.body)
    return document.keys() if isinstance(document, dict) else None


def _csv(seen: Observations) -> CsvForm:
    return csv_form(seen.report(Step.CSV).body)


def _json(seen: Observations) -> JsonForm:
    form = json_form(seen.report(Step.JSON).body)
    if form is None:
        msg = "the response is not JSON"
        raise NotTriedError(msg)
    return form


def _rows_of(seen: Observations, step: Step) -> int:
    rows = seen.table(step).rows
    if not rows:
        msg = "the report has no rows: choose another month with --date"
        raise NotTriedError(msg)
    return rows


def _polls(seen: Observations) -> list[Seen]:
    if not seen.polls:
        _ = seen[Step.JOB]  # the reason why there is none
        msg = "the job was ready at the first poll"
        raise NotTriedError(msg)
    return seen.polls

"""What was seen of tokens and reports, held against the assumptions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tap_crewmojo.probe import words
from tap_crewmojo.probe.bodies import json_document
from tap_crewmojo.probe.evidence import (
    csv_of,
    form_of,
    json_object,
    json_of,
    of_both_forms,
    require_rows,
)
from tap_crewmojo.probe.observations import NotTriedError, Step
from tap_crewmojo.progress import counted
from tap_crewmojo.schema.types import ColumnType

if TYPE_CHECKING:
    from tap_crewmojo.probe.evidence import Judged
    from tap_crewmojo.probe.observations import Observations

_TOKEN_FIELDS: Final = {"access_token", "token_type", "expires_in"}
_TOKEN_SECONDS: Final = 1800
_MOST_SECONDS: Final = 10**9
_OK: Final = 200
_READ: Final = (
    Step.CSV, Step.JSON, Step.ONE_DAY, Step.TWO_DAYS, Step.NEXT_DAY, Step.NO_DATES, Step.JOB,
)  # fmt: skip


# --- the access token -------------------------------------------------------------------------


def token_response(seen: Observations) -> Judged:
    """Judge the status and the form of the response to a token request."""
    token = seen[Step.TOKEN]
    is_object = isinstance(json_document(token.text), dict)
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
    token = json_object(seen[Step.TOKEN])
    return token.keys() == _TOKEN_FIELDS, words.members(token)


def token_type(seen: Observations) -> Judged:
    """Judge the type of a token."""
    value = json_object(seen[Step.TOKEN]).get("token_type")
    if isinstance(value, str) and value.lower() == "bearer":
        return value == "Bearer", f"`{value}`"
    return False, "missing" if value is None else f"another value ({words.kind(value)})"


def token_lifetime(seen: Observations) -> Judged:
    """Judge the stated lifetime of a token."""
    value = json_object(seen[Step.TOKEN]).get("expires_in")
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
    counts = [f"{step}: {counted(each.table.rows, 'row')}" for step, each in reports if each.table]
    return not unread, "; ".join(unread or counts)


def report_status(seen: Observations) -> Judged:
    """Judge the status of reports."""
    return of_both_forms(seen, lambda each: f"{each.status}", str(_OK))


def framing(seen: Observations) -> Judged:
    """Judge how the end of a report is announced."""
    ways = {
        "length": "the length is stated",
        "chunked": "chunked",
        "close": "the end of the connection",
    }
    return of_both_forms(seen, lambda each: ways[each.framing], ways["length"])


def compression(seen: Observations) -> Judged:
    """Judge whether reports are compressed."""
    none = "not compressed"
    return of_both_forms(
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
    is_utf_8 = csv_of(seen).is_utf_8
    what = f"the header states {stated}, and it is {'' if is_utf_8 else 'not '}valid UTF-8"
    return stated == "utf-8" and is_utf_8, what


def csv_bom(seen: Observations) -> Judged:
    """Judge whether CSV has a byte order mark."""
    has_bom = csv_of(seen).has_bom
    return not has_bom, "it has one" if has_bom else "none"


def csv_line_ends(seen: Observations) -> Judged:
    """Judge the line ends of CSV."""
    line_ends = csv_of(seen).line_ends
    return line_ends == ("CRLF",), " and ".join(line_ends) or "no line end"


def csv_separator(seen: Observations) -> Judged:
    """Judge the separator of CSV."""
    separators = csv_of(seen).separators
    if separators:
        return False, f"no comma in the first line, but a {' and a '.join(separators)}"
    return True, counted(len(seen.table(Step.CSV).types), "column")


def csv_quotes(seen: Observations) -> Judged:
    """Judge the quotes of CSV."""
    is_needless = csv_of(seen).has_needless_quotes
    return not is_needless, "other cells, too" if is_needless else "only if needed"


def json_type(seen: Observations) -> Judged:
    """Judge the content type of JSON."""
    content_type = seen.report(Step.JSON).content_type
    what = f"{words.media_type(content_type)}, {words.charset(content_type)}"
    return what == "application/json, no charset", what


def json_shape(seen: Observations) -> Judged:
    """Judge where the rows are in JSON."""
    form = json_of(seen)
    if form.is_bare:
        is_read = seen[Step.JSON].table is not None
        return is_read, "an array" if is_read else "an array that the tap does not read"
    rows = f"rows under {words.name(form.rows_name)}" if form.rows_name else "no rows"
    return False, f"an object: {rows}; beside them {form_of(form.beside)}"


def json_rows(seen: Observations) -> Judged:
    """Judge how empty values are written."""
    require_rows(seen.table(Step.JSON))
    empties = json_of(seen).empties
    if not empties:
        msg = "no value is empty: choose another month with --date"
        raise NotTriedError(msg)
    return empties == ("null",), " and ".join(empties)


def json_values(seen: Observations) -> Judged:
    """Judge whether numbers are written as numbers."""
    if ColumnType.NUMBER not in seen.table(Step.JSON).types.values():
        msg = "the report has no column of numbers"
        raise NotTriedError(msg)
    has_numbers = not json_of(seen).kinds.isdisjoint({int, float})
    return has_numbers, "numbers" if has_numbers else "strings"


def same_columns(seen: Observations) -> Judged:
    """Judge whether CSV and JSON have the same columns; a column without a value may be missing."""
    as_csv, as_json = seen.table(Step.CSV), seen.table(Step.JSON)
    require_rows(as_json)
    only_csv = as_csv.types.keys() - as_json.types.keys() - as_csv.empty
    only_json = as_json.types.keys() - as_csv.types.keys()
    shared = counted(len(as_csv.types.keys() & as_json.types.keys()), "column")
    return not (only_csv or only_json), (
        f"{shared} in both, {len(only_csv)} in CSV only, {len(only_json)} in JSON only"
    )


def same_types(seen: Observations) -> Judged:
    """Judge whether the columns have the same inferred types in CSV and JSON."""
    as_csv, as_json = seen.table(Step.CSV), seen.table(Step.JSON)
    require_rows(as_json)
    shared = as_csv.types.keys() & as_json.types.keys()
    different = sum(as_csv.types[each] is not as_json.types[each] for each in shared)
    return not different, f"{counted(different, 'column')} of {len(shared)} differ"


def same_rows(seen: Observations, step: Step) -> Judged:
    """Judge whether a report has the rows of the report as CSV."""
    as_csv, other = seen.table(Step.CSV), seen.table(step)
    require_rows(as_csv, other)
    rows = f"{counted(as_csv.rows, 'row')} as CSV, {other.rows:,} in the {step}"
    is_same = (as_csv.rows, as_csv.digest) == (other.rows, other.digest)
    return is_same, rows if is_same or as_csv.rows != other.rows else f"{rows}, not the same ones"


# --- dates and identifiers --------------------------------------------------------------------


def range_ends(seen: Observations) -> Judged:
    """Judge whether a range of one day has the rows of that day."""
    month = seen.table(Step.CSV).rows
    if not seen[Step.ONE_DAY].is_success:
        return False, f"one day has status {seen[Step.ONE_DAY].status}"
    if rows := seen.table(Step.ONE_DAY).rows:
        if rows == month:
            msg = "one day has as many rows as the month: choose another --report or --date"
            raise NotTriedError(msg)
        return True, f"one day has {counted(rows, 'row')}"
    if not (both := seen.table(Step.TWO_DAYS).rows):
        msg = "no rows on two days: choose another month with --date"
        raise NotTriedError(msg)
    if rows := seen.table(Step.NEXT_DAY).rows:
        return True, f"one day has {counted(rows, 'row')}"
    what = f"each of two days has no rows, and both together have {counted(both, 'row')}"
    return False, what


def no_dates(seen: Observations) -> Judged:
    """Judge whether a report without dates is a report."""
    as_csv = seen.table(Step.CSV)  # if that is none either, it is not for lack of dates
    without = seen[Step.NO_DATES]
    if not without.table:
        return False, f"status {without.status}, and no report that the tap reads"
    if not without.table.rows:
        require_rows(as_csv)
    return without.table.rows > 0, counted(without.table.rows, "row")


def status_is(seen: Observations, step: Step, expected: int) -> Judged:
    """Judge the status of a step."""
    return seen[step].status == expected, f"status {seen[step].status}"


def error_body(seen: Observations, step: Step) -> Judged:
    """Judge the body of an error."""
    error = seen[step]
    document = json_document(error.text)
    what = f"{words.media_type(error.content_type)}, {form_of(document)}"
    return isinstance(document, dict) and document.keys() == {"error"}, what

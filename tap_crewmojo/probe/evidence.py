"""Parts of what was seen, for the functions that judge it; all words are ours, or of `words.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from tap_crewmojo.probe import words
from tap_crewmojo.probe.bodies import csv_form, json_document, json_form
from tap_crewmojo.probe.observations import NotTriedError, Step

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_crewmojo.probe.bodies import CsvForm, JsonForm, Table
    from tap_crewmojo.probe.exchange import Seen
    from tap_crewmojo.probe.observations import Observations

_MOST_INNER: Final = 5

Judged: TypeAlias = tuple[bool, str]
"""Whether it is as assumed, and what was seen."""


def of_both_forms(seen: Observations, shown: Callable[[Seen], str], expected: str) -> Judged:
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


def json_object(seen: Seen) -> dict[str, Any]:
    """Return the JSON object in a response.

    Raises:
        NotTriedError: there is none.
    """
    document = json_document(seen.text)
    if not isinstance(document, dict):
        msg = "the response is no JSON object"
        raise NotTriedError(msg)
    return document


def form_of(document: Any) -> str:  # noqa: ANN401  # whatever JSON holds
    """Return the form of a JSON document."""
    if not isinstance(document, dict):
        return "no JSON object" if document is None else f"{words.kind(document)} of JSON"
    inner = [
        f"{words.name(each)} has {words.members(document[each])}"
        for each in document
        if isinstance(document[each], dict)
    ]
    return "; ".join([words.members(document), *inner[:_MOST_INNER]])


def names_in(seen: Seen) -> object:
    """Return the names of the members of a response; nothing if it is no JSON object."""
    document = json_document(seen.text)
    return document.keys() if isinstance(document, dict) else None


def csv_of(seen: Observations) -> CsvForm:
    """Return how the report as CSV is written.

    Raises:
        NotTriedError: it is not CSV.
    """
    report = seen.report(Step.CSV)
    if not report.text or isinstance(json_document(report.text), dict | list):
        msg = "the response is not CSV"
        raise NotTriedError(msg)
    return csv_form(report.body, report.text)


def json_of(seen: Observations) -> JsonForm:
    """Return how the report as JSON is written.

    Raises:
        NotTriedError: it is not JSON.
    """
    form = json_form(seen.report(Step.JSON).text)
    if form is None:
        msg = "the response is not JSON"
        raise NotTriedError(msg)
    return form


def require_rows(*tables: Table) -> None:
    """Refuse to judge reports without rows: nothing shows in them, and JSON has no columns.

    Raises:
        NotTriedError: none of them has rows.
    """
    if not any(table.rows for table in tables):
        msg = "the report has no rows: choose another month with --date"
        raise NotTriedError(msg)


def polls_of(seen: Observations) -> list[Seen]:
    """Return the responses to the polls of a pending job.

    Raises:
        NotTriedError: there are none.
    """
    if not seen.polls:
        _ = seen[Step.JOB]  # the reason why there is none
        msg = "the job was ready at the first poll"
        raise NotTriedError(msg)
    return seen.polls

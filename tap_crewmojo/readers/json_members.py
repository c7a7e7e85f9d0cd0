"""The class of a JSON response by its members: a job, a failure, a part, or a report.

Crewmojo documents neither the envelope of a job nor that of a report. These tables are all that the
tap assumes. A name is compared in lower case, without `_`, `-`, `.`, `@` and `$`: `has_more` is
`hasMore`. The first line that applies decides:

1. A job, whatever the other members: `jobId`, unless it is null.
2. A failure: `_FAILURES` with a value, `_SUCCESSES` that is false, `_STATUSES` with a word that
   says failed (except "no error") or with a number from 400 to 599.
3. Not a report yet; for a poll, the job goes on: `_STATUSES` that says not ready.
4. The rows: an array of objects under any name that is not in `_HARMLESS`, and only one such; or,
   if there is none, one empty array. The empty array is not a report if any other member, at any
   depth, could mean that there are rows: a `jobId`, a failure, a word in `_STATUSES` that says
   failed or not ready, `_TEXTS` with a word of `_TROUBLE`, an array of objects or arrays that is
   not in `_HARMLESS`.
5. A part, and the API documents no paging: `_MORE` that is true, `_COMPLETE` that is false, `_NEXT`
   with a value, `_PAGES` above 1, `_TOTALS` above the number of rows.

All other members mean nothing. Without rows, a response is neither a report nor a job; for a poll,
the job goes on, unless `_STATUSES` says that it is done.

The members of `_CONTAINERS` count as members of the response.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from tap_crewmojo.errors import UnusableResponseError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Members = list[tuple[str, Any]]
"""The names and values of an object; a repeated name is in it several times."""

JOB: Final = "jobid"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FAILURES: Final = _words(
    "error errors errorcode errorcount errormessage errordescription exception exceptions failed "
    "failedcount failure failurecount failures fault faults iserror haserror haserrors"
)
_SUCCESSES: Final = _words("success successful succeeded issuccess issuccessful ok")
_STATUSES: Final = _words(
    "status state result outcome code statuscode httpstatus httpstatuscode httpcode"
)
_FAILED: Final = _words(
    "error errored fail failed failure fault faulted invalid denied forbidden unauthorized "
    "rejected aborted abandoned cancelled canceled killed timeout timedout expired unavailable"
)
_NOT_READY: Final = _words(
    "accepted building created enqueued executing generating incomplete inprogress new notready "
    "notstarted pending preparing processing progress queued received requested running "
    "scheduled started starting submitted waiting working"
)
_NEGATIONS: Final = _words("no non none not without zero")
_TEXTS: Final = _words("detail details message reason")
_TROUBLE: Final = _FAILED | _words("busy generating later pending preparing queued retry wait")
_DONE: Final = _words("complete completed done finished ok ready succeeded success successful")
_MORE: Final = _words(
    "hasmore hasnext hasnextpage more moreavailable hasmorepages hasmoreresults hasmorerecords "
    "istruncated truncated partial ispartial incomplete incompleteresults"
)
_COMPLETE: Final = _words("complete iscomplete done last islast islastpage finished")
_NEXT: Final = _words(
    "next nextpage nextcursor nextlink nextoffset nextpagetoken nextpageurl nextrecordsurl "
    "nextstart nexttoken nexturl nexthref odatanextlink cursor continuation continuationtoken "
    "pagetoken scrollid"
)
_PAGES: Final = _words("pages pagecount totalpages numpages lastpage")
_TOTALS: Final = _words(
    "total totals count totalcount totalrows totalrecords totalresults totalitems totalelements "
    "totalsize totalhits rowcount recordcount resultcount itemcount numrows numrecords "
    "numresults numfound hits records rows results items recordstotal odatacount"
)
_CONTAINERS: Final = _words(
    "links meta metadata page paging pageinfo pagination cursors responsemetadata"
)
_HARMLESS: Final = (
    _words(
        "actions columns columnnames criteria debug facets fields filter filters headers headings "
        "info links messages meta metadata notices notes notifications parameters params query "
        "request schema sort sorting sorts warning warnings"
    )
    | _CONTAINERS
)

_SAID = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_PUNCTUATION = re.compile(r"[_\-.@$]")
_NOTHING: Final = frozenset({"", "0", "false", "null", "none", "no"})
_FAILED_STATUSES: Final = range(400, 600)
_LONGEST_ID: Final = 200
_BESIDE_JOB: Final = _words(
    f"{JOB} created createdat eta expires expiresat href id links message progress requestedat "
    "startedat state status type url"
)


def can_be_rows(name: str) -> bool:
    """Return whether an array of objects under this name is the rows."""
    return plain(name) not in _HARMLESS | _FAILURES


def is_job(headings: Iterable[str]) -> bool:
    """Return whether rows with these headings are a job in the form of a report."""
    names = set(map(plain, headings))
    return JOB in names and names <= _BESIDE_JOB


def job_id(members: Members) -> str | None:
    """Return the id of the job in a response.

    Raises:
        UnusableResponseError: it cannot be a segment of a URL.
    """
    for name, value in members:
        if plain(name) != JOB or value is None:
            continue
        text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
        if not text.strip() or not text.isprintable() or text in {".", ".."}:
            msg = "the response names a job by an id that cannot be part of a URL"
        elif len(text) > _LONGEST_ID:
            msg = f"the response names a job by an id of more than {_LONGEST_ID} characters"
        else:
            return text
        raise UnusableResponseError(msg)
    return None


def is_failure(members: Members) -> bool:
    """Return whether a response says that it failed."""
    for name, value in _all(members):
        if (
            (name in _FAILURES and _is_something(value))
            or (name in _SUCCESSES and not _is_something(value) and value is not None)
            or (name in _STATUSES and (_says(value, _FAILED) or _is_failed_status(value)))
        ):
            return True
    return False


def is_pending(members: Members) -> bool:
    """Return whether a response says that it is not ready."""
    return any(name in _STATUSES and _word(value) in _NOT_READY for name, value in _all(members))


def is_done(members: Members) -> bool:
    """Return whether a response says that it is complete."""
    return any(name in _STATUSES and _word(value) in _DONE for name, value in _all(members))


def is_empty_report(members: Members) -> bool:
    """Return whether a response without rows is an empty report."""
    everything = list(_everything(members))
    return (
        sum(value == [] and can_be_rows(name) for name, value in members) == 1
        and not is_failure(everything)
        and not any(_may_mean_rows(name, value) for name, value in everything)
    )


def part_of(members: Members, rows: int) -> str | None:
    """Return why so many rows are only a part of the report, if they are."""
    for name, value in _all(members):
        number = _number(value)
        if name in _MORE and _is_something(value):
            return "it says that there is more"
        if name in _COMPLETE and (value is False or value == "false"):
            return "it says that it is not complete"
        if name in _NEXT and _is_something(value):
            return "it names a next page"
        if name in _PAGES and number is not None and number > 1:
            return f"it is one of {number} pages"
        if name in _TOTALS and number is not None and number > rows:
            return f"it has {rows} of {number} rows"
    return None


def _all(members: Members) -> Iterator[tuple[str, Any]]:
    """Yield names, in the form of the tables, and values; those in containers, too."""
    for given, value in members:
        name = plain(given)
        yield name, value
        if name in _CONTAINERS:
            yield from _contained(value)


def _everything(members: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Yield names, in the form of the tables, and values at any depth, except in `_HARMLESS`."""
    for given, value in members:
        name = plain(given)
        yield name, value
        if isinstance(value, dict) and name not in _HARMLESS - _CONTAINERS:
            yield from _everything(value.items())


def _may_mean_rows(name: str, value: Any) -> bool:  # noqa: ANN401  # whatever JSON holds
    if name in _STATUSES | _TEXTS and isinstance(value, str):
        return _says(value, _TROUBLE if name in _TEXTS else _FAILED | _NOT_READY)
    items = value if isinstance(value, list) and name not in _HARMLESS else []
    is_table = any(isinstance(item, dict | list) for item in items)
    return is_table or (name == JOB and value is not None)


def _contained(value: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401  # whatever JSON holds
    if isinstance(value, dict):
        for name, item in value.items():
            yield plain(name), item
            if plain(name) in _CONTAINERS and isinstance(item, dict):
                yield from _contained(item)
    elif isinstance(value, list):  # links, each with its relation
        for item in value:
            if isinstance(item, dict) and item.get("rel") == "next":
                yield "next", item.get("href")


def plain(name: str) -> str:
    """Return a name in one spelling: `job_id` and `jobId` are the same."""
    return _PUNCTUATION.sub("", name).lower()


def _is_something(value: Any) -> bool:  # noqa: ANN401  # whatever JSON holds
    if isinstance(value, str):
        return value.strip().lower() not in _NOTHING
    if isinstance(value, dict):
        return any(map(_is_something, value.values()))
    return bool(value)


def _word(value: Any) -> str:  # noqa: ANN401  # whatever JSON holds
    return re.sub(r"[\s_-]", "", value).lower() if isinstance(value, str) else ""


def _says(value: Any, words: frozenset[str]) -> bool:  # noqa: ANN401  # whatever JSON holds
    """Return whether a text is one of the words, or has one of them and no negation."""
    said = {word.lower() for word in _SAID.findall(value)} if isinstance(value, str) else set()
    return _word(value) in words or (said.isdisjoint(_NEGATIONS) and not said.isdisjoint(words))


def _number(value: Any) -> int | None:  # noqa: ANN401  # whatever JSON holds
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:_LONGEST_ID])
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return int(value) if is_number and abs(value) < float("inf") else None


def _is_failed_status(value: Any) -> bool:  # noqa: ANN401  # whatever JSON holds
    number = _number(value)
    return number is not None and number in _FAILED_STATUSES

"""The result of the probe: as JSON, and as Markdown made of the same."""

from __future__ import annotations

import json
from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from tap_crewmojo.probe.assumptions import ASSUMPTIONS, TAKEN
from tap_crewmojo.probe.findings import readable
from tap_crewmojo.probe.observations import NotTriedError, Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_crewmojo.probe.assumptions import Assumption
    from tap_crewmojo.probe.observations import Observations

FORMAT: Final = 1
"""The version of the JSON."""


class Verdict(StrEnum):
    """Whether an assumption holds, in the order of the lines for people."""

    DIFFERS = "differs"
    AS_ASSUMED = "as assumed"
    NOT_TRIED = "not tried"


def result_of(
    seen: Observations,
    failures: Sequence[str],
    *,
    version: str,
    api: str,
    shows_headings: bool,
) -> dict[str, Any]:
    """Return the result.

    Args:
        seen: what was seen.
        failures: why some of it could not be seen.
        version: the version of the tap.
        api: which API was requested.
        shows_headings: whether to show the headings of the report, too.
    """
    result: dict[str, Any] = {
        "format": FORMAT,
        "version": version,
        "api": api,
        "failures": list(failures),
        "requests": [
            {
                "request": str(step),
                "status": each.status,
                "seconds": round(each.seconds, 1),
                "bytes": len(each.body),
                "rows": each.table.rows if each.table else None,
            }
            for step, each in seen.responses
        ],
        "assumptions": [_finding(assumption, seen) for assumption in ASSUMPTIONS],
    }
    if shows_headings:
        result["headings"] = {
            str(step): {heading: str(column_type) for heading, column_type in table.types.items()}
            for step in (Step.CSV, Step.JSON, Step.JOB)
            if step in seen and (table := seen[step].table)
        }
    return result


def _finding(assumption: Assumption, seen: Observations) -> dict[str, Any]:
    verdict, next_step = Verdict.NOT_TRIED, None
    try:
        is_as_assumed, what = assumption.judge(seen)
    except NotTriedError as exc:
        what = str(exc)
    else:
        verdict = Verdict.AS_ASSUMED if is_as_assumed else Verdict.DIFFERS
        if not is_as_assumed:
            is_other = assumption.if_different != TAKEN or _are_readable(seen)
            next_step = assumption.if_different if is_other else "See `readable`."
    return {
        "id": assumption.id,
        "assumption": assumption.sentence,
        "result": str(verdict),
        "seen": what,
        "next": next_step,
    }


def _are_readable(seen: Observations) -> bool:
    try:
        return readable(seen)[0]
    except NotTriedError:
        return False


def as_json(result: dict[str, Any]) -> str:
    """Return a result as JSON."""
    return json.dumps(result, indent=2, ensure_ascii=True)


def as_markdown(result: dict[str, Any]) -> str:
    """Return a result as Markdown."""
    return "\n".join(_lines(result))


def _lines(result: dict[str, Any]) -> Iterator[str]:
    yield f"# First contact of tap-crewmojo {result['version']}, API: {result['api']}"
    yield ""
    verdicts = list(Verdict)
    findings = sorted(result["assumptions"], key=lambda each: verdicts.index(each["result"]))
    counts = Counter(finding["result"] for finding in findings)
    yield f"{', '.join(f'{verdict}: {counts[verdict]}' for verdict in verdicts)}."
    if result["failures"]:
        yield ""
        yield from (f"- could not be seen: {failure}" for failure in result["failures"])
    yield from _table(
        ("assumption", "result", "seen"),
        (
            (
                f"`{finding['id']}`: {finding['assumption']}",
                f"**{finding['result']}**"
                if finding["result"] == Verdict.DIFFERS
                else finding["result"],
                " ".join(filter(None, (f"{finding['seen']}.", finding["next"]))),
            )
            for finding in findings
        ),
    )
    yield from _table(
        ("request", "status", "seconds", "bytes", "rows"),
        (
            tuple("" if each is None else str(each) for each in request.values())
            for request in result["requests"]
        ),
    )
    for report, headings in result.get("headings", {}).items():
        yield ""
        yield f"Columns of the {report}:"
        yield ""
        yield from (
            f"    {json.dumps(heading, ensure_ascii=True)}: {column_type}"
            for heading, column_type in headings.items()
        )


def _table(head: Sequence[str], rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    yield ""
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)

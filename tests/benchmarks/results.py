"""The page of results and the text of its chart, both made from the measurements."""

from __future__ import annotations

import os
import platform
import textwrap
from typing import TYPE_CHECKING, Any, Final

from benchmarks import nightly, subjects, waits
from benchmarks.figures import ABOUT, COSTS, EMPTY, Measured, figures, ratio

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_HOW: Final = """\
{machine}, Python {python}, {date}: {rounds}, every program as a whole process. Made by
`nox -s benchmarks`. The ratios matter; the seconds differ on another machine."""
_CASES: Final = """\
CPU time is user and system time of the process, less that for a report of one row. "Such a value"
does not fit its column's type: its text goes to the column's variant, `<column>__text`."""
_ROWS: Final = """\
Read over HTTP from this machine (tap-csv and the limits: from a file). The output is discarded
(dlt and parquet: written to files)."""
_WAITING: Final = """\
Seconds of the whole process. A "jobs" response is an id at first, which the program polls, in an
API whose time runs faster. dlt and airbyte-cdk get a token; tap-crewmojo requests one."""
_LEFT_OUT: Final = {
    f"{waits.AIRBYTE}, jobs": "its asynchronous retriever needs a status in each response to a "
    "poll; this API's response is either the id again or the report itself",
    f"{waits.SDK}, jobs": "a RESTStream has no way to poll",
}
_CHART_ROWS: Final = {
    subjects.OUR_BATCHES: "tap-crewmojo, CSV to parquet",
    subjects.DLT_ARROW: "dlt, CSV to parquet by Arrow",
    subjects.OUR_JSON: "tap-crewmojo, JSON",
    subjects.OUR_CSV: "tap-crewmojo, CSV",
    subjects.AIRBYTE_TEXT: "airbyte-cdk, CSV, texts",
    subjects.TAP_CSV: "MeltanoLabs tap-csv, texts",
    subjects.IDIOMATIC: "SDK tap, CSV",
    subjects.DLT: "dlt, CSV, typed",
}
_CHART_WAITS: Final = {
    "SDK tap, one after another": (waits.SDK, 1),
    "airbyte-cdk, 8 in flight": (waits.AIRBYTE, 8),
    "dlt, 8 in flight": (waits.DLT, 8),
    "tap-crewmojo, 8 in flight": (waits.OURS, 8),
    "tap-crewmojo, 16 in flight": (waits.OURS, 16),
}


def machine() -> str:
    """Describe the machine, without its name."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{cores} cores ({platform.machine()}), {platform.system()}"


def page(report: Mapping[str, Any]) -> str:
    """Return the results as Markdown."""
    measured = Measured(report["medians"], report["rows"])
    failures: dict[str, str] = report["failures"]
    number = report["rounds"]
    rounds = "one round" if number == 1 else f"medians of {number} rounds"
    parts = [
        "# Benchmarks",
        textwrap.fill(_HOW.format_map({**report, "rounds": rounds}), 100),
        textwrap.fill(" ".join(filter(None, summary(measured))), 100),
        f"![{'; '.join(panel['title'] for panel in chart(report)['panels'])}](results.png)",
        *goals(measured),
        f"## {measured.rows:,} rows of 12 columns",
        _ROWS,
        _table(
            ("", "rows/s", "seconds", "CPU seconds", "peak MiB", "10,000 rows: peak MiB"),
            _row_lines(report, measured),
        ),
        "## Waiting: 6 reports of 12 windows, each generated in half a second",
        _WAITING,
        _table(("workers", "responses", *map(str, waits.WORKERS)), _waiting_lines(measured)),
        "## Not measured",
        "\n".join(f"- {name}: {why}" for name, why in (failures | _LEFT_OUT).items()),
        "## Versions",
        "\n".join(
            f"- {name}: {', '.join(f'{package} {v}' for package, v in versions.items())}"
            for name, versions in report["versions"].items()
        ),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def goals(measured: Measured, *, with_missing: bool = True) -> Iterator[str]:
    """Yield the figures with their goals, as headings and tables.

    Args:
        measured: the measurements.
        with_missing: whether to show figures that were not measured.
    """
    for heading, group in figures(measured).items():
        rows = [figure.row for figure in group if with_missing or figure.value is not None]
        if not rows:
            continue
        yield f"## {heading}"
        if heading.startswith("CPU"):
            yield _CASES
        yield _table(("figure", "measured", "goal", ""), rows)


def summary(measured: Measured) -> Iterator[str]:
    """Yield what the figures say, in sentences; one whose figures are missing is left out."""
    csv, json, parquet = subjects.OUR_CSV, subjects.OUR_JSON, subjects.OUR_BATCHES
    seconds = [measured.get(name, "wall") for name in (csv, json, parquet)]
    yield _sentence(
        f"A report of {measured.rows:,} rows and 12 columns takes {{:.1f}} s as CSV, {{:.1f}} s as "
        "JSON, and {:.1f} s as CSV to parquet.",
        seconds,
    )
    yield _sentence(
        "From CSV to Singer messages that is {:.1f} times as fast as a tap written in the SDK's "
        "usual way.",
        [ratio(measured.rate(csv), measured.rate(subjects.IDIOMATIC))],
    )
    yield _sentence(
        "The peak memory is {:.0f} MiB, {:.1f} MiB more than with 10,000 rows (to parquet: {:.0f} "
        "MiB).",
        [measured.get(csv, "memory"), measured.growth(csv), measured.get(parquet, "memory")],
    )
    yield _sentence(
        "Compared with the plain report, and without start-up, the CPU time is {:.2f} times where "
        "one row in 100 has a value that does not fit its column, {:.2f} times with a declared "
        "primary key, {:.2f} times without a catalog, and {:.2f} times with a stream map that "
        "hashes one column and drops one.",
        [measured.cost(cost) for cost in COSTS[:4]],
    )
    yield _sentence(
        "A nightly run of six small reports takes {:.2f} s, of which {:.2f} s are CPU time; the "
        "imports of other libraries alone take {:.2f} s of CPU time.",
        [
            measured.get(nightly.QUICK, "wall"),
            measured.get(nightly.QUICK, "cpu"),
            measured.get(nightly.LIBRARIES, "cpu"),
        ],
    )
    yield _sentence(
        "72 reports, each generated in half a second, take {:.0f} s one after another and {:.1f} s "
        "with eight in flight.",
        [measured.waited(waits.OURS, "immediate", workers) for workers in (1, 8)],
    )


def chart(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the chart shows: its panels of bars, each with its label and value as texts."""
    measured = Measured(report["medians"], report["rows"])
    names = sorted(_CHART_ROWS, key=lambda name: measured.rate(name) or 0, reverse=True)
    rates = {_CHART_ROWS[name]: measured.rate(name) for name in names}
    costs = {cost.label: measured.cost(cost) for cost in COSTS}
    waited = {
        label: measured.waited(who, "immediate", workers)
        for label, (who, workers) in _CHART_WAITS.items()
    }
    return {
        "panels": [
            _panel(f"Rows per second ({measured.rows:,} rows, whole process)", rates, ",.0f"),
            _panel("CPU time of special cases (1 = the plain report)", costs, ".2f", mark=1),
            _panel("Seconds for 72 reports, each generated in half a second", waited, ".1f"),
        ],
        "where": f"{report['machine']}, Python {report['python']}, {report['date']}",
    }


def _panel(
    title: str, values: Mapping[str, float | None], form: str, mark: float | None = None
) -> dict[str, Any]:
    bars = [
        {
            "label": label,
            "value": value,
            "text": f"{value:{form}}",
            "is_ours": mark is not None or label.startswith(waits.OURS),
        }
        for label, value in values.items()
        if value is not None
    ]
    return {"title": title, "bars": bars, "mark": mark}


def _sentence(text: str, values: Sequence[float | None]) -> str:
    return "" if None in values else text.format(*values)


def _row_lines(report: Mapping[str, Any], measured: Measured) -> Iterator[Sequence[str]]:
    for name, run in report["medians"].items():
        if "|" in name or "@" in name or name in {ABOUT, EMPTY, *nightly.NAMES}:
            continue
        least = measured.get(subjects.small(name, subjects.SMALL[-1]), "memory")
        yield (
            name,
            f"{measured.rate(name):,.0f}",
            f"{run['wall']:.2f}",
            f"{run['cpu']:.2f}",
            f"{run['memory']:.0f}",
            f"{least:.0f}" if least else "",
        )


def _waiting_lines(measured: Measured) -> Iterator[Sequence[str]]:
    for kind in ("immediate", "jobs"):
        for who in (waits.OURS, waits.SDK, waits.DLT, waits.AIRBYTE):
            waited = [measured.waited(who, kind, workers) for workers in waits.WORKERS]
            if any(waited):
                yield who, kind, *(f"{seconds:.1f}" if seconds else "" for seconds in waited)


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---", *["--:"] * (len(headings) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)

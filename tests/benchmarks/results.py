"""The page of results: the bar, the figures behind it, and who was measured where."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from benchmarks import subjects, waits

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_OTHERS: Final = (
    subjects.MSGSPEC,
    subjects.TAP_CSV,
    subjects.TAP_REST,
    subjects.AIRBYTE,
    subjects.AIRBYTE_TEXT,
    subjects.AIRBYTE_JSON,
    subjects.DLT,
    subjects.DLT_TEXT,
)
_HOW: Final = """\
{machine}, Python {python}, {date}: medians of {rounds} rounds of everybody in turn, each a whole
process. Made by `nox -s benchmarks`. The ratios are what matters; another machine has other
seconds."""
_ROWS: Final = """\
Read over HTTP from this machine (tap-csv and the limits: from a file). What is emitted is thrown
away (dlt and BATCH: written to files)."""
_WAITING: Final = """\
Seconds of the whole process. "Jobs" are answered with an id at first and then polled, in an API
whose time runs faster. dlt and airbyte-cdk are handed a token; tap-crewmojo asks for its own."""
_LEFT_OUT: Final = {
    f"{waits.AIRBYTE}, jobs": "its asynchronous retriever wants a status in each answer to a poll; "
    "this API's answer is either the id again or the report itself",
    f"{waits.SDK}, jobs": "a RESTStream has no way to poll",
}
_SIGNS: Final = {True: "met", False: "**missed**", None: "not measured"}


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of the bar.

    Attributes:
        name: what is compared.
        value: what came out; none if one of its sides failed.
        bar: what it should be.
        unit: stands behind both.
        is_most: whether it should be no more, instead of no less.
    """

    name: str
    value: float | None
    bar: float
    unit: str = "×"  # noqa: RUF001
    is_most: bool = False

    @property
    def row(self) -> Sequence[str]:
        """The line of the table."""
        relation = "≤" if self.is_most else "≥"
        met = None
        if self.value is not None:
            met = self.value <= self.bar if self.is_most else self.value >= self.bar
        shown = "" if self.value is None else f"{self.value:.2f} {self.unit}"
        return self.name, shown, f"{relation} {self.bar:g} {self.unit}", _SIGNS[met]


class Results:
    """Reads the figures out of the measurements.

    Args:
        report: what `run.py` measured.
    """

    def __init__(self, report: Mapping[str, Any]) -> None:
        self._medians: Mapping[str, Mapping[str, float]] = report["medians"]
        self._rows: int = report["rows"]

    def wall(self, name: str) -> float | None:
        """Return a command's median of seconds."""
        return self._medians[name]["wall"] if name in self._medians else None

    def memory(self, name: str) -> float | None:
        """Return a command's median of peak memory, in MiB."""
        return self._medians[name]["memory"] if name in self._medians else None

    def rate(self, name: str) -> float | None:
        """Return the rows in a second of the whole process."""
        wall = self.wall(name)
        return self._rows / wall if wall else None

    def rate_without_start(self, name: str) -> float | None:
        """Return the rows in a second, less the time for one row."""
        wall, start = self.wall(name), self.wall(f"{name} @1")
        return self._rows / (wall - start) if wall and start else None

    def waited(self, who: str, kind: str, workers: int) -> float | None:
        """Return the seconds until all of the slow reports were emitted."""
        return self.wall(f"{who}|{kind}|{workers}")

    def figures(self) -> Iterator[Figure]:
        """Yield the figures of the bar."""
        yield self._against(subjects.IDIOMATIC, 8)
        for other in _OTHERS:
            yield self._against(other, 5)
        ours = self.rate_without_start(subjects.OUR_CSV)
        for limit in (subjects.LIMIT, subjects.BARE_LIMIT):
            value = _ratio(ours, self.rate_without_start(limit))
            yield Figure(f"rows/s without start-up, against the {limit}", value, 0.75)
        yield self._against(subjects.DLT_ARROW, 1.2, subjects.OUR_BATCHES)
        yield self._against(subjects.OUR_CSV, 1, subjects.OUR_JSON)
        for name in (subjects.OUR_CSV, subjects.OUR_JSON):
            most, least = self.memory(name), self.memory(f"{name} @{subjects.SMALL[-1]}")
            more = most - least if most and least else None
            what = f"peak memory, {name}, over that of 10,000 rows"
            yield Figure(what, more, 30, "MiB", is_most=True)
        yield from self._waiting()
        start = _ratio(self.wall("about"), self.wall("empty"))
        yield Figure("start-up, `--about`, against an empty tap", start, 1.15, is_most=True)

    def _against(self, other: str, bar: float, ours: str = subjects.OUR_CSV) -> Figure:
        what = f"rows/s, {ours.partition(', ')[2]}, against {other}"
        return Figure(what, _ratio(self.rate(ours), self.rate(other)), bar)

    def _waiting(self) -> Iterator[Figure]:
        for kind in ("immediate", "jobs"):
            ours = self.waited(waits.OURS, kind, 8)
            for who, workers, bar in (
                (waits.SDK, 1, 7),
                (waits.OURS, 1, 7),
                (waits.DLT, 8, 1),
                (waits.AIRBYTE, 8, 1),
            ):
                if who == waits.SDK and kind == "jobs":
                    continue  # it has no way to poll
                other = self.waited(who, kind, workers)
                name = f"waiting, {kind}, 8 workers, against {who} with {workers}"
                yield Figure(name, _ratio(other, ours), bar)


def machine() -> str:
    """Describe the machine, without its name."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{cores} cores ({platform.machine()}), {platform.system()}"


def page(report: Mapping[str, Any]) -> str:
    """Return the results as Markdown."""
    results = Results(report)
    bar = (figure.row for figure in results.figures())
    failures: dict[str, str] = report["failures"]
    rows = f"{report['rows']:,}"
    parts = [
        "# Benchmarks",
        _HOW.format_map(report),
        "![Rows per second, and waiting time against workers](results.png)",
        "## The bar",
        _table(("figure", "measured", "bar", ""), bar),
        f"## {rows} rows of 12 columns",
        _ROWS,
        _table(
            ("", "rows/s", "seconds", "CPU seconds", "peak MiB", "10,000 rows: peak MiB"),
            _row_lines(report, results),
        ),
        "## Waiting: 6 reports of 12 windows, each generated in half a second",
        _WAITING,
        _table(("workers", "answers", *map(str, waits.WORKERS)), _waiting_lines(results)),
        "## Not measured",
        "\n".join(f"- {name}: {why}" for name, why in (failures | _LEFT_OUT).items()),
        "## Versions",
        "\n".join(
            f"- {name}: {', '.join(f'{package} {v}' for package, v in versions.items())}"
            for name, versions in report["versions"].items()
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _row_lines(report: Mapping[str, Any], results: Results) -> Iterator[Sequence[str]]:
    for name, run in report["medians"].items():
        if "|" in name or "@" in name or name in {"about", "empty"}:
            continue
        small = results.memory(f"{name} @{subjects.SMALL[-1]}")
        yield (
            name,
            f"{results.rate(name):,.0f}",
            f"{run['wall']:.2f}",
            f"{run['cpu']:.2f}",
            f"{run['memory']:.0f}",
            f"{small:.0f}" if small else "",
        )


def _waiting_lines(results: Results) -> Iterator[Sequence[str]]:
    for kind in ("immediate", "jobs"):
        for who in (waits.OURS, waits.SDK, waits.DLT, waits.AIRBYTE):
            waited = [results.waited(who, kind, workers) for workers in waits.WORKERS]
            if any(waited):
                yield who, kind, *(f"{seconds:.1f}" if seconds else "" for seconds in waited)


def _ratio(one: float | None, other: float | None) -> float | None:
    return one / other if one and other else None


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---", *["--:"] * (len(headings) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)

"""The figures and their goals, computed from the medians of the measurements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks import nightly, subjects, waits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ABOUT: Final = "about"
EMPTY: Final = "empty"
_TIMES: Final = "×"  # noqa: RUF001  # the sign of multiplication

_PEERS: Final = (
    subjects.MSGSPEC,
    subjects.TAP_CSV,
    subjects.TAP_REST,
    subjects.AIRBYTE,
    subjects.AIRBYTE_TEXT,
    subjects.AIRBYTE_JSON,
    subjects.DLT,
    subjects.DLT_TEXT,
)
_FLAT: Final = (
    subjects.OUR_CSV,
    subjects.OUR_JSON,
    subjects.OUR_JSON_TOTAL,
    subjects.OUR_KEY,
    subjects.OUR_MAP,
)
_SIGNS: Final = {True: "met", False: "**missed**", None: "not measured"}


@dataclass(frozen=True, slots=True)
class Cost:
    """One case of a report that costs more than the plain one.

    Attributes:
        label: what a reader calls the case.
        case: the command that reads it.
        plain: the command that it is compared with.
        goal: how many times the plain one's CPU time it should take at most.
    """

    label: str
    case: str
    plain: str
    goal: float


COSTS: Final = (
    Cost(
        "one row in 100 has a value that does not fit its column",
        subjects.OUR_VARIANTS,
        subjects.OUR_CSV,
        1.15,
    ),
    Cost("a declared primary key", subjects.OUR_KEY, subjects.OUR_CSV, 1.25),
    Cost("no catalog: types inferred first", subjects.OUR_DISCOVERY, subjects.OUR_CSV, 1.6),
    Cost("a stream map: one column hashed, one dropped", subjects.OUR_MAP, subjects.OUR_CSV, 2.8),
    Cost(
        "JSON: an object with the rows and their number",
        subjects.OUR_JSON_TOTAL,
        subjects.OUR_JSON,
        1.3,
    ),
    Cost(
        "parquet: one row in 100 has such a value",
        subjects.OUR_BATCH_VARIANTS,
        subjects.OUR_BATCHES,
        1.5,
    ),
)


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure with its goal.

    Attributes:
        name: what is compared.
        value: the result; none if one of its sides was not measured.
        goal: what it should be.
        unit: follows both.
        is_most: whether the goal is the most, instead of the least.
    """

    name: str
    value: float | None
    goal: float
    unit: str = _TIMES
    is_most: bool = False

    @property
    def row(self) -> Sequence[str]:
        """The line of the table."""
        relation = "≤" if self.is_most else "≥"
        met = None
        if self.value is not None:
            met = self.value <= self.goal if self.is_most else self.value >= self.goal
        shown = "" if self.value is None else f"{self.value:.2f} {self.unit}"
        return self.name, shown, f"{relation} {self.goal:g} {self.unit}", _SIGNS[met]


class Measured:
    """Reads the medians.

    Args:
        medians: the figures of each command, by its name.
        rows: rows of the large report.
    """

    def __init__(self, medians: Mapping[str, Mapping[str, float]], rows: int) -> None:
        self._medians = medians
        self.rows = rows

    def get(self, name: str, figure: str) -> float | None:
        """Return a command's `wall` or `cpu` seconds, or its peak `memory` in MiB."""
        return self._medians.get(name, {}).get(figure)

    def without_start(self, name: str, figure: str) -> float | None:
        """Return a command's seconds, less those for a report of one row."""
        return difference(self.get(name, figure), self.get(subjects.small(name, 1), figure))

    def rate(self, name: str) -> float | None:
        """Return the rows in a second of the whole process."""
        wall = self.get(name, "wall")
        return self.rows / wall if wall else None

    def cost(self, cost: Cost) -> float | None:
        """Return how many times the plain report's CPU time a case takes, both without start-up."""
        case, plain = (self.without_start(name, "cpu") for name in (cost.case, cost.plain))
        return ratio(case, plain)

    def growth(self, name: str) -> float | None:
        """Return the peak memory with the large report over that with 10,000 rows, in MiB."""
        least = self.get(subjects.small(name, subjects.SMALL[-1]), "memory")
        return difference(self.get(name, "memory"), least)

    def waited(self, who: str, kind: str, workers: int) -> float | None:
        """Return the seconds until all of the slow reports were emitted."""
        return self.get(waits.waiting(who, kind, workers), "wall")


def figures(measured: Measured) -> dict[str, list[Figure]]:
    """Return the figures, by what they are about."""
    return {
        "Speed": list(_speed(measured)),
        "CPU time of special cases, against the plain report": [
            Figure(cost.label, measured.cost(cost), cost.goal, is_most=True) for cost in COSTS
        ],
        "Peak memory, over that of 10,000 rows": [
            Figure(name, measured.growth(name), 20, "MiB", is_most=True) for name in _FLAT
        ],
        "Waiting, eight reports in flight": list(_waiting(measured)),
        "Nightly run": list(_nightly(measured)),
        "Start-up": [
            Figure(
                "`--about`, against an empty tap",
                ratio(measured.get(ABOUT, "wall"), measured.get(EMPTY, "wall")),
                1.15,
                is_most=True,
            )
        ],
    }


def ratio(one: float | None, other: float | None) -> float | None:
    """Return how many times the other one is; none if a side is missing."""
    return one / other if one and other else None


def difference(one: float | None, other: float | None) -> float | None:
    """Return one less the other; none if a side is missing."""
    return one - other if one is not None and other is not None else None


def _speed(measured: Measured) -> Iterator[Figure]:
    def against(other: str, goal: float, ours: str = subjects.OUR_CSV) -> Figure:
        what = f"rows/s, {ours.partition(', ')[2]}, against {other}"
        return Figure(what, ratio(measured.rate(ours), measured.rate(other)), goal)

    yield against(subjects.IDIOMATIC, 9)
    for peer in _PEERS:
        yield against(peer, 5)
    ours = measured.without_start(subjects.OUR_CSV, "cpu")
    for limit, goal in ((subjects.LIMIT, 0.8), (subjects.BARE_LIMIT, 0.75)):
        share = ratio(measured.without_start(limit, "cpu"), ours)
        yield Figure(f"rows per CPU second without start-up, CSV, against the {limit}", share, goal)
    yield against(subjects.DLT_ARROW, 1.3, subjects.OUR_BATCHES)
    yield against(subjects.OUR_CSV, 1, subjects.OUR_JSON)


def _waiting(measured: Measured) -> Iterator[Figure]:
    for kind, who, workers, goal in (
        ("immediate", waits.SDK, 1, 7),
        ("immediate", waits.OURS, 1, 7),
        ("immediate", waits.DLT, 8, 1),
        ("immediate", waits.AIRBYTE, 8, 1),
        ("jobs", waits.OURS, 1, 7),
        ("jobs", waits.DLT, 8, 1),
    ):
        value = ratio(measured.waited(who, kind, workers), measured.waited(waits.OURS, kind, 8))
        yield Figure(f"{kind}, against {who}, {workers} in flight", value, goal)


def _nightly(measured: Measured) -> Iterator[Figure]:
    yield Figure(
        "CPU time, six small reports, beyond the imports of other libraries",
        difference(measured.get(nightly.QUICK, "cpu"), measured.get(nightly.LIBRARIES, "cpu")),
        0.1,
        "s",
        is_most=True,
    )
    yield Figure(
        "eight slow reports, four in flight, without start-up, against two of them in a row",
        ratio(
            difference(measured.get(nightly.SLOW, "wall"), measured.get(nightly.QUICK, "wall")),
            nightly.IN_A_ROW * nightly.SLOW_SECONDS,
        ),
        1.1,
        is_most=True,
    )

"""Draws the results: rows per second as bars, waiting time against workers as lines."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl  # type: ignore[import-not-found, unused-ignore]  # in its own environment

mpl.use("Agg")

from matplotlib import pyplot as plt

if TYPE_CHECKING:
    from typing import Any, Final

OURS: Final = "tap-crewmojo"
_OURS_COLOUR: Final = "#0b7a75"
_LIMIT_COLOUR: Final = "#9aa0a6"
_PEER_COLOUR: Final = "#d98e04"


def _colour(name: str) -> str:
    if name.startswith(OURS):
        return _OURS_COLOUR
    return _LIMIT_COLOUR if "limit" in name else _PEER_COLOUR


def _bars(axes: Any, report: dict[str, Any]) -> None:  # noqa: ANN401  # matplotlib's
    rates = {
        name: report["rows"] / run["wall"] / 1000
        for name, run in report["medians"].items()
        if "|" not in name and "@" not in name and name not in {"about", "empty"}
    }
    names = sorted(rates, key=lambda name: rates[name])
    bars = axes.barh(names, [rates[n] for n in names], color=[_colour(n) for n in names])
    axes.bar_label(bars, fmt="%.0f k", padding=3, fontsize=8)
    axes.set_title(f"Rows per second ({report['rows']:,} rows, whole process)", loc="left")
    axes.set_xlabel("thousand rows per second")
    axes.margins(x=0.1)
    axes.tick_params(axis="y", labelsize=8)


def _lines(axes: Any, report: dict[str, Any]) -> None:  # noqa: ANN401  # matplotlib's
    lines: dict[tuple[str, str], list[tuple[int, float]]] = {}
    for key, run in report["medians"].items():
        if "|" in key:
            who, kind, workers = key.split("|")
            lines.setdefault((who, kind), []).append((int(workers), run["wall"]))
    markers = iter("osDv^P*X")
    for (who, kind), points in sorted(lines.items(), reverse=True):
        axes.plot(
            *zip(*sorted(points), strict=True),
            marker=next(markers),
            color=_colour(who),
            linestyle="--" if kind == "jobs" else "-",
            label=f"{who}, {kind}",
        )
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:.0f}")
    axes.yaxis.set_major_formatter("{x:.0f}")
    axes.set_title("Waiting for 72 reports of half a second", loc="left")
    axes.set_xlabel("reports in flight")
    axes.set_ylabel("seconds")
    axes.legend(fontsize=8, frameon=False)


def main(results: Path, target: Path) -> None:
    """Draw what was measured."""
    report = json.loads(results.read_text(encoding="utf-8"))
    plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 9})
    figure, (bars, lines) = plt.subplots(1, 2, figsize=(13, 5), width_ratios=(3, 2))
    _bars(bars, report)
    _lines(lines, report)
    where = f"{report['machine']}, Python {report['python']}, {report['date']}"
    figure.text(0.99, 0.005, where, ha="right", fontsize=7, color="#666666")
    figure.tight_layout()
    figure.savefig(target, dpi=90)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))

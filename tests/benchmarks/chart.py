"""Draws the results: panels of bars, each bar with its label and its value."""

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

_OURS_COLOUR: Final = "#0b7a75"
_PEER_COLOUR: Final = "#d98e04"
_INCHES_PER_BAR: Final = 0.28
_INCHES_PER_PANEL: Final = 0.6


def _draw(axes: Any, panel: dict[str, Any]) -> None:  # noqa: ANN401  # matplotlib's
    shown = panel["bars"]
    bars = axes.barh(
        range(len(shown)),
        [bar["value"] for bar in shown],
        color=[_OURS_COLOUR if bar["is_ours"] else _PEER_COLOUR for bar in shown],
        height=0.72,
    )
    axes.bar_label(bars, labels=[bar["text"] for bar in shown], padding=4)
    axes.set_yticks(range(len(shown)), [bar["label"] for bar in shown])
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    # Each bar has its value beside it: an axis would say the same again.
    axes.xaxis.set_visible(False)
    axes.spines[:].set_visible(False)
    axes.margins(x=0.12)
    if panel["mark"] is not None:
        axes.axvline(panel["mark"], color="#333333", linewidth=1, linestyle=":")
    axes.set_title(panel["title"], loc="left", fontweight="bold")


def main(results: Path, target: Path) -> None:
    """Draw the chart that the results describe."""
    chart = json.loads(results.read_text(encoding="utf-8"))["chart"]
    panels = [panel for panel in chart["panels"] if panel["bars"]]
    heights = [len(panel["bars"]) * _INCHES_PER_BAR + _INCHES_PER_PANEL for panel in panels]
    plt.rcParams.update({"font.size": 10, "axes.titlesize": 11})
    figure, rows = plt.subplots(
        len(panels),
        figsize=(9, sum(heights)),
        height_ratios=heights,
        squeeze=False,
        layout="constrained",
    )
    for axes, panel in zip(rows[:, 0], panels, strict=True):
        _draw(axes, panel)
    figure.supxlabel(chart["where"], x=1, ha="right", fontsize=7, color="#666666")
    figure.savefig(target, dpi=100)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))

"""The picture of the loaded tables: 1:1s per person per month, a panel for each team."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import altair as alt

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    Row: TypeAlias = dict[str, Any]

# A person without a manager has no 1:1s, and is not counted.
PER_PERSON = """
    WITH sizes AS (
        SELECT Team, count(Manager) AS people FROM people_directory GROUP BY Team
    )
    SELECT
        Team AS team,
        date_trunc('month', "Date")::DATE::VARCHAR AS month,
        count(*) FILTER (Completed) / any_value(people) AS rate
    FROM oneonone_detail
    JOIN people_directory USING ("Employee Code")
    JOIN sizes USING (Team)
    GROUP BY Team, month
    ORDER BY Team, month
"""
TITLE = "1:1s per person per month"
SUBTITLE = "Completed 1:1s in a made-up company, {year}. Grey lines: the other teams."

FONT = "Liberation Sans"  # comes with the renderer: the same picture on every machine
INK, MUTED, FAINT, GRID, ACCENT = "#1f2328", "#59636e", "#d1d9e0", "#e6eaef", "#0b7a75"
WIDTH, HEIGHT, LABEL = 142, 150, 30  # pixels: a panel, and the room for the label at its right
SCALE = 2  # pixels of the image per pixel, for screens of high resolution


def draw(database: DuckDBPyConnection, file: Path) -> None:
    """Draw the loaded data as a PNG."""
    found = database.sql(PER_PERSON)
    rows = [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]
    teams = sorted({row["team"] for row in rows})
    panels = [_panel(rows, team, labelled=team == teams[0]) for team in teams]
    title = alt.TitleParams(
        TITLE, subtitle=SUBTITLE.format(year=rows[0]["month"][:4]), anchor="start", offset=20,
        fontSize=17, subtitleFontSize=12.5, subtitlePadding=6,
    )  # fmt: skip
    picture = (
        alt.hconcat(*panels, title=title, spacing=12, padding=20, background="white")
        .configure(font=FONT)
        .configure_title(color=INK, subtitleColor=MUTED)
        .configure_axis(
            domain=False, ticks=False, gridColor=GRID, labelColor=MUTED, labelFontSize=11
        )
        .configure_view(stroke=None)
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    picture.save(file, scale_factor=SCALE)


def _panel(rows: Sequence[Row], team: str, *, labelled: bool) -> alt.ChartType:
    """Draw one team's line in front of the others, with its last value as a label."""
    own = [row for row in rows if row["team"] == team]
    ends = [own[0]["month"], own[-1]["month"]]
    month = alt.X("month:T").scale(type="utc", range=[0, WIDTH - LABEL])
    rate = alt.Y("rate:Q").scale(domain=[0, 1.05 * max(row["rate"] for row in rows)])

    def layer(some: Sequence[Row]) -> alt.Chart:
        return alt.Chart(alt.InlineData(values=some)).encode(
            month.axis(format="%b", values=ends, grid=False, title=None, labelPadding=6),
            rate.axis(tickMinStep=1, format="d", labels=labelled, title=None, labelPadding=6),
            detail="team:N",
        )

    return alt.layer(
        layer(rows).mark_line(color=FAINT, strokeWidth=1.25),
        layer(own).mark_line(color=ACCENT, strokeWidth=2.5, strokeJoin="round"),
        layer(own[-1:]).mark_circle(color=ACCENT, size=45, opacity=1),
        layer(own[-1:])
        .mark_text(color=ACCENT, align="left", dx=8, fontSize=12.5, fontWeight="bold")
        .encode(text=alt.Text("rate:Q", format=".1f")),
        title=alt.TitleParams(team, anchor="start", frame="group", fontSize=12.5, offset=10),
        width=WIDTH,
        height=HEIGHT,
    )

"""A company that edits its reports between two overlapping runs, and the rows of it in the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from support.sandboxes import DIRECTORY, requested, settings_for
from support.tap_runs import TIME_SCALE, run_tap
from tap_crewmojo.sandbox.company.company import Company, ReportSource
from tap_crewmojo.sandbox.company.reports import REPORTS
from tap_crewmojo.sandbox.company.table import Table
from tap_crewmojo.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from support.tap_runs import Record, Run

Rows: TypeAlias = "list[Record]"

LOG = "report_windows"
PEOPLE = 12
FIRST_END, SECOND_END = date(2025, 3, 5), date(2025, 3, 15)
JANUARY, FEBRUARY = date(2025, 1, 1), date(2025, 2, 1)
WINDOWS = (
    (JANUARY, date(2025, 1, 31)),
    (FEBRUARY, date(2025, 2, 28)),
    (date(2025, 3, 1), SECOND_END),
)
FORMATS = {"jsonl": "-*.json.gz", "parquet": "-*.parquet"}
"""Of batches, with the ends of the names of their files."""


@dataclass
class Office:
    """A company. Before the second run, it has edited February and its directory.

    There are no 1:1s any more, one review and one person less, and an objective has changed.
    """

    later: bool = False
    company: Company = field(default_factory=partial(Company, people=PEOPLE))

    def report(self, report_id: str, start: date | None, end: date | None) -> Table:
        table = self.company.report(report_id, start, end)
        rows = list(table.rows)
        if self.later and start in {FEBRUARY, None}:
            match report_id:
                case "oneonone.detail" | "oneonone.summary":
                    rows.clear()
                case "review.detail" | "people.directory":
                    del rows[0]
                case "objective.detail":
                    progress = table.headings.index("Progress %")
                    rows[0] = (*rows[0][:progress], 1.25, *rows[0][progress + 1 :])
        return Table(table.headings, tuple(rows))

    @property
    def sources(self) -> Mapping[str, ReportSource]:
        return {name: ReportSource(partial(self.report, name)) for name in REPORTS}


@dataclass(frozen=True)
class Loaded:
    """Two overlapping runs.

    Attributes:
        runs: their messages, as records.
        folders: the folder of their batch files, by format.
        current: the rows that are current in the end, by stream.
    """

    runs: list[Run]
    folders: Mapping[str, Path]
    current: Mapping[str, Rows]


def load_twice(folder: Path) -> Loaded:
    """Run the tap twice, as records and as batches of each format, into subfolders of a folder."""
    office = Office()
    folders = {form: folder / form for form in FORMATS}
    for batches in folders.values():
        batches.mkdir()
    reports = [DIRECTORY if name == DIRECTORY["id"] else name for name in REPORTS]
    with Sandbox(time_scale=TIME_SCALE, people=PEOPLE, reports=office.sources) as sandbox:
        config = settings_for(sandbox, *reports, window_log=True, end_date=FIRST_END.isoformat())
        catalog = run_tap(config, folder, "--discover").succeeded().catalog
        run = partial(run_tap, directory=folder, catalog=catalog)
        first = run(config).succeeded()
        for form in FORMATS:
            run(in_files(config, form, folders[form])).succeeded()
        office.later = True
        config |= {"end_date": SECOND_END.isoformat(), "lookback_days": 20}
        for form in FORMATS:
            run(in_files(config, form, folders[form]), state=first.state).succeeded()
        begun = len(requested(sandbox))
        second = run(config, state=first.state).succeeded()
        again = {(report, start) for report, start, _ in requested(sandbox)[begun:]}
    assert ("oneonone.detail", 20250201) in again
    assert ("oneonone.detail", 20250101) not in again
    return Loaded([first, second], folders, current_rows([first, second]))


def in_files(config: Mapping[str, Any], form: str, folder: Path) -> dict[str, Any]:
    batches = {"encoding": {"format": form}, "storage": {"root": folder.as_uri()}}
    return {**config, "batch_config": batches}


def current_rows(runs: list[Run]) -> dict[str, Rows]:
    """Return the rows of the company: January as in the first run, the rest as in the second."""
    current = {}
    for name in REPORTS:
        stream = name.replace(".", "_")
        moments = {
            row.get("_sdc_report_start_date"): utc(row["_sdc_report_datetime"])
            for run in runs
            for row in run.records(stream)
        }
        if name == DIRECTORY["id"]:
            table = Office(later=True).report(name, None, None)
            current[stream] = as_records(table, {"_sdc_report_datetime": moments[None]})
            continue
        current[stream] = [
            row
            for start, end in WINDOWS
            for row in as_records(
                Office(later=start >= FEBRUARY).report(name, start, end),
                {
                    "_sdc_report_start_date": start,
                    "_sdc_report_end_date": end,
                    "_sdc_report_datetime": moments.get(start.isoformat()),
                },
            )
        ]
    return current


def as_records(table: Table, metadata: Record) -> Rows:
    """Return the cells that have a value, as a database does: date-times in UTC without a zone."""
    return [
        {
            **{
                heading: cell.replace(tzinfo=None) if isinstance(cell, datetime) else cell
                for heading, cell in zip(table.headings, row, strict=True)
                if cell is not None
            },
            **metadata,
            "_sdc_row_number": number,
        }
        for number, row in enumerate(table.rows, start=1)
    ]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


def in_order(names: list[str], rows: list[tuple[Any, ...]]) -> Rows:
    """Return rows in the order of their report, without what is null."""
    records = [
        {name: value for name, value in zip(names, row, strict=True) if value is not None}
        for row in rows
    ]
    return sorted(
        records, key=lambda row: (row.get("_sdc_report_start_date"), row["_sdc_row_number"])
    )


def without_moments(streams: Mapping[str, Rows]) -> dict[str, Rows]:
    return {
        stream: [without_column(row, "_sdc_report_datetime") for row in rows]
        for stream, rows in streams.items()
    }


def without_column(row: Record, column: str) -> Record:
    return {name: value for name, value in row.items() if name != column}

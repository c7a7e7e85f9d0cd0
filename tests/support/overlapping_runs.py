"""Runs of the tap that overlap, in the changing company; each is made once for a session.

Each function takes a folder that stays, and how columns are named: the setting `column_names`.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from support import nesting
from support.changing_company import (
    PROFILES,
    REPORTS,
    STAFF,
    TEXTS,
    ChangingCompany,
    other_company,
)
from support.drifting import held, source
from support.sandboxes import settings_for
from support.tap_runs import TIME_SCALE, run_tap
from tap_crewmojo.sandbox.company.company import ReportSource
from tap_crewmojo.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path

    from support.tap_runs import Run

FORMATS = ("jsonl", "parquet")


@cache
def with_one_catalog(folder: Path, naming: str) -> list[Run]:
    """Return two runs with one catalog, as Meltano keeps it, and one for another company."""
    first, second = _two_runs(folder, naming, *REPORTS, keep_catalog=True, end_date="2025-09-30")
    if naming == "as_is":
        assert held(first, "changing") | held(second, "changing") == source()
        assert nesting.held(first, second) == nesting.source(TEXTS)
    reports = {"changing": ReportSource(other_company)}
    with Sandbox(time_scale=TIME_SCALE, people=3, reports=reports) as sandbox:
        days = {"start_date": "2026-01-01", "end_date": "2026-01-31"}
        config = settings_for(sandbox, "changing", column_names=naming, **days)
        other = run_tap(config, folder).succeeded()
    return [first, second, other]


@cache
def without_catalog(folder: Path, naming: str) -> list[Run]:
    """Return two runs, each with the types of a different sample: a number has become text."""
    made = _two_runs(folder, naming, "notes", keep_catalog=False, end_date="2025-03-15")
    score = "Score" if naming == "as_is" else "score"
    types = [run.schema("notes")["properties"][score]["type"] for run in made]
    assert types == [["number", "null"], ["string", "null"]]
    return made


@cache
def that_activate(folder: Path, naming: str) -> list[Run]:
    """Return two runs of a `FULL_TABLE` report, of which E2 has left in between."""
    activating = {"emit_activate_version_messages": True}
    return _two_runs(folder, naming, STAFF, keep_catalog=True, end_date="2025-03-15", **activating)


@cache
def by_format(folder: Path, naming: str, on_new_column: str = "add") -> dict[str, Run]:
    """Return the same windows as records, and as batches of each format."""
    settings = {"column_names": naming, "on_new_column": on_new_column}
    reports = ("notes", "changing", STAFF, PROFILES)
    with Sandbox(time_scale=TIME_SCALE, reports=ChangingCompany().sources) as sandbox:
        config = settings_for(sandbox, *reports, end_date="2025-03-05", **settings)
        catalog = run_tap(config, folder, "--discover").succeeded().catalog
        config["end_date"] = "2025-09-30"
        runs = {"records": run_tap(config, folder, catalog=catalog).succeeded()}
        for form in FORMATS:
            batches = {"encoding": {"format": form}, "storage": {"root": folder.as_uri()}}
            in_files = config | {"batch_config": batches}
            runs[form] = run_tap(in_files, folder, catalog=catalog).succeeded()
    return runs


def _two_runs(
    folder: Path,
    naming: str,
    *reports: object,
    keep_catalog: bool,
    end_date: str,
    **settings: object,
) -> list[Run]:
    """Run the tap, and later again, when it reads its last two windows once more."""
    company = ChangingCompany()
    with Sandbox(time_scale=TIME_SCALE, people=12, reports=company.sources) as sandbox:
        settings |= {"column_names": naming, "end_date": "2025-03-05"}
        config = settings_for(sandbox, *reports, **settings)
        catalog = None
        if keep_catalog:
            catalog = run_tap(config, folder, "--discover").succeeded().catalog
        first = run_tap(config, folder, catalog=catalog).succeeded()
        company.later = True
        config |= {"end_date": end_date, "lookback_days": 20}
        second = run_tap(config, folder, catalog=catalog, state=first.state).succeeded()
        while _versions(second) & _versions(first):  # the SDK has one for each second
            second = run_tap(config, folder, catalog=catalog, state=first.state).succeeded()
    return [first, second]


def _versions(run: Run) -> set[int]:
    """Return the versions of tables that a run activated."""
    return {message["version"] for message in run.messages if message["type"] == "ACTIVATE_VERSION"}

"""The points that Crewmojo's documentation leaves open: each other reading is a variant.

The probe finds each variant and nothing else, and the tap loads the same rows under each.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from support.probes import Probed, run_probe
from support.sandboxes import settings_for
from support.tap_runs import timeless
from tap_crewmojo.clock import SCALE_VARIABLE
from tap_crewmojo.sandbox.company.company import ReportSource
from tap_crewmojo.sandbox.company.table import Table
from tap_crewmojo.sandbox.sandbox import Sandbox
from tap_crewmojo.sandbox.variants import VARIANTS, problem_of
from tap_crewmojo.tap import TapCrewmojo

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

SCALE = 0.003
HEADINGS = ("Code", "Name", "Day", "Note", "Score", "Left", "Active")
FIRST, LAST = date(2025, 1, 1), date(2025, 1, 31)
DAY = timedelta(days=1)

# Of each variant what the probe must find, and nothing else.
FOUND = {
    "token-without-expiry": {"token-fields"},
    "token-expiry-as-text": {"token-lifetime"},
    "token-with-scope": {"token-fields"},
    "exclusive-end": {"range-ends"},
    "unknown-report-404": {"unknown-report-status"},
    "error-with-message": {"unknown-report-body", "unknown-job-body"},
    "envelope-202": {"job-status"},
    "numeric-job-id": {"job-id-type"},
    "job-id-in-snake-case": {"job-fields"},
    "envelope-with-status": {"job-fields"},
    "pending-without-body": {"job-pending"},
    "polls-hang": {"poll-wait"},
    "jobs-as-csv": {"job-type"},
    "unknown-job-400": {"unknown-job-status"},
    "unknown-job-410": {"unknown-job-status"},
    "json-without-nulls": {"json-rows"},
    "json-texts": {"json-values"},
    "json-wrapped": {"json-shape"},
    "json-with-total": {"json-shape"},
    "json-charset": {"json-type"},
    "csv-quoted": {"csv-quotes"},
    "csv-lf": {"csv-line-ends"},
    "csv-bom": {"csv-bom"},
    "csv-latin-1": {"csv-charset"},
    "csv-without-charset": {"csv-charset"},
    "csv-type": {"csv-type"},
    "gzip": {"compression"},
    "chunked": {"framing"},
    "no-length": {"framing"},
}
WAYS: dict[str, dict[str, Any]] = {
    "as_csv": {"id": "it"},
    "as_json": {"id": "it", "content_type": "json"},
    "as_job": {"id": "it", "content_type": "json", "force_job": True},
    "as_slow_job": {"id": "slow"},
}
QUICK_WAYS = ("as_csv", "as_json", "as_job")
OF_JOBS = {name for name, ids in FOUND.items() if any("job" in each for each in ids)}
PENDING = {"pending-without-body", "polls-hang"}
LOSES_ROWS = {"exclusive-end"}


@pytest.fixture(autouse=True)
def _at_the_sandboxes_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SCALE_VARIABLE, str(SCALE))


def rows(start: date | None, end: date | None) -> Table:
    """Return two rows for each day of a range; nothing of it is lost in Latin-1."""
    first, last = start or FIRST, end or LAST
    days = [first + DAY * number for number in range((last - first).days + 1)]
    found: list[tuple[Any, ...]] = []
    for day in days:
        found.append((f"0{day:%j}1", "Zoë", day, 'said "no", and\nleft', day.day / 4, None, True))
        found.append((f"0{day:%j}2", "Al", day, None, None, day.day, False))
    return Table(HEADINGS, tuple(found))


REPORTS = {
    "it": ReportSource(rows),
    "slow": ReportSource(rows, generation_seconds=75),
}


def sandbox_with(*variants: str) -> Sandbox:
    return Sandbox(time_scale=SCALE, people=1, reports=REPORTS, variants=variants)


def probed(sandbox: Sandbox, folder: Path, report: str, *args: str) -> Probed:
    settings = settings_for(sandbox, {"id": "it"}, "slow", request_timeout=600)
    return run_probe(settings, folder, f"--report={report}", "--date=2025-01-15", *args)


def loaded(sandbox: Sandbox, ways: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """Return the rows that the tap loads in some ways."""
    reports = [{"name": name, **WAYS[name]} for name in ways]
    tap = TapCrewmojo(
        config=settings_for(sandbox, *reports, end_date="2025-01-31", request_timeout=600)
    )
    return {name: list(records(tap, name)) for name in ways}


def records(tap: TapCrewmojo, name: str) -> Iterator[dict[str, Any]]:
    for record in tap.streams[name].get_records(None):
        assert isinstance(record, dict)
        yield timeless(record)


EXPECTED = [
    {
        **{
            heading: cell.isoformat() if isinstance(cell, date) else cell
            for heading, cell in zip(HEADINGS, row, strict=True)
        },
        "_sdc_report_start_date": "2025-01-01",
        "_sdc_report_end_date": "2025-01-31",
        "_sdc_row_number": number,
    }
    for number, row in enumerate(rows(FIRST, LAST).rows, 1)
]


def test_each_variant_has_an_expectation() -> None:
    assert list(FOUND) == list(VARIANTS)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_probe_finds_a_variant_and_nothing_else(variant: str, tmp_path: Path) -> None:
    report = "slow" if variant in PENDING else "it"
    with sandbox_with(variant) as sandbox:
        run = probed(sandbox, tmp_path, report, "--slow")
        assert run.ids("differs") == FOUND[variant], run.stdout
        assert run.code == 0
        assert len(sandbox.tokens) == 1


@pytest.mark.parametrize("variant", [None, *(name for name in VARIANTS if name not in LOSES_ROWS)])
def test_the_tap_loads_the_same_rows_under_a_variant(variant: str | None) -> None:
    with sandbox_with(*([variant] if variant else [])) as sandbox:
        ways = WAYS if variant in {None, *OF_JOBS, *PENDING} else QUICK_WAYS
        assert loaded(sandbox, ways) == dict.fromkeys(ways, EXPECTED)


def test_the_tap_loads_the_same_rows_under_all_variants_that_go_together() -> None:
    together: list[str] = []
    for variant in VARIANTS:
        if variant not in LOSES_ROWS and problem_of([*together, variant]) is None:
            together.append(variant)
    assert len(together) > 20
    with sandbox_with(*together) as sandbox:
        assert loaded(sandbox, WAYS) == dict.fromkeys(WAYS, EXPECTED)


def test_an_end_that_is_exclusive_would_lose_the_last_day() -> None:
    """The one variant that the tap does not take: the probe says so before rows are lost."""
    with sandbox_with("exclusive-end") as sandbox:
        assert loaded(sandbox, ["as_csv"]) == {"as_csv": EXPECTED[:-2]}


def test_all_is_as_assumed_in_the_usual_sandbox(tmp_path: Path) -> None:
    with sandbox_with() as sandbox:
        run = probed(sandbox, tmp_path, "slow", "--slow")
        requests = sandbox.requests
    assert run.ids("not tried") == {"token-json"}
    assert run.ids("differs") == set()
    assert run.code == 0
    assert [entry.phase for entry in requests].count("token") == 1
    ends = [entry.at + entry.seconds for entry in requests]
    assert all(end <= entry.at for end, entry in zip(ends, requests[1:], strict=False))

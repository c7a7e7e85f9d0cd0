"""The made-up company: the same for the same seed, with difficult values in its reports."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from datetime import date, timedelta
from statistics import fmean
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_crewmojo.sandbox.company.company import FIRST_DAY, LAST_DAY, Company
from tap_crewmojo.sandbox.company.reports import REPORTS
from tap_crewmojo.sandbox.company.table import Cell, to_csv

if TYPE_CHECKING:
    from typing import Any

days = st.dates(FIRST_DAY, LAST_DAY)
by_day = pytest.mark.parametrize(
    "report", [name for name in REPORTS if name not in {"oneonone.summary", "people.directory"}]
)


@by_day
@settings(max_examples=20, deadline=None)
@given(start=days, length=st.integers(1, 60), cut=st.integers(0, 59))
def test_two_ranges_agree_on_the_days_they_share(
    report: str, start: date, length: int, cut: int
) -> None:
    company, end = Company(), start + timedelta(days=length)
    middle = start + timedelta(days=min(cut, length - 1))
    whole = company.report(report, start, end).rows
    first = company.report(report, start, middle).rows
    assert first + company.report(report, middle + timedelta(days=1), end).rows == whole


@settings(max_examples=20, deadline=None)
@given(start=days, length=st.integers(0, 90))
def test_the_summary_sums_up_the_completed_meetings_of_its_range(start: date, length: int) -> None:
    end = start + timedelta(days=length)
    detail = Company().report("oneonone.detail", start, end)
    meetings: defaultdict[Cell, list[dict[str, Any]]] = defaultdict(list)
    for row in detail.rows:
        meeting = dict(zip(detail.headings, row, strict=True))
        if meeting["Completed"]:
            meetings[meeting["Employee Code"]].append(meeting)
    summary = Company().report("oneonone.summary", start, end)
    assert [row[0] for row in summary.rows] == sorted(map(str, meetings))
    for row in summary.rows:
        got = dict(zip(summary.headings, row, strict=True))
        own = meetings[got["Employee Code"]]
        ratings = [meeting["Rating"] for meeting in own if meeting["Rating"] is not None]
        assert got["Completed 1:1s"] == len(own)
        assert got["Last 1:1"] == max(meeting["Date"] for meeting in own)
        assert got["Average Rating"] == (round(fmean(ratings), 2) if ratings else None)


def test_a_summary_of_two_months_is_not_the_sum_of_two_summaries() -> None:
    company = Company()
    january = company.report("oneonone.summary", date(2024, 1, 1), date(2024, 1, 31)).rows
    february = company.report("oneonone.summary", date(2024, 2, 1), date(2024, 2, 29)).rows
    both = company.report("oneonone.summary", date(2024, 1, 1), date(2024, 2, 29)).rows
    assert set(january + february) != set(both)
    assert len(both) < len(january) + len(february)


@pytest.mark.parametrize("report", REPORTS)
def test_the_seed_and_the_number_of_people_define_the_company(report: str) -> None:
    spring = date(2025, 3, 1), date(2025, 5, 31)
    assert Company(7).report(report, *spring) == Company(7).report(report, *spring)
    assert Company(7).report(report, *spring) != Company(8).report(report, *spring)
    assert Company(7, people=9).report(report, *spring) != Company(7).report(report, *spring)


def test_another_process_makes_up_the_same_company() -> None:
    program = (
        "import sys; from tap_crewmojo.sandbox.company.company import Company;"
        "from tap_crewmojo.sandbox.company.reports import REPORTS;"
        "from tap_crewmojo.sandbox.company.table import to_csv;"
        "sys.stdout.buffer.write(b''.join(to_csv(Company(3, 12).report(r)) for r in REPORTS))"
    )
    other = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True).stdout
    assert other == b"".join(to_csv(Company(3, 12).report(name)) for name in REPORTS)


@pytest.mark.parametrize("report", REPORTS)
def test_a_report_without_dates_covers_the_company_s_life(report: str) -> None:
    everything = Company().report(report)
    assert everything == Company().report(report, date(1999, 1, 1), date(9999, 12, 31))
    assert all(len(row) == len(everything.headings) for row in everything.rows)
    assert len(everything.rows) >= 39


def test_nothing_happens_before_the_company_begins() -> None:
    assert Company().report("oneonone.detail", date(2022, 1, 1), date(2022, 12, 31)).rows == ()


def test_the_directory_is_the_same_whatever_the_dates() -> None:
    alone = Company().report("people.directory", date(2024, 2, 3), date(2024, 2, 3))
    assert alone == Company().report("people.directory")
    assert len(alone.rows) == 40


def test_the_survey_is_empty_in_most_months() -> None:
    filled = {
        month
        for month in range(1, 13)
        if Company().report("engagement.survey", date(2024, month, 1), date(2024, month, 28)).rows
    }
    assert filled == {3, 6, 9, 12}


def test_the_rows_hold_difficult_values() -> None:
    people = Company().report("people.directory")
    codes, names, emails = list(zip(*people.rows, strict=True))[:3]
    assert "00042" in codes
    assert len(set(codes)) == len(set(emails)) == 40
    assert all(str(email).endswith("@example.com") for email in emails)
    assert sum(not str(name).isascii() for name in names) > 10
    detail = Company().report("oneonone.detail")
    columns = dict(zip(detail.headings, zip(*detail.rows, strict=True), strict=True))
    assert {True, False} == set(columns["Completed"])
    assert None in columns["Rating"]
    notes = "".join(str(note) for note in columns["Notes"])
    assert {'"', ",", "\n", "\t", "🚀"} <= set(notes)
    assert len(set(columns["1:1 ID"])) == len(detail.rows)
    objectives = Company().report("objective.detail")
    progress = objectives.headings.index("Progress %")
    assert {int, float} == {type(row[progress]) for row in objectives.rows}


@pytest.mark.parametrize("people", [1, 2, 3, 6, 7])
def test_a_company_may_be_small(people: int) -> None:
    for report in REPORTS:
        Company(people=people).report(report)
    assert len(Company(people=people).report("people.directory").rows) == people


def test_a_company_without_people_is_refused() -> None:
    with pytest.raises(ValueError, match="people"):
        Company(people=0)

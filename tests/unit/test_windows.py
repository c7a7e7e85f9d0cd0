"""Windows tile the calendar, and the bookmark only moves forward."""

from __future__ import annotations

import itertools
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_crewmojo.windows import ReportWindow, Window, advanced, due_windows, windows_between

DAY = timedelta(days=1)
days = st.dates(date(2016, 1, 1), date(2032, 12, 31))
units = st.sampled_from(ReportWindow)


@given(unit=units, day=days)
def test_a_unit_holds_its_days_and_no_other(unit: ReportWindow, day: date) -> None:
    start, end = unit.start(day), unit.end(day)
    assert start <= day <= end
    assert unit.start(end) == start
    assert unit.end(start) == end
    assert unit.end(start - DAY) == start - DAY
    assert unit.start(end + DAY) == end + DAY


@pytest.mark.parametrize(
    ("unit", "start", "end"),
    [
        pytest.param("day", "2024-02-29", "2024-02-29", id="day"),
        pytest.param("week", "2024-02-26", "2024-03-03", id="ISO week"),
        pytest.param("month", "2024-02-01", "2024-02-29", id="leap month"),
        pytest.param("quarter", "2024-01-01", "2024-03-31", id="quarter"),
        pytest.param("year", "2024-01-01", "2024-12-31", id="year"),
    ],
)
def test_the_unit_of_a_leap_day(unit: str, start: str, end: str) -> None:
    window = ReportWindow(unit)
    leap_day = date(2024, 2, 29)
    assert (window.start(leap_day).isoformat(), window.end(leap_day).isoformat()) == (start, end)


@given(unit=units, first=days, length=st.integers(0, 800))
def test_windows_leave_no_gap_and_do_not_overlap(
    unit: ReportWindow, first: date, length: int
) -> None:
    end = first + length * DAY
    windows = list(windows_between(unit, first, end))
    assert windows[0].start == unit.start(first)
    assert windows[-1].end == end
    for one, other in itertools.pairwise(windows):
        assert one.end + DAY == other.start
        assert one.end == unit.end(one.start), "only the last window may be cut short"


@given(
    unit=units,
    start_date=days,
    end=days,
    bookmark=st.none() | days,
    lookback=st.integers(0, 100),
)
def test_what_is_due_begins_where_it_must_and_ends_at_the_end(
    unit: ReportWindow, start_date: date, end: date, bookmark: date | None, lookback: int
) -> None:
    windows = list(
        due_windows(
            unit,
            start_date=start_date,
            end=end,
            bookmark=bookmark,
            yesterday=date.max,
            lookback_days=lookback,
        )
    )
    assert all(window.start <= window.end <= end for window in windows)
    if bookmark is None:
        assert bool(windows) == (unit.start(start_date) <= end)
        if windows:
            assert windows[0].start == unit.start(start_date)
    elif bookmark > end or (bookmark == end and lookback == 0):
        assert not windows
    else:
        resume = min(bookmark + DAY, end)
        earliest = min(start_date, resume)
        assert windows[0].start == unit.start(max(resume - lookback * DAY, earliest))
        assert windows[-1].end == end


near = st.integers(-70, 70).map(lambda number: number * DAY)


@given(
    unit=units,
    start_date=days,
    bookmark=days,
    gaps=st.tuples(near, st.integers(-1, 70)),
    lookback=st.none() | st.integers(0, 200),
)
def test_no_window_is_requested_for_fewer_days_than_it_was_emitted_with(
    unit: ReportWindow,
    start_date: date,
    bookmark: date,
    gaps: tuple[timedelta, int],
    lookback: int | None,
) -> None:
    """Whatever `end_date`, lookback, full refresh, another unit or another time zone."""
    to_end, to_yesterday = gaps
    yesterday = bookmark + to_yesterday * DAY  # one day before: what another zone leaves behind
    end = min(bookmark + to_end, yesterday + DAY)  # a later end counts as today
    windows = list(
        due_windows(
            unit,
            start_date=start_date,
            end=end,
            bookmark=bookmark,
            yesterday=yesterday,
            lookback_days=lookback,
        )
    )
    for window in windows:
        assert window.start == unit.start(window.start)
        assert window.end >= min(unit.end(window.start), bookmark)
    if lookback is None:
        assert bool(windows) == (unit.start(start_date) <= max(end, min(unit.end(end), bookmark)))
    elif end < min(bookmark, yesterday):
        assert not windows


@given(
    unit=units,
    first=days,
    nights=st.lists(st.integers(0, 40), min_size=1, max_size=8),
    lookback=st.integers(0, 45),
)
def test_night_after_night_every_day_is_read_in_its_final_window(
    unit: ReportWindow, first: date, nights: list[int], lookback: int
) -> None:
    bookmark: date | None = None
    read: dict[date, Window] = {}
    end = first
    for gap in nights:
        end += gap * DAY
        for window in due_windows(
            unit,
            start_date=first,
            end=end,
            bookmark=bookmark,
            yesterday=end,
            lookback_days=lookback,
        ):
            read[window.start] = window
            moved = advanced(bookmark, window, end)
            assert moved is not None
            assert bookmark is None or moved >= bookmark
            bookmark = moved
        assert bookmark == end
        assert list(read.values()) == list(windows_between(unit, first, end))


@given(bookmark=st.none() | days, start=days, length=st.integers(0, 400), yesterday=days)
def test_a_bookmark_never_passes_yesterday_nor_goes_back(
    bookmark: date | None, start: date, length: int, yesterday: date
) -> None:
    window = Window(start, start + length * DAY)
    moved = advanced(bookmark, window, yesterday)
    if moved is None:
        assert bookmark is None
        assert yesterday < start
    else:
        assert moved >= (bookmark or date.min)
        assert moved == bookmark or moved <= min(yesterday, window.end)

"""The poller pages through responses, without HTTP and without waiting."""

from __future__ import annotations

from itertools import accumulate, pairwise

from hypothesis import given
from hypothesis import strategies as st

from tap_crewmojo.api.jobs import FIRST_PAUSE, LONGEST_PAUSE, JobPoller, Poll, Submit
from tap_crewmojo.readers.spool import JobEnvelope

REPORT = object()


def test_an_immediate_report_ends_the_paging() -> None:
    poller = JobPoller()
    assert poller.current_value == Submit()
    poller.advance(REPORT)
    assert poller.finished


def test_a_job_is_polled_until_the_response_is_the_report() -> None:
    poller = JobPoller()
    for number in (1, 2, 3):
        poller.advance(JobEnvelope("a"))
        assert poller.current_value == Poll("a", number)
        assert not poller.finished
    poller.advance(REPORT)
    assert poller.finished
    assert poller.count == 4


def test_the_response_to_a_poll_may_name_another_job() -> None:
    poller = JobPoller()
    poller.advance(JobEnvelope("a"))
    poller.advance(JobEnvelope("b"))
    assert poller.current_value == Poll("b", 2)


@given(st.integers(2, 200))
def test_pauses_grow_from_one_to_five_seconds(polls: int) -> None:
    pauses = [Poll("a", number).pause for number in range(1, polls + 1)]
    assert pauses[0] == FIRST_PAUSE == 1
    assert all(one <= other <= LONGEST_PAUSE == 5 for one, other in pairwise(pauses))


@given(st.floats(30, 600))
def test_a_job_is_seen_soon_after_it_is_ready(ready: float) -> None:
    """The first response takes 30 seconds, as the vendor documents."""
    polls = accumulate((Poll("a", number).pause for number in range(1, 600)), initial=30.0)
    seen = next(moment for moment in polls if moment >= ready)
    assert seen - ready <= max(ready / 20, 1)

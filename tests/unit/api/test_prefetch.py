"""Downloads ahead: each is taken once or closed, and a cancelled report can be planned again."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from tap_crewmojo.api.client import Download
from tap_crewmojo.api.prefetch import Prefetch, Workers
from tap_crewmojo.clock import Clock
from tap_crewmojo.config.reports import ReportRequest
from tap_crewmojo.config.settings import Settings
from tap_crewmojo.windows import Window

if TYPE_CHECKING:
    from collections.abc import Callable

CONFIG: dict[str, Any] = {"client_id": "x", "client_secret": "y", "reports": ["a", "b", "c"]}
REPORTS = Settings.from_config(CONFIG, Clock()).reports
DAYS = [date(2025, 1, day) for day in range(1, 6)]
REQUESTS = [ReportRequest(report, Window(day, day)) for report in REPORTS for day in DAYS]
AHEAD = 3


@dataclass(eq=False)
class Spooled:
    """A report on disk."""

    request: ReportRequest
    is_closed: bool = False

    def close(self) -> None:
        assert not self.is_closed
        self.is_closed = True


class Client:
    """Downloads at once whatever is requested."""

    def __init__(self) -> None:
        self.spooled: list[Spooled] = []

    def download(self, request: ReportRequest, _: Callable[[], bool] = lambda: True) -> Download:
        self.spooled.append(Spooled(request))
        report: Any = self.spooled[-1]
        return Download(report, datetime.now(UTC), 0)


class Caller:
    """A worker in the thread of the caller."""

    def submit(self, call: Callable[[], Download]) -> Future[Download]:
        future: Future[Download] = Future()
        future.set_result(call())
        return future


requests = st.sampled_from(REQUESTS)
steps = st.lists(
    st.tuples(st.just("plan"), st.lists(requests, max_size=6, unique_by=REQUESTS.index))
    | st.tuples(st.sampled_from(["take", "take", "keep", "cancel"]), requests)
)


@given(steps)
def test_each_download_is_taken_once_or_closed(steps: list[tuple[str, Any]]) -> None:
    client: Any = Client()
    workers: Any = Caller()
    prefetch = Prefetch(client, workers, AHEAD)
    taken: list[Any] = []
    for step, what in steps:
        if step == "plan":
            prefetch.plan(what)
        elif step == "take":
            taken.append(prefetch.take(what).report)
            assert taken[-1].request == what
        elif step == "keep" and not prefetch.kept(what.report):
            prefetch.keep(what, client.download(what))
        elif step == "cancel":
            prefetch.cancel(what.report)
        kept = [report for report in REPORTS if prefetch.kept(report)]
        held = [report for report in client.spooled if report not in taken and not report.is_closed]
        assert len(held) <= AHEAD + len(kept)
    for report in REPORTS:
        prefetch.cancel(report)
    assert len({id(report) for report in taken}) == len(taken)
    assert all((report in taken) != report.is_closed for report in client.spooled)


def test_what_is_planned_is_downloaded_once_in_order_and_the_kept_report_not_again() -> None:
    client: Any = Client()
    workers: Any = Caller()
    prefetch = Prefetch(client, workers, AHEAD)
    kept = client.download(REQUESTS[3])
    prefetch.keep(REQUESTS[3], kept)
    prefetch.plan(REQUESTS)
    assert [prefetch.take(request).report for request in REQUESTS][3] is kept.report
    assert [report.request for report in client.spooled] == [
        REQUESTS[3],
        *(request for request in REQUESTS if request != REQUESTS[3]),
    ]


def test_a_download_in_flight_is_cancelled_and_its_report_can_be_planned_again() -> None:
    class SlowClient(Client):
        def download(
            self, request: ReportRequest, is_wanted: Callable[[], bool] = lambda: True
        ) -> Download:
            if not self.spooled:
                is_in_flight.set()
                assert is_cancelled.wait(10)
            wanted.append(is_wanted())
            return super().download(request)

    wanted: list[bool] = []
    is_in_flight, is_cancelled = threading.Event(), threading.Event()
    client: Any = SlowClient()
    prefetch = Prefetch(client, Workers(1), AHEAD)
    prefetch.plan(REQUESTS[:1])
    assert is_in_flight.wait(10)
    prefetch.cancel(REPORTS[0])
    is_cancelled.set()
    prefetch.plan(REQUESTS[:1])
    report: Any = prefetch.take(REQUESTS[0]).report
    assert wanted == [False, True]
    assert [spooled.is_closed for spooled in client.spooled] == [True, False]
    assert report is client.spooled[1]

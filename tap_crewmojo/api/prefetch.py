"""Downloads in parallel, ahead of the streams that read them, and handed out in order.

The vendor generates a report when it is requested, which may take minutes. While one report is
read, the next ones are downloaded: later windows of the stream and other streams alike.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tap_crewmojo.api.client import CrewmojoClient, Download
    from tap_crewmojo.config.reports import ReportConfig, ReportRequest

T = TypeVar("T")


class Workers:
    """Threads that end with the process; those of `ThreadPoolExecutor` would keep it alive.

    Args:
        number: how many there are.
    """

    def __init__(self, number: int) -> None:
        self._tasks: SimpleQueue[_Task[object] | None] = SimpleQueue()
        self._number = number
        self._threads: list[threading.Thread] = []

    def submit(self, call: Callable[[], T]) -> Future[T]:
        """Queue a call for a worker; return the future of its result or exception."""
        if len(self._threads) < self._number:
            thread = threading.Thread(target=self._work, daemon=True)
            self._threads.append(thread)
            thread.start()
        task = _Task(call)
        self._tasks.put(task)  # type: ignore[arg-type]  # the queue takes tasks of any result
        return task.future

    def close(self) -> None:
        """Let the threads end once all that is queued is done, without waiting for them."""
        for _ in self._threads:
            self._tasks.put(None)

    def _work(self) -> None:
        while task := self._tasks.get():
            task.run()


class _Task(Generic[T]):
    def __init__(self, call: Callable[[], T]) -> None:
        self.future: Future[T] = Future()
        self._call = call

    def run(self) -> None:
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            self.future.set_result(self._call())
        except BaseException as exc:  # noqa: BLE001  # `Future.result` raises it
            self.future.set_exception(exc)


class Prefetch:
    """Keeps downloads in flight, and hands them out in the order of their plan.

    Args:
        client: downloads a report.
        workers: as many as there may be downloads in flight.
        ahead: the largest number of downloads in flight, or on disk and not yet taken.
    """

    def __init__(self, client: CrewmojoClient, workers: Workers, ahead: int) -> None:
        self._client = client
        self._workers = workers
        self._ahead = ahead
        self._kept: dict[str, tuple[ReportRequest, Download]] = {}
        self._planned: deque[ReportRequest] = deque()
        self._started: deque[_Started] = deque()

    def keep(self, request: ReportRequest, download: Download) -> None:
        """Keep a report that was downloaded for its columns: a sync in this run may take it."""
        self._kept[request.report.name] = request, download

    def kept(self, report: ReportConfig) -> ReportRequest | None:
        """Return the request whose download is kept for a report, if one is."""
        request, _ = self._kept.get(report.name, (None, None))
        return request

    def plan(self, requests: Iterable[ReportRequest]) -> None:
        """Plan downloads, in the order in which they will be taken."""
        self._planned.extend(each for each in requests if each != self.kept(each.report))
        self._start()

    def take(self, request: ReportRequest) -> Download:
        """Return a download; discard those that were planned before it and not taken.

        Raises:
            CredentialsError: no access token could be obtained.
            ReportError: the download failed.
        """
        if request == self.kept(request.report):
            return self._kept.pop(request.report.name)[1]
        while self._started and self._started[0].request != request:
            self._started.popleft().cancel()
            self._start()
        if not self._started:
            return self._client.download(request)  # it was not planned
        started = self._started.popleft()
        self._start()
        return started.future.result()

    def cancel(self, report: ReportConfig) -> None:
        """Cancel the downloads of a report, which frees its workers for the other reports.

        Planned ones do not start; those in flight end before their next HTTP request.
        """
        if report.name in self._kept:
            self._kept.pop(report.name)[1].report.close()
        self._planned = deque(each for each in self._planned if each.report is not report)
        for started in [each for each in self._started if each.request.report is report]:
            self._started.remove(started)
            started.cancel()
        self._start()

    def _start(self) -> None:
        while self._planned and len(self._started) < self._ahead:
            self._started.append(self._submit(self._planned.popleft()))

    def _submit(self, request: ReportRequest) -> _Started:
        is_cancelled = threading.Event()

        def download() -> Download:
            return self._client.download(request, lambda: not is_cancelled.is_set())

        return _Started(request, self._workers.submit(download), is_cancelled)


@dataclass(frozen=True, slots=True, eq=False)
class _Started:
    """A download that is in flight, or spooled and not yet taken."""

    request: ReportRequest
    future: Future[Download]
    is_cancelled: threading.Event

    def cancel(self) -> None:
        self.is_cancelled.set()
        if not self.future.cancel():
            self.future.add_done_callback(
                lambda done: done.exception() or done.result().report.close()
            )

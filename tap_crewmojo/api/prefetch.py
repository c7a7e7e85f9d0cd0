"""Downloads ahead: reports are waited for side by side, and handed out in their order.

The vendor generates a report when it is asked for, which may take minutes. So while one is read,
the next ones are on their way: over the windows of a stream and over streams alike.
"""

from __future__ import annotations

import functools
import threading
from collections import deque
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tap_crewmojo.api.client import CrewmojoClient, Download
    from tap_crewmojo.config.reports import ReportConfig, ReportRequest

T = TypeVar("T")


class Workers:
    """Threads that end with the process: one that hangs in a request must not keep it.

    Args:
        number: how many there are.
    """

    def __init__(self, number: int) -> None:
        self._tasks: SimpleQueue[_Task[object]] = SimpleQueue()
        self._number = number
        self._threads: list[threading.Thread] = []

    def submit(self, call: Callable[[], T]) -> Future[T]:
        """Let a worker make a call; the future has its result, or what it raised."""
        if len(self._threads) < self._number:
            thread = threading.Thread(target=self._work, daemon=True)
            self._threads.append(thread)
            thread.start()
        task = _Task(call)
        self._tasks.put(task)  # type: ignore[arg-type]  # the queue takes tasks of any result
        return task.future

    def _work(self) -> None:
        while True:
            self._tasks.get().run()


class _Task(Generic[T]):
    def __init__(self, call: Callable[[], T]) -> None:
        self.future: Future[T] = Future()
        self._call = call

    def run(self) -> None:
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            self.future.set_result(self._call())
        except BaseException as exc:  # noqa: BLE001  # raised where the result is waited for
            self.future.set_exception(exc)


class Prefetch:
    """Keeps downloads in flight, and hands them out in the order in which they were planned.

    Args:
        client: downloads a report.
        workers: as many as may be in flight at a time.
        ahead: how many may be in flight, or spooled and not yet handed out.
    """

    def __init__(self, client: CrewmojoClient, workers: Workers, ahead: int) -> None:
        self._client = client
        self._workers = workers
        self._ahead = ahead
        self._planned: deque[ReportRequest] = deque()
        self._started: deque[tuple[ReportRequest, Future[Download]]] = deque()
        self._cancelled: set[str] = set()

    def plan(self, requests: Iterable[ReportRequest]) -> None:
        """Say what will be taken, in which order."""
        self._planned.extend(requests)
        self._start()

    def take(self, request: ReportRequest) -> Download:
        """Return a download; what was planned before it and not taken is let go.

        Raises:
            CredentialsError: there is no token to be had.
            ReportError: the report cannot be had.
        """
        while self._started and self._started[0][0] != request:
            _discard(self._started.popleft()[1])
            self._start()
        if not self._started:
            return self._client.download(request)  # it was not planned
        _, future = self._started.popleft()
        self._start()
        return future.result()

    def cancel(self, report: ReportConfig) -> None:
        """Let go of what is left of a report, so that its workers go on with the other reports.

        What is planned is not started; what is in flight ends before its next request.
        """
        self._cancelled.add(report.name)
        self._planned = deque(request for request in self._planned if self._is_wanted(request))
        for request, future in self._started:
            if not self._is_wanted(request):
                _discard(future)
        self._started = deque(pair for pair in self._started if self._is_wanted(pair[0]))
        self._start()

    def _is_wanted(self, request: ReportRequest) -> bool:
        return request.report.name not in self._cancelled

    def _start(self) -> None:
        while self._planned and len(self._started) < self._ahead:
            request = self._planned.popleft()
            is_wanted = functools.partial(self._is_wanted, request)
            future = self._workers.submit(
                functools.partial(self._client.download, request, is_wanted)
            )
            self._started.append((request, future))


def _discard(future: Future[Download]) -> None:
    if not future.cancel():
        future.add_done_callback(lambda done: done.exception() or done.result().report.close())

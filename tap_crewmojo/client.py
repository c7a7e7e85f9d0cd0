"""Downloads: a request for a report becomes a report on disk, or a failure with a name.

One entrance, `CrewmojoClient.download`: submit, poll, ask again what may pass, start over what is
lost, all within the vendor's five minutes a job.
"""

from __future__ import annotations

import itertools
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import backoff

from tap_crewmojo.errors import (
    CredentialsError,
    JobAbandonedError,
    NoTokenError,
    ReportError,
    TransientError,
    UnusableAnswerError,
)
from tap_crewmojo.jobs import JobPoller, Poll, Submit
from tap_crewmojo.report_file import JobEnvelope, ReportFile
from tap_crewmojo.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Generator
    from datetime import datetime

    from tap_crewmojo.clock import Clock
    from tap_crewmojo.reports import ReportRequest
    from tap_crewmojo.settings import Settings

_LOGGER = logging.getLogger("tap-crewmojo")
_MAX_TRIES = 8
_LONGEST_PAUSE = 30.0
_WORD_EVERY = 30.0


@dataclass(slots=True)
class _Job:
    """One attempt at a report, as far as it has come."""

    request: ReportRequest
    deadline: float
    attempt: int
    polled: bool = False


@dataclass(frozen=True, slots=True)
class Download:
    """A downloaded report.

    Args:
        file: its rows, on disk.
        requested_at: when it was requested, UTC.
        jobs: how many jobs were polled for it; 0 where the answer came at once.
    """

    file: ReportFile
    requested_at: datetime
    jobs: int


class CrewmojoClient:
    """Downloads reports. One client, with its one token, serves the whole process.

    Args:
        settings: API root, credentials, deadlines.
        clock: tells time and waits.
        user_agent: how the tap introduces itself.
    """

    def __init__(self, settings: Settings, clock: Clock, user_agent: str) -> None:
        self._settings = settings
        self._clock = clock
        self._transport = Transport(settings, clock, user_agent)

    def download(self, request: ReportRequest) -> Download:
        """Download one report: submit it, poll its job, start again where a job is lost.

        Raises:
            CredentialsError: there is no token to be had.
            ReportError: the report cannot be had; the text names it and its window.
        """
        jobs = 0
        for attempt in range(1, self._settings.max_job_attempts + 1):
            job = _Job(request, self._clock.monotonic() + self._settings.job_timeout, attempt)
            requested_at = self._clock.now()
            try:
                file = self._run(job)
            except NoTokenError as exc:
                msg = f"There is no token to be had from {self._settings.api_url}: {exc}"
                raise CredentialsError(msg) from None
            except (JobAbandonedError, TransientError, UnusableAnswerError) as exc:
                failure = exc
            else:
                return Download(file, requested_at, jobs + job.polled)
            jobs += job.polled
            _log(job, "given up: %s", failure, level=logging.WARNING)
            if attempt < self._settings.max_job_attempts:
                self._clock.sleep(min(2.0**attempt, _LONGEST_PAUSE))
        msg = (
            f"{request}: not delivered after {self._settings.max_job_attempts} attempts "
            f"(the last: {failure}). The next run asks for it again; if it keeps happening, "
            "contact Crewmojo, or try a shorter report_window"
        )
        raise ReportError(msg)

    def _run(self, job: _Job) -> ReportFile:
        poller = JobPoller()
        last_word = self._clock.monotonic()
        while True:
            step = poller.current_value
            if self._clock.monotonic() + step.pause >= job.deadline:
                msg = f"still being generated {self._settings.job_timeout} s after it was requested"
                raise JobAbandonedError(msg)
            self._clock.sleep(step.pause)
            answer = self._persistently_ask(job, step)
            poller.advance(answer)
            if isinstance(answer, ReportFile):
                return answer
            job.polled = True
            if self._clock.monotonic() - last_word >= _WORD_EVERY:
                last_word = self._clock.monotonic()
                _log(job, "still being generated, %d polls so far", poller.count)

    def _persistently_ask(self, job: _Job, step: Submit | Poll) -> ReportFile | JobEnvelope:
        """Ask again, within the job's deadline, while the failure is one that may pass."""
        return backoff.on_exception(
            self._pauses,
            TransientError,
            max_tries=_MAX_TRIES,
            max_time=self._clock.real(max(job.deadline - self._clock.monotonic(), 0)),
            jitter=None,
            logger=None,
            on_backoff=lambda details: _log(
                job, "%s; asked again", details["exception"], level=logging.WARNING
            ),
        )(self._transport.ask)(job.request, step, job.deadline)

    def _pauses(self) -> Generator[float, TransientError, None]:
        failure = yield 0
        for tries in itertools.count():
            pause = max(min(2.0**tries, _LONGEST_PAUSE), failure.retry_after or 0)
            failure = yield self._clock.real(pause)


def _log(job: _Job, message: str, *args: object, level: int = logging.INFO) -> None:
    text = f"%s, attempt %d: {message}"
    _LOGGER.log(level, text, job.request, job.attempt, *args)

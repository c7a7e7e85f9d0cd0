"""Downloads: a request for a report becomes a report on disk, or a failure of that report.

`CrewmojoClient.download` submits the report, polls its job, retries what may pass, and requests
the report again if its job is lost, all within the vendor's five minutes a job. Whatever goes wrong
in a download fails this report alone.
"""

from __future__ import annotations

import itertools
import math
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING

import backoff

from tap_crewmojo.api.endpoint import Transport
from tap_crewmojo.api.jobs import JobPoller, Poll, Submit
from tap_crewmojo.errors import (
    CredentialsError,
    DownloadCancelledError,
    JobAbandonedError,
    ReportError,
    TokenRequestError,
    TransientError,
    UnusableResponseError,
)
from tap_crewmojo.logs import StreamLog
from tap_crewmojo.readers.report import Report

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from datetime import datetime

    from tap_crewmojo.clock import Clock
    from tap_crewmojo.config.reports import ReportRequest
    from tap_crewmojo.config.settings import Settings
    from tap_crewmojo.readers.spool import JobEnvelope

_MAX_TRIES = 8
_LONGEST_PAUSE = 30.0
_WORD_EVERY = 30.0


@dataclass(slots=True)
class _Job:
    """A report that is being asked for, as far as it has come."""

    request: ReportRequest
    log: StreamLog
    is_wanted: Callable[[], bool]
    started_at: float
    attempts: int
    attempt: int = 0
    deadline: float = 0.0
    polls: int = 0
    trouble: str = ""

    def __str__(self) -> str:
        return f"{self.request}, attempt {self.attempt} of {self.attempts}"


@dataclass(frozen=True, slots=True)
class Download:
    """A downloaded report.

    Args:
        report: its rows, on disk.
        requested_at: when it was requested, UTC.
        jobs: how many jobs were polled for it; 0 where the answer came at once.
    """

    report: Report
    requested_at: datetime
    jobs: int


class CrewmojoClient:
    """Downloads reports. One client, with its one token, serves the whole process.

    Args:
        settings: API root, credentials, deadlines.
        clock: tells time and waits.
        user_agent: how the tap introduces itself.
        token_timeout: API seconds after which a failed token request is not retried any more.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        user_agent: str,
        *,
        token_timeout: float = math.inf,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._token_timeout = token_timeout
        self._transport = Transport(settings, clock, user_agent)

    def download(
        self, request: ReportRequest, is_wanted: Callable[[], bool] = lambda: True
    ) -> Download:
        """Download one report: submit it, poll its job, start again where a job is lost.

        Args:
            request: the report.
            is_wanted: asked ahead of each request, so that a download can be abandoned.

        Raises:
            CredentialsError: there is no token to be had.
            DownloadCancelledError: the report is not wanted any more.
            ReportError: the report cannot be had; the text names it and its window.
        """
        log, started_at = StreamLog.about(request, is_wanted), self._clock.monotonic()
        job = _Job(request, log, is_wanted, started_at, self._settings.max_job_attempts)
        with self._clock.every(_WORD_EVERY, lambda: self._tell(job)):
            return self._attempt(job)

    def _attempt(self, job: _Job) -> Download:
        jobs = 0
        for attempt in range(1, job.attempts + 1):
            job.attempt, job.polls = attempt, 0
            job.deadline = self._clock.monotonic() + self._settings.job_timeout
            requested_at = self._clock.now()
            try:
                file = self._run(job)
            except TokenRequestError as exc:
                msg = f"Could not get an access token from {self._settings.api_url}: {exc}"
                raise CredentialsError(msg) from None
            except (JobAbandonedError, TransientError, UnusableResponseError) as exc:
                failure = str(exc)
            except (CredentialsError, ReportError):
                raise
            except Exception as exc:  # noqa: BLE001  # whatever came: it fails this report alone
                failure = f"unexpected {type(exc).__name__}"  # its text may quote a row
                frames = "".join(traceback.format_tb(exc.__traceback__))
                job.log.debug("%s: %s. Please report these lines:\n%s", job, failure, frames)
            else:
                return Download(file, requested_at, jobs + bool(job.polls))
            jobs += bool(job.polls)
            job.trouble = failure
            if job.attempt < job.attempts:
                pause = min(2.0**job.attempt, _LONGEST_PAUSE)
                job.log.warning("%s: %s; requested again in %.0f s", job, failure, pause)
                self._clock.sleep(pause)
        msg = (
            f"{job.request}: not delivered after {job.attempts} attempts (the last: {failure}). "
            "The next run asks for it again; if it keeps happening, contact Crewmojo, or try a "
            "shorter report_window"
        )
        raise ReportError(msg)

    def _run(self, job: _Job) -> Report:
        poller = JobPoller()
        while True:
            step = poller.current_value
            if self._clock.monotonic() + step.pause >= job.deadline:
                msg = f"still being generated {self._settings.job_timeout} s after it was requested"
                raise JobAbandonedError(msg)
            self._clock.sleep(step.pause)
            answer = self._persistently_ask(job, step)
            poller.advance(answer)
            if isinstance(answer, Report):
                return answer
            job.polls, job.trouble = poller.count, ""

    def _persistently_ask(self, job: _Job, step: Submit | Poll) -> Report | JobEnvelope:
        """Ask again, within the job's deadline, while the failure is one that may pass."""

        def is_final(failure: Exception) -> bool:
            waited = self._clock.monotonic() - job.started_at
            return isinstance(failure, TokenRequestError) and waited >= self._token_timeout

        def tell(details: backoff.types.Details) -> None:
            job.trouble = str(details["exception"])
            job.log.warning(
                "%s: %s; retried in %.0f s (try %d of %d)",
                job,
                job.trouble,
                details["wait"] / self._clock.scale,
                details["tries"] + 1,
                _MAX_TRIES,
            )

        return backoff.on_exception(
            self._pauses,
            TransientError,
            max_tries=_MAX_TRIES,
            max_time=self._clock.real(max(job.deadline - self._clock.monotonic(), 0)),
            giveup=is_final,
            jitter=None,
            logger=None,
            on_backoff=tell,
        )(self._ask)(job, step)

    def _ask(self, job: _Job, step: Submit | Poll) -> Report | JobEnvelope:
        if not job.is_wanted():
            msg = f"{job.request}: not wanted any more"
            raise DownloadCancelledError(msg)
        return self._transport.ask(job.request, step, job.deadline)

    def _tell(self, job: _Job) -> None:
        """Say that a report is still waited for, and why."""
        so_far = f"its job was polled {job.polls} times" if job.polls else "no report yet"
        last = f" (the last failure: {job.trouble})" if job.trouble else ""
        seconds = self._clock.monotonic() - job.started_at
        job.log.info("%s: waiting for %.0f s, %s%s", job, seconds, so_far, last)

    def _pauses(self) -> Generator[float, TransientError, None]:
        failure = yield 0
        for tries in itertools.count():
            pause = max(min(2.0**tries, _LONGEST_PAUSE), failure.retry_after or 0)
            failure = yield self._clock.real(pause)

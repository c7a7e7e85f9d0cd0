"""Downloads: a request for a report becomes a report on disk, or an error of that report alone.

Three loops, each inside the one before it: attempts, which request the report again as a new job;
the requests of one attempt, which submit the report and poll its job (`jobs.py`); and the tries of
one request, while its failures may pass.
"""

from __future__ import annotations

import itertools
import logging
import math
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import backoff
from singer_sdk.exceptions import FatalSyncError, RetriableSyncError

from tap_crewmojo.api.endpoint import DownloadEndpoint
from tap_crewmojo.api.jobs import JobPoller
from tap_crewmojo.errors import (
    CredentialsError,
    DownloadCancelledError,
    JobAbandonedError,
    ReportError,
    TokenRequestError,
    TransientError,
)
from tap_crewmojo.logs import StreamLog
from tap_crewmojo.readers.report import Report

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from datetime import datetime

    from backoff.types import Details

    from tap_crewmojo.api.jobs import Poll, Submit
    from tap_crewmojo.clock import Clock
    from tap_crewmojo.config.reports import ReportRequest
    from tap_crewmojo.config.settings import Settings
    from tap_crewmojo.readers.spool import JobEnvelope

_MAX_TRIES: Final = 8
_LONGEST_PAUSE: Final = 30.0
_MOST_DOUBLINGS: Final = 5  # more would exceed the longest pause, and later a double
_STATUS_INTERVAL: Final = 30.0


@dataclass(slots=True)
class _DownloadState:
    """How far the download of a report has come.

    Args:
        request: the report and its window.
        is_wanted: whether the download has not been cancelled.
        log: the log of its stream.
        started_at: the start of the download, by `Clock.monotonic`.
        max_attempts: how often the report may be requested.
        attempt: the current attempt, from 1.
        deadline: the time by `Clock.monotonic` at which this attempt is abandoned.
        polls: the polls of this attempt.
        polled_jobs: the attempts that had a job to poll.
        failure: the last failure, until a response arrives.
    """

    request: ReportRequest
    is_wanted: Callable[[], bool]
    log: StreamLog
    started_at: float
    max_attempts: int
    attempt: int = 0
    deadline: float = 0.0
    polls: int = 0
    polled_jobs: int = 0
    failure: str = ""

    def __str__(self) -> str:
        return f"{self.request}, attempt {self.attempt} of {self.max_attempts}"


@dataclass(frozen=True, slots=True)
class Download:
    """A downloaded report.

    Args:
        report: its rows, on disk.
        requested_at: when it was requested, UTC.
        jobs: how many jobs were polled for it; 0 where the first response was the report.
    """

    report: Report
    requested_at: datetime
    jobs: int


class CrewmojoClient:
    """Downloads reports. One client, with its one token, serves the whole process.

    Args:
        settings: the API root, credentials and timeouts.
        clock: measures the timeouts, and waits.
        user_agent: the `User-Agent` of each request.
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
        self._endpoint = DownloadEndpoint(settings, clock, user_agent)

    def download(
        self, request: ReportRequest, is_wanted: Callable[[], bool] = lambda: True
    ) -> Download:
        """Download one report. Any exception but `CredentialsError` fails this report alone.

        Args:
            request: the report and its window.
            is_wanted: called before each HTTP request; false cancels the download.

        Raises:
            CredentialsError: no access token could be obtained.
            DownloadCancelledError: the download was cancelled.
            ReportError: the download failed; the text names the report and its window.
        """
        state = _DownloadState(
            request,
            is_wanted,
            StreamLog.about(request, is_wanted),
            self._clock.monotonic(),
            self._settings.max_job_attempts,
        )
        with self._clock.every(_STATUS_INTERVAL, lambda: self._log_status(state)):
            while True:
                try:
                    return self._attempt(state)
                except TokenRequestError as exc:
                    msg = (
                        f"Could not get an access token from {self._settings.api_url}: {exc}. "
                        "Check the network and api_url"
                    )
                    raise CredentialsError(msg) from None
                except RetriableSyncError as exc:
                    state.failure = str(exc)
                except FatalSyncError:
                    raise
                except Exception as exc:  # noqa: BLE001  # it fails this report alone
                    state.failure = f"unexpected {type(exc).__name__}"  # its text may quote a row
                    frames = "".join(traceback.format_tb(exc.__traceback__))
                    state.log.debug(
                        "%s: %s. Please report these lines:\n%s", state, state.failure, frames
                    )
                self._pause_before_next_attempt(state)

    def _pause_before_next_attempt(self, state: _DownloadState) -> None:
        if state.attempt == state.max_attempts:
            msg = (
                f"{state.request}: not delivered after {state.attempt} attempts (the last: "
                f"{state.failure}). The next run requests it again; if this keeps happening, "
                "contact Crewmojo, or try a shorter report_window"
            )
            raise ReportError(msg)
        pause = _growing_pause(state.attempt)
        state.log.warning("%s: %s; requested again in %.0f s", state, state.failure, pause)
        self._clock.sleep(pause)

    def _attempt(self, state: _DownloadState) -> Download:
        """Submit the report and poll its job until the response is the report."""
        state.attempt += 1
        state.polls = 0
        state.deadline = self._clock.monotonic() + self._settings.job_timeout
        requested_at = self._clock.now()
        poller = JobPoller()
        while True:
            step = poller.current_value
            if self._clock.monotonic() + step.pause >= state.deadline:
                msg = f"still being generated {self._settings.job_timeout} s after it was requested"
                raise JobAbandonedError(msg)
            self._clock.sleep(step.pause)
            response = self._send(state, step)
            poller.advance(response)
            if isinstance(response, Report):
                return Download(response, requested_at, state.polled_jobs)
            state.polls, state.failure = poller.count - 1, ""
            if not state.polls:
                state.polled_jobs += 1

    def _send(self, state: _DownloadState, step: Submit | Poll) -> Report | JobEnvelope:
        """Send one HTTP request; retry it while its failures may pass.

        Raises:
            TransientError: the last failure, after the last try.
        """
        retried = backoff.on_exception(
            lambda: self._pauses(state),
            TransientError,
            max_tries=_MAX_TRIES,
            giveup=lambda failure: self._is_final(state, failure),
            on_backoff=lambda details: self._log_retry(state, details),
            jitter=None,
            logger=None,
        )
        return retried(self._send_once)(state, step)

    def _send_once(self, state: _DownloadState, step: Submit | Poll) -> Report | JobEnvelope:
        if not state.is_wanted():
            msg = f"{state.request}: the download was cancelled"
            raise DownloadCancelledError(msg)
        return self._endpoint.send(state.request, step, state.deadline, state.log)

    def _pauses(self, state: _DownloadState) -> Generator[float, TransientError, None]:
        """Yield the real seconds to wait after each failure, which is sent in."""
        failure = yield 0
        for number in itertools.count():
            pause = max(_growing_pause(number), failure.retry_after or 0)
            failure = yield self._clock.real(min(pause, state.deadline - self._clock.monotonic()))

    def _is_final(self, state: _DownloadState, failure: Exception) -> bool:
        now = self._clock.monotonic()
        waited = now - state.started_at
        is_late = isinstance(failure, TokenRequestError) and waited >= self._token_timeout
        return is_late or now >= state.deadline

    def _log_retry(self, state: _DownloadState, details: Details) -> None:
        """Log a retry: at DEBUG if the failure is the same as before."""
        repeated, state.failure = state.failure, str(details["exception"])
        state.log.log(
            logging.DEBUG if state.failure == repeated else logging.WARNING,
            "%s: %s; retried in %.0f s (try %d of %d)",
            state,
            state.failure,
            details["wait"] / self._clock.scale,
            details["tries"] + 1,
            _MAX_TRIES,
        )

    def _log_status(self, state: _DownloadState) -> None:
        """Log how long a report has been waited for, and why."""
        so_far = f"its job was polled {state.polls} times" if state.polls else "no report yet"
        last = f" (the last failure: {state.failure})" if state.failure else ""
        seconds = self._clock.monotonic() - state.started_at
        state.log.info("%s: waiting for %.0f s, %s%s", state, seconds, so_far, last)


def _growing_pause(number: int) -> float:
    """Return the seconds to wait before a repetition: they double each time, up to a limit."""
    return min(2.0 ** min(number, _MOST_DOUBLINGS), _LONGEST_PAUSE)

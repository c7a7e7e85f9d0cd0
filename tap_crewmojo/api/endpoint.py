"""The download endpoint: one HTTP request, its response spooled, its failure named."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from singer_sdk import metrics

from tap_crewmojo.api.auth import CrewmojoAuthenticator
from tap_crewmojo.api.framing import has_known_end, iter_body, read_short_body
from tap_crewmojo.api.http import HttpSession, is_transient, retry_after
from tap_crewmojo.api.jobs import Poll
from tap_crewmojo.errors import JobAbandonedError, ReportError, TransientError
from tap_crewmojo.readers.spool import ResponseHead, spool
from tap_crewmojo.redaction import vendor_text

if TYPE_CHECKING:
    import requests

    from tap_crewmojo.api.jobs import Submit
    from tap_crewmojo.clock import Clock
    from tap_crewmojo.config.reports import ReportRequest
    from tap_crewmojo.config.settings import Settings
    from tap_crewmojo.logs import StreamLog
    from tap_crewmojo.readers.report import Report
    from tap_crewmojo.readers.spool import JobEnvelope

_MAX_RENEWALS: Final = 3
_SHORTEST_TIMEOUT: Final = 1.0
_PARTIAL: Final = 206
WHOLE: Final = frozenset(range(200, 300)) - {_PARTIAL}
_UNAUTHORIZED: Final = 401
_JOB_LOST: Final = frozenset({400, 404, 410})


def report_path(report_id: str, job_id: str | None = None) -> str:
    """Return the path of a report, or of one of its jobs, below the API root."""
    parts = [report_id] if job_id is None else [report_id, job_id]
    return "/".join(["/integrations/download", *(quote(part, safe="") for part in parts)])


class DownloadEndpoint:
    """Sends HTTP requests for reports and their jobs, all with the one token of the process.

    Args:
        settings: the API root, credentials and timeouts.
        clock: measures the timeouts, and waits.
        user_agent: the `User-Agent` of each request.
    """

    def __init__(self, settings: Settings, clock: Clock, user_agent: str) -> None:
        self._settings = settings
        self._clock = clock
        self._session = HttpSession(settings.api_url, user_agent, clock)
        self._auth = CrewmojoAuthenticator(settings, clock, self._session)

    def send(
        self, request: ReportRequest, step: Submit | Poll, deadline: float, log: StreamLog
    ) -> Report | JobEnvelope:
        """Send one HTTP request; where its token is refused, repeat it with a new one.

        Args:
            request: the report and its window.
            step: whether to submit the report or to poll its job.
            deadline: the time by `Clock.monotonic` at which the job is abandoned.
            log: the log of the download.

        Raises:
            CredentialsError: Crewmojo refuses the client.
            TransientError: the request may succeed when it is repeated.
            JobAbandonedError: the job is lost.
            UnusableResponseError: the response is neither a report nor a job.
            ReportError: this client cannot get the report.
        """
        for renewals in range(_MAX_RENEWALS + 1):
            if renewals:
                self._pause(request, renewals, log)
            with self._exchange(request, step, deadline) as response:
                if response.status_code != _UNAUTHORIZED:
                    return self._read(response, request, step)
                self._auth.reject(response.request)
        msg = (
            f"{request}: refused with status 401 after {renewals} new tokens. Another process may "
            "be using this client (each new token invalidates the others), or the client may not "
            "read this report; check with Crewmojo"
        )
        raise ReportError(msg)

    def _pause(self, request: ReportRequest, renewals: int, log: StreamLog) -> None:
        # Two taps that share a client invalidate each other's tokens in turn. A growing, random
        # pause lets both of them finish a request.
        pause = renewals * random.uniform(0.5, 1.5)  # noqa: S311  # no secret
        log.warning(
            "%s: the token was refused with status 401; retried with a new one in %.0f s "
            "(renewal %d of %d)",
            request,
            pause,
            renewals,
            _MAX_RENEWALS,
        )
        self._clock.sleep(pause)

    def _exchange(
        self, request: ReportRequest, step: Submit | Poll, deadline: float
    ) -> requests.Response:
        path = report_path(request.report.id)
        tags = {metrics.Tag.STREAM: request.report.name, metrics.Tag.ENDPOINT: path}
        left = deadline - self._clock.monotonic()
        timeout = max(min(self._settings.request_timeout, left), _SHORTEST_TIMEOUT)
        if isinstance(step, Poll):
            method, path = "GET", report_path(request.report.id, step.job_id)
            body = None
        else:
            method, body = "POST", request.body
        with metrics.Timer(metrics.Metric.HTTP_REQUEST_DURATION, tags) as timer:
            response = self._session.exchange(
                method, path, auth=self._auth, timeout=timeout, json=body
            )
            timer.tags[metrics.Tag.HTTP_STATUS_CODE] = response.status_code
        return response

    def _read(
        self, response: requests.Response, request: ReportRequest, step: Submit | Poll
    ) -> Report | JobEnvelope:
        # The job's deadline is for generating the report; its body has as much time again.
        deadline = self._clock.monotonic() + self._settings.job_timeout
        if response.status_code not in WHOLE:
            body = read_short_body(response, self._clock, deadline)
            raise self._failure(response, body, request, step)
        try:
            head = ResponseHead(
                response.headers.get("Content-Type", ""),
                response.status_code,
                has_known_end(response),
                polled_job=step.job_id if isinstance(step, Poll) else None,
            )
            return spool(iter_body(response, self._clock, deadline), head)
        except ReportError as exc:
            msg = f"{request}: {exc}"
            raise ReportError(msg) from None
        except OSError as exc:
            msg = (
                f"{request}: the response could not be written to the temporary folder "
                f"({exc.strerror}); make room there, or set TMPDIR to another"
            )
            raise ReportError(msg) from None

    def _failure(
        self,
        response: requests.Response,
        body: bytes,
        request: ReportRequest,
        step: Submit | Poll,
    ) -> Exception:
        """Return the exception for a response without a report."""
        status = response.status_code
        text = f"the response has status {status}{vendor_text(body, request.report.id)}"
        if is_transient(status) or status == _PARTIAL:
            return TransientError(text, retry_after(response, self._clock.now()))
        if isinstance(step, Poll) and status in _JOB_LOST:
            return JobAbandonedError(f"its job is lost: {text}")
        if response.is_redirect:
            advice = (
                "a redirect, which is not followed since another host would receive the token; "
                "check api_url"
            )
        else:
            advice = (
                "check with Crewmojo that the identifier is right and that this client may read it"
            )
        return ReportError(f"{request}: {text}: {advice}")

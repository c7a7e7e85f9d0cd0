"""One request to Crewmojo: sent with the token, its response spooled, its failure named."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING
from urllib.parse import quote

from singer_sdk import metrics

from tap_crewmojo.api.auth import PASSING, CrewmojoAuthenticator
from tap_crewmojo.api.bodies import body_of, has_known_end, short_body_of
from tap_crewmojo.api.http import HttpSession, retry_after
from tap_crewmojo.api.jobs import Poll, Submit
from tap_crewmojo.errors import JobAbandonedError, ReportError, TransientError
from tap_crewmojo.logs import StreamLog
from tap_crewmojo.readers.spool import spool
from tap_crewmojo.redaction import vendor_text

if TYPE_CHECKING:
    from datetime import datetime

    import requests

    from tap_crewmojo.clock import Clock
    from tap_crewmojo.config.reports import ReportRequest
    from tap_crewmojo.config.settings import Settings
    from tap_crewmojo.readers.report import Report
    from tap_crewmojo.readers.spool import JobEnvelope

MAX_RENEWALS = 3
"""Renewals of the token for one request, before somebody else is taken to use the client."""

_LEAST_TIMEOUT = 1.0
_UNAUTHORIZED = 401
_SERVER_ERROR = 500
_PARTIAL = 206
_WHOLE_ANSWERS = frozenset(range(200, 300)) - {_PARTIAL}
_LOST = frozenset({400, 404, 410})


class Transport:
    """Makes requests, all with the one token of the process.

    Args:
        settings: API root, credentials and time-outs.
        clock: tells time and waits.
        user_agent: how the tap introduces itself.
    """

    def __init__(self, settings: Settings, clock: Clock, user_agent: str) -> None:
        self._settings = settings
        self._clock = clock
        self._session = HttpSession(settings.api_url, user_agent, clock)
        self._auth = CrewmojoAuthenticator(settings, clock, self._session)

    def ask(
        self, request: ReportRequest, step: Submit | Poll, deadline: float
    ) -> Report | JobEnvelope:
        """Make one request; where the token is refused, renew it and make the same request again.

        Args:
            request: the report.
            step: whether to submit it or to poll its job.
            deadline: when, by the clock's stop-watch, the job is to be given up.

        Raises:
            CredentialsError: Crewmojo refuses the client.
            TransientError: the failure may pass; ask again.
            JobAbandonedError: the job is lost; submit the report again.
            ReportError: the report cannot be had.
        """
        for renewals in range(MAX_RENEWALS + 1):
            if renewals:
                self._pause(request, renewals)
            if renewals and self._clock.monotonic() > deadline:
                break
            with self._send(request, step, deadline) as response:
                if response.status_code != _UNAUTHORIZED:
                    return self._read(response, request, step)
                self._auth.reject(response.request)
        msg = (
            f"{request}: refused with status 401 after {renewals} new tokens. Another "
            "process may be using this client (each new token ends the others), or the client "
            "may not read this report; check with Crewmojo"
        )
        raise ReportError(msg)

    def _pause(self, request: ReportRequest, renewals: int) -> None:
        # Two taps that share a client take turns in killing each other's token: the growing,
        # uneven pause is what lets both get through.
        pause = renewals * random.uniform(0.5, 1.5)  # noqa: S311  # no secret
        StreamLog.about(request).warning(
            "%s: the token was refused with status 401; retried with a new one in %.0f s "
            "(renewal %d of %d)",
            request,
            pause,
            renewals,
            MAX_RENEWALS,
        )
        self._clock.sleep(pause)

    def _send(
        self, request: ReportRequest, step: Submit | Poll, deadline: float
    ) -> requests.Response:
        report = request.report
        path = f"/integrations/download/{quote(report.id, safe='')}"
        left = deadline - self._clock.monotonic()
        timeout = max(min(self._settings.request_timeout, left), _LEAST_TIMEOUT)
        timer = metrics.Timer(
            metrics.Metric.HTTP_REQUEST_DURATION,
            {metrics.Tag.STREAM: report.name, metrics.Tag.ENDPOINT: path},
        )
        with timer:
            if isinstance(step, Submit):
                response = self._session.exchange(
                    "POST", path, json=request.body, auth=self._auth, timeout=timeout
                )
            else:
                path = f"{path}/{quote(step.job_id, safe='')}"
                response = self._session.exchange("GET", path, auth=self._auth, timeout=timeout)
            timer.tags[metrics.Tag.HTTP_STATUS_CODE] = response.status_code
        return response

    def _read(
        self, response: requests.Response, request: ReportRequest, step: Submit | Poll
    ) -> Report | JobEnvelope:
        # The body has as long again as its generation had.
        deadline = self._clock.monotonic() + self._settings.job_timeout
        if response.status_code not in _WHOLE_ANSWERS:
            body = short_body_of(response, self._clock, deadline)
            words = vendor_text(body, request.report.id)
            raise _failure(response, words, request, step, self._clock.now())
        try:
            return spool(
                body_of(response, self._clock, deadline),
                response.headers.get("Content-Type", ""),
                status=response.status_code,
                has_known_end=has_known_end(response),
                polled_job=step.job_id if isinstance(step, Poll) else None,
            )
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
    response: requests.Response,
    words: str,
    request: ReportRequest,
    step: Submit | Poll,
    now: datetime,
) -> Exception:
    """Return the failure that a response without a report stands for."""
    status = response.status_code
    text = f"the response has status {status}{words}"
    if status in PASSING or status >= _SERVER_ERROR or status == _PARTIAL:
        return TransientError(text, retry_after(response, now))
    if isinstance(step, Poll) and status in _LOST:
        return JobAbandonedError(f"its job is lost: {text}")
    if response.is_redirect:
        text += ": a redirect, which is not followed since the token must not travel; check api_url"
    else:
        text += (
            ": check with Crewmojo that the identifier is right and that this client may read it"
        )
    return ReportError(f"{request}: {text}")

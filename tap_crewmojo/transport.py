"""One request to Crewmojo: sent with the token, its answer landed, its failure named."""

from __future__ import annotations

import email.utils
import random
from typing import TYPE_CHECKING, TypedDict
from urllib.parse import quote

import requests
from singer_sdk import metrics

from tap_crewmojo.auth import PASSING, CrewmojoAuthenticator
from tap_crewmojo.bodies import body_of, short_body_of
from tap_crewmojo.errors import (
    JobAbandonedError,
    ReportError,
    TransientError,
    vendor_text,
)
from tap_crewmojo.jobs import Poll, Submit
from tap_crewmojo.landing import land
from tap_crewmojo.outages import CONNECT_TIMEOUT, UNREADABLE, reason, tls_failure
from tap_crewmojo.stream_log import StreamLog

if TYPE_CHECKING:
    from datetime import datetime

    from tap_crewmojo.clock import Clock
    from tap_crewmojo.landing import JobEnvelope
    from tap_crewmojo.report_file import ReportFile
    from tap_crewmojo.reports import ReportRequest
    from tap_crewmojo.settings import Settings

MAX_RENEWALS = 3
"""Renewals of the token for one request, before somebody else is taken to use the client."""

_LEAST_PATIENCE = 1.0
_UNAUTHORIZED = 401
_SERVER_ERROR = 500
_PARTIAL = 206
_WHOLE_ANSWERS = frozenset(range(200, 300)) - {_PARTIAL}
_LOST = frozenset({400, 404, 410})


class _SendOptions(TypedDict):
    auth: CrewmojoAuthenticator
    stream: bool
    allow_redirects: bool
    timeout: tuple[float, float]


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
        self._session = requests.Session()
        self._session.headers["User-Agent"] = user_agent
        self._auth = CrewmojoAuthenticator(settings, clock, self._session)

    def ask(
        self, request: ReportRequest, step: Submit | Poll, deadline: float
    ) -> ReportFile | JobEnvelope:
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
            "%s: the token was refused with status 401; asked again with a new one in %.0f s "
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
        patience = max(min(self._settings.request_timeout, left), _LEAST_PATIENCE)
        timer = metrics.Timer(
            metrics.Metric.HTTP_REQUEST_DURATION,
            {metrics.Tag.STREAM: report.name, metrics.Tag.ENDPOINT: path},
        )
        common: _SendOptions = {
            "auth": self._auth,
            "stream": True,
            "allow_redirects": False,
            "timeout": (
                self._clock.real(CONNECT_TIMEOUT),
                self._clock.real(patience),
            ),
        }
        url = f"{self._settings.api_url}{path}"
        try:
            with timer:
                if isinstance(step, Submit):
                    response = self._session.post(url, json=request.body, **common)
                else:
                    response = self._session.get(f"{url}/{quote(step.job_id, safe='')}", **common)
                timer.tags[metrics.Tag.HTTP_STATUS_CODE] = response.status_code
        except requests.exceptions.SSLError as exc:
            msg = f"{request}: {tls_failure(exc)}"
            raise ReportError(msg) from None
        except requests.RequestException as exc:
            msg = f"no answer from {self._settings.api_url} ({reason(exc, patience)})"
            raise TransientError(msg) from None
        except OSError:  # what requests says of REQUESTS_CA_BUNDLE
            msg = f"{request}: {UNREADABLE}"
            raise ReportError(msg) from None
        return response

    def _read(
        self, response: requests.Response, request: ReportRequest, step: Submit | Poll
    ) -> ReportFile | JobEnvelope:
        # The body has as long again as its generation had.
        deadline = self._clock.monotonic() + self._settings.job_timeout
        if response.status_code not in _WHOLE_ANSWERS:
            body = short_body_of(response, self._clock, deadline)
            words = vendor_text(body, request.report.id)
            raise _failure(response, words, request, step, self._clock.now())
        try:
            content_type = response.headers.get("Content-Type", "")
            return land(body_of(response, self._clock, deadline), content_type)
        except OSError as exc:
            msg = (
                f"{request}: the answer could not be written to the temporary folder "
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
    """Return what an answer without a report amounts to."""
    status = response.status_code
    text = f"the answer has status {status}{words}"
    if status in PASSING or status >= _SERVER_ERROR or status == _PARTIAL:
        return TransientError(text, _retry_after(response, now))
    if isinstance(step, Poll) and status in _LOST:
        return JobAbandonedError(f"its job is lost: {text}")
    if response.is_redirect:
        text += ": a redirect, which is not followed since the token must not travel; check api_url"
    else:
        text += (
            ": check with Crewmojo that the identifier is right and that this client may read it"
        )
    return ReportError(f"{request}: {text}")


def _retry_after(response: requests.Response, now: datetime) -> float | None:
    """Return the seconds that `Retry-After` asks for, in either of its forms (RFC 9110, 10.2.3)."""
    value = response.headers.get("Retry-After", "")
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        return (email.utils.parsedate_to_datetime(value) - now).total_seconds()
    except (TypeError, ValueError):
        return None

"""Requests, each sent once and with the same token, and what is seen of their responses."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from tap_crewmojo.api.auth import CrewmojoAuthenticator
from tap_crewmojo.api.endpoint import WHOLE
from tap_crewmojo.api.framing import has_known_end, iter_body
from tap_crewmojo.api.http import HttpSession
from tap_crewmojo.errors import (
    CutShortError,
    ReportError,
    TransientError,
    UnusableResponseError,
)
from tap_crewmojo.probe.bodies import table_of, text_of
from tap_crewmojo.readers.report import Report
from tap_crewmojo.readers.spool import JobEnvelope, ResponseHead, spool

if TYPE_CHECKING:
    import requests

    from tap_crewmojo.clock import Clock
    from tap_crewmojo.config.settings import Settings
    from tap_crewmojo.probe.bodies import Table

_MOST_BYTES: Final = 1 << 25


class NotSeenError(Exception):
    """A request has no response that can be looked at.

    Args:
        reason: why, in words that the result may show.
        detail: the same with the address and the reason of the network, for the user only.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.detail = detail or reason


@dataclass(frozen=True, slots=True)
class Seen:
    """A response as the probe looks at it.

    Args:
        status: its status code.
        content_type: its `Content-Type`.
        content_encoding: its `Content-Encoding`.
        framing: how the end of its body is announced: `length`, `chunked` or `close`.
        seconds: API seconds until its headers arrived.
        body: its body, decompressed.
        table: the report in it, as the tap reads it.
        job_id: the job in it, as the tap reads it.
        unreadable: why the tap takes it for neither; empty for an error status.
    """

    status: int
    content_type: str
    content_encoding: str
    framing: str
    seconds: float
    body: bytes = field(repr=False)
    table: Table | None = field(default=None, repr=False)
    job_id: str | None = field(default=None, repr=False)
    unreadable: str = ""

    @property
    def is_success(self) -> bool:
        """Whether the status is that of a success."""
        return self.status in WHOLE

    @property
    def text(self) -> str:
        """Its body as text."""
        return text_of(self.body, self.content_type)


class Exchange:
    """Sends requests to Crewmojo, by the tap's own rules for hosts, TLS and redirects.

    Args:
        settings: the API root, credentials and timeouts.
        clock: measures the time.
        user_agent: the `User-Agent` of each request.
    """

    def __init__(self, settings: Settings, clock: Clock, user_agent: str) -> None:
        self._settings = settings
        self._clock = clock
        self._session = HttpSession(settings.api_url, user_agent, clock)
        self._auth = CrewmojoAuthenticator(settings, clock, self._session)

    def request_token(self) -> Seen:
        """Request a token.

        Raises:
            CredentialsError: Crewmojo refuses the client, or cannot be reached by this address.
            TokenRequestError: the request failed.
        """
        started = self._clock.monotonic()
        response, body = self._auth.request_token()
        return self._seen(response, self._clock.monotonic() - started, body)

    def use_token(self, seen: Seen) -> None:
        """Use the token in a response for all requests that follow.

        Raises:
            TokenRequestError: it holds none.
        """
        self._auth.accept(seen.body, self._clock.monotonic())

    def send(
        self,
        method: str,
        path: str,
        json: dict[str, Any] | None = None,
        polled_job: str | None = None,
    ) -> Seen:
        """Send one request.

        Args:
            method: `GET` or `POST`.
            path: the path below the API root.
            json: the body to send.
            polled_job: the job that is polled.

        Raises:
            CredentialsError: TLS cannot be verified.
            NotSeenError: there is no response, or its body cannot be read whole.
        """
        started = self._clock.monotonic()
        try:
            response = self._session.exchange(
                method,
                path,
                auth=self._with_token,
                timeout=self._settings.request_timeout,
                json=json,
            )
        except TransientError as exc:
            reason = "no response"
            raise NotSeenError(reason, detail=str(exc)) from None
        seconds = self._clock.monotonic() - started
        with response:
            seen = self._seen(response, seconds, self._body(response))
            head = ResponseHead(seen.content_type, seen.status, has_known_end(response), polled_job)
        return _read(seen, head) if seen.is_success else seen

    def _with_token(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        # Not the authenticator itself: it would fetch a second token when this one expires.
        request.headers["Authorization"] = f"Bearer {self._auth.access_token}"
        return request

    def _body(self, response: requests.Response) -> bytes:
        deadline = self._clock.monotonic() + self._settings.job_timeout
        body = bytearray()
        try:
            for chunk in iter_body(response, self._clock, deadline):
                body += chunk
                if len(body) > _MOST_BYTES:
                    msg = f"the report has more than {_MOST_BYTES >> 20} MiB"
                    raise NotSeenError(msg)
        except TransientError:  # its text may quote a header
            msg = (
                "the response could not be read whole: it took too long, was cut short, is "
                "damaged, or is compressed in a way that the tap does not accept"
            )
            raise NotSeenError(msg) from None
        return bytes(body)

    def _seen(self, response: requests.Response, seconds: float, body: bytes) -> Seen:
        headers = response.headers
        framing = "length" if "Content-Length" in headers else "close"
        if "Transfer-Encoding" in headers:
            framing = "chunked"
        return Seen(
            status=response.status_code,
            content_type=headers.get("Content-Type", ""),
            content_encoding=headers.get("Content-Encoding", ""),
            framing=framing,
            seconds=seconds,
            body=body,
        )


def _read(seen: Seen, head: ResponseHead) -> Seen:
    """Return a response with what the tap reads in it: a table, a job, or why it is neither.

    Raises:
        NotSeenError: it cannot be written to the temporary folder.
    """
    try:
        result = spool([seen.body], head)
        if isinstance(result, JobEnvelope):
            return replace(seen, job_id=result.job_id)
        assert isinstance(result, Report)  # noqa: S101  # for the type checker
        return replace(seen, table=table_of(result))
    except CutShortError:
        reason = "it is empty, or ends before its text is complete"
    except TransientError:
        reason = "nothing shows that it is complete"
    except (UnusableResponseError, RecursionError):
        reason = "it is malformed, or neither a report nor a job"
    except ReportError:
        reason = "it says that it is only a part of the report"
    except OSError:
        msg = "it could not be written to the temporary folder"
        raise NotSeenError(msg) from None
    return replace(seen, unreadable=reason)

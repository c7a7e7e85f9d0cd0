"""The HTTP session: sends a request once, and says in words why there is no response."""

from __future__ import annotations

import email.utils
import http.client
import os
import socket
import ssl
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import requests
from typing_extensions import override

from tap_crewmojo.api.framing import ACCEPTED_ENCODING, FramingError, StrictAdapter
from tap_crewmojo.errors import CredentialsError, TransientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from tap_crewmojo.clock import Clock

_CONNECT_TIMEOUT: Final = 10
_MOST_CONNECTIONS: Final = 16  # the most parallel reports
_LONGEST_WAIT: Final = 24 * 60 * 60
_TRANSIENT: Final = frozenset({408, 425, 429})
_SERVER_ERROR: Final = 500

_UNTRUSTED: Final = (
    "the server's certificate is not trusted, or is not for this host; if a proxy stands in "
    "between, set REQUESTS_CA_BUNDLE to its certificate authority"
)
_NO_TLS: Final = (
    "the server speaks no TLS, or another version of it; check api_url (that of a sandbox on this "
    "machine begins with http, not https)"
)
_NO_CA_BUNDLE: Final = "REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE must name a file that can be read"


class HttpSession(requests.Session):
    """Sends requests to one API root.

    Args:
        api_url: the API root.
        user_agent: the `User-Agent` of each request.
        clock: measures the timeouts.
    """

    def __init__(self, api_url: str, user_agent: str, clock: Clock) -> None:
        super().__init__()
        self._api_url = api_url
        self._clock = clock
        self.headers["User-Agent"] = user_agent
        self.headers["Accept-Encoding"] = ACCEPTED_ENCODING
        # Plain http is allowed to this machine only: a proxy of the environment would receive the
        # client secret in clear text.
        self.trust_env = urlsplit(api_url).scheme != "http"
        for prefix in ("http://", "https://"):
            self.mount(prefix, StrictAdapter(pool_maxsize=_MOST_CONNECTIONS))

    @override
    def get_redirect_target(self, resp: requests.Response) -> None:
        """Follow no redirect and do not parse its address: another host must not get the token."""

    def exchange(
        self,
        method: str,
        path: str,
        *,
        auth: Callable[[requests.PreparedRequest], requests.PreparedRequest],
        timeout: float,
        **body: Any,  # noqa: ANN401  # as in requests
    ) -> requests.Response:
        """Send one request, once; return the response, whose body has not been read.

        Args:
            method: `GET` or `POST`.
            path: the path below the API root.
            auth: puts credentials on the request.
            timeout: API seconds to wait for the server's next bytes.
            body: `json`, a body to send as JSON, or `data`, to send as a form.

        Raises:
            CredentialsError: TLS cannot be verified, so no request can be sent.
            TransientError: there is no response.
        """
        try:
            return self.request(
                method,
                f"{self._api_url}{path}",
                auth=auth,
                timeout=(self._clock.real(_CONNECT_TIMEOUT), self._clock.real(timeout)),
                allow_redirects=False,
                stream=True,
                **body,
            )
        except requests.exceptions.SSLError as exc:
            reason = _tls_reason(exc)
        except requests.RequestException as exc:
            msg = f"no response from {self._api_url} ({failure_reason(exc, timeout)})"
            raise TransientError(msg) from None
        except OSError:  # requests raises it for REQUESTS_CA_BUNDLE
            reason = _NO_CA_BUNDLE
        msg = f"No request can be sent to {self._api_url}: {reason}"
        raise CredentialsError(msg)


def is_transient(status: int) -> bool:
    """Return whether a response with another status may follow when the request is repeated."""
    return status in _TRANSIENT or status >= _SERVER_ERROR


def retry_after(response: requests.Response, now: datetime) -> float | None:
    """Return the seconds that `Retry-After` states, in either of its forms (RFC 9110, 10.2.3).

    More than a day is taken for an error.
    """
    value = response.headers.get("Retry-After", "")
    try:
        if value.isascii() and value.isdigit():
            seconds = float(value)
        else:
            seconds = (email.utils.parsedate_to_datetime(value) - now).total_seconds()
    except (TypeError, ValueError, OverflowError):
        return None
    return seconds if 0 <= seconds <= _LONGEST_WAIT else None


def failure_reason(failure: requests.RequestException, timeout: float) -> str:
    """Say why a request has no response. The text of `requests` is left out: it holds the URL.

    Args:
        failure: the exception that `requests` raised.
        timeout: the read timeout of the request, in API seconds.
    """
    if isinstance(failure, requests.ConnectTimeout):
        return f"no connection within {_CONNECT_TIMEOUT} s"
    if isinstance(failure, requests.ReadTimeout):
        return f"no response within {timeout:.0f} s"
    causes = list(_causes(failure))
    words = next(filter(None, map(_in_words, causes)), type(causes[-1]).__name__)
    return f"the proxy: {words}" if isinstance(failure, requests.exceptions.ProxyError) else words


def _tls_reason(failure: requests.exceptions.SSLError) -> str:
    """Say why there is no TLS connection, and what to do about it."""
    causes = [cause for cause in _causes(failure) if isinstance(cause, ssl.SSLError)]
    is_certificate = any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes)
    return _NO_TLS if causes and not is_certificate else _UNTRUSTED


def _causes(failure: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and those that it wraps: urllib3 and requests wrap each other's."""
    while failure:
        yield failure
        failure = failure.__context__


def _in_words(cause: BaseException) -> str | None:
    match cause:
        case FramingError():
            return str(cause)
        case socket.gaierror():
            return "the host name cannot be resolved"
        case http.client.RemoteDisconnected():
            return "the connection was closed before a response"
        case ssl.SSLError():
            return None  # its number is not one of the operating system's
        case OSError(errno=int(number)):
            return os.strerror(number).lower()  # "connection refused", "connection reset by peer"
        case _:
            return None

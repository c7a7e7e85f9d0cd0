"""The HTTP session: sends one request, and takes nothing for a response that is none.

`http.client` returns an interim response (102, 103) as if it were the final one: the real response
would then be read as that to the next request. It also accepts headers that it cannot parse, and
urllib3 logs what is left of them, which may be rows. Here both are failures of the connection,
which is closed.
"""

from __future__ import annotations

import email.utils
import http.client
import re
from typing import TYPE_CHECKING, Any, Final

import requests
import urllib3
from requests.adapters import HTTPAdapter
from typing_extensions import override
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HeaderParsingError
from urllib3.util.response import assert_header_parsing

from tap_crewmojo.api.bodies import ACCEPTED_ENCODING
from tap_crewmojo.api.outages import (
    CONNECT_TIMEOUT,
    UNREADABLE,
    FramingError,
    reason,
    tls_failure,
)
from tap_crewmojo.errors import CredentialsError, TransientError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tap_crewmojo.clock import Clock

_FINAL: Final = 200
_LONGEST_WAIT: Final = 24 * 60 * 60
_TRANSFER_CODINGS: Final = frozenset({"chunked", "identity"})  # what `http.client` decodes
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a token of RFC 9110, 5.6.2


class HttpSession(requests.Session):
    """Sends requests to one API root.

    Args:
        api_url: the API root.
        user_agent: how the tap introduces itself.
        clock: counts the timeouts.
    """

    def __init__(self, api_url: str, user_agent: str, clock: Clock) -> None:
        super().__init__()
        self._api_url = api_url
        self._clock = clock
        self.headers["User-Agent"] = user_agent
        self.headers["Accept-Encoding"] = ACCEPTED_ENCODING
        # Plain http is allowed to this machine only: a proxy of the environment would be sent the
        # client secret in clear text.
        self.trust_env = not api_url.startswith("http://")
        self.mount("http://", _StrictAdapter())
        self.mount("https://", _StrictAdapter())

    @override
    def get_redirect_target(self, resp: requests.Response) -> None:
        """Follow no redirect, and do not parse its address: the token must not travel."""

    def exchange(
        self,
        method: str,
        path: str,
        *,
        auth: Callable[[requests.PreparedRequest], requests.PreparedRequest],
        timeout: float,
        **body: Any,  # noqa: ANN401  # as requests takes it
    ) -> requests.Response:
        """Send one request, once; return the response, whose body is not read yet.

        Args:
            method: `GET` or `POST`.
            path: below the API root.
            auth: puts credentials on the request.
            timeout: API seconds that the server may stay silent.
            body: `json`, a body to send as JSON, or `data`, to send as a form.

        Raises:
            CredentialsError: TLS cannot be verified, so no request can be sent.
            TransientError: there is no response.
        """
        timeouts = (self._clock.real(CONNECT_TIMEOUT), self._clock.real(timeout))
        try:
            return self.request(
                method,
                f"{self._api_url}{path}",
                auth=auth,
                timeout=timeouts,
                allow_redirects=False,
                stream=True,
                **body,
            )
        except requests.exceptions.SSLError as exc:
            msg = f"No request can be sent to {self._api_url}: {tls_failure(exc)}"
            raise CredentialsError(msg) from None
        except requests.RequestException as exc:
            msg = f"no response from {self._api_url} ({reason(exc, timeout)})"
            raise TransientError(msg) from None
        except OSError:  # what requests raises for REQUESTS_CA_BUNDLE
            msg = f"No request can be sent to {self._api_url}: {UNREADABLE}"
            raise CredentialsError(msg) from None


def retry_after(response: requests.Response, now: datetime) -> float | None:
    """Return the seconds that `Retry-After` asks for, in either of its forms (RFC 9110, 10.2.3).

    A wait of more than a day is taken for an error.
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


class _StrictResponse(http.client.HTTPResponse):
    @override
    def begin(self) -> None:
        super().begin()
        if self.status < _FINAL:
            msg = f"an interim response, with status {self.status}, instead of the final one"
            raise FramingError(msg)
        try:
            assert_header_parsing(self.msg)
            is_valid = all(map(_HEADER_NAME.fullmatch, self.msg))
        except HeaderParsingError:
            is_valid = False
        if not is_valid:
            msg = "a response with malformed headers"
            raise FramingError(msg)
        codings = {coding.lower() for coding in self.msg.get_all("Transfer-Encoding", ())}
        if not codings <= _TRANSFER_CODINGS:
            msg = "a response with an unknown Transfer-Encoding"
            raise FramingError(msg)


class _StrictHttpConnection(HTTPConnection):
    response_class = _StrictResponse


class _StrictHttpsConnection(HTTPSConnection):
    response_class = _StrictResponse


class _StrictHttpPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _StrictHttpConnection


class _StrictHttpsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _StrictHttpsConnection


_POOLS: Final = {"http": _StrictHttpPool, "https": _StrictHttpsPool}


class _StrictAdapter(HTTPAdapter):
    """Connects with the classes above, through a proxy as well."""

    @override
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    @override
    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> urllib3.ProxyManager:
        manager: urllib3.ProxyManager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager

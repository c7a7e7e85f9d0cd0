"""Why a request got no response, in words that hold nothing of the request."""

from __future__ import annotations

import http.client
import os
import socket
import ssl
from typing import TYPE_CHECKING

import requests

if TYPE_CHECKING:
    from collections.abc import Iterator

CONNECT_TIMEOUT = 10
"""Seconds to wait for a connection."""

UNTRUSTED = (
    "the server's certificate is not trusted, or is not for this host; if a proxy stands in "
    "between, set REQUESTS_CA_BUNDLE to its certificate authority"
)
"""What to do about TLS that cannot be verified."""

NO_TLS = (
    "the server speaks no TLS, or another version of it; check api_url (that of a sandbox on this "
    "machine begins with http, not https)"
)
"""What to do about a server, or a proxy, that knows no TLS."""

UNREADABLE = "REQUESTS_CA_BUNDLE, or CURL_CA_BUNDLE, names no file that can be read"
"""What to do about a missing file of certificate authorities."""


class FramingError(http.client.HTTPException):
    """A response that cannot be separated from what follows it; the text holds nothing of it."""


def reason(failure: requests.RequestException, timeout: float) -> str:
    """Tell why a request failed. What `requests` itself says holds the URL, and is left out.

    Args:
        failure: what `requests` raised.
        timeout: the seconds that a response was waited for.
    """
    if isinstance(failure, requests.ConnectTimeout):
        return f"no connection within {CONNECT_TIMEOUT} s"
    if isinstance(failure, requests.ReadTimeout):
        return f"no response within {timeout:.0f} s"
    causes = list(_causes(failure))
    words = next(filter(None, map(_words, causes)), type(causes[-1]).__name__)
    return f"the proxy: {words}" if isinstance(failure, requests.exceptions.ProxyError) else words


def tls_failure(failure: requests.exceptions.SSLError) -> str:
    """Tell why there is no connection by TLS, and what to do about it."""
    causes = [cause for cause in _causes(failure) if isinstance(cause, ssl.SSLError)]
    is_certificate = any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes)
    return NO_TLS if causes and not is_certificate else UNTRUSTED


def _causes(failure: BaseException | None) -> Iterator[BaseException]:
    """Yield a failure, and what led to it: urllib3 and requests wrap each other's."""
    while failure:
        yield failure
        failure = failure.__context__


def _words(cause: BaseException) -> str | None:
    match cause:
        case FramingError():
            return str(cause)
        case socket.gaierror():
            return "the host name cannot be resolved"
        case http.client.RemoteDisconnected():
            return "the connection was closed before a response"
        case ssl.SSLError():
            return None  # its number is none of the operating system's
        case OSError(errno=int(number)):
            return os.strerror(number).lower()  # "connection refused", "connection reset by peer"
        case _:
            return None

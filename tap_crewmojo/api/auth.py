"""The access token, one for the whole process.

Each new token invalidates all earlier tokens of the client (vendor's page): threads or streams with
tokens of their own would invalidate each other's.
"""

from __future__ import annotations

import json
import math
import threading
from typing import TYPE_CHECKING, Any, Final

from singer_sdk.authenticators import OAuthAuthenticator
from typing_extensions import override

from tap_crewmojo.api.framing import read_short_body
from tap_crewmojo.api.http import is_transient, retry_after
from tap_crewmojo.errors import CredentialsError, TokenRequestError, TransientError
from tap_crewmojo.redaction import vendor_text

if TYPE_CHECKING:
    import requests

    from tap_crewmojo.api.http import HttpSession
    from tap_crewmojo.clock import Clock
    from tap_crewmojo.config.settings import Settings

_LIFETIME: Final = 30 * 60
"""Seconds that a token is valid if its response does not state them (vendor's page)."""

_RENEWAL_MARGIN: Final = 2 * 60
"""Seconds before the end of its validity at which a token is renewed."""

_SHORTEST_USE: Final = 30
"""Seconds that any token is used: a new one for each request would invalidate those in use."""

_BODY_TIMEOUT: Final = 60
_REDIRECTS: Final = 300
_REFUSED: Final = frozenset({400, 401, 403})


class CrewmojoAuthenticator(OAuthAuthenticator):
    """Puts the token on requests; fetches it, and renews it before it expires. Thread-safe.

    Args:
        settings: the client's credentials, the API root and the timeouts.
        clock: measures the token's age, whatever happens to the wall clock.
        session: sends the token request, once: repeating it could invalidate a token in use.
    """

    def __init__(self, settings: Settings, clock: Clock, session: HttpSession) -> None:
        super().__init__(
            auth_endpoint=f"{settings.api_url}/oauth/token",
            client_id=settings.client_id,
            client_secret=settings.client_secret,
            default_expiration=_LIFETIME,
        )
        self._http = session
        self._clock = clock
        self._timeout = settings.request_timeout
        self._lock = threading.RLock()
        self._renew_at = float("-inf")
        self._wait_until = float("-inf")
        self._refusal: CredentialsError | None = None

    @override
    def authenticate_request(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        with self._lock:
            if self._refusal:
                raise self._refusal  # refused credentials are sent once only
            try:
                return super().authenticate_request(request)
            except CredentialsError as exc:
                self._refusal = exc
                raise

    @property
    @override
    def oauth_request_body(self) -> dict[str, Any]:
        return {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
        }

    @override
    def is_token_valid(self) -> bool:
        return self._clock.monotonic() < self._renew_at

    def reject(self, request: requests.PreparedRequest) -> None:
        """Discard the token of a request that was refused, if it is still the current one.

        If it is not, another thread has renewed it, and the request only has to be repeated.
        """
        with self._lock:
            if request.headers.get("Authorization") == f"Bearer {self.access_token}":
                self._renew_at = float("-inf")

    @override
    def update_access_token(self) -> None:
        """Fetch a token.

        Raises:
            CredentialsError: Crewmojo refused the client id or secret, or is not at this address.
            TokenRequestError: the request failed for a reason that may pass.
        """
        requested_at = self._clock.monotonic()
        if requested_at < self._wait_until:  # the server's Retry-After to another thread
            msg = "the token request has to wait"
            raise TokenRequestError(msg, self._wait_until - requested_at)
        _, body = self.request_token()
        self.accept(body, requested_at)

    def request_token(self) -> tuple[requests.Response, bytes]:
        """Send a token request, once; return its response and the body.

        Raises:
            CredentialsError: as in `update_access_token`.
            TokenRequestError: as in `update_access_token`.
        """
        self.logger.debug("Requesting an access token")
        try:
            with self._http.exchange(
                "POST",
                "/oauth/token",
                data=self.oauth_request_payload,
                auth=_without_credentials,
                timeout=self._timeout,
            ) as response:
                deadline = self._clock.monotonic() + _BODY_TIMEOUT
                body = read_short_body(response, self._clock, deadline)
        except TransientError as exc:
            msg = f"the token request failed: {exc}"
            raise TokenRequestError(msg) from None
        self._check_status(response, body)
        return response, body

    def _check_status(self, response: requests.Response, body: bytes) -> None:
        status = response.status_code
        if status in _REFUSED:
            msg = (
                f"Crewmojo refused the client id or secret (status {status} from /oauth/token"
                f"{vendor_text(body)}). Check client_id and client_secret (in Crewmojo under "
                "Company Settings > Integrations > API Authentication) and environment."
            )
            raise CredentialsError(msg)
        if is_transient(status):
            msg = f"the response to the token request has status {status}"
            wait = retry_after(response, self._clock.now())
            self._wait_until = self._clock.monotonic() + (wait or 0)
            raise TokenRequestError(msg, wait)
        if status >= _REDIRECTS:
            msg = (
                f"The response to the token request has status {status}, as if /oauth/token were "
                "somewhere else: check api_url and environment"
            )
            raise CredentialsError(msg)

    def accept(self, body: bytes, requested_at: float) -> None:
        """Take the token from the body of its response.

        Args:
            body: the body.
            requested_at: the time by `Clock.monotonic` at which it was requested.

        Raises:
            TokenRequestError: the body holds no token.
        """
        try:
            response = json.loads(body)
            token = response["access_token"]
            is_usable = bool(token) and token.isascii() and token.isprintable()
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            is_usable = False
        if not is_usable:
            msg = "the response to the token request holds no access token"
            raise TokenRequestError(msg)
        lifetime = _lifetime(response.get("expires_in"))
        self.access_token = token
        # At least half the lifetime: with the margin alone, a token of two minutes would be renewed
        # for each request.
        use = max(lifetime - _RENEWAL_MARGIN, lifetime / 2, _SHORTEST_USE)
        self._renew_at = requested_at + use


def _lifetime(expires_in: object) -> float:
    """Return the seconds that a token is valid; the default if its response states no number."""
    try:
        seconds = float(expires_in)  # type: ignore[arg-type]  # raises for any other type
    except (TypeError, ValueError, OverflowError):
        return _LIFETIME
    return seconds if seconds > 0 and math.isfinite(seconds) else _LIFETIME


def _without_credentials(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Return the request unchanged: without `auth`, requests adds the credentials of ~/.netrc."""
    return request

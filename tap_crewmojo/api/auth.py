"""The one access token of the whole process.

Every new token invalidates all earlier tokens of the client (vendor's page), so two threads or
streams that each fetched their own would knock each other out.
"""

from __future__ import annotations

import json
import math
import threading
from typing import TYPE_CHECKING, Any, Final

from singer_sdk.authenticators import OAuthAuthenticator
from typing_extensions import override

from tap_crewmojo.api.bodies import short_body_of
from tap_crewmojo.api.http import retry_after
from tap_crewmojo.errors import CredentialsError, TokenRequestError, TransientError
from tap_crewmojo.redaction import vendor_text

if TYPE_CHECKING:
    import requests

    from tap_crewmojo.api.http import HttpSession
    from tap_crewmojo.clock import Clock
    from tap_crewmojo.config.settings import Settings

LIFETIME: Final = 30 * 60
"""Seconds that a token lives where its response does not say (vendor's page)."""

RENEWAL_MARGIN: Final = 2 * 60
"""Seconds before its end at which a token is renewed."""

SHORTEST_USE: Final = 30
"""Seconds that a token is used at least: a new one for each request would end those in use."""

PASSING: Final = frozenset({408, 425, 429})
"""Statuses below 500 that may pass."""

_BODY_TIMEOUT: Final = 60
"""Seconds that the few bytes of a token may take."""

_REFUSED: Final = frozenset({400, 401, 403})
_WRONG_ADDRESS: Final = range(300, 500)


class CrewmojoAuthenticator(OAuthAuthenticator):
    """Puts the token on requests; fetches it once, renews it ahead of its end. Thread-safe.

    Args:
        settings: the client's credentials, the API root and time-outs.
        clock: tells the token's age, by a clock that nobody can set.
        session: sends the token request, once: a blind repetition could end a token in use.
    """

    def __init__(self, settings: Settings, clock: Clock, session: HttpSession) -> None:
        super().__init__(
            auth_endpoint=f"{settings.api_url}/oauth/token",
            client_id=settings.client_id,
            client_secret=settings.client_secret,
            default_expiration=LIFETIME,
        )
        self._http = session
        self._clock = clock
        self._timeout = settings.request_timeout
        self._lock = threading.RLock()
        self._expires_at = float("-inf")
        self._wait_until = float("-inf")
        self._refusal: CredentialsError | None = None

    @override
    def authenticate_request(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        with self._lock:
            if self._refusal:
                raise self._refusal  # another thread was told already: it is not asked twice
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
        return self._clock.monotonic() < self._expires_at

    def reject(self, request: requests.PreparedRequest) -> None:
        """Give up the token that a request was refused with, if it is still the current one.

        If it is not, another thread has renewed it since: the request only has to be repeated.
        """
        with self._lock:
            if request.headers.get("Authorization") == f"Bearer {self.access_token}":
                self._expires_at = float("-inf")

    @override
    def update_access_token(self) -> None:
        """Fetch a token.

        Raises:
            CredentialsError: Crewmojo refuses the client id or secret, or is not to be found.
            TokenRequestError: the request failed in a way that may pass.
        """
        requested_at = self._clock.monotonic()
        if requested_at < self._wait_until:  # another thread was asked to wait
            msg = "the token request has to wait"
            raise TokenRequestError(msg, self._wait_until - requested_at)
        self.logger.debug("Requesting an access token")
        try:
            with self._http.exchange(
                "POST",
                "/oauth/token",
                data=self.oauth_request_payload,
                auth=_without_credentials,
                timeout=self._timeout,
            ) as response:
                body = short_body_of(response, self._clock, requested_at + _BODY_TIMEOUT)
        except TransientError as exc:
            msg = f"the token request failed: {exc}"
            raise TokenRequestError(msg) from None
        self._check(response, body)
        self._accept(body, requested_at)

    def _check(self, response: requests.Response, body: bytes) -> None:
        """Raise the failure that a response without a token stands for."""
        status = response.status_code
        if status in _REFUSED:
            msg = (
                f"Crewmojo refused the client id or secret (status {status} from /oauth/token"
                f"{vendor_text(body)}). Check client_id, client_secret and "
                "environment; both are in Crewmojo under Company Settings > Integrations > API "
                "Authentication."
            )
            raise CredentialsError(msg)
        if status in PASSING or status >= _WRONG_ADDRESS.stop:
            msg = f"the response to the token request has status {status}"
            wait = retry_after(response, self._clock.now())
            self._wait_until = self._clock.monotonic() + (wait or 0)
            raise TokenRequestError(msg, wait)
        if status in _WRONG_ADDRESS:
            msg = (
                f"The response to the token request has status {status}, as if /oauth/token were "
                "somewhere else: check api_url and environment"
            )
            raise CredentialsError(msg)

    def _accept(self, body: bytes, requested_at: float) -> None:
        try:
            response = json.loads(body)
            token = response["access_token"]
            usable = bool(token) and token.isascii() and token.isprintable()
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            usable = False
        if not usable:
            msg = "the response to the token request holds no access token"
            raise TokenRequestError(msg)
        lifetime = _lifetime(response.get("expires_in"))
        self.access_token = token
        # At least half its life: a margin longer than the life would fetch a token per request.
        use = max(lifetime - RENEWAL_MARGIN, lifetime / 2, SHORTEST_USE)
        self._expires_at = requested_at + use


def _lifetime(expires_in: object) -> float:
    """Return the seconds that a token lives, from whatever its response says of them."""
    try:
        seconds = float(expires_in)  # type: ignore[arg-type]  # what it cannot read it refuses
    except (TypeError, ValueError, OverflowError):
        return LIFETIME
    return seconds if seconds > 0 and math.isfinite(seconds) else LIFETIME


def _without_credentials(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Return a request as it is: without this, requests would add credentials of ~/.netrc."""
    return request

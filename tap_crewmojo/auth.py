"""The one access token of the whole process.

Every new token invalidates all earlier tokens of the client (vendor's page), so two threads or
streams that each fetched their own would knock each other out.
"""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import requests
from singer_sdk.authenticators import OAuthAuthenticator
from typing_extensions import override

from tap_crewmojo.bodies import short_body_of
from tap_crewmojo.errors import CredentialsError, NoTokenError, TransientError, vendor_text
from tap_crewmojo.outages import CONNECT_TIMEOUT, UNREADABLE, reason, tls_failure

if TYPE_CHECKING:
    from tap_crewmojo.clock import Clock
    from tap_crewmojo.settings import Settings

LIFETIME = 30 * 60
"""Seconds that a token lives where its answer does not say (vendor's page)."""

RENEWAL_MARGIN = 2 * 60
"""Seconds before its end at which a token is renewed."""

PASSING = frozenset({408, 425, 429})
"""Statuses below 500 that may pass."""

_PATIENCE = 60
"""Seconds that the few bytes of a token may take."""

_REFUSED = frozenset({400, 401, 403})
_WRONG_ADDRESS = range(300, 500)


class CrewmojoAuthenticator(OAuthAuthenticator):
    """Puts the token on requests; fetches it once, renews it ahead of its end. Thread-safe.

    Args:
        settings: the client's credentials, the API root and time-outs.
        clock: tells the token's age, by a clock that nobody can set.
        session: sends the token request, once: a blind repetition could kill a token in use.
    """

    def __init__(self, settings: Settings, clock: Clock, session: requests.Session) -> None:
        super().__init__(
            auth_endpoint=f"{settings.api_url}/oauth/token",
            client_id=settings.client_id,
            client_secret=settings.client_secret,
            default_expiration=LIFETIME,
        )
        self._session = session
        self._clock = clock
        self._patience = settings.request_timeout
        self._lock = threading.RLock()
        self._expires_at = float("-inf")
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
            NoTokenError: the request failed in a way that may pass.
        """
        requested_at = self._clock.monotonic()
        self.logger.debug("Requesting an access token")
        try:
            with self._session.post(
                self.auth_endpoint,
                data=self.oauth_request_payload,
                auth=_as_it_is,
                timeout=(
                    self._clock.real(CONNECT_TIMEOUT),
                    self._clock.real(self._patience),
                ),
                allow_redirects=False,
                stream=True,
            ) as response:
                body = short_body_of(response, self._clock, requested_at + _PATIENCE)
        except requests.exceptions.SSLError as exc:
            msg = f"The token request failed: {tls_failure(exc)}"
            raise CredentialsError(msg) from None
        except requests.RequestException as exc:
            msg = f"the token request failed ({reason(exc, self._patience)})"
            raise NoTokenError(msg) from None
        except OSError:  # what requests says of REQUESTS_CA_BUNDLE
            msg = f"The token request failed: {UNREADABLE}"
            raise CredentialsError(msg) from None
        except TransientError as exc:
            msg = f"the token request failed: {exc}"
            raise NoTokenError(msg) from None
        self._accept(response.status_code, body, requested_at)

    def _accept(self, status: int, body: bytes, requested_at: float) -> None:
        if status in _REFUSED:
            msg = (
                f"Crewmojo refused the client id or secret (status {status} from /oauth/token"
                f"{vendor_text(body)}). Check client_id, client_secret and "
                "environment; both are in Crewmojo under Company Settings > Integrations > API "
                "Authentication."
            )
            raise CredentialsError(msg)
        if status in _WRONG_ADDRESS and status not in PASSING:
            msg = (
                f"The token request was answered with status {status}, as if /oauth/token were "
                "somewhere else: check api_url and environment"
            )
            raise CredentialsError(msg)
        try:
            answer = json.loads(body)
            token = answer["access_token"]
            lifetime = float(answer.get("expires_in") or LIFETIME)
            usable = status < _WRONG_ADDRESS.start and token.isascii() and token.isprintable()
        except (ValueError, KeyError, TypeError, AttributeError):
            usable = False
        if not usable or not token:
            msg = f"the token request was answered with status {status} and no token"
            raise NoTokenError(msg)
        self.access_token = token
        # At least half its life: a margin longer than the life would fetch a token per request.
        self._expires_at = requested_at + max(lifetime - RENEWAL_MARGIN, lifetime / 2)


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Add no credentials: requests would take some from ~/.netrc."""
    return request

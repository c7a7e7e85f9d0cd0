"""One token for the whole process: renewed before it expires, and once for all refused requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from support.manual_clock import ManualClock
from support.sandboxes import settings_for
from tap_crewmojo.api.auth import CrewmojoAuthenticator
from tap_crewmojo.api.http import HttpSession
from tap_crewmojo.config.settings import Settings
from tap_crewmojo.errors import CredentialsError, TokenRequestError
from tap_crewmojo.sandbox.faults import Fault

if TYPE_CHECKING:
    from tap_crewmojo.clock import Clock
    from tap_crewmojo.sandbox.sandbox import Sandbox


def authenticator(sandbox: Sandbox, clock: Clock, **own: Any) -> CrewmojoAuthenticator:  # noqa: ANN401
    config = settings_for(sandbox, "a", **own)
    session = HttpSession(sandbox.api_url, "tests", clock)
    return CrewmojoAuthenticator(Settings.from_config(config, clock), clock, session)


def request() -> requests.PreparedRequest:
    return requests.Request("GET", "http://127.0.0.1/").prepare()


def test_a_token_is_used_until_two_minutes_before_it_expires(sandbox: Sandbox) -> None:
    clock = ManualClock()
    auth = authenticator(sandbox, clock)
    for _ in range(3):
        auth(request())
    clock.advance(28 * 60 - 1)
    auth(request())
    assert len(sandbox.tokens) == 1
    clock.advance(1)
    renewed = auth(request())
    assert len(sandbox.tokens) == 2
    assert renewed.headers["Authorization"] == f"Bearer {sandbox.tokens[1]}"


def test_a_refused_token_is_renewed_once_for_all_requests_that_had_it(sandbox: Sandbox) -> None:
    auth = authenticator(sandbox, ManualClock())
    early = [auth(request()) for _ in range(3)]
    for refused in early:
        auth.reject(refused)
        auth(request())
    assert len(sandbox.tokens) == 2


def test_refused_credentials_are_sent_once(sandbox: Sandbox) -> None:
    auth = authenticator(sandbox, ManualClock(), client_secret="wrong")
    for _ in range(3):
        with pytest.raises(CredentialsError, match="refused the client id or secret"):
            auth(request())
    assert len(sandbox.requests) == 1


@pytest.mark.parametrize(
    "body",
    [
        '{"access_token": 5}',
        '{"access_token": ""}',
        '{"access_token": "a\\nb"}',
        '{"access_token": "\\u00fc"}',
        "[" * 100_000,
        "[]",
        "null",
    ],
)
def test_a_token_response_without_a_token_is_requested_again(sandbox: Sandbox, body: str) -> None:
    auth = authenticator(sandbox, ManualClock())
    sandbox.faults.add(
        Fault(phase="token", kind="body", body=body, content_type="application/json")
    )
    with pytest.raises(TokenRequestError, match="holds no access token"):
        auth(request())
    assert "Authorization" in auth(request()).headers


@pytest.mark.parametrize(
    "expires_in",
    ["0", "-1", "NaN", "Infinity", '"1800s"', "{}", "[]", "true", "1e-9", "9" * 400, "null"],
)
def test_an_invalid_lifetime_does_not_make_the_tap_request_a_token_each_time(
    sandbox: Sandbox, expires_in: str
) -> None:
    clock = ManualClock()
    auth = authenticator(sandbox, clock)
    body = f'{{"access_token": "strange", "expires_in": {expires_in}}}'
    sandbox.faults.add(
        Fault(phase="token", kind="body", body=body, content_type="application/json")
    )
    for _ in range(20):
        assert auth(request()).headers["Authorization"] == "Bearer strange"
        clock.advance(1)


def test_retry_after_of_the_token_endpoint_holds_for_all_threads(sandbox: Sandbox) -> None:
    clock = ManualClock()
    auth = authenticator(sandbox, clock)
    sandbox.faults.add(Fault(phase="token", kind="status", status=429, retry_after="41"))
    for left in (41, 40):
        with pytest.raises(TokenRequestError) as failure:
            auth(request())
        assert failure.value.retry_after == left
        clock.advance(1)
    assert len(sandbox.requests) == 1
    clock.advance(39)
    auth(request())
    assert len(sandbox.tokens) == 1


def test_a_token_of_a_short_lifetime_is_used_for_half_a_minute(sandbox: Sandbox) -> None:
    clock = ManualClock()
    auth = authenticator(sandbox, clock)
    sandbox.faults.add(
        Fault(
            phase="token",
            kind="body",
            body='{"access_token": "short", "expires_in": 60}',
            content_type="application/json",
        )
    )
    auth(request())
    clock.advance(29)
    assert auth(request()).headers["Authorization"] == "Bearer short"
    clock.advance(1)
    assert auth(request()).headers["Authorization"] != "Bearer short"

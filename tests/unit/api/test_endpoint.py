"""A refused token is renewed, and the same request sent again."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from support.manual_clock import ManualClock
from tap_crewmojo.api.endpoint import DownloadEndpoint
from tap_crewmojo.api.jobs import Submit
from tap_crewmojo.config.reports import ReportRequest
from tap_crewmojo.config.settings import Settings
from tap_crewmojo.errors import ReportError
from tap_crewmojo.logs import StreamLog

if TYPE_CHECKING:
    from collections.abc import Callable

CONFIG: dict[str, Any] = {"client_id": "x", "client_secret": "y", "reports": ["a"]}
SOON = 0.1


class Response:
    """A response of which only the status counts."""

    request = None

    def __init__(self, status: int) -> None:
        self.status_code = status


@pytest.fixture
def send(monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    """Return a function that sends a request, which gets responses with some statuses."""

    def make(*statuses: int) -> object:
        clock = ManualClock()
        settings = Settings.from_config(CONFIG, clock)
        endpoint = DownloadEndpoint(settings, clock, "tests")
        responses = map(contextlib.nullcontext, map(Response, statuses))
        monkeypatch.setattr(endpoint, "_exchange", lambda *_: next(responses))
        monkeypatch.setattr(endpoint, "_read", lambda response, *_: response.status_code)
        monkeypatch.setattr(endpoint._auth, "reject", lambda _: None)
        request = ReportRequest(settings.reports[0], None)
        return endpoint.send(request, Submit(), clock.monotonic() + SOON, StreamLog("a"))

    return make


def test_a_token_that_is_refused_shortly_before_the_deadline_is_renewed(
    send: Callable[..., object],
) -> None:
    assert send(401, 200) == 200


def test_a_client_that_is_refused_with_each_token_fails_the_report(
    send: Callable[..., object],
) -> None:
    with pytest.raises(ReportError, match="refused with status 401 after 3 new tokens"):
        send(401, 401, 401, 401)

"""A download ends as a report, or as an error of that report alone: attempts, tries, pauses."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from support.manual_clock import ManualClock
from tap_crewmojo.api.client import CrewmojoClient
from tap_crewmojo.clock import Clock
from tap_crewmojo.config.reports import ReportRequest
from tap_crewmojo.config.settings import Settings
from tap_crewmojo.errors import (
    CredentialsError,
    DownloadCancelledError,
    JobAbandonedError,
    ReportError,
    TokenRequestError,
    TransientError,
    UnusableResponseError,
)
from tap_crewmojo.readers.csv_report import CsvReport
from tap_crewmojo.readers.spool import JobEnvelope
from tap_crewmojo.windows import Window

if TYPE_CHECKING:
    from collections.abc import Callable

CONFIG: dict[str, Any] = {"client_id": "x", "client_secret": "y", "reports": ["a"]}
(REPORT,) = Settings.from_config(CONFIG, Clock()).reports
REQUEST = ReportRequest(REPORT, Window(date(2025, 1, 1), date(2025, 1, 31)))
FOREVER = 10_000


class Endpoint:
    """Responds to each request with the next of some outcomes."""

    def __init__(self, *outcomes: Exception | JobEnvelope, times: int = 1) -> None:
        self.sent = 0
        self._outcomes = list(outcomes) * times

    def send(self, *_: object) -> CsvReport | JobEnvelope:
        self.sent += 1
        if not self._outcomes:
            return CsvReport(())
        outcome = self._outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


Downloading = tuple[CrewmojoClient, ManualClock]


@pytest.fixture
def client_of(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Downloading]:
    def make(endpoint: Endpoint, **options: float) -> Downloading:
        clock = ManualClock()
        client = CrewmojoClient(Settings.from_config(CONFIG, clock), clock, "tests", **options)
        monkeypatch.setattr(client, "_endpoint", endpoint)
        monkeypatch.setattr("time.sleep", clock.sleep)  # by which backoff waits
        return client, clock

    return make


def test_tries_of_one_request_double_their_pauses_and_end_in_a_new_attempt(
    client_of: Callable[..., Downloading],
) -> None:
    client, clock = client_of(Endpoint(TransientError("busy"), times=FOREVER))
    with pytest.raises(ReportError, match=r"not delivered after 3 attempts \(the last: busy\)"):
        client.download(REQUEST)
    tries = (1, 2, 4, 8, 16, 30, 30)
    assert clock.pauses == (0, *tries, 2, 0, *tries, 4, 0, *tries)


def test_retry_after_lengthens_a_pause_up_to_the_deadline_of_the_job(
    client_of: Callable[..., Downloading],
) -> None:
    endpoint = Endpoint(TransientError("busy", 40), TransientError("busy", 900), times=FOREVER)
    client, clock = client_of(endpoint)
    with pytest.raises(ReportError):
        client.download(REQUEST)
    assert clock.pauses[:4] == (0, 40, 260, 2), "300 s after the first request there is a new one"


@pytest.mark.parametrize("failure", [JobAbandonedError, UnusableResponseError])
def test_a_lost_job_or_an_unusable_response_makes_a_new_attempt(
    failure: type[Exception], client_of: Callable[..., Downloading]
) -> None:
    client, clock = client_of(Endpoint(JobEnvelope("1"), failure("gone"), JobEnvelope("2")))
    assert client.download(REQUEST).jobs == 2
    assert clock.pauses == (0, 1, 2, 0, 1)


def test_a_job_is_abandoned_at_its_deadline(client_of: Callable[..., Downloading]) -> None:
    endpoint = Endpoint(JobEnvelope("1"), times=FOREVER)
    client, clock = client_of(endpoint)
    with pytest.raises(ReportError, match="still being generated 300 s after it was requested"):
        client.download(REQUEST)
    assert 890 < clock.monotonic() <= 3 * 300 + 2 + 4


def test_a_cancelled_download_ends_before_its_next_request(
    client_of: Callable[..., Downloading],
) -> None:
    endpoint = Endpoint(TransientError("busy"), times=FOREVER)
    client, _ = client_of(endpoint)
    with pytest.raises(DownloadCancelledError):
        client.download(REQUEST, lambda: endpoint.sent < 2)
    assert endpoint.sent == 2


def test_a_refused_report_is_requested_once(
    client_of: Callable[..., Downloading],
) -> None:
    endpoint = Endpoint(ReportError("no such report"))
    client, _ = client_of(endpoint)
    with pytest.raises(ReportError, match=r"^no such report$"):
        client.download(REQUEST)
    assert endpoint.sent == 1


@pytest.mark.parametrize(("timeout", "tries"), [({}, 8), ({"token_timeout": 15}, 5)])
def test_a_token_request_is_retried_for_as_long_as_the_client_may(
    timeout: dict[str, float], tries: int, client_of: Callable[..., Downloading]
) -> None:
    endpoint = Endpoint(TokenRequestError("refused"), times=FOREVER)
    client, _ = client_of(endpoint, **timeout)
    words = r"^Could not get an access token from .*: refused\. Check the network and api_url$"
    with pytest.raises(CredentialsError, match=words):
        client.download(REQUEST)
    assert endpoint.sent == tries


@pytest.mark.parametrize("exception", [RecursionError, OverflowError, KeyError, MemoryError])
def test_an_unexpected_exception_fails_the_report_and_shows_its_type_alone(
    exception: type[Exception],
    client_of: Callable[..., Downloading],
    caplog: pytest.LogCaptureFixture,
) -> None:
    client, _ = client_of(Endpoint(exception("Zaphod's review"), times=FOREVER))
    caplog.set_level("DEBUG")
    with pytest.raises(ReportError) as failure:
        client.download(REQUEST)
    assert str(failure.value).startswith(
        "report 'a', 2025-01-01 to 2025-01-31: not delivered after 3 attempts (the last: "
        f"unexpected {exception.__name__})"
    )
    assert "in send" in caplog.text, "the frames say where it arose"
    assert "Zaphod" not in caplog.text + str(failure.value)

"""Whatever goes wrong in a download fails the report that it is of, in words without a value."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from tap_crewmojo.api.client import CrewmojoClient
from tap_crewmojo.clock import Clock
from tap_crewmojo.config.reports import ReportConfig, ReportRequest
from tap_crewmojo.config.settings import Settings
from tap_crewmojo.errors import ReportError
from tap_crewmojo.windows import Window

if TYPE_CHECKING:
    from tap_crewmojo.sandbox.runner import Sandbox

REQUEST = ReportRequest(ReportConfig("a", "a"), Window(date(2025, 1, 1), date(2025, 1, 31)))


@pytest.mark.parametrize("exception", [RecursionError, OverflowError, KeyError, MemoryError])
def test_an_unexpected_exception_fails_the_report_and_shows_its_type_alone(
    exception: type[Exception],
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: object) -> None:
        text = "Zaphod's review"
        raise exception(text)

    clock = Clock(scale=0.001)
    config: dict[str, Any] = {
        "client_id": "x",
        "client_secret": "y",
        "api_url": sandbox.api_url,
        "reports": ["a"],
    }
    client = CrewmojoClient(Settings.from_config(config, clock), clock, "tests")
    monkeypatch.setattr(client._transport, "ask", fail)
    caplog.set_level("DEBUG")
    with pytest.raises(ReportError) as failure:
        client.download(REQUEST)
    assert str(failure.value).startswith(
        "report 'a', 2025-01-01 to 2025-01-31: not delivered after 3 attempts (the last: "
        f"unexpected {exception.__name__})"
    )
    assert "in fail" in caplog.text, "the frames say where it arose"
    assert "Zaphod" not in caplog.text + str(failure.value)

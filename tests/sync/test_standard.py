"""The SDK's standard tap tests, against the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from singer_sdk.testing import SuiteConfig, get_tap_test_class

from support.tap_runs import TIME_SCALE
from tap_crewmojo.sandbox.sandbox import Sandbox
from tap_crewmojo.tap import TapCrewmojo

if TYPE_CHECKING:
    from collections.abc import Iterator

# The SDK asks for the streams when this module is collected, so the sandbox runs by then.
_SANDBOX = Sandbox(time_scale=TIME_SCALE, people=12)
_SANDBOX.__enter__()


@pytest.fixture(scope="module", autouse=True)
def _sandbox() -> Iterator[None]:
    yield
    _SANDBOX.__exit__()


TestTapCrewmojo = get_tap_test_class(
    TapCrewmojo,
    config={
        "client_id": _SANDBOX.client_id,
        "client_secret": _SANDBOX.client_secret,
        "api_url": _SANDBOX.api_url,
        "start_date": "2025-01-01",
        "end_date": "2025-03-15",
        "reports": [
            "oneonone.summary",
            "oneonone.detail",
            {"id": "people.directory", "replication_method": "FULL_TABLE"},
        ],
    },
    suite_config=SuiteConfig(max_records_limit=20),
    parse_env_config=False,
)

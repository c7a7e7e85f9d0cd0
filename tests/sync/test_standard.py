"""The SDK's standard tap tests, against the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from singer_sdk.testing import SuiteConfig, get_tap_test_class

from support.sandboxes import DIRECTORY, settings_for
from support.tap_runs import TIME_SCALE
from tap_crewmojo.sandbox.sandbox import Sandbox
from tap_crewmojo.tap import TapCrewmojo

if TYPE_CHECKING:
    from collections.abc import Iterator

# The SDK asks for the streams when this module is collected, so the sandbox runs by then.
_SANDBOX = Sandbox(time_scale=TIME_SCALE, people=12)
_SANDBOX.__enter__()


@pytest.fixture(scope="session", autouse=True)  # a worker may come back to this module
def _sandbox() -> Iterator[None]:
    yield
    _SANDBOX.__exit__()


TestTapCrewmojo = get_tap_test_class(
    TapCrewmojo,
    config=settings_for(_SANDBOX, "oneonone.summary", "oneonone.detail", DIRECTORY),
    suite_config=SuiteConfig(max_records_limit=20),
    parse_env_config=False,
)

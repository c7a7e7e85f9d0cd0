"""What the tests share: sandboxes of Crewmojo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

pytest.register_assert_rewrite("support")  # so that its asserts show their values, too

from support.tap_runs import TIME_SCALE  # noqa: E402
from tap_crewmojo.sandbox.sandbox import Sandbox  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

# At its first use Hypothesis draws up tables of characters, and a test imports pyarrow or reads
# tables of letters; how long that takes is no failure.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def company() -> Iterator[Sandbox]:
    """A sandbox that is only read from: nothing may be ordered to go wrong in it."""
    with Sandbox(time_scale=TIME_SCALE) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox of the test's own."""
    with Sandbox(time_scale=TIME_SCALE, people=12) as sandbox:
        yield sandbox

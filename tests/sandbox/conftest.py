"""Sandboxes with a client, for the tests of the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.sandbox_client import SCALE, SLOW, VERY_SLOW, Client
from tap_crewmojo.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def shared_client() -> Iterator[Client]:
    """A sandbox without faults, shared by the tests of a module."""
    with Sandbox(time_scale=SCALE) as sandbox:
        yield Client(sandbox)


@pytest.fixture
def client() -> Iterator[Client]:
    """A sandbox for one test, with slow reports."""
    with Sandbox(time_scale=SCALE, reports={"slow": SLOW, "very-slow": VERY_SLOW}) as sandbox:
        yield Client(sandbox)

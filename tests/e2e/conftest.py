"""What the longer tests share: the servers that targets load into."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.servers import Servers

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """Servers that start when they are first used; each test loads into a separate place there."""
    with Servers() as running:
        yield running

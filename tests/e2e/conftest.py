"""What the longer tests share: servers that targets load into, and runs of the tap."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.office import Loaded, load_twice
from support.servers import Servers

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """Servers that start when they are first used; each test loads into a separate place there."""
    with Servers() as running:
        yield running


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """Two overlapping runs of the reports that the dbt example has models of."""
    return load_twice(tmp_path_factory.mktemp("runs"))

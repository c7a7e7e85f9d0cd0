"""What tests of the tap within this process need."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from typing import IO, Any


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> list[IO[bytes]]:
    """All temporary files of the test."""
    files: list[IO[bytes]] = []
    make = tempfile.TemporaryFile

    def remembered(**options: Any) -> IO[bytes]:  # noqa: ANN401
        files.append(make(**options))
        return files[-1]

    monkeypatch.setattr(tempfile, "TemporaryFile", remembered)
    return files

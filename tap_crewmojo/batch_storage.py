"""Where BATCH files go: the SDK's storage, with failures told in a sentence."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from typing import IO, TYPE_CHECKING

from singer_sdk.exceptions import FatalSyncError
from singer_sdk.helpers._batch import StorageTarget
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk.helpers._batch import BatchConfig


class BatchStorage(StorageTarget):
    """A folder or bucket that says what to look at when it cannot be written to."""

    @override
    @contextlib.contextmanager
    def open(self, filename: str, mode: str = "rb") -> Iterator[IO[bytes]]:
        """Open a file, which is there for others once this context has ended.

        Raises:
            FatalSyncError: the storage does not take it. Every other file would fail as well.
        """
        try:
            with super().open(filename, mode) as file:
                yield file
        except Exception as exc:  # noqa: BLE001  # each storage has errors of its own
            msg = (
                f"The batch files could not be written ({type(exc).__name__}): check "
                "batch_config.storage.root, and the storage's credentials and endpoint. The next "
                "run goes on from the last state"
            )
            raise FatalSyncError(msg) from None


def with_named_failures(config: BatchConfig) -> BatchConfig:
    """Return a batch configuration whose storage says what to look at when it fails."""
    # At DEBUG, AWS's library logs the headers that it signs: a session token is one of them.
    logging.getLogger("botocore").setLevel(logging.INFO)
    return dataclasses.replace(config, storage=BatchStorage(**config.storage.asdict()))

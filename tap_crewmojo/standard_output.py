"""Standard output: a failure to write it ends the run with one sentence and exit code 1.

Singer messages, the catalog, `--about` and `--help` are all written to it. None of the code that
writes them has to handle a full disk, a closed file or a target that has ended.
"""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

from typing_extensions import override

from tap_crewmojo.logs import LOGGER

if TYPE_CHECKING:
    from typing_extensions import Buffer


def watch_standard_output() -> None:
    """Replace `sys.stdout` by a file that ends the run when it cannot be written.

    Raises:
        SystemExit: standard output is closed.
    """
    given = sys.stdout
    if given is None:
        LOGGER.error("The output could not be written: standard output is closed")
        raise SystemExit(1)
    raw = _WatchedFile(given.fileno(), "wb", closefd=False)
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(raw), encoding=given.encoding, errors=given.errors
    )


class _WatchedFile(io.FileIO):
    """A file whose first failed write is logged and ends the process.

    Later writes do nothing: Python flushes what is still buffered when the process ends.
    """

    _has_failed = False

    @override
    def write(self, data: Buffer, /) -> int:
        if self._has_failed:
            return memoryview(data).nbytes
        try:
            return super().write(data)
        except BrokenPipeError:
            failure = (
                "The target has stopped reading: see its own messages. The next run resumes from "
                "the last state that it confirmed"
            )
        except OSError as exc:
            failure = f"The output could not be written: {(exc.strerror or '').lower()}"
        self._has_failed = True
        LOGGER.error(failure)
        raise SystemExit(1)

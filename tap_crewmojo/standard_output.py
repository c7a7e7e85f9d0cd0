"""Standard output, whose failure ends the run with one sentence and exit code 1.

Singer messages, a catalog, `--about` and `--help` all pass through here, so none of their writers
has to handle a full disk, a closed file or a target that has ended.
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
    """Replace `sys.stdout` by one that ends the run where it cannot be written.

    Raises:
        SystemExit: it is closed.
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
    """A file that says once, in the log, why it cannot be written, and ends the process then.

    What is written to it afterwards is dropped: Python itself flushes what it still holds.
    """

    _has_failed = False

    @override
    def write(self, data: Buffer, /) -> int:
        if self._has_failed:
            return memoryview(data).nbytes
        try:
            return super().write(data)
        except BrokenPipeError:
            self._has_failed = True
            LOGGER.error(  # a traceback would not help the user
                "The target has stopped reading: see its own messages. The next run resumes from "
                "the last state that it confirmed"
            )
        except OSError as exc:
            self._has_failed = True
            LOGGER.error(  # likewise
                "The output could not be written: %s", (exc.strerror or "").lower()
            )
        raise SystemExit(1)

"""A bar on the terminal: how many of the windows that are due are settled.

Only for a person who installed `tap-crewmojo[progress]` and looks at a terminal: a pipe, a file or
Meltano's log never sees it. Log lines are printed above it.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_crewmojo.progress import Progress

try:
    from tqdm import tqdm
except ImportError:  # the extra is not installed
    tqdm = None  # type: ignore[assignment,misc]

_FORMAT = "{percentage:3.0f}%|{bar}| {n_fmt} of {total_fmt} windows, {elapsed}<{remaining}"


@contextlib.contextmanager
def progress_bar(streams: Sequence[Progress]) -> Iterator[None]:
    """Show how far the streams have come, while the context lasts."""
    if tqdm is None or not sys.stderr.isatty():
        yield
        return
    tqdm.set_lock(threading.RLock())  # its own would do for several processes, and start one
    total = sum(len(stream.due) for stream in streams)
    with (
        tqdm(total=total, bar_format=_FORMAT, leave=False, dynamic_ncols=True) as bar,
        contextlib.ExitStack() as stack,
    ):
        for handler in logging.getLogger().handlers:
            if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stderr:
                stack.callback(handler.setStream, sys.stderr)
                handler.setStream(_AboveTheBar(sys.stderr))
        for stream in streams:
            stream.settle = bar.update
        yield


class _AboveTheBar:
    """What a log handler writes to, so that its lines and the bar do not mix."""

    def __init__(self, terminal: IO[str]) -> None:
        self._terminal = terminal

    def write(self, text: str) -> None:
        tqdm.write(text, file=self._terminal, end="")

    def flush(self) -> None:
        self._terminal.flush()

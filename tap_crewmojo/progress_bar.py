"""A progress bar on the terminal: how many of the downloads that are due are done or failed.

It needs `tap-crewmojo[progress]`, and a terminal: no pipe, file or log of Meltano's ever holds it.
Log lines are printed above it.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
from importlib.util import find_spec
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tap_crewmojo.stream_run import StreamRun

_FORMAT = "{percentage:3.0f}%|{bar}| {n_fmt} of {total_fmt} downloads, {elapsed}<{remaining}"


@contextlib.contextmanager
def progress_bar(runs: Sequence[StreamRun]) -> Iterator[None]:
    """Show how far the runs of the streams are, while the context lasts."""
    if not sys.stderr or not sys.stderr.isatty() or not find_spec("tqdm"):
        yield
        return
    from tqdm import tqdm  # noqa: PLC0415  # an extra

    tqdm.set_lock(threading.RLock())  # the default lock starts a process
    total = sum(len(run.due) for run in runs)
    with (
        tqdm(total=total, bar_format=_FORMAT, leave=False, dynamic_ncols=True) as bar,
        contextlib.ExitStack() as stack,
    ):
        for handler in logging.getLogger().handlers:
            if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stderr:
                stack.callback(handler.setStream, sys.stderr)
                handler.setStream(_AboveTheBar(sys.stderr, tqdm.write))
        for run in runs:
            run.on_change = lambda: bar.update(sum(run.settled for run in runs) - bar.n)
        yield


class _AboveTheBar:
    """A stream for a log handler that prints its lines above the bar."""

    def __init__(self, terminal: IO[str], write: Callable[..., None]) -> None:
        self._terminal = terminal
        self._write = write

    def write(self, text: str) -> None:
        self._write(text, file=self._terminal, end="")

    def flush(self) -> None:
        self._terminal.flush()

"""A report on disk: its rows in chunks, each of them read as columns of cells."""

from __future__ import annotations

import tempfile
import weakref
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from tap_crewmojo.cells import Columns


class ChunkFile:
    """Chunks of a report in an unlinked temporary file, which nobody else can open.

    Args:
        chunks: the chunks; all of them are written before this returns.

    Raises:
        OSError: they cannot be written.
    """

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._file = tempfile.TemporaryFile(prefix="tap-crewmojo-")  # noqa: SIM115  # see `close`
        self.close = weakref.finalize(self, self._file.close)
        """Free the disk space; also done when nobody holds the chunks any more."""
        self._ends = [0]
        try:
            for chunk in chunks:
                self._file.write(chunk)
                self._ends.append(self._ends[-1] + len(chunk))
            self._file.flush()
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Iterator[bytes]:
        """Yield the chunks, from the first one again in each call."""
        return self.joined(0)

    def joined(self, least: int) -> Iterator[bytes]:
        """Yield the chunks, as many together as have so many bytes.

        Args:
            least: bytes; the last ones may have fewer.
        """
        start = 0
        for end in self._ends[1:]:
            if end - start >= least or end == self._ends[-1]:
                self._file.seek(start)
                yield self._file.read(end - start)
                start = end


class Report(ABC):
    """A report on disk, known to be well-formed.

    Args:
        chunks: its rows.
    """

    def __init__(self, chunks: ChunkFile) -> None:
        self._chunks = chunks
        self.close = chunks.close
        """Free the disk space; also done when nobody holds the report any more."""

    @abstractmethod
    def headings(self) -> Sequence[str]:
        """Return the headings that are known ahead of the rows."""

    @abstractmethod
    def batches(self, only: Collection[str] | None = None) -> Iterator[Columns]:
        """Yield the rows as columns of cells, some at a time, from the first in each call.

        Rows without any value are not among them, but counted (`Columns.empty_rows`).

        Args:
            only: the headings that are of interest; all of them if none are given. Rows are the
                same either way.
        """

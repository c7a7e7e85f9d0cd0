"""A report on disk: its rows in chunks, each read as columns of cells."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from abc import ABC, abstractmethod
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from tap_crewmojo.cells import Columns


class ChunkFile:
    """Chunks of rows in an unlinked temporary file, which no other process can open.

    Args:
        chunks: the chunks; all of them are written before this returns.

    Raises:
        OSError: they cannot be written.
    """

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="tap-crewmojo-")  # noqa: SIM115  # see `close`
        self.close = weakref.finalize(self, self._file.close)
        """Free the disk space; this also happens when the last reference to the file is gone."""
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
        """Yield the chunks, joined to blocks of a least size.

        Args:
            least: bytes of a block; the last block may have fewer.
        """
        start = self._ends[0]
        for end in self._ends[1:]:
            if end - start >= least or end == self._ends[-1]:
                self._file.seek(start)
                yield self._file.read(end - start)
                start = end

    def move_to(self, file: IO[bytes]) -> None:
        """Move the chunks to the end of another file (see `Report.move_to`)."""
        start = file.seek(0, os.SEEK_END)
        self._file.seek(0)
        shutil.copyfileobj(self._file, file)
        file.flush()
        self.close()
        self._file, self._ends = file, [start + end for end in self._ends]


class Report(ABC):
    """A well-formed report on disk.

    Args:
        chunks: its rows.
    """

    def __init__(self, chunks: ChunkFile) -> None:
        self._chunks = chunks
        self.close = chunks.close
        """Free the disk space; this also happens when the last reference to the report is gone."""

    def move_to(self, file: IO[bytes]) -> None:
        """Move the rows to the end of another file: a process can open only so many files.

        Args:
            file: the file, which the caller closes when the report is not needed any more.

        Raises:
            OSError: they cannot be written.
        """
        self._chunks.move_to(file)

    @abstractmethod
    def headings(self) -> Sequence[str]:
        """Return the headings that are known before the rows are read."""

    @abstractmethod
    def batches(self, only: Collection[str] | None = None) -> Iterator[Columns]:
        """Yield the rows in batches of columns, from the first row again in each call.

        Rows without any value are left out, and counted in `Columns.empty_rows`.

        Args:
            only: the headings to read, by default all. The rows are the same in both cases.
        """

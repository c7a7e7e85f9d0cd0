"""The files of BATCH messages: records as JSON lines or parquet, in the storage of the SDK."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import shutil
import uuid
from typing import IO, TYPE_CHECKING, Final
from urllib.parse import urlsplit

from singer_sdk.batch import Batcher
from singer_sdk.exceptions import FatalSyncError
from singer_sdk.helpers._batch import BaseBatchFileEncoding, BatchConfig, StorageTarget
from typing_extensions import override

from tap_crewmojo.errors import ReportError
from tap_crewmojo.logs import LOGGER
from tap_crewmojo.records import as_dict
from tap_crewmojo.schema.types import ColumnType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_crewmojo.readers.report import Report
    from tap_crewmojo.records import RecordMaker

_NESTED: Final = {ColumnType.OBJECT, ColumnType.ARRAY}


class BatchFiles:
    """Writes the files of one stream.

    Args:
        config: where to write them, and how.
        tap_name: begins their names.
        stream_name: follows in their names.
    """

    def __init__(self, config: BatchConfig, tap_name: str, stream_name: str) -> None:
        # At DEBUG, AWS's library logs the headers that it signs: a session token is one of them.
        logging.getLogger("botocore").setLevel(logging.INFO)
        self._config = dataclasses.replace(
            config, storage=_NamingStorage(**config.storage.asdict())
        )
        self._tap_name = tap_name
        self._stream_name = stream_name
        self._is_warned = False
        if config.encoding.format == "parquet":
            # An extra, and slow to load: here, while the first report is being downloaded.
            from tap_crewmojo.singer.parquet import spool_parquet  # noqa: PLC0415

            self._spool_parquet = spool_parquet

    def write(
        self, report: Report, maker: RecordMaker
    ) -> Iterator[tuple[BaseBatchFileEncoding, list[str]]]:
        """Yield encoding and addresses of the files that hold a report's records.

        The schema knows the columns of a file's records when the file is yielded.

        Raises:
            ReportError: as in `RecordMaker.check`, before the first file.
            FatalSyncError: the storage does not take a file.
        """
        if self._config.encoding.format != "parquet":
            yield from self._json_lines(report, maker)
        elif _NESTED.isdisjoint(maker.schema.types().values()):
            yield from self._parquet(report, maker)
        else:
            self._warn_of_nested_json()
            yield from self._json_lines(report, maker)

    def _parquet(
        self, report: Report, maker: RecordMaker
    ) -> Iterator[tuple[BaseBatchFileEncoding, list[str]]]:
        storage, encoding = self._config.storage, self._config.encoding
        with _spooling():
            for spooled in self._spool_parquet(report, maker, encoding.compression):
                name = f"{storage.prefix or ''}{self._tap_name}--{self._stream_name}-{uuid.uuid4()}"
                with spooled, storage.open(f"{name}.parquet", "wb") as file:
                    shutil.copyfileobj(spooled, file)
                yield encoding, [storage.get_url(f"{name}.parquet")]

    def _json_lines(
        self, report: Report, maker: RecordMaker
    ) -> Iterator[tuple[BaseBatchFileEncoding, list[str]]]:
        encoding = BaseBatchFileEncoding("jsonl", "gzip")  # the SDK does not write it otherwise
        config = dataclasses.replace(self._config, encoding=encoding)
        records = (
            as_dict(record, maker.names) for batch in maker.batches(report) for record in batch
        )
        for manifest in Batcher(self._tap_name, self._stream_name, config).get_batches(records):
            yield encoding, manifest

    def _warn_of_nested_json(self) -> None:
        if not self._is_warned:
            self._is_warned = True
            LOGGER.warning(
                "%s: its batches are JSON lines, since parquet has no type for columns of any "
                "nested JSON; to have parquet, make them strings in the catalog",
                self._stream_name,
            )


@contextlib.contextmanager
def _spooling() -> Iterator[None]:
    """Make a full temporary folder the failure of one report."""
    try:
        yield
    except OSError as exc:
        msg = (
            f"could not be written to the temporary folder ({_kind(exc)}); make room there, or set "
            "TMPDIR to another"
        )
        raise ReportError(msg) from None


def _kind(failure: Exception) -> str:
    """Return what kind of failure it is: not its text, which may quote anything."""
    number = failure.errno if isinstance(failure, OSError) else None
    return os.strerror(number).lower() if number else type(failure).__name__


def _without_credentials(address: str) -> str:
    url = urlsplit(address)
    return url._replace(netloc=url.netloc.rpartition("@")[2], query="", fragment="").geturl()


class _NamingStorage(StorageTarget):
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
                f"The batch files could not be written to {_without_credentials(self.root)} "
                f"({_kind(exc)}): check batch_config.storage.root, and the storage's credentials "
                "and endpoint. The next run resumes from the last state"
            )
            raise FatalSyncError(msg) from None

"""The files of BATCH messages: records as JSON lines or parquet, in the SDK's storage."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import shutil
import uuid
from importlib.util import find_spec
from typing import IO, TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from singer_sdk.batch import Batcher
from singer_sdk.exceptions import FatalSyncError
from singer_sdk.helpers._batch import BaseBatchFileEncoding, BatchConfig, StorageTarget
from typing_extensions import override

from tap_crewmojo.config.validation import unknown_setting
from tap_crewmojo.errors import errors_of_spooling
from tap_crewmojo.logs import LOGGER
from tap_crewmojo.records import as_dict
from tap_crewmojo.schema.types import ColumnType

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tap_crewmojo.readers.report import Report
    from tap_crewmojo.records import RecordMaker

_NESTED: Final = {ColumnType.OBJECT, ColumnType.ARRAY}
_PARTS: Final = {"encoding": ("format", "compression"), "storage": ("root", "prefix", "params")}
"""The parts of a `batch_config`, the required name of each first. The SDK raises at other names."""


def batch_errors(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is invalid in the setting `batch_config`, a sentence each."""
    batches = config.get("batch_config")
    if not batches or not isinstance(batches, dict):
        return
    known = {*_PARTS, "batch_size"}
    for name in sorted(batches.keys() - known):
        yield f"batch_config: {unknown_setting(name, known)}"
    for part, (needed, *others) in _PARTS.items():
        given = batches.get(part)
        if given is not None and not isinstance(given, dict):
            continue
        if not given or not given.get(needed):
            yield f"batch_config.{part}.{needed} is missing"
        known = {needed, *others}
        for name in sorted((given or {}).keys() - known):
            yield f"batch_config.{part}: {unknown_setting(name, known)}"
    size = batches.get("batch_size")
    if size is not None and (not isinstance(size, int) or size < 1):  # with 0, no file is written
        yield "batch_config.batch_size must be a whole number, and at least 1"
    if config.get("stream_maps") or config.get("flattening_enabled"):
        yield (
            "batch_config must not be set together with stream_maps or flattening_enabled, which "
            "do not apply to batch files"
        )
    yield from _missing_libraries(batches)


def _missing_libraries(batches: Mapping[str, Any]) -> Iterator[str]:
    encoding, storage = (
        part if isinstance(part := batches.get(name), dict) else {} for name in _PARTS
    )
    is_in_s3 = str(storage.get("root")).startswith(("s3://", "s3a://"))
    needs = {
        "parquet": encoding.get("format") == "parquet" and "pyarrow",
        "s3": is_in_s3 and "s3fs",
    }
    for extra, library in needs.items():
        if library and not find_spec(library):
            yield (
                f"batch_config: {extra} needs {library}, which is not installed: install the tap "
                f"with its extra '{extra}'"
            )


class BatchFiles:
    """Writes the files of one stream.

    Args:
        config: where to write them, and how.
        tap_name: their names begin with it.
        stream_name: it comes next in their names.
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
            # pyarrow is an extra and slow to load; meanwhile the first report is downloaded.
            from tap_crewmojo.singer.parquet import spool_parquet, spool_records  # noqa: PLC0415

            self._spool_parquet, self._spool_records = spool_parquet, spool_records

    def write(
        self, report: Report, maker: RecordMaker
    ) -> Iterator[tuple[BaseBatchFileEncoding, list[str]]]:
        """Yield encoding and addresses of the files that hold a report's records.

        The schema knows the columns of a file's records when the file is yielded.

        Raises:
            ReportError: as in `RecordMaker.check`, before the first file.
            FatalSyncError: a file could not be written to the storage.
        """
        if self._config.encoding.format != "parquet":
            yield from self._json_lines(report, maker)
        elif _NESTED.isdisjoint(map(maker.schema.types().get, maker.selected())):
            yield from self._parquet(report, maker)
        else:
            self._warn_of_nested_json()
            yield from self._json_lines(report, maker)

    def write_records(
        self, records: Sequence[dict[str, Any]], types: Mapping[str, ColumnType]
    ) -> Iterator[tuple[BaseBatchFileEncoding, list[str]]]:
        """Yield encoding and addresses of the files that hold some records, which must be few.

        Args:
            records: the records, with the same columns in all of them.
            types: the types of the columns.

        Raises:
            ReportError: the temporary folder is full.
            FatalSyncError: a file could not be written to the storage.
        """
        if self._config.encoding.format != "parquet":
            yield from self._batched(iter(records))
        else:
            with errors_of_spooling():
                yield self._stored(
                    self._spool_records(records, types, self._config.encoding.compression)
                )

    def _parquet(
        self, report: Report, maker: RecordMaker
    ) -> Iterator[tuple[BaseBatchFileEncoding, list[str]]]:
        with errors_of_spooling():
            for spooled in self._spool_parquet(report, maker, self._config.encoding.compression):
                yield self._stored(spooled)

    def _stored(self, spooled: IO[bytes]) -> tuple[BaseBatchFileEncoding, list[str]]:
        """Copy a parquet file to the storage, and close it."""
        storage = self._config.storage
        stem = f"{storage.prefix or ''}{self._tap_name}--{self._stream_name}-{uuid.uuid4()}"
        with spooled, storage.open(f"{stem}.parquet", "wb") as file:
            shutil.copyfileobj(spooled, file)
        return self._config.encoding, [storage.get_url(f"{stem}.parquet")]

    def _json_lines(
        self, report: Report, maker: RecordMaker
    ) -> Iterator[tuple[BaseBatchFileEncoding, list[str]]]:
        yield from self._batched(
            as_dict(record, maker.names) for batch in maker.batches(report) for record in batch
        )

    def _batched(
        self, records: Iterator[dict[str, Any]]
    ) -> Iterator[tuple[BaseBatchFileEncoding, list[str]]]:
        encoding = BaseBatchFileEncoding("jsonl", "gzip")  # the only one that the SDK writes
        config = dataclasses.replace(self._config, encoding=encoding)
        for manifest in Batcher(self._tap_name, self._stream_name, config).get_batches(records):
            yield encoding, manifest

    def _warn_of_nested_json(self) -> None:
        if not self._is_warned:
            self._is_warned = True
            LOGGER.warning(
                "%s: its batches are JSON lines, not parquet, which has no type for columns of "
                "nested JSON. For parquet, make these columns strings in the catalog",
                self._stream_name,
            )


def _reason(failure: Exception) -> str:
    """Return the reason of a failure without its text, which may quote anything."""
    number = failure.errno if isinstance(failure, OSError) else None
    return os.strerror(number).lower() if number else type(failure).__name__


def _without_credentials(address: str) -> str:
    url = urlsplit(address)
    return url._replace(netloc=url.netloc.rpartition("@")[2], query="", fragment="").geturl()


class _NamingStorage(StorageTarget):
    """A folder or bucket whose errors name the settings to check."""

    @override
    @contextlib.contextmanager
    def open(self, filename: str, mode: str = "rb") -> Iterator[IO[bytes]]:
        """Open a file, which others can read after this context.

        Raises:
            FatalSyncError: it could not be written. Every other file would fail as well.
        """
        try:
            with super().open(filename, mode) as file:
                yield file
        except Exception as exc:  # noqa: BLE001  # each storage has other exceptions
            msg = (
                f"The batch files could not be written to {_without_credentials(self.root)} "
                f"({_reason(exc)}): check batch_config.storage.root, and the storage's credentials "
                "and endpoint. The next run resumes from the last state"
            )
            raise FatalSyncError(msg) from None

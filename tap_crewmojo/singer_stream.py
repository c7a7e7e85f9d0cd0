"""What this tap does in another way than the SDK's streams: fast lane, state, version messages."""

from __future__ import annotations

import abc
import itertools
import logging
from typing import TYPE_CHECKING, Any

from singer_sdk import Stream
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.mapper import SameRecordTransform
from typing_extensions import override

from tap_crewmojo.messages import MessageWriter
from tap_crewmojo.records import as_dict

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from singer_sdk.helpers.types import Context
    from singer_sdk.helpers.types import Record as SdkRecord

    from tap_crewmojo.records import Record


class BatchedStream(Stream, abc.ABC):
    """A stream whose records come in batches, and whose bookmark and version it moves itself."""

    # Values are converted when the rows are read, once; the SDK need not go over them again.
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE

    _is_syncing = False

    @override  # type: ignore[misc]  # final in the SDK; its whole body is kept
    def sync(self, context: Context | None = None) -> None:
        """Write the messages of what is due; without this, `get_records` writes none."""
        self._is_syncing = True
        try:
            super().sync(context)
        finally:
            self._is_syncing = False

    @override
    def log(self, message: str, *args: Any, level: int = logging.INFO, **kwargs: Any) -> None:
        """Log the SDK's own lines at DEBUG: the tap says how a stream starts and ends."""
        super().log(message, *args, level=min(level, logging.DEBUG), **kwargs)

    @abc.abstractmethod
    def _batches(self) -> Iterator[tuple[tuple[str, ...], list[Record]]]:
        """Yield the records in batches, with their columns' names."""

    @override
    def get_records(self, context: Context | None) -> Iterable[SdkRecord]:
        """Yield the records one by one.

        Raises:
            ReportError: the report cannot be had, and this was not called by `sync`, which goes on
                with the other reports.
        """
        records = (as_dict(record, names) for names, batch in self._batches() for record in batch)
        # A connection test ends by itself: the SDK would end it as an error, and log it so.
        yield from itertools.islice(records, self.ABORT_AT_RECORD_COUNT)

    @override
    def _sync_records(
        self, context: Context | None = None, *, write_messages: bool = True
    ) -> Generator[dict[str, Any], Any, Any]:
        writer = self._tap.message_writer
        if not isinstance(writer, MessageWriter):
            yield from super()._sync_records(context, write_messages=write_messages)
            return
        try:
            if write_messages and self._is_plain():
                self._write_batches(writer)
            else:
                yield from super()._sync_records(context, write_messages=write_messages)
        finally:
            writer.flush()  # the SDK leaves out a last STATE that is as the one before

    def _write_batches(self, writer: MessageWriter) -> None:
        """Take the fast lane: nothing of the SDK's work on single records is asked for."""
        with self.get_record_counter() as counter, self.get_sync_timer():
            for _, records in self._batches():
                writer.write_records(self.name, records, self._stream_version)
                counter.increment(len(records))

    def _is_plain(self) -> bool:
        first, *others = self.stream_maps
        return (
            self.ABORT_AT_RECORD_COUNT is None
            and not self.child_streams
            and not others
            and type(first) is SameRecordTransform
            and not first.flattening_enabled
        )

    @override
    def _increment_stream_state(
        self, latest_record: SdkRecord, *, context: Context | None = None
    ) -> None:
        """Leave the bookmark alone: windows move it, not rows."""

    @override
    def _write_starting_replication_value(self, context: Context | None) -> None:
        """Write nothing: the state is the bookmark alone."""

    @override
    def get_replication_key_signpost(self, context: Context | None = None) -> None:
        """Return none: the bookmark never follows row values, so nothing has to cap them."""

    @override
    def _write_activate_version_message(self, full_table_version: int) -> None:
        """Send nothing yet: the SDK would send it ahead of the records."""

    def _activate_version(self) -> None:
        if self._stream_version is not None:
            super()._write_activate_version_message(self._stream_version)

"""Where this tap overrides the SDK's streams: records in batches, state, version messages."""

from __future__ import annotations

import abc
import itertools
import logging
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec
from singer_sdk import Stream
from singer_sdk.helpers._catalog import get_selected_schema, pop_deselected_record_properties
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.mapper import RemoveRecordTransform, SameRecordTransform
from typing_extensions import override

from tap_crewmojo.singer.maps import apply_maps, change_nothing
from tap_crewmojo.singer.messages import MessageWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from singer_sdk import Tap, singerlib
    from singer_sdk.helpers.types import Context
    from singer_sdk.helpers.types import Record as SdkRecord

    from tap_crewmojo.records import Record

Made = TypeVar("Made")

_COLUMN: Final = 2
"""Parts of the path to a column in a catalog; a part of nested JSON has a longer path."""


class BatchedStream(Stream, abc.ABC):
    """A stream that writes its records in batches, and its bookmark and version itself."""

    # Values are converted when the rows are read; the SDK need not convert them again.
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE

    def __init__(
        self, tap: Tap, schema: dict[str, Any] | None = None, name: str | None = None
    ) -> None:
        super().__init__(tap, schema, name)
        self._is_syncing = False
        self._mapped_counts: Counter[str] = Counter()

    @override  # type: ignore[misc]  # final in the SDK; its whole body is kept
    def sync(self, context: Context | None = None) -> None:
        """Write the messages of what is due. `get_records` by itself writes no messages."""
        self._is_syncing = True
        try:
            super().sync(context)
        finally:
            self._is_syncing = False

    @override
    def log(self, message: str, *args: Any, level: int = logging.INFO, **kwargs: Any) -> None:
        """Log the SDK's own lines at DEBUG: the tap logs how a stream starts and ends."""
        super().log(message, *args, level=min(level, logging.DEBUG), **kwargs)

    @abc.abstractmethod
    def _batches(self, made: Callable[[list[Record]], Made]) -> Iterator[Made]:
        """Yield what is made of the records that are due, a batch at a time.

        Args:
            made: takes the records. If it raises a `ReportError`, the report has failed.
        """

    @override
    def get_records(self, context: Context | None) -> Iterable[SdkRecord]:
        """Yield the records one by one.

        Raises:
            ReportError: the report failed, and the caller is not `sync`, which goes on with the
                other reports.
        """
        for records in self._batches(msgspec.to_builtins):
            yield from records

    @override
    def _sync_records(
        self, context: Context | None = None, *, write_messages: bool = True
    ) -> Generator[dict[str, Any], Any, Any]:
        """Write the records in batches, which costs much less for each record than in the SDK."""
        writer = self._tap.message_writer
        if not isinstance(writer, MessageWriter):
            yield from super()._sync_records(context, write_messages=write_messages)
            return
        most = self.ABORT_AT_RECORD_COUNT or sys.maxsize  # few in a connection test
        with self.get_record_counter() as counter, self.get_sync_timer():

            def lines(records: list[Record]) -> bytes:
                records = records[: most - counter.value]
                encoded = writer.lines(self._mapped(records), self._stream_version)
                counter.increment(len(records))
                return encoded

            try:
                for encoded in self._batches(lines):
                    writer.write_lines(encoded)
                    if counter.value >= most:
                        break
                self.state_manager.is_flushed = False
                self._write_state_message()
            finally:
                writer.flush()  # the SDK does not write a last STATE that equals the one before

    def set_up_maps(self, *, are_used: bool = True) -> None:
        """Build the stream maps for the current columns.

        Args:
            are_used: whether the maps of the settings are applied. They may not fit a stream that
                is not synced.
        """
        schema = get_selected_schema(self.name, self.effective_schema, self.mask)
        mapper = self._tap.mapper
        if are_used:
            mapper.register_raw_stream_schema(self.name, schema, self.primary_keys)
        else:
            mapper.stream_maps[self.name] = [
                SameRecordTransform(self.name, schema, self.primary_keys, None)
            ]
        self._stream_maps = None

    def _mapped(self, records: list[Record]) -> Iterable[tuple[str, Record]]:
        """Return the records that are sent, each with the name of its stream."""
        maps = self.stream_maps
        is_pruned = any(len(path) > _COLUMN and not self.mask[path] for path in self.mask)
        if len(maps) == 1 and change_nothing(maps) and not is_pruned:
            return zip(itertools.repeat(maps[0].stream_alias), records, strict=False)
        rows: list[dict[str, Any]] = msgspec.to_builtins(records)
        if is_pruned:
            for row in rows:
                pop_deselected_record_properties(row, self.schema, self.mask)
        mapped = apply_maps(maps, rows)
        self._mapped_counts.update(stream for stream, _ in mapped)
        return mapped

    @override
    def _generate_record_messages(
        self, record: SdkRecord
    ) -> Generator[singerlib.RecordMessage, None, None]:
        """Yield the messages of a record that is not written in a batch, and count them."""
        for message in super()._generate_record_messages(record):
            self._mapped_counts[message.stream] += 1
            yield message

    def _take_counts(self, rows: int) -> dict[str, int]:
        """Return how many records were sent since the last call, by the stream they were sent as.

        Args:
            rows: how many there were before stream maps.
        """
        mapped, self._mapped_counts = self._mapped_counts, Counter()
        if not self._is_syncing or change_nothing(self.stream_maps):
            return {self.name: rows}
        return {
            each.stream_alias: mapped[each.stream_alias]
            for each in self.stream_maps
            if not isinstance(each, RemoveRecordTransform)
        }

    def _write_records(self, records: list[Record]) -> None:
        """Write records, which must not be many, without metrics and states."""
        writer = self._tap.message_writer
        if isinstance(writer, MessageWriter):
            writer.write_lines(writer.lines(self._mapped(records), self._stream_version))
        else:
            for record in msgspec.to_builtins(records):
                self._write_record_message(record)

    @override
    def _increment_stream_state(
        self, latest_record: SdkRecord, *, context: Context | None = None
    ) -> None:
        """Do nothing: windows move the bookmark, not rows."""

    @override
    def _write_starting_replication_value(self, context: Context | None) -> None:
        """Do nothing: the state holds only the bookmark."""

    @override
    def get_replication_key_signpost(self, context: Context | None = None) -> None:
        """Return none: the bookmark never follows row values, which therefore need no limit."""

    @override
    def _write_activate_version_message(self, full_table_version: int) -> None:
        """Do nothing: the SDK calls this before the records are sent."""

    def _activate_version(self) -> None:
        if self._stream_version is not None:
            super()._write_activate_version_message(self._stream_version)

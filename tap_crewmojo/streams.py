"""A report as a stream: which windows are due, their records, and the bookmark behind them."""

from __future__ import annotations

import contextlib
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from singer_sdk import Stream
from singer_sdk.batch import Batcher
from singer_sdk.helpers._catalog import get_selected_schema
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.mapper import SameRecordTransform
from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL
from typing_extensions import override

from tap_crewmojo.batch_storage import with_named_failures
from tap_crewmojo.bookmarks import StrangeBookmarkError, read_bookmark, write_bookmark
from tap_crewmojo.discovery import take_sample
from tap_crewmojo.errors import ReportError, naming
from tap_crewmojo.messages import MessageWriter
from tap_crewmojo.planning import due_requests
from tap_crewmojo.records import RecordMaker, as_dict, metadata_of
from tap_crewmojo.schema import (
    END_DATE,
    START_DATE,
    OnNewColumn,
    SchemaRules,
    StreamSchema,
    discovered_schema,
    key_properties,
    metadata_schema,
)
from tap_crewmojo.windows import advanced

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping
    from datetime import date

    from singer_sdk import Tap
    from singer_sdk.helpers._batch import BaseBatchFileEncoding, BatchConfig
    from singer_sdk.helpers.types import Context
    from singer_sdk.helpers.types import Record as SdkRecord

    from tap_crewmojo.client import Download
    from tap_crewmojo.clock import Clock
    from tap_crewmojo.discovery import Sample
    from tap_crewmojo.prefetch import Prefetch
    from tap_crewmojo.records import Record
    from tap_crewmojo.reports import ReportConfig, ReportRequest
    from tap_crewmojo.settings import Settings
    from tap_crewmojo.windows import Window


@dataclass(slots=True)
class StreamSummary:
    """What one run did for one stream. Times in seconds."""

    windows: int = 0
    rows: int = 0
    jobs: int = 0
    seconds: float = 0.0
    failure: ReportError | None = None


class ReportStream(Stream):
    """One report of Crewmojo's.

    Args:
        tap: the tap it belongs to.
        report: the report as configured.
        settings: the settings of the run.
        prefetch: has the downloads.
        clock: tells the seconds that a window took.
    """

    # Values are converted when the rows are read, once; the SDK need not go over them again.
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE

    def __init__(
        self,
        tap: Tap,
        *,
        report: ReportConfig,
        settings: Settings,
        prefetch: Prefetch,
        clock: Clock,
    ) -> None:
        super().__init__(
            tap,
            name=report.name,
            schema={"type": "object", "properties": metadata_schema(dated=report.dated)},
        )
        self.report = report
        self.summary = StreamSummary()
        self._settings = settings
        self._prefetch = prefetch
        self._clock = clock
        self._rules = SchemaRules(
            report.columns, settings.infer_types, settings.on_new_column, settings.zone
        )
        self._sample: Sample | None = None
        self._due: list[ReportRequest] | None = None
        self._bookmark: date | None = None
        self.primary_keys = key_properties(report.primary_keys, dated=report.dated)
        self.replication_key = END_DATE if report.dated else None

    def discover(self) -> None:
        """Infer the stream's schema from a sample of the report.

        Raises:
            ReportError: the report cannot be had, or lacks a column that is configured as a key.
        """
        self._sample = take_sample(self.report, self._settings, self._prefetch.take)
        self._schema = discovered_schema(self._sample.types, self._rules, dated=self.report.dated)
        columns = self._schema["properties"]
        for name in self.report.columns:
            if self._sample.types and name not in columns and name not in self._sample.types:
                self.logger.warning("Column %r has a type in the settings, but is not there", name)
        for name in self.report.primary_keys:
            if self._sample.types and name not in columns:
                msg = (
                    f"report '{self.report.id}': the primary key {name!r} is not one of its "
                    f"columns, which are {', '.join(columns)}"
                )
                raise ReportError(msg)

    def plan(self) -> list[ReportRequest]:
        """Settle which windows are due; return what has to be downloaded for them."""
        self._bookmark = self._read_bookmark()
        self._due = due_requests(self.report, self._settings, self._bookmark)
        first, end = self._settings.start_date, self._settings.end_date
        if not self._due:
            reason = "start_date is later" if first > end else "everything is read"
            self.logger.info("No window to %s is due: %s", end, reason)
        elif window := self._due[0].window:
            self.logger.info(
                "Windows that are due: %d, %s to %s", len(self._due), window.start, end
            )
        if self.ABORT_AT_RECORD_COUNT is not None and self._sample:
            self._due = [self._sample.request]  # a connection test needs no more
        return [
            request for request in self._due if not self._sample or request != self._sample.request
        ]

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
    def get_records(self, context: Context | None) -> Iterable[SdkRecord]:
        """Yield the records of the windows that are due, oldest first."""
        records = (as_dict(record, names) for names, batch in self._batches() for record in batch)
        # A connection test ends by itself: the SDK would end it as an error, and log it so.
        yield from itertools.islice(records, self.ABORT_AT_RECORD_COUNT)
        if self.ABORT_AT_RECORD_COUNT is not None:
            self.logger.info("The connection test of '%s' has passed", self.name)

    @override
    def get_batch_config(self, config: Mapping[str, Any]) -> BatchConfig | None:
        batch_config = super().get_batch_config(config)
        return batch_config and with_named_failures(batch_config)

    @override
    def get_batches(
        self, batch_config: BatchConfig, context: Context | None = None
    ) -> Iterable[tuple[BaseBatchFileEncoding, list[str]]]:
        """Yield the files of BATCH messages: at least one for each window that has rows."""
        batcher = Batcher(self.tap_name, self.name, batch_config)
        with self._run() as (schema, requests):
            for request in requests:
                records = (
                    as_dict(record, names)
                    for names, batch in self._window_batches(request, schema, rehearse=True)
                    for record in batch
                )
                for manifest in batcher.get_batches(records):
                    yield batch_config.encoding, manifest
                self._complete(request.window)

    def _batches(self) -> Iterator[tuple[tuple[str, ...], list[Record]]]:
        """Yield the records of the windows that are due, in batches, with their columns' names.

        A STATE follows each window whose records have all been taken.
        """
        with self._run() as (schema, requests):
            for request in requests:
                yield from self._window_batches(request, schema)
                self._complete(request.window)

    @contextlib.contextmanager
    def _run(self) -> Iterator[tuple[StreamSchema, Iterator[ReportRequest]]]:
        """Frame the work on what is due.

        A report that fails ends its own stream only; the run fails at its end (see
        `TapCrewmojo.sync_all`).
        """
        schema = StreamSchema(
            self.effective_schema,
            self._rules,
            dated=self.report.dated,
            is_selected=lambda name: self.mask["properties", name],
        )
        started_at = self._clock.monotonic()
        try:
            yield schema, self._requests()
        except ReportError as exc:
            self.summary.failure = exc
            self.logger.error("%s", exc)  # noqa: TRY400  # a traceback would tell the user nothing
            if self.ABORT_AT_RECORD_COUNT is not None:
                raise  # a connection test stops at the first failure
        else:
            self._activate_version()
        finally:
            self.summary.seconds = self._clock.monotonic() - started_at
            for warning in schema.warnings():
                self.logger.warning(warning)

    def _requests(self) -> Iterator[ReportRequest]:
        if self.summary.failure:
            raise self.summary.failure  # it could not be sampled
        if not self.report.dated and START_DATE in self.primary_keys:
            msg = (
                f"report '{self.report.id}': the catalog is of a report with dates, which the "
                "settings now ask for without; discover the catalog anew"
            )
            raise ReportError(msg)
        if self._due is None:
            self.plan()
        yield from self._due or ()

    def _window_batches(
        self, request: ReportRequest, schema: StreamSchema, *, rehearse: bool = False
    ) -> Iterator[tuple[tuple[str, ...], list[Record]]]:
        started_at = self._clock.monotonic()
        download = self._download(request)
        with naming(request):
            keys = [name for name in self.primary_keys if name not in metadata_schema(dated=True)]
            maker = RecordMaker(schema, keys, metadata_of(request, download))
            if rehearse or keys or self._settings.on_new_column is OnNewColumn.FAIL:
                maker.rehearse(download.file)
            for records in maker.batches(download.file):
                if change := schema.take_change():
                    self._announce(change)
                yield maker.names, records
        download.file.close()
        self.summary.windows += 1
        self.summary.rows += maker.count
        self.summary.jobs += download.jobs
        self.logger.info(
            "Finished %s: %d rows, %.1f s%s (%d of %d)",
            request,
            maker.count,
            self._clock.monotonic() - started_at,
            f", {download.jobs} jobs" if download.jobs else "",
            self.summary.windows,
            len(self._due or ()),
        )

    def _download(self, request: ReportRequest) -> Download:
        if self._sample and self._sample.request == request:
            return self._sample.download
        return self._prefetch.take(request)

    def _announce(self, schema: dict[str, Any]) -> None:
        """Send the schema again, since it has changed."""
        self._schema = self._input_schema = schema
        self._tap.mapper.register_raw_stream_schema(
            self.name, get_selected_schema(self.name, schema, self.mask), self.primary_keys
        )
        self._stream_maps = None
        self._write_schema_message()

    def _read_bookmark(self) -> date | None:
        if self.replication_method != REPLICATION_INCREMENTAL:
            return None
        try:
            return read_bookmark(self.stream_state, self._settings.yesterday)
        except StrangeBookmarkError:
            self.logger.warning(
                "The state's bookmark is not a past day of %s: starting from start_date", END_DATE
            )
            return None

    def _complete(self, window: Window | None) -> None:
        """Send the state after a window that was emitted whole."""
        if window is None or self.replication_method != REPLICATION_INCREMENTAL:
            return
        self._bookmark = advanced(self._bookmark, window, self._settings.yesterday)
        if self._bookmark and self.ABORT_AT_RECORD_COUNT is None:
            write_bookmark(self.stream_state, self._bookmark)
            self.state_manager.is_flushed = False
            self._write_state_message()

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

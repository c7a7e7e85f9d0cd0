"""A report as a stream: which windows are due, their records, and the bookmark behind them."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from singer_sdk import Stream
from singer_sdk.helpers._catalog import get_selected_schema
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.mapper import SameRecordTransform
from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL
from typing_extensions import override

from tap_crewmojo.bookmarks import StrangeBookmarkError, read_bookmark, write_bookmark
from tap_crewmojo.discovery import take_sample
from tap_crewmojo.errors import ReportError, naming
from tap_crewmojo.messages import MessageWriter
from tap_crewmojo.records import RecordMaker, as_dict
from tap_crewmojo.reports import ReportRequest
from tap_crewmojo.schema import (
    END_DATE,
    REQUESTED_AT,
    START_DATE,
    OnNewColumn,
    SchemaRules,
    StreamSchema,
    discovered_schema,
    key_properties,
    metadata_schema,
)
from tap_crewmojo.windows import advanced, due_windows

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator
    from datetime import date

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context
    from singer_sdk.helpers.types import Record as SdkRecord

    from tap_crewmojo.client import Download
    from tap_crewmojo.clock import Clock
    from tap_crewmojo.discovery import Sample
    from tap_crewmojo.prefetch import Prefetch
    from tap_crewmojo.records import Record
    from tap_crewmojo.reports import ReportConfig
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
        self._due = [ReportRequest(self.report, window) for window in self._due_windows()]
        if self.ABORT_AT_RECORD_COUNT is not None and self._sample:
            self._due = [self._sample.request]  # a connection test needs no more
        return [
            request for request in self._due if not self._sample or request != self._sample.request
        ]

    def _due_windows(self) -> Iterable[Window | None]:
        if not self.report.dated:
            return (None,)
        windows = list(
            due_windows(
                self.report.window,
                start_date=self._settings.start_date,
                end=self._settings.end_date,
                bookmark=self._bookmark,
                lookback_days=self.report.lookback_days,
            )
        )
        if windows:
            span = f"{windows[0].start} to {windows[-1].end}"
            self.logger.info("%d windows are due, %s", len(windows), span)
        else:
            self.logger.info("No window is due: everything to %s is read", self._settings.end_date)
        return windows

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
        for names, records in self._batches():
            for record in records:
                yield as_dict(record, names)

    def _batches(self) -> Iterator[tuple[tuple[str, ...], list[Record]]]:
        """Yield the records of the windows that are due, in batches, with their columns' names.

        A STATE follows each window whose records have all been taken. A report that fails ends its
        own stream only; the run fails at its end (`TapCrewmojo.sync_all`).
        """
        schema = StreamSchema(
            self.effective_schema,
            self._rules,
            dated=self.report.dated,
            is_selected=lambda name: self.mask["properties", name],
        )
        started_at = self._clock.monotonic()
        if self._due is None:
            self.plan()
        try:
            if self.summary.failure:
                raise self.summary.failure  # it could not be sampled
            for request in self._due or ():
                yield from self._window_batches(request, schema)
                self._complete(request.window)
        except ReportError as exc:
            self.summary.failure = exc
            self.logger.error("%s", exc)  # noqa: TRY400  # a traceback would tell the user nothing
            if self.ABORT_AT_RECORD_COUNT is not None:
                raise  # a connection test stops at the first failure
        else:
            self._activate_version()
        finally:
            self.summary.seconds = self._clock.monotonic() - started_at
            self._warn_of_drift(schema)

    def _window_batches(
        self, request: ReportRequest, schema: StreamSchema
    ) -> Iterator[tuple[tuple[str, ...], list[Record]]]:
        started_at = self._clock.monotonic()
        download = self._download(request)
        with naming(request):
            maker = self._record_maker(request, download, schema)
            for records in maker.batches(download.file):
                if change := schema.take_change():
                    self._announce(change)
                yield maker.names, records
        download.file.close()
        self.summary.windows += 1
        self.summary.rows += maker.count
        self.summary.jobs += download.jobs
        self.logger.info(
            "Finished %s: %d rows, %.1f s%s",
            request,
            maker.count,
            self._clock.monotonic() - started_at,
            f", {download.jobs} jobs" if download.jobs else "",
        )

    def _record_maker(
        self, request: ReportRequest, download: Download, schema: StreamSchema
    ) -> RecordMaker:
        window = request.window
        metadata = {REQUESTED_AT: download.requested_at.isoformat()}
        if window:
            dates = {START_DATE: window.start.isoformat(), END_DATE: window.end.isoformat()}
            metadata = dates | metadata
        keys = [name for name in self.primary_keys if name not in metadata_schema(dated=True)]
        if keys or self._rules.on_new_column is OnNewColumn.FAIL:
            # A row may fail the window: that shows before the first one is emitted, or not at all.
            rehearsal = RecordMaker(copy.deepcopy(schema), keys, metadata)
            for _ in rehearsal.batches(download.file):
                pass
        return RecordMaker(schema, keys, metadata)

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

    def _warn_of_drift(self, schema: StreamSchema) -> None:
        for name, count in sorted(schema.misfits.items()):
            self.logger.warning(
                "Column %r: %d values do not fit its type; they are in %r. To give it another "
                "type, see the setting `reports`, `columns`",
                name,
                count,
                schema.variant_of(name),
            )
        for name in sorted(schema.ignored):
            self.logger.warning(
                "Column %r is not in the catalog and was left out (on_new_column: ignore)", name
            )

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

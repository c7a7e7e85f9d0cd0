"""A report as a stream: which windows are due, their records, and the bookmark behind them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from singer_sdk.helpers._catalog import get_selected_schema
from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL
from typing_extensions import override

from tap_crewmojo.batch_files import BatchFiles
from tap_crewmojo.bookmarks import StrangeBookmarkError, read_bookmark, write_bookmark
from tap_crewmojo.discovery import check_columns, take_sample
from tap_crewmojo.errors import ReportError, naming
from tap_crewmojo.inference import discovered_schema
from tap_crewmojo.metadata import (
    END_DATE,
    RESERVED,
    START_DATE,
    key_properties,
    metadata_schema,
)
from tap_crewmojo.planning import due_requests
from tap_crewmojo.progress import Progress
from tap_crewmojo.records import RecordMaker, metadata_of
from tap_crewmojo.schema import OnNewColumn, SchemaRules, StreamSchema
from tap_crewmojo.singer_stream import BatchedStream
from tap_crewmojo.stream_log import StreamLog
from tap_crewmojo.windows import advanced

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from singer_sdk import Tap
    from singer_sdk.helpers._batch import BaseBatchFileEncoding, BatchConfig
    from singer_sdk.helpers.types import Context

    from tap_crewmojo.client import Download
    from tap_crewmojo.clock import Clock
    from tap_crewmojo.discovery import Sample
    from tap_crewmojo.prefetch import Prefetch
    from tap_crewmojo.records import Record
    from tap_crewmojo.report_file import ReportFile
    from tap_crewmojo.reports import ReportConfig, ReportRequest
    from tap_crewmojo.settings import Settings
    from tap_crewmojo.windows import Window


class ReportStream(BatchedStream):
    """One report of Crewmojo's.

    Args:
        tap: the tap it belongs to.
        report: the report as configured.
        settings: the settings of the run.
        prefetch: has the downloads.
        clock: tells the seconds that a window took.
    """

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
        self.progress = Progress(report.name, clock)
        self._log = StreamLog(report.name)
        self._settings = settings
        self._prefetch = prefetch
        self._clock = clock
        self._rules = SchemaRules(
            report.columns, settings.infer_types, settings.on_new_column, settings.zone
        )
        self._sample: Sample | None = None
        self._is_planned = False
        self.primary_keys = key_properties(report.primary_keys, dated=report.dated)
        self.replication_key = END_DATE if report.dated else None

    def discover(self) -> None:
        """Infer the stream's schema from a sample of the report.

        Raises:
            ReportError: the report cannot be had, or lacks a column that is configured as a key.
        """
        self._sample = take_sample(self.report, self._settings, self._prefetch.take)
        self._schema = discovered_schema(self._sample.types, self._rules, dated=self.report.dated)
        check_columns(self.report, self._sample.types, self._schema["properties"])

    def plan(self) -> list[ReportRequest]:
        """Settle which windows are due; return what has to be downloaded for them."""
        bookmark = self._read_bookmark()
        due = due_requests(self.report, self._settings, bookmark)
        if self.ABORT_AT_RECORD_COUNT is not None and self._sample:
            due = [self._sample.request]  # a connection test needs no more
        self.progress.due, self.progress.bookmark = due, bookmark
        self._is_planned = True
        if self.progress.failure:
            return []  # it could not be sampled
        return [request for request in due if not self._sample or request != self._sample.request]

    @override
    def get_batches(
        self, batch_config: BatchConfig, context: Context | None = None
    ) -> Iterable[tuple[BaseBatchFileEncoding, list[str]]]:
        """Yield the files of BATCH messages: at least one for each window that has rows."""
        files = BatchFiles(batch_config, self.tap_name, self.name)
        with self._run() as (schema, requests):
            for request in requests:
                with self._window(request, schema) as (report, maker):
                    for file in files.write(report, maker):
                        self._announce_change(schema)
                        yield file
                self._complete(request.window)

    @override
    def _batches(self) -> Iterator[tuple[tuple[str, ...], list[Record]]]:
        """Yield the records of the windows that are due, in batches, with their columns' names.

        A STATE follows each window whose records have all been taken.
        """
        with self._run() as (schema, requests):
            for request in requests:
                with self._window(request, schema) as (report, maker):
                    if maker.primary_keys or self._settings.on_new_column is OnNewColumn.FAIL:
                        maker.rehearse(report)
                    for records in maker.batches(report):
                        self._announce_change(schema)
                        yield maker.names, records
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
        with self.progress.watched(fails_alone=self._is_syncing):
            try:
                yield schema, self._requests()
                self._activate_version()
            except ReportError:
                self._prefetch.drop(self.report)
                raise
            finally:
                for warning in schema.warnings():
                    self._log.warning(warning)

    def _requests(self) -> Iterator[ReportRequest]:
        if self.progress.failure:
            raise self.progress.failure  # it could not be sampled
        if not self.report.dated and START_DATE in self.primary_keys:
            msg = (
                f"report '{self.report.id}': the catalog is of a report with dates, which the "
                "settings now ask for without; discover the catalog anew"
            )
            raise ReportError(msg)
        if not self._is_syncing:
            self._prefetch.plan(self.plan())
        elif not self._is_planned:
            self.plan()
        self.progress.start()
        yield from self.progress.due

    @contextlib.contextmanager
    def _window(
        self, request: ReportRequest, schema: StreamSchema
    ) -> Iterator[tuple[ReportFile, RecordMaker]]:
        """Frame the work on one window: its report, and what makes the records of it."""
        started_at = self._clock.monotonic()
        download = self._download(request)
        with naming(request), contextlib.closing(download.file):
            keys = [name for name in self.primary_keys if name not in RESERVED]
            maker = RecordMaker(schema, keys, metadata_of(request, download))
            yield download.file, maker
        seconds = self._clock.monotonic() - started_at
        self.progress.finish(request, rows=maker.count, jobs=download.jobs, seconds=seconds)

    def _download(self, request: ReportRequest) -> Download:
        if self._sample and self._sample.request == request:
            download, self._sample = self._sample.download, None  # it is closed once it is read
            return download
        return self._prefetch.take(request)

    def _announce_change(self, schema: StreamSchema) -> None:
        """Send the schema again, if it has changed."""
        if (changed := schema.take_change()) is None:
            return
        self._schema = self._input_schema = changed
        self._tap.mapper.register_raw_stream_schema(
            self.name, get_selected_schema(self.name, changed, self.mask), self.primary_keys
        )
        self._stream_maps = None
        if self._is_syncing:
            self._write_schema_message()

    def _read_bookmark(self) -> date | None:
        if self.replication_method != REPLICATION_INCREMENTAL:
            return None
        try:
            return read_bookmark(self.stream_state, self._settings.yesterday)
        except StrangeBookmarkError:
            self._log.warning(
                "The state's bookmark is not a past day of %s: starting from start_date", END_DATE
            )
            return None

    def _complete(self, window: Window | None) -> None:
        """Send the state after a window that was emitted whole."""
        if window is None or self.replication_method != REPLICATION_INCREMENTAL:
            return
        bookmark = advanced(self.progress.bookmark, window, self._settings.yesterday)
        if bookmark and self.ABORT_AT_RECORD_COUNT is None:
            self.progress.bookmark = bookmark
            write_bookmark(self.stream_state, bookmark)
            if self._is_syncing:
                self.state_manager.is_flushed = False
                self._write_state_message()

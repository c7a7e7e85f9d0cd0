"""A report as a stream: which windows are due, their records, and the bookmark behind them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL, Metadata
from typing_extensions import override

from tap_crewmojo.discovery import check_columns, take_sample
from tap_crewmojo.errors import ReportError, errors_about
from tap_crewmojo.logs import StreamLog
from tap_crewmojo.planning import due_requests
from tap_crewmojo.progress import Progress
from tap_crewmojo.records import RecordMaker, metadata_of
from tap_crewmojo.schema.inference import discovered_schema
from tap_crewmojo.schema.metadata import (
    END_DATE,
    RESERVED,
    key_properties,
    metadata_schema,
)
from tap_crewmojo.schema.stream_schema import SchemaRules, StreamSchema
from tap_crewmojo.schema.types import ColumnConfig, ColumnType
from tap_crewmojo.singer.batch_files import BatchFiles
from tap_crewmojo.singer.catalog import complete_entry
from tap_crewmojo.singer.state import StrangeBookmarkError, read_bookmark, write_bookmark
from tap_crewmojo.singer.stream import BatchedStream
from tap_crewmojo.windows import advanced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import date

    from singer_sdk import Tap
    from singer_sdk.helpers._batch import BaseBatchFileEncoding, BatchConfig
    from singer_sdk.helpers.types import Context
    from singer_sdk.singerlib import Catalog

    from tap_crewmojo.api.client import Download
    from tap_crewmojo.api.prefetch import Prefetch
    from tap_crewmojo.clock import Clock
    from tap_crewmojo.config.reports import ReportConfig, ReportRequest
    from tap_crewmojo.config.settings import Settings
    from tap_crewmojo.discovery import Sample
    from tap_crewmojo.readers.report import Report
    from tap_crewmojo.records import Record
    from tap_crewmojo.singer.stream import Made
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
            schema={"type": "object", "properties": metadata_schema(windowed=report.windowed)},
        )
        self.report = report
        self.progress = Progress(report.name, clock)
        self._log = StreamLog(report.name)
        self._settings = settings
        self._prefetch = prefetch
        self._clock = clock
        keys = dict.fromkeys(report.primary_keys, ColumnConfig(ColumnType.STRING))
        self._rules = SchemaRules(
            {**keys, **report.columns},  # today's codes are numbers, tomorrow's may have letters
            settings.infer_types,
            settings.on_new_column,
            settings.zone,
        )
        self.has_columns = False
        self._sample: Sample | None = None
        self._is_planned = False
        self.primary_keys = key_properties(report.primary_keys, windowed=report.windowed)
        self.replication_key = END_DATE if report.windowed else None

    def discover(self) -> None:
        """Infer the stream's schema from a sample of the report.

        Raises:
            ReportError: the report could not be sampled, or lacks a column that is configured as a
                key.
        """
        own = metadata_schema(windowed=self.report.windowed)
        with contextlib.ExitStack() as failing:
            sample = take_sample(self.report, self._settings, self._prefetch.take)
            failing.callback(sample.close)
            schema = discovered_schema(sample.types, self._rules, windowed=self.report.windowed)
            check_columns(self.report, sample.types, schema["properties"])
            failing.pop_all()
        self._sample, self._schema, self.has_columns = sample, schema, True
        for name in own:
            self.metadata["properties", name].inclusion = Metadata.InclusionType.AUTOMATIC

    @override
    def apply_catalog(self, catalog: Catalog) -> None:
        """Take the stream's columns, key and selection from a catalog."""
        if (entry := catalog.get_stream(self.name)) is None:
            msg = f"report '{self.report.id}' is not in the catalog: run `--discover` again"
            self.fail(ReportError(msg))
            return
        try:
            warnings = list(complete_entry(entry, self.report))
            failure = None
        except ReportError as exc:
            warnings, failure = [], exc
        super().apply_catalog(catalog)
        self._schema, self.has_columns = self._input_schema, True
        if self.selected:
            for warning in warnings:
                self._log.warning("%s", warning)
            if failure:
                self.fail(failure)

    def fail(self, failure: ReportError) -> None:
        """Keep why the stream cannot be synced, for the end of the run."""
        self.progress.failure = failure
        self._log.error("%s", failure)

    def close(self) -> None:
        """Remove the sample from disk."""
        if self._sample:
            self._sample.close()
            self._sample = None

    @override  # type: ignore[misc]  # final in the SDK; its whole body is kept
    def sync(self, context: Context | None = None) -> None:
        """Sync the stream, unless it has failed already."""
        if not self.progress.failure:
            super().sync(context)

    def plan(self) -> list[ReportRequest]:
        """Decide which windows are due; return what has to be downloaded for them."""
        read_to = self._read_bookmark()
        refresh = self.replication_method != REPLICATION_INCREMENTAL
        due = due_requests(self.report, self._settings, read_to, refresh=refresh)
        if self.ABORT_AT_RECORD_COUNT is not None and self._sample:
            due = [self._sample.request]  # a connection test needs no more
        self.progress.due = due
        if read_to and not refresh:
            self.progress.bookmark = min(read_to, self._settings.yesterday)
        self._is_planned = True
        if self.progress.failure:
            return []
        if self._sample and self._sample.request not in due:
            self.close()
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
    def _batches(self, made: Callable[[list[Record]], Made]) -> Iterator[Made]:
        """Yield what is made of the records of the windows that are due, a batch at a time.

        A STATE follows each window of which all has been taken.
        """
        with self._run() as (schema, requests):
            for request in requests:
                with self._window(request, schema) as (report, maker):
                    for records in maker.batches(report):
                        self._announce_change(schema)
                        yield made(records)
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
            windowed=self.report.windowed,
            is_selected=lambda name: self.mask["properties", name],
        )
        with self.progress.watched(fails_alone=self._is_syncing):
            try:
                yield schema, self._requests()
                self._activate_version()
            except ReportError:
                self._prefetch.cancel(self.report)
                self.close()
                raise
            finally:
                for warning in schema.warnings():
                    self._log.warning(warning)

    def _requests(self) -> Iterator[ReportRequest]:
        if self.progress.failure:
            raise self.progress.failure  # before it could be synced
        if not self._is_syncing:
            self._prefetch.plan(self.plan())
        elif not self._is_planned:
            self.plan()
        self._explain_end_date()
        self.progress.start()
        yield from self.progress.due

    @contextlib.contextmanager
    def _window(
        self, request: ReportRequest, schema: StreamSchema
    ) -> Iterator[tuple[Report, RecordMaker]]:
        """Frame the work on one window: its report, and what makes the records of it."""
        started_at = self._clock.monotonic()
        download = self._download(request)
        with errors_about(request), contextlib.closing(download.report):
            keys = [name for name in self.primary_keys if name not in RESERVED]
            maker = RecordMaker(schema, keys, metadata_of(request, download))
            yield download.report, maker
        seconds = self._clock.monotonic() - started_at
        self.progress.finish(
            request,
            rows=maker.count,
            empty_rows=maker.empty_rows,
            jobs=download.jobs,
            seconds=seconds,
        )

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
        self.set_up_maps()
        if self._is_syncing:
            self._write_schema_message()

    def _explain_end_date(self) -> None:
        end, bookmark = self._settings.end_date, self.progress.bookmark
        if self.report.windowed and bookmark and end < bookmark:
            self._log.warning(
                "Nothing is requested: end_date %s is before the bookmark %s. To read older "
                "windows again, leave out end_date and set a larger lookback_days for one run, or "
                "run a full refresh",
                end,
                bookmark,
            )

    def _read_bookmark(self) -> date | None:
        if not self.report.windowed:
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

"""A report as a stream: the windows that are due, their records, and the bookmark."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, TypeVar

from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL, Metadata
from typing_extensions import override

from tap_crewmojo.config.reports import ReportRequest
from tap_crewmojo.discovery import report_keys, take_sample
from tap_crewmojo.errors import ReportError, errors_about
from tap_crewmojo.logs import StreamLog
from tap_crewmojo.progress import log_start, log_warnings, log_window
from tap_crewmojo.records import RecordMaker, metadata_of
from tap_crewmojo.schema.inference import discovered_schema
from tap_crewmojo.schema.metadata import (
    END_DATE,
    RESERVED,
    key_properties,
)
from tap_crewmojo.schema.stream_schema import StreamSchema
from tap_crewmojo.singer.batch_files import BatchFiles
from tap_crewmojo.singer.catalog import check_entry, complete_entry
from tap_crewmojo.singer.map_checks import heading_errors
from tap_crewmojo.singer.maps import changed_columns
from tap_crewmojo.singer.state import InvalidBookmarkError, read_bookmark, write_bookmark
from tap_crewmojo.singer.stream import BatchedStream, Made
from tap_crewmojo.stream_run import StreamRun
from tap_crewmojo.window_log import LoggedWindow
from tap_crewmojo.windows import advanced, due_windows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import date

    from singer_sdk import Tap
    from singer_sdk.helpers._batch import BaseBatchFileEncoding, BatchConfig
    from singer_sdk.helpers.types import Context
    from singer_sdk.singerlib import Catalog

    from tap_crewmojo.api.prefetch import Prefetch
    from tap_crewmojo.clock import Clock
    from tap_crewmojo.config.reports import ReportConfig
    from tap_crewmojo.config.settings import Settings
    from tap_crewmojo.readers.report import Report
    from tap_crewmojo.records import Record
    from tap_crewmojo.window_log import WindowLog
    from tap_crewmojo.windows import Window

Part = TypeVar("Part")


class ReportStream(BatchedStream):
    """One report of Crewmojo's.

    Args:
        tap: the tap it belongs to.
        report: the report as configured.
        settings: the settings of the run.
        prefetch: downloads reports ahead.
        clock: measures how long a window takes.
        window_log: the stream with a record of each window that was sent whole, if there is one.
    """

    def __init__(  # noqa: PLR0913  # keywords
        self,
        tap: Tap,
        *,
        report: ReportConfig,
        settings: Settings,
        prefetch: Prefetch,
        clock: Clock,
        window_log: WindowLog | None = None,
    ) -> None:
        rules = settings.rules(report)
        own_columns = rules.own_columns(windowed=report.windowed)
        super().__init__(
            tap, name=report.name, schema={"type": "object", "properties": own_columns}
        )
        self.report = report
        self.run = StreamRun(report.name)
        self._log = StreamLog(report.name)
        self._settings = settings
        self._prefetch = prefetch
        self._clock = clock
        self._window_log = window_log
        self._rules = rules
        self._row_settings = (str(report.window), str(settings.column_names))
        self.has_columns = False
        self._is_planned = False
        self.primary_keys = key_properties(report.primary_keys, windowed=report.windowed)
        self.replication_key = END_DATE if report.windowed else None

    def discover(self) -> None:
        """Infer the stream's schema from a sample of the report, which is kept for a sync.

        Raises:
            ReportError: the report could not be sampled, or lacks a column that is configured as a
                key.
        """
        windowed = self.report.windowed
        sample = take_sample(self.report, self._settings, self._prefetch.take)
        self._prefetch.keep(sample.request, sample.download)
        schema = discovered_schema(sample.types, self._rules, windowed=windowed)
        keys = report_keys(self.report, sample.types, schema["properties"], self._rules.naming)
        self.primary_keys = key_properties(keys, windowed=windowed)
        self._schema, self.has_columns = schema, True
        for name in self._rules.own_columns(windowed=windowed):
            self.metadata["properties", name].inclusion = Metadata.InclusionType.AUTOMATIC

    @override
    def apply_catalog(self, catalog: Catalog) -> None:
        """Take the stream's columns, key and selection from a catalog."""
        if (entry := catalog.get_stream(self.name)) is None:
            msg = (
                f"report '{self.report.id}' is not in the catalog: it was added later, or could "
                "not be sampled. Run `--discover` again (Meltano: `meltano run --refresh-catalog`) "
                "and read its errors"
            )
            self.fail(ReportError(msg))
            return
        warnings, failure = [], None
        try:
            warnings = check_entry(entry, self.report, self._rules.naming)
        except ReportError as exc:
            failure = exc
        complete_entry(entry, self.report, self._rules)
        super().apply_catalog(catalog)
        self._schema, self.has_columns = self._input_schema, True
        if self.selected:
            for warning in warnings:
                self._log.warning("%s", warning)
            if failure:
                self.fail(failure)

    def check_maps(self, maps: Mapping[str, Any]) -> None:
        """Fail the stream if a stream map names one of its columns by the heading.

        Args:
            maps: the setting `stream_maps`.
        """
        columns = self.effective_schema.get("properties", {})
        if self.selected and not self.run.failure:
            for error in heading_errors(maps, self.name, columns, self._rules.naming):
                self.fail(ReportError(f"report '{self.report.id}': {error}"))
                return

    def fail(self, failure: ReportError) -> None:
        """End the stream with a failure. The other streams go on; then the run fails."""
        self.run.fail(failure)
        self._prefetch.cancel(self.report)
        left = {"windows_left": self.run.left} if self.run.due else {}
        self._log.error("%s", failure, extra=left)

    @override  # type: ignore[misc]  # final in the SDK; its whole body is kept
    def sync(self, context: Context | None = None) -> None:
        """Sync the stream, unless it has failed already. A failure ends only this stream."""
        if self.run.failure:
            return
        try:
            super().sync(context)
        except ReportError as exc:  # the SDK's metrics have seen it
            self.fail(exc)

    def plan(self) -> None:
        """Decide which windows are due, and start to download them."""
        bookmark = self._read_bookmark()
        refresh = self.replication_method != REPLICATION_INCREMENTAL
        due, sampled = self._due(bookmark, refresh=refresh), self._prefetch.kept(self.report)
        is_test = self.ABORT_AT_RECORD_COUNT is not None
        if sampled and is_test:
            due = [sampled]  # a connection test needs no more
        if sampled and sampled not in due:
            self._prefetch.cancel(self.report)
        if bookmark:
            bookmark = None if refresh else min(bookmark, self._settings.yesterday)
        self.run = StreamRun(self.name, due, bookmark, failure=self.run.failure)
        self._is_planned = True
        if not self.run.failure and not is_test:
            self._prefetch.plan(due)

    def _due(self, bookmark: date | None, *, refresh: bool) -> list[ReportRequest]:
        """Return what is due, oldest first; of a report without windows, the whole report."""
        if not self.report.windowed:
            return [ReportRequest(self.report, None)]
        windows = due_windows(
            self.report.window,
            start_date=self._settings.start_date,
            end=self._settings.end_date,
            bookmark=bookmark,
            yesterday=self._settings.yesterday,
            lookback_days=None if refresh else self.report.lookback_days,
        )
        return [ReportRequest(self.report, window) for window in windows]

    @override
    def get_batches(
        self, batch_config: BatchConfig, context: Context | None = None
    ) -> Iterable[tuple[BaseBatchFileEncoding, list[str]]]:
        """Yield the files of BATCH messages: at least one for each window that has rows."""
        files = BatchFiles(batch_config, self.tap_name, self.name)
        yield from self._emit(files.write, lambda file: file)

    @override
    def _batches(self, made: Callable[[list[Record]], Made]) -> Iterator[Made]:
        yield from self._emit(lambda report, maker: maker.batches(report), made)

    def _emit(
        self,
        parts: Callable[[Report, RecordMaker], Iterator[Part]],
        made: Callable[[Part], Made],
    ) -> Iterator[Made]:
        """Yield what is made of the windows that are due, one part of a window at a time.

        A STATE follows each window of which all parts have been taken.

        Args:
            parts: yields the parts of one report. The schema knows the columns of a part.
            made: makes what is yielded, once the schema of the part has been sent.
        """
        with self._running() as schema:
            for request in self._requests():
                with self._window(request, schema) as (report, maker):
                    for part in parts(report, maker):
                        self._announce_change(schema)
                        yield made(part)
                self._complete(request.window)

    @contextlib.contextmanager
    def _running(self) -> Iterator[StreamSchema]:
        """Begin and end the work on what is due."""
        started_at = self._clock.monotonic()
        schema = StreamSchema(
            self.effective_schema,
            self._rules,
            windowed=self.report.windowed,
            is_selected=lambda name: self.mask["properties", name],
            hidden=changed_columns(self.config.get("stream_maps") or {}, self.name),
        )
        try:
            try:
                yield schema
                self._activate_version()
            finally:
                log_warnings(self.run, schema)
        except ReportError:
            self._prefetch.cancel(self.report)
            raise
        finally:
            self.run.seconds = self._seconds_since(started_at)

    def _requests(self) -> Iterator[ReportRequest]:
        if self.run.failure:
            raise self.run.failure  # in discovery
        if not self._is_planned:
            self.plan()
        self._is_planned = False
        log_start(self.run, self._settings.end_date)
        yield from self.run.due

    @contextlib.contextmanager
    def _window(
        self, request: ReportRequest, schema: StreamSchema
    ) -> Iterator[tuple[Report, RecordMaker]]:
        """Begin and end the work on one window: download its report, close and count it."""
        started_at = self._clock.monotonic()
        self._mapped_counts.clear()  # a window that was interrupted may have left some
        download = self._prefetch.take(request)
        with errors_about(request), contextlib.closing(download.report):
            keys = [name for name in self.primary_keys if name not in RESERVED]
            maker = RecordMaker(schema, keys, metadata_of(request, download))
            try:
                yield download.report, maker
            finally:
                self.run.add_findings(maker.counts)
        seconds = self._seconds_since(started_at)
        if self._window_log and self.ABORT_AT_RECORD_COUNT is None:
            done = LoggedWindow.of(request, download, maker.counts, seconds)
            self._window_log.add(done, self._counts(done.row_count))
            if self._is_syncing:
                self._window_log.send(request)
        self.run.finish(maker.counts, download.jobs)
        log_window(self.run, request, maker.counts, jobs=download.jobs, seconds=seconds)

    def _seconds_since(self, moment: float) -> float:
        return self._clock.real(self._clock.monotonic() - moment)

    def _announce_change(self, schema: StreamSchema) -> None:
        """Send the schema again, if it has changed."""
        if (changed := schema.take_change()) is None:
            return
        self._schema = self._input_schema = changed
        self.set_up_maps()
        if self._is_syncing:
            self._write_schema_message()

    def _read_bookmark(self) -> date | None:
        if not self.report.windowed:
            return None
        try:
            return read_bookmark(self.stream_state, self._settings.yesterday, *self._row_settings)
        except InvalidBookmarkError:
            self._log.warning(
                "The bookmark in the state must be a past day of %s: starting from start_date",
                END_DATE,
            )
        except ReportError as exc:
            self.fail(ReportError(f"report '{self.report.id}': {exc}"))
        return None

    def _complete(self, window: Window | None) -> None:
        """Move the bookmark over a window that was emitted whole, and send the state."""
        if window is None or self.replication_method != REPLICATION_INCREMENTAL:
            return
        bookmark = advanced(self.run.bookmark, window, self._settings.yesterday)
        if bookmark and self.ABORT_AT_RECORD_COUNT is None:
            self.run.bookmark = bookmark
            write_bookmark(self.stream_state, bookmark, *self._row_settings)
            if self._is_syncing:
                self.state_manager.is_flushed = False
                self._write_state_message()

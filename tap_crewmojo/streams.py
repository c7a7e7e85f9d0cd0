"""A report as a stream: which windows are due, their records, and the bookmark behind them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from singer_sdk import Stream
from singer_sdk.helpers._catalog import get_selected_schema
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL
from typing_extensions import override

from tap_crewmojo.discovery import Sample, take_sample
from tap_crewmojo.errors import ReportError, naming
from tap_crewmojo.reports import ReportRequest
from tap_crewmojo.schema import (
    END_DATE,
    REQUESTED_AT,
    ROW_NUMBER,
    START_DATE,
    SchemaRules,
    StreamSchema,
    discovered_schema,
    key_properties,
    metadata_schema,
)
from tap_crewmojo.settings import day
from tap_crewmojo.windows import advanced, due_windows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context, Record

    from tap_crewmojo.client import CrewmojoClient, Download
    from tap_crewmojo.clock import Clock
    from tap_crewmojo.reports import ReportConfig
    from tap_crewmojo.settings import Settings
    from tap_crewmojo.windows import Window

_DAY = timedelta(days=1)


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
        client: downloads reports.
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
        client: CrewmojoClient,
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
        self._client = client
        self._clock = clock
        self._rules = SchemaRules(
            report.columns, settings.infer_types, settings.on_new_column, settings.zone
        )
        self._sample: Sample | None = None
        self.primary_keys = key_properties(report.primary_keys, dated=report.dated)
        self.replication_key = END_DATE if report.dated else None

    def discover(self) -> None:
        """Infer the stream's schema from a sample of the report.

        Raises:
            ReportError: the report cannot be had, or lacks a column that is configured as a key.
        """
        self._sample = take_sample(self.report, self._settings, self._client)
        self._schema = discovered_schema(self._sample.types, self._rules, dated=self.report.dated)
        for name in self.report.primary_keys:
            if name not in self._schema["properties"]:
                msg = (
                    f"report '{self.report.id}': the primary key {name!r} is not one of its "
                    f"columns, which are {', '.join(self._schema['properties'])}"
                )
                raise ReportError(msg)

    @override
    def get_records(self, context: Context | None) -> Iterable[Record]:
        """Yield the records of the windows that are due, oldest first.

        A STATE follows each window whose records have all been written. A report that fails ends
        its own stream only; the run fails at its end (`TapCrewmojo.sync_all`).
        """
        schema = StreamSchema(
            self.effective_schema,
            self._rules,
            dated=self.report.dated,
            is_selected=lambda name: self.mask["properties", name],
        )
        started_at = self._clock.monotonic()
        bookmark = self._bookmark()
        try:
            for request in self._due_requests(bookmark):
                yield from self._window_records(request, schema)
                bookmark = self._moved(bookmark, request.window)
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

    def _due_requests(self, bookmark: date | None) -> Iterator[ReportRequest]:
        if self.ABORT_AT_RECORD_COUNT is not None and self._sample:
            return iter((self._sample.request,))  # a connection test needs no more
        return (ReportRequest(self.report, window) for window in self._due_windows(bookmark))

    def _due_windows(self, bookmark: date | None) -> Iterable[Window | None]:
        if not self.report.dated:
            return (None,)
        windows = list(
            due_windows(
                self.report.window,
                start_date=self._settings.start_date,
                end=self._settings.end_date,
                bookmark=bookmark,
                lookback_days=self.report.lookback_days,
            )
        )
        if windows:
            self.logger.info(
                "%d windows are due, %s to %s", len(windows), windows[0].start, windows[-1].end
            )
        else:
            self.logger.info("No window is due: everything to %s is read", self._settings.end_date)
        return windows

    def _window_records(self, request: ReportRequest, schema: StreamSchema) -> Iterator[Record]:
        started_at = self._clock.monotonic()
        download = self._download(request)
        metadata = _metadata(request, download)
        number = 0
        with naming(request):
            for number, row in enumerate(download.file.rows(), start=1):
                if number == 1:
                    schema.check_headings(row)
                record = schema.record(row)
                record.update(metadata)
                record[ROW_NUMBER] = number
                self._check_keys(record, number)
                if schema.changed:
                    self._announce(schema)
                yield record
        download.file.close()
        self.summary.windows += 1
        self.summary.rows += number
        self.summary.jobs += download.jobs
        self.logger.info(
            "Finished %s: %d rows, %.1f s%s",
            request,
            number,
            self._clock.monotonic() - started_at,
            f", {download.jobs} jobs" if download.jobs else "",
        )

    def _download(self, request: ReportRequest) -> Download:
        sample, self._sample = self._sample, None
        if sample and sample.request == request:
            return sample.download
        self._sample = sample
        return self._client.download(request)

    def _check_keys(self, record: Record, number: int) -> None:
        for name in self.report.primary_keys:
            if record.get(name) is None:
                msg = (
                    f"has no value for the primary key {name!r} in row {number} that fits its "
                    "type; choose other primary_keys, or none to use the row number"
                )
                raise ReportError(msg)

    def _announce(self, schema: StreamSchema) -> None:
        """Send the schema again, since columns were added to it."""
        self._schema = self._input_schema = schema.json_schema
        self._tap.mapper.register_raw_stream_schema(
            self.name,
            get_selected_schema(self.name, self._schema, self.mask),
            self.primary_keys,
        )
        self._stream_maps = None
        self._write_schema_message()
        schema.changed = False

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

    def _bookmark(self) -> date | None:
        """Return the end of the last window that was emitted whole, if the state tells.

        A state that tells something else, or of a day to come, is none to go on from: whatever it
        meant, nothing must be left out.
        """
        state = self.stream_state
        if self.replication_method != REPLICATION_INCREMENTAL or not state:
            return None
        try:
            bookmark = day(str(state.get("replication_key_value")))
        except ValueError:
            bookmark = date.max
        # A day ahead is what another time zone leaves behind; it is read again.
        if state.get("replication_key") != END_DATE or bookmark > self._settings.yesterday + _DAY:
            self.logger.warning(
                "The state's bookmark is not a past day of %s: starting from start_date", END_DATE
            )
            return None
        return min(bookmark, self._settings.yesterday)

    def _moved(self, bookmark: date | None, window: Window | None) -> date | None:
        """Send the state after a window that was emitted whole; return the bookmark in it."""
        if window is None or self.replication_method != REPLICATION_INCREMENTAL:
            return None
        bookmark = advanced(bookmark, window, self._settings.yesterday)
        if bookmark:
            self.stream_state["replication_key"] = END_DATE
            self.stream_state["replication_key_value"] = bookmark.isoformat()
            self.state_manager.is_flushed = False
            self._write_state_message()
        return bookmark

    @override
    def _increment_stream_state(
        self, latest_record: Record, *, context: Context | None = None
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


def _metadata(request: ReportRequest, download: Download) -> dict[str, Any]:
    window = request.window
    dates = (
        {START_DATE: window.start.isoformat(), END_DATE: window.end.isoformat()} if window else {}
    )
    return {**dates, REQUESTED_AT: download.requested_at.isoformat()}

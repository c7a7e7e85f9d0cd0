"""The window log: a stream with a record of each request whose rows have all been sent.

Some targets lose rows and exit with 0. The log is sent beside the rows, so that SQL can count what
has arrived (see docs/window-log.md).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from singer_sdk.singerlib import Schema
from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL, Metadata
from typing_extensions import override

from tap_crewmojo.errors import ReportError
from tap_crewmojo.records import as_dict, metadata_of
from tap_crewmojo.schema.metadata import REQUESTED_AT
from tap_crewmojo.schema.types import ColumnType
from tap_crewmojo.singer.batch_files import BatchFiles
from tap_crewmojo.singer.maps import mapper_of, maps_named
from tap_crewmojo.singer.stream import BatchedStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from singer_sdk import Tap
    from singer_sdk.helpers._batch import BaseBatchFileEncoding, BatchConfig
    from singer_sdk.helpers.types import Context
    from singer_sdk.mapper import PluginMapper
    from singer_sdk.singerlib import Catalog

    from tap_crewmojo.api.client import Download
    from tap_crewmojo.config.reports import ReportRequest
    from tap_crewmojo.records import Counts, Record
    from tap_crewmojo.singer.stream import Made

_DECIMALS: Final = 3
_KEY: Final = ("stream", "window_start", "requested_at")
_TYPES: Final = {
    "stream": ColumnType.STRING,
    "report": ColumnType.STRING,
    "window_start": ColumnType.DATE,
    "window_end": ColumnType.DATE,
    "requested_at": ColumnType.DATE_TIME,
    "row_count": ColumnType.INTEGER,
    "empty_row_count": ColumnType.INTEGER,
    "variant_count": ColumnType.INTEGER,
    "column_count": ColumnType.INTEGER,
    "job_count": ColumnType.INTEGER,
    "seconds": ColumnType.NUMBER,
}

_NULLABLE: Final = {"window_end"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedWindow:
    """A record of the log: one request, and what was sent of its report.

    Args:
        stream: the stream that the rows were sent as, after stream maps: the target's table.
        report: the vendor's identifier of the report.
        window_start: the first day of the window; for a report without windows, the day (UTC) on
            which it was requested.
        window_end: the last day of the window, if there is one.
        requested_at: when it was requested: the text that is in each row.
        row_count: rows that were sent.
        empty_row_count: rows without any value, which are not sent.
        variant_count: values that did not fit the type of their column.
        column_count: the vendor's columns in this report.
        job_count: jobs that were polled.
        seconds: how long the stream waited for the report, and read and sent it.
    """

    stream: str
    report: str
    window_start: str
    window_end: str | None
    requested_at: str
    row_count: int
    empty_row_count: int
    variant_count: int
    column_count: int
    job_count: int
    seconds: float

    @classmethod
    def of(
        cls, request: ReportRequest, download: Download, counts: Counts, seconds: float
    ) -> LoggedWindow:
        """Return the record of a request whose rows have all been sent.

        Args:
            request: the request.
            download: its report.
            counts: what was counted in the report.
            seconds: how long it took.
        """
        start, end = download.requested_at.date(), None
        if request.window:
            start, end = request.window.start, request.window.end.isoformat()
        return cls(
            stream=request.report.name,
            report=request.report.id,
            window_start=start.isoformat(),
            window_end=end,
            requested_at=str(metadata_of(request, download)[REQUESTED_AT]),
            row_count=counts.rows,
            empty_row_count=counts.empty_rows,
            variant_count=counts.variants.total(),
            column_count=len(counts.headings),
            job_count=download.jobs,
            seconds=round(seconds, _DECIMALS),
        )


class WindowLog(BatchedStream):
    """The stream of the log. It has no bookmark: each run adds records, and reads none again.

    A target that appends or upserts keeps the records of earlier runs.

    Args:
        tap: the tap it belongs to.
        name: the stream's name.
    """

    def __init__(self, tap: Tap, name: str) -> None:
        properties = {column: column_type.json_schema for column, column_type in _TYPES.items()}
        for column in _TYPES.keys() - _NULLABLE:
            properties[column]["type"].remove("null")
        super().__init__(tap, name=name, schema={"type": "object", "properties": properties})
        self.primary_keys = list(_KEY)
        # INCREMENTAL, since a program that reads the catalog may empty the table of a FULL_TABLE.
        self.replication_key = "requested_at"
        self._unsent: list[LoggedWindow] = []
        self._is_announced = False

    def begin(self) -> None:
        """Begin a run. Its target needs the schema again, and got no rows from `get_records`."""
        self._is_announced = False
        self._unsent.clear()

    def add(self, window: LoggedWindow, sent: Mapping[str, int]) -> None:
        """Add a window, which the next `sync` sends and the next `get_records` yields.

        Args:
            window: the window.
            sent: the streams that its rows were sent as, each with the number of its rows.
        """
        self._unsent += [
            replace(window, stream=stream, row_count=rows) for stream, rows in sent.items()
        ]

    def send(self, request: ReportRequest) -> None:
        """Send what was added of a request.

        Raises:
            ReportError: it could not be sent, so the window has to be requested again.
        """
        try:
            self.sync()
        except ReportError as exc:
            msg = f"{request}: its record in {self.name!r} {exc}"
            raise ReportError(msg) from None

    @override
    def _mapper(self) -> PluginMapper:
        """Return what builds the maps of its own name.

        A pattern such as `*`, and `__else__`, are meant for the rows of reports. They would fail on
        the records, or leave them out.
        """
        maps = maps_named(self.config.get("stream_maps") or {}, self.name)
        return mapper_of({**self.config, "stream_maps": maps}, self.logger)

    @override
    def apply_catalog(self, catalog: Catalog) -> None:
        """Take the selection from a catalog. The columns are fixed, and so is the key.

        A catalog from before the log was turned on lacks the stream, which is sent nevertheless.
        """
        if entry := catalog.get_stream(self.name):
            entry.schema = Schema.from_dict(self.schema)
            entry.key_properties = list(_KEY)
            entry.replication_key = self.replication_key
            entry.replication_method = REPLICATION_INCREMENTAL
            for name in _KEY:
                entry.metadata["properties", name].inclusion = Metadata.InclusionType.AUTOMATIC
            super().apply_catalog(catalog)

    @override  # type: ignore[misc]  # final in the SDK, whose states and versions it must not have
    def sync(self, context: Context | None = None) -> None:
        """Send the records that were added; before the first of them, the schema.

        Raises:
            ReportError: a record does not fit a stream map, or cannot be written to disk.
            FatalSyncError: a batch file could not be written to the storage.
        """
        if not self.selected:
            return
        if not self._is_announced:
            self._is_announced = True
            self._write_schema_message()
        if batch_config := self.get_batch_config(self.config):
            for encoding, files in self.get_batches(batch_config, context):
                self._write_batch_message(encoding, files)
        else:
            for _ in self._batches(self._write_records):
                pass

    @override
    def get_batches(
        self, batch_config: BatchConfig, context: Context | None = None
    ) -> Iterable[tuple[BaseBatchFileEncoding, list[str]]]:
        """Yield the files of BATCH messages."""
        files = BatchFiles(batch_config, self.tap_name, self.name)

        def made(records: list[Record]) -> Iterator[tuple[BaseBatchFileEncoding, list[str]]]:
            return files.write_records([as_dict(record, ()) for record in records], _TYPES)

        for written in self._batches(made):
            yield from written

    @override
    def _batches(self, made: Callable[[list[Record]], Made]) -> Iterator[Made]:
        windows, self._unsent = self._unsent, []
        names = [name for name in _TYPES if self.mask["properties", name]]
        if windows:
            yield made([{name: getattr(window, name) for name in names} for window in windows])

    @override
    def finalize_state_progress_markers(self, state: dict[str, Any] | None = None) -> None:
        """Do nothing: the log has no state."""

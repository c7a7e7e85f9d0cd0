"""A report as one Arrow table, for notebooks: without catalog, state and target.

A notebook has no earlier schema. For this reason all windows are downloaded before the first is
converted, and the types are inferred from all of them.
"""

from __future__ import annotations

import contextlib
import copy
import tempfile
import threading
from typing import IO, TYPE_CHECKING, Any, Final

import pyarrow as pa

from tap_crewmojo.api.client import CrewmojoClient
from tap_crewmojo.api.prefetch import Prefetch, Workers
from tap_crewmojo.arrow import AS_VALUES, arrow_schema, record_tables
from tap_crewmojo.clock import Clock
from tap_crewmojo.config.reports import ReportRequest, is_windowed, items_of
from tap_crewmojo.config.settings import Settings, with_texts
from tap_crewmojo.config.validation import settings_error
from tap_crewmojo.discovery import check_empty_report, report_keys
from tap_crewmojo.errors import errors_about, errors_of_spooling
from tap_crewmojo.progress import log_warnings
from tap_crewmojo.records import RecordMaker, metadata_of
from tap_crewmojo.schema.inference import discovered_schema, infer
from tap_crewmojo.schema.stream_schema import StreamSchema
from tap_crewmojo.schema.types import ColumnType
from tap_crewmojo.stream_run import StreamRun
from tap_crewmojo.tap import TapCrewmojo
from tap_crewmojo.windows import windows_between

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from tap_crewmojo.api.client import Download
    from tap_crewmojo.cells import Columns
    from tap_crewmojo.config.reports import ReportConfig

_ONE_CALL: Final = threading.Lock()
"""Each call gets a token, which ends all earlier ones: one call waits for the other."""


def read_table(
    config: Mapping[str, Any], report_id: str, start: date | str | None, end: date | str | None
) -> pa.Table:
    """Return the rows of a report: see `tap_crewmojo.read_report`."""
    valid = _config(config, report_id, start, end)
    clock = Clock.from_environment()
    settings = Settings.from_config(valid, clock)
    (report,) = settings.reports
    requests = _requests(report, settings)
    with (
        _ONE_CALL,
        tempfile.TemporaryFile(prefix="tap-crewmojo-") as file,
        _downloading(settings, clock, requests) as prefetch,
    ):
        windows = _Windows(prefetch, file)
        types = infer(windows.take(requests))
        if not types:
            types = dict.fromkeys(windows.headings, ColumnType.STRING)
            check_empty_report(report, types)
        schema, keys = _columns(report, settings, types)
        tables = list(windows.tables(schema, keys, report.name))
    columns = arrow_schema(schema.types(), AS_VALUES)
    return pa.concat_tables([columns.empty_table(), *tables], promote_options="default")


def _config(
    config: Mapping[str, Any],
    report_id: str,
    start: date | str | None,
    end: date | str | None,
) -> dict[str, Any]:
    """Return the settings for this report alone.

    Raises:
        ConfigValidationError: something is invalid; the text lists all of it.
    """
    days = {"start_date": start, "end_date": end}
    given = {name: day for name, day in days.items() if day is not None}
    own = with_texts({**copy.deepcopy(dict(config)), **given})
    errors = []
    items = own.get("reports") or []
    if isinstance(items, list):
        found = items_of(items, report_id)
        own["reports"] = found[:1] or [report_id]
        if len(found) > 1:
            errors.append(f"reports: {report_id!r} is there more than once; give the stream's name")
        if given and isinstance(item := own["reports"][0], dict) and not is_windowed(item):
            errors.append(
                f"start and end must not be given for {report_id!r}, which takes no dates: its "
                "replication_method is FULL_TABLE"
            )
    errors += TapCrewmojo.errors_in(own)
    if errors:
        raise settings_error(errors)
    return own


def _requests(report: ReportConfig, settings: Settings) -> list[ReportRequest]:
    if not report.windowed:
        return [ReportRequest(report, None)]
    windows = windows_between(report.window, settings.start_date, settings.end_date)
    return [ReportRequest(report, window) for window in windows]


@contextlib.contextmanager
def _downloading(
    settings: Settings, clock: Clock, requests: Sequence[ReportRequest]
) -> Iterator[Prefetch]:
    """Download ahead, as in a run. The end of the context cancels what was not taken."""
    user_agent = f"{TapCrewmojo.name}/{TapCrewmojo.plugin_version}"
    client = CrewmojoClient(settings, clock, user_agent)
    workers = Workers(settings.max_parallel_reports)
    prefetch = Prefetch(client, workers, 2 * settings.max_parallel_reports)
    try:
        prefetch.plan(requests)
        yield prefetch
    finally:
        for report in settings.reports:
            prefetch.cancel(report)
        workers.close()


class _Windows:
    """The windows of one report: their rows, kept on disk.

    Args:
        prefetch: downloads them.
        file: the rows are kept in it: a process can open only so many files.

    Attributes:
        headings: those of the windows without rows.
    """

    def __init__(self, prefetch: Prefetch, file: IO[bytes]) -> None:
        self.headings: dict[str, None] = {}
        self._prefetch = prefetch
        self._file = file
        self._kept: list[tuple[ReportRequest, Download]] = []

    def take(self, requests: Iterable[ReportRequest]) -> Iterator[Columns]:
        """Download windows; yield the rows of each before they are kept.

        Raises:
            CredentialsError: no access token could be obtained.
            ReportError: a window could not be downloaded, or cannot be read.
        """
        for request in requests:
            download = self._prefetch.take(request)
            report, rows = download.report, 0
            with errors_about(request), contextlib.closing(report):
                for batch in report.batches():
                    rows += batch.size
                    yield batch
                if not rows:
                    self.headings |= dict.fromkeys(report.headings())
                    continue
                with errors_of_spooling():
                    report.move_to(self._file)
            self._kept.append((request, download))

    def tables(self, schema: StreamSchema, keys: Iterable[str], stream: str) -> Iterator[pa.Table]:
        """Yield the records of the windows; warn of what is wrong with them at the end.

        Args:
            schema: their columns.
            keys: the columns of the primary key.
            stream: the stream that the warnings are about.

        Raises:
            ReportError: a row has no primary key.
        """
        run = StreamRun(stream)
        for request, download in self._kept:
            maker = RecordMaker(schema, keys, metadata_of(request, download))
            with errors_about(request):
                yield from record_tables(download.report, maker, AS_VALUES)
            run.add_findings(maker.counts)
        log_warnings(run, schema)


def _columns(
    report: ReportConfig, settings: Settings, types: Mapping[str, ColumnType]
) -> tuple[StreamSchema, list[str]]:
    """Return the columns of a report, and those of its primary key.

    Args:
        report: the report as configured.
        settings: the settings.
        types: the inferred types, by heading.

    Raises:
        ReportError: it lacks a column that is configured as a key.
    """
    rules, windowed = settings.rules(report), report.windowed
    discovered = discovered_schema(types, rules, windowed=windowed)
    keys = report_keys(report, types, discovered["properties"], rules.naming)
    schema = StreamSchema(discovered, rules, windowed=windowed, is_selected=lambda _: True)
    return schema, keys

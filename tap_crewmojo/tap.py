"""The tap: its settings, its list of streams, and how a run ends."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import Tap
from singer_sdk.exceptions import ConfigValidationError, DiscoveryError
from singer_sdk.helpers.capabilities import TapCapabilities
from typing_extensions import override

from tap_crewmojo.api.client import CrewmojoClient
from tap_crewmojo.api.prefetch import Prefetch, Workers
from tap_crewmojo.clock import Clock
from tap_crewmojo.config.environment import (
    machine_errors,
    unread_variables,
)
from tap_crewmojo.config.json_schema import SETTINGS
from tap_crewmojo.config.settings import Settings
from tap_crewmojo.config.validation import (
    schema_errors,
    setting_errors,
    settings_error,
    unknown_settings,
)
from tap_crewmojo.errors import ReportError
from tap_crewmojo.progress import counted, failures, log_summary, raise_failures
from tap_crewmojo.progress_bar import progress_bar
from tap_crewmojo.singer.batch_files import batch_errors
from tap_crewmojo.singer.map_checks import map_errors, map_warnings
from tap_crewmojo.singer.maps import mapper_of
from tap_crewmojo.singer.tap import CommandLineTap
from tap_crewmojo.streams import ReportStream
from tap_crewmojo.window_log import WindowLog

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from singer_sdk.helpers.capabilities import CapabilitiesEnum

    from tap_crewmojo.singer.stream import BatchedStream


class TapCrewmojo(CommandLineTap):
    """Singer tap for Crewmojo: a company's reports, typed and incremental."""

    name = "tap-crewmojo"
    package_name = "tap-crewmojo"
    config_jsonschema: ClassVar[dict[str, Any]] = copy.deepcopy(SETTINGS)  # the SDK adds its own
    dynamic_catalog = True
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        *Tap.capabilities,
        TapCapabilities.TEST,
    ]

    @override
    def discover_streams(self) -> Sequence[BatchedStream]:
        """Return a stream for each report; without a catalog, sample each report first.

        The window log is another stream, if the settings turn it on.

        Raises:
            ConfigValidationError: the catalog has none of the reports.
            DiscoveryError: no report could be sampled.
        """
        clock = Clock.from_environment()
        settings = Settings.from_config(self.config, clock)
        client = CrewmojoClient(
            settings,
            clock,
            f"{self.name}/{self.plugin_version}",
            token_timeout=self.token_timeout,
        )
        parallel = settings.max_parallel_reports
        workers = Workers(parallel)
        self._prefetch = Prefetch(client, workers, 2 * parallel)
        window_log = WindowLog(self, settings.window_log) if settings.window_log else None
        streams = [
            ReportStream(
                self,
                report=report,
                settings=settings,
                prefetch=self._prefetch,
                clock=clock,
                window_log=window_log,
            )
            for report in settings.reports
        ]
        if self.input_catalog is None:
            self._discover(streams, workers)
        elif self.input_catalog.keys().isdisjoint(stream.name for stream in streams):
            names = ", ".join(repr(stream.name) for stream in streams)
            msg = f"The catalog has none of the streams of the settings ({names}): run `--discover`"
            raise ConfigValidationError(msg, errors=[msg])
        return [*streams, window_log] if window_log else streams

    def _discover(self, streams: Sequence[ReportStream], workers: Workers) -> None:
        self.logger.info("Discovery: sampling %s", counted(len(streams), "report"))
        for stream, future in [(stream, workers.submit(stream.discover)) for stream in streams]:
            try:
                future.result()
            except ReportError as exc:
                stream.fail(exc)
        known = sum(stream.has_columns for stream in streams)
        self.logger.info("Discovery: %d of %s sampled", known, counted(len(streams), "report"))
        if not known:
            msg = "Discovery failed:\n" + failures(stream.run for stream in streams)
            raise DiscoveryError(msg)

    @override
    def run_discovery(self) -> str:
        """Print the catalog of the reports that could be sampled.

        Raises:
            DiscoveryError: no report could be sampled.
        """
        for stream in self._report_streams():
            self._prefetch.cancel(stream.report)
        return super().run_discovery()

    @property
    @override
    def catalog_dict(self) -> dict[str, Any]:
        """The catalog, without the streams whose columns are unknown."""
        unknown = {stream.name for stream in self._report_streams() if not stream.has_columns}
        streams = super().catalog_dict["streams"]
        return {"streams": [each for each in streams if each["tap_stream_id"] not in unknown]}

    @override
    def setup_mapper(self) -> None:
        """Set up the stream maps of the streams that are selected and have not failed.

        Raises:
            ConfigValidationError: the catalog has none of the reports, or a map sends rows and
                records of the window log as one stream.
        """
        self.mapper = mapper_of(self.config, self.logger)
        maps = self.config.get("stream_maps") or {}
        columns: dict[str, Collection[str] | None] = {}
        for stream in self._report_streams():
            stream.check_maps(maps)
            failed = stream.run.failure is not None
            columns[stream.name] = None if failed else stream.effective_schema.get("properties", {})
            stream.set_up_maps(are_used=stream.selected and not failed)
        logs = self._window_logs()
        for log in logs:
            columns[log.name] = log.effective_schema["properties"]
            log.set_up_maps(are_used=log.selected)
        self._check_names()
        by_name = [log.name for log in logs]
        for warning in map_warnings(maps, columns, by_name):
            self.logger.warning(warning)

    def _check_names(self) -> None:
        """Warn of rows that are sent as one stream; refuse the stream of the window log.

        Names that differ only in case are one table in many databases.
        """
        logs = [log for log in self._window_logs() if log.selected]
        taken = {name.lower() for log in logs for name in log.sent_as()}
        senders: dict[str, list[str]] = {}
        for stream in self._report_streams():
            for name in stream.sent_as() if stream.selected else ():
                if name.lower() in taken:
                    msg = (
                        f"stream_maps: the report {stream.report.id!r} must not be sent as "
                        f"{name!r}, the stream of the window log; choose another name for one of "
                        "them"
                    )
                    raise ConfigValidationError(msg, errors=[msg])
                senders.setdefault(name.lower(), []).append(f"{stream.report.id!r} as {name!r}")
        for sent in senders.values():
            if len(sent) > 1:
                self.logger.warning(
                    "One table gets the rows of %s: a row overwrites another one with the same "
                    "key. Give the streams other names",
                    " and ".join(sent),
                )

    def _report_streams(self) -> list[ReportStream]:
        return [stream for stream in self.streams.values() if isinstance(stream, ReportStream)]

    def _window_logs(self) -> list[WindowLog]:
        """Return the window log, if there is one."""
        return [stream for stream in self.streams.values() if isinstance(stream, WindowLog)]

    @override  # type: ignore[misc]  # final in the SDK; its whole body is kept
    def sync_all(self) -> None:
        """Sync all streams, also those after one that failed, and log how each ended.

        Raises:
            SyncFailedError: some reports failed; their bookmarks stay before the failed window.
        """
        streams = [stream for stream in self._report_streams() if stream.selected]
        if not streams:
            self.logger.warning("Nothing is read: the catalog selects none of the streams")
        for stream in streams:
            stream.plan()
        for log in self._window_logs():
            log.begin()
            if not log.selected:
                self.logger.warning(
                    "The window log '%s' is turned on, but the catalog does not select it: it gets "
                    "no record",
                    log.name,
                )
        runs = [stream.run for stream in streams]
        try:
            with progress_bar(runs):
                super().sync_all()
        finally:
            for run in runs:
                log_summary(run)
        raise_failures(runs)

    @override  # type: ignore[misc]  # final in the SDK; its whole body is kept
    def write_schemas(self) -> None:
        """Write a SCHEMA message for each stream, also for those after one that failed.

        Raises:
            SyncFailedError: some reports could not be sampled; all of them are listed.
        """
        super().write_schemas()
        raise_failures([stream.run for stream in self._report_streams()])

    @override  # type: ignore[misc]  # final in the SDK; its whole body is kept
    def run_connection_test(self) -> bool:
        """Read a record of each report, also of those after one that failed.

        Raises:
            SyncFailedError: some reports failed; all of them are listed.
        """
        passed = super().run_connection_test()
        streams = self._report_streams()
        for stream in streams:
            if not stream.run.failure:
                self.logger.info("The connection test of '%s' has passed", stream.name)
        raise_failures([stream.run for stream in streams])
        return passed

    @override
    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """Return all that is invalid in the settings.

        Raises:
            ConfigValidationError: something is invalid, and `raise_errors` is true.
        """
        errors = self.errors_in(self._config)
        if errors and raise_errors:
            raise settings_error(errors)
        return errors

    @classmethod
    def errors_in(cls, config: dict[str, Any]) -> list[str]:
        """Return all that is invalid in a configuration, fill in defaults, warn of the unknown."""
        schema = cls.config_jsonschema
        cls.append_builtin_config(schema)
        found = (
            *schema_errors(config, schema),
            *setting_errors(config),
            *map_errors(config),
            *batch_errors(config),
            *unread_variables(config),
            *machine_errors(config),
        )
        for warning in unknown_settings(config, schema["properties"]):
            cls.logger.warning(warning)
        return list(dict.fromkeys(found))

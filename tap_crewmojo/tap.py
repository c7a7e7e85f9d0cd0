"""The tap: its settings, its list of streams, and how a run ends."""

from __future__ import annotations

import copy
import io
import json
import math
import os
import signal
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar, cast

from singer_sdk import Tap
from singer_sdk.exceptions import ConfigValidationError, DiscoveryError
from singer_sdk.helpers.capabilities import TapCapabilities
from singer_sdk.tap_base import CliTestOptionValue
from typing_extensions import override

from tap_crewmojo.api.client import CrewmojoClient
from tap_crewmojo.api.prefetch import Prefetch, Workers
from tap_crewmojo.clock import Clock
from tap_crewmojo.config.environment import (
    environment_mistakes,
    machine_mistakes,
    unknown_variables,
    unread_variables,
)
from tap_crewmojo.config.files import parse_object, read_object
from tap_crewmojo.config.json_schema import SETTINGS
from tap_crewmojo.config.settings import Settings
from tap_crewmojo.config.validation import mistakes, schema_mistakes, unknown
from tap_crewmojo.errors import ReportError
from tap_crewmojo.progress import failures, raise_failures
from tap_crewmojo.progress_bar import progress_bar
from tap_crewmojo.redaction import one_line
from tap_crewmojo.singer.catalog import read_catalog
from tap_crewmojo.singer.maps import map_errors, map_warnings, mapper_of
from tap_crewmojo.singer.messages import MessageWriter
from tap_crewmojo.streams import ReportStream

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import PurePath
    from types import FrameType
    from typing import IO, TextIO

    import click
    from singer_sdk.helpers.capabilities import CapabilitiesEnum
    from singer_sdk.singerlib import Catalog

_DATES = ("start_date", "end_date")
_INTERACTIVE_TIMEOUT = 10.0
_PREFIX = "TAP_CREWMOJO_"
_BOOKMARK = ("replication_key", "replication_key_value")


class TapCrewmojo(Tap):
    """Singer tap for Crewmojo: a company's reports, typed and incremental."""

    name = "tap-crewmojo"
    package_name = "tap-crewmojo"
    config_jsonschema: ClassVar[dict[str, Any]] = copy.deepcopy(SETTINGS)  # the SDK adds its own
    dynamic_catalog = True
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        *Tap.capabilities,
        TapCapabilities.TEST,
    ]

    message_writer_class = MessageWriter

    token_timeout: ClassVar[float] = math.inf
    """API seconds after which a failed token request is not retried any more."""

    def __init__(
        self,
        *,
        config: dict[str, Any] | PurePath | str | list[PurePath | str] | None = None,
        catalog: PurePath | str | dict[str, Any] | Catalog | None = None,
        **options: Any,  # noqa: ANN401  # the SDK's
    ) -> None:
        super().__init__(
            config=_with_texts(config) if isinstance(config, dict) else config,
            catalog=None if catalog is None else read_catalog(catalog),
            **options,
        )

    @override
    def discover_streams(self) -> Sequence[ReportStream]:
        """Return a stream per report; without a catalog, each from a sample of its report.

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
        streams = [
            ReportStream(
                self, report=report, settings=settings, prefetch=self._prefetch, clock=clock
            )
            for report in settings.reports
        ]
        if self.input_catalog is None:
            self._discover(streams, workers)
        elif self.input_catalog.keys().isdisjoint(stream.name for stream in streams):
            names = ", ".join(repr(stream.name) for stream in streams)
            msg = f"The catalog has none of the streams of the settings ({names}): run `--discover`"
            raise ConfigValidationError(msg, errors=[msg])
        return streams

    def _discover(self, streams: Sequence[ReportStream], workers: Workers) -> None:
        for stream, future in [(stream, workers.submit(stream.discover)) for stream in streams]:
            try:
                future.result()
            except ReportError as exc:
                stream.fail(exc)
        if not any(stream.has_columns for stream in streams):
            msg = "Discovery failed:\n" + failures(stream.progress for stream in streams)
            raise DiscoveryError(msg)

    @override
    def run_discovery(self) -> str:
        """Print the catalog of the reports that could be sampled.

        Raises:
            DiscoveryError: none could.
        """
        for stream in self._report_streams():
            stream.close()
        return super().run_discovery()

    @property
    @override
    def catalog_dict(self) -> dict[str, Any]:
        """The catalog, without the streams of which no column is known."""
        known = {stream.name for stream in self._report_streams() if stream.has_columns}
        streams = super().catalog_dict["streams"]
        return {"streams": [stream for stream in streams if stream["tap_stream_id"] in known]}

    @override
    def setup_mapper(self) -> None:
        """Set up the stream maps, of the streams that are selected and have their columns.

        Raises:
            ConfigValidationError: the catalog has none of the reports.
        """
        self.mapper = mapper_of(self.config, self.logger)
        columns: dict[str, Collection[str] | None] = {}
        for stream in self._report_streams():
            failed = stream.progress.failure is not None
            columns[stream.name] = None if failed else stream.effective_schema.get("properties", {})
            stream.set_up_maps(are_used=stream.selected and not failed)
        for warning in map_warnings(self.config.get("stream_maps") or {}, columns):
            self.logger.warning(warning)

    def _report_streams(self) -> list[ReportStream]:
        return [stream for stream in self.streams.values() if isinstance(stream, ReportStream)]

    @override  # type: ignore[misc]  # final in the SDK; its whole body is kept
    def sync_all(self) -> None:
        """Sync all streams, also those after one that failed; log how each ended, however it did.

        Raises:
            SyncFailedError: some reports failed; their bookmarks are those of what was emitted.
        """
        streams = [stream for stream in self._report_streams() if stream.selected]
        if not streams:
            self.logger.warning("Nothing is read: the catalog selects none of the streams")
        for stream in streams:
            self._prefetch.plan(stream.plan())
        progress = [stream.progress for stream in streams]
        try:
            with progress_bar(progress):
                super().sync_all()
        finally:
            for each in progress:
                each.summarize()
        raise_failures(progress)

    @override  # type: ignore[misc]  # final in the SDK; its whole body is kept
    def write_schemas(self) -> None:
        """Write a SCHEMA message for each stream, also for those after one that failed.

        Raises:
            SyncFailedError: some reports could not be sampled; all of them are listed.
        """
        super().write_schemas()
        raise_failures([stream.progress for stream in self._report_streams()])

    @override  # type: ignore[misc]  # final in the SDK; its whole body is kept
    def run_connection_test(self) -> bool:
        """Read a record of each report, also of those after one that failed.

        Raises:
            SyncFailedError: some reports failed; all of them are listed.
        """
        passed = super().run_connection_test()
        streams = self._report_streams()
        for stream in streams:
            if not stream.progress.failure:
                self.logger.info("The connection test of '%s' has passed", stream.name)
        raise_failures([stream.progress for stream in streams])
        return passed

    @classmethod
    @override
    def cb_discover(cls, ctx: click.Context, param: click.Option, value: bool) -> None:  # the SDK's
        """Discover, if asked to; somebody may be waiting for it."""
        if value:
            cls.token_timeout = _INTERACTIVE_TIMEOUT
        super().cb_discover(ctx, param, value)

    @classmethod
    @override
    def cb_test(cls, ctx: click.Context, param: click.Option, value: str) -> None:
        """Test the connection, if asked to; somebody may be waiting for it."""
        if value != CliTestOptionValue.Disabled.value:
            cls.token_timeout = _INTERACTIVE_TIMEOUT
        super().cb_test(ctx, param, value)

    @classmethod
    @override
    def cb_config(cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]) -> Any:
        """Read what `--config` names.

        Raises:
            ConfigValidationError: a file, or a variable of the environment, is invalid.
        """
        if "ENV" in value:
            cls.append_builtin_config(cls.config_jsonschema)
            for warning in unknown_variables(os.environ, _PREFIX, cls.config_jsonschema):
                cls.logger.warning(warning)
            if errors := list(environment_mistakes(os.environ, _PREFIX, cls.config_jsonschema)):
                raise _invalid_settings(errors)
        given = super().cb_config(ctx, param, tuple(name for name in value if name == "ENV"))
        for name in value:
            if name != "ENV":
                given.config |= read_object("--config", name)
        return given

    @classmethod
    @override
    def invoke(
        cls, *, state: IO[str] | None = None, catalog: IO[str] | None = None, **options: Any
    ) -> None:
        """Run the command line, once the files given to it are known to be what they should be.

        Raises:
            ConfigValidationError: a file does not hold a JSON object.
        """
        super().invoke(
            state=_json_object("--state", state),
            catalog=_json_object("--catalog", catalog),
            **options,
        )

    @override
    def load_state(self, state: dict[str, Any]) -> None:
        """Take over the state of an earlier run.

        Raises:
            ConfigValidationError: it is not shaped as a state.
        """
        bookmarks = state.get("bookmarks", {} if not state else None)
        if not isinstance(bookmarks, dict) or not all(
            isinstance(bookmark, dict) for bookmark in bookmarks.values()
        ):
            msg = (
                "The state is not readable: it should be what the target printed last, as "
                '{"bookmarks": {"<stream>": {...}}}. Without one, the tap starts from start_date'
            )
            raise ConfigValidationError(msg, errors=[msg])
        # What others may have left in it (partitions, progress) would mislead the SDK.
        ours = {
            stream: {name: bookmark[name] for name in _BOOKMARK if name in bookmark}
            for stream, bookmark in bookmarks.items()
        }
        super().load_state({"bookmarks": ours})

    @override
    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """Return all that is invalid in the settings.

        Raises:
            ConfigValidationError: something is, and it is to be raised.
        """
        schema = self.config_jsonschema
        self.append_builtin_config(schema)
        errors = [
            *schema_mistakes(self._config, schema),
            *mistakes(self._config),
            *map_errors(self._config),
            *unread_variables(os.environ, _PREFIX, self._config),
            *machine_mistakes(os.environ, self._config),
        ]
        for warning in unknown(self._config, schema["properties"]):
            self.logger.warning(warning)
        if errors and raise_errors:
            raise _invalid_settings(errors)
        return errors

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        """End the run with the exit code that shells give to a signal.

        A STATE has followed each complete window already.
        """
        self.logger.warning(
            "Ended by %s: the next run resumes after the last complete window of each report",
            signal.Signals(signum).name,
        )
        ending = SystemExit(128 + signum)
        if isinstance(self.message_writer, MessageWriter):
            self.message_writer.end(ending)
        else:
            raise ending


def _invalid_settings(errors: Sequence[str]) -> ConfigValidationError:
    text = "\n".join(["The settings are invalid:", *(f"  - {one_line(error)}" for error in errors)])
    return ConfigValidationError(text, errors=[text])


def _json_object(option: str, file: IO[str] | None) -> IO[str] | None:
    if file is None:
        return None
    data = cast("TextIO", file).buffer.read()  # not as the system would read text
    if option == "--state" and not data.strip():
        return None  # as the last line that a target printed, if it printed none
    return io.StringIO(json.dumps(parse_object(option, data)))


def _with_texts(config: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration with its dates as texts: from Python they may be dates."""
    return {
        name: value.isoformat() if name in _DATES and isinstance(value, date) else value
        for name, value in config.items()
    }

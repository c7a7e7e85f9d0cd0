"""The tap: its settings, its list of streams, and how a run ends."""

from __future__ import annotations

import copy
import sys
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import Tap
from singer_sdk.exceptions import ConfigValidationError, DiscoveryError
from singer_sdk.helpers.capabilities import TapCapabilities
from typing_extensions import override

from tap_crewmojo.client import CrewmojoClient
from tap_crewmojo.clock import Clock
from tap_crewmojo.config_schema import SETTINGS
from tap_crewmojo.errors import ReportError, SyncFailedError
from tap_crewmojo.mistakes import mistakes
from tap_crewmojo.settings import Settings
from tap_crewmojo.streams import ReportStream

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    from singer_sdk.helpers.capabilities import CapabilitiesEnum


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

    @override
    def discover_streams(self) -> Sequence[ReportStream]:
        """Return a stream per report; without a catalog, each from a sample of its report.

        Raises:
            DiscoveryError: some reports cannot be had; all of them are listed.
        """
        clock = Clock.from_environment()
        settings = Settings.from_config(self.config, clock)
        client = CrewmojoClient(settings, clock, f"{self.name}/{self.plugin_version}")
        streams = [
            ReportStream(self, report=report, settings=settings, client=client, clock=clock)
            for report in settings.reports
        ]
        if self.input_catalog is None:
            self._discover(streams)
        else:
            self._warn_of_uncatalogued(streams)
        return streams

    def _discover(self, streams: Sequence[ReportStream]) -> None:
        failures = []
        for stream in streams:
            try:
                stream.discover()
            except ReportError as exc:
                failures.append(str(exc))
        if failures:
            msg = "Discovery failed:\n" + "\n".join(f"  - {failure}" for failure in failures)
            raise DiscoveryError(msg)

    def _warn_of_uncatalogued(self, streams: Sequence[ReportStream]) -> None:
        catalogued = {entry.stream or entry.tap_stream_id for entry in self.catalog.streams}
        for stream in streams:
            if stream.name not in catalogued:
                self.logger.warning(
                    "Report '%s' is not in the catalog and is left out: discover the catalog anew",
                    stream.report.id,
                )

    @override  # type: ignore[misc]  # final in the SDK; its whole body is kept
    def sync_all(self) -> None:
        """Sync all streams, also those after one that failed.

        Raises:
            SyncFailedError: some reports failed; their bookmarks stand where they were good.
        """
        super().sync_all()
        streams = [stream for stream in self.streams.values() if isinstance(stream, ReportStream)]
        for stream in streams:
            summary = stream.summary
            self.logger.info(
                "%s: %s, %d windows, %d rows, %d jobs, %.1f s",
                stream.name,
                "FAILED" if summary.failure else "done",
                summary.windows,
                summary.rows,
                summary.jobs,
                summary.seconds,
            )
        failed = [stream for stream in streams if stream.summary.failure]
        if failed:
            msg = f"{len(failed)} of {len(streams)} reports failed:\n" + "\n".join(
                f"  - {stream.summary.failure}" for stream in failed
            )
            raise SyncFailedError(msg)

    @override
    def load_state(self, state: dict[str, Any]) -> None:
        """Take over the state of an earlier run.

        Raises:
            ConfigValidationError: it is not shaped as a state.
        """
        bookmarks = state.get("bookmarks", {})
        if not isinstance(bookmarks, dict) or not all(
            isinstance(bookmark, dict) for bookmark in bookmarks.values()
        ):
            msg = (
                "The state is not readable: it should be what the target printed last, as "
                '{"bookmarks": {"<stream>": {...}}}. Without one, the tap starts from start_date'
            )
            raise ConfigValidationError(msg, errors=[msg])
        super().load_state(state)

    @override
    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """List every mistake in the settings, in one message.

        Raises:
            ConfigValidationError: there are mistakes, and they are to be raised.
        """
        errors = super()._validate_config(raise_errors=False)
        errors = [self._without_secret(error) for error in errors] + list(mistakes(self._config))
        if errors and raise_errors:
            msg = "The settings have mistakes"
            raise ConfigValidationError(
                msg, errors=[f"{msg}:\n" + "\n".join(f"  - {error}" for error in errors)]
            )
        return errors

    def _without_secret(self, error: str) -> str:
        return "client_secret is not a string" if "client_secret']" in error else error

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        """End the run with the exit code that shells give to a signal.

        A STATE has followed each completed window already, so nothing is left to be said.
        """
        sys.exit(128 + signum)

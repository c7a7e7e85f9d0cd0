"""Where this tap overrides the SDK's: files, variables, state, the end by a signal."""

from __future__ import annotations

import math
import signal
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import Tap
from singer_sdk.tap_base import CliTestOptionValue
from typing_extensions import override

from tap_crewmojo.config.environment import unknown_variables, variable_errors
from tap_crewmojo.config.files import parsed_file, read_object
from tap_crewmojo.config.settings import with_texts
from tap_crewmojo.config.validation import settings_error
from tap_crewmojo.singer.catalog import read_catalog
from tap_crewmojo.singer.messages import MessageWriter
from tap_crewmojo.singer.state import usable_state

if TYPE_CHECKING:
    from pathlib import PurePath
    from types import FrameType
    from typing import IO

    import click
    from singer_sdk.singerlib import Catalog

_INTERACTIVE_TIMEOUT = 10.0


class CommandLineTap(Tap):
    """A tap that validates files, variables and state before the SDK reads them."""

    message_writer_class = MessageWriter

    token_timeout: ClassVar[float] = math.inf
    """API seconds after which a failed token request is not retried."""

    def __init__(
        self,
        *,
        config: dict[str, Any] | PurePath | str | list[PurePath | str] | None = None,
        catalog: PurePath | str | dict[str, Any] | Catalog | None = None,
        **options: Any,  # noqa: ANN401  # the SDK's
    ) -> None:
        super().__init__(
            config=with_texts(config) if isinstance(config, dict) else config,
            catalog=None if catalog is None else read_catalog(catalog),
            **options,
        )

    @classmethod
    @override
    def cb_discover(cls, ctx: click.Context, param: click.Option, value: bool) -> None:  # the SDK's
        """Discover the catalog, with a short timeout: a person may wait for it."""
        if value:
            cls.token_timeout = _INTERACTIVE_TIMEOUT
        super().cb_discover(ctx, param, value)

    @classmethod
    @override
    def cb_test(cls, ctx: click.Context, param: click.Option, value: str) -> None:
        """Test the connection, with a short timeout: a person may wait for it."""
        if value != CliTestOptionValue.Disabled.value:
            cls.token_timeout = _INTERACTIVE_TIMEOUT
        super().cb_test(ctx, param, value)

    @classmethod
    @override
    def cb_config(cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]) -> Any:
        """Read the files and variables of `--config`.

        Raises:
            ConfigValidationError: a file, or a variable of the environment, is invalid.
        """
        if "ENV" in value:
            cls.append_builtin_config(cls.config_jsonschema)
            for warning in unknown_variables(cls.config_jsonschema):
                cls.logger.warning(warning)
            if errors := list(variable_errors(cls.config_jsonschema)):
                raise settings_error(errors)
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
        """Run the command line with the files of `--state` and `--catalog`, if they are valid.

        Raises:
            ConfigValidationError: a file does not hold a JSON object.
        """
        super().invoke(
            state=parsed_file("--state", state),
            catalog=parsed_file("--catalog", catalog),
            **options,
        )

    @override
    def load_state(self, state: dict[str, Any]) -> None:
        """Load the state of an earlier run.

        Raises:
            ConfigValidationError: it does not have the shape of a state.
        """
        super().load_state(usable_state(state))

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

"""The tap's logs.

Each line is complete as text, and holds the same facts as fields. Meltano shows only the text,
without the logger's name and the fields. A line about a request begins with the report and its
window; any other line about a stream begins with the stream's name. The fields, which
`singer_sdk.logging.StructuredFormatter` shows, are the stream and the days of the window.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from singer_sdk.metrics import Metric, Point
from typing_extensions import override

from tap_crewmojo.redaction import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from tap_crewmojo.config.reports import ReportRequest

LOGGER: Final = logging.getLogger("tap-crewmojo")
"""The logger of the tap; the SDK uses the one of this name too."""

_CHATTER: Final = ("Parsing ", "Skipping parse of env var", "Config validation failed")


class StreamLog(logging.LoggerAdapter[logging.Logger]):
    """Logs about one stream.

    Args:
        stream: the name of the stream.
        names_stream: whether each line begins with that name.
        is_open: whether lines are still written.
        fields: more fields of each line.
    """

    def __init__(
        self,
        stream: str,
        *,
        names_stream: bool = True,
        is_open: Callable[[], bool] = lambda: True,
        **fields: object,
    ) -> None:
        super().__init__(LOGGER.getChild(stream), {"stream_name": stream, **fields})
        self._prefix = f"{stream}: " if names_stream else ""
        self._is_open = is_open

    @classmethod
    def about(cls, request: ReportRequest, is_open: Callable[[], bool] = lambda: True) -> StreamLog:
        """Return the log of a request's stream, with the report and its window as fields.

        Args:
            request: the request, which each line names in its own text.
            is_open: whether lines are still written; none is after the stream has failed.
        """
        window = request.window
        days = {"window_start": window.start, "window_end": window.end} if window else {}
        facts = {"report": request.report.id, **days}
        return cls(request.report.name, names_stream=False, is_open=is_open, **facts)

    @override
    def isEnabledFor(self, level: int) -> bool:
        return self._is_open() and super().isEnabledFor(level)

    @override
    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        if self.isEnabledFor(level):
            text = str(msg) % args if args else str(msg)
            # It may quote headings and names from outside, which must not break the line.
            super().log(level, "%s", one_line(f"{self._prefix}{text}"), **kwargs)

    @override
    def process(
        self, msg: Any, kwargs: MutableMapping[str, Any]
    ) -> tuple[Any, MutableMapping[str, Any]]:
        kwargs["extra"] = {**(self.extra or {}), **kwargs.get("extra", {})}
        return msg, kwargs


def quiet_the_sdk() -> None:
    """Lower to DEBUG what the SDK logs for each HTTP request and variable, or after an error."""
    for name in (LOGGER.name, "singer_sdk.metrics", "singer_sdk.configuration._dict_config"):
        logging.getLogger(name).addFilter(_lower_chatter)


def _lower_chatter(record: logging.LogRecord) -> bool:
    point = record.args[0] if isinstance(record.args, tuple) and record.args else None
    is_request = isinstance(point, Point) and point.metric is Metric.HTTP_REQUEST_DURATION
    if is_request or str(record.msg).startswith(_CHATTER):
        record.levelno, record.levelname = logging.DEBUG, "DEBUG"
        return logging.getLogger(record.name).isEnabledFor(logging.DEBUG)
    return True

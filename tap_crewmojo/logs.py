"""A stream's log: each line is complete as text, and has the same facts as fields.

Meltano prints a line's text alone, without its logger and fields. A line about a request begins
with the report and its window; any other line begins with the stream's name. As fields
(`singer_sdk.logging.StructuredFormatter`) there are the stream and the window's days.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from singer_sdk.metrics import Metric, Point
from typing_extensions import override

from tap_crewmojo.redaction import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from tap_crewmojo.config.reports import ReportRequest

LOGGER = logging.getLogger("tap-crewmojo")  # the SDK's name for it
_CHATTER = ("Parsing ", "Skipping parse of env var")


class StreamLog(logging.LoggerAdapter[logging.Logger]):
    """Logs about one stream.

    Args:
        stream: its name, which each line begins with.
        fields: what each line is about, besides.
    """

    def __init__(self, stream: str, **fields: object) -> None:
        logger = LOGGER.getChild(stream)
        super().__init__(logger, {"stream_name": stream, **fields})
        self._start = f"{stream}: "
        self._is_open: Callable[[], bool] = lambda: True

    @classmethod
    def about(cls, request: ReportRequest, is_open: Callable[[], bool] = lambda: True) -> StreamLog:
        """Return the log of a request's stream, its lines marked with its report and window.

        Args:
            request: what each line is about, and names itself.
            is_open: whether lines are still written: none is after the stream has failed.
        """
        window = request.window
        days = {"window_start": window.start, "window_end": window.end} if window else {}
        log = cls(request.report.name, report=request.report.id, **days)
        log._start, log._is_open = "", is_open
        return log

    @override
    def isEnabledFor(self, level: int) -> bool:
        return self._is_open() and super().isEnabledFor(level)

    @override
    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        if self.isEnabledFor(level):
            text = str(msg) % args if args else str(msg)
            # Headings and names come from outside: none of them may break a line in two.
            super().log(level, "%s", one_line(f"{self._start}{text}"), **kwargs)

    @override
    def process(
        self, msg: Any, kwargs: MutableMapping[str, Any]
    ) -> tuple[Any, MutableMapping[str, Any]]:
        kwargs["extra"] = {**(self.extra or {}), **kwargs.get("extra", {})}
        return msg, kwargs


def quieten_the_sdk() -> None:
    """Leave to DEBUG what the SDK logs at INFO about each request and each variable."""
    for name in (LOGGER.name, "singer_sdk.metrics", "singer_sdk.configuration._dict_config"):
        logging.getLogger(name).addFilter(_is_worth_its_level)


def _is_worth_its_level(record: logging.LogRecord) -> bool:
    point = record.args[0] if isinstance(record.args, tuple) and record.args else None
    is_request = isinstance(point, Point) and point.metric is Metric.HTTP_REQUEST_DURATION
    if is_request or str(record.msg).startswith(_CHATTER):
        record.levelno, record.levelname = logging.DEBUG, "DEBUG"
        return logging.getLogger(record.name).isEnabledFor(logging.DEBUG)
    return True

"""A stream's log: each line names the stream, and its window where it has one.

In text the logger's name has the stream. In JSON (`singer_sdk.logging.StructuredFormatter`) it is a
field, as are the window's days.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_crewmojo.errors import one_line

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from tap_crewmojo.reports import ReportRequest

_TAP = "tap-crewmojo"


class StreamLog(logging.LoggerAdapter[logging.Logger]):
    """Logs about one stream.

    Args:
        stream: its name.
        fields: what each line is about, besides.
    """

    def __init__(self, stream: str, **fields: object) -> None:
        logger = logging.getLogger(_TAP).getChild(stream)
        logger.addFilter(_keep_in_one_line)
        super().__init__(logger, {"stream_name": stream, **fields})

    @classmethod
    def about(cls, request: ReportRequest) -> StreamLog:
        """Return the log of a request's stream, its lines marked with its report and window."""
        window = request.window
        days = {"window_start": window.start, "window_end": window.end} if window else {}
        return cls(request.report.name, report=request.report.id, **days)

    @override
    def process(
        self, msg: Any, kwargs: MutableMapping[str, Any]
    ) -> tuple[Any, MutableMapping[str, Any]]:
        kwargs["extra"] = {**(self.extra or {}), **kwargs.get("extra", {})}
        return msg, kwargs


def _keep_in_one_line(record: logging.LogRecord) -> bool:
    """Escape what would break the line in two: headings and names come from outside."""
    record.msg, record.args = one_line(record.getMessage()), None
    return True

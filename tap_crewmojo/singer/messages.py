"""Singer messages on standard output, written in large chunks, at least once a second."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import msgspec
from singer_sdk.contrib.msgspec import MsgSpecWriter, enc_hook
from singer_sdk.singerlib.encoding.simple import RecordMessage
from typing_extensions import override

from tap_crewmojo.clock import Clock
from tap_crewmojo.errors import ReportError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from singer_sdk.singerlib.encoding.simple import Message

    from tap_crewmojo.records import Record

FLUSH_BYTES = 1 << 18
"""Bytes that are buffered before they are written."""

FLUSH_SECONDS = 1.0
"""Seconds that records are buffered at most, while more of them come."""

_STEP = 1 << 16
_ENCODER = msgspec.json.Encoder(enc_hook=enc_hook, decimal_format="number")


class _RecordLine(msgspec.Struct, tag_field="type", tag="RECORD", omit_defaults=True, gc=False):
    """A RECORD message, with its fields in the SDK's order."""

    stream: str
    record: Any
    version: int | None = None
    time_extracted: Any = None


class MessageWriter(MsgSpecWriter):
    """Buffers RECORD messages, and writes them with the next message of another type.

    A STATE therefore never overtakes its records.
    """

    def __init__(self) -> None:
        super().__init__()
        self._clock = Clock()
        self._buffer = bytearray()
        self._flushed_at = self._clock.monotonic()
        self._writing = False
        self._ending: SystemExit | None = None

    @override
    def write_message(self, message: Message) -> None:
        self._buffer += _ENCODER.encode(message.to_dict()) + b"\n"
        if isinstance(message, RecordMessage):
            self._flush_if_due()
        else:
            self.flush()

    def lines(self, records: Iterable[tuple[str, Record]], version: int | None) -> bytes:
        """Return RECORD messages for some records, each with its stream.

        Raises:
            ReportError: a value cannot be written as JSON.
        """
        now = self._clock.now()
        lines = [_RecordLine(stream, record, version, now) for stream, record in records]
        try:
            return _ENCODER.encode_lines(lines)
        except (TypeError, ValueError):  # its text may quote the value
            msg = "holds a value that cannot be written as JSON; a stream map may have made it"
            raise ReportError(msg) from None

    def write_lines(self, lines: bytes) -> None:
        """Write RECORD messages: large ones at once, others at least once a second."""
        if len(lines) < _STEP:
            self._buffer += lines
            self._flush_if_due()
        else:  # copying them into the buffer costs more than a write
            self._write(lines)

    def flush(self) -> None:
        """Write the buffer."""
        self._write(b"")

    def _write(self, lines: bytes) -> None:
        """Write the buffer, and some lines after it."""
        self._writing = True
        try:
            buffered = bytes(self._buffer)
            self._buffer.clear()
            for part in (buffered, lines):
                if part and not self._ending:
                    self._write_out(part)
            sys.stdout.buffer.flush()
        finally:
            self._writing = False
            self._flushed_at = self._clock.monotonic()
        if self._ending:
            raise self._ending

    def end(self, ending: SystemExit) -> None:
        """End the process, but not in the middle of a line; at the second call, at once.

        Raises:
            SystemExit: as given; from `flush` if it is writing.
        """
        if not self._writing or self._ending:
            raise ending
        self._ending = ending

    def _write_out(self, lines: bytes) -> None:
        """Write some lines; once the process is to end, only the rest of the current line."""
        view, done, end = memoryview(lines), 0, len(lines)
        while done < end:
            # Without a buffer (PYTHONUNBUFFERED), a pipe takes one part at a time.
            done += sys.stdout.buffer.write(view[done : min(done + _STEP, end)])
            if self._ending:
                end = lines.index(b"\n", done - 1) + 1

    def _flush_if_due(self) -> None:
        if (
            len(self._buffer) >= FLUSH_BYTES
            or self._clock.monotonic() - self._flushed_at >= FLUSH_SECONDS
        ):
            self.flush()

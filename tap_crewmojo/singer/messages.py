"""Singer messages on standard output, written in large pieces and never held back for long."""

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
"""Bytes that are gathered before they are written."""

FLUSH_SECONDS = 1.0
"""Seconds that records are held back at most, while more of them come."""

_STEP = 1 << 16
_ENCODER = msgspec.json.Encoder(enc_hook=enc_hook, decimal_format="number")


class _RecordLine(msgspec.Struct, tag_field="type", tag="RECORD", omit_defaults=True, gc=False):
    """A RECORD message, with its fields in the SDK's order."""

    stream: str
    record: Any
    version: int | None = None
    time_extracted: Any = None


class MessageWriter(MsgSpecWriter):
    """Gathers RECORDs; writes at once with any other message.

    So a STATE never overtakes its records, and a target never waits for rows that lie here.
    """

    def __init__(self) -> None:
        super().__init__()
        self._clock = Clock()
        self._gathered = bytearray()
        self._flushed_at = self._clock.monotonic()
        self._writing = False
        self._ending: SystemExit | None = None

    @override
    def write_message(self, message: Message) -> None:
        self._gathered += _ENCODER.encode(message.to_dict()) + b"\n"
        if isinstance(message, RecordMessage):
            self._flush_if_due()
        else:
            self.flush()

    def lines(self, records: Iterable[tuple[str, Record]], version: int | None) -> bytes:
        """Return a RECORD message for each of some records, each given with its stream.

        Raises:
            ReportError: a value cannot be written as JSON.
        """
        now = self._clock.now()
        lines = [_RecordLine(stream, record, version, now) for stream, record in records]
        try:
            return _ENCODER.encode_lines(lines)
        except (TypeError, ValueError):  # whose text may quote it
            msg = "holds a value that cannot be written as JSON; a stream map may have made it"
            raise ReportError(msg) from None

    def write_lines(self, lines: bytes) -> None:
        """Write RECORD messages, which are not held back for long."""
        if len(lines) < _STEP:
            self._gathered += lines
            self._flush_if_due()
        else:  # worth writing by itself, without being copied first
            self._write(lines)

    def flush(self) -> None:
        """Write what was gathered."""
        self._write(b"")

    def _write(self, lines: bytes) -> None:
        """Write what was gathered, and some lines behind it."""
        self._writing = True
        try:
            gathered = bytes(self._gathered)
            self._gathered.clear()
            for part in (gathered, lines):
                if part and not self._ending:
                    self._write_out(part)
            sys.stdout.buffer.flush()
        finally:
            self._writing = False
            self._flushed_at = self._clock.monotonic()
        if self._ending:
            raise self._ending

    def end(self, ending: SystemExit) -> None:
        """End the process, but not in the middle of a line; when told twice, do so at once.

        Raises:
            SystemExit: as given; from `flush` if that is at work.
        """
        if not self._writing or self._ending:
            raise ending
        self._ending = ending

    def _write_out(self, lines: bytes) -> None:
        """Write some lines; when the end has come, no more than the one that is under way."""
        view, done, end = memoryview(lines), 0, len(lines)
        while done < end:
            # Where Python does not buffer (PYTHONUNBUFFERED), a pipe takes a part at a time.
            done += sys.stdout.buffer.write(view[done : min(done + _STEP, end)])
            if self._ending:
                end = lines.index(b"\n", done - 1) + 1

    def _flush_if_due(self) -> None:
        if (
            len(self._gathered) >= FLUSH_BYTES
            or self._clock.monotonic() - self._flushed_at >= FLUSH_SECONDS
        ):
            self.flush()

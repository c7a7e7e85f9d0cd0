"""Bodies that do not end, spooled one after another: prints for each how much of it was read.

Run as a program, so that its peak of memory is that of the readers. Its arguments are the limit of
a row, in MiB, and the names of the bodies; all of them by default.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tap_crewmojo.errors import UnusableResponseError
from tap_crewmojo.readers import csv_chunks, json_chunks, json_rows
from tap_crewmojo.readers.spool import ResponseHead, spool

if TYPE_CHECKING:
    from collections.abc import Iterator

STATUS = Path("/proc/self/status")  # whose peak, unlike rusage's, leaves out the parent's
CHUNK = 1 << 16
MOST = 3 << 29

BOMBS = {
    "zeros": (b"", b"\0"),
    "a line": (b"a,b\n", b"x"),
    "a quoted line": (b'a,b\n1,"', b"x"),
    "a quoted cell of lines": (b'a,b\n1,"', b"x\n"),
    "an odd quote": (b'a,b\n1x"', b"x\n,"),
    "headings": (b"", b","),
    "quoted headings": (b"", b'"a",'),
    "cells": (b"a,b\n", b","),
    "cells of lines": (b"a,b\n", b'"\n",'),
    "blanks": (b"", b" "),
    "UTF-16": (b"\xff\xfe", b"x\0"),
    "a JSON text": (b'[{"a":"', b"x"),
    "a JSON text of brackets": (b'[{"a":"', b"},{"),
    "a JSON text of escapes": (b'[{"a":"', b"\\\\"),
    "a JSON list": (b'[{"a":[', b"1,"),
    "a JSON list of objects": (b'[{"a":[', b'{"a":1},'),
    "JSON names": (b'[{"a":1,', b'"b":1,'),
    "nested JSON": (b"", b"["),
    "nested JSON in a row": (b'[{"a":', b'{"a":'),
    "a JSON number": (b'[{"a":', b"1"),
    "blanks in JSON": (b"[", b" "),
    "blanks behind a row": (b'[{"a":1}', b" "),
    "a JSON member": (b'{"a":"', b"x"),
    "a JSON array beside the rows": (b'{"warnings":[', b'{"a":1},'),
    "JSON arrays beside the rows": (b"{", b'"warnings":[' + b"{}," * 20_000 + b"{}],"),
    "blanks in an array beside the rows": (b'{"a":[', b" "),
    "JSON members": (b"{", b'"a":1,'),
}


def endless(start: bytes, repeated: bytes, read: list[int]) -> Iterator[bytes]:
    chunk = repeated * max(CHUNK // len(repeated), 1)
    yield start
    while read[0] < MOST:
        read[0] += len(chunk)
        yield chunk


def main(limit: str, *names: str) -> None:
    for module in (csv_chunks, json_chunks, json_rows):
        module.LONGEST_ROW = int(limit) << 20  # type: ignore[attr-defined]
    csv_chunks._LONGEST = min(csv_chunks._LONGEST, int(limit) << 20)  # type: ignore[misc]
    for name in names or BOMBS:
        start, repeated = BOMBS[name]
        read = [0]
        content_type = "application/json" if start[:1] in {b"[", b"{"} else "text/csv"
        try:
            spool(endless(start, repeated, read), ResponseHead(content_type))
            message = "accepted"
        except UnusableResponseError as exc:
            message = str(exc)
        peak = int(re.findall(r"VmHWM:\s+(\d+) kB", STATUS.read_text(encoding="utf-8"))[0]) >> 10
        sys.stdout.write(json.dumps([name, read[0] >> 20, peak, message]) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])

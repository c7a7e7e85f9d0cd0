"""The form of a body, and the table in it. Nothing here is shown as it is: see `words.py`."""

from __future__ import annotations

import codecs
import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tap_crewmojo.cells import CHUNK, is_empty
from tap_crewmojo.errors import UnusableResponseError
from tap_crewmojo.readers.text import as_utf8
from tap_crewmojo.schema.inference import infer
from tap_crewmojo.schema.types import ColumnType, converter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_crewmojo.cells import Columns
    from tap_crewmojo.readers.report import Report

_LINE_ENDS: Final = {"\r\n": "CRLF", "\n": "LF", "\r": "CR"}
_NEEDS_QUOTES: Final = frozenset('",\r\n')
_QUOTED: Final = re.compile(r'"([^"]*+(?:""[^"]*+)*+)(?:"|\Z)')


@dataclass(frozen=True, slots=True)
class Table:
    """The content of a report, whatever its form.

    Args:
        types: the inferred type of each column, by heading.
        rows: the number of rows.
        digest: equal for the same typed rows, in any order.
        empty: headings of columns without a value.
    """

    types: Mapping[str, ColumnType]
    rows: int
    digest: int
    empty: frozenset[str]


def table_of(report: Report) -> Table:
    """Read a report as the tap does.

    Raises:
        UnusableResponseError: a row is nested too deeply, or there are too many columns.
    """
    types = infer(report.batches())
    rows = digest = 0
    filled: set[str] = set()
    for batch in report.batches():
        rows += batch.size
        for row in _typed_rows(batch, types):
            filled |= row.keys()
            text = json.dumps(row, sort_keys=True).encode()
            # A sum does not depend on the order of the rows, and counts the repeated ones.
            digest += int.from_bytes(hashlib.blake2b(text, digest_size=16).digest())
    return Table(types, rows, digest, frozenset(types.keys() - filled))


def _typed_rows(batch: Columns, types: Mapping[str, ColumnType]) -> Iterator[dict[str, Any]]:
    """Yield the values of each row by heading, without those that are null."""
    columns = [
        converter(types[heading]).convert(cells)[0]
        for heading, cells in zip(batch.headings, batch.cells, strict=True)
    ]
    for values in zip(*columns, strict=True):
        pairs = zip(batch.headings, values, strict=True)
        yield {heading: value for heading, value in pairs if not is_empty(value)}


@dataclass(frozen=True, slots=True)
class CsvForm:
    """How a CSV report is written.

    Args:
        has_bom: whether it begins with a byte order mark.
        is_utf_8: whether it is valid UTF-8.
        line_ends: names of its line ends outside quotes.
        has_needless_quotes: whether a cell is in quotes that does not need them.
        separators: other usual separators in its first line, if that has no comma.
    """

    has_bom: bool
    is_utf_8: bool
    line_ends: tuple[str, ...]
    has_needless_quotes: bool
    separators: tuple[str, ...]


def text_of(body: bytes, content_type: str) -> str:
    """Return the text of a body, as the tap reads it."""
    try:
        return b"".join(as_utf8([body], content_type, CHUNK)).decode()
    except UnusableResponseError:
        return body.decode("latin-1")


def csv_form(body: bytes, text: str) -> CsvForm:
    """Return how a CSV report is written."""
    has_bom = body.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        body.decode()
        is_utf_8 = True
    except UnicodeDecodeError:
        is_utf_8 = False
    outside, cells = _QUOTED.sub("", text), _QUOTED.findall(text)
    first = outside.replace("\r", "\n").partition("\n")[0]
    others = {";": "semicolon", "\t": "tab", "|": "bar"}
    return CsvForm(
        has_bom=has_bom,
        is_utf_8=is_utf_8,
        line_ends=_line_ends(outside),
        has_needless_quotes=any(_NEEDS_QUOTES.isdisjoint(cell) for cell in cells),
        separators=()
        if "," in first
        else tuple(word for sign, word in others.items() if sign in first),
    )


def _line_ends(outside: str) -> tuple[str, ...]:
    """Return the names of the line ends in some text."""
    pairs = outside.count("\r\n")
    counts = {
        "\r\n": pairs,
        "\n": outside.count("\n") - pairs,
        "\r": outside.count("\r") - pairs,
    }
    return tuple(word for sign, word in _LINE_ENDS.items() if counts[sign])


@dataclass(frozen=True, slots=True)
class JsonForm:
    """How a JSON report is written.

    Args:
        is_bare: whether it is an array.
        rows_name: the name of the member that holds the rows, if it is an object.
        beside: the other members.
        kinds: the Python types of the values in the rows.
        empties: how empty values are written.
    """

    is_bare: bool
    rows_name: str | None
    beside: dict[str, Any]
    kinds: frozenset[type]
    empties: tuple[str, ...]


def json_form(text: str) -> JsonForm | None:
    """Return how a JSON report is written; nothing if it is not JSON."""
    document = json_document(text)
    if not isinstance(document, dict | list):
        return None
    members = document if isinstance(document, dict) else {}
    rows_name = next((name for name, value in members.items() if _are_objects(value)), None)
    found = document if isinstance(document, list) else members.get(rows_name, [])
    rows = [row for row in found if isinstance(row, dict)]
    values = [value for row in rows for value in row.values()]
    empties = {
        "null": None in values,
        "an empty string": "" in values,
        "left out": len({frozenset(row) for row in rows}) > 1,
    }
    return JsonForm(
        is_bare=isinstance(document, list),
        rows_name=rows_name,
        beside={name: value for name, value in members.items() if name != rows_name},
        kinds=frozenset(map(type, values)),
        empties=tuple(word for word, is_used in empties.items() if is_used),
    )


def json_document(text: str) -> Any:  # noqa: ANN401  # whatever JSON holds
    """Return the JSON document in a text; nothing if there is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _are_objects(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)

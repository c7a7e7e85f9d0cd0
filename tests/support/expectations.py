"""What a target should hold after some runs, by its declaration; and values of any store compared.

The records come from the tap's own output; what a target makes of them, from nowhere but the
declaration.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any

from support.declared_targets import Nested, SameKey
from support.tap_runs import Run, load

if TYPE_CHECKING:
    from collections.abc import Iterable

    from support.declared_targets import Target
    from support.tap_runs import Record


def columns_of(target: Target, stream: str, runs: list[Run]) -> dict[str, Any]:
    """Return the JSON schemas of a stream's columns, by the name that the target gives them."""
    schemas = {
        name: schema
        for run in runs
        for message in run.schemas
        if message["stream"] == stream
        for name, schema in message["schema"]["properties"].items()
    }
    if target.nested is Nested.PYTHON:
        text = {"type": ["string", "null"]}
        schemas = {name: text if is_nested(schema) else schema for name, schema in schemas.items()}
    return {target.stored_name(name): schema for name, schema in schemas.items()}


def expected(target: Target, stream: str, runs: list[Run], columns: dict[str, Any]) -> list[Record]:
    """Return what the target is declared to hold of a stream."""
    seen = [without_first_rows(run) if target.drops_first_rows else run for run in runs]
    match target.same_key:
        case SameKey.OVERWRITTEN:
            records = list(load(*seen)[stream].values())
        case SameKey.ONLY_LAST_RUN:
            records = [run.records(stream) for run in seen if run.records(stream)][-1]
        case SameKey.REPEATED | SameKey.UPSERT_ORDERED:
            records = [record for run in seen for record in run.records(stream)]
    if target.nested is Nested.PYTHON:
        records = [{name: in_python(value) for name, value in record.items()} for record in records]
    if target.fractions_as_text:
        records = [
            {name: without_fractions(value) for name, value in each.items()} for each in records
        ]
    rows = read(
        [{target.stored_name(name): item for name, item in record.items()} for record in records],
        columns,
    )
    if target.escapes_line_breaks:
        rows = [{name: escaped(value) for name, value in row.items()} for row in rows]
    return in_order(rows)


def without_first_rows(run: Run) -> Run:
    """Return a run less the first record of each batch, unless its first column is empty.

    The columns are in alphabetical order. A batch ends where the stream's schema is sent again.
    """
    kept: list[str] = []
    first_column: dict[str, str] = {}
    for line, message in zip(run.stdout.splitlines(), run.messages, strict=True):
        stream = message.get("stream", "")
        if message["type"] == "SCHEMA":
            first_column[stream] = min(message["schema"]["properties"])
        elif message["type"] == "RECORD":
            column = first_column.pop(stream, None)
            if column and message["record"].get(column) is not None:
                continue
        kept.append(line)
    return Run(run.returncode, "\n".join(kept), run.stderr)


def since_last_schema(run: Run) -> Run:
    """Return a run less the windows before that in which a stream's schema was sent last."""
    start = "_sdc_report_start_date"
    starts: dict[str, str] = {}
    for message in run.messages:
        if message["type"] == "SCHEMA":
            starts.pop(message["stream"], None)
        elif message["type"] == "RECORD":
            starts.setdefault(message["stream"], message["record"].get(start, ""))
    kept = [
        line
        for line, message in zip(run.stdout.splitlines(), run.messages, strict=True)
        if message["type"] != "RECORD"
        or message["record"].get(start, "") >= starts[message["stream"]]
    ]
    return Run(run.returncode, "\n".join(kept), run.stderr)


def read(rows: Iterable[Record], columns: dict[str, Any]) -> list[Record]:
    """Return rows of any store in one order, with each value as its column's schema means it."""
    return in_order(
        [{name: value(row.get(name), schema) for name, schema in columns.items()} for row in rows]
    )


def in_order(rows: list[Record]) -> list[Record]:
    return sorted(rows, key=lambda row: json.dumps(row, default=str))


def value(stored: Any, schema: dict[str, Any]) -> object:  # noqa: ANN401
    """Return what a stored value means: in text too, numbers, dates and the like are such."""
    if stored is None or stored == "":  # CSV has no other null, and the tap sends no empty text
        return None
    if is_nested(schema):
        return json.dumps(json.loads(stored) if isinstance(stored, str) else stored, sort_keys=True)
    return scalar(stored, schema)


def scalar(stored: Any, schema: dict[str, Any]) -> object:  # noqa: ANN401
    if "boolean" in schema["type"]:
        return {"True": True, "False": False}[stored] if isinstance(stored, str) else stored
    if {"number", "integer"} & set(schema["type"]) and stored != "n/a":
        return Decimal(str(stored)).normalize()
    if schema.get("format") == "date":
        return date.fromisoformat(str(stored)).isoformat()
    if schema.get("format") == "date-time":
        moment = datetime.fromisoformat(str(stored))
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    assert isinstance(stored, str)
    return stored


def is_nested(schema: dict[str, Any]) -> bool:
    return not {"object", "array"}.isdisjoint(schema["type"])


def in_python(sent: object) -> object:
    """Return nested JSON as Python writes what it has read of it; all else as it is."""
    if not isinstance(sent, dict | list):
        return sent
    return str(json.loads(json.dumps(sent), parse_float=Decimal))


def without_fractions(sent: object) -> object:
    """Return nested JSON with numbers as text, unless they are integers; all else as it is."""
    if not isinstance(sent, dict | list):
        return sent
    return json.loads(json.dumps(sent), parse_float=lambda number: str(Decimal(number)))


def rounded(stored: object) -> object:
    return Context(prec=15).plus(stored) if isinstance(stored, Decimal) else stored


def escaped(stored: object) -> object:
    if not isinstance(stored, str):
        return stored
    return stored.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")

"""Strategies for reports as they arrive, and for all else that their records depend on."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from support.oracle import Outcome, Stream, outcome
from tap_crewmojo.readers.report import Report
from tap_crewmojo.readers.spool import ResponseHead, spool
from tap_crewmojo.schema.metadata import RESERVED
from tap_crewmojo.schema.names import ColumnNames
from tap_crewmojo.schema.rules import OnNewColumn, SchemaRules
from tap_crewmojo.schema.stream_schema import StreamSchema
from tap_crewmojo.schema.types import ColumnConfig, ColumnType

if TYPE_CHECKING:
    from typing import Any

METADATA = {"_sdc_report_datetime": "2025-01-01T00:00:00Z"}

heading = st.sampled_from(["A", "a", "B", 'q"', "", "A__text", "n" * 64, "ü"])
scalar = st.sampled_from(
    [
        *("1", "1.5", "007", "1" * 16, "0", "3.6666666666666665", "true", "False", "", "", "x"),
        *("2024-02-29", "2024-02-30", "2024-01-01T00:00:00+01:00", "{}", "[1]", '{"a": 1.50}'),
    ]
)
# A JSON value, and the cell that the same value is in CSV.
json_value = (
    scalar.map(lambda text: (text, text))
    | st.booleans().map(lambda value: (value, str(value).lower()))
    | st.integers().map(lambda value: (value, str(value)))
    | st.sampled_from(
        [
            *((1.5, "1.5"), (0.1, "0.1"), (2.0, "2.0"), (5e-06, "0.000005")),
            *((-1e16, "-10000000000000000"), (1e300, "1e+300"), (None, None)),
        ]
    )
    | st.dictionaries(st.sampled_from("xy"), st.none() | st.floats(0, 1), max_size=2).map(
        lambda value: (value, value)
    )
    | st.lists(st.integers(0, 1), max_size=2).map(lambda value: (value, value))
)
given_types = st.dictionaries(
    heading,
    st.builds(ColumnConfig, st.sampled_from(ColumnType.for_settings()), st.none() | st.just("%Y")),
    max_size=2,
)
known_columns = st.dictionaries(
    st.sampled_from(["A", "B", 'q"', "ü", "unnamed", "Gone"]),
    st.sampled_from(ColumnType),
    max_size=5,
)


@dataclass(frozen=True)
class Body:
    """A report as it arrives, and the rows that are in it."""

    data: bytes
    content_type: str
    headings: list[str]
    rows: list[dict[str, Any]]

    def spooled(self, rows: int = 1000) -> Report:
        """Return the report, of which so many rows are about a batch."""
        parts = (self.data[place : place + 3] for place in range(0, len(self.data), 3))
        report = spool(parts, ResponseHead(self.content_type), chunk_size=8 * rows)
        assert isinstance(report, Report)
        return report


def as_csv(heads: list[str], lines: list[list[str]]) -> Body:
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(heads)
    writer.writerows(lines)
    rows = [dict(zip(heads, line, strict=True)) for line in lines]
    return Body(text.getvalue().encode(), "text/csv", heads, rows)


def as_json(rows: list[dict[str, tuple[Any, Any]]]) -> Body:
    document = [{head: value for head, (value, _) in row.items()} for row in rows]
    cells = [{head: cell for head, (_, cell) in row.items()} for row in rows]
    heads = list(dict.fromkeys(head for row in rows for head in row))
    return Body(json.dumps(document).encode(), "application/json", heads, cells)


tables = st.lists(heading, min_size=2, max_size=5, unique=True).flatmap(
    lambda heads: st.builds(
        as_csv,
        st.just(heads),
        st.lists(st.lists(scalar, min_size=len(heads), max_size=len(heads)), max_size=8),
    )
)
# Of two headings that differ in case only, the one that comes first has its name.
json_heading = heading.filter(lambda head: head != "a")
objects = st.lists(st.dictionaries(json_heading, json_value, max_size=4), max_size=8).map(as_json)
bodies = tables | objects


@dataclass(frozen=True)
class Case:
    """What the records of a report depend on besides the report."""

    known: dict[str, ColumnType]
    given: dict[str, ColumnConfig]
    on_new_column: OnNewColumn
    deselected: str | None
    keys: list[str]
    hidden: frozenset[str] = frozenset()

    def schema(self) -> StreamSchema:
        properties = {name: kind.json_schema for name, kind in self.known.items()}
        rules = SchemaRules(self.given, True, self.on_new_column, UTC)  # noqa: FBT003
        return StreamSchema(
            {"properties": properties | rules.own_columns(windowed=False)},
            rules,
            windowed=False,
            is_selected=lambda name: name != self.deselected,
            hidden=self.hidden,
        )

    def expected(self, body: Body, rows: int) -> Outcome:
        names = ColumnNames(self.known, RESERVED)
        stream = Stream(
            types={name: str(kind) for name, kind in self.known.items()},
            given={name: (str(how.type), how.format) for name, how in self.given.items()},
            names=names.assign(body.headings),
            variants=names.variant,
            labels=ColumnNames((), ()).assign(body.headings),
            hidden=self.hidden,
            on_new_column=str(self.on_new_column),
            selected=lambda name: name != self.deselected,
            keys=self.keys,
        )
        return outcome(stream, body.spooled(rows).headings(), body.rows)


cases = st.builds(
    Case,
    known_columns,
    given_types,
    st.sampled_from(OnNewColumn),
    st.sampled_from([None, None, "A"]),
    st.sampled_from([[], [], ["B"], ["B", "A"]]),
    st.sampled_from([frozenset(), frozenset(), frozenset({"A"}), frozenset({"", "B"})]),
)

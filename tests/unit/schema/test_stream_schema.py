"""Each record fits the schema that was sent last."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from tap_crewmojo.cells import Columns
from tap_crewmojo.records import RecordMaker
from tap_crewmojo.schema.converter import to_text
from tap_crewmojo.schema.inference import discovered_schema, infer
from tap_crewmojo.schema.rules import OnNewColumn, SchemaRules
from tap_crewmojo.schema.stream_schema import StreamSchema
from tap_crewmojo.schema.types import ColumnConfig, ColumnType

if TYPE_CHECKING:
    from collections.abc import Iterator


Row = dict[str, Any]


# A report of random columns, which drifts: the columns and types that were sampled are not those
# of the rows that come.
heading = st.sampled_from(
    ["A", "a", "B", "", " ", "A__text", "_sdc_row_number", "n" * 63, "n" * 64]
)
scalar = st.sampled_from(
    ["1", "1.5", "007", "true", "no", "2024-02-29", "2024-02-30", "2024-01-01T00:00:00Z", "1" * 16]
) | st.text(min_size=1)
cell = (
    st.none() | scalar | st.dictionaries(st.text(max_size=2), st.integers()) | st.lists(st.none())
)
row = st.dictionaries(heading | st.text(max_size=3), cell, max_size=6)
overrides = st.dictionaries(
    heading, st.builds(ColumnConfig, st.sampled_from(ColumnType.for_settings())), max_size=2
)


def in_batches(rows: list[Row]) -> Iterator[Columns]:
    """Yield two batches of rows, each with its own headings."""
    for part in (rows[:3], rows[3:]):
        heads = tuple(dict.fromkeys(head for row in part for head in row))
        yield Columns(heads, [[row.get(head) for row in part] for head in heads], len(part))


@given(st.lists(row, max_size=4), st.lists(row, max_size=6), overrides, st.booleans())
def test_each_record_fits_the_schema_last_sent_and_holds_each_value(
    sample: list[Row],
    rows: list[Row],
    columns: dict[str, ColumnConfig],
    infer_types: bool,  # noqa: FBT001
) -> None:
    rules = SchemaRules(columns, infer_types, OnNewColumn.ADD, UTC)
    discovered = discovered_schema(infer(in_batches(sample)), rules, windowed=True)
    schema = StreamSchema(discovered, rules, windowed=True, is_selected=lambda _: True)
    maker, sent, left = RecordMaker(schema, (), {}), discovered, iter(rows)
    for batch in in_batches(rows):
        values = maker.take(maker.convert(batch), batch.size, batch.empty_rows)
        if change := schema.take_change():
            earlier, sent = sent, change
            assert earlier["properties"].items() <= sent["properties"].items(), "only additions"
        vendors = {
            name: column
            for name, column in sent["properties"].items()
            if not name.startswith("_sdc_") or "__" in name
        }
        strict = {"properties": vendors, "additionalProperties": False}
        validator = Draft202012Validator(strict, format_checker=FormatChecker())
        del values["_sdc_row_number"]
        for place in range(batch.size):
            record = {name: column[place] for name, column in values.items()}
            validator.validate(record)
            assert sorted(map(in_words, values_of(record))) == sorted(
                map(in_words, (value for value in next(left).values() if value is not None))
            )


def values_of(record: dict[str, Any]) -> list[Any]:
    return [value for value in record.values() if value is not None]


def in_words(value: Any) -> str:  # noqa: ANN401  # cell or value
    """Return a value as text in which a cell and what it was converted to are the same."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    words = to_text(value)
    assert words is not None
    return words.lower() if words.lower() in {"true", "false"} else words

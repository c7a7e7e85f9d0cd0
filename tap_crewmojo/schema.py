"""The columns of one stream: its JSON schema, records made of rows, and what changes on the way.

No value is lost and none is sent that the schema does not allow: a value that does not fit its
column goes to the string column `<column>__text`, and a column that is not in the schema is added
to it, both before the first record that needs it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from tap_crewmojo.column_names import ColumnNames
from tap_crewmojo.column_types import MISFIT, ColumnConfig, ColumnType, converter, to_text
from tap_crewmojo.errors import ReportError
from tap_crewmojo.metadata import RESERVED, metadata_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import tzinfo

    from tap_crewmojo.column_types import Converter, Value
    from tap_crewmojo.rows import Row


class OnNewColumn(StrEnum):
    """What to do with a column that the catalog lacks."""

    ADD = "add"
    IGNORE = "ignore"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class SchemaRules:
    """How the columns of one report are typed.

    Args:
        columns: types that the user gives, by heading or name.
        infer_types: whether the other columns' types are inferred; strings if not.
        on_new_column: what to do with a column that the schema lacks.
        zone: the zone of date-times that a `format` reads without one.
    """

    columns: Mapping[str, ColumnConfig]
    infer_types: bool
    on_new_column: OnNewColumn
    zone: tzinfo

    def given(self, heading: str, name: str) -> ColumnConfig | None:
        """Return the type that the user gives to a column, by its heading or name."""
        return self.columns.get(heading) or self.columns.get(name)


@dataclass(frozen=True, slots=True)
class Column:
    """Where the cells under one heading go.

    Args:
        name: the column.
        kind: its type.
        convert: turns a cell into its value.
        selected: whether it is to be emitted.
        is_new: whether the schema lacks it.
    """

    name: str
    kind: ColumnType
    convert: Converter
    selected: bool
    is_new: bool


class StreamSchema:
    """The columns of one stream, as they are now.

    Args:
        json_schema: the schema to start from: discovered, or a catalog's.
        rules: how the report's columns are typed.
        dated: whether the report is asked for by windows.
        is_selected: tells whether the catalog selects a column.

    Attributes:
        is_selected: as given.
        revision: another number whenever columns have come in, or were left out.
        misfits: how many values of each column did not fit its type.
        ignored: columns that were left out, for the catalog lacks them.
        repeated_keys: how many rows have the primary key of another row of their window.
    """

    def __init__(
        self,
        json_schema: Mapping[str, Any],
        rules: SchemaRules,
        *,
        dated: bool,
        is_selected: Callable[[str], bool],
    ) -> None:
        own = metadata_schema(dated=dated)
        vendors = {
            name: _as_emitted(column)
            for name, column in json_schema.get("properties", {}).items()
            if name not in RESERVED
        }
        self.is_selected = is_selected
        self.revision = 0
        self.misfits: Counter[str] = Counter()
        self.ignored: set[str] = set()
        self.repeated_keys = 0
        self._properties: dict[str, dict[str, Any]] = vendors | own
        self._sent: Mapping[str, Any] = json_schema.get("properties", {})
        self._rules = rules
        self._names = ColumnNames(vendors, RESERVED)
        self._columns: dict[str, Column] = {}
        self._blank: dict[str, Value] = dict.fromkeys(vendors)

    @property
    def names(self) -> tuple[str, ...]:
        """The vendor's columns, in their order."""
        return tuple(self._blank)

    @property
    def headings(self) -> list[str]:
        """The headings that were met so far."""
        return list(self._columns)

    def types(self) -> dict[str, ColumnType]:
        """Return the type of each column, the tap's own among them."""
        return {name: ColumnType.of_json_schema(json) for name, json in self._properties.items()}

    def take_change(self) -> dict[str, Any] | None:
        """Return the schema if it is another than the one that was last taken.

        So it is from the start where a catalog's schema allows no nulls, or what a record need not
        keep to, or lacks the tap's own columns.
        """
        if self._properties == self._sent:
            return None
        self._sent = dict(self._properties)
        return {"type": "object", "properties": dict(self._properties)}

    def columns(self, headings: Iterable[str]) -> list[Column]:
        """Return where the cells under some headings go."""
        headings = list(headings)
        new = [heading for heading in headings if heading not in self._columns]
        for heading, name in self._names.assign(new).items():
            self._columns[heading] = self._column(heading, name)
        return [self._columns[heading] for heading in headings]

    def check_headings(self, headings: Iterable[str]) -> None:
        """Refuse a report that has none of the columns of the schema.

        Raises:
            ReportError: all columns differ: rows of nulls would be the result.
        """
        known = set(self._blank)
        met = {column.name for column in self.columns(headings)}
        if known and met and known.isdisjoint(met):
            msg = (
                "has none of the columns that the catalog knows: is it another report, or has "
                "Crewmojo changed it? If the change is right, discover the catalog anew"
            )
            raise ReportError(msg)

    def record(self, row: Row) -> dict[str, Value]:
        """Return a row as a record that the schema as it is now allows.

        Raises:
            ReportError: the row has a new column, and the settings forbid it.
        """
        record = self._blank.copy()
        for (heading, cell), column in zip(row.items(), self.columns(row), strict=True):
            if cell is None or not column.selected:
                continue
            if column.is_new and not self._add(heading, column):
                continue
            value = column.convert(cell)
            record[column.name] = None if value is MISFIT else value
            if value is MISFIT:
                self.misfits[column.name] += 1
                record[self._variant(column)] = to_text(cell)
        return record

    def warnings(self) -> Iterator[str]:
        """Yield what the user should know of this run, a sentence each, without a value."""
        for name, count in sorted(self.misfits.items()):
            yield (
                f"Column {name!r}: {count} values do not fit its type; they are in "
                f"{self._names.variant(name)!r}. To give it another type, see the setting "
                "`reports`, `columns`"
            )
        if self.repeated_keys:
            yield (
                "Rows with the primary key of another row of their window: "
                f"{self.repeated_keys}. A target that upserts keeps one of each: choose other "
                "primary_keys, or none"
            )
        for name in sorted(self.ignored):
            yield (
                f"Column {name!r} is not in the catalog and was left out (on_new_column: ignore)"
            )

    def _column(self, heading: str, name: str) -> Column:
        given = self._rules.given(heading, name)
        known = self._properties.get(name)
        if known:
            kind = ColumnType.of_json_schema(known)
        else:
            kind = given.type if given else ColumnType.STRING
        form = given.format if given and given.type is kind else None
        convert = converter(kind, form, self._rules.zone)
        return Column(name, kind, convert, self.is_selected(name), is_new=not known)

    def _add(self, heading: str, column: Column) -> bool:
        match self._rules.on_new_column:
            case OnNewColumn.FAIL:
                msg = (
                    f"has a new column {column.name!r}, and on_new_column is 'fail': discover the "
                    "catalog anew to take it in"
                )
                raise ReportError(msg)
            case OnNewColumn.IGNORE:
                self.ignored.add(column.name)
                self._columns[heading] = replace(column, selected=False, is_new=False)
                self.revision += 1
                return False
            case OnNewColumn.ADD:
                self._columns[heading] = replace(column, is_new=False)
                self._extend(column.name, column.kind)
                return True

    def _variant(self, column: Column) -> str:
        name = self._names.variant(column.name)
        if name not in self._blank:
            self._extend(name, ColumnType.STRING)
        return name

    def _extend(self, name: str, kind: ColumnType) -> None:
        self._properties[name] = kind.json_schema
        self._blank[name] = None
        self.revision += 1


def _as_emitted(column: Mapping[str, Any]) -> dict[str, Any]:
    """Return a catalog's column as its values are: nullable, and with no other limits."""
    words = {name: column[name] for name in ("title", "description") if name in column}
    return words | ColumnType.of_json_schema(column).json_schema

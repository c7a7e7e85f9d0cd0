"""The columns of one stream: its JSON schema, and the columns that are added to it during a run.

No value is lost, and no value is sent that the schema does not allow. A value that does not fit its
column goes to the string column `<column>__text`. This column, like any new column of the report,
is added to the schema before the first record that has a value in it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from tap_crewmojo.errors import ReportError
from tap_crewmojo.schema.metadata import RESERVED, metadata_schema
from tap_crewmojo.schema.names import ColumnNames, Naming, described_headings
from tap_crewmojo.schema.types import ColumnConfig, ColumnType, converter, emitted_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import tzinfo

    from tap_crewmojo.schema.converter import Converter


class OnNewColumn(StrEnum):
    """What to do with a column that the catalog lacks."""

    ADD = "add"
    IGNORE = "ignore"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class SchemaRules:
    """The rules for the columns of one report.

    Args:
        columns: types that the user gives, by heading or name.
        infer_types: whether the types of the other columns are inferred; otherwise they are
            strings.
        on_new_column: what to do with a column that the schema lacks.
        zone: the zone of date-times that have none in their `format`.
        naming: how columns are named.
        primary_keys: columns of the key, by heading or name: strings, unless `columns` has them. A
            key of digits may have letters in the next window.
    """

    columns: Mapping[str, ColumnConfig]
    infer_types: bool
    on_new_column: OnNewColumn
    zone: tzinfo
    naming: Naming = Naming.AS_IS
    primary_keys: tuple[str, ...] = ()

    def given(self, heading: str, name: str) -> ColumnConfig | None:
        """Return the type that the user gives to a column, by its heading or name."""
        given = self.columns.get(heading) or self.columns.get(name)
        is_key = heading in self.primary_keys or name in self.primary_keys
        return given or (ColumnConfig(ColumnType.STRING) if is_key else None)


@dataclass(frozen=True, slots=True)
class Column:
    """The column for the cells under one heading.

    Args:
        heading: the vendor's heading.
        name: its name.
        type: its type.
        converter: converts its cells.
        selected: whether it is emitted.
        is_new: whether the schema lacks it.
    """

    heading: str
    name: str
    type: ColumnType
    converter: Converter
    selected: bool
    is_new: bool


class StreamSchema:
    """The columns of one stream at this point of a run.

    Args:
        json_schema: the schema at the start: discovered, or from a catalog.
        rules: the rules for the report's columns.
        windowed: whether the report is requested by windows.
        is_selected: returns whether the catalog selects a column.

    Attributes:
        is_selected: as given.
        on_new_column: what to do with a column that the schema lacks.
        adds_columns: whether such a column is added. A catalog that deselects a column is a list
            of the columns that may be emitted, to which nothing is added.
        revision: a number that changes whenever columns are added.
        added: new columns that were added.
        left_out: new columns that were left out.
    """

    def __init__(
        self,
        json_schema: Mapping[str, Any],
        rules: SchemaRules,
        *,
        windowed: bool,
        is_selected: Callable[[str], bool],
    ) -> None:
        vendors = {
            name: emitted_schema(column)
            for name, column in json_schema.get("properties", {}).items()
            if name not in RESERVED
        }
        self.is_selected = is_selected
        self.on_new_column = rules.on_new_column
        self.revision = 0
        self.added: set[str] = set()
        self.left_out: set[str] = set()
        self.adds_columns = rules.on_new_column is OnNewColumn.ADD and all(
            map(is_selected, vendors)
        )
        self._own = metadata_schema(windowed=windowed)
        self._initial = tuple(vendors)
        self._vendors: dict[str, dict[str, Any]] = vendors
        self._sent: Mapping[str, Any] = json_schema.get("properties", {})
        self._rules = rules
        headings = described_headings(vendors)
        self._names = ColumnNames(vendors, RESERVED, rules.naming, headings)
        self._headings = {name: heading for heading, name in headings.items()}
        self._columns: dict[str, Column] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The vendor's columns in their order."""
        return tuple(self._vendors)

    def types(self) -> dict[str, ColumnType]:
        """Return the type of each column, including the columns that the tap adds."""
        return {name: ColumnType.of_json_schema(json) for name, json in self._properties().items()}

    def take_change(self) -> dict[str, Any] | None:
        """Return the schema if it has changed since the last call.

        The first call returns it if a catalog's schema forbids nulls, limits values in another
        way, or lacks the columns that the tap adds.
        """
        if (properties := self._properties()) == self._sent:
            return None
        self._sent = properties
        return {"type": "object", "properties": dict(properties)}

    def columns(self, headings: Iterable[str]) -> list[Column]:
        """Return the column for each heading."""
        headings = list(headings)
        new = [heading for heading in headings if heading not in self._columns]
        for heading, name in self._names.assign(new).items():
            self._columns[heading] = self._column(heading, name)
        return [self._columns[heading] for heading in headings]

    def check_headings(self, headings: Iterable[str]) -> None:
        """Refuse a report that has no column of the schema.

        Raises:
            ReportError: every column differs, so that all values in the records would be null.
        """
        met = {column.name for column in self.columns(headings)}
        if self._vendors and met and met.isdisjoint(self._vendors):
            msg = (
                "has none of the columns that the catalog knows: is it another report, or has "
                "Crewmojo changed it? If the change is right, run `--discover` again"
            )
            raise ReportError(msg)

    def take_in(self, column: Column) -> bool:
        """Add a new column that has a value, or leave it out; return whether it was added.

        Raises:
            ReportError: the settings forbid new columns.
        """
        if self.on_new_column is OnNewColumn.FAIL:
            msg = (
                f"has a new column {self.quoted(column.name)}, and on_new_column is 'fail': run "
                "`--discover` again to take it in"
            )
            raise ReportError(msg)
        if self._columns[column.heading].is_new:
            self._columns[column.heading] = replace(
                column, selected=self.adds_columns, is_new=False
            )
            if self.adds_columns:
                self.added.add(column.name)
                self._add(column.name, column.type, self._rules.naming.describe(column.heading))
            else:
                self.left_out.add(column.name)
        return self.adds_columns

    def variant(self, name: str) -> str:
        """Return the name of the column for the values that do not fit another one."""
        return self._names.variant(name)

    def add_variant(self, name: str) -> None:
        """Add the column for the values that do not fit another one, unless it is known."""
        variant = self.variant(name)
        known = self._vendors.get(variant)
        if not known or ColumnType.of_json_schema(known) is not ColumnType.STRING:
            self._add(variant, ColumnType.STRING, self._rules.naming.describe_variant(name))

    def quoted(self, name: str) -> str:
        """Return a column in quotes for a message, with its heading if that is another."""
        heading = self._headings.get(name, name)
        return repr(name) if heading == name else f"{name!r} (heading {heading!r})"

    def warnings(self) -> Iterator[str]:
        """Yield a warning for each new column."""
        for name in sorted(self.added):
            yield (
                f"Column {self.quoted(name)} is not in the catalog and was added (on_new_column: "
                "add). To have it in the catalog, run `--discover` again"
            )
        reason = "the catalog deselects columns of this stream"
        if self.on_new_column is OnNewColumn.IGNORE:
            reason = "on_new_column: ignore"
        for name in sorted(self.left_out):
            yield (
                f"Column {self.quoted(name)} is not in the catalog and was left out ({reason}). To "
                "take it in, run `--discover` again and select it"
            )

    def _properties(self) -> dict[str, dict[str, Any]]:
        """Return all columns; added ones last, since some targets append them to what they have."""
        added = {name: self._vendors[name] for name in self._vendors if name not in self._initial}
        return {name: self._vendors[name] for name in self._initial} | self._own | added

    def _column(self, heading: str, name: str) -> Column:
        self._headings[name] = heading
        given = self._rules.given(heading, name)
        known = self._vendors.get(name)
        if known:
            column_type = ColumnType.of_json_schema(known)
        else:
            column_type = given.type if given else ColumnType.STRING
        strptime_format = given.format if given and given.type is column_type else None
        convert = converter(column_type, strptime_format, self._rules.zone)
        return Column(heading, name, column_type, convert, self.is_selected(name), is_new=not known)

    def _add(self, name: str, column_type: ColumnType, words: Mapping[str, str]) -> None:
        self._vendors[name] = {**words, **column_type.json_schema}
        self.revision += 1

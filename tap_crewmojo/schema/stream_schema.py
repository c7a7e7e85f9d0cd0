"""The columns of one stream: its JSON schema, and where each value of a report belongs.

No value is lost, and no value is sent that the schema does not allow. A value that does not fit its
column goes to the string column `<column>__text`. This column, like any new column of the report,
is added to the schema before the first record that has a value in it. Where the schema must not
change during a run, both go to one column that it has from the start (see `extra.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tap_crewmojo.errors import ReportError
from tap_crewmojo.schema.extra import ExtraColumn
from tap_crewmojo.schema.metadata import EXTRA, RESERVED
from tap_crewmojo.schema.names import ColumnNames, described_headings
from tap_crewmojo.schema.rules import OnNewColumn
from tap_crewmojo.schema.types import ColumnType, converter, emitted_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from tap_crewmojo.schema.converter import Converter
    from tap_crewmojo.schema.rules import SchemaRules


@dataclass(frozen=True, slots=True)
class Column:
    """The column for the cells under one heading.

    Args:
        heading: the vendor's heading.
        name: its name.
        key: its name in the extra column.
        type: its type.
        converter: converts its cells.
        selected: whether it is emitted.
        is_new: whether the schema lacks it.
    """

    heading: str
    name: str
    key: str
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
        hidden: headings and names of columns that must not get into the extra column.

    Attributes:
        is_selected: as given.
        on_new_column: what to do with a column that the schema lacks.
        revision: a number that changes whenever columns are added.
        added: new columns that were added.
        left_out: new columns that were left out, and why.
    """

    def __init__(
        self,
        json_schema: Mapping[str, Any],
        rules: SchemaRules,
        *,
        windowed: bool,
        is_selected: Callable[[str], bool],
        hidden: Collection[str] = (),
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
        self.left_out: dict[str, str] = {}
        self._variants_left_out: dict[str, str] = {}
        collects = rules.on_new_column is OnNewColumn.COLLECT
        self._extra = ExtraColumn(is_selected, hidden) if collects else None
        self._own = rules.own_columns(windowed=windowed)
        self._initial = tuple(vendors)
        self._vendors: dict[str, dict[str, Any]] = vendors
        self._sent: Mapping[str, Any] = json_schema.get("properties", {})
        self._rules = rules
        headings = described_headings(vendors)
        self._names = ColumnNames(vendors, RESERVED, rules.naming, headings)
        self._headings = {name: heading for heading, name in headings.items()}
        self._keys = ColumnNames((), ())
        self._columns: dict[str, Column] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The vendor's columns in their order."""
        return tuple(self._vendors)

    @property
    def own_names(self) -> tuple[str, ...]:
        """The columns that the tap adds to the vendor's, in their order."""
        return tuple(self._own)

    @property
    def adds_columns(self) -> bool:
        """Whether a new column becomes a column."""
        return self.on_new_column is OnNewColumn.ADD and self._lists_no_columns

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
        keys = self._keys.assign(new)
        for heading, name in self._names.assign(new).items():
            self._columns[heading] = self._column(heading, name, keys[heading])
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

    def home(self, column: Column) -> str | None:
        """Return the column that takes the values of a column, if any does.

        A new column that has a value is added before, if the settings say so.

        Raises:
            ReportError: the settings forbid new columns.
        """
        if not column.is_new:
            return column.name
        if self.on_new_column is OnNewColumn.FAIL:
            msg = (
                f"has a new column {self.quoted(column.name)}, and on_new_column is 'fail': run "
                "`--discover` again to take it in"
            )
            raise ReportError(msg)
        if reason := self._reason_to_leave_out(column):
            self.left_out[column.name] = reason
            self._columns[column.heading] = replace(column, selected=False)
            return None
        if self._extra:
            return EXTRA
        if column.name not in self._vendors:
            self._columns[column.heading] = replace(column, is_new=False)
            self.added.add(column.name)
            self._add(column.name, column.type, self._rules.naming.describe(column.heading))
        return column.name

    def home_of_variants(self, column: Column) -> str | None:
        """Return the column that takes the values which do not fit a column, if any does.

        It is added before, unless it is known.
        """
        variant = self.variant(column.name)
        if self._extra:
            reason = self._extra.refusal(column.heading, column.name, variant)
            if reason:
                self._variants_left_out[column.name] = reason
            return None if reason else EXTRA
        known = self._vendors.get(variant)
        if not known or ColumnType.of_json_schema(known) is not ColumnType.STRING:
            self._add(variant, ColumnType.STRING, self._rules.naming.describe_variant(column.name))
        return variant

    def variant(self, name: str) -> str:
        """Return the name of the column for the values that do not fit another one."""
        return self._names.variant(name)

    def fate_of_variants(self, name: str) -> str:
        """Return where the values are that do not fit a column, as the end of a sentence."""
        if reason := self._variants_left_out.get(name):
            return f"were left out ({reason})"
        return f"are in {EXTRA if self._extra else self.variant(name)!r}"

    def quoted(self, name: str) -> str:
        """Return a column in quotes for a message, with its heading if that is another."""
        heading = self._headings.get(name, name)
        return repr(name) if heading == name else f"{name!r} (heading {heading!r})"

    def warnings(self) -> Iterator[str]:
        """Yield a warning for each new column that was added or left out."""
        for name in sorted(self.added):
            yield (
                f"Column {self.quoted(name)} is not in the catalog and was added (on_new_column: "
                "add). To have it in the catalog, run `--discover` again"
            )
        for name, reason in sorted(self.left_out.items()):
            yield (
                f"Column {self.quoted(name)} is not in the catalog and was left out ({reason}). To "
                "take it in, run `--discover` again and select it"
            )

    def _properties(self) -> dict[str, dict[str, Any]]:
        """Return all columns; added ones last, since some targets append them to what they have."""
        added = {name: self._vendors[name] for name in self._vendors if name not in self._initial}
        return {name: self._vendors[name] for name in self._initial} | self._own | added

    @cached_property
    def _lists_no_columns(self) -> bool:
        """Whether the catalog deselects no column: otherwise it lists all that may be emitted."""
        return all(map(self.is_selected, self._initial))

    def _reason_to_leave_out(self, column: Column) -> str | None:
        """Return why a new column must not be emitted, if so."""
        if self.on_new_column is OnNewColumn.IGNORE:
            return "on_new_column: ignore"
        if not self._lists_no_columns:
            return "the catalog deselects columns of this stream"
        if not self._extra:
            return None
        plain = self._rules.naming.plain(column.heading)
        return self._extra.refusal_of_new(column.heading, column.name, plain)

    def _column(self, heading: str, name: str, key: str) -> Column:
        self._headings[name] = heading
        given = self._rules.given(heading, name)
        known = self._vendors.get(name)
        if known:
            column_type = ColumnType.of_json_schema(known)
        else:  # the extra column holds texts
            column_type = given.type if given and not self._extra else ColumnType.STRING
        strptime_format = given.format if given and given.type is column_type else None
        convert = converter(column_type, strptime_format, self._rules.zone)
        selected = self.is_selected(name)
        return Column(heading, name, key, column_type, convert, selected, is_new=not known)

    def _add(self, name: str, column_type: ColumnType, words: Mapping[str, str]) -> None:
        self._vendors[name] = {**words, **column_type.json_schema}
        self.revision += 1

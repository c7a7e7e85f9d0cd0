"""The columns of one stream: its JSON schema, records made of rows, and what changes on the way.

No value is lost and none is sent that the schema does not allow: a value that does not fit its
column goes to the string column `<column>__text`, and a column that is not in the schema is added
to it, both before the first record that needs it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from tap_crewmojo.column_names import ColumnNames
from tap_crewmojo.column_types import MISFIT, ColumnConfig, ColumnType, converter, to_text
from tap_crewmojo.errors import ReportError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import tzinfo

    from tap_crewmojo.column_types import Converter, Value
    from tap_crewmojo.rows import Row

START_DATE: Final = "_sdc_report_start_date"
END_DATE: Final = "_sdc_report_end_date"
REQUESTED_AT: Final = "_sdc_report_datetime"
ROW_NUMBER: Final = "_sdc_row_number"

_DATES: Final[dict[str, dict[str, Any]]] = {
    START_DATE: {"type": ["string"], "format": "date"},
    END_DATE: {"type": ["string"], "format": "date"},
}
_METADATA: Final[dict[str, dict[str, Any]]] = {
    REQUESTED_AT: {"type": ["string"], "format": "date-time"},
    ROW_NUMBER: {"type": ["integer"]},
}
_RESERVED: Final = (*_DATES, *_METADATA)


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


@dataclass(slots=True)
class _Column:
    """Where the cells under one heading go."""

    name: str
    kind: ColumnType
    convert: Converter
    selected: bool
    variant: str | None = None


def metadata_schema(*, dated: bool) -> dict[str, dict[str, Any]]:
    """Return the columns that the tap adds to each row, as JSON schema."""
    return {**(_DATES if dated else {}), **_METADATA}


def key_properties(primary_keys: Iterable[str], *, dated: bool) -> list[str]:
    """Return the columns that identify a row.

    The window's start is one of them even where the report's own keys look unique: a summary has
    the same people every month, and none may overwrite another month's.
    """
    return [*([START_DATE] if dated else []), *(tuple(primary_keys) or (ROW_NUMBER,))]


def discovered_schema(
    types: Mapping[str, ColumnType], rules: SchemaRules, *, dated: bool
) -> dict[str, Any]:
    """Return the JSON schema of a stream whose columns' types were inferred.

    Args:
        types: the inferred types, by heading.
        rules: how the report's columns are typed.
        dated: whether the report is asked for by windows.
    """
    properties = {}
    for heading, name in ColumnNames((), _RESERVED).assign(types).items():
        inferred = types[heading] if rules.infer_types else ColumnType.STRING
        given = _given(rules, heading, name)
        properties[name] = (given.type if given else inferred).json_schema
    return {"type": "object", "properties": properties | metadata_schema(dated=dated)}


def _given(rules: SchemaRules, heading: str, name: str) -> ColumnConfig | None:
    return rules.columns.get(heading) or rules.columns.get(name)


class StreamSchema:
    """The columns of one stream, as they are now.

    Args:
        json_schema: the schema to start from: discovered, or a catalog's.
        rules: how the report's columns are typed.
        dated: whether the report is asked for by windows.
        is_selected: tells whether the catalog selects a column.

    Attributes:
        changed: whether the schema is another than the one last sent: true from the start where a
            catalog's allows no nulls, or lacks the tap's own columns.
        misfits: how many values of each column did not fit its type.
        ignored: columns that were left out, for the catalog lacks them.
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
            name: _nullable(column)
            for name, column in json_schema.get("properties", {}).items()
            if name not in own
        }
        self.changed = vendors | own != json_schema.get("properties")
        self.misfits: Counter[str] = Counter()
        self.ignored: set[str] = set()
        self._schema = dict(json_schema)
        self._properties = vendors | own
        self._rules = rules
        self._is_selected = is_selected
        self._names = ColumnNames(vendors, _RESERVED)
        self._columns: dict[str, _Column] = {}
        self._blank: dict[str, Value] = dict.fromkeys(vendors)

    @property
    def json_schema(self) -> dict[str, Any]:
        """The schema as it is now."""
        return {**self._schema, "properties": dict(self._properties)}

    def check_headings(self, row: Row) -> None:
        """Refuse a report that has none of the columns of the schema.

        Raises:
            ReportError: all columns differ: rows of nulls would be the result.
        """
        known = set(self._blank)
        self._plan(row)
        if known and known.isdisjoint(self._columns[heading].name for heading in row):
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
        for heading, cell in row.items():
            if cell is None:
                continue
            if heading not in self._columns:
                self._plan(row)
            column = self._columns[heading]
            if column.name not in self._properties and not self._add(column):
                continue
            if not column.selected:
                continue
            value = column.convert(cell)
            if value is MISFIT:
                self.misfits[column.name] += 1
                record[column.name] = None
                record[self._variant(column)] = to_text(cell)
            else:
                record[column.name] = value
        return record

    def variant_of(self, name: str) -> str:
        """Return the column that took the values which did not fit the column of this name."""
        return self._names.variant(name)

    def _plan(self, row: Row) -> None:
        """Settle where the cells of headings go that were not met before."""
        new = [heading for heading in row if heading not in self._columns]
        for heading, name in self._names.assign(new).items():
            given = _given(self._rules, heading, name)
            if name in self._properties:
                kind = ColumnType.of_json_schema(self._properties[name])
            else:
                kind = given.type if given else ColumnType.STRING
            form = given.format if given and given.type is kind else None
            convert = converter(kind, form, self._rules.zone)
            self._columns[heading] = _Column(name, kind, convert, self._is_selected(name))

    def _add(self, column: _Column) -> bool:
        match self._rules.on_new_column:
            case OnNewColumn.FAIL:
                msg = (
                    f"has a new column {column.name!r}, and on_new_column is 'fail': discover the "
                    "catalog anew to take it in"
                )
                raise ReportError(msg)
            case OnNewColumn.IGNORE:
                self.ignored.add(column.name)
                return False
            case OnNewColumn.ADD:
                self._extend(column.name, column.kind)
                return True

    def _variant(self, column: _Column) -> str:
        if column.variant is None:
            column.variant = self._names.variant(column.name)
            self._extend(column.variant, ColumnType.STRING)
        return column.variant

    def _extend(self, name: str, kind: ColumnType) -> None:
        self._properties[name] = kind.json_schema
        self._blank[name] = None
        self.changed = True


def _nullable(column: Mapping[str, Any]) -> dict[str, Any]:
    """Return a column's schema, open to null: any cell of a report may be empty."""
    declared = column.get("type")
    if declared is None:
        return dict(column)
    names = [declared] if isinstance(declared, str) else list(declared)
    return {**column, "type": names if "null" in names else [*names, "null"]}

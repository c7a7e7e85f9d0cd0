"""The rules for the columns of a report, as the settings give them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from tap_crewmojo.schema.metadata import metadata_schema
from tap_crewmojo.schema.names import Naming
from tap_crewmojo.schema.types import ColumnConfig, ColumnType

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import tzinfo


class OnNewColumn(StrEnum):
    """What to do with a column that the catalog lacks."""

    ADD = "add"
    COLLECT = "collect"
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

    def own_columns(self, *, windowed: bool) -> dict[str, dict[str, Any]]:
        """Return the JSON schema of the columns that the tap adds to the vendor's."""
        collects = self.on_new_column is OnNewColumn.COLLECT
        return metadata_schema(windowed=windowed, collects=collects)

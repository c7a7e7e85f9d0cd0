"""What each target does with the tap's data, as measured by tests and printed in the docs."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from support.targets import (
    BIGQUERY,
    CSV,
    DUCKDB,
    DUCKDB_AS_IT_INSTALLS,
    JSONL,
    KAFKA,
    PIPELINEWISE,
    POSTGRES,
    PYARROW,
    S3_JSONL,
    SNOWFLAKE,
    STITCH,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.targets import TargetSpec


class SameKey(StrEnum):
    """The result for a row that is loaded twice, as in each window that is read again."""

    OVERWRITTEN = "overwritten"
    REPEATED = "kept twice"
    UPSERT_ORDERED = "sent to Stitch to be overwritten"
    ONLY_LAST_RUN = "**all earlier runs are lost**"


class TypeChange(StrEnum):
    """The result for a column whose type changes, which a kept catalog prevents."""

    TAKEN = "stored"
    BESIDE = "the old column is renamed, the new one starts empty"
    STOPS = "stops"


class Left(StrEnum):
    """The result for a row that left a `FULL_TABLE` report, with `ACTIVATE_VERSION`."""

    STAYS = "stay"
    MARKED = "marked in `_sdc_deleted_at`; deleted with `hard_delete`"
    DELETION_ORDERED = "a deletion is sent to Stitch"
    GONE = "gone, with the earlier run"


class Nested(StrEnum):
    """How nested JSON is stored: a type of the database in backticks, or another form."""

    JSONB = "`jsonb`"
    JSON = "`json`"
    VARIANT = "`variant`"
    OBJECTS = "as objects and arrays of JSON"
    PYTHON = "as text in the syntax of Python, which is not JSON"


class Batches(StrEnum):
    """The result of BATCH messages."""

    TAKEN = "loaded"
    ROUNDED = "loaded; **numbers are rounded to 15 digits**"
    EARLIER_ROWS_LOST = "loaded; **a new column loses the run's earlier rows**"
    REFUSED = "stops: `Unknown message type BATCH`"
    UNSUPPORTED = "stops: `Unsupported batch file encoding`"
    CRASH = "stops: `AttributeError`"
    UNKNOWN = "stops: `KeyError`"
    IGNORED = "**ignored: every row is lost**"

    @property
    def error(self) -> str | None:
        """The error with which the target stops; none if it continues."""
        return next(iter(re.findall("`(.+)`", self)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A target and its behaviour.

    Attributes:
        name: its name in the table.
        date, date_time: the types that they are stored as.
        nested: how nested JSON is stored.
        jsonl, parquet: the result of batches in these formats.
        stored_name: returns the name that it gives to a column.
        identifiers: headings stop it; the tap has to name columns as identifiers.
        escapes_line_breaks: those and tabs become two characters of text each.
        drops_first_rows: of each batch, unless its first column by name is empty.
        file_per_run: it gets another folder in each run.
        fractions_as_text: JSON numbers become texts, unless they are integers.
    """

    name: str
    spec: TargetSpec
    same_key: SameKey
    type_change: TypeChange
    left: Left
    date: str
    date_time: str
    nested: Nested
    jsonl: Batches
    parquet: Batches
    stored_name: Callable[[str], str] = str
    identifiers: bool = False
    escapes_line_breaks: bool = False
    drops_first_rows: bool = False
    file_per_run: bool = False
    fractions_as_text: bool = False

    @property
    def naming(self) -> str:
        """The tap's setting `column_names`."""
        return "identifier" if self.identifiers else "as_is"

    def column(self, heading: str) -> str:
        """Return the name in the target of a heading of words."""
        return self.stored_name(heading.lower().replace(" ", "_") if self.identifiers else heading)

    @property
    def remarks(self) -> str:
        """The other remarks, losses first."""
        return "; ".join(
            remark
            for remark, holds in {
                "**silently loses the first row of each batch**": self.drops_first_rows,
                "**line breaks and tabs in texts become `\\n`, `\\r`, `\\t`**": (
                    self.escapes_line_breaks
                ),
                "stops at `%` in a heading: set `column_names: identifier`": self.identifiers,
                "column names in lower case": self.stored_name is str.lower,
                "column names in upper case": self.stored_name is str.upper,
                "**a missing bucket loses every row**": self.spec is S3_JSONL,
                "numbers with a fraction become text": self.fractions_as_text,
                "one column `data` of JSON; tried with an emulator": self.spec is BIGQUERY,
                "tried with `--dry-run`, up to the requests to Stitch": self.spec is STITCH,
            }.items()
            if holds
        )


_POSTGRES = Target(
    name="`meltanolabs-target-postgres` 0.8.1",
    spec=POSTGRES,
    same_key=SameKey.OVERWRITTEN,
    type_change=TypeChange.STOPS,
    left=Left.MARKED,
    date="date",
    date_time="timestamp without time zone",
    nested=Nested.JSONB,
    jsonl=Batches.TAKEN,
    parquet=Batches.ROUNDED,
)
_DUCKDB = Target(
    name="`target-duckdb` 0.8.0 with DuckDB 1.2.2",
    spec=DUCKDB,
    same_key=SameKey.OVERWRITTEN,
    type_change=TypeChange.BESIDE,
    left=Left.STAYS,
    date="varchar",
    date_time="timestamp",
    nested=Nested.JSON,
    jsonl=Batches.REFUSED,
    parquet=Batches.REFUSED,
    stored_name=str.lower,
)
_JSONL = Target(
    name="`target-jsonl` 0.1.4",
    spec=JSONL,
    same_key=SameKey.REPEATED,
    type_change=TypeChange.TAKEN,
    left=Left.STAYS,
    date="text",
    date_time="text",
    nested=Nested.OBJECTS,
    jsonl=Batches.CRASH,
    parquet=Batches.CRASH,
)
_BATCHES_IGNORED = replace(_JSONL, jsonl=Batches.IGNORED, parquet=Batches.IGNORED)
_CSV = replace(
    _JSONL,
    name="`meltanolabs-target-csv` 0.5.0",
    spec=CSV,
    same_key=SameKey.ONLY_LAST_RUN,
    left=Left.GONE,
    nested=Nested.PYTHON,
    jsonl=Batches.EARLIER_ROWS_LOST,
    parquet=Batches.EARLIER_ROWS_LOST,
)

TARGETS = (
    _POSTGRES,
    Target(
        name="`pipelinewise-target-postgres` 2.1.2",
        spec=PIPELINEWISE,
        same_key=SameKey.OVERWRITTEN,
        type_change=TypeChange.BESIDE,
        left=Left.STAYS,
        date="character varying",
        date_time="timestamp without time zone",
        nested=Nested.JSONB,
        jsonl=Batches.REFUSED,
        parquet=Batches.REFUSED,
        stored_name=str.lower,
        escapes_line_breaks=True,
    ),
    replace(
        _POSTGRES,
        name="`meltanolabs-target-snowflake` 0.20.4",
        spec=SNOWFLAKE,
        date_time="timestamp_ntz",
        nested=Nested.VARIANT,
        parquet=Batches.UNSUPPORTED,
        stored_name=str.upper,
        identifiers=True,
    ),
    _DUCKDB,
    replace(
        _DUCKDB,
        name="`target-duckdb` 0.8.0 as it installs, with DuckDB 2.0.1",
        spec=DUCKDB_AS_IT_INSTALLS,
        drops_first_rows=True,
    ),
    _JSONL,
    _CSV,
    replace(
        _CSV,
        name="`meltanolabs-target-csv` 0.5.0 with another `output_path` in each run",
        same_key=SameKey.REPEATED,
        left=Left.STAYS,
        file_per_run=True,
    ),
    replace(_BATCHES_IGNORED, name="`target-s3-jsonl` 2.0.1", spec=S3_JSONL),
    replace(
        _BATCHES_IGNORED,
        name="`target-kafka` 0.1.3",
        spec=KAFKA,
        fractions_as_text=True,
    ),
    replace(
        _BATCHES_IGNORED,
        name="`z3-target-bigquery` 0.7.2 with `method: batch_job`, `denormalized: false`",
        spec=BIGQUERY,
        parquet=Batches.UNKNOWN,
    ),
    replace(
        _BATCHES_IGNORED,
        name="`target-stitch` 4.0.3",
        spec=STITCH,
        same_key=SameKey.UPSERT_ORDERED,
        left=Left.DELETION_ORDERED,
    ),
)


def declared(spec: TargetSpec) -> Target:
    """Return the first target of a specification."""
    return next(target for target in TARGETS if target.spec is spec)


HEADINGS = (
    "target",
    "a row read again",
    "dates, date-times",
    "nested JSON",
    "rows that left a `FULL_TABLE` report",
    "a type that changes",
    "`jsonl` batches",
    "`parquet` batches",
    "remarks",
)


def markdown() -> str:
    """Return the table of docs/targets.md."""
    rows = [
        (
            target.name,
            target.same_key,
            f"`{target.date}`, `{target.date_time}`" if target.date != "text" else "text",
            target.nested,
            target.left,
            target.type_change,
            target.jsonl,
            f"with pyarrow: {target.parquet}" if PYARROW in target.spec.beside else target.parquet,
            target.remarks,
        )
        for target in TARGETS
    ]
    lines = [HEADINGS, ("---",) * len(HEADINGS), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines).replace("|  |", "| |")

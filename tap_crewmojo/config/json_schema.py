"""The JSON schema of the settings: names, types, defaults, titles and descriptions."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from singer_sdk import typing as th
from singer_sdk.helpers.capabilities import EMIT_ACTIVATE_VERSION_CONFIG

from tap_crewmojo.config.reports import ContentType
from tap_crewmojo.schema.names import Naming
from tap_crewmojo.schema.rules import OnNewColumn
from tap_crewmojo.schema.types import ColumnType
from tap_crewmojo.windows import ReportWindow

if TYPE_CHECKING:
    from typing import Final

WINDOW_LOG: Final = "report_windows"
"""The name of the window log's stream, unless the user gives another."""


class Environment(StrEnum):
    """The vendor's installations."""

    PRODUCTION = "production"
    TEST = "test"

    @property
    def api_url(self) -> str:
        """The API root (vendor's page "Downloading Data & Reports > API")."""
        host = "api" if self is Environment.PRODUCTION else "api.test"
        return f"https://{host}.crewmojo.com/v1"


_COLUMN_TYPES = [str(name) for name in ColumnType.for_settings()]
_WINDOWS = [str(unit) for unit in ReportWindow]
_CONTENT_TYPES = [str(kind) for kind in ContentType]

_REPORT = {
    "type": ["string", "object"],
    "minLength": 1,
    "required": ["id"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "string", "minLength": 1},
        "name": {"type": "string", "minLength": 1},
        "replication_method": {"enum": ["INCREMENTAL", "FULL_TABLE"]},
        "primary_keys": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
        "columns": {
            "type": "object",
            "additionalProperties": {
                "type": ["string", "object"],
                "if": {"type": "string"},
                "then": {"enum": _COLUMN_TYPES},
                "required": ["type"],
                "additionalProperties": False,
                "properties": {"type": {"enum": _COLUMN_TYPES}, "format": {"type": "string"}},
            },
        },
        "report_window": {"enum": _WINDOWS},
        "lookback_days": {"type": "integer", "minimum": 0},
        "content_type": {"enum": _CONTENT_TYPES},
        "force_job": {"type": "boolean"},
    },
}

SETTINGS = th.PropertiesList(
    th.Property(
        "client_id",
        th.StringType,
        required=True,
        title="Client ID",
        description="Client id from Crewmojo: Company Settings > Integrations > API "
        "Authentication.",
    ),
    th.Property(
        "client_secret",
        th.StringType,
        required=True,
        secret=True,
        title="Client secret",
        description="Secret key from the same page. Crewmojo logs each time somebody views it.",
    ),
    th.Property(
        "reports",
        th.CustomType({"type": "array", "minItems": 1, "items": _REPORT}),
        required=True,
        title="Reports",
        description="Reports to download. Each is an identifier from Crewmojo "
        '(`"oneonone.summary"`) or an object: `id` (required), `name` (of the stream; default: '
        "the id in lower case, characters other than a-z and 0-9 as `_`), `replication_method` "
        "(`INCREMENTAL`, the default, or `FULL_TABLE`: requested without dates), `primary_keys` "
        "(columns that identify a row within one window, by heading or name; default: the row "
        "number), `columns` (types instead of the inferred ones, by heading or name: "
        f"{', '.join(f'`{name}`' for name in _COLUMN_TYPES)}, or an object with `type` and a "
        "`strptime` `format`), and `report_window`, `lookback_days`, `content_type`, `force_job` "
        'for this report alone. Example: `["oneonone.summary", '
        '{"id": "people.directory", "replication_method": "FULL_TABLE"}]`.',
        examples=[["oneonone.summary"]],
    ),
    th.Property(
        "start_date",
        th.StringType,
        title="Start date",
        description="First day to download, as an ISO date (`2024-01-01`) or date-time, whose date "
        "is used. Required unless every report is `FULL_TABLE`. The first window is the calendar "
        "window that holds this day. To go further back later, run a full refresh.",
        examples=["2024-01-01"],
    ),
    th.Property(
        "end_date",
        th.StringType,
        title="End date",
        description="Last day to download, inclusive, as an ISO date. Default: yesterday in "
        "`timezone`. A day in the future is replaced by today.",
        examples=["2024-12-31"],
    ),
    th.Property(
        "timezone",
        th.StringType,
        default="UTC",
        title="Time zone",
        description="IANA time zone that defines today and yesterday, such as `Australia/Sydney`; "
        "also the zone of date-times whose `format` has none.",
        examples=["Australia/Sydney"],
    ),
    th.Property(
        "report_window",
        th.StringType,
        default="month",
        allowed_values=_WINDOWS,
        title="Report window",
        description="Calendar unit that one request covers: `day`, `week` (from Monday), `month`, "
        "`quarter` or `year`. The rows of a summary depend on it: after a change, run a full "
        "refresh into an empty table.",
    ),
    th.Property(
        "lookback_days",
        th.IntegerType(minimum=0),
        default=7,
        title="Lookback (days)",
        description="Days before the bookmark whose windows are downloaded again in every run, "
        "because people edit the recent past.",
    ),
    th.Property(
        "content_type",
        th.StringType,
        default="csv",
        allowed_values=_CONTENT_TYPES,
        title="Content type",
        description="Format to request: `csv` or `json`. Rows and types are the same: a response "
        "is read by its content.",
    ),
    th.Property(
        "infer_types",
        th.BooleanType,
        default=True,
        title="Infer types",
        description="Whether discovery infers the type of each column from a sample. If false, "
        "every column without an entry in `columns` is a string.",
    ),
    th.Property(
        "on_new_column",
        th.StringType,
        default="add",
        allowed_values=[str(choice) for choice in OnNewColumn],
        title="On a new column",
        description="Action for a column that the catalog lacks: `add` it as a string (the schema "
        "is sent again during the run), `collect` it in the column `_sdc_report_extra` as JSON "
        "(the schema is sent once, for targets that cannot take a second one; values that do not "
        "fit their column go there, too), `ignore` it with a warning, or `fail` the report.",
    ),
    th.Property(
        "column_names",
        th.StringType,
        default="as_is",
        allowed_values=[str(choice) for choice in Naming],
        title="Column names",
        description="`as_is`: a column has the name of its heading, such as `Progress %`. "
        "`identifier`: the name is made of a-z, 0-9 and `_`, such as `progress_pct`, which every "
        "database takes, and the heading is in the column's description. Choose before the first "
        "load: a change makes other columns, and needs other names in stream maps and selections, "
        "`--discover`, and a full refresh into a new table.",
    ),
    th.Property(
        "window_log",
        # Within `allOf`, a variable is read as text; otherwise the SDK reads any name as false.
        th.CustomType({"allOf": [{"type": ["boolean", "string", "null"]}]}),
        default=False,
        title="Window log",
        description="Whether a stream logs each window that was sent whole, with the number of its "
        "rows, so that SQL can find rows that a target lost: `true`, for a stream "
        f"`{WINDOW_LOG}`, or another name for it.",
        examples=[True],
    ),
    th.Property(
        "max_parallel_reports",
        th.IntegerType(minimum=1, maximum=16),
        default=4,
        title="Parallel reports",
        description="Number of reports that are generated and downloaded at the same time (1 to "
        "16).",
    ),
    th.Property(
        "job_timeout",
        th.IntegerType(minimum=1, maximum=600),
        default=300,
        title="Job timeout (seconds)",
        description="Seconds after which a report that is not ready is abandoned and requested "
        "again. Crewmojo recommends five minutes; a job id expires after ten.",
    ),
    th.Property(
        "max_job_attempts",
        th.IntegerType(minimum=1),
        default=3,
        title="Job attempts",
        description="Number of times that a report is requested before it fails.",
    ),
    th.Property(
        "request_timeout",
        th.IntegerType(minimum=31),
        default=90,
        title="Request timeout (seconds)",
        description="Read timeout of one request. At least 31: Crewmojo may need 30 seconds to "
        "respond.",
    ),
    th.Property(
        "force_job",
        th.BooleanType,
        default=False,
        title="Force jobs",
        description="Whether to request each report as a long-running job (`jobId: true`), which "
        "costs 30 seconds per request. For tests.",
    ),
    th.Property(
        "environment",
        th.StringType,
        default="production",
        allowed_values=[str(name) for name in Environment],
        title="Environment",
        description="Installation of Crewmojo: `production` or `test`.",
    ),
    th.Property(
        "api_url",
        th.StringType,
        title="API URL",
        description="API root instead of that of `environment`; it ends in `/v1`. Plain http is "
        "accepted for a sandbox on this machine only.",
        examples=["http://127.0.0.1:8585/v1"],
    ),
).to_dict()
SETTINGS["properties"] |= EMIT_ACTIVATE_VERSION_CONFIG["properties"]

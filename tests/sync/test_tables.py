"""A report as one Arrow table: the rows of a run, with real dates and date-times."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from singer_sdk.exceptions import ConfigValidationError

from support.drifting import month
from support.oracle import RefusedError, Stream, inferred, outcome
from support.processes import TIMEOUT, WAITING, Gate, posix
from support.report_cases import Body, as_csv, given_types, objects, tables
from support.sandboxes import DIRECTORY, requested, settings_for
from support.tap_runs import TIME_SCALE, run_tap
from tap_crewmojo import read_report
from tap_crewmojo.clock import SCALE_VARIABLE
from tap_crewmojo.errors import CredentialsError, ReportError
from tap_crewmojo.sandbox.company.company import ReportSource
from tap_crewmojo.sandbox.company.table import Table
from tap_crewmojo.sandbox.faults import Fault
from tap_crewmojo.sandbox.sandbox import Sandbox
from tap_crewmojo.schema.metadata import RESERVED
from tap_crewmojo.schema.names import ColumnNames

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tap_crewmojo.schema.types import ColumnConfig

SPAN = {"start": "2025-01-01", "end": "2025-03-15"}
MOMENT = pa.timestamp("us", tz="UTC")
ARROW = {
    "string": pa.string(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "date-time": MOMENT,
    "object": pa.string(),
    "array": pa.string(),
    "integer": pa.int64(),
}


@pytest.fixture(autouse=True, scope="module")
def _at_the_sandboxes_pace() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SCALE_VARIABLE, str(TIME_SCALE))
        yield


def real(kind: str, value: Any) -> Any:  # noqa: ANN401
    """Return what the value of a record is in a table."""
    match kind:
        case _ if value is None:
            return None
        case "date":
            return date.fromisoformat(value)
        case "date-time":
            return datetime.fromisoformat(value)
        case "object" | "array":
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        case _:
            return float(value) if kind == "number" else value


def kinds_of(schema: Mapping[str, Any]) -> dict[str, str]:
    """Return the types of the columns in a SCHEMA message."""
    return {
        name: column.get("format") or column["type"][0]
        for name, column in schema["properties"].items()
    }


@pytest.mark.parametrize(
    ("content_type", "column_names"), [("csv", "as_is"), ("json", "identifier")]
)
def test_the_table_is_what_a_run_loads(
    company: Sandbox, tmp_path: Path, content_type: str, column_names: str
) -> None:
    reports = [
        "oneonone.detail",
        {"id": "oneonone.summary", "primary_keys": ["Employee Code"], "report_window": "week"},
        {"id": "objective.detail", "columns": {"Progress %": "string"}, "name": "goals"},
        DIRECTORY,
    ]
    config = settings_for(company, *reports, content_type=content_type, column_names=column_names)
    before = datetime.now(UTC)
    run = run_tap(config, tmp_path).succeeded()
    for stream in ("oneonone_detail", "oneonone_summary", "goals", "people_directory"):
        table = read_report(config, stream)
        records = run.records(stream)
        assert len(records) > 20
        kinds = kinds_of(run.schema(stream))
        assert {field.name: field.type for field in table.schema} == {
            name: ARROW[kind] for name, kind in kinds.items()
        }
        assert table.column_names == list(kinds)
        rows = table.to_pylist()
        assert all(
            before < row["_sdc_report_datetime"] < datetime.now(UTC) for row in [rows[0], rows[-1]]
        )
        differs = {"_sdc_report_datetime": None}
        assert [row | differs for row in rows] == [
            {name: real(kinds[name], record[name]) for name in kinds} | differs
            for record in records
        ]


class Windows:
    """A sandbox whose reports are the given bodies, one for each month."""

    def __init__(self) -> None:
        self.bodies: list[Body] = []
        self.sandbox = Sandbox(
            time_scale=TIME_SCALE,
            people=1,
            reports={kind: ReportSource(self._body, content_type=kind) for kind in self.KINDS},
        )

    KINDS = ("text/csv", "application/json")

    def _body(self, start: date | None, _end: date | None) -> bytes:
        assert start
        return self.bodies[start.month - 1].data

    def table(self, bodies: list[Body], **report: Any) -> pa.Table:  # noqa: ANN401
        self.bodies = bodies
        kind = bodies[0].content_type
        config = settings_for(self.sandbox, {"id": kind, **report})
        return read_report(config, kind, start=date(2025, 1, 1), end=date(2025, len(bodies), 2))


@pytest.fixture(scope="module")
def windows() -> Iterator[Windows]:
    windows = Windows()
    with windows.sandbox:
        yield windows


@settings(max_examples=60)
@given(
    bodies=st.lists(tables, min_size=1, max_size=3) | st.lists(objects, min_size=1, max_size=3),
    given=given_types,
    keys=st.sampled_from([[], [], [], ["B"]]),
)
def test_a_table_has_the_values_of_all_windows(
    windows: Windows, bodies: list[Body], given: dict[str, ColumnConfig], keys: list[str]
) -> None:
    types = {
        heading: (str(how.type), how.format if how.type in {"date", "date-time"} else None)
        for heading, how in given.items()
    }
    own = {
        "primary_keys": keys,
        "columns": {
            heading: {"type": kind} | ({"format": form} if form else {})
            for heading, (kind, form) in types.items()
        },
    }
    try:
        kinds, expected = loaded(bodies, {**dict.fromkeys(keys, ("string", None)), **types}, keys)
    except RefusedError:
        with pytest.raises(ReportError):
            windows.table(bodies, **own)
        return
    table = windows.table(bodies, **own)
    rows = table.drop_columns(["_sdc_report_datetime", "_sdc_report_end_date"]).to_pylist()
    assert [
        {name: shown(value) for name, value in row.items() if value is not None} for row in rows
    ] == [{name: shown(value) for name, value in row.items()} for row in expected]
    assert {name: table.schema.field(name).type for name in kinds} == {
        name: ARROW[kind] for name, kind in kinds.items()
    }


def shown(value: object) -> str:
    """Return a value as text: in Python, 1 equals 1.0 and True."""
    return f"{type(value).__name__} {value}"


def loaded(
    bodies: list[Body], given: dict[str, tuple[str, str | None]], keys: list[str]
) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """Return the types of the columns that have values, and the rows, by the documented rules.

    Raises:
        RefusedError: a row has no key, or there is no such column.
    """
    full = {
        number: [row for row in body.rows if set(map(repr, row.values())) - {"None", "''"}]
        for number, body in enumerate(bodies, start=1)
    }
    with_rows = [body for body in bodies if body.rows] or bodies
    headings = [heading for body in with_rows for heading in body.headings]
    column_names = ColumnNames((), RESERVED)
    names = column_names.assign(headings)
    kinds = {}
    for heading, name in names.items():
        cells = [row.get(heading) for rows in full.values() for row in rows]
        kind, _ = given.get(heading) or given.get(name) or (None, None)
        kinds[name] = kind or inferred(None if cell == "" else cell for cell in cells)
    stream = Stream(
        types=kinds,
        given=given,
        names=names,
        variants=column_names.variant,
        labels=names,
        hidden=(),
        on_new_column="add",
        selected=lambda _: True,
        keys=keys,
    )
    if headings and not set(keys) <= set(kinds):
        raise RefusedError
    expected = []
    for month_number, rows in full.items():
        found = outcome(stream, (), rows)
        kinds |= found.types
        expected += [
            {name: real(kinds[name], value) for name, value in record.items()}
            | {"_sdc_report_start_date": date(2025, month_number, 1), "_sdc_row_number": number}
            for number, record in enumerate(found.records, start=1)
        ]
    met = {name for row in expected for name in row}
    return {name: kind for name, kind in kinds.items() if name in met}, expected


def test_a_date_may_be_any_of_the_calendar(windows: Windows) -> None:
    """Nanoseconds would end in 2262; systems write 9999 for a date that never comes."""
    rows = [
        ["0001-01-01", "0001-01-01T00:00:00Z"],
        ["9999-12-31", "9999-12-31T23:59:59.999999Z"],
        ["2024-02-29", "2024-02-29T12:00:00.123456789Z"],
        ["2024-02-29", "2024-02-29T12:00:00.5-11:30"],
    ]
    table = windows.table([as_csv(["Day", "When"], rows)])
    assert table["Day"].to_pylist() == [
        date(1, 1, 1),
        date(9999, 12, 31),
        *[date(2024, 2, 29)] * 2,
    ]
    assert table["When"].to_pylist() == [
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(2024, 2, 29, 12, 0, 0, 123456, tzinfo=UTC),
        datetime(2024, 2, 29, 23, 30, 0, 500000, tzinfo=UTC),
    ]


@pytest.fixture
def changing() -> Iterator[Sandbox]:
    reports = {"changing": ReportSource(month)}
    with Sandbox(time_scale=TIME_SCALE, people=3, reports=reports) as sandbox:
        yield sandbox


@pytest.mark.parametrize("content_type", ["csv", "json"])
def test_a_column_has_one_type_for_all_windows(changing: Sandbox, content_type: str) -> None:
    """A number that meets text in July is the text of both, and no value is anywhere else."""
    config = settings_for(changing, content_type=content_type)
    early = read_report(config, "changing", start="2025-01-01", end="2025-06-30")
    types = [early.schema.field(name).type for name in ("Score", "Day", "When", "Done", "Mood")]
    assert types == [pa.float64(), pa.date32(), MOMENT, pa.bool_(), pa.string()]
    assert early["When"].to_pylist()[1] == datetime(2024, 12, 31, 23, tzinfo=UTC)
    assert early["Mood"].to_pylist() == [None] * 8 + ["good", "bad"] * 2
    assert early["Empty"].null_count == len(early) == 12

    whole = read_report(config, "changing", start="2025-01-01", end="2025-09-30")
    assert not [name for name in whole.column_names if name.endswith("__text")]
    assert {whole.schema.field(name).type for name in ("Score", "Day", "When")} == {pa.string()}
    assert whole["Score"].to_pylist()[::2][:6] == ["1.5", "2.5", "3.5", "4.5", "5.5", "6.5"]
    assert {"2024-02-30", "31/12/2024", "2025-08-01"} <= set(whole["Day"].to_pylist())
    assert "2025-01-01T10:00:00+11:00" in whole["When"].to_pylist()


def test_a_type_of_the_settings_stays_and_the_rest_is_beside_it(changing: Sandbox) -> None:
    report = {"id": "changing", "columns": {"Score": "number"}}
    table = read_report(settings_for(changing, report), "changing", end="2025-09-30")
    assert table.schema.field("Score").type == pa.float64()
    beside = table["Score__text"].to_pylist()
    assert Counter(beside) == {None: len(table) - 2, "n/a": 1, "1e5": 1}
    collect = settings_for(changing, report, on_new_column="collect")
    collected = read_report(collect, "changing", end="2025-09-30")
    assert collected["_sdc_report_extra"].to_pylist() == [
        text and json.dumps({"Score": text}, separators=(",", ":")) for text in beside
    ]
    assert collected.column_names[:-1] == table.column_names[:-1]
    assert not [
        1 for score, text in zip(table["Score"].to_pylist(), beside, strict=True) if score and text
    ]


def test_a_report_without_rows_has_its_columns() -> None:
    def rows(start: date | None, _end: date | None) -> Table | bytes:
        return Table(("Day", "Score"), ((start, 1),) if start == date(2025, 3, 1) else ())

    with Sandbox(time_scale=TIME_SCALE, people=3, reports={"x.y": ReportSource(rows)}) as sandbox:
        config = settings_for(sandbox)
        empty = read_report(config, "x.y", end="2025-02-28")
        full = read_report(config, "x.y")
        future = read_report(config, "x.y", start="2099-01-01", end="2099-02-01")
    assert len(empty) == 0
    own = {
        "_sdc_report_start_date": pa.date32(),
        "_sdc_report_end_date": pa.date32(),
        "_sdc_report_datetime": MOMENT,
        "_sdc_row_number": pa.int64(),
    }
    assert empty.schema == pa.schema({"Day": pa.string(), "Score": pa.string()} | own)
    assert full.schema == pa.schema({"Day": pa.date32(), "Score": pa.float64()} | own)
    assert full["Day"].to_pylist() == [date(2025, 3, 1)]
    assert future.schema == pa.schema(own)


def test_a_sentence_is_no_report() -> None:
    """A report without dates would be empty; a window without rows is no more than that."""
    reports = {"busy": ReportSource(lambda *_: b"Service is busy", content_type="text/csv")}
    with Sandbox(time_scale=TIME_SCALE, people=3, reports=reports) as sandbox:
        config = settings_for(sandbox, {"id": "busy", "replication_method": "FULL_TABLE"})
        with pytest.raises(ReportError, match="'busy' is one heading without rows"):
            read_report(config, "busy")


def test_the_windows_are_those_of_a_run_and_the_settings_those_of_the_report(
    sandbox: Sandbox,
) -> None:
    """By the name of a stream before the identifier of a report, which several streams may have."""
    reports = [
        "oneonone.summary",
        {"id": "oneonone.summary", "name": "weekly", "report_window": "week", "force_job": True},
    ]
    config = settings_for(sandbox, *reports, start_date=datetime(2025, 1, 9, tzinfo=UTC))
    kept = json.dumps(config, default=str)
    read_report(config, "oneonone_summary", end=date(2025, 2, 10))
    assert sorted(requested(sandbox)) == [
        ("oneonone.summary", 20250101, 20250131),
        ("oneonone.summary", 20250201, 20250210),
    ]
    read_report(config, "weekly", start="2025-03-05")
    assert sorted(requested(sandbox)[2:]) == [
        ("oneonone.summary", 20250303, 20250309),
        ("oneonone.summary", 20250310, 20250315),
    ]
    assert requested(sandbox, "poll")
    assert json.dumps(config, default=str) == kept
    with pytest.raises(ConfigValidationError, match="more than once"):
        read_report(config, "oneonone.summary")


def test_one_message_lists_all_that_is_invalid() -> None:
    config = {"client_id": "x", "reports": [DIRECTORY], "timezone": "Mars", "lookback_days": -1}
    with pytest.raises(ConfigValidationError) as failure:
        read_report(config, "people.directory", start="yesterday", end="2025-01-01")
    text = str(failure.value)
    for part in (
        "client_secret is missing",
        "timezone must be an IANA time zone",
        "lookback_days must be at least 0",
        "start_date must be a date, such as 2024-01-31; it is 'yesterday'",
        "start and end must not be given for 'people.directory'",
    ):
        assert f"  - {part}" in text
    with pytest.raises(ConfigValidationError, match="reports must be an array"):
        read_report(config | {"reports": "x.y"}, "x.y", start="2025-01-01")
    with pytest.raises(ConfigValidationError, match="start_date is missing"):
        read_report({"client_id": "x", "client_secret": "y"}, "x.y")


def test_a_failure_leaves_nothing_behind(
    sandbox: Sandbox, files: list[IO[bytes]], earlier_threads: set[threading.Thread]
) -> None:
    sandbox.faults.add(Fault(phase="post", kind="status", status=404, start=20250301))
    config = settings_for(sandbox)
    with pytest.raises(ReportError, match=r"2025-03-01 to 2025-03-31: .* status 404"):
        read_report(config, "oneonone.summary", start="2025-01-01", end="2025-05-31")
    no_longer_at_work(files, earlier_threads)
    report = "oneonone.detail"
    key = {"id": report, "primary_keys": ["Rating"]}
    with pytest.raises(ReportError, match=r"no value for the primary key 'Rating' in row \d+ "):
        read_report(config | {"reports": [key]}, report)
    with pytest.raises(ReportError, match="the primary key 'Gone' must be one of its columns"):
        read_report(config | {"reports": [key | {"primary_keys": ["Gone"]}]}, report)
    with pytest.raises(CredentialsError):
        read_report(config | {"client_secret": "wrong"}, "oneonone.summary", **SPAN)
    no_longer_at_work(files, earlier_threads)
    assert len(read_report(config, "oneonone.summary", **SPAN))
    no_longer_at_work(files, earlier_threads)


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Ctrl-C as in a notebook, whatever a tap of an earlier test has made of it."""
    earlier = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, earlier)


@pytest.fixture
def earlier_threads() -> set[threading.Thread]:
    """Workers of taps in earlier tests, which end with the process."""
    return set(threading.enumerate())


def no_longer_at_work(files: list[IO[bytes]], earlier: set[threading.Thread]) -> None:
    """Check that downloads have ended, and that none is on disk."""
    for thread in set(threading.enumerate()) - earlier:
        if "_work" in thread.name:
            thread.join(TIMEOUT)
            assert not thread.is_alive()
    assert files
    assert all(file.closed for file in files)
    files.clear()


@posix
@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_leaves_nothing_behind(
    files: list[IO[bytes]], earlier_threads: set[threading.Thread]
) -> None:
    """Also of a window that is in flight then."""
    waiting = threading.get_ident()
    with Gate(date(2025, 3, 1)) as gate:

        def rows(start: date | None, end: date | None) -> Table:
            if start == gate.start and not gate.reached.is_set():
                signal.pthread_kill(waiting, signal.SIGINT)
            return gate.rows(start, end)

        with Sandbox(
            time_scale=TIME_SCALE, people=3, reports={"x.y": ReportSource(rows)}
        ) as sandbox:
            with pytest.raises(KeyboardInterrupt):
                read_report(settings_for(sandbox, **WAITING), "x.y", end="2025-12-31")
            assert gate.reached.wait(TIMEOUT)
            gate.opened.set()
            no_longer_at_work(files, earlier_threads)
            assert len(set(requested(sandbox))) < 12


def test_few_files_are_open_however_many_windows_there_are(files: list[IO[bytes]]) -> None:
    most = 0

    def rows(start: date | None, _end: date | None) -> Table:
        nonlocal most
        most = max(most, sum(not file.closed for file in files))
        return Table(("Day", "Number"), ((start, 1),))

    report = {"id": "x.y", "report_window": "day"}
    with Sandbox(time_scale=TIME_SCALE, people=3, reports={"x.y": ReportSource(rows)}) as sandbox:
        table = read_report(settings_for(sandbox, report), "x.y", **SPAN)
    assert table["Day"].to_pylist() == table["_sdc_report_end_date"].to_pylist()
    assert len(table) == len(requested(sandbox)) == 74
    assert 0 < most < 20


def test_calls_in_threads_do_not_take_each_others_token(sandbox: Sandbox) -> None:
    config = settings_for(sandbox)
    with ThreadPoolExecutor(3) as threads:
        calls = [
            threads.submit(read_report, config, name, **SPAN)
            for name in ("oneonone.summary", "oneonone.detail", "review.detail")
        ]
        assert all(len(call.result()) for call in calls)
    assert {entry.status for entry in sandbox.requests} == {200}


def run_python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, encoding="utf-8", check=True
    ).stdout


def test_the_import_loads_nothing_else() -> None:
    loaded = run_python(
        "import sys; before = set(sys.modules)\n"
        "from tap_crewmojo import read_report\n"
        "print(*sys.modules.keys() - before)"
    )
    assert set(loaded.split()) <= {"__future__", "tap_crewmojo"}


def test_without_pyarrow_it_names_the_extra() -> None:
    said = run_python(
        "import sys; sys.modules['pyarrow'] = None\n"
        "from tap_crewmojo import read_report\n"
        "try: read_report({}, 'x.y')\n"
        "except ImportError as error: print(error)"
    )
    assert said == (
        "read_report needs pyarrow, which is not installed: install the tap with its extra "
        "'parquet'\n"
    )

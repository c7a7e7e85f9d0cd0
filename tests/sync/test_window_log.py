"""The window log: a record of each window that was sent whole, before the STATE that covers it."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import random
from collections import Counter
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pyarrow import parquet
from singer_sdk.singerlib.encoding import SimpleSingerWriter

from support.catalogs import deselect, entry_of, metadata_of
from support.sandboxes import as_variables, requested, settings_for
from support.tap_runs import TIME_SCALE, Run
from tap_crewmojo.clock import SCALE_VARIABLE
from tap_crewmojo.errors import ReportError, SyncFailedError
from tap_crewmojo.sandbox.company.company import ReportSource
from tap_crewmojo.sandbox.company.table import Table
from tap_crewmojo.sandbox.faults import Fault
from tap_crewmojo.sandbox.sandbox import Sandbox
from tap_crewmojo.tap import TapCrewmojo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from support.tap_runs import Message, Record
    from tap_crewmojo.sandbox.company.table import Cell

LOG = "report_windows"
COLUMNS = (
    *("stream", "report", "window_start", "window_end", "requested_at"),
    *("row_count", "empty_row_count", "variant_count", "column_count", "job_count", "seconds"),
)
STAFF = {"id": "staff", "replication_method": "FULL_TABLE"}

Reading = tuple[str, str | None, str]
"""A stream, the start of a window (none for a report without windows), and when it was read."""


class DriftingCompany:
    """A company whose reports have other rows and columns in each window, and after each change.

    Args:
        seed: what all of it follows from.
        sizes: how many rows a report may have.
    """

    def __init__(self, seed: int, *sizes: int) -> None:
        self.seed = seed
        self.sizes = sizes
        self.changes = 0

    def table(self, report: str, start: date | None) -> Table:
        chance = random.Random(f"{self.seed} {self.changes} {report} {start}")  # noqa: S311
        headings = ["Code", "Score", *(name for name in "ABCD" if chance.random() < 0.5)]
        cells: list[Cell] = [None, None, 1.5, 7, "n/a", date(2025, 1, 1), True]
        rows = [
            tuple(chance.choice(cells) for _ in headings)
            if chance.random() < 0.8
            else (None,) * len(headings)
            for _ in range(chance.choice(self.sizes))
        ]
        return Table(tuple(headings), tuple(rows))

    @contextlib.contextmanager
    def served(self) -> Iterator[Sandbox]:
        def source(report: str) -> ReportSource:
            return ReportSource(lambda start, _end: self.table(report, start))

        reports = {report: source(report) for report in ("notes", "zeal.score", "staff")}
        with Sandbox(time_scale=TIME_SCALE, people=3, reports=reports) as sandbox:
            yield sandbox


@pytest.fixture(autouse=True)
def _at_the_sandboxes_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SCALE_VARIABLE, str(TIME_SCALE))


@pytest.fixture(scope="module")
def served() -> Iterator[Sandbox]:
    """A sandbox that is only read from, with three reports."""
    with DriftingCompany(1, 5, 20).served() as sandbox:
        yield sandbox


@pytest.fixture
def config(served: Sandbox) -> dict[str, Any]:
    return settings_for(served, "notes", "zeal.score", STAFF, window_log=True)


def synced(config: dict[str, Any], **given: Any) -> Run:  # noqa: ANN401
    """Run the tap in this process; a report may fail."""
    return run_of(TapCrewmojo(config=config, **given).sync_all)


def run_of(call: Callable[[], object]) -> Run:
    """Return what a call of the tap writes."""
    output = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    code = 0
    with contextlib.redirect_stdout(output):
        try:
            call()
        except SyncFailedError:
            code = 1
    return Run(code, output.buffer.getvalue().decode(), "")


def replayed(
    messages: Sequence[Message], log: str = LOG, state: dict[str, Any] | None = None
) -> dict[Reading, Record]:
    """Return the records of the log by reading.

    Each must have the number of rows before it, and stand before the STATE that covers them.

    Args:
        messages: of one run.
        log: the stream of the log.
        state: the state that the run was given.
    """
    bookmarks = (state or {}).get("bookmarks", {})
    sent: Counter[Reading] = Counter()
    logged: dict[Reading, Record] = {}
    for message in messages:
        stream, record = message.get("stream"), message.get("record", {})
        if message["type"] == "RECORD" and stream != log:
            start = record.get("_sdc_report_start_date")
            reading = (str(stream), start, record["_sdc_report_datetime"])
            assert reading not in logged, "no row follows the record of its window"
            sent[reading] += 1
        elif message["type"] == "RECORD":
            assert tuple(record) == COLUMNS
            start = record["window_start"] if record["window_end"] else None
            reading = (record["stream"], start, record["requested_at"])
            assert reading not in logged
            assert record["row_count"] == sent[reading]
            logged[reading] = record
        elif message["type"] == "STATE":
            assert log not in message["value"]["bookmarks"]
            for name, bookmark in message["value"]["bookmarks"].items():
                ends = {r["window_end"] for r in logged.values() if r["stream"] == name}
                reached = bookmark.get("replication_key_value")
                if bookmark != bookmarks.get(name, {}):
                    assert reached == max(ends), "the window that it covers is in the log"
            bookmarks = message["value"]["bookmarks"]
    assert sent.keys() <= logged.keys()
    return logged


@pytest.mark.parametrize("content_type", ["csv", "json"])
@pytest.mark.parametrize("seed", range(6))
def test_each_reading_has_one_record_after_its_rows_and_before_its_state(
    seed: int, content_type: str
) -> None:
    company = DriftingCompany(seed, 0, 1, 5, 20)
    with company.served() as sandbox:
        config = settings_for(
            sandbox,
            "notes",
            {"id": "zeal.score", "report_window": "week"},
            STAFF,
            window_log=True,
            content_type=content_type,
            max_parallel_reports=1 + seed % 4,
            emit_activate_version_messages=seed % 2 == 0,
            report_window="month" if seed % 3 else "day",
            start_date="2025-02-20",
        )
        catalog = TapCrewmojo(config=config, setup_mapper=False).catalog_dict
        begun = len(requested(sandbox))
        first = synced(config, catalog=catalog)
        _holds(company, first, requested(sandbox)[begun:], content_type)

        company.changes += 1
        begun = len(requested(sandbox))
        config |= {"lookback_days": 12, "end_date": "2025-03-20"}
        second = synced(config, catalog=catalog, state=first.state)
        _holds(company, second, requested(sandbox)[begun:], content_type, first.state)
    early, late = (
        {record["requested_at"] for record in run.records(LOG)} for run in (first, second)
    )
    assert max(early) < min(late), "a window that is read again has another record"


def _holds(
    company: DriftingCompany,
    run: Run,
    requests: list[tuple[str | None, int | None, int | None]],
    content_type: str,
    state: dict[str, Any] | None = None,
) -> None:
    """Check the log of a run against what was requested, and what the reports held."""
    assert run.returncode == 0
    logged = list(replayed(run.messages, state=state).values())
    assert sorted((r["report"], r["window_start"], r["window_end"]) for r in logged) == sorted(
        (report, _iso(start) or logged[-1]["requested_at"][:10], _iso(end))
        for report, start, end in requests
    )
    for record in logged:
        start = date.fromisoformat(record["window_start"]) if record["window_end"] else None
        table = company.table(record["report"], start)
        empty = [row for row in table.rows if set(row) == {None}]
        assert record["stream"] == record["report"].replace(".", "_")
        assert record["row_count"] + record["empty_row_count"] == len(table.rows)
        assert record["empty_row_count"] == len(empty)
        columns = table.headings if content_type == "csv" or table.rows else ()
        assert record["column_count"] == len(columns)
        assert record["variant_count"] == sum(
            value is not None
            for row in run.records(record["stream"])
            if row["_sdc_report_datetime"] == record["requested_at"]
            for name, value in row.items()
            if name.endswith("__text")
        )
        assert record["job_count"] == 0
        assert record["seconds"] >= 0
    schemas = [message for message in run.schemas if message["stream"] == LOG]
    assert [schema["key_properties"] for schema in schemas] == [
        ["stream", "window_start", "requested_at"]
    ]
    versions = {m["stream"] for m in run.messages if m["type"] == "ACTIVATE_VERSION"}
    assert LOG not in versions


def _iso(day: int | None) -> str | None:
    return str(date.fromisoformat(str(day))) if day else None


def test_a_window_that_fails_has_no_record_and_its_rows_are_none_of_an_earlier_one() -> None:
    def notes(start: date | None, _end: date | None) -> Table:
        rows = [("a", 1), ("b", 2), ("c" if start and start.month != 3 else None, 3)]
        return Table(("Code", "Score"), tuple(rows))

    reports = {"notes": ReportSource(notes), "bad": ReportSource(notes)}
    with Sandbox(time_scale=TIME_SCALE, people=3, reports=reports) as sandbox:
        keyed = {"id": "notes", "primary_keys": ["Code"]}
        config = settings_for(sandbox, "bad", keyed, window_log=True, end_date="2025-04-30")
        catalog = TapCrewmojo(config=config, setup_mapper=False).catalog_dict
        sandbox.faults.add(
            Fault(phase="post", kind="status", status=404, report="bad", start=20250201)
        )
        run = synced(config, catalog=catalog)
    assert run.returncode == 1
    assert run.bookmarks == {"bad": "2025-01-31", "notes": "2025-02-28"}
    windows = [(r["stream"], r["window_start"]) for r in run.records(LOG)]
    assert windows == [
        ("bad", "2025-01-01"),
        ("notes", "2025-01-01"),
        ("notes", "2025-02-01"),
    ]
    assert replayed(run.messages)


def test_a_column_that_comes_late_in_a_report_counts() -> None:
    early = [{"Code": number, "Note": "x" * 10_000} for number in range(200)]
    body = json.dumps([*early, {"Code": 1, "Late": "y"}]).encode()
    reports = {"staff": ReportSource(lambda *_: body, content_type="application/json")}
    with Sandbox(time_scale=TIME_SCALE, people=3, reports=reports) as sandbox:
        run = synced(settings_for(sandbox, STAFF, content_type="json", window_log=True))
    assert [(r["row_count"], r["column_count"]) for r in run.records(LOG)] == [(201, 3)]


def test_jobs_are_counted(served: Sandbox) -> None:
    forced = {"id": "staff", "replication_method": "FULL_TABLE", "force_job": True}
    run = synced(settings_for(served, "notes", forced, window_log=True))
    assert [record["job_count"] for record in run.records(LOG)] == [0, 0, 0, 1]


def test_without_the_setting_nothing_is_sent(config: dict[str, Any]) -> None:
    catalog = TapCrewmojo(config=config, setup_mapper=False).catalog_dict
    assert entry_of(catalog, LOG)
    for off in (False, "false", None):
        run = synced(config | {"window_log": off}, catalog=catalog)
        assert {m["stream"] for m in run.schemas} == {"notes", "zeal_score", "staff"}
        assert run.returncode == 0


# Where it is selected


def test_discovery_has_it_as_it_is_sent(config: dict[str, Any], served: Sandbox) -> None:
    catalog = TapCrewmojo(config=config, setup_mapper=False).catalog_dict
    begun = len(requested(served))
    tap = TapCrewmojo(config=config, catalog=catalog)
    assert tap.catalog_dict == catalog
    assert len(requested(served)) == begun, "nothing is requested for it"
    entry = entry_of(catalog, LOG)
    run = synced(config, catalog=catalog)
    (schema,) = (message for message in run.schemas if message["stream"] == LOG)
    assert schema["schema"] == entry["schema"]
    assert schema["key_properties"] == entry["key_properties"]
    automatic = {
        name
        for name in COLUMNS
        if metadata_of(catalog, name, stream=LOG)["inclusion"] == "automatic"
    }
    assert automatic == {"stream", "window_start", "requested_at"}


def test_a_catalog_selects_it_and_its_columns(
    config: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    catalog = TapCrewmojo(config=config, setup_mapper=False).catalog_dict
    deselect(catalog, LOG, "seconds", "stream")
    # What else a user may change there has no effect: the columns are fixed.
    entry_of(catalog, LOG)["key_properties"] = ["report"]
    entry_of(catalog, LOG)["replication_method"] = "FULL_TABLE"
    entry_of(catalog, LOG)["schema"]["properties"]["row_count"] = {"type": "string"}
    run = synced(config | {"emit_activate_version_messages": True}, catalog=catalog)
    assert {tuple(record) for record in run.records(LOG)} == {COLUMNS[:-1]}
    (schema,) = (message for message in run.schemas if message["stream"] == LOG)
    assert tuple(schema["schema"]["properties"]) == COLUMNS[:-1]
    assert schema["key_properties"] == ["stream", "window_start", "requested_at"]
    deselect(catalog, LOG)
    with caplog.at_level("WARNING"):
        messages = synced(config, catalog=catalog).messages
    assert not [message for message in messages if message.get("stream") == LOG]
    assert f"The window log '{LOG}' is turned on, but the catalog does not select it" in caplog.text


def test_a_catalog_from_before_it_was_turned_on_does_not_leave_it_out(
    config: dict[str, Any],
) -> None:
    before = TapCrewmojo(config=config | {"window_log": False}, setup_mapper=False).catalog_dict
    assert LOG not in {entry["tap_stream_id"] for entry in before["streams"]}
    run = synced(config, catalog=before)
    assert len(replayed(run.messages)) == 7
    (schema,) = (message for message in run.schemas if message["stream"] == LOG)
    assert tuple(schema["schema"]["properties"]) == COLUMNS


def test_its_schema_is_sent_where_nothing_is_due(config: dict[str, Any]) -> None:
    config["reports"] = ["notes"]
    first = synced(config)
    again = synced(config | {"lookback_days": 0}, state=first.state)
    assert [message["stream"] for message in again.schemas] == ["notes", LOG]
    assert not again.records(LOG)
    assert again.state == first.state


def test_each_run_of_one_tap_has_its_schema(config: dict[str, Any]) -> None:
    tap = TapCrewmojo(config=config)
    first, second = (run_of(tap.sync_all) for _ in range(2))
    assert len(replayed(first.messages)) == 7
    assert len(replayed(second.messages, state=first.state)) == 3, "those of the lookback"


@pytest.mark.parametrize(("option", "records"), [("run_connection_test", 3), ("write_schemas", 0)])
def test_a_connection_test_has_its_schema_alone(
    option: str, records: int, config: dict[str, Any]
) -> None:
    run = run_of(getattr(TapCrewmojo(config=config), option))
    assert sorted(m["stream"] for m in run.schemas) == ["notes", LOG, "staff", "zeal_score"]
    found = [m["stream"] for m in run.messages if m["type"] == "RECORD"]
    assert len(found) == records
    assert LOG not in found


# Its name


@pytest.mark.parametrize(
    ("text", "name"),
    [("true", LOG), ("TRUE", LOG), ("False", None), ("crewmojo_log", "crewmojo_log")],
)
def test_a_variable_sets_its_name(
    text: str, name: str | None, config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in as_variables(
        config | {"window_log": text, "reports": ["notes"]}
    ).items():
        monkeypatch.setenv(variable, value)
    run = run_of(TapCrewmojo(parse_env_config=True).sync_all)
    assert {message["stream"] for message in run.schemas} == {"notes", name or "notes"}
    assert len(replayed(run.messages, name) if name else [1] * 3) == 3


# Stream maps and batches


def test_the_log_is_of_the_tables_that_stream_maps_make(config: dict[str, Any]) -> None:
    """A filter, copies, another name, and a stream that is left out."""
    config["stream_maps"] = {
        "notes": {"__filter__": "Code is not None", "__alias__": "meetings"},
        "copies": {"__source__": "notes"},
        "zeal_score": None,
        LOG: {"seconds": None, "__alias__": "log", "day": "window_start[:7]"},
    }
    run = synced(config)
    found: Counter[tuple[str, str]] = Counter()
    for message in run.messages:
        if message["type"] == "RECORD" and message["stream"] != "log":
            found[message["stream"], message["record"]["_sdc_report_datetime"]] += 1
    logged = run.records("log")
    counts = {(record["stream"], record["requested_at"]): record["row_count"] for record in logged}
    assert len(counts) == len(logged) == 3 + 3 + 1
    assert {key: count for key, count in counts.items() if count} == found
    assert {record["report"] for record in logged} == {"notes", "staff"}
    of_notes = [
        sum(count for (stream, _), count in counts.items() if stream == name)
        for name in ("meetings", "copies")
    ]
    assert 0 < of_notes[0] < of_notes[1]
    assert all(record["day"] == record["window_start"][:7] for record in logged)
    assert "seconds" not in logged[0]


def test_the_counts_are_the_same_whatever_writes_the_messages(config: dict[str, Any]) -> None:
    class PlainTap(TapCrewmojo):
        message_writer_class = SimpleSingerWriter  # type: ignore[assignment]  # as the SDK allows

    config["stream_maps"] = {"notes": {"__filter__": "Code is not None"}, LOG: {"seconds": None}}
    tap = PlainTap(config=config, catalog=TapCrewmojo(config=config).catalog_dict)
    plain = run_of(tap.sync_all).records(LOG)
    ours = synced(config, catalog=tap.catalog_dict).records(LOG)
    assert list(map(counts, plain)) == list(map(counts, ours))
    assert plain[0]["row_count"] > 0


def test_a_record_that_cannot_be_sent_stops_the_bookmark(
    config: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    config["stream_maps"] = {LOG: {"report": "report if window_start < '2025-02' else int(report)"}}
    run = synced(config)
    assert run.returncode == 1
    assert run.bookmarks == {"notes": "2025-01-31", "zeal_score": "2025-01-31", "staff": None}
    assert {(r["stream"], r["window_start"]) for r in run.records(LOG)} == {
        ("notes", "2025-01-01"),
        ("zeal_score", "2025-01-01"),
    }
    assert (
        "report 'notes', 2025-02-01 to 2025-02-28: its record in 'report_windows' does not fit the "
        "stream map 'report_windows': the expression of 'report' fails (ValueError)" in caplog.text
    )


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_batches_have_it_in_files_before_the_state(
    form: str, config: dict[str, Any], tmp_path: Path
) -> None:
    catalog = TapCrewmojo(config=config, setup_mapper=False).catalog_dict
    as_records = synced(config, catalog=catalog).records(LOG)
    config["batch_config"] = {
        "encoding": {"format": form},
        "storage": {"root": (tmp_path / "batches").as_uri()},
    }
    messages: list[Message] = []
    for message in synced(config, catalog=catalog).messages:
        if message["type"] == "BATCH":
            stream = message["stream"]
            rows = [row for url in message["manifest"] for row in rows_of(url)]
            messages += [{"type": "RECORD", "stream": stream, "record": row} for row in rows]
        else:
            messages.append(message)
    logged = replayed(messages).values()
    assert len(logged) == 7
    assert list(map(counts, logged)) == list(map(counts, as_records))
    deselect(catalog, LOG, "report")
    run = synced(config, catalog=catalog)
    files = [url for m in run.messages if m.get("stream") == LOG for url in m.get("manifest", [])]
    names = {tuple(row) for url in files for row in rows_of(url)}
    assert names == {tuple(name for name in COLUMNS if name != "report")}


def counts(record: Record) -> Record:
    """Return a record of the log without its times."""
    return {
        name: value for name, value in record.items() if name not in {"requested_at", "seconds"}
    }


def rows_of(url: str) -> list[dict[str, Any]]:
    file = Path(url.removeprefix("file://"))
    if file.suffix == ".parquet":
        rows: list[dict[str, Any]] = parquet.read_table(file).to_pylist()
        return rows
    return [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]


# From Python


def test_from_python_it_yields_the_windows_that_were_read_since_the_last_call(
    config: dict[str, Any], capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    tap = TapCrewmojo(config=config)
    log = tap.streams[LOG]
    assert list(log.get_records(None)) == []
    for row in tap.streams["notes"].get_records(None):
        assert isinstance(row, dict)
        if row["_sdc_report_start_date"] == "2025-03-01":
            break
    begun: list[Any] = list(log.get_records(None))
    assert [record["window_start"] for record in begun] == ["2025-01-01", "2025-02-01"]
    assert datetime.fromisoformat(begun[0]["requested_at"]).tzinfo
    assert len(list(tap.streams["staff"].get_records(None))) == next(
        record["row_count"] for record in log.get_records(None) if isinstance(record, dict)
    )
    assert list(log.get_records(None)) == []
    assert LOG not in tap.state["bookmarks"]
    assert capfdbinary.readouterr().out == b""


def test_from_python_a_report_that_fails_is_not_in_it(served: Sandbox) -> None:
    tap = TapCrewmojo(config=settings_for(served, "notes", "no.report", window_log="done"))
    with pytest.raises(ReportError, match=r"no\.report"):
        list(tap.streams["no_report"].get_records(None))
    assert list(tap.streams["done"].get_records(None)) == []

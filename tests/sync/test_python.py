"""From Python: the streams as iterators."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, date, datetime
from typing import IO, TYPE_CHECKING, Any

import pytest

from support.repository import block
from support.sandboxes import DIRECTORY, requested, settings_for
from support.tap_runs import TIME_SCALE, run_tap, tap_environment, timeless
from tap_crewmojo.clock import SCALE_VARIABLE
from tap_crewmojo.errors import ReportError
from tap_crewmojo.sandbox.company.company import ReportSource
from tap_crewmojo.sandbox.company.table import Table
from tap_crewmojo.sandbox.faults import Fault
from tap_crewmojo.sandbox.sandbox import Sandbox
from tap_crewmojo.tap import TapCrewmojo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _at_the_sandboxes_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SCALE_VARIABLE, str(TIME_SCALE))


def taken(tap: TapCrewmojo, name: str) -> Iterator[dict[str, Any]]:
    for record in tap.streams[name].get_records(None):
        assert isinstance(record, dict)  # the SDK allows for tuples
        yield record


def test_the_example_of_the_readme_prints_what_is_due(company: Sandbox, tmp_path: Path) -> None:
    config = settings_for(company, "oneonone.summary", lookback_days=0, end_date="2025-02-28")
    expected = run_tap(config, tmp_path).succeeded()

    def run_example() -> list[str]:
        (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
        return subprocess.run(
            [sys.executable, "-c", block("command: from python")],
            cwd=tmp_path,
            env=tap_environment(),
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            check=True,
        ).stdout.splitlines()

    assert run_example() == [
        f"{row['_sdc_report_start_date']} {row['Employee']} {row['Completed 1:1s']}"
        for row in expected.records("oneonone_summary")
    ]
    assert (
        json.loads((tmp_path / "kept.json").read_text(encoding="utf-8"))["state"] == expected.state
    )
    config["end_date"] = "2025-03-15"
    assert {line.split()[0] for line in run_example()} == {"2025-03-01"}


def test_records_are_those_of_the_command_line_and_nothing_is_printed(
    sandbox: Sandbox,
    tmp_path: Path,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    config = settings_for(sandbox, "oneonone.detail", "oneonone.summary", lookback_days=0)
    expected = run_tap(config, tmp_path).succeeded()
    tap = TapCrewmojo(config=config)
    assert {stream["tap_stream_id"] for stream in tap.catalog_dict["streams"]} == set(tap.streams)
    sampled = len(requested(sandbox))
    for name in tap.streams:
        assert list(map(timeless, taken(tap, name))) == [
            timeless(record) for record in expected.records(name)
        ]
    assert len(requested(sandbox)[sampled:]) == 4
    assert tap.state == expected.state
    assert list(taken(tap, "oneonone_summary")) == []  # all of it has been taken
    assert capfdbinary.readouterr().out == b""


def test_a_second_call_yields_what_is_due_by_then(company: Sandbox) -> None:
    """The windows of the lookback again, and the whole of a report without windows."""
    # As dates, which a caller in Python has; a date-time is one, too.
    period = {"start_date": datetime(2025, 1, 1, tzinfo=UTC), "end_date": date(2025, 2, 28)}
    tap = TapCrewmojo(config=settings_for(company, "oneonone.summary", DIRECTORY, **period))
    first, second = (list(map(timeless, taken(tap, "oneonone_summary"))) for _ in range(2))
    assert {record["_sdc_report_end_date"] for record in first} == {"2025-01-31", "2025-02-28"}
    assert second
    assert second == [r for r in first if r["_sdc_report_start_date"] == "2025-02-01"]
    whole, again = (list(map(timeless, taken(tap, "people_directory"))) for _ in range(2))
    assert whole
    assert whole == again


def test_a_catalog_keeps_its_columns_from_run_to_run(company: Sandbox) -> None:
    config = settings_for(company, "oneonone.summary", "no.report")
    catalog = first = TapCrewmojo(config=config).catalog_dict
    assert [stream["tap_stream_id"] for stream in catalog["streams"]] == ["oneonone_summary"]
    config["reports"] = ["oneonone.summary"]
    for _ in range(2):
        tap = TapCrewmojo(config=config, catalog=catalog)
        assert list(taken(tap, "oneonone_summary"))
        catalog = tap.catalog_dict
        assert catalog == first


def test_the_state_is_of_whole_windows(company: Sandbox) -> None:
    tap = TapCrewmojo(config=settings_for(company, "oneonone.summary"))
    for record in taken(tap, "oneonone_summary"):
        if record["_sdc_report_start_date"] == "2025-02-01":
            break
    bookmark = tap.state["bookmarks"]["oneonone_summary"]
    assert bookmark["replication_key_value"] == "2025-01-31"


def test_a_column_that_appears_comes_in_the_records(
    company: Sandbox, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    config = settings_for(company, "oneonone.summary", end_date="2025-01-31")
    catalog = TapCrewmojo(config=config).catalog_dict
    (stream,) = catalog["streams"]
    del stream["schema"]["properties"]["Team"]
    tap = TapCrewmojo(config=config, catalog=catalog)
    assert all(record["Team"] for record in taken(tap, "oneonone_summary"))
    assert capfdbinary.readouterr().out == b""


def test_a_report_that_cannot_be_read_raises(sandbox: Sandbox) -> None:
    tap = TapCrewmojo(config=settings_for(sandbox, "oneonone.summary", "no.report"))
    with pytest.raises(ReportError, match=r"no\.report"):
        list(taken(tap, "no_report"))
    assert list(taken(tap, "oneonone_summary"))


def test_no_sample_stays_on_disk(company: Sandbox, files: list[IO[bytes]]) -> None:
    """Of a report without one of its keys; of two empty windows, and one that is not due."""
    key = {"id": "oneonone.detail", "primary_keys": ["no column"]}
    config = settings_for(company, key, "engagement.survey")
    config |= {"end_date": "2025-06-02", "lookback_days": 0, "request_timeout": 300}
    TapCrewmojo(config=config, setup_mapper=False).run_discovery()
    discovered = len(files)
    assert all(file.closed for file in files)
    bookmark = {"replication_key": "_sdc_report_end_date", "replication_key_value": "2025-06-02"}
    state = {"bookmarks": {"engagement_survey": bookmark}}
    assert not list(taken(TapCrewmojo(config=config, state=state), "engagement_survey"))
    assert len(files) > discovered > 4
    assert all(file.closed for file in files)


def test_a_call_after_one_that_failed_goes_on_where_that_ended(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    tap = TapCrewmojo(config=settings_for(sandbox, "oneonone.summary", lookback_days=0))
    sandbox.faults.add(Fault(phase="post", kind="status", status=404, start=20250301))
    with pytest.raises(ReportError, match="2025-03-01 to 2025-03-15"):
        list(taken(tap, "oneonone_summary"))
    caplog.clear()
    caplog.set_level("INFO")
    starts = {record["_sdc_report_start_date"] for record in taken(tap, "oneonone_summary")}
    assert starts == {"2025-03-01"}
    assert "; 0 windows left" in caplog.text


def test_a_report_that_fails_in_the_middle_is_not_kept_on_disk(files: list[IO[bytes]]) -> None:
    table = Table(("Code", "Score"), (("a", 1), (None, 2)))
    with Sandbox(time_scale=TIME_SCALE, reports={"x.y": ReportSource(lambda *_: table)}) as sandbox:
        report = {"id": "x.y", "primary_keys": ["Code"]}
        tap = TapCrewmojo(config=settings_for(sandbox, report, end_date="2025-01-31"))
        with pytest.raises(ReportError, match="row 2") as failure:
            list(taken(tap, "x_y"))
    assert failure.value.__traceback__  # which holds all that was in use
    assert files
    assert all(file.closed for file in files)

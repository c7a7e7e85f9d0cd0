"""From Python: the streams as iterators."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from typing import IO, TYPE_CHECKING, Any

import pytest
from singer import TIME_SCALE, run_tap, tap_environment, timeless
from test_readme import block

from tap_crewmojo.clock import SCALE_VARIABLE
from tap_crewmojo.errors import ReportError
from tap_crewmojo.sandbox.runner import Sandbox
from tap_crewmojo.sandbox.sources import ReportSource
from tap_crewmojo.sandbox.table import Table
from tap_crewmojo.tap import TapCrewmojo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _at_the_sandboxes_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SCALE_VARIABLE, str(TIME_SCALE))


def taken(tap: TapCrewmojo, name: str) -> Iterator[dict[str, Any]]:
    for record in tap.streams[name].get_records(None):
        assert isinstance(record, dict)  # the SDK allows for tuples
        yield record


def test_the_example_of_the_readme_prints_what_is_due(
    company: Sandbox, settings_for: Callable[..., Any], tmp_path: Path
) -> None:
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
    settings_for: Callable[..., Any],
    tmp_path: Path,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    config = settings_for(sandbox, "oneonone.detail", "oneonone.summary", lookback_days=0)
    expected = run_tap(config, tmp_path).succeeded()
    tap = TapCrewmojo(config=config)
    assert {stream["tap_stream_id"] for stream in tap.catalog_dict["streams"]} == set(tap.streams)
    sampled = len(sandbox.requests)
    for name in tap.streams:
        assert list(map(timeless, taken(tap, name))) == [
            timeless(record) for record in expected.records(name)
        ]
    assert len([entry for entry in sandbox.requests[sampled:] if entry.phase == "post"]) == 4
    assert tap.state == expected.state
    assert list(taken(tap, "oneonone_summary")) == []  # all of it has been taken
    assert capfdbinary.readouterr().out == b""


def test_the_state_is_of_whole_windows(company: Sandbox, settings_for: Callable[..., Any]) -> None:
    tap = TapCrewmojo(config=settings_for(company, "oneonone.summary"))
    for record in taken(tap, "oneonone_summary"):
        if record["_sdc_report_start_date"] == "2025-02-01":
            break
    bookmark = tap.state["bookmarks"]["oneonone_summary"]
    assert bookmark["replication_key_value"] == "2025-01-31"


def test_a_column_that_appears_comes_in_the_records(
    company: Sandbox, settings_for: Callable[..., Any], capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    config = settings_for(company, "oneonone.summary", end_date="2025-01-31")
    catalog = TapCrewmojo(config=config).catalog_dict
    (stream,) = catalog["streams"]
    del stream["schema"]["properties"]["Team"]
    tap = TapCrewmojo(config=config, catalog=catalog)
    assert all(record["Team"] for record in taken(tap, "oneonone_summary"))
    assert capfdbinary.readouterr().out == b""


def test_a_report_that_cannot_be_read_raises(
    sandbox: Sandbox, settings_for: Callable[..., Any]
) -> None:
    tap = TapCrewmojo(config=settings_for(sandbox, "oneonone.summary", "no.report"))
    with pytest.raises(ReportError, match=r"no\.report"):
        list(taken(tap, "no_report"))
    assert list(taken(tap, "oneonone_summary"))


def test_a_report_that_fails_in_the_middle_is_not_kept_on_disk(
    settings_for: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    files: list[IO[bytes]] = []
    make = tempfile.TemporaryFile

    def remembered(**options: Any) -> IO[bytes]:  # noqa: ANN401
        files.append(make(**options))
        return files[-1]

    monkeypatch.setattr("tap_crewmojo.report_file.tempfile.TemporaryFile", remembered)
    table = Table(("Code", "Score"), (("a", 1), (None, 2)))
    with Sandbox(time_scale=TIME_SCALE, reports={"x.y": ReportSource(lambda *_: table)}) as sandbox:
        report = {"id": "x.y", "primary_keys": ["Code"]}
        tap = TapCrewmojo(config=settings_for(sandbox, report, end_date="2025-01-31"))
        with pytest.raises(ReportError, match="row 2") as failure:
            list(taken(tap, "x_y"))
    assert failure.value.__traceback__  # which holds all that was in use
    assert files
    assert all(file.closed for file in files)

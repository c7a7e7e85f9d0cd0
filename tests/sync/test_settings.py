"""Every setting works from every source; every invalid one is reported before any request."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from support.sandboxes import DIRECTORY, as_variables, settings_for
from support.tap_runs import TIME_SCALE, run_tap, timeless
from tap_crewmojo.config.json_schema import SETTINGS
from tap_crewmojo.sandbox.company.company import ReportSource
from tap_crewmojo.sandbox.company.table import Table
from tap_crewmojo.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("arguments", [(), ("--discover",), ("--test",)], ids=str)
def test_all_invalid_settings_are_listed_before_any_request(
    arguments: tuple[str, ...],
    sandbox: Sandbox,
    tmp_path: Path,
) -> None:
    config = settings_for(
        sandbox,
        "oneonone.summary",
        {"id": "oneonone_summary"},
        {"id": "a", "windw": "month"},
        {"id": "b", "columns": {"Amount": "money", "Day": {"type": "number", "format": "%d"}}},
        {"id": "c", "report_window": "fortnight", "primary_keys": "Code"},
        {"id": "d", "columns": {"Day": {"type": "number", "format": "%d"}}},
        start_date="2024-05-01",
        end_date="2024-04-30",
        timezone="Mars/Olympus",
        api_url="http://crewmojo.example/v1",
        report_window="decade",
        content_type="xml",
        lookback_days=-1,
        request_timeout=30,
        max_parallel_reports=17,
        job_timeout=601,
        on_new_column="shrug",
    )
    run = run_tap(config, tmp_path, *arguments)
    assert run.returncode == 1
    assert run.stdout == ""
    assert "Traceback" not in run.stderr
    message = run.stderr[run.stderr.index("The settings are invalid:") :]
    for words in (
        "reports[2]: unknown setting 'windw'; did you mean 'report_window'?",
        "reports[3].columns.Amount must be string, number, boolean, date or date-time",
        "reports[4].report_window must be day, week, month, quarter or year",
        "both be the stream 'oneonone_summary'",
        "the type of column 'Day' of 'd' must be date or date-time",
        "end_date (2024-04-30) must not be before start_date (2024-05-01)",
        "timezone must be an IANA time zone, such as 'Australia/Sydney'; it is 'Mars/Olympus'",
        "api_url must begin with https",
        "- report_window must be day, week, month, quarter or year",
        "content_type must be csv or json",
        "lookback_days must be at least 0",
        "request_timeout must be at least 31",
        "max_parallel_reports must be at most 16",
        "job_timeout must be at most 600",
        "on_new_column must be add, collect, ignore or fail",
        "reports[4].primary_keys must be an array",
    ):
        assert words in message
    assert not sandbox.requests


def test_missing_credentials_are_named(tmp_path: Path) -> None:
    run = run_tap({}, tmp_path)
    assert run.returncode == 1
    (error,) = [line for line in run.stderr.splitlines() if "| ERROR" in line]
    assert error.endswith("The settings are invalid:")
    for name in ("client_id", "client_secret", "reports"):
        assert run.stderr.count(f"  - {name} is missing") == 1


def test_start_date_is_not_needed_without_dates(company: Sandbox, tmp_path: Path) -> None:
    config = settings_for(company, DIRECTORY)
    del config["start_date"], config["end_date"]
    assert run_tap(config, tmp_path).succeeded().records("people_directory")


def test_the_environment_serves_as_well_as_a_file(company: Sandbox, tmp_path: Path) -> None:
    config = settings_for(
        company,
        "oneonone.summary",
        {"id": "oneonone.detail", "name": "meetings", "columns": {"Rating": "string"}},
        timezone="Australia/Sydney",
        report_window="quarter",
        lookback_days=3,
        content_type="json",
        max_parallel_reports=2,
        job_timeout=200,
        max_job_attempts=2,
        request_timeout=60,
        infer_types=False,
        on_new_column="fail",
        window_log="report_log",
        force_job=False,
        environment="test",
        emit_activate_version_messages=True,
    )
    from_file = run_tap(config, tmp_path).succeeded()
    from_env = run_tap({}, tmp_path, "--config=ENV", env=as_variables(config)).succeeded()
    for stream in ("oneonone_summary", "meetings"):
        records = from_file.records(stream)
        assert list(map(timeless, from_env.records(stream))) == list(map(timeless, records))
        assert records
    assert from_env.state == from_file.state
    assert from_env.schemas == from_file.schemas
    assert {"oneonone_summary", "meetings", "report_log"} == {m["stream"] for m in from_env.schemas}
    assert all(
        column["type"][0] == "string"
        for name, column in from_env.schemas[0]["schema"]["properties"].items()
        if not name.startswith("_sdc")
    )


def test_variables_that_no_setting_can_be_are_named(tmp_path: Path) -> None:
    env = {
        "TAP_CREWMOJO_JOB_TIMEOUT": "abc",
        "TAP_CREWMOJO_INFER_TYPES": "flase",
        "TAP_CREWMOJO_REPORTS": '[{"id": "r",}]',
        "TAP_CREWMOJO_STREAM_MAPS": "{",
    }
    for words in ((), ("--discover",)):
        run = run_tap({}, tmp_path, "--config=ENV", *words, env=env)
        assert run.returncode == 1
        assert "TAP_CREWMOJO_JOB_TIMEOUT must be a whole number" in run.stderr
        assert "TAP_CREWMOJO_INFER_TYPES must be one of true, false" in run.stderr
        assert "TAP_CREWMOJO_REPORTS must be a JSON array" in run.stderr
        assert "TAP_CREWMOJO_STREAM_MAPS must be a JSON object" in run.stderr
        assert "Traceback" not in run.stderr


def test_variables_that_are_no_setting_are_named(company: Sandbox, tmp_path: Path) -> None:
    config = settings_for(company, "oneonone.summary")
    unknown = {"TAP_CREWMOJO_END_DAT": "2025-01-31", "TAP_CREWMOJO_REPORTS_WINDOW": "year"}
    others = {
        "TAP_CREWMOJO_TIME_SCALE": "0.01",
        "TAP_CREWMOJO_LOGLEVEL": "INFO",
        "TAP_CREWMOJO_LOOKBACK_DAYS": "3",
        "TAP_CREWMOJO_STREAM_MAP_CONFIG": "{}",
        "TAP_CREWMOJO__LOAD_SCHEMA": "tap_crewmojo",  # as Meltano names what is its own
        "TAP_CREWMOJO_BATCH_CONFIG_ENCODING_FORMAT": "jsonl",  # likewise, of a nested setting
    }
    run = run_tap(config, tmp_path, "--config=ENV", env=unknown | others).succeeded()
    for name, meant in {"END_DAT": "END_DATE", "REPORTS_WINDOW": "REPORT_WINDOW"}.items():
        assert (
            f"Ignored: unknown setting 'TAP_CREWMOJO_{name}'; did you mean 'TAP_CREWMOJO_{meant}'?"
        ) in run.stderr
    assert run.stderr.count("unknown setting") == len(unknown)
    assert "unknown setting" not in run_tap(config, tmp_path, env=unknown).stderr


def test_files_that_are_not_json_are_refused_in_a_sentence(
    company: Sandbox, tmp_path: Path
) -> None:
    config = settings_for(company, "oneonone.summary")
    (tmp_path / "broken.json").write_text('{"client_id": ', encoding="utf-8")
    for option in ("config", "catalog", "state"):
        file = tmp_path / "broken.json"
        run = run_tap(config, tmp_path, f"--{option}", str(file))
        assert run.returncode == 1
        assert "Traceback" not in run.stderr
        assert (
            f"The file '{file}' given as --{option} must be JSON: see its line 1, column 15"
        ) in run.stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"[1]", "must hold a JSON object", id="array"),
        pytest.param(b"null", "must hold a JSON object", id="null"),
        pytest.param(b"", "must be JSON: see its line 1, column 1", id="empty"),
        pytest.param(b'{"client_id": "\xe9"}', "must be in UTF-8 or UTF-16", id="ISO-8859-1"),
        pytest.param(b"[" * 100_000, "must not be nested this deeply", id="nested"),
        pytest.param(None, "cannot be read: is a directory", id="directory"),
    ],
)
def test_a_configuration_that_cannot_be_read_is_refused_in_a_sentence(
    content: bytes | None, words: str, tmp_path: Path
) -> None:
    file = tmp_path / "given"
    file.mkdir() if content is None else file.write_bytes(content)
    run = run_tap({}, tmp_path, "--config", str(file), "--discover")
    assert run.returncode == 1
    assert run.stderr.splitlines()[-1].endswith(f"The file '{file}' given as --config {words}")
    assert "Traceback" not in run.stderr


def test_a_missing_configuration_is_named(tmp_path: Path) -> None:
    file = tmp_path / "none.json"
    run = run_tap({}, tmp_path, "--config", str(file))
    assert run.returncode == 1
    assert (
        f"The file '{file}' given as --config cannot be read: no such file or directory"
    ) in run.stderr


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_configuration_of_powershell_is_read(
    encoding: str, company: Sandbox, tmp_path: Path
) -> None:
    file = tmp_path / "windows.json"
    file.write_text(json.dumps(settings_for(company, DIRECTORY)), encoding=encoding)
    run = run_tap({}, tmp_path, "--config", str(file)).succeeded()
    assert len(run.records("people_directory")) == company.people


@pytest.mark.parametrize(
    ("env", "words"),
    [
        pytest.param(
            {"TAP_CREWMOJO_TIME_SCALE": "fast"},
            "TAP_CREWMOJO_TIME_SCALE must be a positive number",
            id="no number",
        ),
        pytest.param(
            {"TAP_CREWMOJO_TIME_SCALE": "nan"},
            "TAP_CREWMOJO_TIME_SCALE must be a positive number",
            id="nan",
        ),
        pytest.param(
            {"TMPDIR": "/none/such"},
            "TMPDIR must be a folder for temporary files: no such file or directory",
            id="no folder",
        ),
        pytest.param(
            {"TMPDIR": "", "TEMP": __file__},
            "TEMP must be a folder for temporary files: not a directory",
            id="a file",
        ),
    ],
)
def test_a_machine_that_is_set_up_wrongly_is_refused_before_any_request(
    env: dict[str, str],
    words: str,
    sandbox: Sandbox,
    tmp_path: Path,
) -> None:
    run = run_tap(settings_for(sandbox, "oneonone.summary"), tmp_path, env=env)
    assert run.returncode == 1
    assert words in run.stderr
    assert "Traceback" not in run.stderr
    assert not sandbox.requests
    assert not sandbox.tokens


@pytest.mark.parametrize("change", [{"api_url": None}, {"api_url": "https://crewmojo.example/v1"}])
def test_the_time_scale_is_for_a_sandbox_on_this_machine_only(
    change: dict[str, Any], company: Sandbox, tmp_path: Path
) -> None:
    config = settings_for(company, "oneonone.summary", **change)
    config = {name: value for name, value in config.items() if value is not None}
    run = run_tap(config, tmp_path)
    assert run.returncode == 1
    assert "TAP_CREWMOJO_TIME_SCALE must not be set, unless api_url is that of a" in run.stderr
    assert "Requesting" not in run.stderr


def test_variables_that_are_not_read_get_a_hint(tmp_path: Path) -> None:
    env = {"TAP_CREWMOJO_CLIENT_ID": "me", "TAP_CREWMOJO_REPORTS": '["x"]'}
    run = run_tap({}, tmp_path, env=env)
    assert run.returncode == 1
    assert (
        "TAP_CREWMOJO_CLIENT_ID, TAP_CREWMOJO_REPORTS: variables are read with `--config=ENV` only"
    ) in run.stderr


@pytest.mark.parametrize(
    "env", [{"LOGLEVEL": "FOO"}, {"SINGER_SDK_LOG_CONFIG": __file__}], ids=["level", "config"]
)
def test_a_log_that_cannot_be_set_up_is_said_in_a_sentence(
    env: dict[str, str], tmp_path: Path
) -> None:
    run = run_tap({}, tmp_path, env=env)
    assert run.returncode == 1
    assert "LOGLEVEL must be DEBUG, INFO, WARNING, ERROR or CRITICAL" in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_catalog_is_read_in_its_own_encoding_and_not_the_systems(
    encoding: str, tmp_path: Path
) -> None:
    reports = {"x": ReportSource(lambda *_: Table(("Größe",), (("7",),)))}
    with Sandbox(time_scale=TIME_SCALE, people=3, reports=reports) as sandbox:
        config = settings_for(sandbox, "x", end_date="2025-01-31")
        catalog = run_tap(config, tmp_path, "--discover").succeeded().catalog
        file = tmp_path / "by-hand.json"
        file.write_text(json.dumps(catalog, ensure_ascii=False), encoding=encoding)
        ascii_only = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
        run = run_tap(config, tmp_path, "--catalog", str(file), env=ascii_only).succeeded()
    assert [row["Größe"] for row in run.records("x")] == [7], "typed as the catalog says"


def test_a_setting_that_is_none_is_named(company: Sandbox, tmp_path: Path) -> None:
    run = run_tap(settings_for(company, "oneonone.summary", start_dat="x"), tmp_path).succeeded()
    assert "unknown setting 'start_dat'; did you mean 'start_date'?" in run.stderr


def test_about_documents_every_setting(tmp_path: Path) -> None:
    about = run_tap({}, tmp_path, "--about", "--format=markdown").succeeded().stdout
    rows = {
        match["name"]: match["words"]
        for match in re.finditer(
            r"^\| (?P<name>\w+) \|.*\| (?P<words>[^|]*) \|$", about, re.MULTILINE
        )
    }
    for name, setting in SETTINGS["properties"].items():
        assert rows[name] == setting["description"]
        assert len(rows[name]) > 40
    described = json.loads(run_tap({}, tmp_path, "--about", "--format=json").stdout)
    assert described["settings"]["properties"]["client_secret"]["secret"] is True

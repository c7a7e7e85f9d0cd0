"""Each invalid setting has a sentence that says what it must be."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.exceptions import ConfigValidationError

from support.sandboxes import settings_for
from tap_crewmojo.tap import TapCrewmojo

if TYPE_CHECKING:
    from tap_crewmojo.sandbox.sandbox import Sandbox

BATCHES = {"encoding": {"format": "jsonl", "compression": "gzip"}, "storage": {"root": "file:///x"}}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({"start_date": "2023-02-30"}, "must be a date, such as", id="impossible"),
        pytest.param({"end_date": "soon"}, "2024-01-31; it is 'soon'", id="no date"),
        pytest.param({"start_date": None}, "start_date is missing", id="no start"),
        pytest.param({"reports": []}, "reports must not be empty", id="no report"),
        pytest.param({"api_url": "ftp://x/v1"}, "must be a web address", id="ftp"),
        pytest.param({"api_url": "https://x/v2"}, "must end in '/v1'", id="no v1"),
        pytest.param({"api_url": "https://x/v1\n"}, "whitespace", id="line break in the URL"),
        pytest.param({"api_url": "https://x/a b/v1"}, "whitespace", id="blank in the URL"),
        pytest.param({"api_url": "https://x\x00/v1"}, "control characters", id="NUL in the URL"),
        pytest.param({"reports": [".."]}, "must not be '..'", id="a step up"),
        pytest.param({"reports": [{"id": "."}]}, "must not be '.'", id="a step nowhere"),
        pytest.param({"reports": [" \u3000"]}, "must not be blank", id="blank id"),
        pytest.param({"reports": ["a\nb"]}, r"'a\nb' must not", id="line break in the id"),
        pytest.param({"reports": ["a\u2028b"]}, r"'a\u2028b' must not", id="other line break"),
        pytest.param(
            {"reports": ["a\x1b[2J"]}, "must not hold control characters", id="escape in the id"
        ),
        pytest.param({"reports": ["a\ud800"]}, r"'a\ud800' must not", id="half a character"),
        pytest.param({"reports": [{"id": "a", "name": "b\r"}]}, r"name 'b\r'", id="name"),
        pytest.param({"api_url": "https://me:pw@x/v1"}, "must not hold credentials", id="userinfo"),
        pytest.param(
            {"client_secret": 123456},
            "client_secret must be a string",
            id="secret",
        ),
        pytest.param({"api_url": "http://[::1/v1"}, "must be a web address", id="bracket"),
        pytest.param({"api_url": "https://x:abc/v1"}, "must be a web address", id="port"),
        pytest.param({"reports": ["[a"]}, "looks like invalid JSON", id="broken JSON"),
        pytest.param(
            {"reports": {"id": "r", "client_secret": "123456"}},
            "reports must be an array",
            id="a secret in the wrong place",
        ),
        pytest.param(
            {"reports": [{"id": "a", "primary_keys": ["_sdc_row_number", "x"]}]},
            "primary_keys of 'a' must not hold '_sdc_row_number'",
            id="own column as key",
        ),
        pytest.param(
            {"reports": [{"id": "a", "columns": {"D": {"type": "date", "format": "%Q"}}}]},
            "the 'format' of column 'D' of 'a' must be a `strptime` format",
            id="no format",
        ),
        pytest.param(
            {"reports": [{"id": "a", "columns": {"D": {"type": "date", "format": "%Y %Z"}}}]},
            "%z may be",
            id="zone by name",
        ),
        pytest.param(
            {"reports": [{"id": "a", "columns": {"D": {"type": "date", "format": "%d %b"}}}]},
            "with a year",
            id="no year",
        ),
        pytest.param(
            {"batch_config": BATCHES | {"encoding": {"format": "orc"}}},
            "batch_config.encoding.format must be jsonl or parquet",
            id="orc",
        ),
        pytest.param(
            {"batch_config": BATCHES | {"storage": None}},
            "storage.root is missing",
            id="no storage",
        ),
        pytest.param(
            {"batch_config": BATCHES | {"encoding": {"compression": "gzip"}}},
            "encoding.format is missing",
            id="no format of batches",
        ),
        pytest.param(
            {"batch_config": BATCHES | {"storage": {"root": "file:///x", "rot": "x"}}},
            "batch_config.storage: unknown setting 'rot'; did you mean 'root'?",
            id="unknown part of batches",
        ),
        pytest.param(
            {"batch_config": BATCHES | {"batch_size": 0}},
            "batch_size must be a whole number",
            id="batches of none",
        ),
        pytest.param(
            {"batch_config": BATCHES | {"batch_size": "10"}},
            "batch_size must be a whole number",
            id="size as text",
        ),
        pytest.param(
            {"batch_config": BATCHES | {"size": 10}},
            "unknown setting 'size'; did you mean 'batch_size'?",
            id="size of batches",
        ),
        pytest.param(
            {"batch_config": BATCHES, "stream_maps": {"a": {}}},
            "batch_config must not be set together with stream_maps",
            id="batches with maps",
        ),
        pytest.param({"reports": [{"name": "x"}]}, "reports[0].id is missing", id="no id"),
        pytest.param(
            {"reports": [{"id": "a", "on_new_column": "collect"}]},
            "reports[0]: 'on_new_column' belongs beside `reports`, not in it",
            id="setting of the tap in a report",
        ),
        pytest.param(
            {"window_log": 5}, "window_log must be true or false or a string", id="log of no name"
        ),
        pytest.param({"window_log": ""}, "which must not be empty", id="empty name of the log"),
        pytest.param({"window_log": " "}, "which must not be empty", id="blank name of the log"),
        pytest.param({"window_log": "a\nb"}, "or line breaks", id="line break in the log's name"),
        pytest.param(
            {"window_log": "A"},
            "window_log: 'A' must not be the stream of a report, as it is of 'a'",
            id="a stream in another case",
        ),
        pytest.param(
            {"window_log": True, "reports": [{"id": "a", "name": "Report_Windows"}]},
            "window_log: 'report_windows' must not be the stream of a report, as it is of 'a'",
            id="default name of the log",
        ),
        pytest.param(
            {"window_log": "a_b", "reports": ["a.b"]},
            "as it is of 'a.b'; choose another name",
            id="name that an identifier gives",
        ),
    ],
)
def test_each_invalid_setting_has_a_sentence(
    change: dict[str, Any],
    words: str,
    company: Sandbox,
) -> None:
    config = {**settings_for(company, "a"), **change}
    config = {name: value for name, value in config.items() if value is not None}
    with pytest.raises(ConfigValidationError) as failure:
        TapCrewmojo(config=config, catalog={"streams": []})
    (error,) = failure.value.errors
    assert words in error
    assert "123456" not in error
    assert "pw" not in error.replace("password", "")


def test_an_extra_that_is_not_installed_is_named(
    company: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for library in ("pyarrow", "s3fs"):
        monkeypatch.setitem(sys.modules, library, None)  # as if it were not there
    batches = {"encoding": {"format": "parquet"}, "storage": {"root": "s3://bucket/prefix"}}
    config = settings_for(company, "a", batch_config=batches)
    with pytest.raises(ConfigValidationError) as failure:
        TapCrewmojo(config=config, catalog={"streams": []})
    (error,) = failure.value.errors
    for extra in ("parquet", "s3"):
        assert f"install the tap with its extra '{extra}'" in error

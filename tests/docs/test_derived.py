"""What is derived from the settings is up to date, and what others can read."""

from __future__ import annotations

import io
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from dotenv import dotenv_values

from generate import CLONE, INDEX, extractor, generated
from support.repository import ROOT
from support.sandboxes import as_variables, settings_for
from support.tap_runs import run_tap
from tap_crewmojo.config.json_schema import SETTINGS

if TYPE_CHECKING:
    from pathlib import Path

    from tap_crewmojo.sandbox.sandbox import Sandbox

# Of the Hub, for its pages; Meltano's schema of a project knows nothing of them.
# https://github.com/meltano/hub/blob/main/schemas/plugin_definitions/hub_metadata.schema.json
HUB_ONLY = (
    "domain_url",
    "keywords",
    "log_parser",
    "maintenance_status",
    "quality",
    "supported_python_versions",
)


def test_what_is_committed_is_what_the_settings_make() -> None:
    for name, text in generated().items():
        committed = (ROOT / name).read_text(encoding="utf-8")
        assert committed == text, f"{name} is out of date: run `nox -s generate`"


def test_one_address_leads_from_the_clone_to_the_index() -> None:
    texts = generated(INDEX)
    assert yaml.safe_load(texts["plugin.yml"])["pip_url"] == INDEX.tap
    assert CLONE.tap in generated(CLONE)["README.md"]
    for name, text in texts.items():
        assert CLONE.tap not in text, name


def test_the_definition_has_every_setting_as_meltano_wants_it() -> None:
    known = {setting["name"]: setting for setting in extractor()["settings"]}
    assert known.keys() >= SETTINGS["properties"].keys()
    assert [name for name, setting in known.items() if "sensitive" in setting] == ["client_secret"]
    kinds = {name: setting["kind"] for name, setting in known.items()}
    assert kinds["client_secret"] == kinds["timezone"] == "string"
    assert kinds["reports"] == "array"
    assert kinds["start_date"] == kinds["end_date"] == "date_iso8601"
    assert kinds["lookback_days"] == "integer"
    assert kinds["infer_types"] == "boolean"
    assert kinds["stream_maps"] == "object"
    assert kinds["window_log"] == "string", "a boolean would not keep a name"
    assert known["lookback_days"]["value"] == 7
    assert known["content_type"]["options"] == [
        {"label": "CSV", "value": "csv"},
        {"label": "JSON", "value": "json"},
    ]
    assert known["batch_config.storage.root"]["kind"] == "string"


@pytest.mark.parametrize("name", ["meltano.yml", "plugin.yml"])
def test_the_definition_is_valid_by_meltanos_schema(name: str, tmp_path: Path) -> None:
    content = yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))
    if name == "plugin.yml":
        plugin = {key: value for key, value in content.items() if key not in HUB_ONLY}
        assert content.keys() - plugin.keys() == set(HUB_ONLY)
        content = {"plugins": {"extractors": [plugin]}}
    assert not _complaints(content, tmp_path)
    content["plugins"]["extractors"][0]["settings"][0]["kind"] = "secret"
    assert "'secret' is not one of" in _complaints(content, tmp_path)


def _complaints(project: dict[str, Any], directory: Path) -> str:
    file = directory / "project.yml"
    file.write_text(yaml.safe_dump(project), encoding="utf-8")
    checker = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.meltano"]
    done = subprocess.run(
        [*checker, "--verbose", str(file)], capture_output=True, encoding="utf-8", check=False
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_the_example_of_an_environment_is_one(company: Sandbox, tmp_path: Path) -> None:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    example = dotenv_values(stream=io.StringIO(text.replace("#TAP_", "TAP_")))
    assert {name.removeprefix("TAP_CREWMOJO_").lower() for name in example} == set(
        SETTINGS["properties"]
    )
    assert example["TAP_CREWMOJO_CLIENT_SECRET"] == ""
    own = settings_for(company)
    env = {name: value or "" for name, value in example.items()} | as_variables(
        {
            name: own[name]
            for name in ("client_id", "client_secret", "api_url", "start_date", "end_date")
        }
    )
    run = run_tap({}, tmp_path, "--config=ENV", env=env).succeeded()
    assert run.records("oneonone_summary")
    assert run.bookmarks == {"oneonone_summary": "2025-03-15"}

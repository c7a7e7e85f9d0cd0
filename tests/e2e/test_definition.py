"""The definition for Meltano Hub, in a new project of Meltano's: added, set up, run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from generate import extractor
from support.sandboxes import requested
from support.targets import clone_in, loader_definition, run_meltano

if TYPE_CHECKING:
    from pathlib import Path

    from tap_crewmojo.sandbox.sandbox import Sandbox

LAST = ("oneonone.summary", 20250301, 20250315)
SUMMARIES = {
    ("oneonone.summary", 20250101, 20250131),
    ("oneonone.summary", 20250201, 20250228),
    LAST,
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project to which the tap has been added from its definition, and a loader."""
    run_meltano(tmp_path, "init", "project")
    project = tmp_path / "project"
    clone_in(tmp_path)
    run_meltano(project, "add", "--from-ref", "../tap-crewmojo/plugin.yml", "tap-crewmojo")
    loader = loader_definition(tmp_path / "loader.yml")
    run_meltano(project, "add", "--from-ref", str(loader), "target-jsonl")
    return project


def test_a_project_starts_from_the_definition_and_resumes(project: Path, sandbox: Sandbox) -> None:
    listed = run_meltano(project, "config", "list", "tap-crewmojo", "--all")
    for setting in extractor()["settings"]:
        name = setting["name"]
        assert f"{name} [env: TAP_CREWMOJO_{name.replace('.', '_').upper()}]" in listed
    assert "Required settings: client_id, client_secret, reports" in listed

    for name, value in {
        "client_secret": sandbox.client_secret,
        "reports": '["oneonone.summary", "oneonone.detail"]',
        "start_date": "2025-01-01",
    }.items():
        run_meltano(project, "config", "set", "tap-crewmojo", name, value)
    definition = (project / "meltano.yml").read_text(encoding="utf-8")
    assert sandbox.client_secret not in definition
    assert sandbox.client_secret in (project / ".env").read_text(encoding="utf-8")
    config = json.loads(run_meltano(project, "config", "print", "tap-crewmojo"))
    assert config["client_secret"] != sandbox.client_secret
    assert config["reports"] == ["oneonone.summary", "oneonone.detail"]
    assert config["lookback_days"] == 7

    env = {
        "TAP_CREWMOJO_CLIENT_ID": sandbox.client_id,
        "TAP_CREWMOJO_API_URL": sandbox.api_url,
        "TAP_CREWMOJO_END_DATE": "2025-03-15",
        "TAP_CREWMOJO_TIME_SCALE": str(sandbox.time_scale),
    }
    about = json.loads(run_meltano(project, "invoke", "tap-crewmojo", "--about", "--format=json"))
    assert sorted(about["capabilities"]) == extractor()["capabilities"]
    catalog = json.loads(run_meltano(project, "invoke", "tap-crewmojo", "--discover", env=env))
    assert {stream["tap_stream_id"] for stream in catalog["streams"]} == {
        "oneonone_summary",
        "oneonone_detail",
    }
    assert "is valid" in run_meltano(project, "config", "test", "tap-crewmojo", env=env)

    # Columns and streams that are left out are neither requested nor written.
    run_meltano(project, "select", "tap-crewmojo", "oneonone_summary", "*", env=env)
    run_meltano(project, "select", "tap-crewmojo", "--exclude", "*", "Email", env=env)
    before = len(requested(sandbox))
    run_meltano(project, "run", "tap-crewmojo", "target-jsonl", env=env)
    posts = requested(sandbox)[before:]
    assert {post for post in posts if post[0] == "oneonone.summary"} >= SUMMARIES
    assert len({post for post in posts if post[0] == "oneonone.detail"}) <= 1, "its sample"
    (file,) = (project / "output").glob("*.jsonl")
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert rows
    assert all("Employee" in row and "Email" not in row for row in rows)

    # A later run resumes from the state, and a full refresh starts from the beginning.
    for options, windows in ([], {LAST}), (["--full-refresh"], SUMMARIES):
        before = len(requested(sandbox))
        run_meltano(project, "run", *options, "tap-crewmojo", "target-jsonl", env=env)
        posts = requested(sandbox)[before:]
        assert {post for post in posts if post[0] == "oneonone.summary"} == windows
        state = json.loads(run_meltano(project, "state", "get", "dev:tap-crewmojo-to-target-jsonl"))
        bookmark = state["singer_state"]["bookmarks"]["oneonone_summary"]
        assert bookmark["replication_key_value"] == "2025-03-15"

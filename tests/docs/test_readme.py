"""The README says what is true."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest

import tap_crewmojo
from support.declared_targets import markdown
from support.repository import README, ROOT, block
from support.targets import postgres_server

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS = [
    # one month, read twice: Bob left it, Ann changed
    ("2025-01-01", "Ann", 1, datetime(2025, 2, 1, tzinfo=UTC)),
    ("2025-01-01", "Bob", 2, datetime(2025, 2, 1, tzinfo=UTC)),
    ("2025-01-01", "Ann", 3, datetime(2025, 2, 2, tzinfo=UTC)),
    # another, read once
    ("2025-02-01", "Cat", 4, datetime(2025, 3, 1, tzinfo=UTC)),
]
CREATE = (
    "CREATE TABLE oneonone_summary "
    "(_sdc_report_start_date DATE, name TEXT, value INTEGER, _sdc_report_datetime TIMESTAMPTZ)"
)
INSERTS = [
    f"INSERT INTO oneonone_summary VALUES ('{start}', '{name}', {value}, '{moment}')"  # noqa: S608
    for start, name, value, moment in ROWS
]
CURRENT = "SELECT name, value FROM oneonone_summary_current ORDER BY name"


def test_the_view_of_current_rows_on_duckdb() -> None:
    with duckdb.connect() as database:
        for statement in (CREATE, *INSERTS, block("sql: current rows")):
            database.execute(statement)
        assert database.sql(CURRENT).fetchall() == [("Ann", 3), ("Cat", 4)]


def test_the_view_of_current_rows_on_postgres() -> None:
    with postgres_server() as server:
        for statement in (CREATE, *INSERTS, block("sql: current rows")):
            server.query(statement)
        assert server.query(CURRENT) == [("Ann", 3), ("Cat", 4)]


def test_ci_runs_the_commands_of_the_readme() -> None:
    assert block("command: tests").strip().endswith(".venv/bin/nox")
    assert block("command: demo").strip().endswith(".venv/bin/nox -s demo")
    script = (ROOT / ".ci/run").read_text(encoding="utf-8")
    assert "README.md" in script
    assert "for name in tests demo" in script


def test_links_within_the_repository_lead_somewhere() -> None:
    headings = {
        re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in README.splitlines()
        if line.startswith("#")
    }
    for target in re.findall(r"(?:\]\(|src=\")([^)\"]+)", README):
        if target.startswith("#"):
            assert target[1:] in headings, target
        elif "://" not in target:
            assert (ROOT / target).exists(), target


def test_the_table_of_targets_is_what_is_measured() -> None:
    _, table, _ = README.split("<!-- targets -->\n")
    assert table == markdown()


@pytest.mark.parametrize("text", re.findall(r"```json\n(.*?)```", README, re.DOTALL))
def test_json_examples_are_json(text: str) -> None:
    json.loads(text if text.lstrip().startswith("{") else f"{{{text}}}")


def test_every_message_in_the_table_is_the_codes() -> None:
    table = README.split("## When it fails")[1].split("\n## ")[0]
    code = " ".join(
        re.sub(r'"\s*\n\s*f?"', "", path.read_text(encoding="utf-8"))
        for path in Path(tap_crewmojo.__file__).parent.rglob("*.py")
    )
    phrases = [
        phrase
        for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
        for phrase in re.findall(r"`([^`]+)`", row)
    ]
    assert len(phrases) > 12
    normal: Callable[[str], str] = lambda text: re.sub(r"\{[^{}]*\}|\d+", "#", text)  # noqa: E731
    for phrase in phrases:
        for part in phrase.split(" … "):
            assert normal(part) in normal(code), part

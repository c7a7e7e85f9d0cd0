"""The README and the pages in `docs` are true, linked, and in plain words."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest
import sqlglot

import tap_crewmojo
from support.declared_targets import markdown
from support.postgres import postgres_server
from support.repository import PAGES, README, ROOT, all_fenced, block, part
from tap_crewmojo.config.json_schema import SETTINGS
from tap_crewmojo.schema.names import ColumnNames, Naming

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OTHERS = {
    name: (ROOT / name).read_text(encoding="utf-8")
    for name in (
        "CHANGELOG.md",
        ".github/CONTRIBUTING.md",
        ".github/RELEASING.md",
        ".github/SECURITY.md",
        "examples/dagster/README.md",
    )
}
"""Texts that are no pages of the documentation, but follow its rules for links and words."""

LONGEST_README = 170  # lines, without generated parts: about two screens
BANNED = (
    "told|tells?|to be had|but for|let go|beyond doubt|of its own|as it is|anew|mend|lest|"
    "is to come|looked through|patience|mistakes?|misfits?|time-outs?"
)

ROWS = [
    # one month, read twice: Bob left it, Ann changed
    ("2025-01-01", "Ann", 1, datetime(2025, 2, 1, tzinfo=UTC)),
    ("2025-01-01", "Bob", 2, datetime(2025, 2, 1, tzinfo=UTC)),
    ("2025-01-01", "Ann", 3, datetime(2025, 2, 2, tzinfo=UTC)),
    # another, read once
    ("2025-02-01", "Cat", 4, datetime(2025, 3, 1, tzinfo=UTC)),
]
STATEMENTS = [
    (
        "CREATE TABLE oneonone_summary (_sdc_report_start_date DATE, name TEXT, value INTEGER, "
        "_sdc_report_datetime TIMESTAMPTZ)"
    ),
    *(
        f"INSERT INTO oneonone_summary VALUES ('{start}', '{name}', {value}, '{moment}')"  # noqa: S608
        for start, name, value, moment in ROWS
    ),
    (
        'CREATE TABLE review_detail ("Score" DOUBLE PRECISION, "Score__text" TEXT, '
        "_sdc_report_extra TEXT)"
    ),
    "INSERT INTO review_detail VALUES (3.5, NULL, NULL)",
    """INSERT INTO review_detail VALUES (NULL, 'n/a', '{"Mood":"good","Score":"n/a"}')""",
    block("sql: current rows"),
]
CURRENT = "SELECT name, value FROM oneonone_summary_current ORDER BY name"
SCORES = [("3.5",), ("n/a",)]
EXPECTED = [[("Ann", 3), ("Cat", 4)], SCORES, SCORES]


def test_the_sql_runs_on_duckdb() -> None:
    """So does that of warehouses which cannot be run here, parsed and translated."""
    queries = [CURRENT, block("sql: variants"), block("sql: extra on duckdb")]
    others = {
        "bigquery": block("sql: extra on bigquery"),
        "snowflake": block("sql: extra on snowflake"),
    }
    queries += [
        translated
        for dialect, query in others.items()
        for translated in sqlglot.transpile(query, read=dialect, write="duckdb")
    ]
    with duckdb.connect() as database:
        for statement in STATEMENTS:
            database.execute(statement)
        found = [database.sql(query).fetchall() for query in queries]
    assert found == [*EXPECTED, *(SCORES for _ in others)]


def test_the_sql_runs_on_postgres() -> None:
    with postgres_server() as server:
        for statement in STATEMENTS:
            server.query(statement)
        queries = (CURRENT, block("sql: variants"), block("sql: extra on postgres"))
        assert [server.query(query) for query in queries] == EXPECTED


def test_every_block_is_used_by_a_test() -> None:
    """JSON is parsed below; shell blocks without a marker are those of tests/e2e."""
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    for name, text in PAGES.items():
        lines = text.splitlines()
        fences = [number for number, line in enumerate(lines) if line.lstrip().startswith("```")]
        assert not [lines[end] for end in fences[1::2] if lines[end] != "```"], name
        for start in fences[::2]:
            if marker := re.fullmatch(r"<!-- (\w+: .*) -->", lines[start - 1]):
                assert re.search(f"[\"']{marker[1]}[\"']", code), f"{name}: {marker[1]}"
            else:
                assert lines[start] in {"```sh", "```json", "```mermaid"}, f"{name}:{start + 1}"


def test_ci_runs_the_commands_of_the_readme() -> None:
    assert block("command: tests").strip().endswith(".venv/bin/nox")
    assert block("command: demo").strip().endswith(".venv/bin/nox -s demo")
    script = (ROOT / ".ci/run").read_text(encoding="utf-8")
    assert "README.md" in script
    assert "for name in tests demo" in script
    for name in ("tests", "demo"):
        assert README.splitlines().count(f"<!-- command: {name} -->") == 1


def test_the_readme_fits_on_two_screens() -> None:
    without_generated = re.sub(
        r"<!-- (\S[^:>]*) -->\n.*?<!-- \1 -->\n", "", README, flags=re.DOTALL
    )
    assert "pipx install" not in without_generated
    assert len(without_generated.splitlines()) <= LONGEST_README


def test_each_page_begins_with_its_use() -> None:
    for name, text in PAGES.items():
        if name != "README.md":
            title, _, first, *_ = text.splitlines()
            assert title.startswith("# "), name
            assert re.match("After this page you (can|know) ", first), name


def test_each_page_is_linked_from_the_readme_and_from_another_page() -> None:
    pages = {name for name in PAGES if name != "README.md"}
    linked = {
        name: {target.path for target in links(name, text)} - {name} for name, text in PAGES.items()
    }
    assert pages <= linked["README.md"]
    for name in pages:
        assert linked[name] & pages, f"{name} links to no other page"
        assert any(name in linked[other] for other in pages), f"no page links to {name}"


def test_links_within_the_repository_lead_somewhere() -> None:
    texts = PAGES | OTHERS
    for name, text in texts.items():
        for target in links(name, text):
            assert (ROOT / target.path).exists(), f"{name}: {target}"
            if target.anchor:
                assert target.anchor in anchors(texts[target.path]), f"{name}: {target}"


class Target:
    """A link's target in this repository.

    Args:
        page: the path of the page with the link.
        link: the link as written.
    """

    def __init__(self, page: str, link: str) -> None:
        path, _, self.anchor = link.partition("#")
        folder = (ROOT / page).parent
        self.path = (
            (folder / path).resolve().relative_to(ROOT.resolve()).as_posix() if path else page
        )

    def __str__(self) -> str:
        return f"{self.path}#{self.anchor}"


def links(name: str, text: str) -> Iterator[Target]:
    """Yield the targets of a page's links within this repository."""
    for link in re.findall(r"(?:\]\(|src=\")([^)\"]+)", text):
        if "://" not in link:
            yield Target(name, link)


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    return {
        re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in text.splitlines()
        if line.startswith("#")
    }


def test_no_page_names_the_host_of_a_package_index() -> None:
    for name, text in (PAGES | OTHERS).items():
        assert not re.search(r"pypi\.|/pypi/|pythonhosted", text, re.IGNORECASE), name


@pytest.mark.parametrize("name", [*PAGES, *OTHERS, "settings"])
def test_words_are_plain(name: str) -> None:
    described = {"settings": "\n\n".join(map(description, SETTINGS["properties"]))}
    text = prose((PAGES | OTHERS | described)[name])
    found = re.findall(rf"\b(?:{BANNED})\b", text, re.IGNORECASE)
    assert not found
    assert not re.findall(
        r"(?:^[#\-*0-9. ]*|[.:?!] +|\| )((?:So|What)\b.{0,20})", text, re.MULTILINE
    )


def description(setting: str) -> str:
    return str(SETTINGS["properties"][setting]["description"])


def prose(text: str) -> str:
    """Return a page without code, and without the SDK's settings and the benchmarks."""
    text = re.sub(r"<!-- (settings|benchmarks) -->\n.*?<!-- \1 -->\n", "", text, flags=re.DOTALL)
    text = re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`\n]*`", "`…`", text)


def test_the_table_of_targets_is_what_is_measured() -> None:
    assert part("targets") == markdown(), "write declared_targets.markdown() into docs/targets.md"


def test_the_table_of_column_names_is_true() -> None:
    rows = dict(re.findall(r"^\| `(.*?)` \| `(.*?)` \|", part("names"), re.MULTILINE))
    assert len(rows) == len(part("names").splitlines()) - 2
    names = ColumnNames((), (), Naming.IDENTIFIER).assign(rows)
    for heading, name in rows.items():
        assert re.fullmatch(name.replace("…", "[0-9a-f]{8}"), names[heading]), heading


@pytest.mark.parametrize("text", all_fenced("json"))
def test_json_examples_are_json(text: str) -> None:
    json.loads(text if text.lstrip().startswith("{") else f"{{{text}}}")


def test_the_workflow_is_valid_and_uses_the_actions_of_our_own(tmp_path: Path) -> None:
    text = block("config: github actions")
    (tmp_path / "workflow.yml").write_text(text, encoding="utf-8")
    checker = [sys.executable, "-m", "check_jsonschema", "--builtin-schema"]
    subprocess.run(
        [*checker, "vendor.github-workflows", str(tmp_path / "workflow.yml")], check=True
    )
    ours = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / ".github/workflows").glob("*.yml")
    )
    used = re.findall(r"uses: (.*)", text)
    assert len(used) > 2
    for action in used:
        assert f"uses: {action}\n" in ours, action


def test_every_message_in_the_tables_is_the_codes() -> None:
    code = " ".join(
        re.sub(r'"\s*\n\s*f?"', "", path.read_text(encoding="utf-8"))
        for path in Path(tap_crewmojo.__file__).parent.rglob("*.py")
    )
    phrases = [
        phrase
        for row in re.findall(r"^\| (`.*?) \|", PAGES["docs/errors.md"], re.MULTILINE)
        for phrase in re.findall(r"`([^`]+)`", row)
    ]
    assert len(phrases) > 12
    normal: Callable[[str], str] = lambda text: re.sub(r"\{[^{}]*\}|\d+", "#", text)  # noqa: E731
    for phrase in phrases:
        for words in phrase.split(" … "):
            assert normal(words) in normal(code), words

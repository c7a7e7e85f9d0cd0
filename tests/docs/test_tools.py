"""The tools that check a change are the same ones, wherever they are started."""

from __future__ import annotations

import itertools
import re
import tomllib
from collections import Counter
from typing import TYPE_CHECKING, Any

import yaml

from support.repository import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
GROUPS: dict[str, list[Any]] = PYPROJECT["dependency-groups"]


def of_yaml(name: str) -> Any:  # noqa: ANN401
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def requirements(group: str) -> Iterator[str]:
    for entry in GROUPS[group]:
        if isinstance(entry, str):
            yield entry
        else:
            yield from requirements(entry["include-group"])


def test_pre_commit_has_the_ruff_of_the_lint_session() -> None:
    (ruff,) = (entry for entry in requirements("lint") if entry.startswith("ruff=="))
    hooks = of_yaml(".pre-commit-config.yaml")["repos"][0]["hooks"]
    assert [hook["additional_dependencies"] for hook in hooks] == [[ruff], [ruff]], (
        "write the version of ruff in pyproject.toml into .pre-commit-config.yaml"
    )


def test_the_group_dev_is_all_that_a_session_installs_and_each_requirement_is_written_once() -> (
    None
):
    everything = set(itertools.chain.from_iterable(map(requirements, GROUPS)))
    assert set(requirements("dev")) == everything
    written = Counter(entry for group in GROUPS.values() for entry in group if str(entry) == entry)
    assert set(written.values()) == {1}
    extras = ",".join(sorted(PYPROJECT["project"]["optional-dependencies"]))
    assert f"tap-crewmojo[{extras}]" in everything


def test_ci_tests_each_python_that_is_declared() -> None:
    name = "Programming Language :: Python :: "
    declared = [
        classifier.removeprefix(name)
        for classifier in PYPROJECT["project"]["classifiers"]
        if classifier.startswith(f"{name}3.")
    ]
    tests = of_yaml(".github/workflows/ci.yml")["jobs"]["tests"]
    assert tests["strategy"]["matrix"]["python-version"] == declared


def test_each_test_lies_where_a_session_runs_it_and_imports_no_other() -> None:
    folders = (*PYPROJECT["tool"]["pytest"]["testpaths"], "tests/e2e", "tests/package")
    for file in (ROOT / "tests").rglob("*.py"):
        name = file.relative_to(ROOT).as_posix()
        if file.name.startswith("test_"):
            assert name.startswith(tuple(f"{folder}/" for folder in folders)), name
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"^ *(from|import) (\w+\.)*test_", text, re.MULTILINE), name

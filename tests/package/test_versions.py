"""A version is the git tag, wherever the source comes from."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from typing import TYPE_CHECKING

import pytest

from support.repository import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def git(folder: Path, *words: str) -> None:
    somebody = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.com")
    subprocess.run(["git", *somebody, *words], cwd=folder, check=True, capture_output=True)


def version(folder: Path) -> str:
    """Return the version that a build in a folder would have."""
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "hatchling", "version"],
        cwd=folder,
        check=True,
        capture_output=True,
        encoding="utf-8",
    ).stdout.strip()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository with what decides on the version, and a commit."""
    folder = tmp_path / "clone"
    folder.mkdir()
    for name in ("pyproject.toml", ".gitattributes", ".git_archival.txt"):
        shutil.copy(ROOT / name, folder)
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message=First")
    return folder


def archive(clone: Path, revision: str) -> Path:
    """Return the source as GitHub hands it out: without git."""
    packed, folder = clone.with_name("source.tar"), clone.with_name("source")
    git(clone, "archive", f"--output={packed}", revision)
    with tarfile.open(packed) as tar:
        tar.extractall(folder, filter="data")
    return folder


def test_a_tagged_commit_has_the_version_of_its_tag(clone: Path) -> None:
    git(clone, "tag", "v1.2.3")
    assert version(clone) == "1.2.3"
    assert version(archive(clone, "v1.2.3")) == "1.2.3"


def test_commits_after_a_tag_count_towards_the_next_version(clone: Path) -> None:
    git(clone, "tag", "v1.2.3")
    git(clone, "commit", "--quiet", "--allow-empty", "--message=Second")
    assert version(clone) == "1.2.4.dev1"
    assert version(archive(clone, "HEAD")) == "1.2.4.dev1"


def test_before_the_first_tag_there_are_development_versions(clone: Path) -> None:
    assert version(clone) == "0.1.0.dev1"


def test_a_copy_without_git_has_the_fallback_version(clone: Path) -> None:
    shutil.rmtree(clone / ".git")
    assert version(clone) == "0.1.0.dev0"

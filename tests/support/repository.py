"""The files of this repository that tests read."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
}
"""The README and the pages of `docs`, by path."""


def block(marker: str) -> str:
    """Return the fenced block that follows a marker on one of the pages."""
    return _the_one(rf"<!-- {re.escape(marker)} -->\n```\w*\n(.*?)```")


def part(name: str) -> str:
    """Return the text between two markers on one of the pages."""
    return _the_one(rf"<!-- {re.escape(name)} -->\n(.*?)<!-- {re.escape(name)} -->")


def fenced(language: str, words: str) -> str:
    """Return the one fenced block of a language that contains some words."""
    (text,) = [text for text in all_fenced(language) if words in text]
    return text


def all_fenced(language: str) -> list[str]:
    """Return the fenced blocks of a language on all pages."""
    return [
        text
        for page in PAGES.values()
        for text in re.findall(rf"^```{language}\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    ]


def _the_one(pattern: str) -> str:
    texts = [text for page in PAGES.values() for text in re.findall(pattern, page, re.DOTALL)]
    (text,) = texts
    return str(text)

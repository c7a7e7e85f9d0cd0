"""The changelog can be released from: newest first, each version with its day and a link."""

from __future__ import annotations

import re
from datetime import date

from support.repository import ROOT

CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_versions_are_dated_linked_and_newest_first() -> None:
    unreleased, *released = re.findall(r"^## (.*)$", CHANGELOG, re.MULTILINE)
    assert unreleased == "[Unreleased]"
    parts = [re.fullmatch(r"\[(\d+)\.(\d+)\.(\d+)\] - (\S+)", heading) for heading in released]
    assert None not in parts, released
    versions = [
        (int(part[1]), int(part[2]), int(part[3]), date.fromisoformat(part[4]))
        for part in parts
        if part
    ]
    assert versions == sorted(set(versions), reverse=True)
    links = re.findall(r"^\[(.*)\]: https://", CHANGELOG, re.MULTILINE)
    assert links == ["Unreleased", *(f"{a}.{b}.{c}" for a, b, c, _ in versions)]

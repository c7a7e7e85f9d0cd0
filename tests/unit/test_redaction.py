"""A vendor's explanation is repeated in known words only; no text breaks a log line."""

from __future__ import annotations

import json

import pytest

from tap_crewmojo.redaction import breaks_lines, one_line, vendor_text


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ({"message": "The report is not available"}, "The report is not available"),
        ({"error": "invalid_client"}, "invalid client"),
        ({"error": {"message": "too many requests"}}, "too many requests"),
        ({"errors": [{"detail": "no job"}, {"detail": "denied"}]}, "no job"),
        (
            {"message": "No access for Zaphod Beeblebrox to report a.b"},
            "No access for * to report a.b",
        ),
        ({"message": "Zaphod Quark is 42"}, None),
        ({"message": "a Zaphod Beeblebrox of the Betelgeuse system"}, None),
        ({"message": "not found " * 20}, None),
        ({"message": 5}, None),
        ({"reason": "not found"}, None),
        (["not found"], None),
        ("not found", None),
    ],
)
def test_an_explanation_is_repeated_in_known_words_only(body: object, shown: str | None) -> None:
    expected = f' ("{shown}")' if shown else ""
    assert vendor_text(json.dumps(body).encode(), "a.b") == expected


@pytest.mark.parametrize("body", [b"", b"<html>not found</html>", b"\xff", b"[" * 100_000])
def test_a_body_that_is_not_json_is_not_repeated(body: bytes) -> None:
    assert not vendor_text(body)


@pytest.mark.parametrize("text", ["a\nb", "a\rb", "a\x1b[2J", "a\u2028b", "a\x85b", "a\ud800"])
def test_a_text_is_one_line_in_the_log(text: str) -> None:
    line = one_line(text)
    assert breaks_lines(text)
    assert not breaks_lines(line)
    assert line.splitlines() == [line]
    line.encode()

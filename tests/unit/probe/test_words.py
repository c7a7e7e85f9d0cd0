"""Of a text from outside, only usual words are shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_crewmojo.probe import words

PERSON = "Zoe Quillfeather"


@pytest.mark.parametrize(
    "shown", ["jobId", "job_id", "access_token", "statusCode", "@odata.context"[7:], "rows"]
)
def test_a_usual_name_is_shown_as_it_is_written(shown: str) -> None:
    assert words.name(shown) == f"`{shown}`"


@given(st.text())
def test_any_other_name_is_shown_by_its_length(text: str) -> None:
    for hidden in (text + "q", f"{text} {PERSON}", f"`{text}"):
        size = len(hidden)
        assert words.name(hidden) == f"<{size} character{'' if size == 1 else 's'}>"


@pytest.mark.parametrize(
    ("content_type", "media_type", "charset"),
    [
        ("text/csv", "text/csv", "no charset"),
        ("Text/CSV; header=present; Charset=UTF8", "text/csv", "utf-8"),
        ('application/json; charset="ISO-8859-1"', "application/json", "iso8859-1"),
        ("", "no content type", "no charset"),
        (PERSON, "<16 characters>", "no charset"),
        ("text/csv; charset=Quillfeather", "text/csv", "<12 characters>"),
        (f"text/csv; name={PERSON}", "text/csv", "no charset"),
    ],
)
def test_a_content_type_is_shown_by_its_usual_parts(
    content_type: str, media_type: str, charset: str
) -> None:
    assert words.media_type(content_type) == media_type
    assert words.charset(content_type) == charset


def test_a_compression_is_shown_by_its_usual_name() -> None:
    assert (words.coding(" GZIP "), words.coding(PERSON)) == ("gzip", "<16 characters>")


def test_members_are_shown_with_their_types_and_without_values() -> None:
    person = {"error": PERSON, PERSON: 1, "rows": [PERSON], "total": 1.5, "next": None}
    assert words.members({**person, "done": True, "meta": {}}) == (
        "`error` (a string), <16 characters> (a number), `rows` (an array), `total` (a number), "
        "`next` (null), <4 characters> (a boolean), `meta` (an object)"
    )
    people = dict.fromkeys(map(str, range(1000)))
    assert words.members(people).endswith("<2 characters> (null), 980 more")
    assert words.members({}) == "no members"

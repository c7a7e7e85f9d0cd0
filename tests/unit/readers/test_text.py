"""A body is decoded by its mark, as UTF-8, or as its header states."""

from __future__ import annotations

import pytest

from support.report_rows import WHOLE, read
from tap_crewmojo.errors import UnusableResponseError


@pytest.mark.parametrize(
    ("charset", "encoding"),
    [
        *(("ISO-8859-1", "latin-1"), ('"windows-1252"', "cp1252"), ("utf-16le", "utf-16-le")),
        *(
            ("ISO-8859-1", "utf-8"),
            ("UTF-16BE", "utf-8"),
            ("utf-8", "utf-8"),
            ("x-unknown", "utf-8"),
        ),
        *(("zip", "utf-8"), ("utf-8", "utf-16"), ("latin1", "utf-32"), ("gb18030", "gb18030")),
    ],
)
@pytest.mark.parametrize("body", ["h,i\né,2\n", '[{"h": "é", "i": 2}]'], ids=["CSV", "JSON"])
def test_a_body_is_decoded_by_its_mark_or_as_utf_8_or_as_the_header_states(
    body: str, charset: str, encoding: str
) -> None:
    content_type = f"text/csv; header=present; charset={charset}"
    for size in (1, 3, WHOLE):
        assert read(body.encode(encoding), content_type, size) == ([{"h": "é", "i": "2"}], 0)


@pytest.mark.parametrize("charset", ["utf-8", "x\r\nERROR secret", "zip", "undefined", "ascii", ""])
def test_a_body_that_is_not_what_the_header_states_is_refused(charset: str) -> None:
    with pytest.raises(
        UnusableResponseError, match="text: undecodable bytes at byte offset 4"
    ) as failure:
        read("h,i\né,2\n".encode("latin-1"), f"text/csv; charset={charset}")
    assert "\n" not in str(failure.value)
    assert "secret" not in str(failure.value)

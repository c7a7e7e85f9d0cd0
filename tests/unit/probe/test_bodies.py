"""The form of a body, and the table in it."""

from __future__ import annotations

import codecs
import csv
import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_crewmojo.probe.bodies import CsvForm, Table, csv_form, json_form, table_of, text_of
from tap_crewmojo.readers.report import Report
from tap_crewmojo.readers.spool import ResponseHead, spool

if TYPE_CHECKING:
    from collections.abc import Sequence

ROWS: list[dict[str, Any]] = [
    {"Name": "Zoë", "Note": 'a "b", c\r\nd', "Score": 1.5, "Active": True, "Left": None},
    {"Name": "Al", "Note": None, "Score": 2, "Active": False, "Left": None},
    {"Name": "Al", "Note": None, "Score": 2, "Active": False, "Left": None},
]


def as_csv(
    rows: Sequence[Sequence[Any]], quoting: Literal[0, 1] = csv.QUOTE_MINIMAL, end: str = "\r\n"
) -> str:
    text = io.StringIO()
    csv.writer(text, quoting=quoting, lineterminator=end).writerows(rows)
    return text.getvalue()


def form_of(body: str | bytes) -> CsvForm:
    data = body.encode() if isinstance(body, str) else body
    return csv_form(data, text_of(data, "text/csv"))


CELLS = st.text(st.sampled_from('ab",;\n é'), max_size=5)


@given(
    rows=st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1, max_size=5),
    end=st.sampled_from(["\r\n", "\n"]),
)
def test_quotes_and_line_ends_are_those_of_the_writer(rows: list[list[str]], end: str) -> None:
    minimal, full = (as_csv(rows, way, end) for way in (csv.QUOTE_MINIMAL, csv.QUOTE_ALL))
    assert form_of(minimal).has_needless_quotes is False
    plain = any(set(cell).isdisjoint('",\r\n') for row in rows for cell in row)
    assert form_of(full).has_needless_quotes is plain
    for text in (minimal, full):
        assert form_of(text).line_ends == (("CRLF",) if end == "\r\n" else ("LF",))


@pytest.mark.parametrize(
    ("body", "form"),
    [
        (b"a,b\n1,2\r\n", {"line_ends": ("CRLF", "LF")}),
        (b"a,b\r1,2\r", {"line_ends": ("CR",)}),
        (b"a,b", {"line_ends": ()}),
        (codecs.BOM_UTF8 + b"a,b\n", {"has_bom": True}),
        ("Zoë,b\n".encode("latin-1"), {"is_utf_8": False}),
        ("Zoë,b\n".encode("utf-16"), {"is_utf_8": False, "has_bom": True}),
        (
            codecs.BOM_UTF16_BE + 'a,"b"\r\n'.encode("utf-16-be"),
            {
                "is_utf_8": False,
                "has_bom": True,
                "has_needless_quotes": True,
                "line_ends": ("CRLF",),
            },
        ),
        (b"a;b\n1;2,5\n", {"separators": ("semicolon",)}),
        (b'"a;b",c\td\n', {"has_needless_quotes": True}),
    ],
)
def test_the_form_of_csv(body: bytes, form: dict[str, Any]) -> None:
    usual = CsvForm(
        has_bom=False, is_utf_8=True, line_ends=("LF",), has_needless_quotes=False, separators=()
    )
    assert form_of(body) == replace(usual, **form)


def table(body: str | bytes, content_type: str) -> Table:
    data = body.encode() if isinstance(body, str) else body
    report = spool([data], ResponseHead(content_type))
    assert isinstance(report, Report)
    return table_of(report)


def csv_table(rows: Sequence[dict[str, Any]]) -> Table:
    values = [["true" if cell is True else cell for cell in row.values()] for row in rows]
    return table(as_csv([list(rows[0]), *values]), "text/csv")


def json_table(rows: Sequence[dict[str, Any]]) -> Table:
    return table(json.dumps(rows), "application/json")


def test_a_table_is_the_same_from_csv_and_json_in_any_order() -> None:
    tables = [csv_table(ROWS), json_table(ROWS), json_table(ROWS[::-1])]
    without_nulls = [{name: row[name] for name in row if row[name] is not None} for row in ROWS]
    tables.append(json_table(without_nulls))
    assert {(each.rows, each.digest) for each in tables} == {(3, tables[0].digest)}
    assert tables[0].types == tables[1].types
    assert tables[0].empty == {"Left"}


@pytest.mark.parametrize("name", ["Name", "Note", "Score", "Left"])
def test_a_change_of_a_row_makes_another_table(name: str) -> None:
    for place in range(len(ROWS)):
        rows = [dict(row) for row in ROWS]
        rows[place][name] = "changed"
        assert json_table(rows).digest != json_table(ROWS).digest
    assert json_table(ROWS[:2]).digest != json_table(ROWS).digest


@pytest.mark.parametrize(
    "template", ["{}", '{{"total": 3, "data": {}}}', '{{"data": {}, "a": []}}']
)
def test_the_rows_of_json_are_found(template: str) -> None:
    form = json_form(template.format(json.dumps(ROWS)))
    assert form
    assert form.is_bare is (template == "{}")
    assert form.rows_name == (None if form.is_bare else "data")
    assert form.beside.keys() == {"total", "a"} & set(form.beside)
    assert form.kinds == {str, float, int, bool, type(None)}
    assert form.empties == ("null",)
    assert not form.is_bare or not form.beside


@pytest.mark.parametrize("text", ["", "a,b\n", "7", "[" * 100_000, "\xff"])
def test_another_text_is_no_json_report(text: str) -> None:
    assert json_form(text) is None


@pytest.mark.parametrize(
    ("rows", "empties"),
    [
        ([{"a": 1, "b": None}], ("null",)),
        ([{"a": 1, "b": "c"}], ()),
        ([{"a": 1}, {"b": ""}], ("an empty string", "left out")),
    ],
)
def test_how_json_writes_empty_values(rows: list[Any], empties: tuple[str, ...]) -> None:
    form = json_form(json.dumps({"x": {"y": 1}, "rows": rows}))
    assert form
    assert (form.rows_name, form.empties, form.beside) == ("rows", empties, {"x": {"y": 1}})


def test_many_quotes_take_little_time() -> None:
    """Each of these would take minutes if time grew with the square of the size."""
    for body in (b'a,"' + b'""' * 500_000 + b'"\n', b'"' * 999_999, b'a"b""' * 200_000):
        assert form_of(body).separators == ()

"""What is wrong with stream maps is found before a record is made."""

from __future__ import annotations

import copy
import logging
from typing import TYPE_CHECKING

import pytest

from tap_crewmojo.errors import ReportError
from tap_crewmojo.singer.map_checks import map_errors, map_warnings
from tap_crewmojo.singer.maps import apply_maps, changed_columns, mapper_of

if TYPE_CHECKING:
    from typing import Any


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"a": {"B": "1 +"}}, "'B' of 'a' must be a valid expression"),
        ({"a": {"B": ""}}, "'B' of 'a' must be a valid expression"),
        ({"a": {"B": "c = 1"}}, "'B' of 'a' must be a valid expression"),
        ({"a": {"B": "\0"}}, "'B' of 'a' must be a valid expression"),
        ({"a": {"B": "(" * 5000}}, "'B' of 'a' must be a valid expression"),
        ({"a": {"B": ["C"]}}, "'B' of 'a' must be a valid expression"),
        (
            {"a": {"B": "str(md6(C))"}},
            "'B' of 'a' uses an unknown function, 'md6'; did you mean 'md5'?",
        ),
        ({"a": {"__filter__": True}}, "'__filter__' of 'a' must be a valid expression"),
        ({"a": {"__else__": "x"}}, "'__else__' of 'a' must be null"),
        ({"a": {"__source__": 1}}, "'__source__' of 'a' must be the name of a stream"),
        (
            {"a": {"__key_properties__": "B"}},
            "'__key_properties__' of 'a' must be an array of columns, or null",
        ),
        ({"a": "b"}, "'a' must be an object, or null to leave the stream out"),
        ({"__filter__": None}, "'__filter__' must be a stream, or '__else__'"),
    ],
)
def test_invalid_maps_are_listed(given: dict[str, Any], sentence: str) -> None:
    assert list(map_errors({"stream_maps": given})) == [f"stream_maps: {sentence}"]


def test_valid_maps_are_not() -> None:
    maps = {
        "a": {"B": "record['x y'] if B else None", "C": None, "D": "__NULL__", "E": "B.lower()"},
        "b": {"__source__": "a", "__filter__": None, "__else__": None, "__key_properties__": None},
        "c": None,
        "d*": {
            "__alias__": "'x_' + __stream_name__",
            "F": "datetime.date.today()",
            "G": "[x for x in H]",
        },
        "__else__": None,
    }
    assert not list(map_errors({"stream_maps": maps}))
    assert not list(map_errors({"stream_maps": None}))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"oneonone.summary": {}},
            (
                "no stream is called 'oneonone.summary'. The map 'oneonone.summary' changes "
                "nothing; did you mean 'oneonone_summary'?"
            ),
        ),
        ({"review*": {}}, "no stream is called 'review*'. The map 'review*' changes nothing"),
        (
            {"x": {"__source__": "peopel"}},
            "no stream is called 'peopel'. The map 'x' changes nothing; did you mean 'people'?",
        ),
        (
            {"oneonone_*": {"Emial": None}},
            (
                "'oneonone_*' leaves out the column 'Emial', which does not exist; did you mean "
                "'Email'?"
            ),
        ),
        ({"people": {"Zip": None}}, "'people' leaves out the column 'Zip', which does not exist"),
        (
            {"people": {"X": "md5(Nmae)"}},
            "'X' of 'people' uses the column 'Nmae', which does not exist; did you mean 'Name'?",
        ),
        (
            {"oneonone_*": {"E-mail": "md5(self)"}},
            (
                "'E-mail' of 'oneonone_*' uses `self`, but the column 'E-mail' does not exist; did "
                "you mean 'Email'?"
            ),
        ),
        (
            {"people": {"__filter__": "_['Nam'] == 'x'"}},
            (
                "'__filter__' of 'people' uses the column 'Nam', which does not exist; did you "
                "mean 'Name'?"
            ),
        ),
    ],
)
def test_maps_that_change_nothing_are_warned_of(given: dict[str, Any], sentence: str) -> None:
    assert list(map_warnings(given, COLUMNS)) == [f"stream_maps: {sentence}"]


def test_maps_that_change_something_are_not() -> None:
    maps = {
        "people": {"Name": None, "Name__text": None, "New": "md5(Name + config['salt'])"},
        "*": {"Email": None, "Name": "[each for each in self]"},  # some stream has it
        "failed": {"Anything": None},
        "copy": {"__source__": "people", "Name": "__NULL__", "__alias__": "x"},
        "people*": None,
        "__else__": None,
    }
    assert not list(map_warnings(maps, COLUMNS))


COLUMNS = {
    "oneonone_summary": ["Email", "Team"],
    "people": ["Name"],
    "failed": None,
}


@pytest.mark.parametrize("config", [{}, {"stream_map_config": {"slat": "x"}}])
def test_a_missing_entry_of_stream_map_config_is_named(config: dict[str, Any]) -> None:
    maps = {"a": {"B": "md5(config['salt'] + B)"}}
    mapper = mapper_of({"stream_maps": maps, **config}, logging.getLogger())
    mapper.register_raw_stream_schema("a", {"properties": {"B": {"type": "string"}}}, [])
    with pytest.raises(ReportError, match=r"'B' needs 'salt' in the setting stream_map_config$"):
        apply_maps(mapper.stream_maps["a"], [{"B": "x"}])


def test_the_settings_stay_as_they_are_given() -> None:
    given = {"stream_maps": {"__else__": None, "a": {"B": None}}}
    before = copy.deepcopy(given)
    mapper_of(given, logging.getLogger())
    assert given == before


@pytest.mark.parametrize(
    ("maps", "columns"),
    [
        ({"people": {"A": None, "B": "md5(B)", "__filter__": "A", "__alias__": "'x'"}}, {"A", "B"}),
        ({"*": {"A": None}, "copy": {"__source__": "peo*", "B": "__NULL__"}}, {"A", "B"}),
        ({"people": {"A": None, "_sdc_report_extra": "_['_sdc_report_extra']"}}, set()),
        ({"people": {"A": "A", "__else__": None}, "[people]": {"B": None}}, set()),
        ({"people": None, "__else__": None, "staff": {"A": None}, "peo*": "__NULL__"}, set()),
    ],
)
def test_the_columns_that_are_hidden_from_the_extra_column(
    maps: dict[str, Any], columns: set[str]
) -> None:
    assert changed_columns(maps, "people") == columns
    assert changed_columns({"[people]": {"A": None}}, "[people]") == {"A"}

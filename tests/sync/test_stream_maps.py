"""Stream maps: what the SDK makes of records, and nothing more about a person than they let."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import logging
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from singer_sdk import Stream, Tap
from singer_sdk.exceptions import SingerSDKError
from singer_sdk.singerlib import Catalog
from typing_extensions import override

from support.repository import block
from support.tap_runs import TIME_SCALE, run_tap
from tap_crewmojo.sandbox.company.company import ReportSource
from tap_crewmojo.sandbox.sandbox import Sandbox
from tap_crewmojo.singer.maps import map_errors, map_warnings, mapper_of
from tap_crewmojo.singer.messages import MessageWriter
from tap_crewmojo.singer.stream import BatchedStream
from tap_crewmojo.structs import struct_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date
    from pathlib import Path

    from tap_crewmojo.records import Record
    from tap_crewmojo.singer.stream import Made

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "Code": {"type": ["string", "null"]},
        "Email": {"type": ["string", "null"]},
        "Score": {"type": ["number", "null"]},
        "Answers": {
            "type": ["object", "null"],
            "properties": {"a": {"type": ["string", "null"]}, "b": {"type": ["string", "null"]}},
        },
        "_sdc_row_number": {"type": ["integer"]},
    },
}
LATER = {"Salary": {"type": ["string", "null"]}, "Score__text": {"type": ["string", "null"]}}


class Canned(BatchedStream):
    """A stream of given batches; after each, columns may come in."""

    name = "people"
    primary_keys = ("_sdc_row_number",)
    replication_method = "FULL_TABLE"
    batches: list[list[dict[str, Any]]]

    @override
    def _batches(self, made: Callable[[list[Record]], Made]) -> Iterator[Made]:
        for batch in self.batches:
            names = [*batch[0]]
            if unknown := set(names) - set(self.effective_schema["properties"]):
                later = {name: LATER[name] for name in names if name in unknown}
                properties = self.effective_schema["properties"] | later
                self._schema = self._input_schema = {"type": "object", "properties": properties}
                self.set_up_maps()
                self._write_schema_message()
            kept = [name for name in names if self.mask["properties", name]]
            record = struct_of(kept, [(Any,)] * len(kept))
            yield made([record(*[row[name] for name in kept]) for row in copy.deepcopy(batch)])
        self._activate_version()


class CannedTap(Tap):
    name = "tap-canned"
    message_writer_class = MessageWriter

    @override
    def discover_streams(self) -> list[Stream]:
        return [Canned(self, schema=SCHEMA)]

    @override
    def setup_mapper(self) -> None:
        self.mapper = mapper_of(self.config, self.logger)
        for stream in self.streams.values():
            assert isinstance(stream, Canned)
            stream.set_up_maps()


TEXTS = st.none() | st.sampled_from(["", "Ann", "ann@example.com", "C1"])
ROWS = st.fixed_dictionaries(
    {
        "Code": st.sampled_from(["1", "2"]),
        "Email": TEXTS,
        "Score": st.none() | st.sampled_from([1, 2.5, 2**70]),
        "Answers": st.none() | st.fixed_dictionaries({"a": TEXTS, "b": TEXTS}),
    }
)
ENTRIES: dict[str, list[Any]] = {
    "Code": ["md5(Code)", "Code", None],
    "Email": ["sha256(config['salt'] + self) if self else None", None, "__NULL__"],
    "Score": ["float(Score or 0) * 2", None],
    "Answers": [None, "str(Answers)"],
    "Twice": ["Code + Code", "_['Code']", "__original_stream_name__"],
    "Salary": [None],
    "_sdc_row_number": ["_sdc_row_number"],
    "__filter__": ["Code == '1'", "Email", None],
    "__else__": [None],
    "__key_properties__": [["Code"], []],
}
MAPS = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from(values) for name, values in ENTRIES.items()}
)
SETTINGS = st.fixed_dictionaries(
    {
        "stream_maps": st.fixed_dictionaries(
            {},
            optional={
                "people": MAPS | st.none(),
                "peop*": MAPS,
                "copies": MAPS.map(lambda given: given | {"__source__": "people"}),
                "more": MAPS.map(lambda given: given | {"__source__": "people"}),
                "__else__": st.none(),
            },
        ),
        "flattening_enabled": st.booleans(),
        "emit_activate_version_messages": st.booleans(),
    }
)
PATHS = [("Email",), ("Score",), ("Answers",), ("Answers", "a"), ("Salary",)]


def messages(
    config: dict[str, Any], batches: list[list[dict[str, Any]]], deselected: list[tuple[str, ...]]
) -> list[str] | None:
    """Return what a tap writes; nothing if it fails."""
    given = config | {"stream_map_config": {"salt": "s"}, "flattening_max_depth": 2}
    metadata = [
        {
            "breadcrumb": [word for name in path for word in ("properties", name)],
            "metadata": {"selected": path not in deselected},
        }
        for path in [(), *PATHS]
    ]
    entry = {"tap_stream_id": "people", "schema": SCHEMA, "metadata": metadata}
    catalog = {"streams": [entry | {"key_properties": ["_sdc_row_number"]}]}
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with mock.patch("sys.stdout", out), mock.patch.object(Canned, "batches", batches, create=True):
        try:
            CannedTap(config=given, catalog=Catalog.from_dict(catalog)).sync_all()
        except (SingerSDKError, AttributeError):
            return None
    lines = [json.loads(line) for line in out.buffer.getvalue().splitlines()]
    return [
        json.dumps(
            {name: part for name, part in line.items() if name not in {"time_extracted", "version"}}
        )
        for line in lines
    ]


@settings(deadline=None, max_examples=150)
@given(
    SETTINGS,
    st.lists(st.lists(ROWS, min_size=1, max_size=4), max_size=3),
    st.lists(st.sampled_from(PATHS), max_size=2),
)
def test_maps_filters_aliases_and_deselection_give_what_the_sdks_own_way_gives(
    config: dict[str, Any],
    rows: list[list[dict[str, Any]]],
    deselected: list[tuple[str, ...]],
) -> None:
    number = iter(range(100))
    batches = [
        [
            row
            | ({"Salary": "9"} if place else {})
            | ({"Score__text": "n/a"} if place > 1 else {})
            | {"_sdc_row_number": next(number)}
            for row in batch
        ]
        for place, batch in enumerate(rows)
    ]
    ours = messages(config, batches, deselected)
    with mock.patch.object(BatchedStream, "_sync_records", Stream._sync_records):
        assert ours == messages(config, batches, deselected)


# The second month has a new column, a value that does not fit, and one that is empty.
JANUARY = b"""\
Employee Code,Email,Name,Team,Rating
E1,ann@example.com,Ann,Sales,3
E2,bob@example.com,Bob,,4
"""
FEBRUARY = b"""\
Employee Code,Email,Name,Team,Rating,Salary
E1,ann@example.com,Ann,Sales,3,90210
E2,bob@example.com,Bob,Ops,see Carol,80210
E3,,Cat,,5,
"""
PERSONAL = ("ann@example.com", "bob@example.com", "Ann", "Bob", "90210", "80210", "Carol", "E1")


def month(start: date | None, _end: date | None) -> bytes:
    return FEBRUARY if start and start.month > 1 else JANUARY


@pytest.fixture
def people() -> Iterator[Sandbox]:
    reports = {name: ReportSource(month) for name in ("people.one", "people.two")}
    with Sandbox(time_scale=TIME_SCALE, people=3, reports=reports) as sandbox:
        yield sandbox


@pytest.fixture
def config(people: Sandbox, settings_for: Callable[..., Any]) -> dict[str, Any]:
    settings: dict[str, Any] = settings_for(people, "people.one", end_date="2025-02-28")
    return settings


def catalog_of(config: dict[str, Any], directory: Path) -> dict[str, Any]:
    """The catalog of January: without the new column, with numbers as ratings."""
    january = config | {"end_date": "2025-01-31"}
    january.pop("stream_maps", None)
    return run_tap(january, directory, "--discover").succeeded().catalog


def test_columns_are_hashed_and_left_out_and_later_ones_do_not_come_in(
    config: dict[str, Any], tmp_path: Path
) -> None:
    recipe = json.loads(block("config: pseudonymised people"))
    config |= recipe | {
        "reports": [{**recipe["reports"][0], "id": "people.one", "name": "oneonone_summary"}]
    }
    salt = "not in any file"
    export, command = block("command: salt").splitlines()
    name, value = export.removeprefix("export ").split("=", 1)
    assert command.split()[3] == "--config=ENV"
    run = run_tap(
        config,
        tmp_path,
        "--config=ENV",
        catalog=catalog_of(config, tmp_path),
        env={name: value.strip("'").replace("…", salt)},
    ).succeeded()

    def pseudonym(text: str) -> str:
        return hashlib.sha256((salt + text).encode()).hexdigest()

    records = run.records("oneonone_summary")
    assert [record["Employee Code"] for record in records] == [
        pseudonym(code) for code in ("E1", "E2", "E1", "E2", "E3")
    ]
    assert [record["Email"] for record in records][2:] == [
        pseudonym("ann@example.com"),
        pseudonym("bob@example.com"),
        None,
    ]
    assert [record["Team"] for record in records] == ["Sales", None, "Sales", "Ops", None]
    assert {tuple(sorted(record)) for record in records} == {
        (
            *("Email", "Employee Code", "Team"),
            *("_sdc_report_datetime", "_sdc_report_end_date", "_sdc_report_start_date"),
            "_sdc_row_number",
        )
    }
    assert run.schemas[-1]["key_properties"] == ["_sdc_report_start_date", "Employee Code"]
    for text in (*PERSONAL, salt):
        assert text not in run.stdout + run.stderr


def test_without_an_else_a_column_takes_its_variant_with_it(
    config: dict[str, Any], tmp_path: Path
) -> None:
    catalog = catalog_of(config, tmp_path)
    config["stream_maps"] = {"people_one": {"Rating": None}}
    run = run_tap(config, tmp_path, catalog=catalog).succeeded()
    assert "Salary" in run.schema("people_one")["properties"]
    assert "Rating__text" not in run.schema("people_one")["properties"]
    assert "Carol" not in run.stdout
    config["stream_maps"]["people_one"]["Rating__text"] = "record.get('Rating__text')"
    assert "see Carol" in {
        record.get("Rating__text")
        for record in run_tap(config, tmp_path, catalog=catalog).records("people_one")
    }


def test_an_expression_that_fails_fails_its_report_alone(
    config: dict[str, Any], tmp_path: Path
) -> None:
    config["reports"] = ["people.one", "people.two", "people.directory"]
    config["content_type"] = "json"
    catalog = catalog_of(
        config | {"reports": ["people.one", "people.two", "oneonone.summary"]}, tmp_path
    )
    for entry in catalog["streams"]:
        if entry["tap_stream_id"] == "oneonone_summary":
            entry["metadata"] = [{"breadcrumb": [], "metadata": {"selected": False}}]
    config["reports"] = ["people.one", "people.two", "oneonone.summary"]
    config["stream_maps"] = {
        "*": {"Email": "sha256(self)", "__key_properties__": ["Employee Code"], "Naem": None},
        "people_two": {"Email": "md5(Email) if Email else None", "__filter__": "Name"},
        "people.one": None,
    }
    run = run_tap(config, tmp_path, catalog=catalog)
    assert run.returncode == 1
    assert (
        "report 'people.one', 2025-02-01 to 2025-02-28: the report does not fit the stream map "
        "'people_one': the expression of 'Email' fails in row 3 (AttributeError)"
    ) in run.stderr
    assert "Please report it" not in run.stderr
    assert run.bookmarks == {"people_one": "2025-01-31", "people_two": "2025-02-28"}
    assert len(run.records("people_two")) == 5
    warnings = [line for line in run.stderr.splitlines() if "stream_maps:" in line]
    assert len(warnings) == 2
    assert (
        "'*' leaves out the column 'Naem', which does not exist; did you mean 'Name'" in warnings[0]
    )
    assert "no stream is called 'people.one'" in warnings[1]
    assert "did you mean 'people_one'" in warnings[1]
    for text in PERSONAL[:-1]:
        assert text not in run.stderr, "not at DEBUG either"


def test_an_invalid_map_ends_the_run_before_the_first_request(
    people: Sandbox, config: dict[str, Any], tmp_path: Path
) -> None:
    config["stream_maps"] = {"people_one": {"Email": "sha265(Email)", "Name": "(", "Team": 3}}
    before = len(people.requests)
    run = run_tap(config, tmp_path)
    assert run.returncode == 1
    assert len(people.requests) == before
    assert run.stderr.count("stream_maps: ") == 3
    assert "'Email' of 'people_one' uses an unknown function, 'sha265'; did you mean" in run.stderr


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


def test_the_settings_stay_as_they_are_given() -> None:
    given = {"stream_maps": {"__else__": None, "a": {"B": None}}}
    before = copy.deepcopy(given)
    mapper_of(given, logging.getLogger())
    assert given == before

"""A stream of batches writes what the SDK's own way writes, record by record."""

from __future__ import annotations

import copy
import io
import json
from typing import TYPE_CHECKING, Any
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st
from singer_sdk import Stream, Tap
from singer_sdk.exceptions import SingerSDKError
from singer_sdk.singerlib import Catalog
from typing_extensions import override

from tap_crewmojo.singer.maps import mapper_of
from tap_crewmojo.singer.messages import MessageWriter
from tap_crewmojo.singer.stream import BatchedStream
from tap_crewmojo.structs import struct_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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

"""What the tap relies on in singer-sdk beyond its documented interface, with a check of each.

Any release of the SDK may change these hooks. The table `HOOKS` lists them. Each check uses a tiny
tap that shares no code with this one: where it fails, the SDK has changed. `nox -s newest` runs
them with the newest SDK. The last test keeps the table complete.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import gzip
import importlib
import inspect
import io
import json
import pkgutil
import re
import signal
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, ClassVar
from unittest.mock import patch

import click
import pytest
import requests
from singer_sdk import Stream, Tap, batch, mapper, plugin_base
from singer_sdk.authenticators import OAuthAuthenticator
from singer_sdk.helpers import _catalog
from singer_sdk.helpers._batch import BaseBatchFileEncoding, BatchConfig, StorageTarget
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.pagination import BaseAPIPaginator
from singer_sdk.singerlib.encoding.base import GenericSingerWriter
from typing_extensions import override

import tap_crewmojo

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator
    from types import FrameType, ModuleType

    from singer_sdk.singerlib.encoding.simple import Message

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "day": {"type": ["string", "null"], "format": "date-time"},
        "text": {"type": ["string", "null"]},
    },
}
ROWS: list[dict[str, Any]] = [
    {"day": f"2025-01-0{day}T00:00:00+00:00", "text": day} for day in (1, 2, 3)
]
SEEN: list[Any] = []  # the arguments that hooks got, emptied before each check


class Gathering(GenericSingerWriter[str, Any]):
    """Keeps messages instead of writing them."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    @override
    def serialize_message(self, message: Message) -> str:
        raise NotImplementedError

    @override
    def write_message(self, message: Message) -> None:
        self.messages.append(copy.deepcopy(message.to_dict()))

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["type"] == kind]


class TinyStream(Stream):
    def __init__(self, tap: Tap) -> None:
        super().__init__(tap, schema=copy.deepcopy(SCHEMA), name="tiny")
        self.replication_key = "day"
        self.states: list[dict[str, Any]] = []

    @override
    def get_records(self, context: Any) -> Iterable[dict[str, Any]]:
        for row in ROWS[: self.ABORT_AT_RECORD_COUNT]:
            self.states.append(copy.deepcopy(self.stream_state))
            yield dict(row)


class TinyTap(Tap):
    name = "tap-tiny"
    config_jsonschema: ClassVar[dict[str, Any]] = {"properties": {"end": {"default": "today"}}}
    dynamic_catalog = True
    message_writer_class = Gathering
    message_writer: Gathering
    stream_class: ClassVar[type[TinyStream]] = TinyStream

    @override
    def discover_streams(self) -> list[TinyStream]:
        return [self.stream_class(self)]

    @override
    def _setup_signal_handlers(self) -> None:
        """Leave those of the tests alone."""

    @property
    def tiny(self) -> TinyStream:
        stream = self.streams["tiny"]
        assert isinstance(stream, TinyStream)
        return stream


def tap_of(stream: type[TinyStream] = TinyStream, **given: Any) -> TinyTap:  # noqa: ANN401
    return type("WithStream", (TinyTap,), {"stream_class": stream})(**given)  # type: ignore[no-any-return]


def synced(stream: type[TinyStream] = TinyStream, **given: Any) -> TinyTap:  # noqa: ANN401
    tap = tap_of(stream, **given)
    tap.sync_all()
    return tap


def command_line(tap: type[Tap], *args: str) -> None:
    """Run a tap's command, without what the SDK changes in the process around it."""
    command = tap.get_singer_command()
    assert command.callback
    with (
        contextlib.suppress(click.exceptions.Exit),
        command.make_context("tap-tiny", [*args]) as context,
    ):
        command.callback(**context.params)


class FullTable(TinyStream):
    def __init__(self, tap: Tap) -> None:
        super().__init__(tap)
        self.replication_key = None


WITH_VERSIONS = {"config": {"emit_activate_version_messages": True}}

# The stream


def tap_syncs_each_stream_by_it() -> bool:
    class Seeing(TinyStream):
        @override  # type: ignore[misc]
        def sync(self, context: Any = None) -> None:
            SEEN.append(context)

    synced(Seeing)
    tap_of(Seeing).run_connection_test()
    return SEEN == [None, None]


def sync_takes_records_from_it_alone() -> bool:
    class Seeing(TinyStream):
        @override
        def _sync_records(
            self, context: Any = None, *, write_messages: bool = True
        ) -> Generator[dict[str, Any], Any, Any]:
            SEEN.append((context, write_messages))
            yield from ()

    tap = synced(Seeing)
    return SEEN == [(None, True)] and not tap.message_writer.of_type("RECORD")


def it_alone_moves_the_bookmark() -> bool:
    class Still(TinyStream):
        @override
        def _increment_stream_state(self, latest_record: Any, *, context: Any = None) -> None:
            SEEN.append(latest_record["text"])

    state = synced(Still).message_writer.of_type("STATE")[-1]["value"]["bookmarks"]["tiny"]
    return SEEN == [1, 2, 3] and not state and "replication_key_value" in synced().tiny.stream_state


def it_alone_writes_the_starting_value() -> bool:
    class Silent(TinyStream):
        @override
        def _write_starting_replication_value(self, context: Any) -> None:
            SEEN.append(context)

    key = "starting_replication_value"
    with_it, without = synced().tiny.states[0], synced(Silent).tiny.states[0]
    return SEEN == [None] and key in with_it and key not in without


def without_a_signpost_none_is_written() -> bool:
    class Silent(TinyStream):
        @override
        def get_replication_key_signpost(self, context: Any = None) -> None:
            SEEN.append(context)

    key = "replication_key_signpost"
    with_it, without = synced().tiny.states[0], synced(Silent).tiny.states[0]
    return SEEN == [None] and key in with_it and key not in without


def it_writes_the_version_when_called() -> bool:
    class Late(FullTable):
        @override
        def _write_activate_version_message(self, full_table_version: int) -> None:
            SEEN.append(full_table_version)

    tap = synced(Late, **WITH_VERSIONS)
    early = tap.message_writer.of_type("ACTIVATE_VERSION")
    TinyStream._write_activate_version_message(tap.tiny, 7)
    (late,) = tap.message_writer.of_type("ACTIVATE_VERSION")
    return len(SEEN) == 1 and not early and late["version"] == 7


def records_carry_it_in_a_full_table() -> bool:
    tap = synced(FullTable, **WITH_VERSIONS)
    versions = {record["version"] for record in tap.message_writer.of_type("RECORD")}
    return versions == {tap.tiny._stream_version} and synced().tiny._stream_version is None


def a_record_at_the_limit_ends_without_an_abort() -> bool:
    class Seeing(TinyStream):
        @override
        def _abort_sync(self, abort_reason: Exception) -> None:
            SEEN.append(abort_reason)

    tap = tap_of(Seeing)
    passed = tap.run_connection_test()
    records = tap.message_writer.of_type("RECORD")
    return passed and tap.tiny.ABORT_AT_RECORD_COUNT == 1 and len(records) == 1 and not SEEN


def without_it_values_stay() -> bool:
    class Loose(TinyStream):
        @override
        def get_records(self, context: Any) -> Iterable[dict[str, Any]]:
            return [{"day": ROWS[0]["day"], "undeclared": 1}]

    class Unconformed(Loose):
        TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE

    taps = synced(Loose), synced(Unconformed)
    (conformed,), (kept,) = (tap.message_writer.of_type("RECORD") for tap in taps)
    return "undeclared" in kept["record"] and "undeclared" not in conformed["record"]


def forgotten_they_are_those_of_the_mapper() -> bool:
    tap = tap_of()
    stream = tap.tiny
    before = stream.stream_maps[0]
    tap.mapper.register_raw_stream_schema("tiny", {"properties": {"new": {}}}, ["new"])
    kept = stream.stream_maps[0]
    stream._stream_maps = None
    changed = stream.stream_maps[0]
    return before is kept and changed.transformed_schema["properties"] == {"new": {}}


def a_schema_message_is_of_the_stream_maps() -> bool:
    tap = tap_of(FullTable)
    tap.tiny._write_schema_message()
    (message,) = tap.message_writer.messages
    return bool(message["type"] == "SCHEMA" and message["schema"] == SCHEMA)


def it_writes_a_record_of_the_stream_maps() -> bool:
    tap = tap_of()
    tap.tiny._write_record_message(dict(ROWS[0]))
    (message,) = tap.message_writer.messages
    (made,) = tap.tiny._generate_record_messages(dict(ROWS[0]))
    return bool(made.stream == "tiny" and message["record"] == made.record == ROWS[0])


def sync_all_writes_a_state_by_it() -> bool:
    class WithoutState(TinyStream):
        @override  # type: ignore[misc]  # final in the SDK
        def sync(self, context: Any = None) -> None:
            """Write nothing."""

    class Silent(WithoutState):
        @override
        def finalize_state_progress_markers(self, state: Any = None) -> None:
            """Write nothing."""

    return synced(WithoutState).state != {} and synced(Silent).state == {}


def it_writes_a_message_that_names_files() -> bool:
    tap = tap_of()
    tap.tiny._write_batch_message(BaseBatchFileEncoding("jsonl", "gzip"), ["file-1"])
    (message,) = tap.message_writer.messages
    return bool(message["type"] == "BATCH" and message["manifest"] == ["file-1"])


def it_is_the_schema_discovered() -> bool:
    stream = tap_of().tiny
    stream._schema = {"properties": {"new": {}}}
    return stream.schema == stream._singer_catalog_entry.schema.to_dict() == stream._schema


def it_is_the_schema_of_the_catalog() -> bool:
    stream = tap_of(catalog=tap_of().catalog_dict).tiny
    from_catalog = stream._input_schema
    stream._input_schema = {"properties": {"new": {}}}
    return from_catalog == SCHEMA and stream.effective_schema is stream._input_schema


def it_says_which_columns_are_selected() -> bool:
    stream = tap_of(catalog=catalog_without("text")).tiny
    mask = stream.mask
    return not mask["properties", "text"] and mask["properties", "day"] and stream.selected


def catalog_without(column: str) -> dict[str, Any]:
    catalog = tap_of().catalog_dict
    for entry in catalog["streams"][0]["metadata"]:
        if entry["breadcrumb"] == ["properties", column]:
            entry["metadata"]["selected"] = False
    return catalog


def it_is_the_tap() -> bool:
    tap = tap_of()
    return tap.tiny._tap is tap and tap.tiny._tap.message_writer is tap.message_writer


def it_is_the_part_of_the_taps_state() -> bool:
    tap = tap_of()
    return tap.tiny.stream_state is tap.state["bookmarks"]["tiny"]


def a_state_is_written_where_it_is_not_flushed() -> bool:
    tap = tap_of()
    counts = []
    for is_flushed in (True, False):
        tap.tiny.stream_state["replication_key_value"] = "2025"
        tap.tiny.state_manager.is_flushed = is_flushed
        tap.tiny._write_state_message()
        counts.append(len(tap.message_writer.of_type("STATE")))
    (state,) = tap.message_writer.of_type("STATE")
    return counts == [0, 1] and state["value"] == tap.state


# The tap


def the_command_syncs_by_it() -> bool:
    class Seeing(TinyTap):
        @override  # type: ignore[misc]
        def sync_all(self) -> None:
            SEEN.append("sync")

    command_line(Seeing)
    return SEEN == ["sync"]


def the_option_test_runs_it() -> bool:
    class Seeing(TinyTap):
        @override  # type: ignore[misc]
        def run_connection_test(self) -> bool:
            SEEN.append("test")
            return True

    command_line(Seeing, "--test")
    return SEEN == ["test"]


def the_option_test_schema_runs_it() -> bool:
    class Seeing(TinyTap):
        @override  # type: ignore[misc]
        def write_schemas(self) -> None:
            SEEN.append("schemas")

    command_line(Seeing, "--test=schema")
    return SEEN == ["schemas"]


def the_option_discover_runs_it() -> bool:
    class Seeing(TinyTap):
        @override
        def run_discovery(self) -> str:
            SEEN.append("discovery")
            return ""

    command_line(Seeing, "--discover")
    return SEEN == ["discovery"]


def it_is_asked_before_there_is_a_tap() -> bool:
    class Seeing(TinyTap):
        @classmethod
        @override
        def cb_config(cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]) -> Any:
            SEEN.append(value)
            return super().cb_config(ctx, param, value)

        @override
        def load_state(self, state: dict[str, Any]) -> None:
            SEEN.append("tap")

    command_line(Seeing, "--config=ENV")
    return SEEN == [("ENV",), "tap"]


def it_has_files_for_state_and_catalog() -> bool:
    class Seeing(TinyTap):
        @classmethod
        @override
        def invoke(
            cls, *, state: IO[str] | None = None, catalog: IO[str] | None = None, **options: Any
        ) -> None:
            SEEN.extend(file.buffer.read() if file else None for file in (state, catalog))  # type: ignore[attr-defined]
            super().invoke(state=io.StringIO('{"bookmarks": {}}'), catalog=None, **options)

        @override
        def load_state(self, state: dict[str, Any]) -> None:
            SEEN.append(state)

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "state.json")
        file.write_bytes(b"{}")
        command_line(Seeing, f"--state={file}")
    return SEEN == [b"{}", None, {"bookmarks": {}}]


def every_tap_calls_it_with_the_state_given() -> bool:
    class Seeing(TinyTap):
        @override
        def load_state(self, state: dict[str, Any]) -> None:
            SEEN.append(state)
            super().load_state({"bookmarks": {"tiny": {"replication_key_value": "2025"}}})

    taps = [Seeing(), Seeing(state={"bookmarks": {}})]
    loaded = {"replication_key_value": "2025"}
    return SEEN == [{}, {"bookmarks": {}}] and all(tap.tiny.stream_state == loaded for tap in taps)


def every_tap_is_validated_by_it_first() -> bool:
    class Seeing(TinyTap):
        @override
        def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
            SEEN.append((raise_errors, dict(self._config)))
            self._config["added"] = True
            return []

        @override
        def load_state(self, state: dict[str, Any]) -> None:
            SEEN.append(dict(self.config))

    Seeing(config={"start": 1})
    Seeing(config={"start": 2}, validate_config=False)
    return SEEN == [
        (True, {"start": 1}),
        {"start": 1, "added": True},
        (False, {"start": 2}),
        {"start": 2, "added": True},
    ]


def signals_call_it() -> bool:
    class Seeing(TinyTap):
        _setup_signal_handlers = Tap._setup_signal_handlers

        @override
        def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
            SEEN.append(signum)

    with patch("signal.signal") as signals:
        Seeing()
    for signum, handler in (call.args for call in signals.call_args_list):
        handler(signum, None)
    return set(SEEN) == {signal.SIGINT, signal.SIGTERM}


def it_adds_the_sdks_settings_in_place() -> bool:
    schema: dict[str, Any] = {"properties": {}}
    TinyTap.append_builtin_config(schema)
    return {*schema["properties"]} >= {"stream_maps", "flattening_enabled", "batch_config"}


def all_messages_go_through_it() -> bool:
    tap = synced(FullTable, **WITH_VERSIONS)
    types = {message["type"] for message in tap.message_writer.messages}
    return type(tap.message_writer) is Gathering and types == {
        "SCHEMA", "ACTIVATE_VERSION", "RECORD", "STATE",
    }  # fmt: skip


def streams_are_without_what_the_catalog_lacks() -> bool:
    class Seeing(TinyTap):
        @override
        def discover_streams(self) -> list[TinyStream]:
            SEEN.append(self.input_catalog is not None)
            return super().discover_streams()

    return Seeing(catalog=tap_of().catalog_dict).tiny.selected and SEEN == [True]


# Helpers


def it_fills_in_defaults_and_yields_every_error() -> bool:
    schema = {"properties": {"end": {"default": "today"}, "keys": {"items": {"type": "string"}}}}
    config: dict[str, Any] = {"keys": [1, 2]}
    errors = [*plugin_base.JSONSchemaValidator(schema).iter_errors(config)]
    first = errors[0]
    return (config["end"], len(errors), first.validator, first.validator_value, first.instance) == (
        "today", 2, "type", "string", 1,
    ) and [*first.path] == ["keys", 0]  # fmt: skip


def it_leaves_out_what_is_deselected() -> bool:
    stream = tap_of(catalog=catalog_without("text")).tiny
    selected = _catalog.get_selected_schema("tiny", SCHEMA, stream.mask)
    return selected["properties"].keys() == {"day"} and "text" in SCHEMA["properties"]


def streams_without_maps_have_it() -> bool:
    plain = tap_of().tiny.stream_maps
    flat = tap_of(config={"flattening_enabled": True, "flattening_max_depth": 1}).tiny.stream_maps
    mapped = tap_of(config={"stream_maps": {"tiny": {"text": "'x'"}}}).tiny.stream_maps
    kinds = [type(first) is mapper.SameRecordTransform for (first,) in (plain, flat, mapped)]
    return kinds == [True, True, False] and [
        first.flattening_enabled for (first,) in (plain, flat)
    ] == [False, True]


class Opening(StorageTarget):
    @override
    @contextlib.contextmanager
    def open(self, filename: str, mode: str = "rb") -> Generator[IO[Any]]:
        SEEN.append(filename)
        with super().open(filename, mode) as file:
            yield file


def it_writes_json_lines_through_the_storage() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        given = StorageTarget(Path(folder).as_uri(), prefix="front-")
        encoding = BaseBatchFileEncoding("jsonl", "gzip")
        config = replace(BatchConfig(encoding, given, 2), storage=Opening(**given.asdict()))
        manifests = [*batch.Batcher("tap-tiny", "tiny", config).get_batches(iter(ROWS))]
        texts = [gzip.decompress(Path(folder, name).read_bytes()) for name in SEEN]
    rows = [json.loads(line) for text in texts for line in text.splitlines()]
    return (
        rows == ROWS
        and all(name.startswith("front-tap-tiny--tiny-") for name in SEEN)
        and [[given.get_url(name)] for name in SEEN] == manifests
    )


def a_batch_message_and_a_state_follow_each_file() -> bool:
    class InFiles(TinyStream):
        @override
        def get_batches(
            self, batch_config: BatchConfig, context: Any = None
        ) -> Iterator[tuple[BaseBatchFileEncoding, list[str]]]:
            for number in (1, 2):
                SEEN.append(batch_config.batch_size)
                self.stream_state["replication_key_value"] = number
                yield batch_config.encoding, [f"file-{number}"]

    config = {"encoding": {"format": "jsonl"}, "storage": {"root": "nowhere"}, "batch_size": 5}
    messages = synced(InFiles, config={"batch_config": config}).message_writer.messages
    _, *after_schema = messages[:5]
    return SEEN == [5, 5] and [
        m.get("manifest") or m["value"]["bookmarks"]["tiny"]["replication_key_value"]
        for m in after_schema
    ] == [["file-1"], 1, ["file-2"], 2]


def each_request_has_the_token_renewed_where_it_is_not_valid() -> bool:
    class Renewing(OAuthAuthenticator):
        @property
        @override
        def oauth_request_body(self) -> dict[str, Any]:
            return {"id": self.client_id, "secret": self.client_secret}

        @override
        def is_token_valid(self) -> bool:
            return bool(self.access_token)

        @override
        def update_access_token(self) -> None:
            SEEN.append(self.oauth_request_payload)
            self.access_token = "new"

    auth = Renewing(auth_endpoint="http://localhost", client_id="i", client_secret="s")
    session = requests.Session()
    sent = [session.prepare_request(requests.Request("GET", "http://localhost")) for _ in "12"]
    tokens = [auth(request).headers["Authorization"] for request in sent]
    return tokens == ["Bearer new"] * 2 and SEEN == [{"id": "i", "secret": "s"}]


def it_hands_a_response_through_until_there_is_no_more() -> bool:
    class Counting(BaseAPIPaginator[int]):
        @override
        def has_more(self, response: Any) -> bool:
            SEEN.append(response)
            return bool(response == "more")

        @override
        def get_next(self, response: Any) -> int:
            return self.current_value + 1

    pages: Any = Counting(1)
    for response in ("more", "more", "last"):
        pages.advance(response)
    return SEEN == ["more", "more", "last"] and pages.finished and pages.current_value == 3


@dataclass(frozen=True, slots=True)
class Hook:
    """A function, class or attribute of the SDK.

    Args:
        owner: the class or module that has it.
        name: its name there.
        shape: its parameters, or what it is; empty for an attribute of instances alone.
        check: whether the SDK does what the tap relies on, which its name says.
    """

    owner: type | ModuleType
    name: str
    shape: str
    check: Callable[[], bool]

    def __str__(self) -> str:
        return f"{self.owner.__name__.rpartition('.')[2]}.{self.name}"


HOOKS = [
    Hook(Stream, "sync", "(self, context=None)", tap_syncs_each_stream_by_it),
    Hook(
        Stream,
        "_sync_records",
        "(self, context=None, *, write_messages=True)",
        sync_takes_records_from_it_alone,
    ),
    Hook(
        Stream,
        "_increment_stream_state",
        "(self, latest_record, *, context=None)",
        it_alone_moves_the_bookmark,
    ),
    Hook(
        Stream,
        "_write_starting_replication_value",
        "(self, context)",
        it_alone_writes_the_starting_value,
    ),
    Hook(
        Stream,
        "get_replication_key_signpost",
        "(self, context=None)",
        without_a_signpost_none_is_written,
    ),
    Hook(
        Stream,
        "_write_activate_version_message",
        "(self, full_table_version)",
        it_writes_the_version_when_called,
    ),
    Hook(Stream, "_stream_version", "", records_carry_it_in_a_full_table),
    Hook(
        Stream,
        "get_batches",
        "(self, batch_config, context=None)",
        a_batch_message_and_a_state_follow_each_file,
    ),
    Hook(Stream, "ABORT_AT_RECORD_COUNT", "NoneType", a_record_at_the_limit_ends_without_an_abort),
    Hook(Stream, "TYPE_CONFORMANCE_LEVEL", "TypeConformanceLevel", without_it_values_stay),
    Hook(Stream, "_stream_maps", "", forgotten_they_are_those_of_the_mapper),
    Hook(Stream, "_write_schema_message", "(self)", a_schema_message_is_of_the_stream_maps),
    Hook(Stream, "_write_record_message", "(self, record)", it_writes_a_record_of_the_stream_maps),
    Hook(
        Stream, "_generate_record_messages", "(self, record)", it_writes_a_record_of_the_stream_maps
    ),
    Hook(
        Stream,
        "_write_batch_message",
        "(self, encoding, manifest)",
        it_writes_a_message_that_names_files,
    ),
    Hook(
        Stream,
        "finalize_state_progress_markers",
        "(self, state=None)",
        sync_all_writes_a_state_by_it,
    ),
    Hook(Stream, "_schema", "", it_is_the_schema_discovered),
    Hook(Stream, "_input_schema", "", it_is_the_schema_of_the_catalog),
    Hook(Stream, "mask", "property", it_says_which_columns_are_selected),
    Hook(Stream, "_tap", "", it_is_the_tap),
    Hook(Stream, "stream_state", "property", it_is_the_part_of_the_taps_state),
    Hook(Stream, "state_manager", "property", a_state_is_written_where_it_is_not_flushed),
    Hook(Stream, "_write_state_message", "(self)", a_state_is_written_where_it_is_not_flushed),
    Hook(Tap, "sync_all", "(self)", the_command_syncs_by_it),
    Hook(Tap, "run_connection_test", "(self)", the_option_test_runs_it),
    Hook(Tap, "write_schemas", "(self)", the_option_test_schema_runs_it),
    Hook(Tap, "run_discovery", "(self)", the_option_discover_runs_it),
    Hook(Tap, "discover_streams", "(self)", streams_are_without_what_the_catalog_lacks),
    Hook(Tap, "cb_config", "(cls, ctx, param, value)", it_is_asked_before_there_is_a_tap),
    Hook(
        Tap,
        "invoke",
        "(cls, *, about=False, about_format=None, config=None, state=None, catalog=None)",
        it_has_files_for_state_and_catalog,
    ),
    Hook(Tap, "load_state", "(self, state)", every_tap_calls_it_with_the_state_given),
    Hook(
        Tap, "_validate_config", "(self, *, raise_errors=True)", every_tap_is_validated_by_it_first
    ),
    Hook(Tap, "_config", "", every_tap_is_validated_by_it_first),
    Hook(Tap, "_handle_termination", "(self, signum, frame)", signals_call_it),
    Hook(
        Tap, "append_builtin_config", "(cls, config_jsonschema)", it_adds_the_sdks_settings_in_place
    ),
    Hook(Tap, "message_writer_class", "type", all_messages_go_through_it),
    Hook(
        plugin_base,
        "JSONSchemaValidator",
        "type",
        it_fills_in_defaults_and_yields_every_error,
    ),
    Hook(
        _catalog,
        "get_selected_schema",
        "(stream_name, schema, mask)",
        it_leaves_out_what_is_deselected,
    ),
    Hook(mapper, "SameRecordTransform", "type", streams_without_maps_have_it),
    Hook(batch, "Batcher", "type", it_writes_json_lines_through_the_storage),
    Hook(
        StorageTarget,
        "open",
        "(self, filename, mode='rb')",
        it_writes_json_lines_through_the_storage,
    ),
    Hook(
        OAuthAuthenticator,
        "authenticate_request",
        "(self, request)",
        each_request_has_the_token_renewed_where_it_is_not_valid,
    ),
    Hook(
        BaseAPIPaginator,
        "advance",
        "(self, response)",
        it_hands_a_response_through_until_there_is_no_more,
    ),
]
LISTED = {hook.name for hook in HOOKS}


@pytest.mark.parametrize("hook", HOOKS, ids=str)
def test_the_sdk_keeps(hook: Hook) -> None:
    place = f"singer-sdk {Tap.sdk_version}: {hook}"
    relied_on = f"the tap relies on this: {hook.check.__name__.replace('_', ' ')}"
    if hook.shape:
        found = inspect.getattr_static(hook.owner, hook.name, "gone")
        assert found != "gone", f"{place} is gone; {relied_on}"
        shape = shape_of(found)
        assert shape == hook.shape, f"{place} was {hook.shape} and is {shape}; {relied_on}"
    SEEN.clear()
    try:
        holds = hook.check()
    except Exception as exc:  # noqa: BLE001  # whatever it is, the SDK has changed
        pytest.fail(f"{place} fails with {exc!r}; {relied_on}")
    assert holds, f"{place} works in another way; {relied_on}"


def shape_of(found: object) -> str:
    """Return the parameters of a function, or what else there is."""
    function = getattr(found, "__func__", found)
    if not inspect.isfunction(function):
        return "type" if inspect.isclass(found) else type(found).__name__
    signature = inspect.signature(function)
    bare = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for parameter in signature.parameters.values()
    ]
    return str(inspect.Signature(bare))


def classes_with_bases_of_the_sdk() -> Iterator[type]:
    for module in pkgutil.walk_packages(tap_crewmojo.__path__, "tap_crewmojo."):
        if module.ispkg or module.name.startswith("tap_crewmojo.sandbox."):
            continue
        for cls in vars(importlib.import_module(module.name)).values():
            if inspect.isclass(cls) and cls.__module__ == module.name and sdk_bases(cls):
                yield cls


def sdk_bases(cls: type) -> list[type]:
    return [base for base in cls.__mro__ if base.__module__.startswith("singer_sdk.")]


@pytest.mark.parametrize("ours", [*classes_with_bases_of_the_sdk()])
def test_each_private_or_final_name_of_the_sdk_in_use_is_listed(ours: type) -> None:
    bases = sdk_bases(ours)
    private = {name for base in bases for name in names_in(base) if re.match(r"_[^_]", name)}
    final = {
        name
        for base in bases
        for name, value in vars(base).items()
        if getattr(value, "__final__", False)
    }
    unlisted = (private & names_in(ours) | final & vars(ours).keys()) - LISTED
    assert not unlisted, f"add to HOOKS what {ours.__name__} relies on: {sorted(unlisted)}"


def names_in(cls: type) -> set[str]:
    """Return the names of what a class has and uses."""
    tree = ast.parse(inspect.getsource(cls))
    named = {ast.Attribute: "attr", ast.FunctionDef: "name", ast.Name: "id"}
    return {getattr(node, named[type(node)]) for node in ast.walk(tree) if type(node) in named}

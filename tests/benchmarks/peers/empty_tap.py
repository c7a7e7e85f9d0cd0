"""An empty tap: the start-up time of the SDK alone."""

from __future__ import annotations

from singer_sdk import Stream, Tap
from typing_extensions import override


class EmptyTap(Tap):
    """A tap without streams."""

    name = "tap-empty"
    config_jsonschema = {"type": "object", "properties": {}}  # noqa: RUF012  # as taps have it

    @override
    def discover_streams(self) -> list[Stream]:
        return []


if __name__ == "__main__":
    EmptyTap()

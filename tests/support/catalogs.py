"""Catalogs as users edit them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any


def entry_of(catalog: dict[str, Any], stream: str = "") -> dict[str, Any]:
    """Return the entry of a stream; without a name, of the only one."""
    (entry,) = (each for each in catalog["streams"] if stream in {"", each["tap_stream_id"]})
    assert isinstance(entry, dict)
    return entry


def metadata_of(catalog: dict[str, Any], *column: str, stream: str = "") -> dict[str, Any]:
    """Return the metadata of a column, or of the stream itself."""
    breadcrumb = ["properties", *column] if column else []
    (metadata,) = (
        each["metadata"]
        for each in entry_of(catalog, stream)["metadata"]
        if each["breadcrumb"] == breadcrumb
    )
    assert isinstance(metadata, dict)
    return metadata


def deselect(catalog: dict[str, Any], stream: str, *columns: str) -> None:
    """Deselect some columns of a stream; without a column, the stream."""
    for column in [[name] for name in columns] or [[]]:
        metadata_of(catalog, *column, stream=stream)["selected"] = False

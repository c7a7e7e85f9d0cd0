"""An invalid catalog is refused in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from singer_sdk.exceptions import ConfigValidationError

from tap_crewmojo.singer.catalog import read_catalog

if TYPE_CHECKING:
    from typing import Any

STREAM: dict[str, Any] = {"tap_stream_id": "staff", "schema": {"properties": {"A": {}}}}


def of_stream(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"streams": [STREAM | changes]}


def of_metadata(breadcrumb: Any, **metadata: Any) -> dict[str, Any]:  # noqa: ANN401
    return of_stream(metadata=[{"breadcrumb": breadcrumb, "metadata": metadata}])


@pytest.mark.parametrize(
    ("catalog", "words"),
    [
        pytest.param({"client_id": "x"}, "catalog lacks 'streams'", id="another file"),
        pytest.param({"streams": None}, "['streams'] must be array", id="no streams"),
        pytest.param({"streams": ["staff"]}, "['streams'][0] must be object", id="a name"),
        pytest.param({"streams": [{"schema": {}}]}, "[0] lacks 'tap_stream_id'", id="no id"),
        pytest.param({"streams": [{"tap_stream_id": "a"}]}, "lacks 'schema'", id="no schema"),
        pytest.param(
            {"streams": [STREAM, STREAM]}, "'staff' must be in it once, not 2 times", id="twice"
        ),
        pytest.param(of_stream(tap_stream_id=7), "must be string", id="number as id"),
        pytest.param(of_stream(schema=True), "['schema'] must be object", id="schema true"),
        pytest.param(of_stream(schema={"properties": []}), "must be object", id="columns as list"),
        pytest.param(
            of_stream(schema={"properties": {"A\nB": False}}),
            r"['properties']['A\nB'] must be object",
            id="column false",
        ),
        pytest.param(of_stream(key_properties="Code"), "must be array", id="key as text"),
        pytest.param(of_stream(key_properties=[1]), "[0] must be string", id="key as number"),
        pytest.param(
            of_stream(replication_method="LOG_BASED"),
            "['replication_method'] must be one of INCREMENTAL, FULL_TABLE",
            id="log based",
        ),
        pytest.param(
            of_metadata([], **{"forced-replication-method": "LOG_BASED"}),
            "must be one of INCREMENTAL, FULL_TABLE",
            id="log based in metadata",
        ),
        pytest.param(of_stream(metadata={}), "['metadata'] must be array", id="metadata as object"),
        pytest.param(of_stream(metadata=[None]), "[0] must be object", id="metadata null"),
        pytest.param(of_metadata("A", selected=True), "must be array", id="breadcrumb as text"),
        pytest.param(
            of_metadata(["properties", "A"], selected="false"),
            "['selected'] must be boolean",
            id="selected as text",
        ),
        pytest.param(
            of_metadata(["properties", "A", "properties", "B"], selected=False),
            "deselects a part of its column 'A'",
            id="part of a column",
        ),
    ],
)
def test_an_invalid_catalog_is_refused_in_a_sentence(catalog: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigValidationError) as failure:
        read_catalog(catalog)
    (message,) = failure.value.errors
    first, error = message.splitlines()
    assert first == "The catalog is invalid; run `--discover` again, or correct it:"
    assert words in error

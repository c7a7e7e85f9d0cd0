"""Airbyte's CDK: sources in its declarative form, run by its own command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

COLUMNS = {
    "Code": {"type": ["null", "string"]},
    "Name": {"type": ["null", "string"]},
    "Email": {"type": ["null", "string"]},
    "Started": {"type": ["null", "string"], "format": "date"},
    "Last Active": {"type": ["null", "string"], "format": "date-time"},
    "Manager": {"type": ["null", "boolean"]},
    "Meetings": {"type": ["null", "integer"]},
    "Rating": {"type": ["null", "number"]},
    "Team": {"type": ["null", "string"]},
    "Notes": {"type": ["null", "string"]},
    "Score": {"type": ["null", "number"]},
    "Office": {"type": ["null", "string"]},
}


def rows_manifest(url: str, *, typed: bool) -> dict[str, Any]:
    """Return a source that reads one report of many rows.

    Args:
        url: its address, which ends in .csv or .json.
        typed: whether CSV's texts become what the schema says.
    """
    base, _, path = url.rpartition("/")
    requester = {
        "type": "HttpRequester",
        "url_base": base,
        "path": path,
        "http_method": "GET",
    }
    stream = _stream("big", COLUMNS, requester, is_json=path.endswith(".json"))
    if typed:
        stream["retriever"]["record_selector"]["schema_normalization"] = "Default"
    return _manifest([stream], 1)


def waiting_manifest(api_url: str, reports: Iterable[str], workers: int) -> dict[str, Any]:
    """Return a source that reads reports by the month, for a year."""
    requester = {
        "type": "HttpRequester",
        "url_base": api_url,
        "path": "",
        "http_method": "POST",
        "request_body_json": {
            "startDate": "{{ stream_partition['start'] | int }}",
            "endDate": "{{ stream_partition['end'] | int }}",
        },
        # Each stream would request a token, and each new token ends the one before.
        "authenticator": {
            "type": "BearerAuthenticator",
            "api_token": "{{ config['token'] }}",
        },
    }
    text = {"type": ["null", "string"]}
    columns = dict.fromkeys(("Person", "Month", "Meetings", "Rating"), text)
    streams = []
    for report in reports:
        path = f"integrations/download/{report}"
        stream = _stream(report, columns, requester | {"path": path}, is_json=False)
        stream["incremental_sync"] = {
            "type": "DatetimeBasedCursor",
            "cursor_field": "Month",
            "datetime_format": "%Y%m%d",
            "cursor_datetime_formats": ["%Y-%m-%d"],
            "start_datetime": "20240101",
            "end_datetime": "20241231",
            "step": "P1M",
            "cursor_granularity": "P1D",
            "partition_field_start": "start",
            "partition_field_end": "end",
        }
        streams.append(stream)
    return _manifest(streams, workers)


def catalog(streams: Iterable[str]) -> dict[str, Any]:
    """Return the catalog that selects all of some streams."""
    return {
        "streams": [
            {
                "stream": {
                    "name": name,
                    "json_schema": {"type": "object", "properties": {}},
                    "supported_sync_modes": ["full_refresh"],
                },
                "sync_mode": "full_refresh",
                "destination_sync_mode": "append",
            }
            for name in streams
        ]
    }


def _stream(
    name: str, columns: Mapping[str, Any], requester: Mapping[str, Any], *, is_json: bool
) -> dict[str, Any]:
    decoder = {"type": "JsonDecoder"} if is_json else {"type": "CsvDecoder"}
    return {
        "type": "DeclarativeStream",
        "name": name,
        "retriever": {
            "type": "SimpleRetriever",
            "requester": dict(requester),
            "decoder": decoder,
            "record_selector": {
                "type": "RecordSelector",
                "extractor": {"type": "DpathExtractor", "field_path": []},
            },
        },
        "schema_loader": {
            "type": "InlineSchemaLoader",
            "schema": {"type": "object", "properties": dict(columns)},
        },
    }


def _manifest(streams: list[dict[str, Any]], workers: int) -> dict[str, Any]:
    return {
        "version": "7.0.0",
        "type": "DeclarativeSource",
        "check": {"type": "CheckStream", "stream_names": [streams[0]["name"]]},
        "streams": streams,
        "concurrency_level": {"type": "ConcurrencyLevel", "default_concurrency": workers},
        "spec": {
            "type": "Spec",
            "connection_specification": {"type": "object", "properties": {}},
        },
    }

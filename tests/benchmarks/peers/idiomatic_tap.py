"""The tap that the SDK's template leads to: one request, `response.text`, `csv.DictReader`."""

from __future__ import annotations

import csv
import io
import os
from typing import TYPE_CHECKING, Any

from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th
from singer_sdk.contrib.msgspec import MsgSpecWriter
from singer_sdk.pagination import SinglePagePaginator
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterable

    import requests
    from singer_sdk.helpers.types import Context
    from singer_sdk.pagination import BaseAPIPaginator

_NUMBERS = {"Meetings": int, "Rating": float, "Score": float}


class BigStream(RESTStream[Any]):
    """The report."""

    name = "big"
    path = ""
    primary_keys = ("Code",)
    schema = th.PropertiesList(
        th.Property("Code", th.StringType),
        th.Property("Name", th.StringType),
        th.Property("Email", th.StringType),
        th.Property("Started", th.DateType),
        th.Property("Last Active", th.DateTimeType),
        th.Property("Manager", th.BooleanType),
        th.Property("Meetings", th.IntegerType),
        th.Property("Rating", th.NumberType),
        th.Property("Team", th.StringType),
        th.Property("Notes", th.StringType),
        th.Property("Score", th.NumberType),
        th.Property("Office", th.StringType),
    ).to_dict()

    @property
    @override
    def url_base(self) -> str:
        url: str = self.config["url"]
        return url

    @override
    def get_new_paginator(self) -> BaseAPIPaginator[Any]:
        return SinglePagePaginator()

    @override
    def parse_response(self, response: requests.Response) -> Iterable[dict[str, Any]]:
        if self.config["url"].endswith(".json"):
            yield from response.json()
            return
        response.encoding = "utf-8"
        yield from csv.DictReader(io.StringIO(response.text))

    @override
    def post_process(
        self, row: dict[str, Any], context: Context | None = None
    ) -> dict[str, Any] | None:
        if self.config["url"].endswith(".json"):
            return row
        record: dict[str, Any] = {name: cell or None for name, cell in row.items()}
        for name, convert in _NUMBERS.items():
            if row[name]:
                record[name] = convert(row[name])
        if row["Manager"]:
            record["Manager"] = row["Manager"] == "true"
        return record


class IdiomaticTap(Tap):
    """A tap with this one report."""

    name = "tap-idiomatic"
    config_jsonschema = th.PropertiesList(
        th.Property("url", th.StringType, required=True)
    ).to_dict()
    if os.environ.get("WRITER") == "msgspec":
        message_writer_class = MsgSpecWriter

    @override
    def discover_streams(self) -> list[BigStream]:
        return [BigStream(self)]


if __name__ == "__main__":
    IdiomaticTap.cli()

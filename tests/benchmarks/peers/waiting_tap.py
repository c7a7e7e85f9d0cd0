"""The SDK's way to request monthly reports: partitions, one request after another."""

from __future__ import annotations

import calendar
import csv
import io
from typing import TYPE_CHECKING, Any

from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th
from singer_sdk.authenticators import BearerTokenAuthenticator
from singer_sdk.pagination import SinglePagePaginator
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterable

    import requests
    from singer_sdk.helpers.types import Context
    from singer_sdk.pagination import BaseAPIPaginator

YEAR = 2024


class ReportStream(RESTStream[Any]):
    """A report."""

    http_method = "POST"
    schema = th.PropertiesList(
        th.Property("Person", th.StringType),
        th.Property("Month", th.DateType),
        th.Property("Meetings", th.StringType),
        th.Property("Rating", th.StringType),
    ).to_dict()

    @property
    @override
    def url_base(self) -> str:
        url: str = self.config["api_url"]
        return url

    @property
    @override
    def authenticator(self) -> BearerTokenAuthenticator:
        return BearerTokenAuthenticator(token=self.config["token"])

    @property
    @override
    def partitions(self) -> list[dict[str, Any]]:
        first = [YEAR * 10000 + month * 100 for month in range(1, 13)]
        last = [calendar.monthrange(YEAR, month)[1] for month in range(1, 13)]
        return [{"start": f + 1, "end": f + d} for f, d in zip(first, last, strict=True)]

    @override
    def prepare_request_payload(
        self, context: Context | None, next_page_token: Any | None
    ) -> dict[str, Any]:
        context = context or {}
        return {"startDate": context["start"], "endDate": context["end"]}

    @override
    def get_new_paginator(self) -> BaseAPIPaginator[Any]:
        return SinglePagePaginator()

    @override
    def parse_response(self, response: requests.Response) -> Iterable[dict[str, Any]]:
        yield from csv.DictReader(io.StringIO(response.text))


class WaitingTap(Tap):
    """A tap with some reports."""

    name = "tap-waiting"
    config_jsonschema = th.PropertiesList(
        th.Property("api_url", th.StringType, required=True),
        th.Property("token", th.StringType, required=True),
        th.Property("reports", th.ArrayType(th.StringType), required=True),
    ).to_dict()

    @override
    def discover_streams(self) -> list[ReportStream]:
        return [
            ReportStream(self, name=report, path=f"/integrations/download/{report}")
            for report in self.config["reports"]
        ]


if __name__ == "__main__":
    WaitingTap.cli()

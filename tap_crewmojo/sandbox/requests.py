"""The bodies of requests, parsed: for an access token, and for a report."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeAlias, TypedDict, cast
from urllib.parse import parse_qsl

ContentType: TypeAlias = Literal["csv", "json"]


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """The body of a token request: client credentials, as a form or as JSON ([doc])."""

    grant_type: str = ""
    client_id: str = ""
    client_secret: str = ""

    @classmethod
    def parse(cls, body: bytes, content_type: str) -> TokenRequest:
        """Parse a body; a field that is missing or not a string becomes empty."""
        try:
            text = body.decode()
            is_json = content_type == "application/json"
            fields = json.loads(text) if is_json else dict(parse_qsl(text))
        except ValueError:
            fields = None
        if not isinstance(fields, dict):
            return cls()
        names = ("grant_type", "client_id", "client_secret")
        values = (fields.get(name) for name in names)
        return cls(*(value if isinstance(value, str) else "" for value in values))

    @property
    def problem(self) -> str | None:
        """The error of an invalid request, as RFC 6749 names it ([assumed])."""
        if not (self.grant_type and self.client_id and self.client_secret):
            return "invalid_request"
        return None if self.grant_type == "client_credentials" else "unsupported_grant_type"


class LoggedFields(TypedDict):
    """The fields of a report request that the request log shows."""

    start: int | None
    end: int | None
    content_type: ContentType


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """The body of a report request, or the problem with it."""

    start: int | None = None
    end: int | None = None
    content_type: ContentType = "csv"
    force_job: bool = False
    problem: str | None = None

    @classmethod
    def parse(cls, body: bytes) -> ReportRequest:
        """Parse a body; unknown fields are ignored."""
        try:
            fields = json.loads(body)
        except ValueError:
            return cls(problem="the body must be JSON")
        if not isinstance(fields, dict):
            return cls(problem="the body must be a JSON object")
        problem = _problem(fields)
        if problem:
            return cls(problem=problem)
        return cls(
            start=fields.get("startDate"),
            end=fields.get("endDate"),
            content_type=cast("ContentType", fields.get("contentType", "csv")),
            force_job=fields.get("jobId", False),
        )

    @property
    def dates(self) -> tuple[date | None, date | None]:
        """The range of dates: both ends, or neither."""
        if self.start is None or self.end is None:
            return None, None
        return _date(self.start), _date(self.end)

    @property
    def logged_fields(self) -> LoggedFields:
        """The fields that the request log shows."""
        return {"start": self.start, "end": self.end, "content_type": self.content_type}


def _problem(fields: dict[str, object]) -> str | None:
    if ("startDate" in fields) != ("endDate" in fields):
        return "startDate and endDate must be given together"  # [doc]
    if "startDate" in fields:
        start, end = _date(fields["startDate"]), _date(fields["endDate"])
        if start is None or end is None:
            return "startDate and endDate must be integers yyyymmdd"  # [doc]
        if start > end:
            return "startDate must not be later than endDate"
    if fields.get("contentType", "csv") not in ("csv", "json"):
        return "contentType must be csv or json"  # [assumed: the default may be given, too]
    if not isinstance(fields.get("jobId", False), bool):
        return "jobId must be true or false"  # [doc]
    return None


def _date(number: object) -> date | None:
    if type(number) is not int:  # not isinstance: in Python, a bool is an int
        return None
    try:
        return date.fromisoformat(str(number))
    except ValueError:
        return None

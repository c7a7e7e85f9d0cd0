"""What a request for a report asks for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeAlias, TypedDict, cast

ContentType: TypeAlias = Literal["csv", "json"]


class Logged(TypedDict):
    """The part of a request that a log may show."""

    start: int | None
    end: int | None
    content_type: ContentType


@dataclass(frozen=True, slots=True)
class Asked:
    """The JSON body of a `POST`, or the problem with it."""

    start: int | None = None
    end: int | None = None
    content_type: ContentType = "csv"
    force_job: bool = False
    problem: str | None = None

    @classmethod
    def of(cls, body: bytes) -> Asked:
        """Read a body; fields that nobody documented are ignored."""
        try:
            fields = json.loads(body)
        except ValueError:
            return cls(problem="the body is not JSON")
        if not isinstance(fields, dict):
            return cls(problem="the body is not a JSON object")
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
        """The range, both ends or neither."""
        if self.start is None or self.end is None:
            return None, None
        return _date(self.start), _date(self.end)

    def logged(self) -> Logged:
        """What of this a log may show."""
        return {"start": self.start, "end": self.end, "content_type": self.content_type}


def _problem(fields: dict[str, object]) -> str | None:
    if ("startDate" in fields) != ("endDate" in fields):
        return "startDate and endDate: both or neither"  # [doc]
    if "startDate" in fields:
        start, end = _date(fields["startDate"]), _date(fields["endDate"])
        if start is None or end is None:
            return "startDate and endDate must be integers yyyymmdd"  # [doc]
        if start > end:
            return "startDate is later than endDate"
    if fields.get("contentType", "csv") not in ("csv", "json"):
        return "contentType must be csv or json"  # [assumed: the default may also be said]
    if not isinstance(fields.get("jobId", False), bool):
        return "jobId must be true or false"  # [doc]
    return None


def _date(number: object) -> date | None:
    if type(number) is not int:  # no bool, which is an int to Python
        return None
    try:
        return date.fromisoformat(str(number))
    except ValueError:
        return None

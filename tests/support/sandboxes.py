"""A sandbox as the tests use it: the tap's settings for it, and which reports were requested."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_crewmojo.sandbox.sandbox import Sandbox

DIRECTORY = {"id": "people.directory", "replication_method": "FULL_TABLE"}
"""A report that has no dates."""


def settings_for(sandbox: Sandbox, *reports: Any, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return the tap's settings for some reports of a sandbox: eleven weeks, unless given."""
    return {
        "client_id": sandbox.client_id,
        "client_secret": sandbox.client_secret,
        "api_url": sandbox.api_url,
        "reports": list(reports),
        "start_date": "2025-01-01",
        "end_date": "2025-03-15",
        **more,
    }


def as_variables(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return settings as variables of the environment."""
    return {
        f"TAP_CREWMOJO_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
        for name, value in settings.items()
    }


def variables_for(sandbox: Sandbox, *reports: Any, **more: Any) -> dict[str, str]:  # noqa: ANN401
    """Return the tap's settings for some reports of a sandbox, and its pace, as variables."""
    return as_variables(settings_for(sandbox, *reports, time_scale=sandbox.time_scale, **more))


def requested(
    sandbox: Sandbox, phase: str = "post"
) -> list[tuple[str | None, int | None, int | None]]:
    """Return the reports that were requested, or whose jobs were polled, with their dates."""
    return [
        (entry.report, entry.start, entry.end) for entry in sandbox.requests if entry.phase == phase
    ]

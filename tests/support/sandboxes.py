"""A sandbox as the tests use it: the tap's settings for it, and which reports were requested."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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


def requested(
    sandbox: Sandbox, phase: str = "post"
) -> list[tuple[str | None, int | None, int | None]]:
    """Return the reports that were requested, or whose jobs were polled, with their dates."""
    return [
        (entry.report, entry.start, entry.end) for entry in sandbox.requests if entry.phase == phase
    ]

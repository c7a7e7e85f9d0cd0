"""Where the server's reports come from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from tap_crewmojo.sandbox.company.company import REPORTS, Company

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date

    from tap_crewmojo.sandbox.company.table import Table


@dataclass(frozen=True, slots=True)
class ReportSource:
    """A report that the server has.

    Attributes:
        rows: Generates it for a range, or for none. Bytes are a body to serve as it is.
        generation_seconds: How long that takes; over 30 makes it a job.
        content_type: The header that goes with bytes; by default that of what was asked for.
    """

    rows: Callable[[date | None, date | None], Table | bytes]
    generation_seconds: float = 0
    content_type: str | None = None


def company_sources(company: Company) -> Mapping[str, ReportSource]:
    """The reports of a made-up company."""
    return {
        name: ReportSource(partial(company.report, name), report.generation_seconds)
        for name, report in REPORTS.items()
    }

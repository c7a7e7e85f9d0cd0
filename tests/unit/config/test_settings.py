"""Settings as values: days are meant in the time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from tap_crewmojo.clock import Clock
from tap_crewmojo.config.settings import Settings

if TYPE_CHECKING:
    from datetime import tzinfo


class StoppedClock(Clock):
    """A clock that stands."""

    __slots__ = ("moment",)

    def __init__(self, moment: datetime) -> None:
        object.__setattr__(self, "moment", moment)

    def now(self, zone: tzinfo = UTC) -> datetime:
        moment: datetime = self.moment  # type: ignore[attr-defined]
        return moment.astimezone(zone)


@pytest.mark.parametrize(
    ("moment", "zone", "yesterday"),
    [
        pytest.param("2024-06-30T23:59:59+00:00", "UTC", "2024-06-29", id="late in UTC"),
        pytest.param("2024-01-31T22:30:00+13:00", "UTC", "2024-01-30", id="UTC+13, seen from UTC"),
        pytest.param("2024-01-31T11:30:00+00:00", "Pacific/Auckland", "2024-01-31", id="UTC+13"),
        pytest.param("2024-01-31T22:30:00+13:00", "Pacific/Auckland", "2024-01-30", id="evening"),
        pytest.param("2024-03-31T00:59:00+00:00", "Europe/Berlin", "2024-03-30", id="before DST"),
        pytest.param("2024-03-31T22:00:00+00:00", "Europe/Berlin", "2024-03-31", id="after DST"),
        pytest.param("2024-10-27T00:30:00+00:00", "Europe/Berlin", "2024-10-26", id="twice 2:30"),
        pytest.param("2024-10-27T01:30:00+00:00", "Europe/Berlin", "2024-10-26", id="the second"),
        pytest.param("2024-01-01T03:00:00+00:00", "America/Lima", "2023-12-30", id="last year"),
    ],
)
def test_yesterday_is_meant_in_the_time_zone(moment: str, zone: str, yesterday: str) -> None:
    config = {
        "client_id": "id",
        "client_secret": "secret",
        "reports": ["a"],
        "start_date": "2020-01-01",
        "timezone": zone,
    }
    clock = StoppedClock(datetime.fromisoformat(moment))
    settings = Settings.from_config(config, clock)
    assert settings.zone == ZoneInfo(zone)
    assert settings.end_date.isoformat() == yesterday
    today = settings.yesterday + timedelta(days=1)
    late = Settings.from_config({**config, "end_date": "2999-01-01"}, clock)
    assert late.end_date == today, "later than today counts as today"
    assert late.yesterday.isoformat() == yesterday

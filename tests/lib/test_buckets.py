"""Where the buckets of a trend begin by the calendar of a zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lib.usage.buckets import Grain, Period, bucket_starts

LORD_HOWE = "Australia/Lord_Howe"


@pytest.mark.spec("T2")
@pytest.mark.parametrize(
    ("zone", "since", "names"),
    [
        # Clocks go back by half an hour, or on: what is left of the hour begins when they do.
        (LORD_HOWE, datetime(2026, 4, 4, 14, tzinfo=UTC), ["01:00+11:00", "01:30+10:30", "02:00+10:30"]),
        (LORD_HOWE, datetime(2026, 10, 3, 14, 30, tzinfo=UTC), ["01:00+10:30", "02:30+11:00", "03:00+11:00"]),
        ("Europe/Berlin", datetime(2026, 10, 25, 0, tzinfo=UTC), ["02:00+02:00", "02:00+01:00"]),
        ("Asia/Kolkata", datetime(2026, 10, 25, 0, 30, tzinfo=UTC), ["06:00+05:30", "07:00+05:30"]),
    ],
)
def test_an_hour_is_one_of_the_zones_also_where_clocks_change(zone: str, since: datetime, names: list[str]) -> None:
    rows = bucket_starts(Period(since, since + timedelta(hours=2), zone), Grain.HOUR)
    assert [bucket.isoformat()[11:16] + bucket.isoformat()[19:] for bucket in rows["bucket"].unique().sort()] == names
    assert [rows["end"].max(), rows["start"].min()] == [rows["t"].max() + 1, rows["t"].min()]

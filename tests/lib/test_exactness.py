"""Every figure equals an independent recount of the raw lines, at every grain, in three zones (SPEC T6, T3, T2)."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner

from lib.cli import main
from lib.queries.usage import UsageFilter, UsageQueries
from lib.settings import load_settings
from lib.store import Store
from lib.usage.buckets import of_dates
from tests.lib.recount import Recount
from tests.lib.test_refresh import viewer_of

ZONES = ("UTC", "Asia/Shanghai", "America/New_York")
GRAINS = ("half-hour", "hour", "day", "week", "period")
AS_WEB = ("--application", "web", "--mini-program", "shop")
CLICKS = "time=timestamp,visitor=user_id,session=session_id,page=event"


@dataclass(frozen=True)
class Sample:
    """A sample, how it is imported, what the summary must say, and the days (UTC) that hold all of it in every zone."""

    file: str
    options: tuple[str, ...]
    read: int
    refused: int
    since: str
    until: str

    @property
    def is_access_log(self) -> bool:
        return "combined" in self.options

    def recount(self, samples: Path) -> Recount:
        made = Recount.of_access_log if self.is_access_log else Recount.of_clickstream
        return made(samples / self.file)


SAMPLES = (
    Sample("elastic_apache_logs_10k.log.gz", ("--format", "combined", *AS_WEB), 10_000, 1, "2015-05-16", "2015-05-23"),
    Sample(
        "erddap_tomcat_20240512-20_damaged.log.gz",
        ("--format", "combined", *AS_WEB),
        16_275,
        5_796,
        "2024-05-11",
        "2024-05-23",
    ),
    Sample("lnav_shop_access_1k.log.gz", ("--format", "combined", *AS_WEB), 1_000, 0, "2019-01-21", "2019-01-24"),
    Sample(
        "retentioneering_ecom_31k.csv.gz",
        ("--format", "csv", "--map", CLICKS, "--application-field", "platform", "--mini-program", "shop"),
        31_106,
        0,
        "2024-01-01",
        "2024-07-02",
    ),
)


class Daybook:
    """The command, in this process, on a home of its own."""

    def __init__(self, home: Path) -> None:
        self.environment = {"DAYBOOK_HOME": str(home)}

    def __call__(self, *words: str) -> str:
        done = CliRunner().invoke(main, words, env=self.environment)
        assert done.exit_code == 0, (words, done.output, done.exception)
        return done.stdout

    def shown(self, *words: str) -> list[dict[str, Any]]:
        return list(json.loads(self("show", *words, "--format", "json")))


@pytest.fixture(scope="module", params=SAMPLES, ids=lambda sample: sample.file.split("_")[0])
def sample(request: pytest.FixtureRequest) -> Sample:
    found: Sample = request.param
    return found


@pytest.fixture(scope="module")
def daybook(sample: Sample, samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Daybook:
    run = Daybook(tmp_path_factory.mktemp("home"))
    run("init")
    run("tenant", "add", "acme", "--name", "Acme")
    file = str(samples / sample.file)
    accepted = sample.read - sample.refused
    summary = f"read {sample.read}, accepted {accepted}, repeated 0, refused {sample.refused}"
    assert run("import", "usage", file, "--tenant", "acme", *sample.options).startswith(summary)
    if sample.is_access_log:
        assert run("import", "visits", file, "--tenant", "acme").startswith(summary)
    run("refresh")
    return run


@pytest.fixture(scope="module")
def recount(sample: Sample, samples: Path) -> Recount:
    return sample.recount(samples)


def _by_bucket(rows: list[dict[str, Any]], expected: dict[Any, dict[str, Any]]) -> dict[Any, dict[str, Any]]:
    figures = {name for values in expected.values() for name in values}
    return {
        datetime.fromisoformat(row["bucket"]).timestamp() if "bucket" in row else None: {
            name: row[name] for name in figures
        }
        for row in rows
    }


def _period(sample: Sample, zone: str) -> tuple[str, ...]:
    return ("--tenant", "acme", "--since", sample.since, "--until", sample.until, "--zone", zone)


@pytest.mark.spec("T1", "T2", "T3", "T4", "T6")
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("grain", GRAINS)
def test_usage_equals_the_recount(daybook: Daybook, recount: Recount, sample: Sample, grain: str, zone: str) -> None:
    expected = recount.usage(grain, zone)
    rows = daybook.shown("usage", *_period(sample, zone), "--grain", grain)
    assert _by_bucket(rows, expected) == {key: pytest.approx(values, rel=1e-12) for key, values in expected.items()}
    instants = [datetime.fromisoformat(row["bucket"]) for row in rows if "bucket" in row]
    assert instants == sorted(instants)


@pytest.mark.spec("L3")
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("grain", GRAINS)
def test_visits_equal_the_recount(daybook: Daybook, recount: Recount, sample: Sample, grain: str, zone: str) -> None:
    expected = recount.visits(grain, zone) if sample.is_access_log else {}
    rows = daybook.shown("visits", *_period(sample, zone), "--grain", grain)
    assert _by_bucket(rows, expected) == expected


@pytest.mark.spec("T3")
def test_users_of_any_range_equal_the_recount(daybook: Daybook, recount: Recount, sample: Sample) -> None:
    chance = random.Random(20261122)
    first = int(datetime.fromisoformat(sample.since).replace(tzinfo=UTC).timestamp())
    last = int(datetime.fromisoformat(sample.until).replace(tzinfo=UTC).timestamp())
    for _ in range(40):
        since, until = sorted(chance.sample(range(first, last, 1800), 2))
        words = [datetime.fromtimestamp(end, UTC).isoformat() for end in (since, until)]
        (row,) = daybook.shown("usage", "--tenant", "acme", "--since", words[0], "--until", words[1]) or [
            {"active_users": 0, "new_users": 0}
        ]
        assert (row["active_users"], row["new_users"]) == recount.users(since * 1_000_000, until * 1_000_000)


@pytest.mark.spec("T3", "U2")
@pytest.mark.parametrize("dimension", ["application", "page"])
def test_each_place_has_its_own_exact_figures(
    daybook: Daybook, recount: Recount, sample: Sample, dimension: str
) -> None:
    expected = recount.by(dimension)
    rows = daybook.shown("usage", *_period(sample, "UTC"), "--by", dimension)
    figures = ("page_views", "stay_seconds", "active_users", "entries", "exits")
    shown = {row[dimension]: {name: row[name] for name in figures} for row in rows}
    assert shown == {key: pytest.approx(values, rel=1e-12) for key, values in expected.items()}


@pytest.mark.spec("U9")
@pytest.mark.parametrize("zone", ZONES)
def test_retention_equals_the_recount(daybook: Daybook, recount: Recount, sample: Sample, zone: str) -> None:
    settings = load_settings(daybook.environment)
    queries = UsageQueries(viewer_of(1), Store(settings.database_url), settings.lake)
    since, until = (date.fromisoformat(day) for day in (sample.since, sample.until))
    shown = queries.retention(UsageFilter(of_dates(since, until, zone)), "new")
    for later in (1, 7):
        expected = recount.retention(zone, later)
        came = (pl.col(f"day_{later}") * pl.col("users")).round().cast(pl.Int64)
        rows = shown.select("day", "users", came.alias("came")).rows()
        assert {day: (users, came) for day, users, came in rows} == {
            day: (values["users"], values["came"]) for day, values in expected.items()
        }


@pytest.mark.spec("I3")
def test_the_same_file_again_adds_nothing(daybook: Daybook, samples: Path, sample: Sample) -> None:
    file = str(samples / sample.file)
    accepted = sample.read - sample.refused
    summary = f"read {sample.read}, accepted 0, repeated {accepted}, refused {sample.refused}"
    assert daybook("import", "usage", file, "--tenant", "acme", *sample.options).startswith(summary)
    assert "counted 0 events" in daybook("refresh")

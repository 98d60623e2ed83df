"""The events of the demo: ninety days drawn from a seed, the same for the same end."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from lib.jobs.demo_company import (
    HOSTS,
    INCIDENT,
    PROGRAMS,
    SYSTEMS,
    UNLINKED,
    VERSIONS,
    Host,
    Incident,
    Program,
)
from lib.usage.buckets import BUCKET_US, EPOCH, bucket_of
from lib.usage.events import Kind, key_of_id, keyed

DAYS = 90
SEED = 20_240_101
_HALVES_PER_DAY = 48
_SHANGHAI_HALVES = 16
"""The demo's users live at +08:00."""

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def usage_until(until: datetime) -> pl.DataFrame:
    """The events of the ninety days before `until`, which is on a half hour, in order.

    A row is an event with the columns of lib.usage.events.EVENT; the catalogue's ids are null.
    """
    end = bucket_of(until)
    random = np.random.default_rng((SEED, end))
    sessions = _sessions(random, end)
    events = _with_shares(random, _views(random, sessions))
    return keyed(_finished(events).filter(pl.col("at") < until).sort("at", "event_id"))


def _sessions(random: np.random.Generator, end: int) -> pl.DataFrame:
    """A row is a session: `program` and `host` by position, when, whose, how many pages."""
    halves = np.arange(end - DAYS * _HALVES_PER_DAY, end, dtype=np.int64)
    drawn = [
        _pair(random, program, host, halves)
        for program in range(len(PROGRAMS))
        for host in range(len(HOSTS))
        if PROGRAMS[program].opens_per_day[host]
    ]
    sessions = pl.concat(drawn).sort("at_us", "program", "host").with_row_index("session")
    return sessions.with_columns(
        visitor=_visitors(random, sessions),
        pages=pl.Series(np.minimum(random.geometric(0.34, sessions.height), 8)),
        version=_versions(random, sessions["day"].to_numpy()),
    )


def _pair(random: np.random.Generator, program: int, host: int, halves: Ints) -> pl.DataFrame:
    counts = random.poisson(
        _rate(PROGRAMS[program], HOSTS[host], halves, PROGRAMS[program].opens_per_day[host])
    )
    half = np.repeat(halves, counts)
    at_us = half * BUCKET_US + random.integers(0, BUCKET_US // 1000, len(half)) * 1000
    day = (half - halves[0]) // _HALVES_PER_DAY
    return pl.DataFrame({"at_us": at_us, "day": day}).with_columns(program=pl.lit(program), host=pl.lit(host))


def _rate(program: Program, host: Host, halves: Ints, opens_per_day: float) -> Floats:
    """How many opens each half hour expects."""
    local = halves + _SHANGHAI_HALVES
    hour = (local % _HALVES_PER_DAY) / 2
    weekday = (local // _HALVES_PER_DAY + 3) % 7  # 1970-01-01 was a Thursday
    day = (halves - halves[0]) / _HALVES_PER_DAY
    morning, evening = np.exp(-(((hour - 10.5) / 3.6) ** 2)), np.exp(-(((hour - 20.3) / 2.4) ** 2))
    rhythm = 0.05 + (1 - program.evening) * morning + (0.35 + program.evening) * evening
    week = np.where(weekday >= 5, program.weekend, np.where(weekday == 4, (1 + program.weekend) / 2, 1.0))
    growth = 0.72 + 0.55 * day / DAYS
    since_launch = np.clip((day - program.launched_day) / 6, 0, 1) if program.launched_day else 1.0
    per_half_hour = opens_per_day / rhythm[:_HALVES_PER_DAY].sum() * rhythm
    rate = per_half_hour * week * growth * since_launch * _left(INCIDENT, host, local)
    if (program.key, host.key) == UNLINKED[:2]:
        rate = rate * (day < DAYS - UNLINKED[2])
    return np.asarray(rate, dtype=np.float64)


def _left(incident: Incident, host: Host, local: Ints) -> Floats:
    if host.key != incident.host:
        return np.ones(len(local))
    first = (local[-1] // _HALVES_PER_DAY - incident.days_before) * _HALVES_PER_DAY
    away = (local >= first + 2 * incident.first_hour) & (local < first + 2 * incident.last_hour)
    return np.where(away, incident.left, 1.0)


def _visitors(random: np.random.Generator, sessions: pl.DataFrame) -> pl.Series:
    """Each host numbers its own users: some come often, some once, and more know it each day."""
    host, day = sessions["host"].to_numpy(), sessions["day"].to_numpy()
    sessions_per_day = np.bincount(host, minlength=len(HOSTS)) / DAYS
    known = sessions_per_day[host] * (7 + 0.16 * (day + random.random(len(day))))
    comes_back = random.random(len(day)) < 0.78
    place = np.where(comes_back, random.random(len(day)) ** 2.1, 1 - random.random(len(day)) * 0.08)
    return pl.Series((known * place).astype(np.int64))


def _versions(random: np.random.Generator, day: Ints) -> pl.Series:
    """The newest version that a user has: a third of them update some days late."""
    days_late = random.exponential(6, len(day)) * (random.random(len(day)) < 0.6)
    came_out = np.array([first for first, _ in VERSIONS])
    newest = np.maximum(np.searchsorted(came_out, day - days_late, side="right") - 1, 0)
    return pl.Series([name for _, name in VERSIONS]).gather(newest)


def _views(random: np.random.Generator, sessions: pl.DataFrame) -> pl.DataFrame:
    """An open and the page views of each session; `step` is 0 for the open, then the page's place."""
    steps = sessions.with_columns(step=pl.int_ranges(0, pl.col("pages") + 1)).explode("step")
    stay = np.clip(random.lognormal(2.9, 0.9, steps.height), 1, 900)
    steps = steps.with_columns(
        stay_ms=pl.when(pl.col("step") == 0).then(400).otherwise(pl.Series((stay * 1000).astype(np.int64)))
    )
    return steps.with_columns(
        at_us=pl.col("at_us") + 1000 * (pl.col("stay_ms").cum_sum().over("session") - pl.col("stay_ms")),
        page=_pages(random, steps["program"].to_numpy(), steps["step"].to_numpy()),
        kind=pl.when(pl.col("step") == 0)
        .then(pl.lit(Kind.OPEN.value))
        .otherwise(pl.lit(Kind.PAGE_VIEW.value)),
    )


def _pages(random: np.random.Generator, program: Ints, step: Ints) -> pl.Series:
    """The page of each step: the first one for most sessions' first, any by its weight for the others."""
    paths = pl.Series([path for each in PROGRAMS for path, _ in each.pages])
    first_path = np.cumsum([0] + [len(each.pages) for each in PROGRAMS])
    drawn, enters = random.random(len(step)), random.random(len(step)) < 0.72
    chosen = np.empty(len(step), dtype=np.int64)
    for position, each in enumerate(PROGRAMS):
        of_program = program == position
        weights = np.cumsum([weight for _, weight in each.pages])
        chosen[of_program] = first_path[position] + np.searchsorted(
            weights / weights[-1], drawn[of_program], side="right"
        )
    return paths.gather(np.where((step <= 1) & enters, first_path[program], chosen))


def _with_shares(random: np.random.Generator, steps: pl.DataFrame) -> pl.DataFrame:
    shared = steps.filter(pl.Series(random.random(steps.height) < 0.035) & (pl.col("step") > 0))
    shares = shared.with_columns(
        kind=pl.lit(Kind.SHARE.value),
        at_us=pl.col("at_us") + pl.col("stay_ms") * 500,
        step=pl.col("step") + 100,
    )
    return pl.concat([steps, shares])


def _finished(steps: pl.DataFrame) -> pl.DataFrame:
    """The readable columns of an event; a view's duration is what phones report and computers do not."""
    hosts = pl.Series([host.key for host in HOSTS])
    visitor = pl.concat_str(
        pl.col("host").replace_strict(dict(enumerate(hosts))), pl.lit("-"), pl.col("visitor")
    )
    named = steps.with_columns(visitor=visitor, number=pl.col("visitor")).with_columns(_system())
    event_id = pl.concat_str(pl.lit("demo-"), pl.col("session"), pl.lit("-"), pl.col("step"))
    reports = (pl.col("kind") == Kind.PAGE_VIEW.value) & pl.col("os").is_in(["iOS", "Android", "HarmonyOS"])
    return named.select(
        "visitor",
        "page",
        "kind",
        "os",
        "device",
        "version",
        key=key_of_id(event_id),
        event_id=event_id,
        application=pl.col("host").replace_strict(dict(enumerate(hosts))),
        mini_program=pl.col("program").replace_strict({n: each.key for n, each in enumerate(PROGRAMS)}),
        at=pl.lit(EPOCH) + pl.duration(microseconds=pl.col("at_us")),
        seq=pl.lit(0),
        session=pl.concat_str(pl.lit("demo-"), pl.col("session")),
        duration_ms=pl.when(reports).then(pl.col("stay_ms")),
        address=pl.concat_str(pl.lit("203.0.113."), pl.col("number") % 254 + 1),
    )


def _system() -> list[pl.Expr]:
    """The operating system and the device, which a visitor keeps."""
    share = (pl.col("number") * 7919 + pl.col("host") * 104_729) % 1000 / 1000
    system: pl.Expr = pl.lit(0)
    for position in range(1, len(SYSTEMS)):
        before = [sum(host.systems[:position]) for host in HOSTS]
        reached = share >= pl.col("host").replace_strict(dict(enumerate(before)), return_dtype=pl.Float64)
        system = pl.when(reached).then(pl.lit(position)).otherwise(system)
    devices = [(n, k, device) for n, (_, names) in enumerate(SYSTEMS) for k, device in enumerate(names)]
    chosen = system * 10 + pl.col("number") % system.replace_strict(
        {n: len(names) for n, (_, names) in enumerate(SYSTEMS)}
    )
    return [
        system.replace_strict({n: name for n, (name, _) in enumerate(SYSTEMS)}).alias("os"),
        chosen.replace_strict({n * 10 + k: device for n, k, device in devices}).alias("device"),
    ]


def last_closed(now: datetime) -> datetime:
    """The end of the newest half hour that is over."""
    return EPOCH + bucket_of(now) * timedelta(minutes=30)

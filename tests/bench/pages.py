"""The queries of the two dashboards' pages, server side."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from lib.access.permissions import AccountType, of_type
from lib.access.viewer import EVERY_APPLICATION, Viewer
from lib.queries.programs import ProgramQueries
from lib.queries.usage import UsageFilter, UsageQueries
from lib.usage.buckets import Grain, Period
from lib.usage.published import published
from lib.usage.recency import SCOPES
from tests.bench.events import UNTIL, Place, Size, open_place
from tests.bench.users import Figures, timed


def overview_alone(folder: Path, size: Size) -> Figures:
    """The global overview of 30 days in a process that has just begun, then again and again."""
    place = open_place(folder)
    usage, programs = (
        UsageQueries(_viewer(place), place.store, place.settings.lake),
        ProgramQueries(_viewer(place), place.store),
    )
    asked = UsageFilter(Period(UNTIL - timedelta(days=30), UNTIL))
    before = replace(asked, period=asked.period.previous())
    figures = timed(lambda: overview(usage, programs, asked, before), 20)
    tables = published(place.lake, place.tenant_id)
    kept = sum(part.size_bytes for scope in SCOPES if scope.is_kept for part in tables.kept(scope))
    return {**figures, "tables_mb": (kept + tables.totals.estimated_size()) / 2**20}


def dashboard_alone(folder: Path, size: Size) -> Figures:
    """The data dashboard of 30 days in a process that has just begun, then again and again."""
    place = open_place(folder)
    usage, programs = (
        UsageQueries(_viewer(place), place.store, place.settings.lake),
        ProgramQueries(_viewer(place), place.store),
    )
    asked = UsageFilter(Period(UNTIL - timedelta(days=30), UNTIL), mini_program="program-0")
    before = replace(asked, period=asked.period.previous())
    return timed(lambda: dashboard(usage, programs, asked, before), 20)


def dashboards(folder: Path, size: Size) -> Figures:
    """The queries of the two dashboards' pages, over 30 and over 90 days with the period before."""
    place = open_place(folder)
    usage = UsageQueries(_viewer(place), place.store, place.settings.lake)
    programs = ProgramQueries(_viewer(place), place.store)
    figures: Figures = {}
    for days in (30, 90):
        asked = UsageFilter(Period(UNTIL - timedelta(days=days), UNTIL))
        before = replace(asked, period=asked.period.previous())
        chosen = replace(asked, mini_program="program-0")
        of_one = replace(chosen, application="application-0")
        of_system = replace(chosen, os="iOS")
        figures |= {
            f"overview_{days}": timed(lambda a=asked, b=before: overview(usage, programs, a, b)),
            f"dashboard_{days}": timed(lambda a=chosen, b=before: dashboard(usage, programs, a, b)),
            f"one_application_{days}": timed(lambda a=of_one, b=before: dashboard(usage, programs, a, b)),
            f"pages_{days}": timed(lambda a=chosen: page_access(usage, a)),
            f"os_{days}": timed(lambda a=of_system, b=before: dashboard(usage, programs, a, b)),
        }
    return figures


def overview(usage: UsageQueries, programs: ProgramQueries, asked: UsageFilter, before: UsageFilter) -> int:
    """Cards, trend with the period before, and both rankings with theirs."""
    usage.as_of()
    for each in (asked, before):
        usage.totals(each)
        usage.trend(each, Grain.DAY)
        usage.ranking(each, "mini_program")
        usage.ranking(each, "application")
    return int(usage.totals(asked)["active_users"] or 0)


def dashboard(usage: UsageQueries, programs: ProgramQueries, asked: UsageFilter, before: UsageFilter) -> int:
    """The choices, the cards, the trend with the period before, and each application."""
    usage.as_of()
    programs.choices()
    programs.applications(asked.mini_program)
    usage.operating_systems(asked.mini_program)
    for each in (asked, replace(asked, period=before.period)):
        usage.totals(each)
        usage.trend(each, Grain.DAY)
    usage.ranking(asked, "application")
    return int(usage.totals(asked)["active_users"] or 0)


def page_access(usage: UsageQueries, asked: UsageFilter) -> int:
    """The table of pages and the trend of the first."""
    pages = usage.pages(asked)
    usage.page_trend(asked, pages["page"][0], Grain.DAY)
    return pages.height


def _viewer(place: Place) -> Viewer:
    return Viewer(
        account_id=1,
        account_name="bench",
        account_type=AccountType.PLATFORM,
        tenant_id=place.tenant_id,
        tenant_key="bench",
        tenant_name="Bench",
        permissions=of_type(AccountType.PLATFORM),
        applications=EVERY_APPLICATION,
    )

"""What the page shows, as its address says it; what an address says is untrusted, and falls back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from lib.logs.files.search import LONGEST_KEYWORD, Asked, Place
from lib.logs.files.types import TYPE_BY_KEY, Level
from lib.queries.console import Console
from lib.ui import address, filters

WITHIN = {
    "all": None,
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "range": None,
}
"""The periods by key; their words are `server_logs.within_<key>`."""

TABS = ("view", "files", "rule")
CONTEXTS = (0, 2, 5, 10, 20)

EARLIEST_YEAR = 1991

WALL = "%Y-%m-%dT%H:%M"


@dataclass(frozen=True)
class Shown:
    """The state of the page. `log` is empty for the list of all types; `file` for all files of a type."""

    log: str
    tab: str
    file: str
    within: str
    since: str
    until: str
    zone: str
    asked: Asked
    before: Place | None

    @property
    def asked_as_json(self) -> dict[str, str | list[str]]:
        """What the operation log keeps of a reading."""
        asked = self.asked
        said: dict[str, str | list[str]] = {
            "file": self.file,
            "levels": sorted(level.value for level in asked.levels),
            "period": f"{self.since}..{self.until}" if self.within == "range" else self.within,
            "keyword": asked.keyword,
        }
        return {name: value for name, value in said.items() if value and value != "all"}


def read(console: Console) -> Shown:
    """The state that the address names."""
    zone = filters.zone(console)
    within = address.read_one_of("within", WITHIN, "all")
    since, until = _range(zone) if within == "range" else ("", "")
    levels = frozenset(Level(each) for each in address.read("level").split(",") if each in set(Level))
    context = address.read_one_of("context", [str(each) for each in CONTEXTS], "0")
    log = address.read_one_of("log", TYPE_BY_KEY, "")
    return Shown(
        log=log,
        tab=address.read_one_of("tab", TABS, TABS[0]),
        file=_key(address.read("file"), log),
        within=within,
        since=since,
        until=until,
        zone=zone,
        asked=Asked(
            levels=levels,
            since=_since(within, since, zone),
            until=instant(until, zone) if within == "range" else None,
            keyword=address.read("search")[:LONGEST_KEYWORD],
            match_case=address.read("case") == "1",
            context=int(context),
        ),
        before=_place(address.read("before"), log),
    )


def wall(at: datetime, zone: str) -> str:
    """How an address writes a minute of a zone."""
    return at.astimezone(ZoneInfo(zone)).strftime(WALL)


def instant(text: str, zone: str) -> datetime | None:
    """The minute of a zone that a text names; None where it names none."""
    try:
        return datetime.strptime(text, WALL).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def levels_text(levels: Iterable[Level]) -> str:
    """How an address writes levels."""
    return ",".join(sorted(level.value for level in levels))


def open_log(log: str, *, levels: Iterable[Level] = (), since: datetime | None = None, zone: str = "UTC") -> None:
    """Show a type from its newest entry on, with nothing left of what was looked for in another."""
    half_hour = timedelta(minutes=30)
    period = {"since": wall(since, zone), "until": wall(since + half_hour, zone)} if since else {}
    address.write(
        **dict.fromkeys(("tab", "file", "before", "search", "case", "context", "since", "until", "follow"))
        | {"log": log, "level": levels_text(levels), "within": "range" if since else None, **period}
    )


def go_to(place: Place | None) -> None:
    """Show what stands before a place; None for the newest."""
    address.write(before=f"{place.key}~{place.offset}" if place else None)


def _range(zone: str) -> tuple[str, str]:
    """The ends that the address says, each one minute of the zone; else the last hour."""
    now = datetime.now(UTC)
    said = {"since": wall(now - timedelta(hours=1), zone), "until": wall(now, zone)}
    for name in said:
        at = instant(address.read(name), zone)
        if at is not None and at.year >= EARLIEST_YEAR and at < now + timedelta(days=1):
            said[name] = wall(at, zone)
    return said["since"], said["until"]


def _since(within: str, since: str, zone: str) -> datetime | None:
    if within == "range":
        return instant(since, zone)
    length = WITHIN[within]
    return None if length is None else datetime.now(UTC) - length


def _key(text: str, log: str) -> str:
    return text if log and text.split(".")[0] == log else ""


def _place(text: str, log: str) -> Place | None:
    key, _, offset = text.partition("~")
    if not _key(key, log) or not (offset.isascii() and offset.isdecimal() and len(offset) < 16):
        return None
    return Place(key, int(offset))

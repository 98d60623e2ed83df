"""How the lines of logs begin: where an entry's level and time stand in the common shapes, each one record.

A line that has none of these shapes goes on with the entry before it, as the lines of a stack trace do. A level is only
read where a shape puts one, never out of the middle of a message; what has none stays unknown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import orjson

from lib.logs.files.types import Level

LONGEST_HEAD = 400
"""Bytes of a line in which a shape is looked for."""

_WORDS = {
    Level.ERROR: "ERROR ERR FATAL CRITICAL CRIT SEVERE EMERG EMERGENCY ALERT PANIC",
    Level.WARN: "WARN WARNING",
    Level.INFO: "INFO NOTICE INFORMATION CONFIG LOG",
    Level.DEBUG: "DEBUG FINE",
    Level.TRACE: "TRACE FINER FINEST VERBOSE",
}
LEVEL_OF = {word: level for level, words in _WORDS.items() for word in words.split()}
_LETTERS = {
    "E": Level.ERROR, "F": Level.ERROR, "A": Level.ERROR, "W": Level.WARN, "I": Level.INFO, "D": Level.DEBUG,
    "V": Level.TRACE,
}  # fmt: skip
_SEVERITIES = (Level.ERROR,) * 4 + (Level.WARN, Level.INFO, Level.INFO, Level.DEBUG)
"""Of syslog, by number."""

_MONTHS = {
    name: f"{number:02}"
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), start=1
    )
}
_MONTH = "(?:" + "|".join(_MONTHS) + ")"
_DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_LEVEL = "|".join(sorted(LEVEL_OF, key=len, reverse=True))
_ISO = r"(?P<time>\d{4}[-/]\d\d[-/]\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?)(?P<zone> ?(?:Z|[+-]\d\d:?\d\d)\b)?"
# What stands between a time and its level: [thread], (pid), numbers, zones, `name -`, `logger:`, `host|`, dashes.
# Each part takes all that it can and gives nothing back, so that no line makes the search long.
_BETWEEN = (
    r"(?:[\s\-|,:]++|\[[^\]\[]{1,80}+\][ :]*+|\([^()]{1,80}+\)[ :]*+|\d{1,10}+(?=[\s:\-|\]])|(?:UTC|GMT|C[ES]S?T|JST)\b"
    r"|[\w.-]{1,40}+=(?<!level=)(?<!lvl=)[^\s\"=]{1,60}+|[\w.$/#@*-]{1,100}+(?= +[-|] )"
    r"|[\w$-]{1,60}+[.@/][\w.$/@-]{1,100}+(?=[ :]))"
)
_LEVEL_AFTER = rf"{_BETWEEN}{{0,8}}?(?P<level>\b(?:{_LEVEL})\b|[\[<(](?i:{_LEVEL})[\])>]|\blevel=\"?(?i:{_LEVEL})\b)"


def hint(levels: Collection[Level]) -> str:
    """A pattern, as Polars reads it, of what stands in every entry of one of the levels and in few others; empty
    where there is none."""
    if not levels or not set(levels) <= {Level.ERROR, Level.WARN}:
        return ""
    words = "|".join(word for word, level in LEVEL_OF.items() if level in levels)
    letters = "".join(letter for letter, level in _LETTERS.items() if level in levels)
    short = rf"(?:^|[\n ])[{letters}](?:\d{{4}} |[ /])"
    return rf"(?-u:\b)(?i:{words})(?-u:\b)|{short}|<\d{{1,3}}>|\"(?:level|severity)\":\s*[456]\d"


@dataclass(frozen=True)
class Shape:
    """A way in which lines begin. `level` and `instant` read it from what matched, and only when they are asked;
    `instant` also gets the time that a year is told from."""

    key: str
    pattern: re.Pattern[str]
    level: Callable[[Any], Level]
    instant: Callable[[Any, datetime], datetime | None]


class Head(NamedTuple):
    """A line's beginning: its shape, and what matched."""

    shape: Shape
    found: Any

    @property
    def level(self) -> Level:
        """The level that it says."""
        return self.shape.level(self.found)

    def instant(self, read_at: datetime) -> datetime | None:
        """The time that it says; None where it says none that there is."""
        return self.shape.instant(self.found, read_at)


_AFTER = re.compile(_LEVEL_AFTER, re.ASCII)


def _level_after(match: re.Match[str]) -> Level:
    """The level that stands after what matched, with nothing but names, numbers and brackets between."""
    found = _AFTER.match(match.string, match.end())
    return Level.UNKNOWN if found is None else _named_level(found)


def _named_level(match: re.Match[str]) -> Level:
    said = match["level"]
    return Level.UNKNOWN if said is None else LEVEL_OF[said.split("=")[-1].strip("[]<>()\"").upper()]


def _iso(match: re.Match[str], _now: datetime) -> datetime | None:
    said = match["time"].replace("/", "-").replace(",", ".")
    seconds, dot, fraction = said.partition(".")
    zone = (match["zone"] or "").strip()
    return _aware(f"{seconds}{dot}{fraction[:6].ljust(6, '0') if dot else ''}{zone}")


def _iso_if_said(match: re.Match[str], now: datetime) -> datetime | None:
    return _iso(match, now) if match["time"] else None


def _aware(text: str) -> datetime | None:
    """An instant; one without an offset is the machine's own time, as what writes it there means it."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _without_year(month: int, day: int, clock: str, now: datetime) -> datetime | None:
    """The last such day that is not after tomorrow."""
    for year in (now.year + 1, now.year, now.year - 1, now.year - 4):
        found = _aware(f"{year:04}-{month:02}-{day:02}T{clock}")
        if found is not None and found <= now + timedelta(days=1):
            return found
    return None


def _syslog_time(match: re.Match[str], now: datetime) -> datetime | None:
    return _without_year(int(_MONTHS[match["month"]]), int(match["day"]), match["clock"], now)


def _syslog_level(match: re.Match[str]) -> Level:
    return Level.UNKNOWN if match["priority"] is None else _SEVERITIES[int(match["priority"]) & 7]


def _apache_time(match: re.Match[str], _now: datetime) -> datetime | None:
    clock = match["clock"][:15]
    return _aware(f"{match['year']}-{_MONTHS[match['month']]}-{int(match['day']):02}T{clock}")


def _access_time(match: re.Match[str], _now: datetime) -> datetime | None:
    day, month, rest = match["time"].split("/")
    year, clock, zone = rest[:4], rest[5:13], rest[14:]
    return _aware(f"{year}-{_MONTHS[month]}-{day}T{clock}{zone}")


def _numeric_time(match: re.Match[str], now: datetime) -> datetime | None:
    return _without_year(int(match["month"]), int(match["day"]), match["clock"], now)


def _no_time(_match: re.Match[str], _now: datetime) -> None:
    return None


def _no_level(_match: re.Match[str]) -> Level:
    return Level.UNKNOWN


def _letter(match: re.Match[str]) -> Level:
    return _LETTERS[match["level"]]


def _shape(
    key: str,
    pattern: str,
    level: Callable[[re.Match[str]], Level] = _named_level,
    instant: Callable[[re.Match[str], datetime], datetime | None] = _iso,
) -> Shape:
    return Shape(key, re.compile(pattern, re.ASCII), level, instant)


SHAPES = (
    # Python, log4j, logback, Spring, Celery, PostgreSQL, MySQL, nginx, Kafka's [time], RFC 5424 without its number.
    _shape("iso", rf"\[?{_ISO}\]?", _level_after),
    _shape("rfc5424", rf"<(?P<priority>\d{{1,3}})>\d {_ISO}", _syslog_level),
    _shape(
        "syslog",
        rf"(?:<(?P<priority>\d{{1,3}})>)?(?P<month>{_MONTH}) {{1,2}}(?P<day>\d{{1,2}}) (?P<clock>\d\d:\d\d:\d\d) ",
        _syslog_level,
        _syslog_time,
    ),
    _shape(
        "apache_error",
        rf"\[{_DAY} (?P<month>{_MONTH}) (?P<day>\d{{1,2}}) (?P<clock>\d\d:\d\d:\d\d(?:\.\d{{6}})?) (?P<year>\d{{4}})\]"
        rf" \[(?:[\w-]*:)?(?P<level>(?i:{_LEVEL})|)\d?\]?",
        lambda match: _named_level(match) if match["level"] else Level.UNKNOWN,
        _apache_time,
    ),
    _shape(
        "android",
        r"(?P<month>\d\d)-(?P<day>\d\d) (?P<clock>\d\d:\d\d:\d\d\.\d{3})\s+(?:\d+\s+\d+\s+)?(?P<level>[VDIWEFA])[ /]",
        _letter,
        _numeric_time,
    ),
    _shape("android_brief", r"(?P<level>[VDIWEFA])/[^\s(]{1,80}\s*\(\s*\d+\): ", _letter, _no_time),
    _shape(
        "glog",
        r"(?P<level>[IWEF])(?P<month>\d\d)(?P<day>\d\d) (?P<clock>\d\d:\d\d:\d\d\.\d{6})",
        _letter,
        _numeric_time,
    ),
    _shape(
        "access",
        rf"\S{{1,100}} \S{{1,100}} \S{{1,100}} \[(?P<time>\d\d/{_MONTH}/\d{{4}}:\d\d:\d\d:\d\d [+-]\d{{4}})\] \"",
        _no_level,
        _access_time,
    ),
    _shape("logfmt", rf"(?:time|ts)=\"?{_ISO}\"? +(?:level|lvl)=\"?(?P<level>(?i:{_LEVEL}))\b"),
    _shape(
        "logfmt_level",
        rf"(?:level|lvl)=\"?(?P<level>(?i:{_LEVEL}))\b(?:\"? +(?:time|ts)=\"?{_ISO})?",
        instant=_iso_if_said,
    ),
    _shape(
        "level_first",
        rf"(?P<level>[\[<(](?i:{_LEVEL})[\])>]|(?:{_LEVEL})(?=[:\s|]))[:\s|\-\[]*(?:{_ISO})?",
        instant=_iso_if_said,
    ),
    # logback's default has no date.
    _shape("clock", rf"\d\d:\d\d:\d\d[.,]\d{{3}}(?:{_LEVEL_AFTER})", instant=_no_time),
)

_BRACE, _SPACES = ord("{"), b" \t\r\n\f\v"

_TIME_KEYS = ("@timestamp", "timestamp", "time", "ts", "datetime", "date", "t")
_LEVEL_KEYS = ("level", "severity", "log.level", "levelname", "lvl", "loglevel")


def _json_head(line: bytes) -> Head | None:
    try:
        said = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(said, dict):
        return None
    return Head(_JSON, said)


def _json_level(line: dict[str, Any]) -> Level:
    said = next((line[key] for key in _LEVEL_KEYS if key in line), None)
    if said is None and isinstance(line.get("log"), dict):
        said = line["log"].get("level")
    if isinstance(said, str):
        return LEVEL_OF.get(said.strip().upper(), Level.UNKNOWN)
    if isinstance(said, int) and not isinstance(said, bool) and 10 <= said <= 60:  # pino, bunyan
        return (Level.TRACE, Level.DEBUG, Level.INFO, Level.WARN, Level.ERROR, Level.ERROR)[said // 10 - 1]
    return Level.UNKNOWN


def _json_time(line: dict[str, Any], _now: datetime) -> datetime | None:
    said = next((line[key] for key in _TIME_KEYS if key in line), None)
    if isinstance(said, str):
        match = re.match(_ISO, said, re.ASCII)
        return _iso(match, datetime.now(UTC)) if match else None
    if isinstance(said, int | float) and not isinstance(said, bool):
        seconds = said / 1000 if said > 1e11 else said
        try:
            return datetime.fromtimestamp(seconds, UTC)
        except (ValueError, OverflowError, OSError):
            return None
    return None


_JSON = Shape("json", re.compile(r"\{"), _json_level, _json_time)


class Reader:
    """Tells which lines begin an entry. Lines of one file mostly have one shape, so that is tried first."""

    def __init__(self) -> None:
        self._shapes = list(SHAPES)

    def head(self, block: bytes, start: int, end: int) -> Head | None:
        """What the beginning of the line block[start:end] says; None where it has none of the shapes."""
        first = block[start]
        if first == _BRACE:
            return _json_head(block[start:end])
        if first in _SPACES:
            return None
        text = block[start : min(end, start + LONGEST_HEAD)].decode("ascii", "replace")
        for place, shape in enumerate(self._shapes):
            match = shape.pattern.match(text)
            if match is not None:
                if place:
                    self._shapes.insert(0, self._shapes.pop(place))
                return Head(shape, match)
        return None

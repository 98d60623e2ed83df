"""The nine types of log file, the levels, and the rule that each type is kept by (SPEC V1, V2): records."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is, worst first. UNKNOWN is what an entry has that says none; nothing is written at it."""

    ERROR = "ERROR"
    WARN = "WARN"
    INFO = "INFO"
    DEBUG = "DEBUG"
    TRACE = "TRACE"
    UNKNOWN = "UNKNOWN"


NUMBERS = {Level.ERROR: 40, Level.WARN: 30, Level.INFO: 20, Level.DEBUG: 10, Level.TRACE: 5}
"""What Python's logging calls them; what is above ERROR counts as ERROR."""

WRITTEN_LEVELS = tuple(NUMBERS)

MAX_BYTES = 100 * 1024 * 1024
"""The size at which a file is closed and archived (SPEC V3)."""

MOST_COPIES, MOST_DAYS = 1_000, 3_650


@dataclass(frozen=True)
class Rule:
    """How one type is kept: what is written, how many archives stay, and for how many days."""

    level: Level = Level.INFO
    copies: int = 30
    days: int = 90

    def __post_init__(self) -> None:
        if self.level not in NUMBERS:
            raise ValueError("level")
        if not 1 <= self.copies <= MOST_COPIES:
            raise ValueError("copies")
        if not 1 <= self.days <= MOST_DAYS:
            raise ValueError("days")


@dataclass(frozen=True)
class LogType:
    """A type of log; its words are `log_type.<key>` and `log_type.<key>_help`.

    `loggers` are the names under which Daybook's own processes write it; none where only other services do.
    """

    key: str
    loggers: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        """The name of the file that is written now."""
        return f"{self.key}.log"


LOG_TYPES = (
    LogType("application", ("",)),
    LogType("apps_objects"),
    LogType("inbox_channel"),
    LogType("email", ("daybook.email",)),
    LogType("database", ("daybook.database", "lib.store", "sqlalchemy", "alembic")),
    LogType("access_log", ("daybook.access",)),
    LogType("call_event"),
    LogType("schedule_jobs", ("daybook.jobs", "lib.jobs")),
    LogType("crm_data"),
)
"""In the order in which they are listed."""

TYPE_BY_KEY = {each.key: each for each in LOG_TYPES}

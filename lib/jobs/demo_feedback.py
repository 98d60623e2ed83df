"""The demo's user feedback: what its users told over sixty days, with pictures and logs; the same for the same end."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

from lib.feedback.files import FeedbackFiles
from lib.feedback.records import KEEPS_LOGS, FeedbackRecord, ImageRecord, LogRecord, append, append_log
from lib.feedback.types import ABNORMALITY, COMPLAINT, PRODUCT
from lib.jobs.demo_company import HOSTS, INCIDENT, PROGRAMS, SYSTEMS, VERSIONS, Program
from lib.jobs.demo_feedback_words import ABNORMALITIES, COMPLAINTS, CONTACTS, LOG_LINES
from lib.jobs.demo_feedback_words import PRODUCT as OPINIONS
from lib.jobs.demo_usage import DAYS as USAGE_DAYS
from lib.settings import Settings
from lib.store import Store, catalogue

DAYS = 60
PER_DAY = 7
DURING_INCIDENT = 34
SEED = 20_240_613
SOURCE = "demo"

_SHANGHAI = timezone(timedelta(hours=8))
_KINDS = dict(zip(ABNORMALITIES, (4, 6, 5, 4, 3, 3, 7, 4), strict=True))
_HOST_VERSIONS = ("8.4.1", "8.4.0", "8.3.6")
_LOG_SHARE, _PICTURE_SHARE, _CONTACT_SHARE = 0.12, 0.16, 0.55


def add_feedback(settings: Settings, store: Store, tenant_id: int, until: datetime, now: datetime) -> None:
    """Add the feedback of the sixty days before `until`; what is there already stays, and logs that would have expired
    by now stay away."""
    files = FeedbackFiles(settings.feedback_dir)
    with store.write(tenant_id) as session:
        applications = catalogue.ensured_applications(session, tenant_id, [host.key for host in HOSTS], SOURCE)
        programs = catalogue.ensured_mini_programs(session, tenant_id, [each.key for each in PROGRAMS], SOURCE)
    with files.placing():
        told = list(_told(files, applications, programs, until))
        with store.write(tenant_id) as session:
            append(session, tenant_id, [record for record, _ in told])
            for _, log in told:
                if log is not None and log.uploaded_at + KEEPS_LOGS > now:
                    append_log(session, tenant_id, log)


def _told(
    files: FeedbackFiles, applications: dict[str, int], programs: dict[str, int], until: datetime
) -> Iterator[tuple[FeedbackRecord, LogRecord | None]]:
    drawn = random.Random(SEED)  # noqa: S311 (not for secrets)
    for number, (at, is_incident) in enumerate(sorted(_moments(drawn, until))):
        program, host = _place(drawn, is_incident=is_incident)
        type_, kind, content = _said(drawn, program, is_incident=is_incident)
        system, devices = SYSTEMS[drawn.choices(range(len(SYSTEMS)), HOSTS[host].systems)[0]]
        log = None
        if type_ != PRODUCT.key and drawn.random() < _LOG_SHARE:
            log = _log(drawn, files, f"demo-log-{number}", at, programs[program.key], applications[HOSTS[host].key])
        record = FeedbackRecord(
            mini_program_id=programs[program.key],
            application_id=applications[HOSTS[host].key],
            type=type_,
            kind=kind,
            content=content,
            occurred_at=at,
            contact=drawn.choice(CONTACTS).format(number) if drawn.random() < _CONTACT_SHARE else "",
            user=f"v{drawn.randrange(2_000, 9_000)}",
            app_version=drawn.choice(_HOST_VERSIONS),
            mini_program_version=_version(drawn, (until - at) / timedelta(days=1)),
            os=system,
            device=drawn.choice(devices),
            source=SOURCE,
            client_id=f"demo-{number}",
            log_ref=log.client_id if log else "",
            images=_pictures(drawn, files, kind),
        )
        yield record, log


def _moments(drawn: random.Random, until: datetime) -> Iterator[tuple[datetime, bool]]:
    midnight = until.astimezone(_SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
    for days_before in range(DAYS):
        day = midnight - timedelta(days=days_before)
        for _ in range(drawn.randrange(PER_DAY - 3, PER_DAY + 5)):
            at = day + timedelta(hours=min(max(drawn.gauss(16.5, 4.2), 0.2), 23.9))
            if at < until:
                yield at, False
    incident = midnight - timedelta(days=INCIDENT.days_before)
    for _ in range(DURING_INCIDENT):
        yield incident + timedelta(hours=drawn.uniform(18.2, 22.4)), True


def _place(drawn: random.Random, *, is_incident: bool) -> tuple[Program, int]:
    """Where more is used more is said; during the incident in its host."""
    hosts = [place for place, host in enumerate(HOSTS) if not is_incident or host.key == INCIDENT.host]
    places = [(program, host) for program in PROGRAMS for host in hosts]
    return drawn.choices(places, [program.opens_per_day[host] for program, host in places])[0]


def _version(drawn: random.Random, days_before: float) -> str:
    """The newest of the day, or for one in five the one before it."""
    released = [version for day, version in VERSIONS if day <= USAGE_DAYS - days_before]
    return released[-2] if len(released) > 1 and drawn.random() < 0.2 else released[-1]


def _said(drawn: random.Random, program: Program, *, is_incident: bool) -> tuple[str, str, str]:
    if is_incident:
        kind = drawn.choices(("cannot_open", "slow", "blank_screen"), (7, 2, 2))[0]
    else:
        type_ = drawn.choices((ABNORMALITY, PRODUCT, COMPLAINT), (60, 28, 12))[0]
        if type_ is not ABNORMALITY:
            return type_.key, "", drawn.choice(OPINIONS if type_ is PRODUCT else COMPLAINTS)
        kind = drawn.choices(list(_KINDS), list(_KINDS.values()))[0]
    return ABNORMALITY.key, kind, drawn.choice(ABNORMALITIES[kind]).format(program=program.name)


def _log(
    drawn: random.Random, files: FeedbackFiles, name: str, at: datetime, program_id: int, application_id: int
) -> LogRecord:
    lines = []
    for before in range(drawn.randrange(40, 160), 0, -1):
        moment = at - timedelta(seconds=before, milliseconds=drawn.randrange(1000))
        lines.append(f"{moment:%Y-%m-%d %H:%M:%S} {drawn.choice(LOG_LINES).format(drawn.randrange(8, 9000))}\n")
    sha256, size = files.place(io.BytesIO("".join(lines).encode()))
    return LogRecord(program_id, application_id, f"client-{at:%Y%m%d-%H%M%S}.log", size, sha256, at, client_id=name)


def _pictures(drawn: random.Random, files: FeedbackFiles, kind: str) -> tuple[ImageRecord, ...]:
    if not kind or drawn.random() > _PICTURE_SHARE:
        return ()
    found = []
    for number in range(drawn.choice((1, 1, 2))):
        width, height = 180, 390
        sha256, size = files.place(io.BytesIO(_screen(drawn, kind, width, height)))
        found.append(ImageRecord(f"screenshot-{number + 1}.png", "image/png", size, sha256, width, height))
    return tuple(found)


def _screen(drawn: random.Random, kind: str, width: int, height: int) -> bytes:
    """A PNG that looks like a telephone's screen: a coloured head, and grey cards if the page came that far."""
    head = bytes((drawn.randrange(40, 120), drawn.randrange(90, 170), drawn.randrange(150, 230)))
    paper, card, line = b"\xf4\xf5\xf7", b"\xff\xff\xff", b"\xc9\xce\xd6"
    rows = []
    for y in range(height):
        place = (y - 60) % 66
        if y < 44:
            row = head * width
        elif kind in {"blank_screen", "cannot_open"} or place > 54:
            row = paper * width
        else:
            inner = line if place in range(12, 18) or place in range(30, 34) else card
            edge = 10 if kind != "broken_layout" else 10 + (y // 66) * 14
            row = (paper * edge + inner * width)[: 3 * (width - 10)] + paper * 10
        rows.append(b"\0" + row)
    return _png(width, height, b"".join(rows))


def _png(width: int, height: int, rows: bytes) -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    image = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + image

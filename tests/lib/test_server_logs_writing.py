"""Writing, closing, compressing and removing log files (SPEC V1 to V3)."""

from __future__ import annotations

import gzip
import json
import logging
import logging.config
import multiprocessing
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from lib.cli import main
from lib.logs.files import handler as handlers
from lib.logs.files import rotation, rules
from lib.logs.files.configuration import configuration
from lib.logs.files.folder import listing
from lib.logs.files.handler import ServerLogHandler
from lib.logs.files.own import log_files
from lib.logs.files.search import Asked
from lib.logs.files.types import LOG_TYPES, TYPE_BY_KEY, Level, Rule
from lib.settings import PROJECT_DIR, Settings
from tests.lib.log_files import archive, found, texts, write

CRM = TYPE_BY_KEY["crm_data"]
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
NO_TIME = timedelta(0)


def lines_of(folder: Path) -> list[str]:
    """Every line in every file of crm_data, oldest first."""
    told: list[str] = []
    for file in reversed(listing(folder, CRM)):
        raw = (folder / file.name).read_bytes()
        told += (gzip.decompress(raw) if file.is_compressed else raw).decode().splitlines()
    return told


@pytest.fixture
def logger(tmp_path: Path) -> Iterator[logging.Logger]:
    """A logger that writes crm_data.log."""
    made, writes = logging.Logger("acme.crm", 1), ServerLogHandler("crm_data", tmp_path, max_bytes=2_000)
    made.addHandler(writes)
    yield made
    writes.close()


@pytest.mark.spec("V1")
def test_a_line_says_when_how_bad_who_and_what(tmp_path: Path, logger: logging.Logger) -> None:
    logger.warning("order %s refused", "A-7")
    logger.fatal("it ends")
    (warned, ended) = found(tmp_path, Asked())
    assert warned.entry.text.endswith(f"Z WARN  [{os.getpid()}] acme.crm: order A-7 refused")
    assert warned.entry.level is Level.WARN
    assert ended.entry.level is Level.ERROR
    assert abs(datetime.now(UTC) - (warned.entry.at or NOW)) < timedelta(minutes=1)


def test_nobody_forges_an_entry_by_what_they_get_logged(tmp_path: Path, logger: logging.Logger) -> None:
    logger.info("name: %s", "x\n2026-11-22T09:00:00.000Z ERROR [1] root: forged\r\x1b[2J\u2028\ud800")
    try:
        raise ValueError("a\nb")
    except ValueError:
        logger.exception("it failed")
    first, second = found(tmp_path, Asked())
    assert [first.entry.level, second.entry.level] == [Level.INFO, Level.ERROR]
    assert first.entry.text.endswith("\n\t2026-11-22T09:00:00.000Z ERROR [1] root: forged\\x0d\\x1b[2J\\x2028?")
    assert "\n\tValueError: a\n\tb" in second.entry.text


@pytest.mark.spec("V3")
def test_a_file_is_closed_at_its_size_and_named_after_the_day(tmp_path: Path, logger: logging.Logger) -> None:
    for number in range(100):
        logger.info("%03d %s", number, "x" * 60)
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    closed = [file.name for file in listing(tmp_path, CRM) if file.closed_on]
    assert closed[-1] == f"crm_data.{today}.1.log"
    assert len(closed) > 3
    assert [line.split(": ")[1][:3] for line in lines_of(tmp_path)] == [f"{number:03}" for number in range(100)]


@pytest.mark.spec("V2")
def test_a_changed_level_reaches_a_running_process(
    tmp_path: Path, logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    logger.debug("not yet")
    rules.write_rules(tmp_path, {"crm_data": Rule(Level.TRACE)})
    handlers._watch.look()
    logger.debug("now")
    logger.log(5, "traced")
    rules.write_rules(tmp_path, {"crm_data": Rule(Level.ERROR)})
    handlers._watch.look()
    logger.warning("no more")
    assert [text.split(": ")[1] for text in texts(found(tmp_path, Asked()))] == ["now", "traced"]
    assert handlers.WATCH_SECONDS <= 5


@pytest.mark.spec("V2")
def test_a_process_of_its_own_follows_within_seconds(tmp_path: Path) -> None:
    script = (
        "import logging, sys, time; from lib.logs.files.handler import ServerLogHandler\n"
        "log = logging.Logger('x', 1); log.addHandler(ServerLogHandler('crm_data', sys.argv[1]))\n"
        "log.info('ready')\n"
        "for _ in range(400): log.debug('heard'); time.sleep(0.05)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], cwd=PROJECT_DIR) as process:
        while not (tmp_path / CRM.file).exists():
            assert process.poll() is None
        begun = datetime.now(UTC)
        rules.write_rules(tmp_path, {"crm_data": Rule(Level.DEBUG)})
        while "heard" not in (tmp_path / CRM.file).read_text():
            assert datetime.now(UTC) - begun < timedelta(seconds=20)
        process.kill()


@pytest.mark.parametrize(
    "said",
    [b"", b"{", b"[]", b"null", b"[" * 50_000, b'{"crm_data": 5}', b'{"crm_data": {"level": "LOUD"}}',
     b'{"crm_data": {"level": "DEBUG", "copies": 0, "days": 1}}', b"\xff"],
)  # fmt: skip
def test_rules_that_cannot_be_read_are_those_that_a_type_begins_with(tmp_path: Path, said: bytes) -> None:
    (tmp_path / rules.FILE).write_bytes(said)
    assert rules.read_rules(tmp_path) == {each.key: Rule() for each in LOG_TYPES}


def _write_many(folder: Path, who: int, count: int) -> None:
    log, writes = logging.Logger("x", 1), ServerLogHandler("crm_data", folder, max_bytes=1_000_000)
    log.addHandler(writes)
    for number in range(count):
        log.info("%d-%d", who, number)
    writes.close()


@pytest.mark.spec("V3")
def test_four_processes_writing_and_rotating_lose_and_double_no_line(tmp_path: Path) -> None:
    count = 50_000
    rules.write_rules(tmp_path, {"crm_data": Rule(copies=1_000)})
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_many, args=(tmp_path, who, count)) for who in range(4)]
    for writer in writers:
        writer.start()
    compressed = 0
    while any(writer.is_alive() for writer in writers):
        compressed += len(rotation.tidy(tmp_path, CRM, Rule(copies=1_000), 1_000_000, grace=NO_TIME).compressed)
        writers[0].join(1)
    assert [writer.exitcode for writer in writers] == [0] * 4
    told = Counter(line.split(": ")[1] for line in lines_of(tmp_path))
    assert len(told) == 4 * count
    assert set(told.values()) == {1}
    assert compressed > 5


@pytest.mark.spec("V3")
def test_a_file_of_another_service_rotates_without_losing_what_it_goes_on_writing(tmp_path: Path) -> None:
    live = tmp_path / CRM.file
    rule = Rule()
    with live.open("a", buffering=1) as kept_open:
        for number in range(100):
            kept_open.write(f"held {number}\n")
        with live.open("a") as once:
            once.write("opened for one line\n")
        done = rotation.tidy(tmp_path, CRM, rule, 500, grace=NO_TIME)
        assert done.closed == done.held == (f"crm_data.{datetime.now(UTC):%Y-%m-%d}.1.log",)
        assert done.compressed == ()
        kept_open.write("after the rotation, into the file that was kept open\n")
        with live.open("a") as once:
            once.write("opened again for one line\n")
    assert rotation.tidy(tmp_path, CRM, rule, 500, grace=NO_TIME).compressed == done.held
    assert lines_of(tmp_path)[100:] == [
        "opened for one line",
        "after the rotation, into the file that was kept open",
        "opened again for one line",
    ]


@pytest.mark.spec("V3")
def test_a_closed_file_is_compressed_only_once_it_was_quiet(tmp_path: Path) -> None:
    place = write(tmp_path, "crm_data.2026-11-21.1.log", ["x"])
    os.utime(place, (NOW.timestamp(), NOW.timestamp()))
    assert rotation.tidy(tmp_path, CRM, Rule(), 500, now=NOW + timedelta(seconds=30)).compressed == ()
    done = rotation.tidy(tmp_path, CRM, Rule(), 500, now=NOW + timedelta(hours=2))
    assert done.compressed == ("crm_data.2026-11-21.1.log",)
    packed = tmp_path / "crm_data.2026-11-21.1.log.gz"
    assert gzip.decompress(packed.read_bytes()) == b"x\n"
    assert packed.stat().st_mtime == NOW.timestamp()
    assert sorted(name for name in os.listdir(tmp_path) if not name.startswith(".__")) == [packed.name]


@pytest.mark.spec("V3")
def test_a_compression_that_was_cut_short_leaves_one_whole_copy(tmp_path: Path) -> None:
    plain = write(tmp_path, "crm_data.2026-11-21.1.log", ["one", "two"])
    archive(tmp_path, "crm_data.2026-11-21.1.log.gz", b"one\n")
    write(tmp_path, ".crm_data.2026-11-21.1.log.gz.part", b"half")
    os.utime(plain, (0, 0))
    assert lines_of(tmp_path) == ["one", "two"]
    rotation.tidy(tmp_path, CRM, Rule(), 500, grace=NO_TIME)
    assert lines_of(tmp_path) == ["one", "two"]
    assert [file.name for file in listing(tmp_path)] == ["crm_data.2026-11-21.1.log.gz"]


@pytest.mark.spec("V2")
def test_archives_over_the_copies_go_oldest_first_and_those_over_the_days(tmp_path: Path) -> None:
    for day in range(10, 22):
        archive(tmp_path, f"crm_data.2026-11-{day}.1.log.gz", b"x\n")
    write(tmp_path, "crm_data.log", ["x"])
    write(tmp_path, "email.2026-01-01.1.log.gz", ["x"])
    assert rotation.remove_surplus(tmp_path, CRM, Rule(copies=5, days=90), NOW) == tuple(
        f"crm_data.2026-11-{day}.1.log.gz" for day in range(16, 9, -1)
    )
    assert rotation.remove_surplus(tmp_path, CRM, Rule(copies=5, days=3), NOW) == (
        "crm_data.2026-11-18.1.log.gz",
        "crm_data.2026-11-17.1.log.gz",
    )
    assert len(listing(tmp_path)) == 5


def test_one_cleaning_at_a_time(tmp_path: Path) -> None:
    with rotation.cleaning(tmp_path) as first, rotation.cleaning(tmp_path) as second:
        assert (first, second) == (True, False)
    with rotation.cleaning(tmp_path) as again:
        assert again


@pytest.mark.spec("V1")
def test_daybooks_own_processes_write_each_type_that_they_have(tmp_path: Path) -> None:
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    with log_files(tmp_path):
        logging.getLogger("daybook.pages").error("reference 1a2b")
        logging.getLogger("daybook.access").info("a request")
        logging.getLogger("daybook.database").error("away")
        logging.getLogger("daybook.jobs").info("refresh began")
        logging.getLogger("lib.jobs.schedule").error("it failed")
        logging.getLogger("daybook.email").info("sent")
        logging.getLogger("sqlalchemy.engine.Engine").info("SELECT 1")
    assert (root.level, list(root.handlers)) == before
    told = {file.name: (tmp_path / file.name).read_text().splitlines() for file in listing(tmp_path)}
    assert {name: [line.split("] ")[1] for line in each] for name, each in told.items()} == {
        "application.log": ["daybook.pages: reference 1a2b"],
        "email.log": ["daybook.email: sent"],
        "database.log": ["daybook.database: away"],
        "access_log.log": ["daybook.access: a request"],
        "schedule_jobs.log": ["daybook.jobs: refresh began", "lib.jobs.schedule: it failed"],
    }


@pytest.mark.spec("V2")
def test_at_debug_the_database_log_has_statements(tmp_path: Path) -> None:
    rules.write_rules(tmp_path, {"database": Rule(Level.DEBUG)})
    with log_files(tmp_path):
        logging.getLogger("sqlalchemy.engine.Engine").info("SELECT 1")
    assert (tmp_path / "database.log").read_text().endswith("sqlalchemy.engine.Engine: SELECT 1\n")


@pytest.mark.spec("V1")
def test_a_service_writes_by_the_configuration_that_is_printed(home: Settings) -> None:
    printed = CliRunner().invoke(main, ["log-config", "crm_data"], env={"DAYBOOK_HOME": str(home.home)})
    assert printed.exit_code == 0
    assert json.loads(printed.output) == configuration(home.log_dir, ["crm_data"])
    script = (
        "import json, logging, logging.config, sys\n"
        "logging.config.dictConfig(json.loads(sys.stdin.read()))\n"
        "logging.getLogger('anything').info('synchronised')\nlogging.debug('no')\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=PROJECT_DIR, input=printed.output.encode(), check=True)
    assert (home.log_dir / "crm_data.log").read_text().endswith("anything: synchronised\n")


def test_a_type_that_is_none_is_wrong_use(home: Settings) -> None:
    result = CliRunner().invoke(main, ["log-config", "passwords"], env={"DAYBOOK_HOME": str(home.home)})
    assert result.exit_code == 2


@pytest.mark.spec("P3")
@pytest.mark.usefixtures("sqlite_store")
def test_a_command_writes_its_logs_as_a_process_of_its_own(home: Settings) -> None:
    environment = dict(os.environ) | {"DAYBOOK_HOME": str(home.home)}
    command = [sys.executable, "-m", "lib.cli", "refresh"]
    subprocess.run(command, cwd=PROJECT_DIR, env=environment, check=True, capture_output=True)
    told = (home.log_dir / "schedule_jobs.log").read_text()
    assert "daybook.jobs: refresh began" in told
    assert "daybook.jobs: refresh is done" in told

"""The folder of server logs: only what it should hold is there, and keys reach nothing else (SPEC V4)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lib.errors import NotFound, Unavailable
from lib.logs.files.folder import file_of, listing, opened, parsed_name
from lib.logs.files.types import LOG_TYPES
from lib.words import catalogue
from tests.lib.log_files import write

pytestmark = pytest.mark.spec("V4")


@pytest.mark.spec("V1")
def test_there_are_nine_types_each_with_a_file_and_words() -> None:
    assert [each.file for each in LOG_TYPES] == [
        "application.log",
        "apps_objects.log",
        "inbox_channel.log",
        "email.log",
        "database.log",
        "access_log.log",
        "call_event.log",
        "schedule_jobs.log",
        "crm_data.log",
    ]
    for each in LOG_TYPES:
        assert {f"log_type.{each.key}", f"log_type.{each.key}_help"} <= set(catalogue())


@pytest.mark.spec("V3")
def test_types_stand_in_their_order_and_files_newest_first(tmp_path: Path) -> None:
    for name in (
        "crm_data.log",
        "application.2026-11-09.2.log.gz",
        "application.log",
        "application.2026-11-09.10.log.gz",
        "application.2026-11-10.1.log",
        "application.2026-11-10.1.log.gz",
    ):
        write(tmp_path, name, ["x"])
    assert [file.name for file in listing(tmp_path)] == [
        "application.log",
        "application.2026-11-10.1.log",
        "application.2026-11-09.10.log.gz",
        "application.2026-11-09.2.log.gz",
        "crm_data.log",
    ]
    assert file_of(tmp_path, "application.2026-11-10.1").name == "application.2026-11-10.1.log"


@pytest.mark.parametrize(
    "name",
    [
        "passwords.log",
        "application.log.gz",
        "application.log\n",
        "application.LOG",
        "Application.log",
        ".application.log",
        "application.log.1",
        "application.2026-02-30.1.log",
        "application.2026-11-10.0.log",
        "application.2026-11-10.01.log",
        "application.٢٠٢٦-11-10.1.log",
        "application.2026-11-10.1.log.gz.part",
        ".rules.json",
        ".__application.lock",
    ],
)
def test_a_file_of_any_other_name_is_not_listed(tmp_path: Path, name: str) -> None:
    write(tmp_path, name, b"x")
    assert listing(tmp_path) == []
    assert parsed_name(name) is None


def test_links_pipes_folders_and_devices_are_not_listed(tmp_path: Path) -> None:
    folder, secret = tmp_path / "logs", tmp_path / "secret"
    write(folder, "email.log", ["x"])
    secret.write_text("s3cret")
    (folder / "application.log").symlink_to(secret)
    os.link(secret, folder / "database.log")
    os.mkfifo(folder / "crm_data.log")
    (folder / "call_event.log").mkdir()
    (folder / "access_log.log").symlink_to("/dev/zero")
    assert [file.name for file in listing(folder)] == ["email.log"]


def test_what_became_a_link_after_it_was_listed_is_not_opened(tmp_path: Path) -> None:
    folder, secret = tmp_path / "logs", tmp_path / "secret"
    secret.write_text("s3cret")
    place = write(folder, "email.log", ["x"])
    (file,) = listing(folder)
    for put in (lambda: place.symlink_to(secret), lambda: os.link(secret, place), lambda: os.mkfifo(place)):
        place.unlink()
        put()
        with pytest.raises(NotFound), opened(folder, file):
            pass


@pytest.mark.parametrize(
    "key",
    [
        "",
        "../application",
        "/etc/passwd",
        "application.log",
        "application\0",
        "application\n",
        "application/../email",
        "application.2026-11-10.1/../../x",
        "passwords",
        "x" * 100_000,
    ],
)
def test_a_key_that_is_not_of_the_listing_reaches_nothing(tmp_path: Path, key: str) -> None:
    write(tmp_path, "application.log", ["x"])
    with pytest.raises(NotFound):
        file_of(tmp_path, key)


def test_a_folder_that_is_away_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="The folder of server logs cannot be used"):
        listing(tmp_path / "nowhere")

"""Bodies: unpacked by what they are, cut at their limit, and refused by name where they are no JSON."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from lib.collect import bodies
from lib.collect.bodies import BATCH_BYTES, DRAINED_BYTES, EVENT_BYTES
from tests.lib.collecting import Collecting, basic
from tests.lib.test_collect_segment import screen

BATCH = json.dumps({"batch": [screen()]}, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Encoding": "gzip", "Content-Type": "application/json"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {},
    ],
)
@pytest.mark.spec("I1")
def test_gzip_is_told_by_its_first_bytes_whatever_the_headers_say(
    collecting: Collecting, headers: dict[str, str]
) -> None:
    assert collecting.post("/v1/batch", gzip.compress(BATCH), **headers)[0] == 200
    assert collecting.row()["page"] == "pages/首页/index"


def test_gzip_in_several_members_is_one_body(collecting: Collecting) -> None:
    assert collecting.post("/v1/batch", gzip.compress(BATCH[:10]) + gzip.compress(BATCH[10:]))[0] == 200
    assert collecting.rows().height == 1


@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(BATCH, mtime=0)[:-4],
        gzip.compress(BATCH, mtime=0)[:20] + b"\0" * 20,
        gzip.compress(BATCH, mtime=0) + b"rest",
        gzip.compress(b"") * 17,
        b"\x1f\x8b",
    ],
    ids=["cut short", "damaged", "with a rest", "too many members", "only a beginning"],
)
def test_broken_gzip_is_refused(collecting: Collecting, body: bytes) -> None:
    status, told = collecting.post("/v1/batch", body)
    assert (status, told["error"]) == (400, "invalid_gzip")


@pytest.mark.spec("I1")
def test_a_small_body_that_unpacks_to_gigabytes_is_cut(collecting: Collecting) -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(b" " * 1_000_000) for _ in range(100)) + packer.flush()
    assert len(bomb) < BATCH_BYTES
    status, told = collecting.post("/v1/batch", bomb)
    assert (status, told["error"]) == (413, "too_large")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"batch": [1e400]}',
        b'{"batch": [-1' + b"0" * 400 + b"]}",
        b'{"batch": [NaN]}',
        b'{"batch": ["\xff\xfe"]}',
        b'{"batch": ["\xed\xa0\x80"]}',
        b'{"batch": ["\\ud800"]}',
        b'{"batch": ["\0"]}',
        b'{"batch": []} x',
        b'{"batch": [],}',
        b"\xef\xbb\xbf{}",
        b"{'batch': []}",
        b'{"batch": [] // none\n}',
        b"\0\0\0\0",
    ],
)
@pytest.mark.spec("I1")
def test_what_is_no_json_is_refused(collecting: Collecting, body: bytes) -> None:
    status, told = collecting.post("/v1/batch", body)
    assert (status, told["error"]) == (400, "invalid_json")
    assert told["message"].startswith("The body is no JSON: ")


@pytest.mark.parametrize("body", [b"[]", b"1", b"null", b'"text"', b"{}", b'{"batch": {}}', b'{"batch": null}'])
def test_json_that_is_no_batch_is_refused(collecting: Collecting, body: bytes) -> None:
    status, told = collecting.post("/v1/batch", body)
    assert (status, told["error"] in {"not_an_object", "no_batch"}) == (400, True)


def test_json_that_is_odd_and_right_is_taken(collecting: Collecting) -> None:
    odd: Any = {"deep": json.loads("[" * 500 + "]" * 500), "big": 10**40, "tiny": 1e-320, "nul": "\0", "": None}
    event = {**screen(), "properties": odd, "traits": None, "integrations": {"All": True}}
    repeated = json.dumps({"batch": [event]}).replace('"batch"', '"batch": 1, "batch"').encode()
    assert collecting.post("/v1/batch", repeated)[0] == 200
    assert collecting.rows().height == 1


def test_an_event_over_its_limit_is_named(collecting: Collecting) -> None:
    fits = screen("fits", properties={"x": "y" * (EVENT_BYTES - 300)})
    too_large = screen("large", properties={"x": "y" * EVENT_BYTES})
    assert collecting.batch(fits)[0] == 200
    status, told = collecting.batch(fits, too_large)
    assert (status, told["error"], told["index"]) == (413, "event_too_large", 1)


def test_a_body_over_its_limit_is_read_to_its_end_so_that_its_sender_hears_why(collecting: Collecting) -> None:
    status, told = collecting.post("/v1/batch", b" " * (BATCH_BYTES + 1))
    assert (status, told["error"]) == (413, "too_large")


def test_an_endless_body_is_cut_while_it_streams(collecting: Collecting) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 65_536
            yield b"x" * 65_536

    answer = collecting.http.post("/v1/batch", content=endless(), headers=basic(collecting.key))
    assert (answer.status_code, answer.headers["connection"]) == (413, "close")
    assert sent <= DRAINED_BYTES + 2 * 65_536


def test_a_body_that_does_not_come_is_given_up(collecting: Collecting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.1)

    async def slow() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(60)

    answer = collecting.http.post("/v1/batch", content=slow(), headers=basic(collecting.key))
    assert (answer.status_code, answer.json()["error"]) == (408, "too_slow")


def test_bodies_that_come_at_once_hold_so_much_memory_and_no_more(collecting: Collecting) -> None:
    collecting.collector._bodies.most_bytes = 1000
    status, told = collecting.post("/v1/batch", b" " * 2000)
    assert (status, told["error"]) == (429, "busy")
    assert collecting.post("/v1/batch", BATCH)[0] == 200

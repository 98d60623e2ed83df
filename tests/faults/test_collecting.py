"""The collector under what no client library does on purpose: kills, storms, clients that never end."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lib.collect.bodies import BODY_SECONDS, DRAINED_BYTES
from lib.jobs.refresh import refresh
from tests.faults.conftest import ROUNDS
from tests.faults.kills import FILE_LINES, Collecting, import_again_and_again, kill_again_and_again
from tests.faults.sending import event
from tests.lib.collecting import basic, new_key
from tests.lib.companies import make_companies
from tests.site import Site


@pytest.mark.parametrize("refreshing", [False, True])
@pytest.mark.spec("I1", "T5")
def test_what_was_acknowledged_before_a_kill_is_counted_once(tmp_path: Path, refreshing: bool) -> None:
    acknowledged, counted = kill_again_and_again(tmp_path, ROUNDS, refreshing=refreshing, seed=ROUNDS)
    assert acknowledged == counted > ROUNDS


@pytest.mark.spec("I1", "I3", "T5")
def test_lines_of_imports_that_were_killed_are_counted_once_after_another_import(tmp_path: Path) -> None:
    accepted, repeated = import_again_and_again(tmp_path, ROUNDS, seed=ROUNDS)
    assert accepted + repeated == ROUNDS * FILE_LINES
    assert accepted > 0
    assert repeated > 0


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A collector alone."""
    served = Collecting(tmp_path)
    make_companies(served.store)
    served.start()
    yield served
    served.stop()


def post(site: Site, key: str, body: bytes) -> int:
    """The status of a batch."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", site.port, timeout=60)) as connection:
        connection.request("POST", "/v1/batch", body, basic(key))
        return connection.getresponse().status


@pytest.mark.spec("T5")
def test_a_storm_of_duplicates_is_counted_once(site: Site) -> None:
    key = new_key(site.store)
    body = json.dumps({"batch": [event(number) for number in range(100)]}).encode()
    statuses: list[int] = []

    def storm() -> None:
        statuses.extend(post(site, key, body) for _ in range(50))

    threads = [threading.Thread(target=storm) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) <= {200, 429}
    done = refresh(site.settings, site.store)
    assert (done.added, done.duplicate) == (100, 100 * (statuses.count(200) - 1))


def test_a_client_that_sends_without_end_is_cut_off(site: Site) -> None:
    key = new_key(site.store)
    sent = 0
    with socket.create_connection(("127.0.0.1", site.port)) as connection, pytest.raises(ConnectionError):
        head = f"POST /v1/batch HTTP/1.1\r\nHost: x\r\nAuthorization: {basic(key)['Authorization']}\r\n"
        connection.sendall((head + "Transfer-Encoding: chunked\r\n\r\n").encode())
        while sent < 10_000_000_000:
            connection.sendall(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
            sent += 65_536
    assert sent < DRAINED_BYTES + 20_000_000  # what the system buffers beside
    assert post(site, key, json.dumps({"batch": [event(1)]}).encode()) == 200


def test_slow_clients_are_given_up_and_others_are_served_meanwhile(site: Site) -> None:
    key = new_key(site.store)
    head = f"POST /v1/batch HTTP/1.1\r\nHost: x\r\nAuthorization: {basic(key)['Authorization']}\r\n"
    slow = [socket.create_connection(("127.0.0.1", site.port)) for _ in range(50)]
    for connection in slow:
        connection.sendall((head + "Content-Length: 1000\r\n\r\n{").encode())
    began = time.monotonic()
    assert post(site, key, json.dumps({"batch": [event(1)]}).encode()) == 200
    assert time.monotonic() - began < 5
    for connection in slow:
        connection.settimeout(BODY_SECONDS + 10)
        assert connection.recv(4096).startswith(b"HTTP/1.1 408")
        connection.close()

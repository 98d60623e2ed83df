"""The sealing job: every few seconds it seals what was recorded since, and writes the checkpoints down (SPEC O9)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.orm import Session

from lib.access.viewer import EVERY_TENANT
from lib.errors import Unavailable
from lib.logs import sidecar
from lib.logs.checkpoints import Tail, add_to, file_of, folders, missing_at_end, origin_of, tail_of, writers_turn_of
from lib.logs.notes import BadNote, Checkpoint, Note, Verifier
from lib.logs.seal import frontier_after, load_key, sealed, signer_of
from lib.settings import Settings
from lib.store import Store, seals
from lib.store.locks import Hold, job_lock
from lib.store.operation_files import sealed_until
from lib.store.runs import job_run

JOB = "seal"

BATCH = 10_000
"""How many records one transaction seals at most."""

_NOTES_AT_ONCE = 1000


@dataclass(frozen=True)
class Sealed:
    """How many records were sealed, in how many seals."""

    records: int
    seals: int


NOTHING = Sealed(0, 0)


def seal(store: Store, settings: Settings, *, batch: int = BATCH, stop: Callable[[], bool] = lambda: False) -> Sealed:
    """Seal what waits, tenant by tenant, until nothing does or `stop` says so; then write the checkpoints down.

    Nothing is recorded where there was nothing to do. A crash at any point loses nothing: the next run goes on from
    it. Raises Busy while another process seals, and Unavailable.
    """
    with store.read(EVERY_TENANT) as session:
        tenants = seals.tenants_with_pending(session)
    if not tenants:
        write_down(store, settings)
        return NOTHING
    with job_lock(store, JOB) as hold, job_run(store, JOB) as run:
        key = _key(store, settings)
        made = records = 0
        batches = (count for tenant_id in tenants for count in _seal_tenant(store, hold, key, tenant_id, batch))
        for count in batches:
            made, records = made + 1, records + count
            write_down(store, settings)
            if stop():
                break
        run.figures.update(records=records, seals=made)
    return Sealed(records, made)


def seal_and_file(store: Store, settings: Settings, *, stop: Callable[[], bool] = lambda: False) -> Sealed:
    """Seal what waits, and bring the sidecar up to it where that is worth a file. Raises Busy, Unavailable."""
    done = seal(store, settings, stop=stop)
    try:
        sidecar.follow(store, settings.lake)
    except OSError as error:
        what = f"The index of the operation log cannot be written ({error.strerror}; see {settings.lake})"
        raise Unavailable(what=what) from error
    return done


def is_much(store: Store) -> bool:
    """Whether more waits than a batch: sealing that would keep a server's pages waiting."""
    with store.read(EVERY_TENANT) as session:
        return seals.more_pending_than(session, BATCH)


def _key(store: Store, settings: Settings) -> Ed25519PrivateKey:
    with store.read(EVERY_TENANT) as session:
        used = seals.keys(session)
    key = load_key(settings.home, used)
    if not used:
        with store.write(EVERY_TENANT) as session:
            seals.add_key(session, key.public_key().public_bytes_raw())
    return key


def _seal_tenant(store: Store, hold: Hold, key: Ed25519PrivateKey, tenant_id: int, batch: int) -> Iterator[int]:
    """Seal batch by batch, each in a transaction that holds little: what is long is done before it."""
    signer = signer_of(key, tenant_id)
    with store.read(tenant_id) as session:
        frontier = frontier_after(seals.last_seal(session, tenant_id), signer)
    while True:
        with store.read(tenant_id) as session:
            found = seals.waiting(session, tenant_id, batch + 1)
        if not found:
            return
        rows, is_complete = found[:batch], len(found) <= batch
        made, frontier = sealed(tenant_id, frontier, rows, signer, is_complete=is_complete)
        hold.require()
        with store.write(tenant_id) as session:
            seals.add_seal(session, made, [row.id for row in rows])
        yield len(rows)
        if is_complete:
            return


def write_down(store: Store, settings: Settings) -> None:
    """Add to the files of checkpoints what the database has and they lack: also what a crash kept from them.

    Raises Unavailable when a file cannot be written; the seals stand all the same.
    """
    with store.read(EVERY_TENANT) as session:
        sizes = sealed_until(session)
        used = seals.keys(session)
    for folder in folders(settings):
        behind = [each for each, size in sizes.items() if not _is_complete(file_of(folder, each), size)]
        if not behind:
            continue
        with writers_turn_of(folder):
            for each in behind:
                _complete(store, file_of(folder, each), Verifier(origin_of(each), used[0]), each)


_known: dict[Path, int] = {}
"""How far the files go, as this process last left them."""


def _is_complete(file: Path, size: int) -> bool:
    return _known.get(file) == size and file.exists()


def _complete(store: Store, file: Path, key: Verifier, tenant_id: int) -> None:
    tail = tail_of(file)
    with store.read(tenant_id) as session:
        size = _last_in_common(session, tail.notes, tenant_id)
        if size is None and not tail.is_whole_file:
            tail = tail_of(file, file.stat().st_size)
            size = _last_in_common(session, tail.notes, tenant_id)
        size = size or 0
        missing = seals.checkpoints(session, tenant_id, above=size)
        while notes := list(islice(missing, _NOTES_AT_ONCE)):
            add_to(file, key, missing_at_end(tail, [note for _, note in notes]))
            size, tail = notes[-1][0], Tail((), b"", is_whole_file=False)
    _known[file] = size


def _last_in_common(session: Session, notes: Iterable[str], tenant_id: int) -> int | None:
    """The size of the newest of a file's notes that the database has too: after a restore it may not be the last."""
    for note in notes:
        with suppress(BadNote):
            size = Checkpoint.parse(Note.parse(note).text).size
            if seals.checkpoint_at(session, tenant_id, size) == note:
                return size
    return None

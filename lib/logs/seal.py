"""Sealing: a batch of records becomes the next leaves of its tenant's tree, and a checkpoint is signed (SPEC O9)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from lib.errors import Unavailable
from lib.logs.checkpoints import origin_of
from lib.logs.merkle import Frontier, leaf_hash
from lib.logs.notes import BadNote, Checkpoint, Note, Signer
from lib.store.seals import Waiting
from lib.store.tables import OperationSeal

KEY_FILE = "seal_key.pem"
"""The private key's file in the home. Whoever has it can seal anything: keep a copy, and keep it safe."""


def load_key(home: Path, used: Sequence[bytes]) -> Ed25519PrivateKey:
    """The key that seals; made where nothing was sealed yet.

    `used` are the public keys of earlier seals. Raises Unavailable when the key is lost or another one.
    """
    file = home / KEY_FILE
    try:
        if not used and not file.exists():
            make_key(file)
        key = load_pem_private_key(file.read_bytes(), None)
    except FileNotFoundError as error:
        what = f"{file} is not there, with which the operation log was sealed so far (put it back from a copy)"
        raise Unavailable(what=what) from error
    except (OSError, ValueError) as error:
        raise Unavailable(what=f"{file} cannot be read as a key ({error})") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise Unavailable(what=f"{file} is no Ed25519 key")
    if used and Signer("", key).verifier.public_key != used[-1]:
        what = f"{file} is not the key with which the operation log was sealed so far (put that back from a copy)"
        raise Unavailable(what=what)
    return key


def make_key(file: Path) -> None:
    """Write a new private key that its owner alone can read; never over another. Raises OSError."""
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    beside = file.with_suffix(".new")
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as opened:
        opened.write(pem)
        opened.flush()
        os.fsync(opened.fileno())
    os.link(beside, file)
    beside.unlink()


def signer_of(key: Ed25519PrivateKey, tenant_id: int) -> Signer:
    """Who signs the checkpoints of a tenant."""
    return Signer(origin_of(tenant_id), key)


def frontier_after(last: OperationSeal | None, signer: Signer) -> Frontier:
    """The tree that the next seal goes on from.

    Raises Unavailable when the last seal is not as this key signed it: what went on from it would hide that.
    """
    if last is None:
        return Frontier()
    try:
        note = Note.parse(last.checkpoint)
        checkpoint = Checkpoint.parse(note.text)
        frontier = Frontier.unpack(last.until_position, last.frontier)
    except (BadNote, ValueError) as error:
        raise _altered(last) from error
    if not note.holds(signer.verifier) or (checkpoint.size, checkpoint.root) != (frontier.size, frontier.root):
        raise _altered(last)
    return frontier


def sealed(
    tenant_id: int, frontier: Frontier, rows: Sequence[Waiting], signer: Signer, *, is_complete: bool
) -> tuple[OperationSeal, Frontier]:
    """The seal of a batch, and the tree after it. `is_complete`: nothing that could be seen is left to be sealed."""
    hashes = [leaf_hash(row.body) for row in rows]
    after = frontier.extended(hashes)
    at = datetime.now(UTC)
    checkpoint = Checkpoint(signer.name, after.size, after.root, at, is_complete)
    ids = [row.id for row in rows]
    seal = OperationSeal(
        tenant_id=tenant_id,
        first_position=frontier.size,
        until_position=after.size,
        first_id=min(ids),
        last_id=max(ids),
        sealed_at=at,
        root=after.root,
        frontier=after.packed,
        checkpoint=signer.sign(checkpoint.text),
        ids=np.array(ids, "<i8").tobytes(),
        hashes=b"".join(hashes),
    )
    return seal, after


def _altered(last: OperationSeal) -> Unavailable:
    where = f"the seal that ends at position {last.until_position} of tenant {last.tenant_id}"
    return Unavailable(what=f"Sealing does not go on from {where}: it was altered (run `daybook verify operations`)")

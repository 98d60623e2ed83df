"""Signed notes and checkpoints: a tree's size and root, signed with Ed25519, as text that can be kept anywhere.

Source: C2SP signed-note and tlog-checkpoint. Any tool that reads these reads ours.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lib.logs.merkle import HASH_BYTES

_ED25519 = b"\x01"
_DASH = "— "


class BadNote(ValueError):
    """This text is no signed note, or no checkpoint."""


@dataclass(frozen=True)
class Verifier:
    """A public key and the name that it signs by."""

    name: str
    public_key: bytes

    @classmethod
    def parse(cls, vkey: str) -> Verifier:
        """Read `<name>+<hash>+<key>`. Raises BadNote."""
        name, _, rest = vkey.strip().partition("+")
        hash_, _, key = rest.partition("+")
        typed = _decoded(key)
        found = cls(name, typed[1:])
        if typed[:1] != _ED25519 or len(typed) != 33 or not name or found.key_hash.hex() != hash_:
            raise BadNote(f"{vkey.strip()[:80]!r} is no verifier key")
        return found

    @property
    def key_hash(self) -> bytes:
        """The four bytes by which a signature line names its key."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.public_key).digest()[:4]

    @property
    def vkey(self) -> str:
        """The key as text, to be kept beside the notes."""
        return f"{self.name}+{self.key_hash.hex()}+{_encoded(_ED25519 + self.public_key)}"

    def named(self, name: str) -> Verifier:
        """The same key, signing by another name."""
        return Verifier(name, self.public_key)


@dataclass(frozen=True)
class Signer:
    """A private key and the name that it signs by."""

    name: str
    private_key: Ed25519PrivateKey

    @property
    def verifier(self) -> Verifier:
        """What checks its signatures."""
        return Verifier(self.name, self.private_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    def sign(self, text: str) -> str:
        """The note: the text, which ends with a newline, with a signature under it."""
        signature = self.verifier.key_hash + self.private_key.sign(text.encode())
        return f"{text}\n{_DASH}{self.name} {_encoded(signature)}\n"


@dataclass(frozen=True)
class Note:
    """A text and who signed it: `signatures` are (name, key hash, signature)."""

    text: str
    signatures: tuple[tuple[str, bytes, bytes], ...]

    @classmethod
    def parse(cls, note: str) -> Note:
        """Take a note apart, believing nothing yet. Raises BadNote."""
        text, gap, lines = note.rpartition("\n\n")
        if not gap or not lines.endswith("\n"):
            raise BadNote("it has no signature")
        return cls(text + "\n", tuple(_signature(line) for line in lines.removesuffix("\n").split("\n")))

    def is_named(self, verifier: Verifier) -> bool:
        """Whether a signature says that it is by this key."""
        return any((name, hash_) == (verifier.name, verifier.key_hash) for name, hash_, _ in self.signatures)

    def holds(self, verifier: Verifier) -> bool:
        """Whether this key has signed the text."""
        key = Ed25519PublicKey.from_public_bytes(verifier.public_key)
        for name, hash_, signature in self.signatures:
            if (name, hash_) == (verifier.name, verifier.key_hash):
                try:
                    key.verify(signature, self.text.encode())
                except InvalidSignature:
                    return False
                return True
        return False


@dataclass(frozen=True)
class Checkpoint:
    """What a note says of a tree. `is_complete`: no record that could be seen was left unsealed after it."""

    origin: str
    size: int
    root: bytes
    sealed_at: datetime
    is_complete: bool

    @property
    def text(self) -> str:
        """The text to be signed; the lines after the root are ours, and others' tools skip them."""
        at = self.sealed_at.astimezone(UTC).isoformat(timespec="microseconds")
        complete = "complete" if self.is_complete else "more"
        return f"{self.origin}\n{self.size}\n{_encoded(self.root)}\nsealed_at {at}\nleft {complete}\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read the text of a note. Raises BadNote."""
        origin, *lines = text.split("\n")
        try:
            size, root, sealed_at, left, end = lines
            found = cls(origin, int(size), _decoded(root), _instant(sealed_at), left == "left complete")
        except ValueError as error:
            raise BadNote("it is no checkpoint") from error
        if found.text != text or end or len(found.root) != HASH_BYTES:
            raise BadNote("it is no checkpoint")
        return found


def _instant(line: str) -> datetime:
    word, _, at = line.partition(" ")
    if word != "sealed_at":
        raise BadNote("it is no checkpoint")
    return datetime.fromisoformat(at)


def _signature(line: str) -> tuple[str, bytes, bytes]:
    name, _, signature = line.removeprefix(_DASH).partition(" ")
    signed = _decoded(signature)
    if not line.startswith(_DASH) or not name or len(signed) < 5:
        raise BadNote("its signature is none")
    return name, signed[:4], signed[4:]


def _encoded(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadNote(f"{text[:80]!r} is no base64") from error

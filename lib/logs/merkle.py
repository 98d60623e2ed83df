"""RFC 6962 Merkle trees: roots, a compact frontier to append to, and proofs of inclusion and consistency.

A tree is told by its leaves' hashes. Section 2.1 of RFC 6962 defines the hashes and the proofs; RFC 9162, sections
2.1.3.2 and 2.1.4.2, the ways to check them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(body: bytes) -> bytes:
    """What stands for a record in the tree."""
    return sha256(b"\x00" + body).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """What stands for two neighbouring subtrees."""
    return sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True)
class Frontier:
    """A tree of `size` leaves, as the roots of its full subtrees, largest first: all that appending needs."""

    size: int = 0
    roots: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if len(self.roots) != self.size.bit_count():
            raise ValueError(f"a tree of {self.size} leaves has {self.size.bit_count()} full subtrees")

    @classmethod
    def unpack(cls, size: int, packed: bytes) -> Frontier:
        """The frontier that `packed` kept. Raises ValueError when it is not that of a tree of this size."""
        return cls(size, split(packed))

    @property
    def packed(self) -> bytes:
        """The roots, one after the other."""
        return b"".join(self.roots)

    @property
    def root(self) -> bytes:
        """The root of the whole tree."""
        if not self.roots:
            return EMPTY_ROOT
        root = self.roots[-1]
        for left in reversed(self.roots[:-1]):
            root = node_hash(left, root)
        return root

    def extended(self, leaves: Iterable[bytes]) -> Frontier:
        """The tree with these leaves after its own."""
        roots, nodes, ends, level = list(self.roots), list(leaves), [], self.size
        size = self.size + len(nodes)
        # A level at a time: what stands alone at the end of its level is a root, pairs make the level above.
        while nodes:
            if level & 1:
                nodes.insert(0, roots.pop())
            if len(nodes) & 1:
                ends.append(nodes.pop())
            left = iter(nodes)
            nodes = [sha256(b"\x01" + first + second).digest() for first, second in zip(left, left, strict=True)]
            level >>= 1
        return Frontier(size, (*roots, *reversed(ends)))


def split(packed: bytes) -> tuple[bytes, ...]:
    """The hashes that stand one after the other in `packed`. Raises ValueError when the last is cut off."""
    if len(packed) % HASH_BYTES:
        raise ValueError(f"{len(packed)} bytes are no row of hashes")
    return tuple(packed[at : at + HASH_BYTES] for at in range(0, len(packed), HASH_BYTES))


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root of the tree of these leaves."""
    return Frontier().extended(leaves).root


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The hashes that lead from the leaf at `index` up to the root."""
    if not 0 <= index < len(leaves):
        raise ValueError(f"there is no leaf {index} among {len(leaves)}")
    if len(leaves) == 1:
        return []
    middle = _left_size(len(leaves))
    if index < middle:
        return [*inclusion_proof(leaves[:middle], index), root_of(leaves[middle:])]
    return [*inclusion_proof(leaves[middle:], index - middle), root_of(leaves[:middle])]


def includes(root: bytes, size: int, index: int, leaf: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the proof shows that the leaf stands at `index` in the tree of this size and root."""
    if not 0 <= index < size:
        return False
    at, last, node = index, size - 1, leaf
    for hash_ in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            node = node_hash(hash_, node)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            node = node_hash(node, hash_)
        at, last = at >> 1, last >> 1
    return last == 0 and node == root


def consistency_proof(leaves: Sequence[bytes], old_size: int) -> list[bytes]:
    """The hashes that show that the tree of the first `old_size` leaves is the beginning of the tree of all."""
    if not 0 < old_size <= len(leaves):
        raise ValueError(f"{old_size} leaves are no beginning of {len(leaves)}")
    return _consistency(leaves, old_size, whole=True)


def _consistency(leaves: Sequence[bytes], old_size: int, *, whole: bool) -> list[bytes]:
    if old_size == len(leaves):
        return [] if whole else [root_of(leaves)]
    middle = _left_size(len(leaves))
    if old_size <= middle:
        return [*_consistency(leaves[:middle], old_size, whole=whole), root_of(leaves[middle:])]
    return [*_consistency(leaves[middle:], old_size - middle, whole=False), root_of(leaves[:middle])]


def extends(old_size: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the proof shows that the tree of `size` and `root` begins with that of `old_size` and `old_root`."""
    if not 0 < old_size <= size:
        return False
    if old_size == size:
        return not proof and old_root == root
    path = [old_root, *proof] if old_size & (old_size - 1) == 0 else list(proof)
    if not path:
        return False
    at, last = old_size - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old, new = path[0], path[0]
    for hash_ in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old, new = node_hash(hash_, old), node_hash(hash_, new)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            new = node_hash(new, hash_)
        at, last = at >> 1, last >> 1
    return last == 0 and old == old_root and new == root


def _left_size(size: int) -> int:
    """The largest power of two that is smaller than the size."""
    return 1 << (size - 1).bit_length() - 1

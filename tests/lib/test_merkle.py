"""Merkle trees and signed notes: what others publish and compute, and what must hold for any tree."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree, verify_consistency, verify_inclusion

from lib.logs import merkle
from lib.logs.merkle import Frontier, leaf_hash, root_of
from lib.logs.notes import BadNote, Checkpoint, Note, Signer, Verifier

# The vectors that the Certificate Transparency project publishes for RFC 6962.
INPUTS = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION_OF_6_IN_8 = [
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
]
CONSISTENCY_OF_6_WITH_8 = [
    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
]

bodies = st.lists(st.binary(max_size=8), min_size=1, max_size=70)


def _hashes(inputs: list[bytes]) -> list[bytes]:
    return [leaf_hash(body) for body in inputs]


def _theirs(inputs: list[bytes]) -> InmemoryTree:
    tree = InmemoryTree("sha256")
    for body in inputs:
        tree.append_entry(body)
    return tree


@pytest.mark.spec("O9")
def test_roots_are_those_that_are_published_for_rfc_6962() -> None:
    leaves = _hashes(INPUTS)
    assert [root_of(leaves[:size]).hex() for size in range(1, 9)] == ROOTS
    assert root_of([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_proofs_are_those_that_are_published_for_rfc_6962() -> None:
    leaves = _hashes(INPUTS)
    assert [hash_.hex() for hash_ in merkle.inclusion_proof(leaves, 5)] == INCLUSION_OF_6_IN_8
    assert [hash_.hex() for hash_ in merkle.consistency_proof(leaves, 6)] == CONSISTENCY_OF_6_WITH_8


@pytest.mark.spec("O9")
@given(bodies, st.data())
def test_another_implementation_computes_the_same_roots_and_proofs(inputs: list[bytes], data: st.DataObject) -> None:
    leaves, theirs = _hashes(inputs), _theirs(inputs)
    size = len(inputs)
    index = data.draw(st.integers(0, size - 1))
    old_size = data.draw(st.integers(1, size))
    assert root_of(leaves) == theirs.get_root()
    inclusion = theirs.prove_inclusion(index + 1, size)
    assert inclusion.serialize()["path"][1:] == [hash_.hex() for hash_ in merkle.inclusion_proof(leaves, index)]
    verify_inclusion(leaves[index], root_of(leaves), inclusion, size=size, index=index + 1)
    consistency = theirs.prove_consistency(old_size, size)
    verify_consistency(root_of(leaves[:old_size]), root_of(leaves), consistency, prior_size=old_size, later_size=size)
    # Their consistency proofs go down to a leaf where RFC 6962 stops at a full subtree: ours are compared with the
    # published ones above.


@given(bodies, st.data())
def test_a_proof_holds_for_what_it_proves_and_for_nothing_else(inputs: list[bytes], data: st.DataObject) -> None:
    leaves = _hashes(inputs)
    size, root = len(leaves), root_of(leaves)
    index, old_size = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    proof = merkle.inclusion_proof(leaves, index)
    assert merkle.includes(root, size, index, leaves[index], proof)
    assert not merkle.includes(root, size, index, leaf_hash(b"another record"), proof)
    assert not merkle.includes(leaf_hash(b"another root"), size, index, leaves[index], proof)
    assert not merkle.includes(root, size, index, leaves[index], [*proof, root])
    assert not merkle.includes(root, size, size, leaves[index], proof)
    old_root, proof = root_of(leaves[:old_size]), merkle.consistency_proof(leaves, old_size)
    assert merkle.extends(old_size, old_root, size, root, proof)
    assert not merkle.extends(old_size, leaf_hash(b"another root"), size, root, proof)
    assert not merkle.extends(old_size, old_root, size, leaf_hash(b"another root"), proof)
    assert not merkle.extends(old_size, old_root, size, root, [*proof, root])
    assert not merkle.extends(size + 1, old_root, size, root, proof)


@given(st.lists(bodies, max_size=6))
def test_appending_in_parts_makes_the_same_tree_as_appending_at_once(parts: list[list[bytes]]) -> None:
    frontier = Frontier()
    for part in parts:
        frontier = Frontier.unpack(frontier.size, frontier.packed).extended(_hashes(part))
    leaves = _hashes([body for part in parts for body in part])
    assert (frontier.size, frontier.root) == (len(leaves), root_of(leaves))


def test_a_frontier_of_another_size_or_cut_off_is_refused() -> None:
    packed = Frontier().extended(_hashes(INPUTS[:3])).packed
    with pytest.raises(ValueError, match="a tree of 4 leaves has 1 full subtrees"):
        Frontier.unpack(4, packed)
    with pytest.raises(ValueError, match="63 bytes are no row of hashes"):
        Frontier.unpack(3, packed[:-1])


@pytest.mark.spec("O9")
def test_a_note_that_go_signed_is_read_and_holds() -> None:
    verifier = Verifier.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
    signature = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    note = Note.parse(f"{text}\n— PeterNeumann {signature}\n")
    assert (note.text, note.holds(verifier)) == (text, True)
    assert not Note(text.replace("answer", "Answer"), note.signatures).holds(verifier)
    assert not note.holds(verifier.named("somebody else"))


def _signer(name: str = "daybook/tenant/1") -> Signer:
    return Signer(name, Ed25519PrivateKey.from_private_bytes(bytes(range(32))))


def test_a_checkpoint_is_signed_written_and_read_back() -> None:
    at = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
    checkpoint = Checkpoint("daybook/tenant/1", 8, bytes.fromhex(ROOTS[7]), at, is_complete=True)
    assert checkpoint.text == (
        "daybook/tenant/1\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n"
        "sealed_at 2026-03-01T12:00:00.250000+00:00\nleft complete\n"
    )
    signed = _signer().sign(checkpoint.text)
    note = Note.parse(signed)
    assert Checkpoint.parse(note.text) == checkpoint
    assert note.holds(Verifier.parse(_signer().verifier.vkey))
    assert not note.holds(_signer("daybook/tenant/2").verifier)
    later = Checkpoint.parse(note.text.replace("12:00:00.25", "12:00:01.25"))
    assert later.sealed_at == at + timedelta(seconds=1)


@pytest.mark.parametrize(
    "text", ["", "a\n", "a\n\n— b\n", "a\n\n— b !!\n", "a\n\n— b AAAA\n", "a\n\nb AAAAAAAAAA==\n", "a\n\n— b AAAAAAAA"]
)
def test_what_is_no_note_is_refused(text: str) -> None:
    with pytest.raises(BadNote):
        Note.parse(text)


@pytest.mark.parametrize("text", ["", "a\n", "a\n1\nAA==\n", "a\nx\nAA==\nsealed_at x\nleft more\n"])
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(BadNote):
        Checkpoint.parse(text)


@pytest.mark.parametrize("vkey", ["", "a", "a+b+c", "+c74f20a3+ARpc", "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqi"])
def test_what_is_no_key_is_refused(vkey: str) -> None:
    with pytest.raises(BadNote, match="is no"):
        Verifier.parse(vkey)

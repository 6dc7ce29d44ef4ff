"""The memory of proofs: whole identities, bounded, forgetful, without a password in it."""

import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.auth.cache import Memory, ProofCache, framed

Identified = tuple[str, int, str, bytes]

identities = st.tuples(
    st.text(st.characters(codec="utf-8"), max_size=5),
    st.integers(0, 2**63 - 1),
    st.text(st.characters(codec="utf-8"), max_size=5),
    st.binary(max_size=5),
)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_what_was_proved_is_remembered() -> None:
    cache = ProofCache()
    assert cache.look("alice", 1, "v", b"secret") is not Memory.PROOF
    cache.remember("alice", 1, "v", b"secret")
    assert cache.look("alice", 1, "v", b"secret") is Memory.PROOF


@pytest.mark.parametrize(
    "other",
    [
        ("bob", 1, "v", b"secret"),
        ("alice", 2, "v", b"secret"),
        ("alice", 1, "w", b"secret"),
        ("alice", 1, "v", b"Secret"),
        ("alice", 1, "v", b""),
        ("alic", 1, "v", b"esecret"),
        ("alice1", 1, "", b"vsecret"),
        ("alice", 11, "", b"vsecret"),
        ("alice", 1, "vs", b"ecret"),
    ],
)
def test_cve_2025_30189_the_whole_identity_is_the_key(other: Identified) -> None:
    cache = ProofCache()
    cache.remember("alice", 1, "v", b"secret")
    assert cache.look(*other) is not Memory.PROOF


@given(identities, identities)
def test_only_the_same_identity_is_found(one: Identified, other: Identified) -> None:
    cache = ProofCache()
    cache.remember(*one)
    assert (cache.look(*other) is Memory.PROOF) == (one == other)


@given(st.lists(st.binary(max_size=6), max_size=4), st.lists(st.binary(max_size=6), max_size=4))
def test_framed_parts_can_be_told_apart(one: list[bytes], other: list[bytes]) -> None:
    assert (framed(*one) == framed(*other)) == (one == other)


def test_the_oldest_proof_is_forgotten_at_the_age_limit_even_if_used() -> None:
    clock = Clock()
    cache = ProofCache(max_age=60, known_for=600, clock=clock)
    cache.remember("alice", 1, "v", b"secret")
    for clock.now in (20, 40, 59.9):
        assert cache.look("alice", 1, "v", b"secret") is Memory.PROOF
    for clock.now in (60, 599.9):
        assert cache.look("alice", 1, "v", b"secret") is not Memory.PROOF
        assert cache.look("alice", 1, "v", b"secret") is Memory.KNOWN
        assert cache.look("alice", 2, "v", b"secret") is Memory.NONE
    clock.now = 600
    assert cache.look("alice", 1, "v", b"secret") is Memory.NONE
    assert len(cache) == 0


def test_the_least_recently_used_leaves_first() -> None:
    cache = ProofCache(entries=2)
    cache.remember("alice", 1, "v", b"secret")
    cache.remember("bob", 2, "v", b"secret")
    assert cache.look("alice", 1, "v", b"secret") is Memory.PROOF
    cache.remember("carol", 3, "v", b"secret")
    assert len(cache) == 2
    assert cache.look("alice", 1, "v", b"secret") is Memory.PROOF
    assert cache.look("bob", 2, "v", b"secret") is not Memory.PROOF
    assert cache.look("carol", 3, "v", b"secret") is Memory.PROOF


@given(st.lists(identities, max_size=30), st.integers(1, 5))
def test_it_never_grows_beyond_its_limit(many: list[Identified], entries: int) -> None:
    cache = ProofCache(entries=entries)
    for identity in many:
        cache.remember(*identity)
        assert len(cache) <= entries
        assert cache.look(*identity) is Memory.PROOF


def test_forgetting_everything() -> None:
    cache = ProofCache()
    cache.remember("alice", 1, "v", b"secret")
    cache.clear()
    assert cache.look("alice", 1, "v", b"secret") is not Memory.PROOF


def test_two_caches_have_different_keys() -> None:
    one, other = ProofCache(), ProofCache()
    one.remember("alice", 1, "v", b"secret")
    other.remember("alice", 1, "v", b"secret")
    assert set(one._proved_at).isdisjoint(other._proved_at)


def test_no_password_is_kept() -> None:
    cache = ProofCache()
    secret = b"correct horse battery staple"
    cache.remember("alice", 1, "v", secret)
    kept = gc.get_referents(cache)
    for _ in range(5):
        kept += [item for thing in kept for item in gc.get_referents(thing)]
        kept = [item for item in kept if isinstance(item, (dict, bytes, str, list, tuple))]
    assert not any(secret in item for item in kept if isinstance(item, bytes))

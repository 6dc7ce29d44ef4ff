"""Which networks an account has signed in from lately."""

from pillarbox.auth.familiar import FRESH_SECONDS, LATELY_SECONDS, FamiliarNetworks
from tests.auth.faketime import FakeTime, FakeTimes


def test_a_network_is_familiar_to_one_account_for_a_fortnight(time: FakeTime) -> None:
    familiar = FamiliarNetworks(clock=time.clock)
    assert not familiar.knows("alice", "home")
    familiar.learn("alice", "home")
    time.now += LATELY_SECONDS - 1
    assert familiar.knows("alice", "home")
    assert not familiar.knows("alice", "office")
    assert not familiar.knows("bob", "home")
    time.now += 1
    assert not familiar.knows("alice", "home")
    familiar.learn("alice", "home")
    assert familiar.knows("alice", "home")


def test_polls_keep_a_network_familiar(time: FakeTime) -> None:
    familiar = FamiliarNetworks(clock=time.clock)
    for _ in range(int(2 * LATELY_SECONDS / (FRESH_SECONDS / 3))):
        familiar.learn("alice", "home")
        time.now += FRESH_SECONDS / 3
    time.now += LATELY_SECONDS - 2 * FRESH_SECONDS
    assert familiar.knows("alice", "home")


def test_of_an_account_the_latest_networks_are_kept(time: FakeTime) -> None:
    familiar = FamiliarNetworks(networks=2, clock=time.clock)
    for network in ("home", "office", "home", "train"):
        familiar.learn("alice", network)
        time.now += FRESH_SECONDS
    assert [familiar.knows("alice", it) for it in ("home", "office", "train")] == [
        True,
        False,
        True,
    ]


def test_an_account_with_a_large_network_pushes_out_nobody_else() -> None:
    familiar = FamiliarNetworks(users=2)
    familiar.learn("alice", "home")
    for number in range(10_000):
        familiar.learn("mallory", f"2001:db8:0:{number:x}::/64")
    assert familiar.knows("alice", "home")
    assert len(familiar) == 2


def test_whoever_signed_in_longest_ago_is_forgotten_first(time: FakeTime) -> None:
    familiar = FamiliarNetworks(users=2, clock=time.clock)
    for user in ("alice", "bob", "alice", "carol"):
        familiar.learn(user, "home")
        time.now += FRESH_SECONDS
    assert [familiar.knows(user, "home") for user in ("alice", "bob", "carol")] == [
        True,
        False,
        True,
    ]


def test_what_one_worker_learns_the_others_know(time: FakeTime) -> None:
    shared = FakeTimes()
    one = FamiliarNetworks(shared=shared, clock=time.clock)
    other = FamiliarNetworks(shared=shared, clock=time.clock)
    one.learn("alice", "home")
    assert other.knows("alice", "home")
    assert not other.knows("alice", "office")
    assert not other.knows("bob", "home")
    time.now += LATELY_SECONDS
    assert not other.knows("alice", "home")


def test_what_was_learned_outlives_a_worker(time: FakeTime) -> None:
    shared = FakeTimes()
    FamiliarNetworks(shared=shared, clock=time.clock).learn("alice", "home")
    assert FamiliarNetworks(shared=shared, clock=time.clock).knows("alice", "home")

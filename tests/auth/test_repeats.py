"""The same wrong password again is not another guess."""

import gc

import pytest

from pillarbox.auth import rations
from pillarbox.auth.repeats import REMEMBERED_SECONDS, REPEATS, Repeats
from tests.auth.faketime import FakeTime


@pytest.fixture
def repeats(time: FakeTime) -> Repeats:
    return Repeats(clock=time.clock)


def test_only_the_very_same_is_a_repeat(repeats: Repeats) -> None:
    assert not repeats.again("a", "alice", b"old")
    assert repeats.again("a", "alice", b"old")
    assert not repeats.again("a", "alice", b"older")
    assert not repeats.again("a", "bob", b"old")
    assert not repeats.again("b", "alice", b"old")
    assert not repeats.again("a", "aliceo", b"ld")  # no two are written alike


def test_it_is_remembered_for_a_day_since_it_was_last_said(
    repeats: Repeats, time: FakeTime
) -> None:
    repeats.again("a", "alice", b"old")
    for _ in range(5):
        time.now += REMEMBERED_SECONDS - 1
        assert repeats.again("a", "alice", b"old")
    time.now += REMEMBERED_SECONDS
    assert not repeats.again("a", "alice", b"old")


def test_what_was_said_longest_ago_is_forgotten_first(time: FakeTime) -> None:
    repeats = Repeats(remembered=2, clock=time.clock)
    for secret in (b"1", b"2", b"1", b"3"):
        repeats.again("a", "alice", secret)
    assert len(repeats) == 2
    assert repeats.again("a", "alice", b"1")
    assert not repeats.again("a", "alice", b"2")


def test_an_address_has_a_ration(repeats: Repeats, time: FakeTime) -> None:
    """Each repeat costs a hash: without a ration they would be a way to take them all."""
    assert [repeats.may_repeat("a") for _ in range(REPEATS + 1)] == [True] * REPEATS + [False]
    assert repeats.may_repeat("b")
    time.now += 2
    assert [repeats.may_repeat("a") for _ in range(2)] == [True, False]
    time.now += 10**6
    assert sum(repeats.may_repeat("a") for _ in range(2 * REPEATS)) == REPEATS


def test_the_rations_are_bounded(repeats: Repeats, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rations, "MAX_RATIONS", 2)
    for _ in range(REPEATS):
        repeats.may_repeat("a")
    for key in ("b", "a", "c"):
        repeats.may_repeat(key)
    assert not repeats.may_repeat("a")  # b was forgotten
    assert len(repeats._rations) == 2


def test_no_secret_is_kept(repeats: Repeats) -> None:
    secret = b"hunter2-hunter2-%d" % id(repeats)
    repeats.again("a", "alice", secret)
    held = gc.get_referents(*gc.get_referents(repeats))
    assert secret not in held
    assert all(len(key) == 16 and key not in secret for key in repeats._said_at)

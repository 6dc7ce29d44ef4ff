"""What is remembered of tokens, and for how long."""

from pillarbox.auth.oauth.claims import Verdict
from pillarbox.auth.oauth.memory import Refusal, TokenMemory
from tests.auth.oauth.conftest import Clocks

ALICE = Verdict("alice", None)


def memory(clocks: Clocks, *, bad_seconds: float = 10, entries: int = 100) -> TokenMemory:
    return TokenMemory(
        good_seconds=60,
        bad_seconds=bad_seconds,
        entries=entries,
        clock=lambda: clocks.steady,
        wall_clock=lambda: clocks.wall,
    )


def test_a_finding_is_remembered_for_its_time(clocks: Clocks) -> None:
    some = memory(clocks)
    some.remember("good", ALICE)
    some.remember("bad", Refusal("why"))
    assert some.look("good") == ALICE
    assert some.look("bad") == Refusal("why")
    assert some.look("Good") is None
    clocks.move(10)
    assert some.look("bad") is None
    clocks.move(49)
    assert some.look("good") == ALICE
    clocks.move(1)
    assert some.look("good") is None
    assert len(some) == 0


def test_a_look_does_not_prolong_it(clocks: Clocks) -> None:
    some = memory(clocks)
    some.remember("good", ALICE)
    for _ in range(59):
        clocks.move(1)
        assert some.look("good")
    clocks.move(1)
    assert some.look("good") is None


def test_a_token_that_has_expired_is_forgotten_to_the_second(clocks: Clocks) -> None:
    some = memory(clocks)
    some.remember("good", Verdict("alice", clocks.wall + 5))
    clocks.move(4)
    assert some.look("good")
    clocks.move(1)
    assert some.look("good") is None


def test_a_wall_clock_that_jumps_keeps_nothing_longer(clocks: Clocks) -> None:
    some = memory(clocks)
    some.remember("good", Verdict("alice", clocks.wall + 3600))
    clocks.wall -= 100_000
    clocks.steady += 60
    assert some.look("good") is None


def test_refusals_need_not_be_remembered(clocks: Clocks) -> None:
    some = memory(clocks, bad_seconds=0)
    some.remember("bad", Refusal("why"))
    assert len(some) == 0
    assert some.look("bad") is None


def test_it_is_bounded_and_who_was_not_seen_for_longest_leaves(clocks: Clocks) -> None:
    some = memory(clocks, entries=3)
    for name in "abc":
        some.remember(name, ALICE)
    assert some.look("a")
    some.remember("d", ALICE)
    assert [bool(some.look(name)) for name in "abcd"] == [True, False, True, True]


def test_no_token_is_kept(clocks: Clocks) -> None:
    some = memory(clocks)
    some.remember("the-token", ALICE)
    assert "the-token" not in repr(vars(some))

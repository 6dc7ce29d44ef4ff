"""The delays: growing, capped, forgiven, for one address and nobody else."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.auth.throttle import (
    FORGIVE_SECONDS,
    LONGEST_DELAY_SECONDS,
    LONGEST_WAIT_SECONDS,
    LOOKS,
    MAX_FAILURES,
    Throttle,
    key_of,
)
from tests.auth.faketime import FakeTime


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def throttle(time: FakeTime) -> Throttle:
    return Throttle(clock=time.clock, sleep=time.sleep)


async def fail(throttle: Throttle, key: str) -> None:
    async with throttle.attempt(key) as attempt:
        assert not attempt.crowded_out


async def succeed(throttle: Throttle, key: str) -> None:
    async with throttle.attempt(key) as attempt:
        attempt.forgive()


async def test_the_first_failure_costs_nothing_and_the_next_ones_double(
    throttle: Throttle, time: FakeTime
) -> None:
    for _ in range(9):
        await fail(throttle, "a")
    assert time.slept == [0.5, 1, 2, 4, 8, 15, 15, 15]


async def test_success_waits_as_long_as_failure(throttle: Throttle, time: FakeTime) -> None:
    for _ in range(4):
        await fail(throttle, "a")
    time.take_slept()
    await succeed(throttle, "a")
    assert time.slept == [4]


async def test_success_neither_adds_to_the_delay_nor_wipes_it_out(
    throttle: Throttle, time: FakeTime
) -> None:
    """Else whoever has an account of his own could guess at others' without a delay."""
    for _ in range(3):
        await fail(throttle, "a")
    for _ in range(3):
        await succeed(throttle, "a")
    assert time.slept == [0.5, 1, 2, 2, 2]


async def test_success_leaves_nothing_behind(throttle: Throttle) -> None:
    await succeed(throttle, "a")
    assert len(throttle) == 0
    assert throttle.is_calm("a")


async def test_one_failure_is_forgiven_each_minute(throttle: Throttle, time: FakeTime) -> None:
    for _ in range(3):
        await fail(throttle, "a")
    assert throttle.delay("a") == 2
    time.now += FORGIVE_SECONDS - 0.01
    assert throttle.delay("a") == 2
    time.now += 0.01
    assert throttle.delay("a") == 1
    time.now += FORGIVE_SECONDS
    assert throttle.delay("a") == 0.5
    assert not throttle.is_calm("a")
    time.now += FORGIVE_SECONDS
    assert throttle.delay("a") == 0
    assert throttle.is_calm("a")


async def test_even_a_thousand_failures_are_forgiven_in_ten_minutes(
    throttle: Throttle, time: FakeTime
) -> None:
    for _ in range(1000):
        await fail(throttle, "a")
    assert throttle.delay("a") == LONGEST_DELAY_SECONDS
    time.now += MAX_FAILURES * FORGIVE_SECONDS
    assert throttle.is_calm("a")
    await succeed(throttle, "a")
    assert time.slept[-1] == LONGEST_DELAY_SECONDS  # of the last failure


async def test_a_client_that_polls_each_minute_with_an_old_password_stays_quick(
    throttle: Throttle, time: FakeTime
) -> None:
    for _ in range(100):
        await fail(throttle, "a")
        time.now += FORGIVE_SECONDS
    assert time.slept == []


async def test_other_addresses_are_not_slowed(throttle: Throttle, time: FakeTime) -> None:
    for _ in range(10):
        await fail(throttle, "a")
    time.take_slept()
    await succeed(throttle, "b")
    await fail(throttle, "b")
    assert time.slept == []
    assert throttle.is_calm("c")


async def test_without_failures_an_attempt_does_not_suspend(throttle: Throttle) -> None:
    attempt = succeed(throttle, "a")
    with pytest.raises(StopIteration):
        attempt.send(None)


async def test_attempts_of_one_address_take_turns(throttle: Throttle, time: FakeTime) -> None:
    inside = 0

    async def guess() -> None:
        nonlocal inside
        async with throttle.attempt("a"):
            inside += 1
            assert inside == 1
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(guess() for _ in range(8)))
    assert time.slept == [0.5, 1, 2, 4, 8, 15, 15]  # no faster than one after the other


async def test_an_attempt_counts_from_its_beginning(throttle: Throttle) -> None:
    async with throttle.attempt("a") as attempt:
        assert not throttle.is_calm("a")
        assert throttle.delay("a") == 0.5
        attempt.forgive()
    assert throttle.is_calm("a")


async def test_hanging_up_is_no_way_round(throttle: Throttle) -> None:
    begun = asyncio.Event()

    async def guess_and_hang_up() -> None:
        async with throttle.attempt("a"):
            begun.set()
            await asyncio.get_running_loop().create_future()

    guess = asyncio.create_task(guess_and_hang_up())
    await begun.wait()
    guess.cancel()
    with pytest.raises(asyncio.CancelledError):
        await guess
    assert throttle.delay("a") == 0.5


@pytest.mark.parametrize("looked", [True, False])
async def test_hanging_up_in_line_frees_the_place_and_counts_after_a_look(
    throttle: Throttle, time: FakeTime, looked: bool
) -> None:
    """A look that found nothing was an answer: to leave with it must not be free."""

    async def stand_in_line() -> None:
        async with throttle.attempt("a", looked=looked):
            raise AssertionError

    async with throttle.attempt("a") as first:
        second = asyncio.create_task(stand_in_line())
        await asyncio.sleep(0)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        first.forgive()
    assert throttle.delay("a") == (0.5 if looked else 0)
    assert time.slept == []
    await asyncio.wait_for(fail(throttle, "a"), 30)


async def test_nobody_stands_in_line_for_long(time: FakeTime) -> None:
    """The line gets shorter as the delay grows; whom there is no place for is told so."""
    throttle = Throttle(clock=time.clock, sleep=time.sleep)

    async def guess() -> bool:
        async with throttle.attempt("a") as attempt:
            return attempt.crowded_out

    assert sum(await asyncio.gather(*(guess() for _ in range(100)))) > 80
    for _ in range(10):
        await fail(throttle, "a")
    turn = asyncio.Event()

    async def hold() -> None:
        async with throttle.attempt("a"):
            await turn.wait()

    holder = asyncio.create_task(hold())
    await asyncio.sleep(0)
    behind = [asyncio.create_task(guess()) for _ in range(5)]
    await asyncio.sleep(0)
    turn.set()
    await holder
    admitted = [await task for task in behind].count(False)
    assert (1 + admitted) * LONGEST_DELAY_SECONDS == LONGEST_WAIT_SECONDS


async def test_right_attempts_that_come_together_have_all_a_place(
    throttle: Throttle, time: FakeTime
) -> None:
    """An office after a restart: everybody at once, none of them known yet."""
    await fail(throttle, "a")

    async def sign_in() -> None:
        async with throttle.attempt("a") as attempt:
            assert not attempt.crowded_out
            await asyncio.sleep(0)
            attempt.forgive()

    await asyncio.gather(*(sign_in() for _ in range(40)))
    assert set(time.slept) == {0.5}


# Looks


async def test_a_calm_address_may_look_without_end(throttle: Throttle) -> None:
    assert all(throttle.may_look("a") for _ in range(10 * LOOKS))
    assert len(throttle) == 0


async def test_looks_of_an_address_that_guesses_are_rationed(
    throttle: Throttle, time: FakeTime
) -> None:
    await fail(throttle, "a")
    assert [throttle.may_look("a") for _ in range(LOOKS + 2)] == [True] * LOOKS + [False] * 2
    assert throttle.may_look("b")
    time.now += 1.001 * LONGEST_DELAY_SECONDS / LOOKS
    assert [throttle.may_look("a"), throttle.may_look("a")] == [True, False]
    for _ in range(6):
        await fail(throttle, "a")
    time.now += LONGEST_DELAY_SECONDS
    assert sum(throttle.may_look("a") for _ in range(2 * LOOKS)) == LOOKS


async def test_a_look_that_finds_something_is_given_back(throttle: Throttle) -> None:
    await fail(throttle, "a")
    for _ in range(10 * LOOKS):
        assert throttle.may_look("a")
        throttle.found("a")
    throttle.found("nobody has failed here")


async def test_success_does_not_take_back_what_others_failed_meanwhile(throttle: Throttle) -> None:
    async with throttle.attempt("a") as own:
        guess = asyncio.create_task(fail(throttle, "a"))
        await asyncio.sleep(0)
        guess.cancel()
        with pytest.raises(asyncio.CancelledError):
            await guess
        own.forgive()
    assert throttle.delay("a") == 0.5


async def test_an_error_in_the_check_counts_as_a_failure_and_ends_the_turn(
    throttle: Throttle,
) -> None:
    async def break_off() -> None:
        async with throttle.attempt("a"):
            raise KeyError

    with pytest.raises(KeyError):
        await break_off()
    assert throttle.delay("a") == 0.5
    await asyncio.wait_for(fail(throttle, "a"), 30)


async def test_one_too_many_in_line_waits_as_long_and_is_not_checked(time: FakeTime) -> None:
    throttle = Throttle(waiting=2, clock=time.clock, sleep=time.sleep)
    for _ in range(4):
        await fail(throttle, "a")
    time.take_slept()
    async with throttle.attempt("a"):
        time.take_slept()
        second = asyncio.create_task(fail(throttle, "a"))
        await asyncio.sleep(0)
        async with throttle.attempt("a") as third:
            assert third.crowded_out
            assert time.take_slept() == [8]
        async with throttle.attempt("b") as other:
            assert not other.crowded_out
    await second


async def test_the_table_is_bounded_and_forgets_whoever_tried_longest_ago(time: FakeTime) -> None:
    throttle = Throttle(peers=3, clock=time.clock, sleep=time.sleep)
    for key in "abc":
        await fail(throttle, key)
    await fail(throttle, "a")
    await fail(throttle, "d")
    assert len(throttle) == 3
    assert throttle.is_calm("b")
    assert [throttle.delay(key) for key in "acd"] == [1, 0.5, 0.5]


async def test_whoever_is_in_line_is_not_forgotten(time: FakeTime) -> None:
    throttle = Throttle(peers=2, clock=time.clock, sleep=time.sleep)
    async with throttle.attempt("a"):
        for key in "bcde":
            await fail(throttle, key)
        assert throttle.delay("a") == 0.5
        assert len(throttle) == 2
    async with throttle.attempt("a"), throttle.attempt("b"), throttle.attempt("c"):
        assert len(throttle) == 3  # as many as are connected
    await fail(throttle, "d")
    assert len(throttle) == 2


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.booleans(), st.integers(0, 90))))
def test_delays_are_bounded_and_never_wrong_for_others(script: list[tuple[str, bool, int]]) -> None:
    async def run() -> None:
        time = FakeTime()
        throttle = Throttle(peers=4, clock=time.clock, sleep=time.sleep)
        guilty = set()
        for key, right, pause in script:
            await (succeed if right else fail)(throttle, key)
            guilty |= set() if right else {key}
            time.now += pause
            assert len(throttle) <= 4
            for other in "abcdef":
                assert 0 <= throttle.delay(other) <= LONGEST_DELAY_SECONDS
                assert throttle.is_calm(other) or other in guilty
        assert all(delay <= LONGEST_DELAY_SECONDS for delay in time.slept)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::"),
        ("2001:DB8:1:2::1", "2001:db8:1:2::1"),
        ("fe80::1%eth0", "fe80::2%eth0"),
    ],
)
def test_one_address_or_one_network(one: str, other: str) -> None:
    assert key_of(one, "alice") == key_of(other, "bob")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("192.0.2.7", "192.0.2.8"),
        ("2001:db8:1:2::1", "2001:db8:1:3::1"),
        ("192.0.2.7", "::c000:207"),
        ("nonsense", "192.0.2.7"),
    ],
)
def test_different_addresses(one: str, other: str) -> None:
    assert key_of(one, "alice") != key_of(other, "alice")


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "unix"])
def test_a_peer_on_this_machine_speaks_for_many_so_each_name_counts_apart(peer: str) -> None:
    assert key_of(peer, "alice") == key_of("unix", "alice")
    assert key_of(peer, "alice") != key_of(peer, "bob")
    assert key_of(peer, None) != key_of(peer, "alice")


@given(st.text(), st.none() | st.text())
def test_any_peer_has_a_short_key(peer: str, name: str) -> None:
    assert len(key_of(peer, name)) <= 70 + len(name or "")

"""The delays: growing, capped, forgiven, for one address and nobody else."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.app.shared_times import SharedTimes
from pillarbox.auth.address_throttle import (
    FORGIVE_SECONDS,
    LONGEST_DELAY_SECONDS,
    LONGEST_WAIT_SECONDS,
    LOOKS,
    MAX_FAILURES,
    AddressThrottle,
)
from tests.auth.faketime import FakeTime, FakeTimes


@pytest.fixture
def throttle(time: FakeTime) -> AddressThrottle:
    return AddressThrottle(clock=time.clock, sleep=time.sleep)


async def fail(throttle: AddressThrottle, key: str) -> None:
    async with throttle.attempt(key) as attempt:
        assert not attempt.crowded_out


async def succeed(throttle: AddressThrottle, key: str) -> None:
    async with throttle.attempt(key) as attempt:
        attempt.forgive()


async def test_the_first_failure_costs_nothing_and_the_next_ones_double(
    throttle: AddressThrottle, time: FakeTime
) -> None:
    for _ in range(9):
        await fail(throttle, "a")
    assert time.slept == [0.5, 1, 2, 4, 8, 15, 15, 15]


async def test_success_waits_as_long_as_failure(throttle: AddressThrottle, time: FakeTime) -> None:
    for _ in range(4):
        await fail(throttle, "a")
    time.take_slept()
    await succeed(throttle, "a")
    assert time.slept == [4]


async def test_success_neither_adds_to_the_delay_nor_wipes_it_out(
    throttle: AddressThrottle, time: FakeTime
) -> None:
    """Else whoever has an account of his own could guess at others' without a delay."""
    for _ in range(3):
        await fail(throttle, "a")
    for _ in range(3):
        await succeed(throttle, "a")
    assert time.slept == [0.5, 1, 2, 2, 2]


async def test_success_leaves_nothing_behind(throttle: AddressThrottle) -> None:
    await succeed(throttle, "a")
    assert len(throttle) == 0
    assert throttle.is_calm("a")


async def test_one_failure_is_forgiven_each_minute(
    throttle: AddressThrottle, time: FakeTime
) -> None:
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
    throttle: AddressThrottle, time: FakeTime
) -> None:
    for _ in range(1000):
        await fail(throttle, "a")
    assert throttle.delay("a") == LONGEST_DELAY_SECONDS
    time.now += MAX_FAILURES * FORGIVE_SECONDS
    assert throttle.is_calm("a")
    await succeed(throttle, "a")
    assert time.slept[-1] == LONGEST_DELAY_SECONDS  # of the last failure


async def test_a_client_that_polls_each_minute_with_an_old_password_stays_quick(
    throttle: AddressThrottle, time: FakeTime
) -> None:
    for _ in range(100):
        await fail(throttle, "a")
        time.now += FORGIVE_SECONDS
    assert time.slept == []


async def test_other_addresses_are_not_slowed(throttle: AddressThrottle, time: FakeTime) -> None:
    for _ in range(10):
        await fail(throttle, "a")
    time.take_slept()
    await succeed(throttle, "b")
    await fail(throttle, "b")
    assert time.slept == []
    assert throttle.is_calm("c")


async def test_without_failures_an_attempt_does_not_suspend(throttle: AddressThrottle) -> None:
    attempt = succeed(throttle, "a")
    with pytest.raises(StopIteration):
        attempt.send(None)


async def test_attempts_of_one_address_take_turns(
    throttle: AddressThrottle, time: FakeTime
) -> None:
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


async def test_an_attempt_counts_from_its_beginning(throttle: AddressThrottle) -> None:
    async with throttle.attempt("a") as attempt:
        assert not throttle.is_calm("a")
        assert throttle.delay("a") == 0.5
        attempt.forgive()
    assert throttle.is_calm("a")


async def test_hanging_up_is_no_way_round(throttle: AddressThrottle) -> None:
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
    throttle: AddressThrottle, time: FakeTime, looked: bool
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
    await fail(throttle, "a")


async def test_nobody_stands_in_line_for_long(time: FakeTime) -> None:
    """The line gets shorter as the delay grows; whom there is no place for is told so."""
    throttle = AddressThrottle(clock=time.clock, sleep=time.sleep)

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
    throttle: AddressThrottle, time: FakeTime
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


async def test_a_calm_address_may_look_without_end(throttle: AddressThrottle) -> None:
    assert all(throttle.may_look("a") for _ in range(10 * LOOKS))
    assert len(throttle) == 0


async def test_looks_of_an_address_that_guesses_are_rationed(
    throttle: AddressThrottle, time: FakeTime
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


async def test_a_look_that_finds_something_is_given_back(throttle: AddressThrottle) -> None:
    await fail(throttle, "a")
    for _ in range(10 * LOOKS):
        assert throttle.may_look("a")
        throttle.found("a")
    throttle.found("nobody has failed here")


async def test_success_does_not_take_back_what_others_failed_meanwhile(
    throttle: AddressThrottle,
) -> None:
    async with throttle.attempt("a") as own:
        guess = asyncio.create_task(fail(throttle, "a"))
        await asyncio.sleep(0)
        guess.cancel()
        with pytest.raises(asyncio.CancelledError):
            await guess
        own.forgive()
    assert throttle.delay("a") == 0.5


async def test_an_error_in_the_check_counts_as_a_failure_and_ends_the_turn(
    throttle: AddressThrottle,
) -> None:
    async def break_off() -> None:
        async with throttle.attempt("a"):
            raise KeyError

    with pytest.raises(KeyError):
        await break_off()
    assert throttle.delay("a") == 0.5
    await fail(throttle, "a")


async def test_one_too_many_in_line_waits_as_long_and_is_not_checked(time: FakeTime) -> None:
    throttle = AddressThrottle(waiting=2, clock=time.clock, sleep=time.sleep)
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
    throttle = AddressThrottle(peers=3, clock=time.clock, sleep=time.sleep)
    for key in "abc":
        await fail(throttle, key)
    await fail(throttle, "a")
    await fail(throttle, "d")
    assert len(throttle) == 3
    assert throttle.is_calm("b")
    assert [throttle.delay(key) for key in "acd"] == [1, 0.5, 0.5]


async def test_whoever_is_in_line_is_not_forgotten(time: FakeTime) -> None:
    throttle = AddressThrottle(peers=2, clock=time.clock, sleep=time.sleep)
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
        throttle = AddressThrottle(peers=4, clock=time.clock, sleep=time.sleep)
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


# Several processes


class Clockwork:
    """Sleepers are woken in the order of their times, and no time passes but by that."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.now + seconds, woken))
        await woken

    async def run_until(self, end: float) -> None:
        while True:
            for _ in range(50):
                await asyncio.sleep(0)
            self._sleepers.sort(key=lambda sleeper: sleeper[0])
            if not self._sleepers or self._sleepers[0][0] > end:
                return
            self.now, woken = self._sleepers.pop(0)
            if not woken.done():
                woken.set_result(None)


@pytest.mark.parametrize("workers", [1, 2, 5])
async def test_to_spread_guesses_over_all_workers_makes_nobody_faster(workers: int) -> None:
    """A quarter of an hour, ten connections to each worker, no pause: four guesses a minute."""
    time, turns = Clockwork(), FakeTimes()
    throttles = [
        AddressThrottle(shared=turns, clock=time.clock, sleep=time.sleep) for _ in range(workers)
    ]
    checked = 0

    async def guess_on(throttle: AddressThrottle) -> None:
        nonlocal checked
        while True:
            async with throttle.attempt("a") as attempt:
                checked += not attempt.crowded_out

    tasks = [asyncio.create_task(guess_on(throttle)) for throttle in throttles for _ in range(10)]
    await time.run_until(1000 + 300)
    checked = 0
    await time.run_until(1000 + 300 + 900)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert 50 <= checked <= 4 * 15


async def test_nobody_waits_longer_for_the_turns_of_all_workers() -> None:
    time, turns = Clockwork(), FakeTimes()
    throttles = [
        AddressThrottle(shared=turns, clock=time.clock, sleep=time.sleep) for _ in range(8)
    ]
    longest = 0.0

    async def guess_on(throttle: AddressThrottle) -> None:
        nonlocal longest
        while True:
            began = time.now
            async with throttle.attempt("a"):
                longest = max(longest, time.now - began)

    tasks = [asyncio.create_task(guess_on(throttle)) for throttle in throttles for _ in range(5)]
    await time.run_until(1000 + 600)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert LONGEST_DELAY_SECONDS < longest <= LONGEST_WAIT_SECONDS + LONGEST_DELAY_SECONDS


async def test_an_address_that_nobody_noted_waits_for_nothing_of_others(time: FakeTime) -> None:
    turns = FakeTimes()
    one = AddressThrottle(shared=turns, clock=time.clock, sleep=time.sleep)
    other = AddressThrottle(shared=turns, clock=time.clock, sleep=time.sleep)
    for _ in range(9):
        await fail(one, "a")
    time.take_slept()
    await succeed(other, "b")
    assert time.slept == []


async def test_failures_count_in_all_workers(time: FakeTime) -> None:
    shared = FakeTimes()
    one = AddressThrottle(shared=shared, clock=time.clock, sleep=time.sleep)
    other = AddressThrottle(shared=shared, clock=time.clock, sleep=time.sleep)
    for _ in range(3):
        await fail(one, "a")
        await fail(other, "a")
    assert time.slept == [0.5, 1, 2, 4, 8]
    await succeed(other, "a")
    assert one.delay("a") == other.delay("a") == 15
    time.now += MAX_FAILURES * FORGIVE_SECONDS
    assert one.is_calm("a")
    assert other.is_calm("a")


@pytest.mark.parametrize("now", [0.1, 1000.1, 123456.7894, 10**7 + 1 / 3])
async def test_one_failure_is_one_in_all_workers_whatever_the_clock_says(now: float) -> None:
    time = FakeTime()
    time.now = now
    shared = SharedTimes(16)
    one = AddressThrottle(shared=shared, clock=time.clock, sleep=time.sleep)
    other = AddressThrottle(shared=shared, clock=time.clock, sleep=time.sleep)
    await fail(one, "a")
    await succeed(other, "a")
    assert time.slept == [0.5]
    assert one.delay("a") == 0.5

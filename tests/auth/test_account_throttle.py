"""Many networks at one account: slowed together, and no single one can slow the owner."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from pillarbox.auth.account_throttle import (
    COUNTS_SECONDS,
    FREE_NETWORKS,
    LONGEST_DELAY_SECONDS,
    PLACES,
    SUSPECT_PLACES,
    AccountThrottle,
)
from pillarbox.auth.address_throttle import LONGEST_WAIT_SECONDS, LOOKS
from pillarbox.auth.attempt import Attempt
from tests.auth.faketime import FakeTime


@pytest.fixture
def throttle(time: FakeTime) -> AccountThrottle:
    return AccountThrottle(clock=time.clock, sleep=time.sleep)


@asynccontextmanager
async def attempt(
    throttle: AccountThrottle, network: str, *, user: str = "alice", calm: bool = True
) -> AsyncIterator[Attempt]:
    one = Attempt()
    async with throttle.stage(user, network, one, calm=calm):
        yield one


async def fail(throttle: AccountThrottle, network: str, user: str = "alice") -> bool:
    """Whether it was crowded out."""
    async with attempt(throttle, network, user=user) as one:
        return one.crowded_out


async def besiege(throttle: AccountThrottle, networks: int, user: str = "alice") -> None:
    for number in range(networks):
        await fail(throttle, f"bot {number}", user)


async def test_the_first_networks_cost_nothing_and_the_next_ones_double(
    throttle: AccountThrottle, time: FakeTime
) -> None:
    await besiege(throttle, 12)
    assert time.slept == [0.5, 1, 2, 4, 8, 10, 10, 10]


async def test_one_network_alone_slows_nobody(throttle: AccountThrottle, time: FakeTime) -> None:
    """Else anybody could slow down the owner; what it does is slowed as an address."""
    for _ in range(1000):
        await fail(throttle, "a")
    assert throttle.delay("alice", "owner's new phone") == 0
    assert not throttle.is_besieged("alice")
    assert time.slept == []


async def test_other_accounts_are_not_slowed(throttle: AccountThrottle) -> None:
    await besiege(throttle, 20)
    assert throttle.delay("bob", "bot 1") == 0
    assert not throttle.is_besieged("bob")


async def test_success_waits_as_long_and_leaves_nothing_behind(
    throttle: AccountThrottle, time: FakeTime
) -> None:
    await besiege(throttle, FREE_NETWORKS + 2)
    time.take_slept()
    for network in "abcdef":
        async with attempt(throttle, network) as one:
            one.forgive()
    assert time.slept == [1] * 6
    async with attempt(throttle, "a", user="bob") as one:
        one.forgive()
    assert len(throttle) == 1


async def test_success_does_not_forgive_what_its_network_failed_before(
    throttle: AccountThrottle,
) -> None:
    await besiege(throttle, FREE_NETWORKS + 1)
    async with attempt(throttle, "bot 0") as one:
        one.forgive()
    assert throttle.delay("alice", "a") == 0.5


async def test_what_the_account_has_heard_before_is_no_guess(throttle: AccountThrottle) -> None:
    """A phone with the old password on a train: another network at each poll."""
    for number in range(50):
        async with attempt(throttle, f"cell {number}") as one:
            one.repeated = True
    assert not throttle.is_besieged("alice")


async def test_a_network_counts_for_ten_minutes(throttle: AccountThrottle, time: FakeTime) -> None:
    await besiege(throttle, FREE_NETWORKS + 2)
    time.now += COUNTS_SECONDS - 1.6  # the last two have waited half a second
    await fail(throttle, "bot 0")
    assert throttle.delay("alice", "a") == 1
    time.now += COUNTS_SECONDS - 1.6
    assert throttle.delay("alice", "a") == 0
    assert not throttle.is_besieged("alice")
    time.now += 3
    await fail(throttle, "b")
    time.now += COUNTS_SECONDS
    async with attempt(throttle, "c") as one:
        one.forgive()
    assert len(throttle) == 0


async def test_a_thousand_that_come_at_once_do_not_all_come_free(time: FakeTime) -> None:
    """Each counts from its beginning; and beyond the places nobody is checked."""
    delays: list[float] = []
    go = asyncio.Event()

    async def sleep(seconds: float) -> None:
        delays.append(seconds)
        await go.wait()

    throttle = AccountThrottle(clock=time.clock, sleep=sleep)
    checked = 0

    async def guess(network: str) -> None:
        nonlocal checked
        async with attempt(throttle, network) as one:
            checked += not one.crowded_out
            await go.wait()

    guesses = [asyncio.create_task(guess(f"bot {number}")) for number in range(1000)]
    await asyncio.sleep(0)
    assert checked == FREE_NETWORKS + 1
    go.set()
    await asyncio.gather(*guesses)
    assert checked == PLACES
    assert delays[: PLACES - FREE_NETWORKS - 1] == [0.5, 1, 2, 4, 8, 10]
    assert set(delays[PLACES - FREE_NETWORKS - 1 :]) == {LONGEST_DELAY_SECONDS}


async def test_addresses_that_have_failed_cannot_fill_the_places(
    throttle: AccountThrottle,
) -> None:
    go = asyncio.Event()

    async def stay(network: str, *, calm: bool) -> bool:
        async with attempt(throttle, network, calm=calm) as one:
            await go.wait()
            return one.crowded_out

    bots = [asyncio.create_task(stay(f"bot {n}", calm=False)) for n in range(100)]
    await asyncio.sleep(0)
    owner = asyncio.create_task(stay("hotel", calm=True))
    await asyncio.sleep(0)
    go.set()
    assert not await owner
    assert (await asyncio.gather(*bots)).count(False) == SUSPECT_PLACES


async def test_crowded_out_counts_nothing_and_gives_the_place_back(
    throttle: AccountThrottle,
) -> None:
    go = asyncio.Event()

    async def stay(network: str) -> bool:
        async with attempt(throttle, network) as one:
            await go.wait()
            one.forgive()
            return one.crowded_out

    staying = [asyncio.create_task(stay(f"n {n}")) for n in range(PLACES + 5)]
    await asyncio.sleep(0)
    go.set()
    assert (await asyncio.gather(*staying)).count(True) == 5
    assert len(throttle) == 0
    assert not await fail(throttle, "a")


async def test_hanging_up_while_waiting_counts(throttle: AccountThrottle, time: FakeTime) -> None:
    async def stand_still(_: float) -> None:
        await asyncio.get_running_loop().create_future()

    await besiege(throttle, FREE_NETWORKS + 1)
    patient = AccountThrottle(clock=time.clock, sleep=stand_still)
    await besiege(patient, FREE_NETWORKS + 1)
    guess = asyncio.create_task(fail(patient, "a"))
    await asyncio.sleep(0)
    guess.cancel()
    with pytest.raises(asyncio.CancelledError):
        await guess
    assert patient.delay("alice", "b") == 1


async def test_all_waits_together_end_before_a_client_gives_up() -> None:
    assert LONGEST_WAIT_SECONDS + LONGEST_DELAY_SECONDS < 60


async def test_looks_at_one_account_are_one_ration(
    throttle: AccountThrottle, time: FakeTime
) -> None:
    assert throttle.may_look("alice")
    assert len(throttle) == 0
    await besiege(throttle, 1)
    assert [throttle.may_look("alice") for _ in range(LOOKS + 1)] == [True] * LOOKS + [False]
    throttle.found("alice")
    throttle.found("bob")
    assert [throttle.may_look("alice") for _ in range(2)] == [True, False]
    assert throttle.may_look("bob")
    time.now += 1
    assert throttle.may_look("alice")


async def test_a_siege_is_reported_once(throttle: AccountThrottle, time: FakeTime) -> None:
    with capture_logs() as lines:
        await besiege(throttle, 30)
        time.now += COUNTS_SECONDS
        await fail(throttle, "a")
        await besiege(throttle, 30)
    assert [line["event"] for line in lines] == ["sign-ins slowed for an account"] * 2
    assert {line["name"] for line in lines} == {"alice"}


async def test_the_table_is_bounded_and_forgets_who_was_tried_longest_ago(time: FakeTime) -> None:
    throttle = AccountThrottle(accounts=3, clock=time.clock, sleep=time.sleep)
    for user in ("alice", "bob", "carol"):
        await besiege(throttle, FREE_NETWORKS + 1, user)
    async with attempt(throttle, "a", user="alice"):
        await fail(throttle, "a", "dora")
        await fail(throttle, "a", "erik")
        assert len(throttle) == 3
    assert throttle.is_besieged("alice")
    assert not throttle.is_besieged("bob")
    async with (
        attempt(throttle, "a", user="u"),
        attempt(throttle, "a", user="v"),
        attempt(throttle, "a", user="w"),
        attempt(throttle, "a", user="x"),
    ):
        assert len(throttle) == 4  # as many as are being tried


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(0, 14), st.booleans(), st.integers(0, 200))
    )
)
def test_the_delay_is_what_the_failures_of_other_networks_say(
    script: list[tuple[str, int, bool, int]],
) -> None:
    """Against a model: the times of the last failures, all of them."""

    async def run() -> None:
        time = FakeTime()
        throttle = AccountThrottle(clock=time.clock, sleep=time.sleep)
        model: dict[tuple[str, str], float] = {}
        for user, number, right, pause in script:
            network = f"n {number}"
            others = sum(
                1
                for (name, other), at in model.items()
                if name == user and other != network and at > time.now - COUNTS_SECONDS
            )
            expected = 0.0 if others <= 3 else min(0.5 * 2.0 ** (others - 4), 10.0)
            assert throttle.delay(user, network) == expected
            at = time.now
            async with attempt(throttle, network, user=user) as one:
                if right:
                    one.forgive()
            if not right:
                model[user, network] = at
            time.now += pause

    asyncio.run(run())

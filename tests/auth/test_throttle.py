"""All throttling together: guesses are slowed, whoever makes them; the owner is not kept out."""

import asyncio
from collections import Counter
from contextlib import suppress

import pytest

from pillarbox.auth.account_throttle import FREE_NETWORKS, PLACES, SUSPECT_PLACES
from pillarbox.auth.address_throttle import LOOKS
from pillarbox.auth.applicant import Applicant, Rank
from pillarbox.auth.throttle import Throttle
from pillarbox.contracts.errors import CredentialsRefused
from pillarbox.contracts.meter import NullMeter
from tests.auth.faketime import FakeTime

HOME = "192.0.2.7"
HOTEL = "198.51.100.9"


class Delays(NullMeter):
    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def sign_in_delayed(self, by: str) -> None:
        self.counts[by] += 1


@pytest.fixture
def meter() -> Delays:
    return Delays()


@pytest.fixture
def throttle(time: FakeTime, meter: Delays) -> Throttle:
    return Throttle(meter=meter, clock=time.clock, sleep=time.sleep)


def bot(number: int) -> str:
    return f"203.0.113.{number}"


async def refused(
    throttle: Throttle, peer: str, user: str | None = "alice", secret: bytes | None = None
) -> bool:
    """Whether the claim was checked."""
    checked = False
    with suppress(CredentialsRefused):
        async with throttle.attempt(Applicant(peer, user, secret)) as attempt:
            checked = not attempt.crowded_out
            raise CredentialsRefused
    return checked


async def sign_in(throttle: Throttle, peer: str, user: str = "alice") -> None:
    who = Applicant(peer, user)
    async with throttle.attempt(who) as attempt:
        assert not attempt.crowded_out
        attempt.forgive()
    throttle.signed_in(who, user)


async def besiege(throttle: Throttle, time: FakeTime) -> None:
    """Thirty addresses have guessed at alice's password, and all of them somewhere just now."""
    for number in range(30):
        await refused(throttle, bot(number))
    for number in range(30):
        await refused(throttle, bot(number), f"user{number}")
    time.take_slept()


# By account


def household(number: int) -> str:
    """An address in one of the 256 networks of 64 bits that one customer has (RFC 6177)."""
    return f"2001:db8:7:4{number:02x}::1"


async def test_one_customers_networks_of_ipv6_do_not_besiege_an_account(
    throttle: Throttle, time: FakeTime
) -> None:
    """Anybody with a /56 could slow down any owner, and shut out who comes to a new place."""
    for number in range(30):
        await refused(throttle, household(number))
    assert time.take_slept() == [0.5, 1, 2, 4, 8, *[10] * 21]  # all the same slowed themselves
    assert await refused(throttle, HOTEL)
    assert time.take_slept() == []
    assert not throttle.accounts.is_besieged("alice", HOTEL)


async def test_one_customers_networks_of_ipv6_hide_no_botnet(
    throttle: Throttle, time: FakeTime
) -> None:
    for number in range(FREE_NETWORKS + 1):
        await refused(throttle, bot(number))
    for number in range(30):
        await refused(throttle, household(number))
    time.take_slept()
    await refused(throttle, HOTEL)
    assert time.take_slept() != []


async def test_one_customers_networks_of_ipv6_do_not_fill_the_places(time: FakeTime) -> None:
    gate = asyncio.Event()
    throttle = Throttle(clock=time.clock, sleep=time.sleep)

    async def guess(peer: str) -> bool:
        async with throttle.attempt(Applicant(peer, "alice")) as attempt:
            if not attempt.crowded_out:
                await gate.wait()
            attempt.forgive()
            return not attempt.crowded_out

    guesses = [asyncio.ensure_future(guess(household(number))) for number in range(2 * PLACES)]
    for _ in range(10):  # all that have a place stand at the gate
        await asyncio.sleep(0)
    owner = asyncio.ensure_future(guess(HOTEL))
    gate.set()
    assert await owner
    assert sum(await asyncio.gather(*guesses)) == SUSPECT_PLACES


async def test_a_botnet_is_slowed_though_each_address_guesses_once(
    throttle: Throttle, time: FakeTime, meter: Delays
) -> None:
    for number in range(12):
        await refused(throttle, bot(number))
    assert time.slept == [0.5, 1, 2, 4, 8, 10, 10, 10]
    assert meter.counts == {"account": 8}


async def test_names_that_do_not_exist_are_slowed_like_those_that_do(
    throttle: Throttle, time: FakeTime
) -> None:
    """The throttle is not even told which is which."""
    for number in range(12):
        await refused(throttle, bot(number), "nobody")
    assert time.slept == [0.5, 1, 2, 4, 8, 10, 10, 10]


async def test_a_familiar_network_waits_for_nothing_of_a_siege(
    throttle: Throttle, time: FakeTime
) -> None:
    await sign_in(throttle, HOME)
    await sign_in(throttle, "2001:db8:1:2::1")
    await besiege(throttle, time)
    await sign_in(throttle, HOME)
    await sign_in(throttle, "2001:db8:1:2:ffff::9")  # the same /64
    assert time.slept == []
    await sign_in(throttle, "2001:db8:1:3::1")
    assert time.slept == [10]


async def test_failures_from_a_familiar_network_do_not_count_against_the_account(
    throttle: Throttle, time: FakeTime
) -> None:
    for number in range(10):
        await sign_in(throttle, bot(number))
        await refused(throttle, bot(number))
    assert not throttle.accounts.is_besieged("alice")


async def test_a_familiar_network_that_guesses_is_slowed_as_an_address(
    throttle: Throttle, time: FakeTime, meter: Delays
) -> None:
    await sign_in(throttle, HOME)
    for _ in range(4):
        await refused(throttle, HOME)
    assert time.slept == [0.5, 1, 2]
    assert meter.counts == {"address": 3}


async def test_a_network_is_familiar_to_the_account_only_that_signed_in_there(
    throttle: Throttle, time: FakeTime
) -> None:
    await sign_in(throttle, HOME, "bob")
    await refused(throttle, HOTEL)
    await besiege(throttle, time)
    await sign_in(throttle, HOME, "alice")
    assert time.slept == [10]


async def test_a_stranger_is_not_locked_out_while_the_bots_keep_guessing(time: FakeTime) -> None:
    """Bots that have failed fill no more than their places: a new phone finds one."""
    release = asyncio.Event()

    async def sleep(seconds: float) -> None:
        time.now += seconds / 1000
        await release.wait()

    throttle = Throttle(clock=time.clock, sleep=time.sleep)
    await besiege(throttle, time)
    throttle.accounts._sleep = sleep
    bots = [asyncio.create_task(refused(throttle, bot(number))) for number in range(30)]
    for _ in range(5):
        await asyncio.sleep(0)
    owner = asyncio.create_task(sign_in(throttle, HOTEL))
    await asyncio.sleep(0)
    release.set()
    await owner
    assert (await asyncio.gather(*bots)).count(True) < PLACES


async def test_the_network_that_the_user_of_a_token_comes_from_becomes_familiar(
    throttle: Throttle, time: FakeTime
) -> None:
    """Who the user is, is known only afterwards."""
    who = Applicant(HOME, None, b"token")
    async with throttle.attempt(who) as attempt:
        attempt.forgive()
    throttle.signed_in(who, "alice")
    await besiege(throttle, time)
    await sign_in(throttle, HOME)
    assert time.slept == []


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "unix"])
async def test_peers_on_this_machine_count_by_name_and_not_again_by_account(
    throttle: Throttle, time: FakeTime, meter: Delays, peer: str
) -> None:
    await besiege(throttle, time)
    meter.counts.clear()
    await refused(throttle, peer)
    await refused(throttle, peer)
    assert time.slept == [0.5]
    assert meter.counts == {"address": 1}
    await sign_in(throttle, peer, "bob")
    assert len(throttle.familiar) == 0


# Looks


async def test_at_a_besieged_account_suspect_addresses_share_a_ration_of_looks(
    throttle: Throttle, time: FakeTime
) -> None:
    await sign_in(throttle, HOME)
    await besiege(throttle, time)
    await refused(throttle, HOME, "bob")  # not calm, but familiar to alice
    looks = sum(
        throttle.may_look(Applicant(bot(number % 30), "alice")) for number in range(30 * LOOKS)
    )
    assert looks == LOOKS
    assert throttle.may_look(Applicant(HOTEL, "alice"))  # calm
    assert throttle.may_look(Applicant(HOME, "alice"))
    time.now += 15  # each address has its own looks back
    assert throttle.may_look(Applicant(bot(1), "bob"))


async def test_looks_that_find_something_are_given_back_and_no_others(
    throttle: Throttle, time: FakeTime
) -> None:
    await besiege(throttle, time)
    for _ in range(3 * LOOKS):
        who = Applicant(bot(1), "alice")
        assert throttle.may_look(who)
        throttle.found(who)
    for number in range(2 * LOOKS):
        throttle.may_look(Applicant(bot(number % 30), "alice"))
    throttle.found(Applicant(HOTEL, "alice"))  # was calm, and took none
    assert not throttle.may_look(Applicant(bot(2), "alice"))


async def test_a_late_look_is_for_who_was_crowded_out_without_one(time: FakeTime) -> None:
    throttle = Throttle(waiting=1, clock=time.clock, sleep=time.sleep)
    async with throttle.attempt(Applicant(HOME, "alice")) as first:
        assert not first.late_look
        for looked in (True, False):
            async with throttle.attempt(Applicant(HOME, "alice"), looked=looked) as late:
                assert late.crowded_out
                assert late.late_look is not looked


# Repeats


async def test_a_forgotten_phone_counts_once_and_does_not_slow_its_neighbours(
    throttle: Throttle, time: FakeTime
) -> None:
    for _ in range(20):
        await refused(throttle, HOME, "alice", b"old")
        time.now += 20
    await refused(throttle, HOME, "bob", b"also old")
    for _ in range(100):
        time.now += 30
        for user in ("alice", "bob"):
            await refused(throttle, HOME, user, b"old" if user == "alice" else b"also old")
    time.take_slept()
    await sign_in(throttle, HOME, "carol")
    assert time.slept == []


async def test_a_client_that_tries_all_mechanisms_at_once_counts_once(
    throttle: Throttle, time: FakeTime
) -> None:
    for _ in range(4):
        await refused(throttle, HOME, "alice", b"old")
    assert throttle.addresses.delay(HOME) == 0.5


async def test_different_passwords_are_guesses(throttle: Throttle) -> None:
    for number in range(3):
        await refused(throttle, HOME, "alice", b"guess %d" % number)
    assert throttle.addresses.delay(HOME) == 2


async def test_one_password_at_many_names_is_a_guess_each(throttle: Throttle) -> None:
    for number in range(3):
        await refused(throttle, HOME, f"user{number}", b"123456")
    assert throttle.addresses.delay(HOME) == 2


async def test_claims_that_never_are_the_same_are_guesses(throttle: Throttle) -> None:
    """APOP and SCRAM: nobody can tell whether it is the same password."""
    for _ in range(3):
        await refused(throttle, HOME, "alice", None)
    assert throttle.addresses.delay(HOME) == 2


async def test_a_phone_on_the_road_does_not_besiege_its_owner(throttle: Throttle) -> None:
    for number in range(40):
        await refused(throttle, bot(number), "alice", b"old")
    assert not throttle.accounts.is_besieged("alice")
    assert throttle.addresses.delay(bot(39)) == 0.5  # the address is new to it


async def test_repeats_beyond_the_ration_count(throttle: Throttle, time: FakeTime) -> None:
    for _ in range(60):
        await refused(throttle, HOME, "alice", b"old")
    assert throttle.addresses.delay(HOME) > 0.5


async def test_what_could_not_be_checked_is_no_repeat_and_makes_nothing_familiar(
    throttle: Throttle, time: FakeTime
) -> None:
    async with throttle.attempt(Applicant(HOME, "alice", b"right")) as attempt:
        attempt.forgive()  # and not signed in: the accounts cannot be asked
    assert len(throttle.repeats) == 0
    await besiege(throttle, time)
    await sign_in(throttle, HOME)
    assert time.slept == [10]


# Ranks


async def test_who_is_familiar_and_calm_comes_first_and_who_is_neither_last(
    throttle: Throttle, time: FakeTime
) -> None:
    async def rank(peer: str, user: str = "alice") -> Rank:
        who = Applicant(peer, user)
        assert who.rank is Rank.KNOWN  # for the hash of a look that knows the password
        async with throttle.attempt(who) as attempt:
            attempt.forgive()
        return who.rank

    await sign_in(throttle, HOME)
    assert await rank(HOME) is Rank.KNOWN
    assert await rank(HOTEL) is Rank.CALM
    await refused(throttle, HOME)
    await refused(throttle, HOTEL)
    assert await rank(HOME) is Rank.CALM
    assert await rank(HOTEL) is Rank.SUSPECT
    assert await rank(HOTEL, "bob") is Rank.SUSPECT


async def test_all_tables_are_bounded(throttle: Throttle, time: FakeTime) -> None:
    for number in range(FREE_NETWORKS * 4):
        await refused(throttle, bot(number), f"user{number}", b"%d" % number)
    time.now += 3600
    for number in range(FREE_NETWORKS * 4):
        await sign_in(throttle, bot(number), f"user{number}")
    assert len(throttle.addresses) == len(throttle.accounts) == 0

"""Storms of wrong passwords, and somebody who only wants their mail: what they wait behind.

Nothing is said of seconds: hashes are counted, in the order in which they were begun.
"""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from pillarbox.auth.accounts import Accounts
from pillarbox.auth.authenticator import LocalAuthenticator
from pillarbox.auth.throttle import Throttle
from pillarbox.contracts.errors import AuthError, CredentialsRefused, TooManyAttempts
from pillarbox.model import Identity
from pillarbox.sasl.claims import PasswordClaim
from tests.auth.conftest import CountingPasswords
from tests.auth.faketime import FakeTime

STORM = "203.0.113.66"
OWNER = "198.51.100.9"


class Recorder(CountingPasswords):
    """Notes which secrets were hashed, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.hashed: list[bytes] = []
        self._noting = threading.Lock()

    def proves(self, verifier: str, secret: bytes) -> bool:
        with self._noting:
            self.hashed.append(secret)
        return super().proves(verifier, secret)

    def before(self, secret: bytes) -> int:
        return self.hashed.index(secret)


@pytest.fixture
def passwords() -> Recorder:
    return Recorder()


@pytest.fixture
async def door(accounts: Accounts, throttle: Throttle) -> AsyncIterator[LocalAuthenticator]:
    accounts.add("alice", "secret")
    door = LocalAuthenticator(accounts, throttle=throttle, parallel_hashes=1)
    yield door
    door.close()


def bot(number: int) -> str:
    return f"203.0.{number // 200}.{number % 200}"


async def wrong(door: LocalAuthenticator, user: str, password: str, peer: str) -> None:
    with pytest.raises(CredentialsRefused):
        await door.check(PasswordClaim(user, password), peer)


async def in_line(door: LocalAuthenticator, hashes: int) -> None:
    while len(door._hashes) < hashes:  # noqa: ASYNC110 - the threads stand still
        await asyncio.sleep(0)


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("users", [1, 1000])
async def test_a_storm_from_one_address_has_one_hash_before_anybody_else(
    door: LocalAuthenticator, passwords: Recorder, time: FakeTime, *, known: bool, users: int
) -> None:
    """Issue 4: it leaves the login of a well-behaved client unchanged."""
    if known:
        await door.check(PasswordClaim("alice", "secret"), OWNER)
    passwords.hashed.clear()
    passwords.gate.clear()
    storm = [
        asyncio.create_task(door.check(PasswordClaim(f"user{n % users}", f"guess {n}"), STORM))
        for n in range(1000)
    ]
    await in_line(door, 1)
    owner = asyncio.create_task(door.check(PasswordClaim("alice", "secret"), OWNER))
    if known:
        await owner  # while the only thread is taken
    else:
        await in_line(door, 2)
    passwords.gate.set()
    assert await owner == Identity("alice")
    if not known:
        assert passwords.before(b"secret") == 1
    outcomes = await asyncio.gather(*storm, return_exceptions=True)
    assert all(isinstance(outcome, AuthError) for outcome in outcomes)


async def test_a_storm_from_a_thousand_addresses_has_one_hash_before_a_new_phone(
    accounts: Accounts, passwords: Recorder, time: FakeTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They have failed before; the phone has not."""
    monkeypatch.setattr(time, "sleep", lambda _: asyncio.sleep(0))  # all wait at once
    door = LocalAuthenticator(
        accounts, throttle=Throttle(clock=time.clock, sleep=time.sleep), parallel_hashes=1
    )
    accounts.add("alice", "secret")
    for number in range(1000):
        await wrong(door, f"user{number}", "x", bot(number))
    passwords.hashed.clear()
    passwords.gate.clear()
    storm = [asyncio.create_task(wrong(door, f"name{n}", f"guess {n}", bot(n))) for n in range(900)]
    await in_line(door, 900)
    phone = asyncio.create_task(door.check(PasswordClaim("alice", "secret"), OWNER))
    await in_line(door, 901)
    passwords.gate.set()
    await asyncio.gather(phone, *storm)
    assert passwords.before(b"secret") == 1
    door.close()


async def test_a_thousand_names_behind_a_webmail_have_two_hashes_before_a_new_phone(
    door: LocalAuthenticator, passwords: Recorder
) -> None:
    passwords.gate.clear()
    storm = [
        asyncio.create_task(wrong(door, f"user{n}", f"guess {n}", "127.0.0.1")) for n in range(900)
    ]
    await in_line(door, 900)
    phone = asyncio.create_task(door.check(PasswordClaim("alice", "secret"), OWNER))
    await in_line(door, 901)
    passwords.gate.set()
    await asyncio.gather(phone, *storm)
    assert passwords.before(b"secret") <= 2


async def test_a_botnet_at_one_account_keeps_its_owner_out_of_nowhere(
    door: LocalAuthenticator, accounts: Accounts, passwords: Recorder, time: FakeTime
) -> None:
    await door.check(PasswordClaim("alice", "secret"), OWNER)
    accounts.add("bob", "secret")
    for number in range(200):
        await wrong(door, "alice", f"guess {number}", bot(number))
    time.take_slept()
    assert await door.check(PasswordClaim("alice", "secret"), OWNER) == Identity("alice")
    assert await door.check(PasswordClaim("alice", "secret"), "192.0.2.1") == Identity("alice")
    assert await door.check(PasswordClaim("bob", "secret"), "192.0.2.1") == Identity("bob")
    assert time.take_slept() == []
    accounts.set_password("alice", "another")  # nobody knows that one yet
    assert await door.check(PasswordClaim("alice", "another"), OWNER) == Identity("alice")
    assert time.take_slept() == []


async def test_a_new_phone_in_a_new_place_waits_ten_seconds_in_the_middle_of_a_botnet(
    door: LocalAuthenticator, passwords: Recorder, time: FakeTime
) -> None:
    for number in range(200):
        await wrong(door, "alice", f"guess {number}", bot(number))
    time.take_slept()
    assert await door.check(PasswordClaim("alice", "secret"), "192.0.2.1") == Identity("alice")
    assert time.take_slept() == [10]


async def test_right_wrong_and_unknown_wait_the_same_in_a_siege(
    door: LocalAuthenticator, passwords: Recorder, time: FakeTime
) -> None:
    waits = {}
    for user in ("alice", "nobody"):
        for number in range(40):
            await wrong(door, user, f"guess {number}", bot(number))
        time.take_slept()
        passwords.hashed.clear()
        await wrong(door, user, "wrong", "192.0.2.1")
        waits[user] = time.take_slept(), len(passwords.hashed)
    await door.check(PasswordClaim("alice", "secret"), "192.0.2.2")
    assert waits["alice"] == waits["nobody"] == (time.take_slept(), 1)


async def test_who_is_crowded_out_is_put_off_and_not_refused(
    door: LocalAuthenticator, passwords: Recorder
) -> None:
    passwords.gate.clear()
    guesses = [
        asyncio.create_task(door.check(PasswordClaim("alice", f"guess {n}"), bot(n)))
        for n in range(50)
    ]
    await in_line(door, 4)
    passwords.gate.set()
    outcomes = [type(one) for one in await asyncio.gather(*guesses, return_exceptions=True)]
    assert set(outcomes) == {CredentialsRefused, TooManyAttempts}
    assert outcomes.count(CredentialsRefused) == len(passwords.hashed)


async def test_a_forgotten_phone_is_checked_in_full_each_time(
    door: LocalAuthenticator, accounts: Accounts, passwords: Recorder, time: FakeTime
) -> None:
    """And so is let in at once when its password has become right."""
    for _ in range(20):
        await wrong(door, "alice", "old", OWNER)
        time.now += 30
    assert passwords.hashed == [b"old"] * 20
    assert time.take_slept() == [0.5]
    accounts.set_password("alice", "old")
    assert await door.check(PasswordClaim("alice", "old"), OWNER) == Identity("alice")
    assert time.take_slept() == []

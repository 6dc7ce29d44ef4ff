"""Signing in: who gets in, and that nobody else learns anything, in bytes, time or work."""

import asyncio
import contextlib
import hashlib
import itertools
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import TypeVar

import argon2
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pillarbox.auth import hash_line
from pillarbox.auth.accounts import Accounts
from pillarbox.auth.accounts_file import AccountsFile
from pillarbox.auth.address_throttle import LOOKS
from pillarbox.auth.authenticator import LocalAuthenticator
from pillarbox.auth.cache import ProofCache
from pillarbox.auth.errors import AccountsUnavailable
from pillarbox.auth.passwords import Argon2Parameters, Passwords
from pillarbox.auth.throttle import Throttle
from pillarbox.contracts.errors import AuthError, AuthUnavailable, CredentialsRefused
from pillarbox.model import Identity
from pillarbox.sasl.claims import DigestClaim, PasswordClaim
from tests.auth.conftest import CountingPasswords, cheap_passwords, price
from tests.auth.faketime import FakeTime
from tests.auth.places import in_a_file, promptly
from tests.auth.test_names import NASTY
from tests.auth.test_users import Shelf

T = TypeVar("T")
PEER = "192.0.2.7"
OTHER = "198.51.100.9"
TIMESTAMP = "<1896.697170952@dbc.mtview.ca.us>"


@pytest.fixture
async def door(accounts: Accounts, throttle: Throttle) -> AsyncIterator[LocalAuthenticator]:
    accounts.add("alice", "secret")
    accounts.add("bob", "secret")
    accounts.disable("bob")
    door = LocalAuthenticator(accounts, domains=["example.org"], throttle=throttle)
    yield door
    door.close()


_guesses = itertools.count()


def guess() -> str:
    """A wrong password that nobody has tried: to say the same one again is no guess."""
    return f"guess {next(_guesses)}"


def check_password(
    door: LocalAuthenticator, name: str, password: str, peer: str
) -> Coroutine[None, None, Identity]:
    return door.check(PasswordClaim(name, password), peer)


def check_apop(
    door: LocalAuthenticator, name: str, timestamp: str, digest: str, peer: str
) -> Coroutine[None, None, Identity]:
    return door.check(DigestClaim("APOP", name, timestamp, digest), peer)


async def refused(door: LocalAuthenticator, name: str, password: str, peer: str = PEER) -> str:
    with pytest.raises(CredentialsRefused) as caught:
        await check_password(door, name, password, peer)
    return str(caught.value)


async def known(door: LocalAuthenticator, name: str, password: str, peer: str = PEER) -> Identity:
    """What it opens at once, but for a question to a database."""
    return await promptly(door._accounts, check_password(door, name, password, peer))


def apop(secret: str, timestamp: str = TIMESTAMP) -> str:
    return hashlib.md5(f"{timestamp}{secret}".encode()).hexdigest()


# Who gets in


@pytest.mark.parametrize("name", ["alice", "ALICE", "Alice@Example.org", "\uff21lice"])
async def test_the_right_password_opens_under_every_form_of_the_name(
    door: LocalAuthenticator, name: str
) -> None:
    assert await check_password(door, name, "secret", PEER) == Identity("alice")


@pytest.mark.parametrize(
    ("name", "password", "reason"),
    [
        ("alice", "wrong", "wrong password"),
        ("alice", "", "wrong password"),
        ("alice", "secret ", "wrong password"),
        ("alice", "secret\0", "wrong password"),
        ("nobody", "secret", "unknown user"),
        ("", "", "unknown user"),
        ("alice@example.net", "secret", "unknown user"),
        ("bob", "secret", "the account is disabled"),
        ("bob", "wrong", "the account is disabled"),
    ],
)
async def test_everything_else_is_refused_with_a_reason_for_the_log(
    door: LocalAuthenticator, name: str, password: str, reason: str
) -> None:
    assert await refused(door, name, password) == reason


async def test_where_there_is_no_account_at_all_nobody_is_unknown(
    door: LocalAuthenticator, accounts: Accounts, passwords: CountingPasswords
) -> None:
    """They are lost, more likely than not: no client should ask its user for a new password."""
    accounts.remove("alice")
    assert await refused(door, "alice", "secret") == "unknown user"
    accounts.remove("bob")
    work = len(passwords.work)
    for name in ("alice", "nobody", "", "alice@example.net"):
        with pytest.raises(AuthUnavailable, match=r"(accounts\.db|database .*) has no account"):
            await check_password(door, name, "secret", PEER)
    assert len(passwords.work) == work + 4  # it takes as long as any refusal
    with pytest.raises(AuthUnavailable):
        await check_apop(door, "alice", TIMESTAMP, apop("secret"), PEER)
    accounts.add("carol", "secret")
    assert await check_password(door, "carol", "secret", PEER) == Identity("carol")
    assert await refused(door, "alice", "secret") == "unknown user"


async def test_a_password_with_spaces_is_kept_whole(
    door: LocalAuthenticator, accounts: Accounts
) -> None:
    """RFC 1939, section 7: they are part of the password, at the ends too."""
    accounts.set_password("alice", " two words ")
    assert await check_password(door, "alice", " two words ", PEER) == Identity("alice")
    await refused(door, "alice", "two words", OTHER)


async def test_one_password_from_two_keyboards(
    door: LocalAuthenticator, accounts: Accounts
) -> None:
    accounts.set_password("alice", "Zo\u00eb")
    assert await check_password(door, "alice", "Zoe\u0308", PEER) == Identity("alice")


# Nobody learns which: the same work


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("alice", "secret"),
        ("alice", "wrong"),
        ("nobody", "secret"),
        ("bob", "secret"),
        ("bob", "wrong"),
        ("", ""),
        ("alice@example.net", "secret"),
        ("\udcff", "\udcff"),
        ("a/b", "secret"),
        ("x" * 300, "y" * 300),
    ],
)
async def test_right_wrong_unknown_and_disabled_cost_one_hash_of_the_same_price(
    door: LocalAuthenticator, passwords: CountingPasswords, name: str, password: str
) -> None:
    with contextlib.suppress(CredentialsRefused):
        await check_password(door, name, password, PEER)
    assert passwords.work == [price(passwords.verifier(b""))]


@pytest.mark.parametrize(
    ("name", "password"),
    [("carol", "right"), ("alice", "wrong"), ("nobody", "x"), ("bob", "secret"), ("\udcff", "")],
)
async def test_a_throttled_address_waits_the_same_whatever_it_says(
    door: LocalAuthenticator,
    accounts: Accounts,
    time: FakeTime,
    passwords: CountingPasswords,
    name: str,
    password: str,
) -> None:
    accounts.add("carol", "right")
    for _ in range(4):
        await refused(door, "alice", guess())
    time.take_slept()
    passwords.work.clear()
    with contextlib.suppress(CredentialsRefused):
        await check_password(door, name, password, PEER)
    assert len(passwords.work) == 1
    assert time.slept == [4]


async def test_failures_of_apop_and_of_passwords_count_together(
    door: LocalAuthenticator, time: FakeTime
) -> None:
    await refused(door, "alice", "wrong")
    with pytest.raises(CredentialsRefused):
        await check_apop(door, "alice", TIMESTAMP, apop("wrong"), PEER)
    await refused(door, "nobody", "wrong")
    assert time.slept == [0.5, 1]


# An address that guesses is slowed, and nobody else


async def test_no_number_of_failures_locks_an_account(
    door: LocalAuthenticator, time: FakeTime
) -> None:
    for _ in range(200):
        await refused(door, "alice", guess())
    time.take_slept()
    assert await check_password(door, "alice", "secret", OTHER) == Identity("alice")
    assert time.slept == []
    assert await check_password(door, "alice", "secret", PEER) == Identity("alice")
    assert time.slept == []  # known by now


async def test_a_password_that_is_not_known_yet_waits_the_longest_delay_at_most(
    door: LocalAuthenticator, time: FakeTime
) -> None:
    for _ in range(200):
        await refused(door, "alice", guess())
    time.take_slept()
    assert await check_password(door, "alice", "secret", PEER) == Identity("alice")
    assert time.slept == [15]


async def test_parallel_guesses_of_one_address_take_turns(
    door: LocalAuthenticator, passwords: CountingPasswords, time: FakeTime
) -> None:
    guesses = [check_password(door, "alice", f"guess {n}", PEER) for n in range(12)]
    outcomes = await asyncio.gather(*guesses, return_exceptions=True)
    assert all(isinstance(outcome, AuthError) for outcome in outcomes)
    checked = sum(isinstance(outcome, CredentialsRefused) for outcome in outcomes)
    assert checked == len(passwords.work)
    assert passwords.most_at_once == 1
    assert time.slept[:5] == [0.5, 1, 2, 4, 8]


@contextlib.asynccontextmanager
async def besieged(
    door: LocalAuthenticator, peer: str, guessers: int
) -> AsyncIterator[list[BaseException]]:
    """Somebody at *peer* guesses at alice's password, on many connections, without a pause."""
    errors: list[BaseException] = []

    async def guess_on() -> None:
        while True:
            try:
                await check_password(door, "alice", guess(), peer)
            except AuthError as error:
                errors.append(error)

    tasks = [asyncio.create_task(guess_on()) for _ in range(guessers)]
    while sum(isinstance(error, CredentialsRefused) for error in errors) < 12:  # noqa: ASYNC110 - time stands still but for these
        await asyncio.sleep(0)
    yield errors
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("peer", [PEER, "127.0.0.1"])
@pytest.mark.parametrize("guessers", [1, 20, 100])
async def test_a_known_password_passes_at_once_through_a_siege(
    door: LocalAuthenticator, peer: str, guessers: int
) -> None:
    await check_password(door, "alice", "secret", OTHER)
    async with besieged(door, peer, guessers):
        for _ in range(100):
            assert await known(door, "alice", "secret", peer) == Identity("alice")


async def test_a_password_known_for_more_than_an_hour_is_proved_again_without_waiting(
    accounts: Accounts, passwords: CountingPasswords, time: FakeTime, throttle: Throttle
) -> None:
    """Else a siege would lock everybody out after an hour."""
    accounts.add("alice", "secret")
    cache = ProofCache(max_age=60, known_for=10**9, clock=time.clock)
    door = LocalAuthenticator(accounts, throttle=throttle, cache=cache)
    await check_password(door, "alice", "secret", OTHER)
    time.now += 60
    for _ in range(12):
        await refused(door, "alice", guess())
    time.take_slept()
    passwords.work.clear()
    assert await check_password(door, "alice", "secret", PEER) == Identity("alice")
    assert time.slept == []
    assert len(passwords.work) == 1
    door.close()


async def test_a_known_password_is_refused_when_the_account_changes_during_its_new_proof(
    accounts: Accounts, passwords: CountingPasswords, time: FakeTime, throttle: Throttle
) -> None:
    accounts.add("alice", "secret")
    cache = ProofCache(max_age=60, clock=time.clock)
    door = LocalAuthenticator(accounts, throttle=throttle, cache=cache)
    await check_password(door, "alice", "secret", PEER)
    time.now += 60
    passwords.hold()
    attempt = asyncio.create_task(check_password(door, "alice", "secret", PEER))
    await passwords.held()
    accounts.disable("alice")
    passwords.gate.set()
    with pytest.raises(CredentialsRefused, match="changed during"):
        await attempt
    door.close()


async def test_a_right_apop_digest_passes_at_once_through_a_siege(
    door: LocalAuthenticator, accounts: Accounts
) -> None:
    accounts.add("mrose", "tanstaaf", apop=True)
    async with besieged(door, PEER, 20):
        digest = apop("tanstaaf")
        signed_in = await promptly(accounts, check_apop(door, "mrose", TIMESTAMP, digest, PEER))
        assert signed_in == Identity("mrose")


@in_a_file
async def test_guessing_and_hanging_up_meets_the_ration_of_looks(
    door: LocalAuthenticator,
    time: FakeTime,
    throttle: Throttle,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each look answers a guess at once, so there must not be any number of them."""
    await check_password(door, "alice", "secret", OTHER)
    await refused(door, "alice", "wrong")
    for _ in range(6):
        await refused(door, "nobody", guess())
    time.now += 15  # all looks are back
    never = asyncio.get_running_loop().create_future()

    async def stand_still(_: float) -> None:
        await never

    monkeypatch.setattr(throttle.addresses, "_sleep", stand_still)
    for _ in range(LOOKS):
        attempt = asyncio.create_task(check_password(door, "alice", guess(), PEER))
        await asyncio.sleep(0)
        attempt.cancel()
        with pytest.raises(asyncio.CancelledError):
            await attempt
    monkeypatch.setattr(throttle.addresses, "_sleep", time.sleep)
    assert throttle.addresses.delay(PEER) == 15
    time.take_slept()
    assert await check_password(door, "alice", "secret", PEER) == Identity("alice")
    assert time.slept == [15]  # no look, but not locked out either


@pytest.mark.parametrize(
    ("name", "password"),
    [("carol", "right"), ("carol", "wrong"), ("nobody", "x"), ("bob", "secret"), ("\udcff", "")],
)
async def test_crowded_out_is_try_later_for_all_alike(
    accounts: Accounts, passwords: CountingPasswords, time: FakeTime, name: str, password: str
) -> None:
    """Not [AUTH]: nobody has looked whether the password is right (RFC 3206)."""
    for known in ("alice", "bob", "carol"):
        accounts.add(known, "right" if known == "carol" else "secret")
    accounts.disable("bob")
    throttle = Throttle(waiting=1, clock=time.clock, sleep=time.sleep)
    door = LocalAuthenticator(accounts, throttle=throttle)
    passwords.hold()
    first = asyncio.create_task(check_password(door, "alice", "secret", PEER))
    await passwords.held()
    passwords.work.clear()
    with pytest.raises(AuthUnavailable, match="too many attempts of this address"):
        await check_password(door, name, password, PEER)
    assert time.slept == [0.5]
    assert passwords.work == []
    passwords.gate.set()
    assert await first == Identity("alice")
    door.close()


async def test_a_webmail_on_this_machine_is_slowed_for_each_name_apart(
    door: LocalAuthenticator, time: FakeTime, accounts: Accounts
) -> None:
    accounts.add("carol", "secret")
    for name in ("alice", "ALICE", "alice@example.org", "alice"):
        await refused(door, name, guess(), "127.0.0.1")
    assert time.take_slept() == [0.5, 1, 2]
    assert await check_password(door, "carol", "secret", "127.0.0.1") == Identity("carol")
    assert time.take_slept() == []
    assert await check_password(door, "alice", "secret", "::1") == Identity("alice")
    assert time.take_slept() == [4]
    for _ in range(3):
        await refused(door, "nobody", guess(), "unix")
    assert time.take_slept() == [0.5, 1]  # an unknown name is slowed like a known one


async def test_a_client_that_hangs_up_during_the_hash_is_counted(
    door: LocalAuthenticator, passwords: CountingPasswords, throttle: Throttle
) -> None:
    passwords.hold()
    attempt = asyncio.create_task(check_password(door, "alice", "secret", PEER))
    await passwords.held()
    attempt.cancel()
    with pytest.raises(asyncio.CancelledError):
        await attempt
    passwords.gate.set()
    assert throttle.addresses.delay(PEER) == 0.5
    assert await check_password(door, "alice", "secret", PEER) == Identity("alice")


# Polling is cheap, and never stale


async def poll(door: LocalAuthenticator, name: str = "alice", password: str = "secret") -> Identity:
    """Sign in as often as it takes for all that remembers anything to do so."""
    for _ in range(3):
        identity = await check_password(door, name, password, PEER)
    return identity


@in_a_file
async def test_a_poll_asks_the_accounts_file_nothing(
    door: LocalAuthenticator, accounts: Accounts
) -> None:
    app_password = accounts.add_device("alice", "phone").printed
    await poll(door)
    await poll(door, "alice+phone", app_password)
    asked: list[str] = []
    assert isinstance(accounts.place, AccountsFile)
    reader = accounts.place._reader
    assert reader is not None
    reader.set_trace_callback(asked.append)
    assert await poll(door) == Identity("alice")
    assert await poll(door, "alice+phone", app_password) == Identity("alice", "phone")
    assert asked == []
    accounts.add("carol", "any change of anybody")
    assert await poll(door) == Identity("alice")
    assert asked != []


@pytest.mark.parametrize(
    "change",
    [
        lambda accounts: accounts.remove_device("alice", "phone"),
        lambda accounts: accounts.disable("alice"),
        lambda accounts: accounts.remove("alice"),
    ],
)
async def test_a_change_is_effective_at_the_next_poll_of_a_device(
    door: LocalAuthenticator,
    accounts: Accounts,
    path: Path,
    change: Callable[[Accounts], object],
) -> None:
    app_password = accounts.add_device("alice", "phone").printed
    for name in ("alice", "alice+phone"):
        assert await poll(door, name, app_password) == Identity("alice", "phone")
    other = Accounts(path, passwords=cheap_passwords())  # as another process would
    change(other)
    for name in ("alice", "alice+phone"):
        await refused(door, name, app_password)
    other.close()


async def test_the_rule_that_only_app_passwords_open_is_effective_at_the_next_poll(
    door: LocalAuthenticator, accounts: Accounts
) -> None:
    await poll(door)
    accounts.require_app_passwords("alice")
    await refused(door, "alice", "secret")
    accounts.require_app_passwords("alice", required=False)
    assert await poll(door) == Identity("alice")


async def test_a_poll_does_not_outlive_the_proof_of_its_password(
    accounts: Accounts, passwords: CountingPasswords, time: FakeTime, throttle: Throttle
) -> None:
    accounts.add("alice", "secret")
    cache = ProofCache(max_age=60, clock=time.clock)
    door = LocalAuthenticator(accounts, throttle=throttle, cache=cache)
    await poll(door)
    time.now += 59
    await poll(door)
    assert len(passwords.work) == 1
    time.now += 1
    await poll(door)
    assert len(passwords.work) == 2
    door.close()


async def test_a_poll_is_familiar_where_it_comes_from(
    door: LocalAuthenticator, throttle: Throttle
) -> None:
    """Also if nothing but memory was asked: see the throttle."""
    await poll(door)
    assert not throttle.familiar.knows("alice", OTHER)
    await check_password(door, "alice", "secret", OTHER)
    assert throttle.familiar.knows("alice", OTHER)


async def test_a_device_of_another_source_is_asked_about_each_time(
    accounts: Accounts, throttle: Throttle
) -> None:
    """Nobody tells when a source has removed or disabled its user."""
    source = Shelf()
    source.put("carol", password="pencil")
    door = LocalAuthenticator(accounts, throttle=throttle, sources=[source])
    app_password = accounts.add_device("carol", "phone").printed
    assert await poll(door, "carol", app_password) == Identity("carol", "phone")
    assert await poll(door, "carol", "pencil") == Identity("carol")
    assert len(door._sign_ins) == 0
    door.close()


async def test_a_poll_completes_without_suspending_and_without_a_hash(
    door: LocalAuthenticator, passwords: CountingPasswords
) -> None:
    await check_password(door, "alice", "secret", PEER)
    passwords.work.clear()
    assert await known(door, "Alice@example.org", "secret", PEER) == Identity("alice")
    assert await known(door, "alice", "secret", OTHER) == Identity("alice")
    assert passwords.work == []


async def test_a_failure_is_not_remembered(
    door: LocalAuthenticator, passwords: CountingPasswords
) -> None:
    for _ in range(3):
        await refused(door, "alice", guess())
    assert len(passwords.work) == 3


async def test_a_remembered_password_opens_only_its_own_account(
    door: LocalAuthenticator, accounts: Accounts
) -> None:
    """CVE-2025-30189: the cache of an account must not answer for another."""
    accounts.add("carol", "other")
    await check_password(door, "alice", "secret", PEER)
    await refused(door, "carol", "secret")


@pytest.mark.parametrize(
    "change",
    [
        lambda accounts: accounts.set_password("alice", "other"),
        lambda accounts: accounts.disable("alice"),
        lambda accounts: accounts.remove("alice"),
        lambda accounts: (accounts.remove("alice"), accounts.add("alice", "other")),
    ],
)
async def test_a_change_is_effective_at_the_next_poll(
    door: LocalAuthenticator, accounts: Accounts, change: Callable[[Accounts], object]
) -> None:
    await poll(door)
    change(accounts)
    await refused(door, "alice", "secret")


async def test_an_account_that_was_disabled_by_hand_is_refused_at_the_next_poll(
    door: LocalAuthenticator, path: Path
) -> None:
    """With the generation as it was, as an operator with the sqlite3 command leaves it."""
    await poll(door)
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("UPDATE account SET disabled = 1 WHERE name = 'alice'")
    connection.close()
    await refused(door, "alice", "secret")


async def test_an_account_disabled_while_the_file_was_closed_is_refused(
    door: LocalAuthenticator, accounts: Accounts, path: Path
) -> None:
    """SQLite's index has gone with the last connection, and the next one begins like the first."""
    await poll(door)
    accounts.close()
    await poll(door)
    accounts.close()
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("UPDATE account SET disabled = 1")
    connection.close()
    accounts.find("alice")
    await refused(door, "alice", "secret")


async def test_an_account_that_is_enabled_again_opens_again(
    door: LocalAuthenticator, accounts: Accounts
) -> None:
    await check_password(door, "alice", "secret", PEER)
    accounts.disable("alice")
    accounts.enable("alice")
    assert await check_password(door, "alice", "secret", PEER) == Identity("alice")


async def test_a_password_changed_by_another_process_is_effective_at_once(
    door: LocalAuthenticator, path: Path
) -> None:
    await poll(door)
    script = """
import sys
from pathlib import Path
from pillarbox.auth.accounts import Accounts
from pillarbox.auth.accounts_file import AccountsFile
from pillarbox.auth.passwords import Argon2Parameters, Passwords
cheap = Passwords(Argon2Parameters(time_cost=1, memory_kib=8))
Accounts(Path(sys.argv[1]), passwords=cheap).set_password("alice", "other")
"""
    other = await asyncio.create_subprocess_exec(sys.executable, "-c", script, str(path))
    assert await other.wait() == 0
    await refused(door, "alice", "secret")
    assert await check_password(door, "alice", "other", OTHER) == Identity("alice")


@pytest.mark.parametrize(
    "change",
    [
        lambda accounts: accounts.set_password("alice", "other"),
        lambda accounts: accounts.disable("alice"),
        lambda accounts: accounts.remove("alice"),
    ],
)
async def test_a_change_during_the_hash_is_effective_too(
    door: LocalAuthenticator,
    accounts: Accounts,
    passwords: CountingPasswords,
    change: Callable[[Accounts], object],
) -> None:
    passwords.hold()
    attempt = asyncio.create_task(check_password(door, "alice", "secret", PEER))
    await passwords.held()
    change(accounts)
    passwords.gate.set()
    with pytest.raises(CredentialsRefused, match="changed during"):
        await attempt


async def test_an_old_proof_is_made_anew(
    accounts: Accounts, passwords: CountingPasswords, time: FakeTime, throttle: Throttle
) -> None:
    accounts.add("alice", "secret")
    cache = ProofCache(max_age=60, clock=time.clock)
    door = LocalAuthenticator(accounts, throttle=throttle, cache=cache)
    await check_password(door, "alice", "secret", PEER)
    time.now += 60
    await check_password(door, "alice", "secret", PEER)
    assert len(passwords.work) == 2
    door.close()


# New parameters


async def test_a_verifier_of_old_parameters_is_made_anew_at_the_next_sign_in(
    path: Path, throttle: Throttle
) -> None:
    old = Accounts(path, passwords=cheap_passwords())
    before = old.add("alice", "secret")
    old.close()
    passwords = CountingPasswords(Argon2Parameters(time_cost=2, memory_kib=16))
    accounts = Accounts(path, passwords=passwords)
    door = LocalAuthenticator(accounts, throttle=throttle)
    await refused(door, "alice", "wrong")
    assert accounts.get("alice") == before
    assert await check_password(door, "alice", "secret", OTHER) == Identity("alice")
    after = accounts.get("alice")
    assert argon2.extract_parameters(after.verifier).time_cost == 2
    assert after == before._replace(verifier=after.verifier)
    passwords.work.clear()
    assert await known(door, "alice", "secret", OTHER) == Identity("alice")
    assert passwords.proves(after.verifier, b"secret")
    door.close()
    accounts.close()


async def test_a_verifier_that_cannot_be_renewed_keeps_nobody_out(
    path: Path, throttle: Throttle, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = Accounts(path, passwords=cheap_passwords())
    before = old.add("alice", "secret")
    old.close()
    accounts = Accounts(path, passwords=Passwords(Argon2Parameters(2, 16)))

    def full(*_: object) -> None:
        raise AccountsUnavailable("the disk is full")

    monkeypatch.setattr(accounts, "renew_verifier", full)
    door = LocalAuthenticator(accounts, throttle=throttle)
    assert await check_password(door, "alice", "secret", PEER) == Identity("alice")
    assert accounts.get("alice") == before
    door.close()
    accounts.close()


# Bounds


async def test_only_so_many_hashes_at_once(
    accounts: Accounts, passwords: CountingPasswords, throttle: Throttle
) -> None:
    accounts.add("alice", "secret")
    door = LocalAuthenticator(accounts, throttle=throttle, parallel_hashes=2)
    attempts = [check_password(door, f"nobody{n}", "x", f"192.0.2.{n}") for n in range(40)]
    await asyncio.gather(*attempts, return_exceptions=True)
    assert len(passwords.work) == 40
    assert passwords.most_at_once <= 2
    door.close()


@in_a_file
async def test_too_long_a_line_for_a_hash_is_try_later_and_polls_go_on(
    door: LocalAuthenticator,
    passwords: CountingPasswords,
    monkeypatch: pytest.MonkeyPatch,
    throttle: Throttle,
) -> None:
    await check_password(door, "alice", "secret", PEER)
    monkeypatch.setattr(hash_line, "MAX_HASHES_WAITING", 3)
    passwords.gate.clear()
    line = [asyncio.create_task(refused(door, "x", "x", f"192.0.2.{n}")) for n in range(100, 103)]
    await asyncio.sleep(0)
    for name in ("alice", "nobody", "bob"):
        with pytest.raises(AuthUnavailable, match="3 sign-ins wait"):
            await check_password(door, name, "other", OTHER)
    assert throttle.addresses.is_calm(OTHER)
    assert await known(door, "alice", "secret", PEER) == Identity("alice")
    passwords.gate.set()
    assert await asyncio.gather(*line) == ["unknown user"] * 3
    await refused(door, "alice", "other", OTHER)


async def test_many_people_sign_in_at_once(accounts: Accounts, throttle: Throttle) -> None:
    for number in range(20):
        accounts.add(f"user{number}", f"secret {number}")
    door = LocalAuthenticator(accounts, throttle=throttle)
    attempts = [
        check_password(door, f"user{n % 20}", f"secret {n % 20}", f"192.0.2.{n}")
        for n in range(200)
    ]
    assert await asyncio.gather(*attempts) == [Identity(f"user{n % 20}") for n in range(200)]
    door.close()


# What fails


async def test_a_file_that_cannot_be_read_is_not_a_refusal(
    tmp_path: Path, throttle: Throttle
) -> None:
    (tmp_path / "accounts.db").write_bytes(b"not a database, but as long as one" * 10)
    door = LocalAuthenticator(
        Accounts(tmp_path / "accounts.db", passwords=cheap_passwords()), throttle=throttle
    )
    for _ in range(3):
        with pytest.raises(AuthUnavailable, match=r"accounts\.db.*backup"):
            await check_password(door, "alice", "secret", PEER)
        with pytest.raises(AuthUnavailable, match=r"accounts\.db"):
            await check_apop(door, "alice", TIMESTAMP, apop("secret"), PEER)
    assert throttle.addresses.is_calm(PEER)
    door.close()


async def test_a_damaged_verifier_is_not_a_refusal_and_hurts_nobody_else(
    door: LocalAuthenticator, accounts: Accounts, throttle: Throttle
) -> None:
    record = accounts.add("carol", "secret")
    accounts.renew_verifier(record, "$argon2id$v=19$m=8,t=1,p=1$damaged")
    with pytest.raises(AuthUnavailable):
        await check_password(door, "carol", "secret", PEER)
    assert throttle.addresses.is_calm(PEER)
    assert await check_password(door, "alice", "secret", PEER) == Identity("alice")


# APOP


async def test_the_example_of_rfc_1939(door: LocalAuthenticator, accounts: Accounts) -> None:
    accounts.add("mrose", "tanstaaf", apop=True)
    digest = "c4c9334bac560ecc979e58001b3e22fb"
    assert await check_apop(door, "mrose", TIMESTAMP, digest, PEER) == Identity("mrose")
    assert await check_apop(door, "MROSE", TIMESTAMP, digest.upper(), PEER) == Identity("mrose")


@pytest.mark.parametrize(
    ("name", "timestamp", "digest"),
    [
        ("mrose", TIMESTAMP, apop("wrong")),
        ("mrose", "<another@timestamp>", apop("tanstaaf")),
        ("mrose", TIMESTAMP, ""),
        ("mrose", TIMESTAMP, apop("tanstaaf")[:31]),
        ("mrose", TIMESTAMP, "\udcff\N{KEY}"),
        ("nobody", TIMESTAMP, apop("tanstaaf")),
        ("nobody", TIMESTAMP, apop("")),
        ("alice", TIMESTAMP, apop("secret")),  # has no APOP secret
        ("alice", TIMESTAMP, apop("")),
        ("dora", TIMESTAMP, apop("tanstaaf")),  # disabled
        ("\udcff", TIMESTAMP, apop("tanstaaf")),
    ],
)
async def test_other_digests_are_refused(
    door: LocalAuthenticator,
    accounts: Accounts,
    throttle: Throttle,
    name: str,
    timestamp: str,
    digest: str,
) -> None:
    accounts.add("mrose", "tanstaaf", apop=True)
    accounts.add("dora", "tanstaaf", apop=True)
    accounts.disable("dora")
    with pytest.raises(CredentialsRefused):
        await check_apop(door, name, timestamp, digest, PEER)
    assert throttle.addresses.delay(PEER) == 0.5


async def test_the_stand_in_for_a_missing_apop_secret_opens_nothing(
    door: LocalAuthenticator,
) -> None:
    object.__setattr__(door._means, "no_secret", b"guessed")
    for name in ("alice", "bob", "nobody"):
        with pytest.raises(CredentialsRefused):
            await check_apop(door, name, TIMESTAMP, apop("guessed"), PEER)


async def test_a_changed_password_changes_the_apop_secret(
    door: LocalAuthenticator, accounts: Accounts
) -> None:
    accounts.add("mrose", "tanstaaf", apop=True)
    accounts.set_password("mrose", "other")
    with pytest.raises(CredentialsRefused):
        await check_apop(door, "mrose", TIMESTAMP, apop("tanstaaf"), PEER)
    assert await check_apop(door, "mrose", TIMESTAMP, apop("other"), OTHER) == Identity("mrose")


# Bad input


@pytest.mark.parametrize("name", NASTY, ids=ascii)
async def test_cve_2017_2669_nasty_names_are_refused_and_hurt_nobody(
    door: LocalAuthenticator, accounts: Accounts, name: str
) -> None:
    if name == "alice@example.org":
        return
    before = accounts.records()
    reason = await refused(door, name, "secret")
    assert reason == (
        "not the app password of such a device" if name == "alice+phone" else "unknown user"
    )
    assert accounts.records() == before
    assert await check_password(door, "alice", "secret", OTHER) == Identity("alice")


garbage = st.text() | st.binary().map(lambda octets: octets.decode("utf-8", "surrogateescape"))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=garbage, password=garbage, peer=garbage)
@example(name="\udcff\udcfe", password="\udcff", peer="\udcff")
@example(name="alice", password="\ud800", peer=PEER)
def test_cve_2019_10691_and_cve_2025_59028_bad_utf8_never_hurts_another_login(
    path: Path, passwords: CountingPasswords, name: str, password: str, peer: str
) -> None:
    async def run() -> None:
        accounts = Accounts(path, passwords=passwords)
        if not accounts.find("alice"):
            accounts.add("alice", "secret")
        time = FakeTime()
        throttle = Throttle(clock=time.clock, sleep=time.sleep)
        door = LocalAuthenticator(accounts, throttle=throttle)
        bad, worse, good = await asyncio.gather(
            check_password(door, name, password, peer),
            check_apop(door, name, TIMESTAMP, password, peer),
            check_password(door, "alice", "secret", OTHER),
            return_exceptions=True,
        )
        assert isinstance(bad, CredentialsRefused)
        assert isinstance(worse, CredentialsRefused)
        assert good == Identity("alice")
        door.close()
        accounts.close()

    asyncio.run(run())


async def test_no_error_or_log_line_holds_the_password(
    door: LocalAuthenticator, capsys: pytest.CaptureFixture[str]
) -> None:
    reason = await refused(door, "alice", "hunter2-hunter2")
    reason += await refused(door, "hunter2-hunter2", "hunter2-hunter2", OTHER)
    shown = capsys.readouterr()
    assert "hunter2" not in reason + shown.out + shown.err

"""Accounts in the database of a cluster: what several nodes see and do, and what a sign-in costs.

That all else is as in a file is seen by the tests of ``tests/auth``, which run in both places.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import threading
import traceback
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator

import argon2
import pytest

from pillarbox.auth import register
from pillarbox.auth.accounts import Accounts
from pillarbox.auth.authenticator import LocalAuthenticator
from pillarbox.auth.cluster import open_cluster_accounts
from pillarbox.auth.cluster.wording import numbered
from pillarbox.auth.directory import LocalDirectory
from pillarbox.auth.errors import (
    AccountError,
    AccountExists,
    AccountsUnavailable,
    DeviceExists,
    NoSuchAccount,
)
from pillarbox.auth.passwords import Argon2Parameters
from pillarbox.auth.place import Change
from pillarbox.contracts.errors import AuthUnavailable, CredentialsRefused
from pillarbox.model import Identity
from pillarbox.resuming import rest_of
from pillarbox.sasl.claims import CertificateClaim, PasswordClaim, ScramClaim
from tests.auth.conftest import CountingPasswords, cheap_passwords
from tests.cluster.postgres import PASSWORD, PostgresServer
from tests.cluster.proxy import Proxy, proxy_to

PEER = "192.0.2.7"
ALICE = PasswordClaim("alice", "secret")


def commands_on(url: str) -> Accounts:
    """As a command has them."""
    return open_cluster_accounts(url, passwords=cheap_passwords())


@pytest.fixture
def commands(database_url: str) -> Iterator[Accounts]:
    accounts = commands_on(database_url)
    yield accounts
    accounts.close()


@pytest.fixture
async def nodes(database_url: str) -> AsyncIterator[list[LocalAuthenticator]]:
    """Two nodes, each with what it remembers of its own."""
    served = [
        open_cluster_accounts(database_url, passwords=CountingPasswords(), serving=True)
        for _ in range(2)
    ]
    doors = [LocalAuthenticator(accounts, domains=["example.org"]) for accounts in served]
    yield doors
    for door, accounts in zip(doors, served, strict=True):
        door.close()
        accounts.close()


# What several nodes see


@pytest.mark.parametrize(
    "change",
    [
        lambda accounts: accounts.set_password("alice", "other"),
        lambda accounts: accounts.disable("alice"),
        lambda accounts: accounts.remove("alice"),
        lambda accounts: accounts.require_app_passwords("alice"),
    ],
)
async def test_a_change_counts_at_the_next_poll_at_every_node(
    nodes: list[LocalAuthenticator], commands: Accounts, change: Callable[[Accounts], object]
) -> None:
    for name in ("alice", "bob"):
        commands.add(name, "secret")
    for node in nodes * 2:
        assert await node.check(ALICE, PEER) == Identity("alice")
    change(commands)
    for node in nodes:
        with pytest.raises(CredentialsRefused):
            await node.check(ALICE, PEER)


async def test_a_device_that_is_removed_opens_nothing_at_any_node(
    nodes: list[LocalAuthenticator], commands: Accounts
) -> None:
    commands.add("alice", "secret")
    printed = commands.add_device("alice", "phone").printed
    for node in nodes * 2:
        assert await node.check(PasswordClaim("alice", printed), PEER) == Identity("alice", "phone")
    commands.remove_device("alice", "phone")
    for node in nodes:
        with pytest.raises(CredentialsRefused):
            await node.check(PasswordClaim("alice", printed), PEER)


async def test_what_was_proved_is_not_hashed_again(
    nodes: list[LocalAuthenticator], commands: Accounts
) -> None:
    commands.add("alice", "secret")
    for _ in range(3):
        await nodes[0].check(ALICE, PEER)
    passwords = nodes[0]._accounts.passwords
    assert isinstance(passwords, CountingPasswords)
    assert len(passwords.work) == 1


async def test_a_verifier_of_old_parameters_is_made_anew_at_the_next_sign_in(
    database_url: str, commands: Accounts
) -> None:
    before = commands.add("alice", "secret")
    passwords = CountingPasswords(Argon2Parameters(time_cost=2, memory_kib=16))
    accounts = open_cluster_accounts(database_url, passwords=passwords, serving=True)
    door = LocalAuthenticator(accounts)
    for _ in range(2):
        assert await door.check(ALICE, PEER) == Identity("alice")
    after = commands.get("alice")
    assert argon2.extract_parameters(after.verifier).time_cost == 2
    assert after == before._replace(verifier=after.verifier)
    assert len(passwords.work) == 1
    door.close()
    accounts.close()


async def test_a_server_that_runs_a_sign_in_outside_any_task(
    nodes: list[LocalAuthenticator], commands: Accounts
) -> None:
    """As the server does: see pillarbox.contracts.store."""
    commands.add("alice", "secret")
    begun: asyncio.Future[tuple[object, ...]] = asyncio.get_running_loop().create_future()

    def begin() -> None:
        coroutine = nodes[0].check(ALICE, PEER)
        begun.set_result((coroutine, coroutine.send(None)))

    asyncio.get_running_loop().call_soon(begin)
    assert await rest_of(*await begun) == Identity("alice")  # type: ignore[arg-type]


# What two do at the same time


def at_the_same_time(url: str, number: int, do: Callable[[Accounts], object]) -> Counter[str]:
    """So many commands do this together; how each of them ends."""
    ends: list[str] = []
    start = threading.Barrier(number)

    def run() -> None:
        accounts = commands_on(url)
        accounts.names()  # connected
        start.wait()
        try:
            do(accounts)
        except AccountError as error:
            ends.append(type(error).__name__)
        else:
            ends.append("done")
        finally:
            accounts.close()

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Counter(ends)


def test_an_account_is_made_once(database_url: str) -> None:
    ends = at_the_same_time(database_url, 6, lambda accounts: accounts.add("alice", "secret"))
    assert ends == {"done": 1, AccountExists.__name__: 5}


def test_a_device_is_made_once(database_url: str, commands: Accounts) -> None:
    commands.add("alice", "secret")
    ends = at_the_same_time(database_url, 6, lambda accounts: accounts.add_device("alice", "phone"))
    assert ends == {"done": 1, DeviceExists.__name__: 5}
    assert len(commands.devices("alice")) == 1


def test_the_secrets_are_made_once(database_url: str, commands: Accounts) -> None:
    names = iter("abcdef")
    ends = at_the_same_time(
        database_url, 6, lambda accounts: accounts.add_device("alice", next(names))
    )
    assert ends == {"done": 6}
    assert len(commands.place.read("SELECT value FROM secret")) == 2


def test_an_account_is_removed_once(database_url: str, commands: Accounts) -> None:
    commands.add("alice", "secret")
    ends = at_the_same_time(database_url, 4, lambda accounts: accounts.remove("alice"))
    assert ends == {"done": 1, NoSuchAccount.__name__: 3}


def test_changes_of_one_account_all_happen(database_url: str, commands: Accounts) -> None:
    commands.add("alice", "secret")
    seen: list[int] = []

    def change(accounts: Accounts) -> None:
        for quota in range(10):
            seen.append(accounts.set_quota("alice", quota).generation)
            seen.append(accounts.set_password("alice", f"secret {quota}").generation)

    assert at_the_same_time(database_url, 4, change) == {"done": 4}
    assert len(set(seen)) == 80
    assert commands.scram.hashes_of("alice") == {"sha256"}


# What a sign-in costs


@pytest.fixture
async def trips(database_url: str) -> AsyncIterator[Proxy]:
    async with proxy_to(database_url) as way:
        yield way


@pytest.fixture
async def far(trips: Proxy, commands: Accounts) -> AsyncIterator[LocalAuthenticator]:
    """A node that has signed somebody in by every way: it is connected, and statements are prepared."""
    commands.add("alice", "secret")
    commands.add("bob", "secret")
    accounts = open_cluster_accounts(
        trips.url, passwords=CountingPasswords(), serving=True, connections=1
    )
    door = LocalAuthenticator(accounts, domains=["example.org"])
    bob = commands.add_device("bob", "phone").printed
    await door.check(PasswordClaim("bob", "secret"), PEER)
    await door.check(PasswordClaim("bob", bob), PEER)
    for name in ("bob", "bob+phone"):
        await door.scram_keys(name, "sha256", PEER)
        await door.check(CertificateClaim(name, (name,)), PEER)
    with pytest.raises(CredentialsRefused):
        await door.check(PasswordClaim("bob", "wrong"), PEER)
    trips.taken()
    yield door
    door.close()
    accounts.close()


async def test_a_poll_is_one_round_trip(far: LocalAuthenticator, trips: Proxy) -> None:
    await far.check(ALICE, PEER)
    assert trips.taken() == 3  # what was proved by a hash is looked at before it, and after it
    for _ in range(3):
        assert await far.check(ALICE, PEER) == Identity("alice")
        assert trips.taken() == 1


async def test_an_app_password_is_one_round_trip(
    far: LocalAuthenticator, trips: Proxy, commands: Accounts
) -> None:
    printed = commands.add_device("alice", "phone").printed
    for name in ("alice", "alice+phone"):
        assert await far.check(PasswordClaim(name, printed), PEER) == Identity("alice", "phone")
        assert trips.taken() == 1


@pytest.mark.parametrize("name", ["alice", "nobody", "alice+phone"])
async def test_who_is_refused_costs_the_same_whoever_it_is(
    far: LocalAuthenticator, trips: Proxy, name: str
) -> None:
    with pytest.raises(CredentialsRefused):
        await far.check(PasswordClaim(name, "wrong"), PEER)
    assert trips.taken() == 3


@pytest.mark.parametrize("name", ["alice", "alice+phone", "nobody"])
async def test_each_step_of_scram_is_one_round_trip(
    far: LocalAuthenticator, trips: Proxy, commands: Accounts, name: str
) -> None:
    password = {"alice": "secret", "alice+phone": commands.add_device("alice", "phone").printed}
    keys = await far.scram_keys(name, "sha256", PEER)
    assert trips.taken() == 1
    typed = password.get(name, "").encode()
    salted = hashlib.pbkdf2_hmac("sha256", typed, keys.salt, keys.iterations)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    proved = hashlib.sha256(client_key).digest() == keys.stored_key
    assert proved == (name != "nobody")
    if proved:
        await far.check(ScramClaim(name, "sha256", keys, proved=True), PEER)
        assert trips.taken() == 1


@pytest.mark.parametrize("name", ["alice", "alice+phone"])
async def test_a_certificate_is_one_round_trip(
    far: LocalAuthenticator, trips: Proxy, commands: Accounts, name: str
) -> None:
    commands.add_device("alice", "phone")
    await far.check(CertificateClaim(name, (name,)), PEER)
    assert trips.taken() == 1


async def test_a_recipient_is_one_round_trip(far: LocalAuthenticator, trips: Proxy) -> None:
    directory = LocalDirectory(far._accounts, domains=["example.org"])
    assert await directory.find("alice@example.org") is not None
    assert trips.taken() == 1
    assert await directory.find("nobody@example.org") is None
    assert trips.taken() == 2  # is anybody there at all?


MANY = """
    INSERT INTO account SELECT 'user' || n, 'x', false, 0, NULL, n, 0, 0 FROM generate_series(1, 9999) AS n;
    INSERT INTO device SELECT 'user' || n, 'phone', n::text::bytea, 'x', 'x', 0
        FROM generate_series(1, 9999) AS n;
    INSERT INTO scram SELECT 'user' || n, 'sha256', 'x' FROM generate_series(1, 9999) AS n;
    INSERT INTO app_passwords_only SELECT 'user' || n FROM generate_series(1, 9999) AS n;
    ANALYZE
"""


def test_no_question_reads_a_whole_table(postgres: PostgresServer, database_url: str) -> None:
    name = database_url.rpartition("/")[2]
    for statement in MANY.split(";"):
        postgres.run(statement, name)
    for question in (
        register._WHO,
        register._WHO_AND_HASHES,
        register._BY_APP_PASSWORD,
        register._WITH_DEVICE,
        register._WITH_KEYS,
        *register._WITH_DEVICE_KEYS.values(),
    ):
        plan = postgres.run(f"EXPLAIN (GENERIC_PLAN) {numbered(question)}", name)
        text = "\n".join(line for (line,) in plan)
        assert "Index" in text
        assert "Seq Scan" not in text, text


# When the database is away


async def test_all_recovers_when_the_database_comes_back(
    postgres: PostgresServer, nodes: list[LocalAuthenticator], commands: Accounts
) -> None:
    commands.add("alice", "secret")
    directory = LocalDirectory(nodes[0]._accounts, domains=["example.org"])
    assert await nodes[0].check(ALICE, PEER) == Identity("alice")
    postgres.stop()
    try:
        for ask in (
            lambda: nodes[0].check(ALICE, PEER),
            lambda: nodes[1].check(ALICE, PEER),
            lambda: nodes[0].scram_keys("alice", "sha256", PEER),
            lambda: directory.find("alice@example.org"),
        ):
            with pytest.raises(AuthUnavailable, match=r"database .*127\.0\.0\.1") as caught:
                await ask()
            assert PASSWORD not in str(caught.value)
        for use in (commands.names, lambda: commands.disable("alice")):
            with pytest.raises(AccountsUnavailable, match=r"database .*127\.0\.0\.1") as failed:
                use()
            assert PASSWORD not in str(failed.value)
    finally:
        postgres.start()
    for node in nodes:
        assert await node.check(ALICE, PEER) == Identity("alice")
    assert await directory.find("alice@example.org") is not None
    assert commands.names() == ["alice"]
    assert nodes[0]._throttle.addresses.is_calm(PEER)


def test_a_change_whose_outcome_is_unknown_says_so(commands: Accounts) -> None:
    commands.add("alice", "secret")

    def lose(change: Change) -> None:
        change.execute("UPDATE account SET quota_octets = 7")
        change.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(AccountsUnavailable, match="see whether it has been"):
        commands.place.change(lose)
    assert commands.get("alice").quota_octets == 0


def test_an_error_of_the_database_shows_no_secret(commands: Accounts) -> None:
    """PostgreSQL's own shows the whole row."""
    record = commands.add("alice", "hunter2", apop=True)
    with pytest.raises(AccountsUnavailable, match="account_quota_octets_check") as caught:
        commands.place.change(lambda change: change.execute("UPDATE account SET quota_octets = -1"))
    shown = "".join(traceback.format_exception(caught.value))
    assert "hunter2" not in shown
    assert b"hunter2".hex() not in shown
    assert record.verifier not in shown


def test_a_database_without_tables_says_what_to_do(postgres: PostgresServer) -> None:
    url = postgres.new_database(migrated=False)
    accounts = commands_on(url)
    for use in (accounts.names, lambda: accounts.add("alice", "secret")):
        with pytest.raises(AccountsUnavailable, match="pillarbox cluster migrate"):
            use()
    accounts.close()
    postgres.drop(url)


# Where there is nobody yet


async def test_where_there_is_no_account_at_all_nobody_is_unknown(
    nodes: list[LocalAuthenticator], commands: Accounts
) -> None:
    directory = LocalDirectory(nodes[0]._accounts, domains=["example.org"])
    for ask in (
        lambda: nodes[0].check(ALICE, PEER),
        lambda: nodes[0].scram_keys("alice", "sha256", PEER),
        lambda: nodes[0].check(PasswordClaim("alice", "bcdf-" * 6), PEER),
        lambda: directory.find("alice@example.org"),
    ):
        with pytest.raises(AuthUnavailable, match=r"check store\.database.*user add"):
            await ask()
    assert commands.place.read("SELECT name FROM secret") == []  # accounts may still be moved here
    commands.add("alice", "secret")
    assert await nodes[0].check(ALICE, PEER) == Identity("alice")


async def test_where_users_are_elsewhere_a_server_makes_the_secrets(
    database_url: str, commands: Accounts
) -> None:
    served = open_cluster_accounts(database_url, serving=True, create=True)
    keys = await served.register.made_up_keys("alice", "sha256", 4096)
    assert keys == await commands.register.made_up_keys("alice", "sha256", 4096)
    served.close()


def test_a_closed_place_opens_again(commands: Accounts) -> None:
    commands.add("alice", "secret")
    commands.close()
    commands.close()
    assert commands.names() == ["alice"]

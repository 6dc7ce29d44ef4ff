"""Accounts copied between files and databases: every password opens what it opened before."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pillarbox.auth import copying
from pillarbox.auth.accounts import Accounts
from pillarbox.auth.authenticator import LocalAuthenticator
from pillarbox.auth.cluster import open_cluster_accounts
from pillarbox.auth.copying import Copied, copy_accounts, everybody
from pillarbox.auth.errors import AccountsUnavailable, SecretsDiffer
from pillarbox.auth.place import Change, Rows
from pillarbox.contracts.errors import CredentialsRefused
from pillarbox.model import Identity
from pillarbox.sasl.claims import PasswordClaim
from tests.auth.conftest import cheap_passwords

PEER = "192.0.2.7"
EVERYBODY = ["alice", "bob", "carol", "dora"]
WAYS = [("file", "database"), ("database", "file"), ("file", "file"), ("database", "database")]

Open = Callable[[str], Accounts]


@pytest.fixture
def new_accounts(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Open]:
    """Makes accounts of that kind of place, each of an unused one."""
    made: list[Accounts] = []

    def make(kind: str) -> Accounts:
        if kind == "file":
            path = tmp_path / str(len(made)) / "accounts.db"
            accounts = Accounts(path, passwords=cheap_passwords())
        else:
            url = request.getfixturevalue("new_database")()
            accounts = open_cluster_accounts(url, passwords=cheap_passwords())
        made.append(accounts)
        return accounts

    yield make
    for accounts in made:
        accounts.close()


@pytest.fixture(params=WAYS, ids="-to-".join)
def way(new_accounts: Open, request: pytest.FixtureRequest) -> tuple[Accounts, Accounts]:
    """Where somebody is, and an unused place."""
    source, target = map(new_accounts, request.param)
    return filled(source), target


def filled(accounts: Accounts) -> Accounts:
    """Alice with a device; bob, disabled, with APOP; carol by another server's hash, with a device and the
    rule; dora, who is a user of another source, with a device.
    """
    accounts.add("alice", "secret", quota_octets=5000)
    accounts.add("bob", "secret", apop=True)
    accounts.disable("bob")
    accounts.add_with_hash("carol", "{PLAIN}secret")
    accounts.require_app_passwords("carol")
    return accounts


def without_generation(accounts: Accounts) -> list[tuple[object, ...]]:
    return [record._replace(generation=0) for record in accounts.records()]


async def opens(accounts: Accounts, name: str, password: str) -> Identity:
    door = LocalAuthenticator(accounts)
    try:
        return await door.check(PasswordClaim(name, password), PEER)
    finally:
        door.close()


async def test_every_password_opens_what_it_opened(way: tuple[Accounts, Accounts]) -> None:
    source, target = way
    printed = {
        name: source.add_device(name, "phone").printed for name in ("alice", "carol", "dora")
    }
    assert copy_accounts(source, target) == Copied(EVERYBODY, [], [], [])
    assert without_generation(target) == without_generation(source)
    assert await opens(target, "alice", "secret") == Identity("alice")
    assert await opens(target, "alice", printed["alice"]) == Identity("alice", "phone")
    assert await opens(target, "carol", printed["carol"]) == Identity("carol", "phone")
    for name, password in (("bob", "secret"), ("carol", "secret"), ("alice", printed["carol"])):
        with pytest.raises(CredentialsRefused):
            await opens(target, name, password)
    assert target.get("bob").apop_secret == b"secret"
    assert target.devices("dora") == source.devices("dora")
    target.add("dora", "secret")
    assert await opens(target, "dora", printed["dora"]) == Identity("dora", "phone")


async def test_scram_and_its_salts_are_the_same(way: tuple[Accounts, Accounts]) -> None:
    source, target = way
    printed = source.add_device("alice", "phone").printed
    copy_accounts(source, target)
    doors = [LocalAuthenticator(accounts) for accounts in way]
    for name in ("alice", "alice+phone", "nobody", "alice+other"):
        before, after = [await door.scram_keys(name, "sha256", PEER) for door in doors]
        assert before == after
    keys = await doors[1].scram_keys("alice+phone", "sha256", PEER)
    salted = hashlib.pbkdf2_hmac("sha256", printed.encode(), keys.salt, keys.iterations)
    assert hmac.digest(salted, b"Server Key", "sha256") == keys.server_key
    for door in doors:
        door.close()


def test_copied_again_it_is_the_same(way: tuple[Accounts, Accounts]) -> None:
    source, target = way
    source.add_device("dora", "phone")
    copy_accounts(source, target)
    before = target.records()
    assert copy_accounts(source, target, replace=True) == Copied([], EVERYBODY, [], [])
    assert target.records() == before


def test_what_has_changed_since_is_left_or_replaced(way: tuple[Accounts, Accounts]) -> None:
    source, target = way
    copy_accounts(source, target)
    before = target.get("alice")
    source.set_password("alice", "other")
    source.add_device("bob", "phone")
    source.require_app_passwords("carol", required=False)
    source.add("emil", "secret")
    changed = ["alice", "bob", "carol"]
    assert copy_accounts(source, target) == Copied(["emil"], [], [], changed)
    assert target.get("alice") == before
    assert copy_accounts(source, target, replace=True) == Copied([], ["emil"], changed, [])
    assert without_generation(target) == without_generation(source)
    assert target.get("alice").generation != before.generation
    assert target.has_devices("bob")


def test_some_are_copied(way: tuple[Accounts, Accounts]) -> None:
    source, target = way
    assert copy_accounts(source, target, ["bob", "nobody"]) == Copied(["bob"], [], [], [])
    assert target.names() == ["bob"]


def test_what_would_be_done(way: tuple[Accounts, Accounts]) -> None:
    source, target = way
    target.names()  # a file is made by whoever opens it
    assert copy_accounts(source, target, dry_run=True).added == ["alice", "bob", "carol"]
    assert target.names() == []
    copy_accounts(source, target, ["alice"])
    target.set_quota("alice", 1)
    assert copy_accounts(source, target, dry_run=True, replace=True).replaced == ["alice"]
    assert target.get("alice").quota_octets == 1
    assert target.names() == ["alice"]


@pytest.mark.parametrize("dry_run", [False, True])
def test_where_there_are_other_secrets_nothing_is_copied(
    way: tuple[Accounts, Accounts], *, dry_run: bool
) -> None:
    """Devices would have app passwords that open nothing."""
    source, target = way
    target.add("zoe", "secret")
    with pytest.raises(SecretsDiffer, match=r"(accounts\.db|database ).*empty one.*user add"):
        copy_accounts(source, target, dry_run=dry_run)
    assert target.names() == ["zoe"]


def test_secrets_that_nothing_was_made_with_can_be_let_go(
    new_accounts: Open, new_database: Callable[[], str]
) -> None:
    """A server makes them when anybody tries to sign in, before there is an account."""
    source, url = filled(new_accounts("file")), new_database()
    with closing(open_cluster_accounts(url, passwords=cheap_passwords())) as target:
        target.add("zoe", "secret")
        target.remove("zoe")
        with pytest.raises(SecretsDiffer, match=r"stop all servers.*DELETE FROM secret"):
            copy_accounts(source, target)
        target.place.change(lambda change: change.execute("DELETE FROM secret"))
    with closing(open_cluster_accounts(url)) as target:
        assert copy_accounts(source, target).added == ["alice", "bob", "carol"]


def test_an_account_that_changes_while_it_is_read_comes_whole(
    way: tuple[Accounts, Accounts], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = way
    read = source.place.read
    changed: list[str] = []

    def reading(statement: str, values: tuple[Any, ...] = ()) -> Rows:
        if "FROM scram" in statement and not changed:
            changed.append(statement)
            source.set_password("alice", "another")
        return read(statement, values)

    monkeypatch.setattr(source.place, "read", reading)
    copy_accounts(source, target)
    assert changed
    assert without_generation(target) == without_generation(source)
    keys = "SELECT * FROM scram ORDER BY 1, 2"
    assert target.place.read(keys) == read(keys)


def test_in_batches_it_is_the_same(
    way: tuple[Accounts, Accounts], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "BATCH", 2)
    source, target = way
    source.add_device("dora", "phone")
    assert copy_accounts(source, target).added == EVERYBODY
    assert everybody(target.place) == EVERYBODY


def test_broken_off_it_goes_on(
    way: tuple[Accounts, Accounts], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = way
    monkeypatch.setattr(copying, "BATCH", 1)
    with monkeypatch.context() as patch:
        insert = copying._Batch._insert

        def break_off(self: copying._Batch, change: Change, names: list[str]) -> None:
            insert(self, change, names)
            if "bob" in names:
                raise AccountsUnavailable("the network is gone")

        patch.setattr(copying._Batch, "_insert", break_off)
        with pytest.raises(AccountsUnavailable, match="is gone"):
            copy_accounts(source, target)
    assert target.names() == ["alice"]
    assert copy_accounts(source, target) == Copied(["bob", "carol"], ["alice"], [], [])
    assert without_generation(target) == without_generation(source)


def test_of_a_database_in_which_nothing_was_made_nothing_is_copied(new_accounts: Open) -> None:
    source, target = new_accounts("database"), new_accounts("database")
    assert copy_accounts(source, target) == Copied([], [], [], [])
    assert source.place.read("SELECT name FROM secret") == []
    filled(target)  # which could take over others until now


def test_a_file_that_is_served_takes_over_secrets(new_accounts: Open) -> None:
    """A server that has made up keys with the old ones must not go on with them."""
    source, target = filled(new_accounts("database")), new_accounts("file")
    before = target.place.secret("salts")
    copy_accounts(source, target)
    assert target.place.secret("salts") == source.place.secret("salts") != before


def test_what_is_shown_of_it_is_no_secret(new_accounts: Open) -> None:
    source = filled(new_accounts("file"))
    owned = copying._owned_by(["bob"], source.place.read)["bob"]
    assert owned.account is not None
    assert "secret" not in repr(owned)

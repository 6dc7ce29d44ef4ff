"""A file that an older Pillarbox made: brought up to date once, whole, by whoever comes first."""

import gzip
import sqlite3
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from pillarbox.auth import accounts_file, accounts_schema, kept_secrets
from pillarbox.auth.accounts import Accounts
from pillarbox.auth.accounts_schema import SCHEMA_VERSION
from pillarbox.auth.errors import AccountsUnavailable
from pillarbox.auth.passwords import secret_octets
from tests.auth.conftest import cheap_passwords

FILES = Path(__file__).parent / "files"


@pytest.fixture
def old_file(path: Path) -> Path:
    """Made by the code of version 1: alice with APOP, bob disabled, carol with a quota; dora, who
    was added last, is removed.
    """
    path.parent.mkdir()
    path.write_bytes(gzip.decompress((FILES / "accounts-v1.db.gz").read_bytes()))
    path.chmod(0o600)
    return path


def opened(path: Path) -> Accounts:
    return Accounts(path, passwords=cheap_passwords(), create=False)


def version(path: Path) -> int:
    connection = sqlite3.connect(path)
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    connection.close()
    return int(found)


def test_an_old_file_keeps_all_that_was_in_it(old_file: Path) -> None:
    assert version(old_file) == 1
    accounts = opened(old_file)
    alice, bob, carol = accounts.records()
    assert (alice.name, alice.apop_secret, alice.disabled) == ("alice", b"secret", False)
    assert (bob.name, bob.apop_secret, bob.disabled) == ("bob", None, True)
    assert (carol.name, carol.quota_octets, carol.created_at) == ("carol", 5000, 1_000_000)
    for record in (alice, bob, carol):
        assert cheap_passwords().proves(record.verifier, secret_octets("secret"))
    assert accounts.add("dora", "secret").generation == 6  # dora's first was 5: never given again
    accounts.close()
    assert version(old_file) == SCHEMA_VERSION
    assert stat.S_IMODE(old_file.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "first_use",
    [
        lambda accounts: accounts.find("alice"),
        lambda accounts: accounts.add_device("alice", "phone"),
        lambda accounts: accounts.disable("alice"),
    ],
)
def test_any_first_use_brings_it_up_to_date(
    old_file: Path, first_use: Callable[[Accounts], object]
) -> None:
    accounts = opened(old_file)
    first_use(accounts)
    accounts.add_device("alice", "laptop")
    accounts.close()
    assert version(old_file) == SCHEMA_VERSION


def test_a_server_of_the_old_version_that_has_it_open_goes_on(old_file: Path) -> None:
    """With what the old code says, word for word."""
    old = sqlite3.connect(old_file, isolation_level=None)
    columns = (
        "name, verifier, disabled, quota_octets, apop_secret, generation, created_at, changed_at"
    )
    before = old.execute(f"SELECT {columns} FROM account ORDER BY name").fetchall()
    accounts = opened(old_file)
    accounts.add_device("alice", "phone")
    assert old.execute(f"SELECT {columns} FROM account ORDER BY name").fetchall() == before
    old.execute(
        "INSERT INTO account VALUES (?, ?, ?, ?, ?, ?, ?, ?)", ("eve", "v", 0, 0, None, 99, 1, 1)
    )
    old.execute("UPDATE account SET verifier = 'w' WHERE name = 'eve' AND generation = 99")
    old.close()
    assert accounts.get("eve").verifier == "w"
    accounts.close()


def test_processes_that_open_it_together_bring_it_up_to_date_once(old_file: Path) -> None:
    start = threading.Barrier(8)
    many = [opened(old_file) for _ in range(8)]

    def use(accounts: Accounts, number: int) -> None:
        start.wait()
        accounts.add_device("alice", f"device{number}")

    threads = [threading.Thread(target=use, args=item) for item in zip(many, range(8), strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(many[0].devices("alice")) == 8
    assert len({accounts.place.secret("app-passwords") for accounts in many}) == 1
    for accounts in many:
        accounts.close()


def test_a_crash_on_the_way_leaves_the_old_file(
    old_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = (*accounts_schema._DEVICES, "INSERT INTO nowhere VALUES (1)")
    with monkeypatch.context() as patch:
        patch.setattr(accounts_schema, "_DEVICES", broken)
        with pytest.raises(AccountsUnavailable, match="nowhere"):
            opened(old_file).find("alice")
    assert version(old_file) == 1
    accounts = opened(old_file)
    assert accounts.get("alice").apop_secret == b"secret"
    accounts.close()


def test_whoever_cannot_bring_it_up_to_date_now_says_why_and_can_later(
    old_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts_file, "READ_WAIT_SECONDS", 0)
    other = sqlite3.connect(old_file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    accounts = opened(old_file)
    with pytest.raises(AccountsUnavailable, match="another program holds it"):
        accounts.find("alice")
    other.execute("ROLLBACK")
    other.close()
    assert accounts.find("alice")
    accounts.close()


def test_a_new_file_has_secrets_of_its_own(tmp_path: Path) -> None:
    seen = set()
    for name in "ab":
        accounts = Accounts(tmp_path / name / "accounts.db", passwords=cheap_passwords())
        seen |= {accounts.place.secret("app-passwords"), accounts.place.secret("salts")}
        assert accounts.place.secret("salts") == accounts.place.secret("salts")
        accounts.close()
    assert len(seen) == 4
    assert {len(secret) for secret in seen} == {kept_secrets.OCTETS}


def test_a_file_put_back_from_elsewhere_has_its_own_secrets_after_a_reload(tmp_path: Path) -> None:
    paths = [tmp_path / name / "accounts.db" for name in "ab"]
    one, other = (Accounts(path, passwords=cheap_passwords()) for path in paths)
    first, second = one.place.secret("salts"), other.place.secret("salts")
    one.close()
    other.close()
    paths[1].replace(paths[0])
    assert one.place.secret("salts") == second != first
    one.close()


def test_a_file_that_has_lost_its_secrets_is_named(accounts: Accounts, path: Path) -> None:
    accounts.names()
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("DELETE FROM secret")
    connection.close()
    with pytest.raises(AccountsUnavailable, match=r"accounts\.db has lost a secret.*backup"):
        accounts.add_device("alice", "phone")

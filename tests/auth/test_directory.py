"""Which account mail is for."""

from pathlib import Path

import pytest

from pillarbox.auth.accounts import Accounts
from pillarbox.auth.directory import LocalDirectory
from pillarbox.contracts.auth import Directory
from pillarbox.contracts.errors import AuthUnavailable
from tests.auth.places import in_a_file
from tests.auth.test_names import NASTY


@pytest.fixture
def directory(accounts: Accounts) -> Directory:
    accounts.add("alice", "secret", quota_octets=5000)
    return LocalDirectory(accounts, domains=["example.org", "b\u00fccher.example"])


async def found(directory: Directory, address: str) -> tuple[str, int]:
    """User and quota of the account."""
    account = await directory.find(address)
    assert account is not None
    return account.user, account.quota_octets


@pytest.mark.parametrize(
    "address",
    [
        "alice@example.org",
        "Alice+phone@Example.ORG",
        '"alice"@example.org',
        "alice@xn--bcher-kva.example",
    ],
)
async def test_an_address_of_an_account(directory: Directory, address: str) -> None:
    assert await found(directory, address) == ("alice", 5000)


async def test_utf8_local_parts(directory: Directory, accounts: Accounts) -> None:
    accounts.add("zo\u00eb", "secret")
    assert await found(directory, "ZOE\u0308@example.org") == ("zo\u00eb", 0)


@pytest.mark.parametrize(
    "address",
    ["bob@example.org", "alice@example.net", "alice", "", "alice phone@example.org", "postmaster"],
)
async def test_an_address_of_nobody(directory: Directory, address: str) -> None:
    assert await directory.find(address) is None


async def test_postmaster_needs_no_domain_but_an_account(
    directory: Directory, accounts: Accounts
) -> None:
    """RFC 5321, section 4.5.1."""
    accounts.add("postmaster", "secret")
    assert await found(directory, "Postmaster") == ("postmaster", 0)


async def test_a_disabled_account_still_gets_mail(directory: Directory, accounts: Accounts) -> None:
    accounts.disable("alice")
    assert await found(directory, "alice@example.org") == ("alice", 5000)


async def test_changes_are_seen_at_once(directory: Directory, accounts: Accounts) -> None:
    accounts.set_quota("alice", 7)
    assert await found(directory, "alice@example.org") == ("alice", 7)
    accounts.add("bob", "secret")
    accounts.remove("alice")
    assert await directory.find("alice@example.org") is None


async def test_the_next_account_of_a_name_has_another_generation(
    directory: Directory, accounts: Accounts
) -> None:
    before = await directory.find("alice@example.org")
    assert before == await directory.find("alice@example.org")
    accounts.remove("alice")
    accounts.add("alice", "secret", quota_octets=5000)
    assert await directory.find("alice@example.org") != before


@pytest.mark.parametrize("name", NASTY, ids=ascii)
async def test_cve_2026_24031_nasty_addresses_find_nobody_and_break_nothing(
    directory: Directory, name: str
) -> None:
    plain = name not in ("alice@example.org", "alice+phone")
    if plain:
        assert await directory.find(name) is None
        assert await directory.find(f"{name}@example.org") is None
    assert await found(directory, "alice@example.org") == ("alice", 5000)


@in_a_file
async def test_finding_does_not_suspend(directory: Directory) -> None:
    with pytest.raises(StopIteration):
        directory.find("alice@example.org").send(None)


async def test_where_there_is_no_account_at_all_nobody_is_unknown(accounts: Accounts) -> None:
    """A store.path that is mistyped or not mounted must not bounce everybody's mail."""
    directory = LocalDirectory(accounts, domains=["example.org"])
    with pytest.raises(AuthUnavailable, match=r"(accounts\.db|database).*user add"):
        await directory.find("alice@example.org")
    assert await directory.find("alice@example.net") is None  # nobody's, whatever is mounted
    accounts.add("bob", "secret")
    assert await directory.find("alice@example.org") is None


async def test_a_file_that_is_not_there_is_not_an_unknown_user(path: Path) -> None:
    directory = LocalDirectory(Accounts(path, create=False), domains=["example.org"])
    with pytest.raises(AuthUnavailable, match=r"accounts\.db.*backup"):
        await directory.find("alice@example.org")
    assert not list(path.parent.parent.iterdir())


async def test_a_file_that_cannot_be_read_is_not_an_unknown_user(tmp_path: Path) -> None:
    (tmp_path / "accounts.db").write_bytes(b"not a database, but as long as one" * 10)
    directory = LocalDirectory(Accounts(tmp_path / "accounts.db"), domains=["example.org"])
    with pytest.raises(AuthUnavailable, match=r"accounts\.db"):
        await directory.find("alice@example.org")

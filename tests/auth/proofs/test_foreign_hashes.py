"""Accounts with another server's hash: they open at once, and are ours from then on."""

import asyncio

import argon2
import pytest

from pillarbox.auth.account import NewAccount, account_of_hash
from pillarbox.auth.accounts import Accounts, Imported
from pillarbox.auth.authenticator import LocalAuthenticator
from pillarbox.auth.errors import AccountExists, InvalidHash, InvalidName, InvalidQuota
from pillarbox.auth.schemes import proves
from pillarbox.auth.throttle import Throttle
from pillarbox.contracts.errors import AuthUnavailable
from pillarbox.model import Identity
from pillarbox.sasl.claims import ScramClaim
from tests.auth.conftest import CountingPasswords, price
from tests.auth.places import in_a_file
from tests.auth.proofs.conftest import PEER, known, opened, refused, says

BCRYPT = "$2y$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"  # of "U*U*"
SCRAM = (
    "{SCRAM-SHA-256}4096,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,"
    "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="  # of "pencil"
)
ABSURD = "$2y$31$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"


@pytest.mark.parametrize(
    ("stored", "password"),
    [
        ("{PLAIN}secret", "secret"),
        ("{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "secret"),
        (BCRYPT, "U*U*"),
        ("{BLF-CRYPT}" + BCRYPT, "U*U*"),
        (SCRAM, "pencil"),
    ],
)
async def test_it_opens_and_is_ours_from_the_first_sign_in_on(
    door: LocalAuthenticator,
    accounts: Accounts,
    passwords: CountingPasswords,
    stored: str,
    password: str,
) -> None:
    assert proves(stored, password)
    made = accounts.add_with_hash("Dora", stored, quota_octets=5)
    assert (made.name, made.quota_octets) == ("dora", 5)
    await refused(door, says("dora", "wrong"))
    assert accounts.get("dora") == made
    assert await opened(door, says("dora", password)) == Identity("dora")
    ours = accounts.get("dora")
    assert argon2.extract_parameters(ours.verifier).type is argon2.Type.ID
    assert ours == made._replace(verifier=ours.verifier)
    assert passwords.proves(ours.verifier, password.encode())
    keys = await door.scram_keys("dora", "sha256", PEER)
    assert await opened(door, ScramClaim("dora", "sha256", keys, True)) == Identity("dora")
    assert keys.iterations == passwords.scram_iterations
    passwords.work.clear()
    assert await known(door, says("dora", password)) == Identity("dora")


async def test_keys_of_scram_from_elsewhere_open_before_any_password_is_seen(
    door: LocalAuthenticator, accounts: Accounts
) -> None:
    accounts.add_with_hash("dora", SCRAM)
    keys = await door.scram_keys("dora", "sha256", PEER)
    assert (keys.iterations, keys.salt.hex()) == (4096, "5b6d99689d12358eeca04b141236fa81")
    assert await opened(door, ScramClaim("dora", "sha256", keys, True)) == Identity("dora")


async def test_a_wrong_password_costs_our_own_hash_besides(
    door: LocalAuthenticator, accounts: Accounts, passwords: CountingPasswords
) -> None:
    """A cheap hash of another server must not be told by its time from an unknown user."""
    accounts.add_with_hash("dora", "{PLAIN}secret")
    for name in ("dora", "nobody"):
        passwords.work.clear()
        await refused(door, says(name, "wrong"))
        assert passwords.work == [price(passwords.verifier(b""))]


async def test_an_absurdly_dear_hash_is_no_refusal_kills_nothing_and_is_named(
    door: LocalAuthenticator, accounts: Accounts, throttle: Throttle
) -> None:
    with pytest.raises(InvalidHash, match="too dear"):
        accounts.add_with_hash("dora", ABSURD)
    accounts.add_all([NewAccount("dora", "{CRYPT}" + ABSURD)])  # by hand, say
    with pytest.raises(AuthUnavailable, match=r"password of dora cannot be checked.*too dear"):
        await opened(door, says("dora", "U*U*"))
    assert throttle.addresses.is_calm(PEER)
    assert await opened(door, says("alice", "secret")) == Identity("alice")


@in_a_file
async def test_it_is_checked_on_the_threads_that_hash(
    door: LocalAuthenticator, accounts: Accounts
) -> None:
    accounts.add_with_hash("dora", BCRYPT)
    attempt = asyncio.create_task(door.check(says("dora", "U*U*"), PEER))
    await asyncio.sleep(0)
    assert len(door._hashes) == 1
    await attempt


async def test_an_imported_hash_of_argon2_is_bounded_like_all_others(
    door: LocalAuthenticator, accounts: Accounts, passwords: CountingPasswords
) -> None:
    accounts.add_with_hash("dora", passwords.verifier(b"secret"))
    assert accounts.get("dora").verifier.startswith("{CRYPT}$argon2id$")
    assert await opened(door, says("dora", "secret")) == Identity("dora")


# Adding


@pytest.mark.parametrize(
    ("name", "stored", "quota", "error"),
    [
        ("dora", "secret", 0, InvalidHash),
        ("dora", "{NOSUCH}x", 0, InvalidHash),
        ("a/b", "{PLAIN}x", 0, InvalidName),
        ("dora", "{PLAIN}x", -1, InvalidQuota),
        ("alice", "{PLAIN}x", 0, AccountExists),
    ],
)
def test_what_cannot_be_added_changes_nothing(
    accounts: Accounts, name: str, stored: str, quota: int, error: type[Exception]
) -> None:
    before = accounts.add("alice", "secret")
    with pytest.raises(error):
        accounts.add_with_hash(name, stored, quota_octets=quota)
    assert accounts.records() == [before]


def test_many_are_added_together_and_those_that_are_there_are_left_alone(
    accounts: Accounts,
) -> None:
    alice = accounts.add("alice", "secret")
    new = [account_of_hash(name, "{PLAIN}x", quota_octets=7) for name in ("alice", "bob", "carol")]
    assert accounts.add_all(new) == Imported(["bob", "carol"], [], ["alice"])
    assert accounts.get("alice") == alice
    assert accounts.get("carol").quota_octets == 7


def test_those_that_are_there_are_replaced_when_that_is_asked_for(accounts: Accounts) -> None:
    before = accounts.add("alice", "secret", apop=True)
    accounts.add_device("alice", "phone")
    new = account_of_hash("alice", "{PLAIN}x", quota_octets=7, disabled=True)
    assert accounts.add_all([new], replace=True) == Imported([], ["alice"], [])
    after = accounts.get("alice")
    assert after.generation > before.generation
    assert (after.verifier, after.apop_secret) == ("{PLAIN}x", None)
    assert (after.disabled, after.quota_octets) == (True, 7)
    assert accounts.scram.hashes_of("alice") == set()
    assert accounts.has_devices("alice")


def test_an_error_in_the_middle_adds_none(accounts: Accounts) -> None:
    good = account_of_hash("bob", "{PLAIN}x")
    with pytest.raises(Exception, match=r"(?i)not.null"):
        accounts.add_all([good, good._replace(name="carol", verifier=None)])  # type: ignore[arg-type]  # as a bug would
    assert accounts.names() == []


def test_a_new_account_shows_no_secret() -> None:
    assert "hunter2" not in repr(account_of_hash("dora", "{PLAIN}hunter2"))

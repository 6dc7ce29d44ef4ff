"""SCRAM's keys: whose they are, that nobody learns who is known, and what they open."""

import asyncio
import hashlib
import hmac
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.auth import scram_keys
from pillarbox.auth.accounts import Accounts
from pillarbox.auth.authenticator import LocalAuthenticator
from pillarbox.auth.place import Change
from pillarbox.auth.scram_keys import DEVICE_ITERATIONS, HASHES, SALT_OCTETS
from pillarbox.contracts.errors import AuthUnavailable
from pillarbox.model import Identity
from pillarbox.sasl.claims import ScramClaim, ScramKeys
from tests.auth.conftest import CHEAP, CountingPasswords
from tests.auth.proofs.conftest import DOMAINS, PEER, Printed, known, opened, refused, says

UNKNOWN = ["nobody", "alice@example.net", "", "a/b", "\udcff", "\ud800", "bob", "carol"]


def are_of(password: str, keys: ScramKeys, hash_name: str = "sha256") -> bool:
    """Whether a client that knows *password* proves right for *keys* (RFC 5802, section 3)."""
    salted = hashlib.pbkdf2_hmac(hash_name, password.encode(), keys.salt, keys.iterations)
    client_key = hmac.digest(salted, b"Client Key", hash_name)
    return (
        hashlib.new(hash_name, client_key).digest() == keys.stored_key
        and hmac.digest(salted, b"Server Key", hash_name) == keys.server_key
    )


async def exchange(
    door: LocalAuthenticator, name: str, password: str, hash_name: str = "sha256"
) -> ScramClaim:
    keys = await door.scram_keys(name, hash_name, PEER)
    return ScramClaim(name, hash_name, keys, are_of(password, keys, hash_name))


@pytest.mark.parametrize("name", ["alice", "ALICE", "alice@example.org"])
async def test_the_password_of_an_account_opens_it(door: LocalAuthenticator, name: str) -> None:
    claim = await exchange(door, name, "secret")
    assert claim.proved
    assert await known(door, claim) == Identity("alice")


@pytest.mark.parametrize("hash_name", HASHES)
async def test_a_printed_app_password_opens_its_device(
    door: LocalAuthenticator, printed: Printed, hash_name: str
) -> None:
    claim = await exchange(door, "Alice+Phone@example.org", printed.phone, hash_name)
    assert claim.proved
    assert await known(door, claim) == Identity("alice", "phone")
    assert not (await exchange(door, "alice+laptop", printed.phone, hash_name)).proved
    assert not (await exchange(door, "alice", printed.phone, hash_name)).proved


async def test_keys_follow_the_password(door: LocalAuthenticator, accounts: Accounts) -> None:
    before = await exchange(door, "alice", "secret")
    accounts.set_password("alice", "other")
    assert (await exchange(door, "alice", "other")).proved
    assert not (await exchange(door, "alice", "secret")).proved
    assert await refused(door, before) == "the account was changed during the sign-in"


@pytest.mark.parametrize(
    "change",
    [
        lambda accounts: accounts.disable("alice"),
        lambda accounts: accounts.remove("alice"),
        lambda accounts: accounts.require_app_passwords("alice"),
    ],
)
async def test_a_change_during_the_exchange_counts(
    door: LocalAuthenticator, accounts: Accounts, change: Callable[[Accounts], object]
) -> None:
    claim = await exchange(door, "alice", "secret")
    change(accounts)
    await refused(door, claim)


async def test_a_device_removed_during_the_exchange_is_out(
    door: LocalAuthenticator, accounts: Accounts, printed: Printed
) -> None:
    claim = await exchange(door, "alice+phone", printed.phone)
    accounts.remove_device("alice", "phone")
    accounts.add_device("alice", "phone")
    await refused(door, claim)


async def test_a_wrong_proof_is_refused(door: LocalAuthenticator) -> None:
    claim = await exchange(door, "alice", "wrong")
    assert await refused(door, claim) == "wrong password"


@pytest.mark.parametrize("name", UNKNOWN)
async def test_made_up_keys_open_nothing_even_when_proved(
    door: LocalAuthenticator, name: str
) -> None:
    claim = await exchange(door, name, "secret")
    assert not claim.proved
    await refused(door, claim)
    await refused(door, claim._replace(proved=True))


async def test_another_accounts_keys_open_nothing(door: LocalAuthenticator) -> None:
    keys = await door.scram_keys("alice", "sha256", PEER)
    for name in (*UNKNOWN, "alice+phone"):
        await refused(door, ScramClaim(name, "sha256", keys, True))


async def test_app_passwords_only_shuts_out_scram_of_the_human_password(
    door: LocalAuthenticator, printed: Printed
) -> None:
    assert not (await exchange(door, "carol", "secret")).proved
    claim = await exchange(door, "carol+phone", printed.carols)
    assert await opened(door, claim) == Identity("carol", "phone")


# Nobody learns who is known


@pytest.mark.parametrize("hash_name", HASHES)
@pytest.mark.parametrize("name", UNKNOWN)
async def test_made_up_keys_look_like_anybodys(
    door: LocalAuthenticator, accounts: Accounts, name: str, hash_name: str
) -> None:
    keys = await door.scram_keys(name, hash_name, PEER)
    assert (len(keys.salt), keys.iterations) == (SALT_OCTETS, DEVICE_ITERATIONS)
    real = await door.scram_keys("alice", "sha256", PEER)
    assert (len(keys.salt), keys.iterations) == (len(real.salt), real.iterations)
    assert len(keys.stored_key) == len(keys.server_key) == hashlib.new(hash_name).digest_size


async def test_devices_have_one_look_and_accounts_another_whether_they_exist_or_not(
    path: Path,
) -> None:
    class Dear(CountingPasswords):
        def __init__(self) -> None:
            super().__init__()
            self.scram_iterations = 5000

    accounts = Accounts(path, passwords=Dear())
    accounts.add("alice", "secret")
    accounts.add_device("alice", "phone")
    door = LocalAuthenticator(accounts, domains=DOMAINS)
    for name in ("alice", "nobody"):
        assert (await door.scram_keys(name, "sha256", PEER)).iterations == 5000
    for name in ("alice+phone", "alice+tablet", "nobody+phone"):
        assert (await door.scram_keys(name, "sha256", PEER)).iterations == DEVICE_ITERATIONS
    door.close()
    accounts.close()


async def test_made_up_keys_are_the_same_each_time_and_in_every_process(
    door: LocalAuthenticator, path: Path
) -> None:
    script = f"""
import asyncio, sys
from pathlib import Path
from pillarbox.auth.accounts import Accounts
from pillarbox.auth.authenticator import LocalAuthenticator
from pillarbox.auth.passwords import Passwords
accounts = Accounts(Path(sys.argv[1]), passwords=Passwords(scram_iterations={DEVICE_ITERATIONS}))
door = LocalAuthenticator(accounts, domains=["example.org"])
keys = asyncio.run(door.scram_keys("NOBODY@example.org", "sha256", "unix"))
print(keys.salt.hex(), keys.stored_key.hex())
"""
    here = await door.scram_keys("nobody", "sha256", PEER)
    assert here == await door.scram_keys("Nobody", "sha256", PEER)
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(path), stdout=subprocess.PIPE
    )
    said, _ = await other.communicate()
    assert said.decode().split() == [here.salt.hex(), here.stored_key.hex()]


async def test_made_up_keys_differ_by_name_by_hash_and_by_post_office(
    door: LocalAuthenticator, tmp_path: Path
) -> None:
    other = Accounts(tmp_path / "accounts.db", passwords=CountingPasswords(CHEAP))
    other_door = LocalAuthenticator(other, domains=DOMAINS)
    salts = [
        (await at.scram_keys(name, hash_name, PEER)).salt
        for at in (door, other_door)
        for name in ("nobody", "nobodyelse", "nobody+phone", "nobodyphone")
        for hash_name in HASHES
    ]
    assert len(set(salts)) == len(salts)
    other_door.close()
    other.close()


async def test_a_salt_never_changes_whatever_becomes_of_the_user(
    door: LocalAuthenticator, accounts: Accounts
) -> None:
    """One that did would tell that there is somebody."""

    async def salts() -> list[bytes]:
        return [
            (await door.scram_keys(name, "sha256", PEER)).salt for name in ("dora", "dora+phone")
        ]

    before = await salts()
    for change in (
        lambda: accounts.add_with_hash("dora", "{PLAIN}secret"),
        lambda: accounts.add_device("dora", "phone"),
        lambda: accounts.set_password("dora", "secret"),
        lambda: accounts.set_password("dora", "other"),
        lambda: accounts.require_app_passwords("dora"),
        lambda: accounts.disable("dora"),
        lambda: accounts.remove_device("dora", "phone"),
        lambda: accounts.remove("dora"),
    ):
        change()
        assert await salts() == before


async def test_an_account_without_keys_looks_unknown_until_its_password_is_used(
    door: LocalAuthenticator, accounts: Accounts
) -> None:
    """Accounts of the first version of the file have none."""
    accounts.place.change(lambda change: change.execute("DELETE FROM scram"))
    before = await exchange(door, "alice", "secret")
    assert not before.proved
    await refused(door, says("alice", "wrong"))
    assert not (await exchange(door, "alice", "secret")).proved
    record = accounts.get("alice")
    await opened(door, says("alice", "secret"))
    assert accounts.get("alice") == record  # no change of credentials
    claim = await exchange(door, "alice", "secret")
    assert claim.proved
    assert await opened(door, claim) == Identity("alice")


async def test_keys_of_a_hash_that_is_wanted_now_are_made_at_the_next_sign_in(
    path: Path, accounts: Accounts, passwords: CountingPasswords
) -> None:
    accounts.add("alice", "secret")
    assert accounts.scram.hashes_of("alice") == {"sha256"}
    passwords.scram_hashes = frozenset(HASHES)
    door = LocalAuthenticator(accounts)
    await opened(door, says("alice", "secret"))
    for hash_name in HASHES:
        assert (await exchange(door, "alice", "secret", hash_name)).proved
    door.close()


async def test_without_scram_no_keys_are_kept(path: Path) -> None:
    passwords = CountingPasswords()
    passwords.scram_hashes = frozenset()
    accounts = Accounts(path, passwords=passwords)
    accounts.add("alice", "secret")
    door = LocalAuthenticator(accounts)
    await opened(door, says("alice", "secret"))
    assert accounts.scram.hashes_of("alice") == set()
    door.close()
    accounts.close()


async def test_keys_are_of_the_prepared_password(
    door: LocalAuthenticator, accounts: Accounts
) -> None:
    """RFC 5802, section 2.2: SASLprep on both sides."""
    accounts.set_password("alice", "Zoe\u0308\u00a0IX")
    assert (await exchange(door, "alice", "Zo\u00eb IX")).proved


@pytest.mark.parametrize("name", ["alice", "alice+phone"])
async def test_damaged_keys_are_no_refusal_and_hurt_nobody_else(
    door: LocalAuthenticator, accounts: Accounts, printed: Printed, name: str
) -> None:
    """CVE-2019-7524: what is kept is untrusted input, too."""
    claim = await exchange(door, name, "secret")

    def damage(change: Change) -> None:
        change.execute("UPDATE scram SET keys = '4096,x' WHERE \"user\" = 'alice'")
        change.execute("UPDATE device SET scram_sha256 = '4096,x' WHERE device = 'phone'")

    accounts.place.change(damage)
    with pytest.raises(AuthUnavailable, match="keys for SCRAM are damaged"):
        await door.scram_keys(name, "sha256", PEER)
    with pytest.raises(AuthUnavailable, match="keys for SCRAM are damaged"):
        await opened(door, claim)
    laptop = await exchange(door, "alice+laptop", printed.laptop)
    assert await opened(door, laptop) == Identity("alice", "laptop")


async def test_a_file_that_cannot_be_read_is_no_answer(tmp_path: Path) -> None:
    (tmp_path / "accounts.db").write_bytes(b"not a database, but as long as one" * 10)
    accounts = Accounts(tmp_path / "accounts.db")
    door = LocalAuthenticator(accounts)
    with pytest.raises(AuthUnavailable, match=r"accounts\.db"):
        await door.scram_keys("alice", "sha256", PEER)
    door.close()


# How they are written


@given(
    st.sampled_from(HASHES),
    st.binary(min_size=1, max_size=64),
    st.integers(1, scram_keys.MAX_ITERATIONS),
    st.data(),
)
def test_what_is_written_is_read(
    hash_name: str, salt: bytes, iterations: int, data: st.DataObject
) -> None:
    size = hashlib.new(hash_name).digest_size
    stored, server = (data.draw(st.binary(min_size=size, max_size=size)) for _ in range(2))
    keys = ScramKeys(salt, iterations, stored, server)
    assert scram_keys.from_text(hash_name, scram_keys.to_text(keys)) == keys


@given(st.text() | st.from_regex(r"[0-9]{1,12},[A-Za-z0-9+/=]*,[A-Za-z0-9+/=]*,[A-Za-z0-9+/=]*"))
def test_what_is_not_so_written_is_a_value_error(text: str) -> None:
    for hash_name in HASHES:
        try:
            keys = scram_keys.from_text(hash_name, text)
        except ValueError:
            continue
        assert len(keys.stored_key) == hashlib.new(hash_name).digest_size


def test_defaults_keep_to_the_rfcs_and_what_our_own_client_accepts() -> None:
    from pillarbox.sasl.scram_messages import (  # noqa: PLC0415 - the other side
        MAX_ITERATIONS,
        MIN_ITERATIONS,
    )

    for iterations in (DEVICE_ITERATIONS, scram_keys.HUMAN_ITERATIONS):
        assert MIN_ITERATIONS <= iterations <= MAX_ITERATIONS

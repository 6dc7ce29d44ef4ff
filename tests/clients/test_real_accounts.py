"""Clients against the accounts file itself, over real TLS: who was what, with which keys."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import pillarbox
from pillarbox.auth.accounts import Accounts
from pillarbox.auth.authenticator import LocalAuthenticator
from pillarbox.auth.passwords import Passwords
from pillarbox.auth.scram_keys import HASHES
from pillarbox.client.errors import SignInRefused
from pillarbox.client.tls import TlsSettings
from pillarbox.model import Identity
from pillarbox.sasl.claims import Claim
from pillarbox.sasl.server import MECHANISMS
from pillarbox.server.limits import Policy
from tests.auth.conftest import CHEAP
from tests.clients.test_mechanisms import run
from tests.server.house import House
from tests.world import FaultyStore

MAIL = b"Subject: for you\r\n\r\nhere it is\r\n"
BY_PASSWORD = ("PLAIN", "LOGIN")
BY_KEYS = ("SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS")


class Witness(LocalAuthenticator):
    """Remembers who came; all see the view ``default``, which every store has."""

    def __init__(self, accounts: Accounts) -> None:
        super().__init__(accounts, domains=["example.org"])
        self.came: list[Identity] = []

    async def check(self, claim: Claim, peer: str) -> Identity:
        identity = await super().check(claim, peer)
        self.came.append(identity)
        return Identity(identity.user)


@pytest.fixture
def accounts(tmp_path: Path) -> Accounts:
    return Accounts(tmp_path / "accounts.db", passwords=Passwords(CHEAP, scram_hashes=HASHES))


@pytest.fixture
def phone(accounts: Accounts) -> str:
    accounts.add("alice", "a fine and private place", apop=True)
    return accounts.add_device("alice", "phone").printed


@pytest.fixture
async def house(accounts: Accounts, phone: str, tmp_path: Path) -> AsyncIterator[House]:
    store = FaultyStore()
    await store.put("alice", MAIL)
    witness = Witness(accounts)
    house = House(store, witness, tmp_path, Policy(mechanisms=tuple(MECHANISMS), apop=True))
    await house.open()
    yield house
    await house.server.stop(0)
    witness.close()
    accounts.close()


async def collect(house: House, name: str, password: str, mechanism: str) -> Identity:
    """With our own client."""
    url = f"pop3s://{name}@localhost:{house.ports['pop3s']}"
    tls = TlsSettings(ca=house.authority)
    async with pillarbox.connect(url, password=password, tls=tls, mechanism=mechanism) as box:
        assert b"".join([piece async for piece in box.retrieve(1)]) == MAIL
    witness = house.server.services.authenticator
    assert isinstance(witness, Witness)
    return witness.came.pop()


@pytest.mark.parametrize("mechanism", [*BY_PASSWORD, *BY_KEYS, "CRAM-MD5", "APOP", "USER"])
async def test_the_password_of_an_account_by_every_mechanism(house: House, mechanism: str) -> None:
    came = await collect(house, "alice", "a fine and private place", mechanism)
    assert came == Identity("alice", "default")


@pytest.mark.parametrize("mechanism", [*BY_PASSWORD, *BY_KEYS, "USER"])
async def test_an_app_password_by_every_mechanism(house: House, phone: str, mechanism: str) -> None:
    assert await collect(house, "alice+phone", phone, mechanism) == Identity("alice", "phone")
    if mechanism not in BY_KEYS:
        assert await collect(house, "alice", phone, mechanism) == Identity("alice", "phone")


@pytest.mark.parametrize("mechanism", [*BY_PASSWORD, *BY_KEYS, "CRAM-MD5", "APOP", "USER"])
async def test_with_app_passwords_only_the_other_is_wrong_by_every_mechanism(
    house: House, accounts: Accounts, mechanism: str
) -> None:
    accounts.require_app_passwords("alice")
    with pytest.raises(SignInRefused):
        await collect(house, "alice", "a fine and private place", mechanism)


@pytest.mark.parametrize("mechanism", BY_KEYS)
async def test_a_hash_of_another_server_becomes_keys_at_the_first_sign_in(
    house: House, accounts: Accounts, mechanism: str
) -> None:
    accounts.remove("alice")
    accounts.add_with_hash("alice", "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=")
    with pytest.raises(SignInRefused):
        await collect(house, "alice", "secret", mechanism)
    assert await collect(house, "alice", "secret", "PLAIN") == Identity("alice")
    assert await collect(house, "alice", "secret", mechanism) == Identity("alice")


@pytest.mark.parametrize("mechanism", ["plain", "login", "scram-sha-1", "scram-sha-256"])
async def test_mpop_comes_as_a_device(
    house: House, phone: str, tmp_path: Path, mechanism: str
) -> None:
    if shutil.which("mpop") is None:
        pytest.skip("mpop is not installed on this machine")
    control = tmp_path / "mpoprc"
    (tmp_path / "mail").touch()
    control.write_text(f"""
        account default
        host localhost
        port {house.ports["pop3s"]}
        tls on
        tls_starttls off
        tls_trust_file {house.authority}
        auth {mechanism}
        user alice+phone
        password "{phone}"
        keep on
        uidls_file {tmp_path / "uidls"}
        delivery mbox {tmp_path / "mail"}
        """)
    control.chmod(0o600)
    code, said = await run(tmp_path, "mpop", "--file", str(control), "--quiet")
    assert code == 0, said
    witness = house.server.services.authenticator
    assert isinstance(witness, Witness)
    assert witness.came == [Identity("alice", "phone")]

"""The server from which an account is collected is changed on its page: tried first, and kept only then, with what has been collected."""

from __future__ import annotations

import tomllib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import keyring
import pytest
from keyring.backend import KeyringBackend

from pillarbox.app.collecting.values import READER
from pillarbox.app.reading.accounts import ConfiguredAccounts
from pillarbox.app.reading.setting_up import ConfiguredSetup
from pillarbox.client.endpoint import Endpoint, Security
from pillarbox.client.signing_in import reveal
from pillarbox.fetch.run import run
from pillarbox.reader.errors import CannotAddAccount
from pillarbox.reader.setting_up import Mailbox
from tests.app.reading.test_setting_up import anything, nowhere
from tests.fetch.hostile.maildrop import Mail, letter, letters
from tests.fetch.hostile.server import HOST, PASSWORD, HostileServer, Said
from tests.reader.desk import make_desk, visitor
from tests.reader.web.accounts.test_overview import Collector
from tests.reader.web.accounts.test_sending import Outbox

CONFIG = """\
# The first.
[accounts.work]   # comment
url = "pop3://alice@{place}"  # the server
insecure_cleartext = true
to = "reader"
keep = true
password_file = "mailbox"

[accounts.home]
url = "pop3s://alice%40home.example.org@mail.home.example.org"
to = "reader"
fingerprint = "{pin}"
smtp = "smtps://mail.home.example.org"

[accounts.token]
url = "pop3s://t@token.example.org"
to = "reader"
password_command = "echo other"
"""
SENDS = """
[accounts.sends]
url = "pop3s://alice@pop.old.example"
to = "reader"
smtp = "smtps://{smtp}"
"""
"""An account as the wizard makes it: nothing of its own signs it in for sending."""
BY_FILE = 'password_file = "mailbox"\n'
ELSEWHERE = {"host": "pop.new.example", "security": "tls", "port": "", "untried": "on"}
PIN = "ab" * 32
RESTED = [("rests", "work"), ("goes on", "work")]


class World:
    """A reader with an account whose mail has been collected from a server."""

    def __init__(self, folder: Path, server: HostileServer, *overrides: str) -> None:
        self.folder, self.server = folder, server
        self.file = folder / "pillarbox.toml"
        self.file.write_text(CONFIG.format(place=f"{HOST}:{server.port}", pin=PIN))
        password = folder / "mailbox"
        password.write_text(f"{PASSWORD}\n")
        password.chmod(0o600)
        self.accounts = ConfiguredAccounts(self.file, overrides, folder / "state")
        self.collector, self.outbox = Collector(), Outbox()
        self.browser: httpx.AsyncClient

    async def collect(self) -> int:
        """How many messages came."""
        account = self.accounts.to_collect("work", self.folder / "mail")
        outcome = await run(account, self.accounts.state)
        assert outcome.error is None
        return outcome.totals.retrieved

    async def post(self, account: str = "work", **fields: str) -> httpx.Response:
        form = {"host": HOST, "security": "none", "port": str(self.server.port), "user": "alice"}
        form |= {"password": "", "ca": "", "fingerprint": ""}
        return await self.browser.post(f"/accounts/{account}/collecting", data=form | fields)

    def add(self, text: str) -> None:
        """*text* stands in the configuration, too."""
        self.file.write_text(self.file.read_text() + text)

    async def sending(self) -> tuple[str, str | None, str | None]:
        """Where the mail of the account of SENDS leaves, and what it signs in with there."""
        submission = self.accounts.to_submit("sends")
        return submission.host, submission.user, await reveal(submission.password)

    def said(self, account: str = "work") -> dict[str, Any]:
        found: dict[str, Any] = tomllib.loads(self.file.read_text())["accounts"][account]
        return found


@asynccontextmanager
async def pages(folder: Path, *overrides: str) -> AsyncIterator[World]:
    async with HostileServer(letters(3)) as server:
        world = World(folder, server, *overrides)
        setup = ConfiguredSetup(world.accounts, anything, nowhere)
        desk = make_desk(
            accounts=world.accounts, setup=setup, collector=world.collector, outbox=world.outbox
        )
        async with visitor(desk) as world.browser:
            yield world


@pytest.fixture(autouse=True)
def no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")


async def test_a_server_that_was_renamed_hands_out_only_what_is_new(tmp_path: Path) -> None:
    """There was no way to change it: removed and added again, the account got all of its mail a second time."""
    async with pages(tmp_path) as world, HostileServer([*letters(3), letter(4)]) as renamed:
        assert await world.collect() == 3
        assert "/accounts/work/collecting" in (await world.browser.get("/accounts/work")).text
        form = await world.browser.get("/accounts/work/collecting")
        assert f'value="{world.server.port}"' in form.text
        reply = await world.post(port=str(renamed.port))
        assert (reply.status_code, reply.headers["location"]) == (303, "/accounts/work?saved=same")
        said = (await world.browser.get(reply.headers["location"])).text
        assert "does not come again" in said
        assert world.said()["url"] == f"pop3://alice@{HOST}:{renamed.port}"
        for comment in ("# The first.", "# comment", "# the server"):
            assert comment in world.file.read_text()
        assert world.collector.told == RESTED
        assert await world.collect() == 1
        assert renamed.maildrop.retrieved == {"uid-4": 1}


async def test_what_does_not_work_is_said_and_not_kept(tmp_path: Path) -> None:
    async with pages(tmp_path) as world, HostileServer(letters(3)) as refusing:
        await world.collect()

        def refused(_: Said) -> bytes:
            return b"-ERR [AUTH] no\r\n"

        refusing.instead["PASS"] = refused
        before = world.file.read_text()
        reply = await world.post(port=str(refusing.port), password="hunter2")
        assert reply.status_code == 422
        assert "Nothing was changed." in reply.text
        assert "hunter2" not in reply.text
        assert f'value="{refusing.port}"' in reply.text
        assert world.file.read_text() == before
        assert world.collector.told == RESTED
        kept = await world.post(port=str(refusing.port), password=PASSWORD, untried="on", same="on")
        assert kept.status_code == 303
        assert PASSWORD not in world.file.read_text()
        assert len(refusing.sessions) == 1
        refusing.be_good()
        assert await world.collect() == 0


async def test_another_mailbox_is_asked_about_before_all_of_it_comes(tmp_path: Path) -> None:
    other = [Mail(f"other-{n}", letter(n).content) for n in range(4)]
    async with pages(tmp_path) as world, HostileServer(other) as server:
        await world.collect()
        before = world.file.read_text()
        reply = await world.post(port=str(server.port))
        assert reply.status_code == 422
        assert "4 messages would all be collected" in reply.text
        assert world.file.read_text() == before
        reply = await world.post(port=str(server.port), other="on")
        assert reply.headers["location"] == "/accounts/work?saved"
        assert await world.collect() == 4
        back = await world.post(port=str(world.server.port))
        assert back.status_code == 303
        assert await world.collect() == 0


async def test_an_account_that_was_added_with_a_slip_is_mended(tmp_path: Path) -> None:
    async with pages(tmp_path) as world, HostileServer(letters(2)) as right:
        reply = await world.post(port=str(right.port), user="alice")
        assert reply.headers["location"] == "/accounts/work?saved"
        assert await world.collect() == 2


async def test_a_new_password_counts_with_the_new_server(tmp_path: Path) -> None:
    async with pages(tmp_path) as world:
        (tmp_path / "mailbox").write_text("an old one\n")
        assert (await world.post(password=PASSWORD)).status_code == 303
        kept = world.accounts.to_collect("work", tmp_path).password
        assert await reveal(kept) == PASSWORD
        assert world.said()["password_file"].startswith("pillarbox-passwords/")
        assert "# the server" in world.file.read_text()


async def test_what_followed_from_the_old_server_stays(tmp_path: Path) -> None:
    """The address of who writes, and the certificate that counts where mail leaves."""
    async with pages(tmp_path) as world:
        (before, sender) = (
            world.accounts.recipe("home", READER),
            world.accounts.identity("home"),
        )
        reply = await world.post(
            "home", host="pop.example.org", security="tls", port="", user="al", untried="on"
        )
        assert reply.status_code == 303
        after = world.accounts.recipe("home", READER)
        assert str(after.account.endpoint) == "pop3s://al@pop.example.org"
        assert (before.account.tls.fingerprint, after.account.tls.fingerprint) == (
            PIN,
            None,
        )
        assert world.accounts.identity("home") == sender
        assert world.said("home")["smtp_fingerprint"] == PIN
        assert "fingerprint" not in world.said("home")


class Ring(KeyringBackend):
    """A keyring in memory."""

    priority = 5

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.fixture
def ring() -> Iterator[Ring]:
    before, made = keyring.get_keyring(), Ring()
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


async def test_the_password_in_the_keyring_goes_along(tmp_path: Path, ring: Ring) -> None:
    work, home = ("pillarbox:127.0.0.1", "al"), ("pillarbox:pop.example.org", "alice")
    ring.kept[home_before := ("pillarbox:mail.home.example.org", "alice@home.example.org")] = "kept"
    async with pages(tmp_path) as world:
        await world.post("work", password="typed", user="al", untried="on")
        assert ring.kept[work] == "typed"
        assert "password_file" not in world.said()
        await world.post("work", user="alice", untried="on")
        assert work not in ring.kept
        fields = {"security": "tls", "port": "", "untried": "on"}
        await world.post("home", host="pop.example.org", **fields)
        # It signs in where mail leaves by the old name, too.
        assert (ring.kept[home], ring.kept[home_before]) == ("kept", "kept")


@pytest.mark.parametrize("user", ["alice", "bob"])
@pytest.mark.parametrize("smtp", ["smtp.old.example", "pop.old.example"])
async def test_the_password_of_a_new_provider_is_not_sent_to_the_old_one(
    tmp_path: Path, smtp: str, user: str
) -> None:
    """Who sends without a name and a password of their own goes on with those of before."""
    async with pages(tmp_path) as world:
        world.add(SENDS.format(smtp=smtp) + BY_FILE)
        assert await world.sending() == (smtp, "alice", PASSWORD)
        reply = await world.post("sends", **ELSEWHERE, user=user, password="new")
        assert reply.status_code == 303
        collected = world.accounts.to_collect("sends", tmp_path)
        assert (collected.endpoint.host, collected.endpoint.user) == ("pop.new.example", user)
        assert await reveal(collected.password) == "new"
        assert await world.sending() == (smtp, "alice", PASSWORD)
        kept = tmp_path / world.said("sends")["smtp_password_file"]
        assert kept.stat().st_mode & 0o777 == 0o600
        assert PASSWORD not in world.file.read_text()


@pytest.mark.parametrize("user", ["alice", "bob"])
@pytest.mark.parametrize("smtp", ["smtp.old.example", "pop.old.example"])
async def test_nor_is_it_from_a_keyring(tmp_path: Path, ring: Ring, smtp: str, user: str) -> None:
    ring.kept["pillarbox:pop.old.example", "alice"] = "old"
    async with pages(tmp_path) as world:
        world.add(SENDS.format(smtp=smtp))
        assert await world.sending() == (smtp, "alice", "old")
        reply = await world.post("sends", **ELSEWHERE, user=user, password="new")
        assert reply.status_code == 303
        assert ring.kept["pillarbox:pop.new.example", user] == "new"
        assert await world.sending() == (smtp, "alice", "old")


async def test_nor_is_one_that_the_keyring_had_for_the_new_provider(
    tmp_path: Path, ring: Ring
) -> None:
    ring.kept["pillarbox:smtp.old.example", "alice"] = "old"
    ring.kept["pillarbox:pop.new.example", "bob"] = "new"
    async with pages(tmp_path) as world:
        world.add(SENDS.format(smtp="smtp.old.example"))
        reply = await world.post("sends", **ELSEWHERE, user="bob")
        assert reply.status_code == 303
        assert await world.sending() == ("smtp.old.example", "alice", "old")


async def test_a_password_that_is_the_same_at_both_places_stays_one(tmp_path: Path) -> None:
    """A provider that calls its server otherwise: a new password counts for both then, as before."""
    async with pages(tmp_path) as world:
        world.add(SENDS.format(smtp="smtp.old.example") + BY_FILE)
        await world.post("sends", **ELSEWHERE, password=PASSWORD)
        assert await world.sending() == ("smtp.old.example", "alice", PASSWORD)
        assert "smtp_password_file" not in world.said("sends")


@pytest.mark.parametrize("rest", ["", 'password_file = "lost"\n'])
async def test_without_the_old_password_nothing_is_changed_before_sending_has_one(
    tmp_path: Path, rest: str
) -> None:
    """The new one is no stand-in for it."""
    async with pages(tmp_path) as world:
        world.add(SENDS.format(smtp="smtp.old.example") + rest)
        before = world.file.read_text()
        reply = await world.post("sends", **ELSEWHERE, user="bob", password="new")
        assert reply.status_code == 422
        assert "the password that signs in there cannot be had" in reply.text
        assert world.file.read_text() == before
        assert not (tmp_path / "pillarbox-passwords").exists()
        (tmp_path / "own").write_text("old\n")
        (tmp_path / "own").chmod(0o600)
        world.add('smtp_password_file = "own"\n')
        reply = await world.post("sends", **ELSEWHERE, user="bob", password="new")
        assert reply.status_code == 303
        assert await world.sending() == ("smtp.old.example", "alice", "old")


async def test_a_server_for_sending_that_cannot_be_changed_here_is_not_changed(
    tmp_path: Path,
) -> None:
    over = "accounts.sends.smtp=smtps://smtp.old.example"
    async with pages(tmp_path, over) as world:
        world.add(SENDS.format(smtp="unused.example.org") + BY_FILE)
        before = world.file.read_text()
        reply = await world.post("sends", **ELSEWHERE, user="bob", password="new")
        assert "server for sending is given on the command line" in reply.text
        assert world.file.read_text() == before
        assert list((tmp_path / "pillarbox-passwords").iterdir()) == []
        assert await world.sending() == ("smtp.old.example", "alice", PASSWORD)


@pytest.mark.parametrize("there", [{}, {("pillarbox:pop.new.example", "bob"): "before"}])
async def test_what_is_not_changed_leaves_the_keyring_as_it_was(
    tmp_path: Path, ring: Ring, there: dict[tuple[str, str], str]
) -> None:
    over = "accounts.sends.smtp=smtps://smtp.old.example"
    ring.kept = {("pillarbox:pop.old.example", "alice"): "old"} | there
    before = dict(ring.kept)
    async with pages(tmp_path, over) as world:
        world.add(SENDS.format(smtp="unused.example.org"))
        reply = await world.post("sends", **ELSEWHERE, user="bob", password="new")
        assert "server for sending is given on the command line" in reply.text
        assert ring.kept == before


async def test_where_a_command_tells_the_password_none_is_entered(tmp_path: Path) -> None:
    async with pages(tmp_path) as world:
        setup = ConfiguredSetup(world.accounts, anything, nowhere)
        there = Endpoint("pop.new.example", 995, Security.IMPLICIT_TLS, "bob")
        before = world.file.read_text()
        with pytest.raises(CannotAddAccount, match="otherwise than by a password"):
            setup.set_mailbox("token", Mailbox(there, password="new"), same=False)
        assert world.file.read_text() == before


async def test_one_permission_for_collecting_and_sending_is_said(tmp_path: Path) -> None:
    async with pages(tmp_path) as world:
        world.add(SENDS.format(smtp="smtp.old.example"))
        address = "/accounts/sends/collecting"
        assert "by the same permission" not in (await world.browser.get(address)).text
        world.add('oauth2 = {provider = "google", client_id = "x", client_secret = "y"}\n')
        assert "by the same permission" in (await world.browser.get(address)).text


WRONG = [
    ({"host": ""}, "Name the server"),
    ({"host": "a b"}, "no name of a server"),
    ({"port": "0"}, "Write a number from 1"),
    ({"user": ""}, "by which name to sign in"),
    ({"fingerprint": "12"}, "A SHA-256 has 64 digits"),
]


@pytest.mark.parametrize(("fields", "words"), WRONG)
async def test_what_is_wrong_stands_at_its_field(
    tmp_path: Path, fields: dict[str, str], words: str
) -> None:
    async with pages(tmp_path) as world:
        before = world.file.read_text()
        reply = await world.post(**fields)
        assert (reply.status_code, words in reply.text) == (422, True)
        assert (world.server.sessions, world.file.read_text()) == ([], before)
        assert world.collector.told == []


async def test_what_cannot_be_changed_is_said(tmp_path: Path) -> None:
    given = "accounts.cli.url=pop3s://a@cli.example.org"
    over = "accounts.token.url=pop3s://t@over.example.org"
    async with pages(tmp_path, given, over) as world:
        before = world.file.read_text()
        assert (await world.post("cli")).status_code == 409
        taken = {"host": "mail.home.example.org", "user": "alice@home.example.org"}
        reply = await world.post(security="tls", port="", **taken)
        assert "is collected from there already" in reply.text
        page = (await world.browser.get("/accounts/token/collecting")).text
        assert "The password comes from the command echo" in page
        assert 'type="password"' not in page
        reply = await world.post("token", security="tls", host="x.example.org", untried="on")
        assert "also given on the command line" in reply.text
        reply = await world.post("token", security="none", host="x.example.org")
        assert world.file.read_text() == before

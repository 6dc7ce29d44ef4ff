"""The server for sending is changed on the account's page: tried first, and kept only then."""

from __future__ import annotations

import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from pillarbox.app.reading.accounts import ConfiguredAccounts
from pillarbox.app.reading.setting_up import ConfiguredSetup
from pillarbox.client.signing_in import reveal
from pillarbox.reader.errors import NotSendable
from pillarbox.reader.submission import Security, Submission
from tests.app.reading.test_setting_up import nowhere
from tests.reader.desk import make_desk, visitor

CONFIG = """\
[accounts.work]   # comment
url = "pop3s://alice@mail.example.org"
to = "reader"
password_file = "mailbox"

[accounts.given]
url = "pop3s://alice@given.example.org"
to = "reader"
password_file = "mailbox"
smtp = "smtp://al@out.example.org"
smtp_password_command = "echo other"
smtp_fingerprint = "{pin}"
"""
PIN = "AB" * 32
FORM = {
    "sends": "on",
    "smtp_host": "out.example.org",
    "smtp_security": "starttls",
    "smtp_port": "",
    "smtp_auth": "on",
    "smtp_user": "",
    "smtp_password": "",
    "ca": "",
    "fingerprint": "",
}


class Outbox:
    """What pages tell it."""

    def __init__(self) -> None:
        self.nudged: list[str | None] = []

    def all(self) -> list[Any]:
        return []

    problem = ""

    def damaged(self) -> list[Any]:
        return []

    def nudge(self, account: str | None = None) -> None:
        self.nudged.append(account)


class World:
    """A reader with two accounts, and servers that take what the test lets them."""

    def __init__(self, folder: Path, *overrides: str) -> None:
        self.file = folder / "pillarbox.toml"
        self.file.write_text(CONFIG.format(pin=PIN))
        password = folder / "mailbox"
        password.write_text("secret\n")
        password.chmod(0o600)
        self.accounts = ConfiguredAccounts(self.file, overrides, folder / "state")
        self.outbox = Outbox()
        self.tried: list[Submission] = []
        self.refusal = ""
        self.browser: httpx.AsyncClient

    async def submit(self, submission: Submission) -> None:
        self.tried.append(submission)
        if self.refusal:
            raise NotSendable(self.refusal)

    async def post(self, account: str = "work", **fields: str | None) -> httpx.Response:
        data = {name: value for name, value in (FORM | fields).items() if value is not None}
        return await self.browser.post(f"/accounts/{account}/sending", data=data)

    def said(self, account: str = "work") -> dict[str, Any]:
        found: dict[str, Any] = tomllib.loads(self.file.read_text())["accounts"][account]
        return found

    def sends(self, account: str = "work") -> Submission:
        return self.accounts.to_submit(account)


@asynccontextmanager
async def pages(folder: Path, *overrides: str) -> AsyncIterator[World]:
    world = World(folder, *overrides)
    setup = ConfiguredSetup(world.accounts, world.submit, nowhere)
    desk = make_desk(accounts=world.accounts, setup=setup, outbox=world.outbox)
    async with visitor(desk) as world.browser:
        yield world


@pytest.fixture(autouse=True)
def no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")


async def test_a_server_is_named_where_there_was_none(tmp_path: Path) -> None:
    async with pages(tmp_path) as world:
        page = (await world.browser.get("/accounts/work")).text
        assert "Name a server for sending" in page
        form = await world.browser.get("/accounts/work/sending")
        assert form.status_code == 200
        reply = await world.post()
        assert (reply.status_code, reply.headers["location"]) == (303, "/accounts/work?saved")
        (tried,) = world.tried
        assert (tried.host, tried.port, tried.security) == (
            "out.example.org",
            587,
            Security.STARTTLS,
        )
        assert (tried.user, await reveal(tried.password)) == ("alice", "secret")
        assert world.said()["smtp"] == "smtp://out.example.org"
        assert "# comment" in world.file.read_text()
        now = world.sends()
        assert (now.host, now.user, await reveal(now.password)) == (
            "out.example.org",
            "alice",
            "secret",
        )
        assert world.outbox.nudged == ["work"]
        assert "out.example.org:587 (STARTTLS)" in (await world.browser.get("/accounts/work")).text


async def test_what_does_not_work_is_said_and_not_kept(tmp_path: Path) -> None:
    async with pages(tmp_path) as world:
        before = world.file.read_text()
        world.refusal = "The server refused the sign-in: no."
        reply = await world.post(smtp_password="hunter2")
        assert reply.status_code == 422
        assert "The server refused the sign-in: no. Nothing was changed." in reply.text
        assert "hunter2" not in reply.text
        assert 'value="out.example.org"' in reply.text
        assert world.file.read_text() == before
        assert world.outbox.nudged == []
        kept = await world.post(smtp_password="hunter2", untried="on")
        assert kept.status_code == 303
        assert len(world.tried) == 1
        assert await reveal(world.sends().password) == "hunter2"


async def test_a_password_of_its_own_is_kept_apart_and_stays_when_none_is_typed(
    tmp_path: Path,
) -> None:
    async with pages(tmp_path) as world:
        await world.post(smtp_password="hunter2", smtp_user="al")
        assert "hunter2" not in world.file.read_text()
        file = tmp_path / world.said()["smtp_password_file"]
        assert file.stat().st_mode & 0o777 == 0o600
        assert await reveal(world.accounts.to_collect("work", tmp_path).password) == "secret"
        await world.post(smtp_port="2587", smtp_user="al")
        assert await reveal(world.tried[-1].password) == "hunter2"
        now = world.sends()
        assert (now.port, now.user, await reveal(now.password)) == (2587, "al", "hunter2")
        await world.post(smtp_auth=None)
        assert (world.sends().user, world.sends().password) == (None, None)
        assert world.said()["smtp_auth"] is False
        assert not file.exists()


@pytest.mark.parametrize("untried", [None, "on"])
@pytest.mark.parametrize("account", ["work", "given"])
async def test_another_server_is_not_given_the_password_of_the_old_one(
    tmp_path: Path, account: str, untried: str | None
) -> None:
    """Whoever left the field empty gave it away, by the trial already: the mailbox's, or that of the old server."""
    async with pages(tmp_path) as world:
        await world.post("work")
        world.tried.clear()
        before = world.file.read_text()
        reply = await world.post(account, smtp_host="new.example.org", untried=untried)
        assert reply.status_code == 422
        assert "new.example.org is another server: enter the password for it." in reply.text
        assert 'id="smtp_password-error"' in reply.text
        assert world.tried == []
        assert world.file.read_text() == before
        reply = await world.post(account, smtp_host="new.example.org", smtp_password="its own")
        assert reply.status_code == 303
        (tried,) = world.tried
        assert (tried.host, await reveal(tried.password)) == ("new.example.org", "its own")
        assert await reveal(world.sends(account).password) == "its own"


async def test_another_server_that_asks_for_no_sign_in_needs_no_password(tmp_path: Path) -> None:
    async with pages(tmp_path) as world:
        reply = await world.post("given", smtp_host="new.example.org", smtp_auth=None)
        assert reply.status_code == 303
        assert (world.sends("given").user, world.sends("given").password) == (None, None)


async def test_the_form_shows_what_is_and_saving_it_changes_nothing(tmp_path: Path) -> None:
    async with pages(tmp_path) as world:
        before = world.sends("given")
        page = (await world.browser.get("/accounts/given/sending")).text
        assert before.tls.fingerprint is not None
        for value in ("out.example.org", "587", "al", before.tls.fingerprint):
            assert f'value="{value}"' in page
        reply = await world.post("given", smtp_user="al", smtp_port="587", fingerprint=PIN)
        assert reply.status_code == 303
        after = world.sends("given")
        assert after._replace(password=None) == before._replace(password=None)
        assert await reveal(before.password) == await reveal(after.password) == "other"


async def test_an_account_that_is_not_to_send_any_more(tmp_path: Path) -> None:
    async with pages(tmp_path) as world:
        reply = await world.post("given", sends=None, smtp_host="")
        assert reply.status_code == 303
        assert not [key for key in world.said("given") if key.startswith("smtp")]
        with pytest.raises(NotSendable, match="Name one on its page"):
            world.sends("given")
        assert world.tried == []


WRONG = [
    ({"smtp_host": ""}, "Name the server"),
    ({"smtp_host": "a b"}, "no name of a server"),
    ({"smtp_port": "0"}, "Write a number from 1"),
    ({"fingerprint": "12"}, "A SHA-256 has 64 digits"),
    ({"ca": "ca.pem"}, "Write the path in full"),
]


@pytest.mark.parametrize(("fields", "words"), WRONG)
async def test_what_is_wrong_stands_at_its_field(
    tmp_path: Path, fields: dict[str, str], words: str
) -> None:
    async with pages(tmp_path) as world:
        before = world.file.read_text()
        reply = await world.post(**fields)
        assert reply.status_code == 422
        assert words in reply.text
        assert world.tried == []
        assert world.file.read_text() == before


async def test_what_cannot_be_changed_here_is_said(tmp_path: Path) -> None:
    async with pages(tmp_path, "accounts.cli.url=pop3s://a@cli.example.org") as world:
        for reply in (
            await world.browser.get("/accounts/cli/sending"),
            await world.post("cli"),
        ):
            assert reply.status_code == 409
            assert "change it there" in reply.text
        reply = await world.browser.get("/accounts/nobody/sending")
        assert "There is no account" in reply.text

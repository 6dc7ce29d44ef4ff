"""What is shown of accounts, and the one thing to do about each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from pillarbox.app.reading.accounts import ConfiguredAccounts
from pillarbox.app.reading.setting_up import ConfiguredSetup
from pillarbox.reader.errors import NotSendable
from pillarbox.reader.model import Collecting, Identity, Parcel, Status
from tests.app.reading.test_setting_up import anything, nowhere
from tests.reader.compose.outboxes import HeldOutbox
from tests.reader.desk import NOW, make_desk, visitor

CONFIG = """\
[accounts.work]   # comment
url = "pop3s://alice@mail.example.org"
to = "reader"
keep_days = 30

[accounts.shared]
url = "pop3s://team@mail.example.org"
to = "maildir:Mail"
password_command = "pass show team"
"""


class Collector:
    """What pages tell it."""

    def __init__(self) -> None:
        self.told: list[object] = []
        self.shown: list[Status] = []

    def statuses(self) -> list[Status]:
        return self.shown

    def collect(self, account: str | None = None) -> None:
        self.told.append(("collect", account))

    def confirm(self, account: str) -> None:
        self.told.append(("confirm", account))

    def refresh(self) -> None:
        self.told.append("refresh")

    @asynccontextmanager
    async def resting(self, account: str) -> AsyncIterator[None]:
        self.told.append(("rests", account))
        yield
        self.told.append(("goes on", account))


class World:
    """A reader with two accounts."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "pillarbox.toml"
        self.file.write_text(CONFIG)
        self.accounts = ConfiguredAccounts(self.file, (), folder / "state")
        self.collector = Collector()
        self.outbox = HeldOutbox()
        self.browser: httpx.AsyncClient

    async def text(self, path: str) -> str:
        reply = await self.browser.get(path)
        return reply.text

    async def post(self, path: str, **fields: str) -> httpx.Response:
        return await self.browser.post(path, data=fields)


@asynccontextmanager
async def pages(folder: Path) -> AsyncIterator[World]:
    world = World(folder)
    setup = ConfiguredSetup(world.accounts, anything, nowhere)
    desk = make_desk(
        accounts=world.accounts, setup=setup, collector=world.collector, outbox=world.outbox
    )
    async with visitor(desk) as world.browser:
        yield world


@pytest.fixture(autouse=True)
def no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")


BUTTONS = [
    (Collecting.DONE, "Collect now"),
    (Collecting.OFFLINE, "Collect now"),
    (Collecting.FAILED, "Collect now"),
    (Collecting.REFUSED, "Sign in again"),
    (Collecting.UNSIGNED, "Enter the password"),
    (Collecting.INSECURE, "Compare its certificate"),
    (Collecting.UNPROTECTED, ">Change the server</a>"),
    (Collecting.CONFIRM, "Delete them on the server"),
]


@pytest.mark.parametrize(("state", "button"), BUTTONS)
async def test_the_state_and_its_button(tmp_path: Path, state: Collecting, button: str) -> None:
    async with pages(tmp_path) as world:
        last = NOW - timedelta(hours=2)
        world.collector.shown = [Status("work", state, last, problem="What is <wrong>.")]
        for path in ("/accounts", "/accounts/work"):
            page = await world.text(path)
            assert "What is &lt;wrong&gt;." in page
            assert button in page
            others = {other for _, other in BUTTONS if other != button and other in page}
            # Of the other account, and of a section of the account's page.
            assert others <= {"Collect now", "Sign in again"}


IN_CLEAR = """\
url = "pop3://alice@127.0.0.1"
insecure_cleartext = true
smtp = "smtp://127.0.0.1:2599"
smtp_insecure_cleartext = true
"""
PROTECTED = """\
url = "pop3://alice@127.0.0.1"
smtp = "smtp://127.0.0.1:2599"
"""


@pytest.mark.parametrize(
    ("settings", "page", "said", "warnings"),
    [
        (IN_CLEAR, "", "127.0.0.1:2599", 2),
        (IN_CLEAR, "/collecting", "by 127.0.0.1:2599", 1),
        (PROTECTED, "", "127.0.0.1:2599 (STARTTLS)", 0),
        (PROTECTED, "/collecting", "by 127.0.0.1:2599 (STARTTLS)", 0),
    ],
)
async def test_mail_in_the_clear_is_not_called_protected(
    tmp_path: Path, settings: str, page: str, said: str, warnings: int
) -> None:
    """It was said to be sent by "STARTTLS", and of collecting nothing was said."""
    async with pages(tmp_path) as world:
        world.file.write_text(f'[accounts.work]\n{settings}to = "reader"\n')
        text = await world.text(f"/accounts/work{page}")
        assert said in text
        assert ("(STARTTLS)" in text) is (not warnings)
        assert text.count("without TLS: others on the way can read all") == warnings


async def test_collecting_by_hand(tmp_path: Path) -> None:
    async with pages(tmp_path) as world:
        assert (await world.post("/collect")).status_code == 303
        assert (await world.post("/collect", account="work", back="/mail/Inbox")).headers[
            "location"
        ] == "/mail/Inbox"
        reply = await world.browser.post("/collect", headers={"HX-Request": "true"})
        assert reply.status_code == 204
        assert "Collecting mail" in reply.headers["hx-trigger"]
        assert world.collector.told == [("collect", None), ("collect", "work"), ("collect", None)]


async def test_a_yes(tmp_path: Path) -> None:
    async with pages(tmp_path) as world:
        await world.post("/accounts/work/confirm")
        assert world.collector.told == [("confirm", "work")]


async def test_changes_are_written_and_counted_at_once(tmp_path: Path) -> None:
    async with pages(tmp_path) as world:
        await world.post(
            "/accounts/work/identity", address="a@b.example", person="A", signature="A.\r\nB."
        )
        assert world.accounts.identity("work") == Identity("work", "a@b.example", "A", "A.\nB.")
        await world.post("/accounts/work/keeping", keep="never")
        assert world.accounts.to_collect("work", tmp_path).rules.keep_days == 0
        await world.post("/accounts/work/password", password="new one")
        assert "new one" not in world.file.read_text()
        assert "new one" not in await world.text("/accounts/work")
        await world.post("/accounts/work/trust", fingerprint="ab" * 32, ca="")
        assert world.accounts.to_collect("work", tmp_path).tls.fingerprint == "ab" * 32
        assert "ab" * 32 in await world.text("/accounts/work")
        assert world.collector.told == ["refresh"] * 4
        assert "# comment" in world.file.read_text()


async def test_other_addresses_of_an_account_are_written_and_shown(tmp_path: Path) -> None:
    async with pages(tmp_path) as world:
        await world.post(
            "/accounts/work/identity",
            address="a@b.example",
            aliases=" shop@b.example\r\n\r\na+x@b.example, shop@b.example",
        )
        identity = Identity("work", "a@b.example", aliases=("shop@b.example", "a+x@b.example"))
        assert world.accounts.identity("work") == identity
        assert ">\nshop@b.example\na+x@b.example</textarea>" in await world.text("/accounts/work")
        await world.post("/accounts/work/identity", address="a@b.example", aliases="")
        assert world.accounts.identity("work").aliases == ()


@pytest.mark.parametrize(
    "pasted",
    [
        "Info <info@demo.example>\r\nshop@b.example",
        "info@demo.example, Shop <shop@b.example>",
        '"Info, of Demo" <info@demo.example>; <shop@b.example>',
        "Info <info@demo.example> Shop <shop@b.example>",
        "\tInfo <info@demo.example> shop@b.example",
    ],
)
async def test_other_addresses_may_be_pasted_with_names(tmp_path: Path, pasted: str) -> None:
    """What a message shows was refused word by word."""
    async with pages(tmp_path) as world:
        await world.post("/accounts/work/identity", address="a@b.example", aliases=pasted)
        kept = world.accounts.identity("work").aliases
        assert kept == ("info@demo.example", "shop@b.example")


@pytest.mark.parametrize(
    ("path", "fields", "said"),
    [
        ("identity", {"address": "a b"}, "An address looks like"),
        ("identity", {"address": "a@b", "aliases": "c@d e"}, "“e” does not."),
        ("identity", {"aliases": "kaputt@@x"}, "“kaputt@@x” does not."),
        ("identity", {"address": "kaputt@@x"}, "An address looks like"),
        ("identity", {"aliases": "Info <info>"}, "“info” does not."),
        ("identity", {"aliases": "c@d Info <info@d>"}, "does not."),
        ("identity", {"aliases": " ".join(f"a{n}@b" for n in range(101))}, "100 at most"),
        ("keeping", {"keep": "days", "days": "x"}, "whole number of days"),
        ("password", {"password": ""}, "Enter the password"),
        ("trust", {"fingerprint": "xyz"}, "64 digits"),
        ("remove", {}, "Tick this first"),
    ],
)
async def test_slips(tmp_path: Path, path: str, fields: dict[str, str], said: str) -> None:
    async with pages(tmp_path) as world:
        reply = await world.post(f"/accounts/work/{path}", **fields)
        assert (reply.status_code, said in reply.text) == (422, True)
        assert world.file.read_text() == CONFIG
        assert world.collector.told == []


async def test_what_comes_from_elsewhere_is_said(tmp_path: Path) -> None:
    async with pages(tmp_path) as world:
        page = await world.text("/accounts/shared")
        assert "the command pass" in page
        assert f"maildir:{tmp_path}/Mail" in page
        reply = await world.post("/accounts/shared/password", password="x")
        assert reply.status_code == 422
        assert "maildir" not in await world.text("/accounts/work")


async def test_removing(tmp_path: Path) -> None:
    async with pages(tmp_path) as world:
        reply = await world.post("/accounts/work/remove", sure="on")
        assert reply.headers["location"] == "/accounts?removed"
        assert world.accounts.names() == ("shared",)
        assert "Its mail stays here" in await world.text("/accounts?removed")
        assert (await world.browser.get("/accounts/work")).status_code == 409


async def test_settings_that_will_not_do(tmp_path: Path) -> None:
    """The page is there all the same, with what is wrong and where."""
    async with pages(tmp_path) as world:
        world.file.write_text(CONFIG.replace("keep_days = 30", "keep_days = -1"))
        for path in ("/accounts", "/accounts/work"):
            assert "keep_days" in await world.text(path)


async def test_removing_an_account_says_how_many_of_its_messages_wait_in_the_outbox(
    tmp_path: Path,
) -> None:
    async with pages(tmp_path) as world:
        assert "in the outbox</a> to leave by it" not in await world.text("/accounts/work")
        for account in ("work", "work", "shared"):
            parcel = Parcel(b"Subject: x\r\n\r\n", account, "a@x.example", ("b@x.example",), "x")
            world.outbox.put(parcel, hold_seconds=0)
        assert "2 messages wait in the outbox</a> to leave by it" in await world.text(
            "/accounts/work"
        )
        reply = await world.post("/accounts/work/remove", sure="on")
        said = await world.text(reply.headers["location"])
        assert "2 messages wait in the outbox to leave by it, and will not: edit them there" in said
        for number in ("x", "-1", "٣", "9" * 400):
            await world.text(f"/accounts?removed&unsent={number}")
        with pytest.raises(NotSendable, match="Edit the message, and choose"):
            world.accounts.to_submit("work")


async def test_an_account_of_a_bad_name_is_told(tmp_path: Path) -> None:
    async with pages(tmp_path) as world:
        assert "can be used" not in await world.text("/accounts")
        bad = '[accounts."Number <1>"]\nurl = "pop3s://a@x.example"\n'
        told = "&#34;Number &lt;1&gt;&#34; is no name for an account"
        world.file.write_text(CONFIG + bad)
        page = await world.text("/accounts")
        assert "Not all that the configuration file says can be used" in page
        assert page.count(told) == 1
        world.file.write_text(bad)
        assert told in await world.text("/accounts/new"), "there is no other account"

"""The way to an account, as a person without scripts goes it: against a real server, with discovery made up."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from pillarbox.app.reading import new_account
from pillarbox.app.reading.accounts import ConfiguredAccounts
from pillarbox.app.reading.setting_up import ConfiguredSetup
from pillarbox.client.endpoint import Endpoint
from pillarbox.client.endpoint import Security as Collecting
from pillarbox.client.errors import InvalidSetting
from pillarbox.contracts.errors import PillarboxError
from pillarbox.fetch.oauth.errors import SignInFailed
from pillarbox.reader.errors import NotSendable
from pillarbox.reader.setting_up import Found, NewAccount, OAuth
from pillarbox.reader.submission import Security, Submission
from pillarbox.reader.web.features.accounts import wizard as steps
from tests.postoffice import PASSWORD, PostOffice
from tests.reader.desk import make_desk, visitor


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostOffice]:
    settings = {"server": {"workers": 1}}
    with PostOffice(
        tmp_path_factory.mktemp("office"), users=["alice"], settings=settings
    ) as started:
        started.deliver(b"Subject: one\r\n\r\nOne.\r\n", "alice")
        yield started


@pytest.fixture(autouse=True)
def no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")


class Collector:
    """What the wizard tells it."""

    def __init__(self) -> None:
        self.refreshed = 0

    def refresh(self) -> None:
        self.refreshed += 1

    def statuses(self) -> list[Any]:
        return []


class Person:
    """Who signs in with a provider."""

    def __init__(self) -> None:
        self.at_it = asyncio.Event()
        self.has_signed_in = asyncio.Event()
        self.server_answers = asyncio.Event()
        """After the sign-in."""
        self.server_answers.set()
        self.error: PillarboxError | None = None
        self.asked: list[tuple[str, OAuth | None]] = []


class Setup(ConfiguredSetup):
    """The real one, but for the provider, which is not to be had here."""

    person: Person

    async def sign_in(
        self, account: str, oauth: OAuth | None, show: Callable[[str], object]
    ) -> None:
        self.person.asked.append((account, oauth))
        show("Open https://provider.example/device in a browser, and enter the code WDJB-MJHT.")
        self.person.at_it.set()
        await self.person.has_signed_in.wait()
        if self.person.error is not None:
            raise self.person.error

    async def try_collecting(self, account: NewAccount) -> int:
        if account.oauth:
            await self.person.server_answers.wait()
        return 7 if account.oauth else await super().try_collecting(account)


class World:
    """A reader without an account."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "pillarbox.toml"
        self.file.write_text("# mine\n")
        self.accounts = ConfiguredAccounts(self.file, (), folder / "state")
        self.found: Sequence[Found] = ()
        self.submissions: list[Submission] = []
        self.refusal: NotSendable | None = None
        self.collector = Collector()
        self.person = Person()
        self.browser: httpx.AsyncClient

    async def discover(self, address: str) -> Sequence[Found]:
        if "@" not in address:
            raise InvalidSetting(f'"{address}" is not a mail address; one looks like a@b.example')
        return self.found

    async def submit(self, submission: Submission) -> None:
        self.submissions.append(submission)
        if self.refusal is not None:
            raise self.refusal

    async def post(self, path: str, **fields: str) -> httpx.Response:
        return await self.browser.post(path, data=fields)

    async def begin(self) -> str:
        reply = await self.post("/accounts/new", address="alice@example.org", person="Alice")
        assert reply.status_code == 303
        return reply.headers["location"]

    async def text(self, path: str) -> str:
        reply = await self.browser.get(path)
        assert reply.status_code == 200
        return reply.text


@asynccontextmanager
async def wizard(folder: Path) -> AsyncIterator[World]:
    world = World(folder)
    setup = Setup(world.accounts, world.submit, world.discover)
    setup.person = world.person
    desk = make_desk(accounts=world.accounts, setup=setup, collector=world.collector)
    async with visitor(desk) as world.browser:
        yield world


def by_hand(office: PostOffice, **changes: str) -> dict[str, str]:
    fields = {
        "host": "localhost",
        "port": str(office.addresses["pop3s"].port),
        "security": "tls",
        "user": "alice",
        "sends": "on",
        "smtp_host": "localhost",
        "smtp_port": str(office.addresses["smtp"].port),
        "smtp_security": "starttls",
        "ca": str(office.authority),
    }
    return fields | changes


def sign_in(**changes: str) -> dict[str, str]:
    return {
        "way": "password",
        "password": PASSWORD,
        "name": "home",
        "keep": "days",
        "days": "30",
    } | changes


async def test_without_an_account_everything_begins_here(tmp_path: Path) -> None:
    async with wizard(tmp_path) as world:
        reply = await world.browser.get("/")
        assert reply.headers["location"] == "/accounts/new"
        assert "Welcome" in await world.text("/accounts/new")
        assert (await world.browser.get("/accounts")).headers["location"] == "/accounts/new"


async def test_from_an_address_to_mail(office: PostOffice, tmp_path: Path) -> None:
    async with wizard(tmp_path) as world:
        at = await world.begin()
        assert "No servers were found" in await world.text(at)
        reply = await world.post(at, **by_hand(office))
        assert reply.headers["location"] == f"{at}/sign-in"
        assert "keeps it for a while" in await world.text(f"{at}/sign-in")
        reply = await world.post(f"{at}/sign-in", **sign_in())
        assert reply.headers["location"] == f"{at}/trial"
        page = await world.text(f"{at}/trial")
        assert "localhost lets you in. 1 message waits to be collected" in page
        assert PASSWORD not in page
        assert world.file.read_text() == "# mine\n"  # nothing is written before the last step
        reply = await world.post(f"{at}/save")
        assert reply.headers["location"] == "/accounts?added"
        assert world.collector.refreshed == 1
        account = world.accounts.to_collect("home", tmp_path)
        assert account.rules.keep_days == 30
        assert world.accounts.to_submit("home").user is None
        assert world.accounts.identity("home").name == "Alice"
        assert "home" in await world.text("/accounts?added")
        assert (await world.browser.get("/")).headers["location"] == "/mail/Inbox"
        assert (await world.browser.get(at)).headers["location"] == "/accounts/new"
    assert len(office.collect("alice")) == 1


async def test_found_servers(tmp_path: Path) -> None:
    async with wizard(tmp_path) as world:
        good = Endpoint("pop.example.org", 995, Collecting.IMPLICIT_TLS, "alice@example.org")
        smtp = Submission("smtp.example.org", 465, Security.TLS, "alice@example.org")
        world.found = [
            Found(good, smtp, "your provider"),
            Found(good._replace(host="pop.example.net"), None, "the domain's DNS", confirm=True),
        ]
        at = await world.begin()
        page = await world.text(at)
        assert "pop.example.org, port 995" in page
        assert "Sends by smtp.example.org, port 465" in page
        assert "only the DNS says so" in page
        assert len(re.findall("checked required", page)) == 1
        await world.post(at, choice="0")
        assert "alice@example.org" in await world.text(f"{at}/sign-in")


async def test_who_signs_in_by_another_name_sends_by_it_too(tmp_path: Path) -> None:
    """The user's name for sending stayed the whole address when the other was changed, and the sign-in was refused."""
    async with wizard(tmp_path) as world:
        place = Endpoint("pop.example.org", 995, Collecting.IMPLICIT_TLS, "alice@example.org")
        smtp = Submission("smtp.example.org", 465, Security.TLS, "alice@example.org")
        world.found = [Found(place, smtp, "your provider")]
        page = await world.text(at := await world.begin())
        fields = dict(re.findall(r'<input id="(\w+)"[^>]* value="([^"]*)"', page))
        assert (fields["user"], fields["smtp_user"]) == ("alice@example.org", "")
        assert (fields["smtp_host"], fields["smtp_port"]) == ("smtp.example.org", "465")
        ticked = {"sends": "on", "smtp_auth": "on", "security": "tls", "smtp_security": "tls"}
        await world.post(at, **(fields | ticked | {"user": "al", "host": "127.0.0.1", "port": "1"}))
        await world.post(f"{at}/sign-in", **sign_in())
        assert [submission.user for submission in world.submissions] == ["al"]


async def test_no_server_outside_is_chosen_beforehand(tmp_path: Path) -> None:
    async with wizard(tmp_path) as world:
        place = Endpoint("pop.example.net", 995, Collecting.IMPLICIT_TLS, "alice")
        world.found = [Found(place, None, "the domain's DNS", confirm=True)]
        assert "checked required" not in await world.text(await world.begin())


async def test_a_wrong_password(office: PostOffice, tmp_path: Path) -> None:
    async with wizard(tmp_path) as world:
        at = await world.begin()
        await world.post(at, **by_hand(office))
        await world.post(f"{at}/sign-in", **sign_in(password="wrong"))
        page = await world.text(f"{at}/trial")
        assert "check the user name and password" in page
        assert "Change the sign-in" in page
        await world.post(f"{at}/sign-in", **sign_in())
        assert "lets you in" in await world.text(f"{at}/trial")


async def test_a_certificate_of_its_own(office: PostOffice, tmp_path: Path) -> None:
    """The password is not sent; there is no way on but by what was compared."""
    async with wizard(tmp_path) as world:
        at = await world.begin()
        await world.post(at, **by_hand(office, ca="", sends=""))
        await world.post(f"{at}/sign-in", **sign_in())
        page = await world.text(f"{at}/trial")
        assert "Your password has not been sent" in page
        found = re.search(r"(?:[0-9A-F]{2}:){31}[0-9A-F]{2}", page)
        assert found
        assert "as it is" not in page
        assert "--" not in re.sub(r"<[^>]*>", "", page)
        reply = await world.post(f"{at}/trial", ca="", fingerprint="")
        assert reply.status_code == 422
        reply = await world.post(f"{at}/trial", ca="", fingerprint="12:34")
        assert "64 digits" in reply.text
        await world.post(f"{at}/trial", ca="", fingerprint="ab" * 32)
        assert "not the pinned one" in await world.text(f"{at}/trial")
        await world.post(f"{at}/trial", ca="", fingerprint=found[0])
        assert "lets you in" in await world.text(f"{at}/trial")
        await world.post(f"{at}/save")
        assert (
            world.accounts.to_collect("home", tmp_path).tls.fingerprint
            == found[0].replace(":", "").lower()
        )


@asynccontextmanager
async def silent(end: asyncio.Event) -> AsyncIterator[int]:
    """A server that takes connections and says nothing, until *end*: then it hangs up; the port."""

    async def hold(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await end.wait()
        writer.close()

    async with await asyncio.start_server(hold, "127.0.0.1", 0) as server:
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            end.set()


@asynccontextmanager
async def in_clear_only() -> AsyncIterator[int]:
    """A server at whose port there is neither STLS nor TLS; the port."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"+OK ready\r\n")
        with suppress(ConnectionError):  # who wants TLS hangs up
            while await reader.readline():
                writer.write(b"-ERR what\r\n")
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    ("security", "said"),
    [
        (
            "stls",
            'refuses STLS: it said "what"; nothing secret was sent. Choose “TLS from the start”',
        ),
        ("tls", "does not speak TLS there; nothing secret was sent. Check port and protection"),
    ],
)
async def test_a_server_without_tls_is_not_asked_for_its_certificate(
    tmp_path: Path, security: str, said: str
) -> None:
    """It has none to compare; and a page has no URLs that could begin otherwise."""
    async with wizard(tmp_path) as world, in_clear_only() as port:
        at = await world.begin()
        fields = {"host": "127.0.0.1", "port": str(port), "security": security, "user": "alice"}
        await world.post(at, **fields)
        await world.post(f"{at}/sign-in", **sign_in())
        page = html.unescape(re.sub(r"<[^>]*>", "", await world.text(f"{at}/trial")))
        assert f"127.0.0.1:{port} {said}" in page
        assert "your password would go in the clear." in page
        assert "://" not in page
        assert "certificate" not in page
        assert "Add it as it is" not in page
        assert "Change the servers" in page


async def test_a_trial_is_not_tried_again_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that never speaks: the page promised that it was asked again by itself."""
    monkeypatch.setattr(new_account, "PATIENCE", 1.0)  # it also has to be connected in that time
    async with wizard(tmp_path) as world, silent(asyncio.Event()) as port:
        at = await world.begin()
        fields = {"host": "127.0.0.1", "port": str(port), "security": "stls", "user": "alice"}
        await world.post(at, **fields)
        await world.post(f"{at}/sign-in", **sign_in())
        page = await world.text(f"{at}/trial")
        assert "gave no answer within 1 seconds; try again later." in page
        assert "by itself" not in page


async def test_no_network(tmp_path: Path) -> None:
    """An account can be added on a train."""
    async with wizard(tmp_path) as world:
        at = await world.begin()
        fields = {"host": "127.0.0.1", "port": "1", "security": "tls", "user": "alice"}
        await world.post(at, **fields)
        await world.post(f"{at}/sign-in", **sign_in())
        assert "Add it as it is" in await world.text(f"{at}/trial")
        reply = await world.post(f"{at}/save")
        assert reply.headers["location"] == "/accounts?added"
        assert world.accounts.names() == ("home",)


async def test_sending_does_not_work(office: PostOffice, tmp_path: Path) -> None:
    async with wizard(tmp_path) as world:
        world.refusal = NotSendable("the server refused the sign-in for sending")
        at = await world.begin()
        await world.post(at, **by_hand(office, smtp_auth="on"))
        await world.post(f"{at}/sign-in", **sign_in(smtp_password="for sending"))
        page = await world.text(f"{at}/trial")
        assert "The server refused the sign-in for sending." in page
        (tried,) = world.submissions
        assert (tried.user, tried.password) == ("alice", "for sending")
        await world.post(f"{at}/save", without="1")
        with pytest.raises(NotSendable):
            world.accounts.to_submit("home")


@pytest.mark.parametrize(
    ("step", "fields", "said"),
    [
        ("", {"address": "alice"}, "is not a mail address"),
        ("", {"address": ""}, "Enter your mail address"),
        ("servers", {"host": ""}, "Name the server"),
        ("servers", {"host": "a b"}, "no name of a server"),
        ("servers", {"port": "70000"}, "from 1 to 65535"),
        ("servers", {"ca": "mine.pem"}, "path in full"),
        ("servers", {"ca": "/nowhere/mine.pem"}, "no such file"),
        ("servers", {"smtp_host": ""}, "Name the server"),
        ("sign-in", {"password": ""}, "Enter the password"),
        ("sign-in", {"days": "-3"}, "whole number of days"),
        ("sign-in", {"name": ""}, "Give the account a name"),
        ("sign-in", {"way": "microsoft", "client_id": ""}, "Enter the id"),
    ],
)
async def test_slips(
    office: PostOffice, tmp_path: Path, step: str, fields: dict[str, str], said: str
) -> None:
    """Each is told beside its field, and what was typed is still there."""
    async with wizard(tmp_path) as world:
        if step == "":
            reply = await world.post("/accounts/new", **fields)
        else:
            at = await world.begin()
            if step == "servers":
                reply = await world.post(at, **by_hand(office, **fields))
                assert 'value="alice"' in reply.text
            else:
                await world.post(at, **by_hand(office))
                reply = await world.post(f"{at}/sign-in", **sign_in(**fields))
                assert PASSWORD not in reply.text
        assert reply.status_code == 422
        assert said in reply.text
        assert 'aria-invalid="true"' in reply.text


async def test_a_name_that_is_taken(office: PostOffice, tmp_path: Path) -> None:
    async with wizard(tmp_path) as world:
        world.file.write_text('[accounts.home]\nurl = "pop3s://bob@mail.example.org"\n')
        at = await world.begin()
        await world.post(at, **by_hand(office))
        reply = await world.post(f"{at}/sign-in", **sign_in())
        assert "There is an account of this name already" in reply.text


async def test_it_can_be_left(tmp_path: Path) -> None:
    async with wizard(tmp_path) as world:
        at = await world.begin()
        await world.post(f"{at}/cancel")
        assert (await world.browser.get(f"{at}/trial")).headers["location"] == "/accounts/new"


async def test_a_sign_in_with_the_provider(office: PostOffice, tmp_path: Path) -> None:
    async with wizard(tmp_path) as world:
        at = await world.begin()
        await world.post(at, **by_hand(office) | {"sends": "on"})
        reply = await world.post(
            f"{at}/sign-in", **sign_in(way="microsoft", client_id="the-id", password="")
        )
        assert reply.headers["location"] == f"{at}/oauth"
        await world.person.at_it.wait()
        assert world.person.asked == [("home", OAuth("microsoft", "the-id"))]
        page = await world.text(f"{at}/oauth")
        assert 'href="https://provider.example/device"' in page
        assert "WDJB-MJHT" in page
        world.person.has_signed_in.set()
        while (reply := await world.browser.get(f"{at}/oauth")).status_code == 200:
            pass  # it has not noticed yet
        assert reply.headers["location"] == f"{at}/trial"
        assert "7 messages wait" in await world.text(f"{at}/trial")
        await world.post(f"{at}/save")
        assert 'provider = "microsoft"' in world.file.read_text()
        assert world.accounts.to_collect("home", tmp_path).token is not None


async def test_a_slow_server_after_the_sign_in_with_the_provider(
    office: PostOffice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asked a second time was led back to the sign-in, as if he had not signed in."""
    monkeypatch.setattr(steps, "_SOON", 0)
    async with wizard(tmp_path) as world:
        world.person.server_answers.clear()
        world.person.has_signed_in.set()
        at = await world.begin()
        await world.post(at, **by_hand(office, sends=""))
        await world.post(f"{at}/sign-in", **sign_in(way="google", client_id="i", password=""))
        while "You have signed in" not in await world.text(f"{at}/oauth"):
            pass  # it has not noticed yet
        page = await world.text(f"{at}/oauth")
        assert "Your servers are asked" in page
        assert len(world.person.asked) == 1
        world.person.server_answers.set()
        while (reply := await world.browser.get(f"{at}/oauth")).status_code == 200:
            pass  # it has not noticed yet
        assert reply.headers["location"] == f"{at}/trial"
        reply = await world.browser.get(f"{at}/oauth")  # as a page does that is loaded again
        assert reply.headers["location"] == f"{at}/trial"
        assert "7 messages wait" in await world.text(f"{at}/trial")


async def test_a_sign_in_that_is_denied(office: PostOffice, tmp_path: Path) -> None:
    async with wizard(tmp_path) as world:
        at = await world.begin()
        await world.post(at, **by_hand(office))
        world.person.error = SignInFailed("the sign-in was denied: begin again")
        world.person.has_signed_in.set()
        await world.post(f"{at}/sign-in", **sign_in(way="google", client_id="i", client_secret="s"))
        while "denied" not in (page := await world.text(f"{at}/oauth")):
            pass  # it has not noticed yet
        assert "The sign-in was denied: begin again." in page
        assert f'href="{at}/sign-in"' in page

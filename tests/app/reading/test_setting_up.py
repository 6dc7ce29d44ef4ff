"""Accounts are added, changed and removed; secrets go where they belong."""

from __future__ import annotations

import asyncio
import re
import tomllib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import cast

import httpx
import pytest

from pillarbox.app.reading.account_file import AccountFile, Values
from pillarbox.app.reading.accounts import ConfiguredAccounts
from pillarbox.app.reading.setting_up import ConfiguredSetup
from pillarbox.client.endpoint import Endpoint
from pillarbox.client.endpoint import Security as Collecting
from pillarbox.client.tls import TlsSettings
from pillarbox.reader.errors import CannotAddAccount, NotSendable
from pillarbox.reader.model import Identity
from pillarbox.reader.setting_up import Found, Mailbox, NewAccount, OAuth
from pillarbox.reader.submission import Security, Submission
from tests.fetch.oauth.authority import running
from tests.postoffice import PATIENCE

PASSWORD = "a fine and private place"
PLACE = Endpoint("pop.example.org", 995, Collecting.IMPLICIT_TLS, "alice")
SMTP = Submission("smtp.example.org", 465, Security.TLS, "alice")


async def nowhere(_: str) -> Sequence[Found]:
    return []


async def anything(_: Submission) -> None:
    """Every server will do."""


def made(
    folder: Path, text: str = "", *overrides: str
) -> tuple[ConfiguredSetup, ConfiguredAccounts]:
    path = folder / "pillarbox.toml"
    path.write_text(text)
    accounts = ConfiguredAccounts(path, overrides, folder / "state")
    return ConfiguredSetup(accounts, anything, nowhere), accounts


def content(folder: Path) -> str:
    return (folder / "pillarbox.toml").read_text()


def account(**changes: object) -> NewAccount:
    fields = {"name": "home", "address": "a@example.org", "collect": PLACE, "password": PASSWORD}
    return NewAccount(**(fields | changes))  # type: ignore[arg-type]  # any of its fields


@pytest.fixture(autouse=True)
def no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")


def test_what_is_added_is_read_back(tmp_path: Path) -> None:
    setup, accounts = made(tmp_path, "# mine\n")
    setup.add(account(submit=SMTP, person="Alice"))
    assert accounts.names() == ("home",)
    assert accounts.identity("home") == Identity("home", "a@example.org", "Alice")
    read = accounts.to_collect("home", tmp_path)
    assert (read.endpoint, read.rules.keep_days) == (PLACE, 30)
    assert callable(read.password)
    assert read.password() == PASSWORD
    sending = accounts.to_submit("home")
    assert (sending.host, sending.port, sending.user) == ("smtp.example.org", 465, "alice")
    assert content(tmp_path).startswith("# mine\n")


def test_the_password_is_for_its_owner_and_not_in_the_configuration(tmp_path: Path) -> None:
    setup, _ = made(tmp_path)
    setup.add(account(submit=SMTP, submit_password="another one"))
    assert PASSWORD not in content(tmp_path)
    assert "another one" not in content(tmp_path)
    files = sorted((tmp_path / "pillarbox-passwords").iterdir())
    assert [file.stat().st_mode & 0o777 for file in files] == [0o600, 0o600]
    assert {file.read_text() for file in files} == {f"{PASSWORD}\n", "another one\n"}
    assert PASSWORD not in repr(account())


SHAPES = [
    {"keep_days": None},
    {"keep_days": 0},
    {"collect": PLACE._replace(security=Collecting.STLS, port=110)},
    {"collect": PLACE._replace(port=8995, user="a@b c/d")},
    {"tls": TlsSettings(fingerprint="ab" * 32)},
    {"submit": SMTP._replace(security=Security.STARTTLS, port=8025, user=None)},
    {"submit": SMTP._replace(user="somebody else")},
    {"submit": SMTP._replace(host="pop.example.org")},
]


@pytest.mark.parametrize("changes", SHAPES, ids=str)
def test_every_shape_survives(tmp_path: Path, changes: dict[str, object]) -> None:
    setup, accounts = made(tmp_path)
    wanted = account(**changes)
    setup.add(wanted)
    read = accounts.to_collect("home", tmp_path)
    assert (read.endpoint, read.rules.keep_days, read.tls.fingerprint) == (
        wanted.collect,
        wanted.keep_days,
        wanted.tls.fingerprint,
    )
    if wanted.submit is not None:
        found = accounts.to_submit("home")
        assert found[:4] == wanted.submit[:4]
        assert found.tls == wanted.submit.tls


def test_what_cannot_be_added(tmp_path: Path) -> None:
    setup, accounts = made(tmp_path)
    for bad in (account(name="a b"), account(name="login"), account(password="")):
        before = content(tmp_path)
        with pytest.raises(CannotAddAccount):
            setup.add(bad)
        assert tomllib.loads(content(tmp_path)) == tomllib.loads(before)
    setup.add(account())
    with pytest.raises(CannotAddAccount, match="already"):
        setup.add(account())
    with pytest.raises(CannotAddAccount, match="same mailbox"):
        setup.add(account(name="again"))
    assert accounts.names() == ("home",)


def test_changes(tmp_path: Path) -> None:
    setup, accounts = made(tmp_path)
    setup.add(account())
    setup.set_identity(Identity("home", "b@example.org", "B", "Line\nLine"))
    assert accounts.identity("home") == Identity("home", "b@example.org", "B", "Line\nLine")
    several = Identity("home", "b@example.org", aliases=("shop@example.org", "b+x@example.org"))
    setup.set_identity(several)
    assert accounts.identity("home") == several
    assert 'aliases = ["shop@example.org", "b+x@example.org"]' in content(tmp_path)
    setup.set_identity(replace(several, aliases=()))
    assert "aliases" not in content(tmp_path)
    for days in (None, 0, 7):
        setup.set_keeping("home", days)
        assert setup.describe("home").keep_days == days
    setup.set_trust("home", TlsSettings(fingerprint="cd" * 32))
    assert setup.describe("home").tls.fingerprint == "cd" * 32
    setup.set_password("home", "new")
    read = accounts.to_collect("home", tmp_path).password
    assert callable(read)
    assert read() == "new"


def test_removing_leaves_no_secret(tmp_path: Path) -> None:
    setup, accounts = made(tmp_path, "# mine\n")
    setup.add(account(submit=SMTP, submit_password="x"))
    setup.remove("home")
    assert accounts.names() == ()
    assert list((tmp_path / "pillarbox-passwords").iterdir()) == []
    assert content(tmp_path).startswith("# mine\n")
    with pytest.raises(CannotAddAccount):
        setup.describe("home")


def test_oauth(tmp_path: Path) -> None:
    setup, accounts = made(tmp_path)
    setup.add(account(password="", oauth=OAuth("microsoft", "id", "s")))
    assert accounts.to_collect("home", tmp_path).token is not None
    assert setup.describe("home").oauth


def test_an_account_of_the_command_line_is_not_changed_here(tmp_path: Path) -> None:
    setup, _ = made(tmp_path, "", "accounts.work.url=pop3s://a@b")
    assert "command line" in setup.describe("work").fixed
    changes: list[Callable[[], None]] = [
        lambda: setup.set_keeping("work", 3),
        lambda: setup.remove("work"),
        lambda: setup.set_identity(Identity("work", "a@b")),
        lambda: setup.set_password("work", "x"),
    ]
    for change in changes:
        with pytest.raises(CannotAddAccount, match="command line"):
            change()
    assert content(tmp_path) == ""


def test_a_password_command_is_not_overruled(tmp_path: Path) -> None:
    setup, _ = made(tmp_path, '[accounts.w]\nurl = "pop3s://a@b"\npassword_command = "pass x"\n')
    assert setup.describe("w").password_from == "the command pass"
    with pytest.raises(CannotAddAccount, match="the command pass"):
        setup.set_password("w", "x")


def test_what_fetch_does_with_it(tmp_path: Path) -> None:
    setup, _ = made(tmp_path, '[accounts.w]\nurl = "pop3s://a@b"\nto = "maildir:Mail"\n')
    assert setup.describe("w").elsewhere == f"maildir:{tmp_path}/Mail"
    setup.add(account())
    assert setup.describe("home").elsewhere == ""


@pytest.mark.parametrize(
    ("address", "name"),
    [("a@b.example", "a@b.example"), ("ü@b", "b"), ("home", "home-2"), ("", "mail")],
)
def test_names(tmp_path: Path, address: str, name: str) -> None:
    setup, _ = made(tmp_path)
    setup.add(account())
    assert setup.suggest_name(address) == name


async def test_a_person_signs_in_again(tmp_path: Path) -> None:
    """By the browser flow, against an authorization server; what the page shows is the link."""
    with running() as authority:
        setup, accounts = made(
            tmp_path,
            '[accounts.w]\nurl = "pop3s://a@b"\n[accounts.w.oauth2]\n'
            f'provider = "mine"\nclient_id = "{authority.client_id}"\nscopes = "{authority.scope}"\n'
            f'token_url = "{authority.url}/token"\nauthorize_url = "{authority.url}/authorize"\n',
        )
        shown: asyncio.Queue[str] = asyncio.Queue()
        work = asyncio.create_task(setup.sign_in("w", None, shown.put_nowait))
        found = re.search(r"http://\S+/authorize\S+", await shown.get())
        assert found
        async with httpx.AsyncClient(timeout=PATIENCE) as browser:
            await browser.get(authority.consent(found[0]))
        await work
        token = accounts.to_collect("w", tmp_path).token
        assert callable(token)
        assert (await cast("Awaitable[str]", token())).startswith("access-")


async def test_an_account_with_a_password_signs_in_nowhere(tmp_path: Path) -> None:
    setup, _ = made(tmp_path)
    setup.add(account())
    with pytest.raises(CannotAddAccount, match="by a password"):
        await setup.sign_in("home", None, print)


OTHER = Endpoint("pop.new.example", 995, Collecting.IMPLICIT_TLS, "bob")


def signs_in(folder: Path) -> tuple[str, str]:
    """Where, and by which password, who reads the file now; that for sending is the first one."""
    accounts = ConfiguredAccounts(folder / "pillarbox.toml", (), folder / "state")
    sending, read = accounts.to_submit("home"), accounts.to_collect("home", folder)
    assert callable(sending.password)
    assert callable(read.password)
    assert (sending.user, sending.password()) == ("alice", PASSWORD)
    return read.endpoint.host, cast("str", read.password())


@pytest.mark.parametrize("broken", range(1, 5))
def test_at_no_moment_does_a_server_get_the_password_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: int
) -> None:
    """Killed between two changes of files, or failing at one of them, the account named the new server and the old password, or
    the other way round.
    """
    setup, _ = made(tmp_path)
    setup.add(account(submit=SMTP))
    before, after = ("pop.example.org", PASSWORD), ("pop.new.example", "new")
    seen: list[tuple[str, str]] = []
    replace, unlink = Path.replace, Path.unlink
    replaced = 0

    def watched_replace(path: Path, target: Path) -> Path:
        nonlocal replaced
        replaced += 1
        if replaced == broken:
            raise OSError(28, "No space left on device")
        made = replace(path, target)
        seen.append(signs_in(tmp_path))
        return made

    def watched_unlink(path: Path, *, missing_ok: bool = False) -> None:
        unlink(path, missing_ok=missing_ok)
        seen.append(signs_in(tmp_path))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", watched_replace)
        patched.setattr(Path, "unlink", watched_unlink)
        fails = broken <= 3  # the password for sending, that for collecting, the configuration
        if fails:
            with pytest.raises(CannotAddAccount):
                setup.set_mailbox("home", Mailbox(OTHER, password="new"), same=False)
        else:
            setup.set_mailbox("home", Mailbox(OTHER, password="new"), same=False)
    assert set(seen) == ({before} if fails else {before, after})
    assert signs_in(tmp_path) == (before if fails else after)
    left = {path.read_text() for path in (tmp_path / "pillarbox-passwords").iterdir()}
    assert left == ({f"{PASSWORD}\n"} if fails else {f"{PASSWORD}\n", "new\n"})


def test_of_passwords_that_were_replaced_none_is_left(tmp_path: Path) -> None:
    setup, _ = made(tmp_path)
    setup.add(account())
    folder = tmp_path / "pillarbox-passwords"
    setup.set_mailbox("home", Mailbox(OTHER, password="second"), same=False)
    assert [path.read_text() for path in folder.iterdir()] == ["second\n"]
    setup.set_mailbox("home", Mailbox(PLACE, password="third"), same=False)
    assert [path.read_text() for path in folder.iterdir()] == ["third\n"]
    setup.set_mailbox("home", Mailbox(OTHER, password="fourth"), same=False)
    setup.set_password("home", "fifth")
    assert [path.read_text() for path in folder.iterdir()] == ["fifth\n"]
    setup.set_mailbox("home", Mailbox(PLACE, password="sixth"), same=False)
    setup.remove("home")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("fails", ["writing", "checking", "taking it back"])
def test_a_server_for_sending_that_is_refused_leaves_the_password_of_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    """Its file had the new one's by then."""
    setup, accounts = made(tmp_path)
    setup.add(account(submit=SMTP, submit_password="the old one"))
    before = content(tmp_path)
    calls = count()
    put = AccountFile.put

    def refusing(self: AccountFile, account: str, values: Values) -> None:
        turn = next(calls)
        if (fails, turn) in {("writing", 0), ("taking it back", 1)}:
            raise CannotAddAccount("It cannot be written.")
        put(self, account, values)

    def unusable(*_: object) -> None:
        raise NotSendable("It cannot be used.")

    with monkeypatch.context() as patched:
        patched.setattr(AccountFile, "put", refusing)
        if fails != "writing":
            patched.setattr(ConfiguredAccounts, "to_submit", unusable)
        with pytest.raises(CannotAddAccount):
            setup.set_sending("home", SMTP._replace(host="new.example.org"), "the new one")
    submission = accounts.to_submit("home")
    assert callable(submission.password)
    found = submission.host, submission.password()
    if fails == "taking it back":
        assert found == ("new.example.org", "the new one")
        return
    assert found == (SMTP.host, "the old one")
    assert content(tmp_path) == before
    assert len([*(tmp_path / "pillarbox-passwords").iterdir()]) == 2


def test_no_password_of_a_removed_account_stays(tmp_path: Path) -> None:
    setup, _ = made(tmp_path)
    setup.add(account(submit=SMTP, submit_password="one"))
    for password in ("two", "three"):
        setup.set_sending("home", SMTP, password)
        assert len([*(tmp_path / "pillarbox-passwords").iterdir()]) == 2
    setup.set_sending("home", SMTP, "four")
    setup.remove("home")
    assert [*(tmp_path / "pillarbox-passwords").iterdir()] == []

"""The accounts of a configuration, as the reader has them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from pathlib import Path
from typing import Any, cast

import pytest

from pillarbox.app.config.faults import ConfigError
from pillarbox.app.reading.accounts import ConfiguredAccounts
from pillarbox.client.signing_in import Secret
from pillarbox.client.tls import TlsSettings
from pillarbox.contracts.errors import PillarboxError
from pillarbox.reader.errors import NotSendable
from pillarbox.reader.model import Identity
from pillarbox.reader.submission import Security, Submission

URL = 'url = "pop3s://alice@mail.example.org"\n'
COMMAND = 'password_command = "printf secret"\n'


@pytest.fixture(autouse=True)
def no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")


def read(folder: Path, text: str, *overrides: str) -> ConfiguredAccounts:
    path = folder / "pillarbox.toml"
    path.write_text(text)
    return ConfiguredAccounts(path, overrides, folder / "state")


def revealed(secret: Secret | None) -> str | None:
    if not callable(secret):
        return secret
    found = secret()

    async def awaited() -> str:
        return await cast("Awaitable[str]", found)

    return found if isinstance(found, str) else asyncio.run(awaited())


def test_it_is_collected_into_the_library(tmp_path: Path) -> None:
    accounts = read(
        tmp_path,
        f'[defaults]\nto = "mbox:elsewhere"\n[accounts.work]\n{URL}{COMMAND}keep_days = 5\n',
    )
    account = accounts.to_collect("work", tmp_path / "Inbox" / "work")
    assert str(account.target) == f"maildir:{tmp_path}/Inbox/work"
    assert account.rules.keep_days == 5
    assert revealed(account.password) == "secret"
    assert accounts.problem("work") == ""
    assert accounts.state == tmp_path / "state"


def test_without_to_it_is_the_readers_alone(tmp_path: Path) -> None:
    accounts = read(tmp_path, f"[accounts.work]\n{URL}{COMMAND}")
    assert accounts.to_collect("work", tmp_path).name == "work"


IDENTITIES = [
    ("", Identity("work", "")),
    ('from = "a@b.example"\n', Identity("work", "a@b.example")),
    (
        'from = "a@b.example"\nname = "Alice"\nsignature = """\nA.\nB.\n"""\n',
        Identity("work", "a@b.example", "Alice", "A.\nB."),
    ),
    (
        'from = "a@b.example"\naliases = ["shop@b.example", "a+x@b.example", "shop@b.example"]\n',
        Identity("work", "a@b.example", aliases=("shop@b.example", "a+x@b.example")),
    ),
]


@pytest.mark.parametrize(("text", "identity"), IDENTITIES)
def test_identities(tmp_path: Path, text: str, identity: Identity) -> None:
    assert read(tmp_path, f"[accounts.work]\n{URL}{text}").identity("work") == identity


@pytest.mark.parametrize(
    "aliases", ['"a@b"', '["a"]', '["a b@c"]', "[1]", str([f"a{n}@b.example" for n in range(101)])]
)
def test_aliases_that_are_none_are_said_to_be(tmp_path: Path, aliases: str) -> None:
    accounts = read(tmp_path, f"[accounts.work]\n{URL}aliases = {aliases}\n")
    assert "accounts.work.aliases" in accounts.problem("work")
    assert accounts.identity("work").aliases == ()


def test_aliases_of_the_command_line(tmp_path: Path) -> None:
    accounts = read(tmp_path, f"[accounts.work]\n{URL}", 'accounts.work.aliases=["a@b.example"]')
    assert accounts.identity("work").aliases == ("a@b.example",)


def test_a_user_that_is_an_address_is_one_to_write_from(tmp_path: Path) -> None:
    text = '[accounts.work]\nurl = "pop3s://alice@example.org@mail.example.org"\n'
    assert read(tmp_path, text).identity("work").address == "alice@example.org"


SUBMISSIONS: list[tuple[str, dict[str, Any]]] = [
    (
        'smtp = "smtps://smtp.example.org"\n',
        {"host": "smtp.example.org", "port": 465, "security": Security.TLS, "user": "alice"},
    ),
    (
        'smtp = "smtp://bob@smtp.example.org:2525"\n',
        {"port": 2525, "security": Security.STARTTLS, "user": "bob"},
    ),
    ('smtp = "smtp://smtp.example.org"\n', {"port": 587, "security": Security.STARTTLS}),
    ('smtp = "smtp://x"\nsmtp_auth = false\n', {"user": None, "password": None}),
    ('smtp = "smtp://x"\nsmtp_insecure_cleartext = true\n', {"security": Security.NONE}),
    (
        'smtp = "smtps://mail.example.org"\nca = "/a.pem"\n',
        {"tls": TlsSettings(ca=Path("/a.pem"))},
    ),
    ('smtp = "smtps://smtp.example.org"\nca = "/a.pem"\n', {"tls": TlsSettings()}),
    (
        'smtp = "smtps://smtp.example.org"\nca = "/a.pem"\nsmtp_ca = "/b.pem"\n',
        {"tls": TlsSettings(ca=Path("/b.pem"))},
    ),
    ('smtp = "smtps://x"\n', {"password": "secret"}),
    ('smtp = "smtps://x"\nsmtp_password_command = "printf other"\n', {"password": "other"}),
    ('smtp = "smtps://x"\ntimeout = 7\n', {"timeout": 7.0}),
]


@pytest.mark.parametrize(("text", "wanted"), SUBMISSIONS)
def test_submissions(tmp_path: Path, text: str, wanted: dict[str, Any]) -> None:
    found = read(tmp_path, f"[accounts.work]\n{URL}{COMMAND}{text}").to_submit("work")
    assert isinstance(found, Submission)
    assert "secret" not in repr(found)
    for key, value in wanted.items():
        have = getattr(found, key)
        assert (revealed(have) if key == "password" else have) == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no server for sending"),
        ('smtp = "smtps://x"\nsmtp_insecure_cleartext = true\n', "leave one out"),
        ('smtp = "imap://x"\n', "another scheme"),
        ('smtp = "smtps://a:b@x"\n', "password"),
    ],
)
def test_what_cannot_send(tmp_path: Path, text: str, said: str) -> None:
    accounts = read(tmp_path, f"[accounts.work]\n{URL}{COMMAND}{text}")
    with pytest.raises(NotSendable, match=said):
        accounts.to_submit("work")


def test_tokens_are_shared(tmp_path: Path) -> None:
    """Some providers take a refresh token back when it is used: two that use it would fight."""
    text = (
        f'[accounts.work]\n{URL}smtp = "smtps://x"\n'
        'oauth2 = { provider = "google", client_id = "i" }\n'
    )
    accounts = read(tmp_path, text)
    token = accounts.to_collect("work", tmp_path).token
    assert token is not None
    assert accounts.to_submit("work").token is token
    assert accounts.to_submit("work").password is None
    accounts.forget("work")
    assert accounts.to_submit("work").token is not token


def test_a_fault_of_one_account_is_its_own(tmp_path: Path) -> None:
    accounts = read(
        tmp_path,
        f"[accounts.bad]\n{URL}timeout = 0\n[accounts.good]\n{URL}".replace("alice", "a", 1),
    )
    assert accounts.names() == ("bad", "good")
    assert "timeout" in accounts.problem("bad")
    assert accounts.problem("good") == ""
    with pytest.raises(ConfigError, match="timeout"):
        accounts.to_collect("bad", tmp_path)
    accounts.to_collect("good", tmp_path)


def test_one_mailbox_twice(tmp_path: Path) -> None:
    accounts = read(tmp_path, f"[accounts.one]\n{URL}[accounts.two]\n{URL}")
    assert accounts.problem("one") == ""
    assert "the same mailbox" in accounts.problem("two")


def test_it_follows_the_file(tmp_path: Path) -> None:
    accounts = read(tmp_path, f"[accounts.work]\n{URL}")
    path = tmp_path / "pillarbox.toml"
    path.write_text(f"[accounts.work]\n{URL}[accounts.home]\n{URL}")
    assert accounts.names() == ("work", "home")
    path.write_text("[accounts.work\n")
    assert accounts.names() == ("work", "home")
    assert "pillarbox.toml" in accounts.problem("work")
    path.write_text(f"[accounts.home]\n{URL}")
    assert accounts.names() == ("home",)
    assert accounts.problem("home") == ""


def test_a_file_that_cannot_be_read_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        read(tmp_path, "[accounts.work\n")


def test_a_password_file(tmp_path: Path) -> None:
    accounts = read(tmp_path, f'[accounts.work]\n{URL}password_file = "secrets/work"\n')
    file = tmp_path / "secrets" / "work"
    file.parent.mkdir()
    file.write_text("correct horse\nmore\n")
    file.chmod(0o600)
    assert revealed(accounts.to_collect("work", tmp_path).password) == "correct horse"
    for mode in (0o644, 0o640, 0o604):
        file.chmod(mode)
        with pytest.raises(PillarboxError, match="can be read by others"):
            revealed(accounts.to_collect("work", tmp_path).password)
    file.unlink()
    with pytest.raises(PillarboxError, match="is not there"):
        revealed(accounts.to_collect("work", tmp_path).password)
    file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PillarboxError, match="cannot be read"):
        revealed(accounts.to_collect("work", tmp_path).password)


def test_what_cannot_be_used_beside_the_accounts_is_told_once(tmp_path: Path) -> None:
    accounts = read(
        tmp_path,
        f'[accounts.work]\n{URL}keep = "maybe"\n[accounts."Number 1"]\n{URL}keep_days = 5\n[acounts.home]\n{URL}',
    )
    assert accounts.names() == ("work",)
    assert accounts.problem("work")
    file = tmp_path / "pillarbox.toml"
    told = accounts.troubles()
    assert told[0] == (
        f'{file}:5: accounts.Number 1.url: "Number 1" is no name for an account; '
        "use letters, digits and @._+- in it, and begin with a letter or digit"
    )
    assert [each.partition(": ")[0] for each in told] == [f"{file}:5", f"{file}:7"]
    assert "there is no such section; did you mean [accounts]?" in told[1]
    file.write_text(f"[accounts.work]\n{URL}")
    assert accounts.troubles() == []


def test_where_accounts_and_passwords_are(tmp_path: Path) -> None:
    accounts = read(tmp_path, f"[accounts.work]\n{URL}")
    assert list(accounts.kept) == [tmp_path / "pillarbox.toml"]
    (tmp_path / "pillarbox-passwords").mkdir()
    assert list(accounts.kept) == [tmp_path / "pillarbox.toml", tmp_path / "pillarbox-passwords"]

"""``pillarbox fetch login``, and collecting with what it leaves."""

from __future__ import annotations

import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator

import pytest

from tests.app.fetch.conftest import Box, Done
from tests.app.fetch.scripted import Script, serving
from tests.fetch.oauth.authority import Authority, running
from tests.postoffice import PATIENCE


@pytest.fixture
def authority() -> Iterator[Authority]:
    with running() as started:
        yield started


def configure(box: Box, authority: Authority, url: str, extra: str = "") -> None:
    box.configure(
        f'[defaults]\nto = "maildir:Mail"\ninsecure_cleartext = true\n'
        f'[accounts.work]\nurl = "{url}"\n[accounts.work.oauth2]\nprovider = "ours"\n'
        f'client_id = "{authority.client_id}"\nauthorize_url = "{authority.url}/authorize"\n'
        f'token_url = "{authority.url}/token"\nscopes = "{authority.scope}"\n{extra}'
    )


def sign_in(box: Box, authority: Authority) -> Done:
    """The command, and a person who opens the URL that it shows, and agrees."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pillarbox", "fetch", "login", "work", "--no-browser"],
        cwd=box.home,
        env=box.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stderr
        shown = process.stderr.readline()
        found = re.search(r"open (\S+)$", shown)
        assert found, shown
        with urllib.request.urlopen(authority.consent(found[1]), timeout=PATIENCE) as page:
            assert page.status == 200
        out, err = process.communicate(timeout=PATIENCE)
    return Done(process.returncode, out, err)


def test_who_has_signed_in_collects_with_tokens(box: Box, authority: Authority) -> None:
    script = Script([b"Subject: one\r\n\r\none\r\n"], token="access-3")
    authority.rotates = True
    with serving(script) as url:
        configure(box, authority, url)
        assert sign_in(box, authority) == (0, "signed in: pillarbox fetch work\n", "")
        done = box.run("fetch")
    assert done.code == 0, done
    assert box.stored == ["one"]
    assert script.messages == []
    (kept,) = (box.home / ".local/state/pillarbox/fetch/oauth").glob("*.token")
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.read_text().strip() in authority.refresh_tokens  # the rotated one


def test_the_clients_secret_can_come_from_a_command(box: Box, authority: Authority) -> None:
    authority.client_secret = "s3cret"
    configure(box, authority, "pop3://a@127.0.0.1", 'client_secret_command = "echo s3cret"\n')
    assert sign_in(box, authority).code == 0
    assert authority.heard[-1][1]["client_secret"] == "s3cret"
    configure(box, authority, "pop3://a@127.0.0.1", 'client_secret = "s3cret"\n')
    assert sign_in(box, authority).code == 0


def test_nobody_has_signed_in_yet(box: Box, authority: Authority) -> None:
    with serving(Script(token="x")) as url:
        configure(box, authority, url)
        done = box.run("fetch")
    assert done.code == 3
    assert "sign in again: pillarbox fetch login work" in done.err


def test_a_token_that_the_server_does_not_take(box: Box, authority: Authority) -> None:
    with serving(Script(token="another")) as url:
        configure(box, authority, url)
        assert sign_in(box, authority).code == 0
        done = box.run("fetch")
    assert done.code == 3
    assert "refused the sign-in" in done.err
    assert "access-" not in done.err


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ('{ provider = "microsoft" }', "oauth2 needs a client_id"),
        ('{ provider = "x", client_id = "y" }', 'the OAuth 2 provider "x" is not known here'),
    ],
)
def test_settings_that_cannot_work(box: Box, table: str, says: str) -> None:
    box.configure(f'[accounts.a]\nurl = "pop3s://a@b"\nto = "maildir:x"\noauth2 = {table}\n')
    done = box.run("fetch", "login", "a")
    assert (done.code, done.out) == (2, "")
    assert says in done.err


def test_an_account_that_has_a_password(box: Box) -> None:
    file = box.configure('[accounts.a]\nurl = "pop3s://a@b"\nto = "maildir:x"\n')
    done = box.run("fetch", "login", "a")
    assert done.code == 2
    assert done.err.startswith(f"{file}:2: accounts.a: has no oauth2 to sign in with")
    assert "`keyring set pillarbox:b a`" in done.err


def test_an_account_that_is_not_there(box: Box) -> None:
    box.configure('[accounts.work]\nurl = "pop3s://a@b"\nto = "maildir:x"\n')
    done = box.run("fetch", "login", "wrk")
    assert done.code == 2
    assert "did you mean work?" in done.err


def test_a_sign_in_needs_an_account(box: Box) -> None:
    assert box.run("fetch", "login").code == 2

"""Signing in with access tokens, from an authorization server to a collected message.

The server is authlib's (:mod:`tests.auth.oauth.issuer`), the clients are curl, mpop and our own,
and the post office is ``pillarbox serve``.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pillarbox import sync
from pillarbox.client.errors import ServerTrouble, SignInRefused
from pillarbox.client.tls import TlsSettings
from tests.app.run.processes import eventually
from tests.auth.oauth.issuer import AUDIENCE, SECRET, SERVER, Issuer, Person
from tests.clients.drivers import run
from tests.postoffice import PostOffice

MESSAGE = b"Subject: hello\r\n\r\nby token\r\n"
WORKERS = 2
"""Of the post office; each has keys of its own."""
OTHERS = ("carol", "dave", "erin")
MECHANISMS = ("OAUTHBEARER", "XOAUTH2")


def token_of(issuer: Issuer, user: str = "alice", scope: str = "openid email pop") -> str:
    return asyncio.run(issuer.token(user, scope))


@contextlib.contextmanager
def served(folder: Path, issuer: Issuer, **oauth: Any) -> Iterator[PostOffice]:
    settings = {"issuer": issuer.url, "audience": [AUDIENCE], "scopes": ["pop"], **oauth}
    with PostOffice(
        folder,
        users=["alice", "bob", *OTHERS],
        settings={"auth.oauth": settings, "server": {"workers": WORKERS}},
    ) as office:
        office.deliver(MESSAGE, "alice")
        yield office


@contextlib.contextmanager
def issuing(folder: Path, *, opaque: bool) -> Iterator[tuple[Issuer, PostOffice]]:
    """An issuer of either kind of tokens, and a post office that takes them."""
    issuer = Issuer(opaque=opaque)
    issuer.people |= {name: Person(name) for name in OTHERS}
    secret = folder / "secret"
    secret.write_text(f"{SECRET}\n")
    asks = {
        "introspection": f"{issuer.url}/introspect",
        "client_id": SERVER,
        "client_secret_file": str(secret),
    }
    try:
        with served(folder, issuer, **(asks if issuer.opaque else {})) as office:
            yield issuer, office
    finally:
        issuer.stop()


@pytest.fixture(scope="module", params=["signed", "opaque"])
def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Issuer, PostOffice]]:
    """For all tests that change nothing of them."""
    with issuing(tmp_path_factory.mktemp("both"), opaque=request.param == "opaque") as found:
        yield found


@pytest.fixture(params=["signed", "opaque"])
def own(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Issuer, PostOffice]]:
    """For one test alone."""
    with issuing(tmp_path, opaque=request.param == "opaque") as found:
        yield found


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Issuer, PostOffice]]:
    """The last test changes its settings."""
    with issuing(tmp_path_factory.mktemp("signed"), opaque=False) as found:
        yield found


# -- three clients: each says what the first message of the maildrop is


def by_curl(office: PostOffice, user: str, token: str, mechanism: str, folder: Path) -> bytes:
    command = ["curl", "--silent", "--show-error", "--fail", "--cacert", str(office.authority)]
    command += ["--user", f"{user}:", "--oauth2-bearer", token]
    command += ["--login-options", f"AUTH={mechanism}", "--output", "message"]
    run([*command, f"pop3s://localhost:{office.addresses['pop3s'].port}/1"], folder)
    return (folder / "message").read_bytes()


def by_mpop(office: PostOffice, user: str, token: str, mechanism: str, folder: Path) -> bytes:
    maildir = folder / "Maildir"
    for part in ("cur", "new", "tmp"):
        (maildir / part).mkdir(parents=True, exist_ok=True)
    (folder / "token").write_text(token)
    control = folder / "mpoprc"
    control.write_text(f"""
        account default
        host localhost
        port {office.addresses["pop3s"].port}
        tls on
        tls_starttls off
        tls_trust_file {office.authority}
        auth {mechanism.lower()}
        user {user}
        passwordeval cat {folder / "token"}
        keep on
        received_header off
        uidls_file {folder / "uidls"}
        delivery maildir {maildir}
        """)
    control.chmod(0o600)
    run(["mpop", "--file", str(control), "--quiet"], folder)
    (path,) = (maildir / "new").iterdir()
    return path.read_bytes().replace(b"\n", b"\r\n")


def by_ours(
    office: PostOffice, user: str, token: str, mechanism: str, _: Path | None = None
) -> bytes:
    url = f"pop3s://{user}@localhost:{office.addresses['pop3s'].port}"
    tls = TlsSettings(ca=office.authority)
    with sync.connect(url, token=token, mechanism=mechanism, tls=tls) as box:
        return box.retrieve(1).read()


CLIENTS: dict[str, Callable[[PostOffice, str, str, str, Path], bytes]] = {
    "curl": by_curl,
    "mpop": by_mpop,
    "pillarbox": by_ours,
}


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("client", CLIENTS)
def test_mail_is_collected_with_a_token(
    both: tuple[Issuer, PostOffice], client: str, mechanism: str, tmp_path: Path
) -> None:
    if client != "pillarbox" and shutil.which(client) is None:
        pytest.skip(f"{client} is not installed")
    issuer, office = both
    token = token_of(issuer)
    before = len(office.log.find("session ended"))
    found = CLIENTS[client](office, "alice", token, mechanism, tmp_path)
    assert found.endswith(b"by token\r\n")
    office.log.wait_for("session ended", count=before + 1)
    assert token not in (office.folder / "server.log").read_text()


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_token_opens_its_users_mailbox_and_no_other(
    both: tuple[Issuer, PostOffice], mechanism: str
) -> None:
    """Each of the wrong ones at a mailbox of its own: guesses at one are slowed down."""
    issuer, office = both
    carol, dave, erin = OTHERS
    for user, token in (
        ("bob", token_of(issuer)),
        (carol, token_of(issuer, carol, "openid email")),  # good for less
        (dave, f"{token_of(issuer, dave)}x"),
        (erin, "never-given-out"),
    ):
        with pytest.raises(SignInRefused, match="access token"):
            by_ours(office, user, token, mechanism)
    assert by_ours(office, "alice", token_of(issuer), mechanism)


def test_a_refusal_says_what_a_token_must_be_and_where_to_get_one(
    signed: tuple[Issuer, PostOffice],
) -> None:
    """RFC 7628, section 3.2.2."""
    issuer, office = signed
    with contextlib.closing(office.connect()) as client:
        client.sock.sendall(b"AUTH OAUTHBEARER bixhPWFsaWNlLAFhdXRoPUJlYXJlciB4AQE=\r\n")
        challenge = json.loads(base64.b64decode(client.file.readline().removeprefix(b"+ ")))
        assert challenge == {
            "status": "invalid_token",
            "scope": "pop",
            "openid-configuration": f"{issuer.url}/.well-known/openid-configuration",
        }
        client.sock.sendall(b"AQ==\r\n")
        assert client.file.readline().startswith(b"-ERR [AUTH]")


def test_while_the_issuer_is_away_nobody_is_told_that_a_token_is_wrong(
    own: tuple[Issuer, PostOffice],
) -> None:
    issuer, office = own
    token = token_of(issuer)
    if not issuer.opaque:
        # The keys were fetched at the start, so that the issuer is not needed ...
        eventually(lambda: issuer.asked["/jwks"] >= WORKERS, "the keys are fetched")
        issuer.stop()
        assert by_ours(office, "alice", token, "OAUTHBEARER")
        return
    issuer.stop()
    with pytest.raises(ServerTrouble) as caught:  # ... unless there is nothing else to ask
        by_ours(office, "alice", token, "OAUTHBEARER")
    assert caught.value.temporary


def test_passwords_are_taken_as_before(signed: tuple[Issuer, PostOffice]) -> None:
    _, office = signed
    assert len(office.collect("alice", keep=True)) == 1


def test_a_reload_takes_new_settings_and_the_old_ones_stay_when_they_are_wrong(
    signed: tuple[Issuer, PostOffice],
) -> None:
    issuer, office = signed
    token = token_of(issuer)
    assert by_ours(office, "alice", token, "XOAUTH2")
    text = office.config.read_text()
    office.config.write_text(text.replace(issuer.url, "http://id.example.org"))
    office.signal(signal.SIGHUP)
    office.log.wait_for("reload refused; the old configuration goes on")
    assert by_ours(office, "alice", token, "XOAUTH2")
    office.config.write_text(text.replace(AUDIENCE, "pop3.example.net"))
    office.signal(signal.SIGHUP)
    office.log.wait_for("ready", count=2)
    with pytest.raises(SignInRefused):
        by_ours(office, "alice", token, "XOAUTH2")

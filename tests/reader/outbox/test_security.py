"""TLS as it is demanded, and sign-in after it: what is said to whom."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from pathlib import Path

import pytest
import trustme
from aiosmtpd.handlers import Message
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from pillarbox.client.tls import TlsSettings, fingerprint_of
from pillarbox.reader.model import Sending
from pillarbox.reader.outbox.talk import Talk
from pillarbox.reader.outbox.troubles import NotLetIn
from pillarbox.reader.submission import Security, Submission
from tests.client.proxies import HttpProxy, SocksProxy, listening
from tests.reader.outbox.server import HOST, PASSWORD, USER, HostileServer, Session, says
from tests.reader.outbox.world import MESSAGE, World, plain

AUTHORITY = trustme.CA()
LEAF = AUTHORITY.issue_cert(HOST)


def server_side(leaf: trustme.LeafCert = LEAF) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)
    return context


@pytest.fixture
def authority(tmp_path: Path) -> TlsSettings:
    AUTHORITY.cert_pem.write_to_path(tmp_path / "ca.pem")
    return TlsSettings(ca=tmp_path / "ca.pem")


@pytest.fixture
async def lonely(tmp_path: Path) -> AsyncIterator[World]:
    """An outbox without any server yet."""
    async with World(tmp_path) as world:
        yield world


class Keeper(Message):
    """Keeps what aiosmtpd was given."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[str] = []

    def handle_message(self, message: object) -> None:
        self.kept.append(str(message))


@asynccontextmanager
async def real_server(keeper: Keeper, *, implicit: bool) -> AsyncIterator[int]:
    """aiosmtpd, which wants TLS and a sign-in."""

    def authenticate(*arguments: object) -> AuthResult:
        given = arguments[-1]
        assert isinstance(given, LoginPassword)
        right = (given.login, given.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=right)

    def protocol() -> SMTP:
        return SMTP(
            keeper,
            hostname="here",
            auth_required=True,
            authenticator=authenticate,
            auth_require_tls=not implicit,
            tls_context=None if implicit else server_side(),
            require_starttls=not implicit,
        )

    loop = asyncio.get_running_loop()
    tls = server_side() if implicit else None
    server = await loop.create_server(protocol, HOST, 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


@pytest.mark.filterwarnings("ignore:Requiring AUTH:UserWarning")  # it does not know of implicit TLS
@pytest.mark.filterwarnings("ignore:Session.login_data is deprecated")  # its own use of it
@pytest.mark.parametrize("implicit", [True, False])
async def test_a_real_server_with_tls_and_sign_in(
    lonely: World, authority: TlsSettings, implicit: bool
) -> None:
    keeper = Keeper()
    security = Security.TLS if implicit else Security.STARTTLS
    async with real_server(keeper, implicit=implicit) as port:
        lonely.submissions["work"] = Submission(HOST, port, security, USER, PASSWORD, tls=authority)
        sent = lonely.put()
        await lonely.until_left(sent)
    (kept,) = keeper.kept
    assert "Subject: News" in kept
    assert kept.endswith("Hello\n.dot\n")


async def aside() -> str:
    return PASSWORD


SECRETS: list[str | Callable[[], str | Awaitable[str]]] = [PASSWORD, lambda: PASSWORD, aside]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
async def test_passwords_are_got_when_they_are_needed(
    lonely: World,
    authority: TlsSettings,
    secret: str | Callable[[], str | Awaitable[str]],
    mechanism: str,
) -> None:
    async with HostileServer(server_side()) as server:
        server.mechanisms = [mechanism]
        lonely.submissions["work"] = Submission(
            HOST, server.port, Security.TLS, USER, secret, tls=authority
        )
        await lonely.until_left(lonely.put())
        assert server.signed_in == [mechanism]


async def stopped(world: World, submission: Submission) -> str:
    """Why nothing leaves, after which nothing is tried by itself."""
    world.submissions["work"] = submission
    found = await world.until_tried(world.put())
    assert found.state is Sending.WAITING
    assert found.next_try is None
    return found.problem


async def test_a_wrong_password_stops_the_account_until_it_is_changed(
    lonely: World, authority: TlsSettings
) -> None:
    async with HostileServer(server_side(), starttls=True) as server:
        wrong = Submission(HOST, server.port, Security.STARTTLS, USER, "wrong", tls=authority)
        why = await stopped(lonely, wrong)
        assert "535 5.7.8 wrong" in why
        other = await lonely.until_tried(lonely.put())
        assert other.problem == why
        lonely.outbox.nudge()
        assert server.connections == 1
        lonely.submissions["work"] = wrong._replace(password=PASSWORD)
        lonely.outbox.nudge("work")
        await lonely.until(lambda: not lonely.outbox.all())
        assert len(server.taken) == 2


async def test_a_server_that_cannot_check_the_sign_in_now_is_asked_again(
    lonely: World, authority: TlsSettings
) -> None:
    async with HostileServer(server_side()) as server:
        server.instead["AUTH"] = says(b"454 4.7.0 try later\r\n", times=1)
        lonely.submissions["work"] = Submission(
            HOST, server.port, Security.TLS, USER, PASSWORD, tls=authority
        )
        sent = lonely.put()
        waiting = await lonely.until_tried(sent)
        assert waiting.next_try is not None
        lonely.later(7200)
        await lonely.until_left(sent)


async def test_nothing_is_said_without_the_tls_that_is_demanded(
    lonely: World, authority: TlsSettings
) -> None:
    async with HostileServer(starttls=False) as server:
        why = await stopped(
            lonely, Submission(HOST, server.port, Security.STARTTLS, USER, PASSWORD, tls=authority)
        )
        assert "does not offer TLS" in why
        assert [line.split()[0] for line in server.heard] == ["EHLO"]


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
@pytest.mark.parametrize("fault", ["name", "authority", "pin"])
async def test_nothing_is_said_to_who_shows_another_certificate(
    lonely: World, authority: TlsSettings, security: Security, fault: str
) -> None:
    leaf, tls = LEAF, authority
    if fault == "name":
        leaf = AUTHORITY.issue_cert("elsewhere.example")
    elif fault == "authority":
        leaf = trustme.CA().issue_cert(HOST)
    else:
        tls = authority._replace(fingerprint="0" * 64)
    async with HostileServer(server_side(leaf), starttls=security is Security.STARTTLS) as server:
        why = await stopped(
            lonely, Submission(HOST, server.port, security, USER, PASSWORD, tls=tls)
        )
        assert "certificate" in why
        said = [line.split()[0] for line in server.heard]
        assert said == (["EHLO", "STARTTLS"] if security is Security.STARTTLS else [])
        assert server.taken == []


async def test_a_pinned_certificate_is_enough(lonely: World) -> None:
    pin = fingerprint_of(ssl.PEM_cert_to_DER_cert(LEAF.cert_chain_pems[0].bytes().decode()))
    async with HostileServer(server_side(), starttls=True) as server:
        lonely.submissions["work"] = Submission(
            HOST, server.port, Security.STARTTLS, USER, PASSWORD, tls=TlsSettings(fingerprint=pin)
        )
        await lonely.until_left(lonely.put())
        assert server.signed_in


async def test_what_was_said_in_clear_behind_the_reply_to_starttls_does_not_count(
    lonely: World, authority: TlsSettings
) -> None:
    """RFC 3207, section 5; the injection of CVE-2011-0411, towards the client."""
    async with HostileServer(server_side(), starttls=True) as server:
        server.instead["STARTTLS"] = says(b"220 go on\r\n250-here\r\n250 AUTH X-EVIL\r\n")
        lonely.submissions["work"] = Submission(
            HOST, server.port, Security.STARTTLS, USER, PASSWORD, tls=authority
        )
        sent = lonely.put()
        await lonely.until(lambda: lonely.outbox.find(sent) is None or bool(lonely[sent].problem))
        assert not any("X-EVIL" in line for line in server.heard)
        assert all(taken.content == MESSAGE for taken in server.taken)


async def test_without_a_password_the_page_says_what_is_missing(
    lonely: World, authority: TlsSettings
) -> None:
    async with HostileServer(server_side()) as server:
        why = await stopped(
            lonely, Submission(HOST, server.port, Security.TLS, USER, tls=authority)
        )
        assert why == "There is no password to send as alice. Give one in the account's settings."


async def test_a_server_that_wants_a_sign_in_where_none_is_set(lonely: World) -> None:
    async with HostileServer() as server:
        server.instead["MAIL"] = says(b"530 5.7.0 Authentication required\r\n")
        why = await stopped(lonely, Submission(HOST, server.port, Security.NONE))
        assert "wants a sign-in" in why


async def test_a_server_without_a_way_to_sign_in(lonely: World, authority: TlsSettings) -> None:
    async with HostileServer(server_side()) as server:
        server.mechanisms = ["GSSAPI"]
        why = await stopped(
            lonely, Submission(HOST, server.port, Security.TLS, USER, PASSWORD, tls=authority)
        )
        assert "GSSAPI" in why


async def test_a_token_is_sent_as_a_token(lonely: World, authority: TlsSettings) -> None:
    heard: list[str] = []

    def rule(_: Session, argument: str) -> bytes:
        heard.append(argument)
        return b"235 welcome\r\n"

    async with HostileServer(server_side()) as server:
        server.mechanisms = ["XOAUTH2", "PLAIN"]
        server.instead["AUTH"] = rule
        lonely.submissions["work"] = Submission(
            HOST, server.port, Security.TLS, USER, token="ya29.token", tls=authority
        )
        await lonely.until_left(lonely.put())
        assert heard[0].startswith("XOAUTH2 ")


async def test_tls_where_there_is_none(lonely: World, authority: TlsSettings) -> None:
    async with HostileServer() as server:
        why = await stopped(
            lonely, Submission(HOST, server.port, Security.TLS, USER, PASSWORD, tls=authority)
        )
        assert why == (
            f"{HOST}:{server.port} does not speak TLS. Check port and protection of the server for sending: “TLS "
            "from the start” is usually at port 465, “STARTTLS” at 587. Nothing was sent."
        )
        assert server.heard == []


# What a message needs of a server.


async def test_a_message_that_is_too_large_is_refused_before_it_is_sent(
    world: World, server: HostileServer
) -> None:
    """RFC 1870."""
    server.extensions = ["SIZE 1000"]
    sent = world.put(message=MESSAGE + b"x" * 2000 + b"\r\n")
    refused = await world.until_state(sent, Sending.REFUSED)
    assert "the server takes 0.0 MB at most" in refused.problem
    assert not any(line.startswith("DATA") for line in server.heard)


@pytest.mark.parametrize(
    ("sender", "recipient", "extensions", "ok"),
    [
        ("a@example.org", "jörg@example.org", [], False),
        ("a@example.org", "jörg@example.org", ["SMTPUTF8", "8BITMIME"], True),
        ("jörg@example.org", "b@example.org", [], False),
        ("a@bücher.example", "b@bücher.example", [], True),
        ("a@example.org", "no address", [], False),
        ("a@example.org", "b>@example.org", [], False),
        ("a@example.org", '"b c"@example.org', [], True),
    ],
)
async def test_addresses_that_not_every_server_can_transport(
    world: World,
    server: HostileServer,
    sender: str,
    recipient: str,
    extensions: list[str],
    ok: bool,
) -> None:
    server.extensions = extensions
    sent = world.put(recipient, sender=sender)
    if ok:
        await world.until_left(sent)
        (taken,) = server.taken
        assert taken.recipients == (recipient.replace("bücher", "xn--bcher-kva"),)
        mail = next(line for line in server.heard if line.startswith("MAIL"))
        assert ("SMTPUTF8" in mail) is bool(extensions)
    else:
        await world.until_state(sent, Sending.REFUSED)
        assert server.taken == []


async def test_eight_bits_where_only_seven_are_taken(world: World, server: HostileServer) -> None:
    """RFC 6152, section 3."""
    eight = (
        b"Subject: News\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: 8bit\r\n\r\n" + "Grüße\r\n".encode()
    )
    server.extensions = ["8BITMIME"]
    await world.until_left(world.put(message=eight))
    assert server.taken[0].content == eight
    assert "BODY=8BITMIME" in next(line for line in server.heard if line.startswith("MAIL"))
    server.extensions = []
    await world.until_left(world.put(message=eight))
    content = server.taken[1].content
    assert content.isascii()
    text = message_from_bytes(content, policy=policy.default).get_payload(decode=True)
    assert text == "Grüße\r\n".encode()


@pytest.mark.parametrize(
    "message", [b"a: b\n\nlone\nlines", b"a: b\r\n\r\n.\r\n..\r\n.x\r\n", b"a: b\r\n\r\nx\r.\r\n"]
)
async def test_line_ends_and_dots_arrive_as_they_are_meant(
    world: World, server: HostileServer, message: bytes
) -> None:
    await world.until_left(world.put(message=message))
    whole = message.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
    assert server.taken[0].content == whole.removesuffix(b"\r\n") + b"\r\n"


async def test_a_token_that_the_server_refuses_is_had_anew_once(server: HostileServer) -> None:
    """It may have been taken back before its time (RFC 7009)."""
    discarded: list[str] = []
    tokens = iter(["old", "new", "never"])
    server.mechanisms = ["XOAUTH2"]
    server.takes_token = "new"

    def submission() -> Submission:
        return plain(
            server.port,
            user=USER,
            token=lambda: next(tokens),
            discard_token=lambda: discarded.append("once"),
        )

    await (await Talk.open(submission())).close()
    assert discarded == ["once"]
    assert server.signed_in == ["XOAUTH2"]
    tokens = iter(["old", "older", "never"])
    with pytest.raises(NotLetIn):
        await Talk.open(submission())
    assert discarded == ["once", "once"]
    assert next(tokens) == "never"


async def test_a_wrong_password_is_tried_once(server: HostileServer) -> None:
    with pytest.raises(NotLetIn):
        await Talk.open(plain(server.port, user=USER, password="wrong"))
    assert server.connections == 1


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_an_account_with_a_proxy_is_sent_through_it(
    world: World, server: HostileServer, scheme: str
) -> None:
    kind = HttpProxy if scheme == "http" else SocksProxy
    proxy = kind(server.port)
    async with listening(proxy.serve) as port:
        # Nobody of that name is anywhere: only the proxy can know it.
        world.submissions["work"] = Submission(
            "smtp.invalid", 25, Security.NONE, proxy=f"{scheme}://{HOST}:{port}"
        )
        await world.until_left(world.put())
    assert [taken.content for taken in server.taken] == [MESSAGE]

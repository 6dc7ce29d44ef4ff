"""The lessons of other servers' security history, each under its name.

Delivery's and the accounts' lessons are in tests/delivery and tests/auth;
docs/specifications.md lists all.
"""

from __future__ import annotations

import gc
import ssl
from pathlib import Path

import pytest

from pillarbox.auth.accounts import Accounts as AccountsFile
from pillarbox.auth.authenticator import LocalAuthenticator
from pillarbox.server.connection import Connection
from pillarbox.server.limits import Policy
from pillarbox.server.listener import Pop3Server
from pillarbox.server.session import Session
from pillarbox.store.embedded import open_store
from tests.server.conftest import Logs
from tests.server.house import House, to_the_end
from tests.transport import Client, make_server, nobody_left, settle
from tests.world import Accounts, FaultyStore

MAIL = b"Subject: x\r\n\r\nhere\r\n"


@pytest.mark.parametrize("behind", [b"USER mrose\r\n", b"\r\n", b"x", b"USER a\r\nPASS b\r\nRETR"])
async def test_cve_2021_33515_cve_2021_38084_bytes_together_with_stls_close(
    house: House, behind: bytes
) -> None:
    """They must not be carried out under TLS as if they had come under it."""
    reader, writer = await house.connect("pop3")
    await reader.readline()
    writer.write(b"STLS\r\n" + behind)
    assert b"+OK" not in await to_the_end(reader)
    writer.close()


async def test_cve_2022_28220_bytes_behind_the_reply_to_stls_do_not_survive_either(
    house: House,
) -> None:
    """One server's fix looked at the first read only."""
    reader, writer = await house.connect("pop3")
    await reader.readline()
    writer.write(b"STLS\r\n")
    assert (await reader.readline()).startswith(b"+OK")
    writer.write(b"USER mrose\r\nPASS tanstaaf\r\n")
    assert b"+OK" not in await to_the_end(reader)
    writer.close()
    await nobody_left(house.server)
    assert not await house.store.locked("mrose")


async def test_no_starttls_nothing_learned_before_tls_counts(
    store: FaultyStore, accounts: Accounts
) -> None:
    """The user's name, the UTF8 mode, a failed login's count of commands: all begin again."""
    await store.put("mrose", "Subject: ü\r\n\r\nx\r\n".encode())
    client = await Client(make_server(store, accounts)).connect()
    await client.say(b"UTF8\r\nUSER mrose\r\n")
    await client.say(b"STLS\r\n")
    await client.door.shake_hands()
    assert (await client.say(b"PASS tanstaaf\r\n")).startswith(b"-ERR")
    await client.say(b"USER mrose\r\nPASS tanstaaf\r\n")
    assert (await client.say(b"RETR 1\r\n")).startswith(b"-ERR [UTF8]")


async def test_no_starttls_an_exchange_begun_before_tls_does_not_go_on_after_it(
    store: FaultyStore, accounts: Accounts
) -> None:
    client = await Client(make_server(store, accounts)).connect()
    await client.say(b"AUTH LOGIN\r\n")
    await client.say(b"bXJvc2U=\r\n*\r\n")
    await client.say(b"STLS\r\n")
    await client.door.shake_hands()
    assert (await client.say(b"dGFuc3RhYWY=\r\n")).startswith(b"-ERR")
    assert (await client.say(b"STAT\r\n")).startswith(b"-ERR")


@pytest.mark.parametrize("opening", [b"POST / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\n", b"EHLO x\r\n"])
async def test_alpaca_another_protocol_under_tls_gets_one_line_and_the_end(
    house: House, opening: bytes
) -> None:
    """A browser that was led here must find neither its own words nor mail in the reply."""
    house.context.set_alpn_protocols(["http/1.1"])
    try:
        reader, writer = await house.connect("pop3s", house.context)
    except (ssl.SSLError, ConnectionError):
        return  # refused by ALPN: better still
    writer.write(opening + b"Host: evil.example\r\n\r\nUSER mrose\r\nPASS tanstaaf\r\nRETR 1\r\n")
    said = await to_the_end(reader)
    greeting, _, rest = said.partition(b"\r\n")
    assert greeting.startswith(b"+OK")
    assert rest.startswith(b"-ERR")
    assert rest.count(b"\r\n") == 1
    assert b"evil" not in said
    writer.close()


async def test_cve_2007_1558_apop_is_off_unless_asked_for(
    store: FaultyStore, accounts: Accounts
) -> None:
    client = await Client(make_server(store, accounts, Policy())).connect()
    assert b"<" not in client.heard()
    digest = b"c4c9334bac560ecc979e58001b3e22fb"
    assert (await client.say(b"APOP mrose " + digest + b"\r\n")).startswith(b"-ERR")
    assert accounts.peers == []


async def test_cve_2007_1558_each_greeting_has_a_timestamp_of_its_own(
    store: FaultyStore, accounts: Accounts
) -> None:
    """RFC 1939, section 7: "must be different each time"; RFC 822 ``msg-id``, plain ASCII."""
    server = make_server(store, accounts, Policy(apop=True, hostname="mail.example.org"))
    stamps = set()
    for _ in range(200):
        greeting = (await Client(server).connect()).heard()
        stamp = greeting[greeting.index(b"<") : greeting.index(b">") + 1]
        assert stamp.endswith(b"@mail.example.org>")
        assert all(0x21 <= octet < 0x7F for octet in stamp)
        stamps.add(stamp)
    assert len(stamps) == 200


NASTY = [
    b"' OR '1'='1",
    b"mrose'; DROP TABLE accounts; --",
    b'mrose"--',
    b"../../../etc/passwd",
    b"/etc/passwd",
    b"mrose/../mrose",
    b"%u%n%s%x",
    b"${USER}",
    b"{0.__class__}",
    b"$(touch /tmp/x)",
    b"mrose\xff",
    b"mro\xed\xb0\x80se",
    b"*",
    b"..",
    b".",
    b"-rf",
    b"mrose\t",
    b"a" * 240,
]


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@pytest.mark.parametrize("name", NASTY)
async def test_cve_2026_24031_cve_2017_2669_a_nasty_name_opens_nothing_and_leaves_nothing(
    tmp_path: Path, name: bytes
) -> None:
    """With the real accounts and the real store: names never reach SQL, paths, templates."""
    folder = tmp_path / "store"
    store = open_store(folder)
    file = AccountsFile(folder / "accounts.db")
    file.add("mrose", "tanstaaf")
    authenticator = LocalAuthenticator(file, domains=["example.org"])
    try:
        client = await Client(make_server(store, authenticator), address="192.0.2.9").connect()
        client.heard()
        client.transport.client_sends(b"USER " + name + b"\r\nPASS tanstaaf\r\n")
        said = b""
        while said.count(b"\r\n") < 2:
            await settle()
            said += client.heard()
        assert said.splitlines()[1].startswith(b"-ERR")
        assert b"[SYS" not in said
        assert list(file.names()) == ["mrose"]
        assert await store.users() == []
        assert sorted(_names(tmp_path)) == ["store"]
        client.transport.client_cuts()
        await settle()
    finally:
        authenticator.close()
        await store.close()
        file.close()


@pytest.mark.parametrize(
    "bad",
    [
        b"AUTH PLAIN /w==\r\n",
        b"AUTH PLAIN AP/+AP8=\r\n",
        b"AUTH PLAIN\r\n\xff\xfe\r\n",
        b"AUTH LOGIN\r\n/////w==\r\n/w==\r\n",
        b"AUTH PLAIN " + b"\xff" * 100 + b"\r\n",
        b"AUTH \xff\xff\r\n",
        b"USER \xff\xfe\r\nPASS \x80\x81\r\n",
        b"APOP \xff \xff\r\n",
        b"LANG \xff\r\n",
        b"UTF8 \xff\r\n",
    ],
)
async def test_cve_2019_10691_cve_2025_59028_one_bad_login_hurts_no_other(
    store: FaultyStore, accounts: Accounts, logs: Logs, bad: bytes
) -> None:
    server = make_server(store, accounts, Policy(apop=True))
    half_way = await Client(server).connect()
    await half_way.say(b"AUTH LOGIN\r\n")
    await half_way.say(b"bXJvc2U=\r\n")
    hostile = await Client(server).connect()
    hostile.heard()
    said = await hostile.say(bad)
    assert said.splitlines()[-1].startswith(b"-ERR")
    assert not any(line["log_level"] in {"error", "critical"} for line in logs)
    assert (await half_way.say(b"dGFuc3RhYWY=\r\n")).startswith(b"+OK")
    assert (await hostile.say(b"CAPA\r\n")).startswith(b"+OK")


async def test_cve_2017_15130_no_server_name_makes_the_server_keep_anything(house: House) -> None:
    """Names in TLS hellos are the client's choice: nothing is created for them."""
    assert house.server.tls is not None
    assert house.server.tls.sni_callback is None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    for number in range(20):
        reader, writer = await house.connect("pop3s", context, f"host-{number}.example")
        assert (await reader.readline()).startswith(b"+OK")
        writer.transport.abort()
    await nobody_left(house.server)


async def test_cve_2017_15132_an_aborted_exchange_is_freed(
    store: FaultyStore, accounts: Accounts
) -> None:
    client = await Client(make_server(store, accounts)).connect()
    for _ in range(8):
        await client.say(b"AUTH LOGIN\r\n")
        assert client.connection.session.mechanism is not None
        await client.say(b"*\r\n")
        assert client.connection.session.mechanism is None


@pytest.mark.parametrize(
    "lines",
    [
        [b"AUTH LOGIN", b"no base64"],
        [b"AUTH LOGIN", b"bXJvc2U=", b"AAAA="],
        [b"AUTH PLAIN", b"AAAA\xff"],
        [b"AUTH PLAIN", b"AAAA"],  # base64, but no PLAIN
        [b"AUTH PLAIN no-base64"],
        [b"AUTH LOGIN ="],  # an empty name
    ],
)
async def test_cve_2017_15132_an_exchange_with_a_refused_line_is_freed(
    store: FaultyStore, accounts: Accounts, lines: list[bytes]
) -> None:
    client = await Client(make_server(store, accounts)).connect()
    client.heard()
    for _ in range(8):
        for line in lines:
            said = await client.say(line + b"\r\n")
        assert said.startswith(b"-ERR")
        assert client.connection.session.mechanism is None


def alive() -> set[int]:
    return {id(thing) for thing in gc.get_objects() if isinstance(thing, (Connection, Session))}


@pytest.mark.parametrize("ends", ["cut", "quit"])
async def test_cve_2017_15132_a_connection_that_is_over_is_freed(
    store: FaultyStore, accounts: Accounts, ends: str
) -> None:
    before = alive()
    server = make_server(store, accounts)
    client = await Client(server).connect()
    await client.say(b"AUTH LOGIN\r\n")
    if ends == "cut":
        client.transport.client_cuts()
    else:
        await client.say(b"*\r\nQUIT\r\n")
    await settle()
    assert server.connections == 0
    del client
    gc.collect()
    assert not alive() - before


@pytest.mark.parametrize(
    "line",
    [b"A" * 5000, b"%n" * 2500, b"USER " + b"%s" * 2000, b"LIST " + b"9" * 4000, b"\xff" * 5000],
)
async def test_qpopper_a_long_line_is_measured_before_it_is_understood(
    server: Pop3Server, line: bytes
) -> None:
    client = await Client(server).sign_in()
    said = await client.say(line + b"\r\n")
    assert said.startswith(b"-ERR")
    assert len(said) <= 512
    assert (await client.say(b"NOOP\r\n")).startswith(b"+OK")


@pytest.mark.parametrize("text", [b"%n%n%s", b"{}{0}", b"%(x)s", b"\\r\\n+OK", b"$name"])
async def test_qpopper_nothing_is_formatted_with_a_clients_text(
    server: Pop3Server, logs: Logs, text: bytes
) -> None:
    client = await Client(server).connect()
    client.heard()
    said = await client.say(text + b"\r\nUSER " + text + b"\r\nPASS " + text + b"\r\n")
    assert said.count(b"\r\n") == 3
    assert said.splitlines()[2].startswith(b"-ERR [AUTH]")
    assert not any(line["log_level"] in {"error", "critical"} for line in logs)


@pytest.mark.parametrize(
    ("user", "password"),
    [(b"mrose", b"wrong"), (b"nobody", b"tanstaaf"), (b"mrose\xff", b"x"), (b"../x", b"y")],
)
async def test_unknown_user_and_wrong_password_get_the_same_bytes(
    server: Pop3Server, user: bytes, password: bytes
) -> None:
    client = await Client(server).connect()
    expected = await client.say(b"USER johndoe\r\nPASS nonsense\r\n")
    other = await Client(server).connect()
    assert await other.say(b"USER " + user + b"\r\nPASS " + password + b"\r\n") == expected

"""One line at the end of each session, complete, and never a password in any."""

from __future__ import annotations

import base64

import pytest

from pillarbox.contracts.errors import StoreUnavailable
from tests.server.conftest import Logs
from tests.server.test_limits import CountingMeter
from tests.transport import Client, make_server, settle
from tests.world import Accounts, FaultyStore

PASSWORD = "open sesame 42"
MAIL = b"Subject: x\r\n\r\nbody\r\n"


@pytest.fixture
def accounts() -> Accounts:
    return Accounts({"mrose": PASSWORD})


def the_end(logs: Logs) -> dict[str, object]:
    (line,) = [line for line in logs if line["event"] == "session ended"]
    return dict(line)


async def test_the_line_says_who_what_and_why(
    store: FaultyStore, accounts: Accounts, logs: Logs
) -> None:
    meter = CountingMeter()
    await store.put("mrose", MAIL, MAIL, MAIL)
    client = Client(make_server(store, accounts, meter=meter), "pop3s", "192.0.2.7")
    await client.sign_in("mrose", PASSWORD)
    await client.say(
        b"RETR 1\r\nRETR 2\r\nTOP 3 0\r\nDELE 1\r\nDELE 2\r\nRSET\r\nDELE 3\r\nQUIT\r\n"
    )
    line = the_end(logs)
    assert line["user"] == "mrose"
    assert line["view"] == "default"
    assert line["peer"] == "192.0.2.7"
    assert line["door"] == "pop3s"
    assert line["tls"] == "TLSv1.3"
    assert line["retrieved"] == 2
    assert line["octets"] == 2 * len(MAIL)
    assert line["deleted"] == 1
    assert line["reason"] == "quit"
    assert isinstance(line["seconds"], float)
    assert meter.began == 1
    assert meter.ended == [("pop3s", "quit", 2, 2 * len(MAIL), 1)]
    assert [outcome for _, outcome in meter.sign_ins] == ["ok"]


async def test_nothing_is_counted_as_deleted_before_the_update(
    store: FaultyStore, accounts: Accounts, logs: Logs
) -> None:
    await store.put("mrose", MAIL)
    client = await Client(make_server(store, accounts)).sign_in("mrose", PASSWORD)
    await client.say(b"DELE 1\r\n")
    client.transport.client_cuts()
    await settle()
    line = the_end(logs)
    assert line["deleted"] == 0
    assert line["tls"] is None
    assert line["reason"] != "quit"


async def test_a_session_without_a_sign_in_has_a_line_too(
    store: FaultyStore, accounts: Accounts, logs: Logs
) -> None:
    client = await Client(make_server(store, accounts)).connect()
    await client.say(b"QUIT\r\n")
    assert the_end(logs)["user"] is None


async def test_a_broken_connection_is_called_that(
    store: FaultyStore, accounts: Accounts, logs: Logs
) -> None:
    client = await Client(make_server(store, accounts)).connect()
    client.transport.client_cuts()
    await settle()
    assert the_end(logs)["reason"] == "connection lost"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "commands",
    [
        [f"USER mrose\r\nPASS {PASSWORD}\r\n"],
        [f"USER mrose\r\nPASS {PASSWORD}x\r\n"],
        [f"USER nobody\r\nPASS {PASSWORD}\r\n"],
        [f"PASS {PASSWORD}\r\n"],
        [f"XPASS {PASSWORD}\r\n"],
        [f"AUTH PLAIN {encoded(chr(0) + 'mrose' + chr(0) + PASSWORD)}\r\n"],
        [f"AUTH PLAIN {encoded(chr(0) + 'mrose' + chr(0) + PASSWORD + 'x')}\r\n"],
        [f"AUTH PLAIN {encoded(PASSWORD)}\r\n"],
        ["AUTH LOGIN\r\n", f"{encoded('mrose')}\r\n", f"{encoded(PASSWORD)}\r\n"],
        ["AUTH LOGIN\r\n", f"{encoded('mrose')}\r\n", f"{PASSWORD}\r\n"],
        [f"USER mrose\r\nPASS {PASSWORD}\r\nPASS {PASSWORD}\r\nDELE {PASSWORD}\r\n"],
    ],
)
@pytest.mark.parametrize("fails", [False, True])
async def test_no_password_in_any_line(
    store: FaultyStore, accounts: Accounts, logs: Logs, commands: list[str], fails: bool
) -> None:
    if fails:
        accounts.error = RuntimeError("a bug in the accounts")
    client = await Client(make_server(store, accounts)).connect()
    said = b"".join([await client.say(command.encode()) for command in commands])
    client.transport.client_cuts()
    await settle()
    for secret in (PASSWORD, encoded(PASSWORD), encoded("\0mrose\0" + PASSWORD)):
        assert secret not in repr(logs)
        assert secret.encode() not in said


async def test_a_refused_sign_in_is_logged_with_address_and_reason(
    store: FaultyStore, accounts: Accounts, logs: Logs
) -> None:
    """What fail2ban needs (facts: "log the address and reason of each")."""
    client = await Client(make_server(store, accounts), "pop3s", "192.0.2.66").connect()
    await client.say(b"USER mrose\r\nPASS wrong\r\n")
    (line,) = [line for line in logs if line["event"] == "sign-in failed"]
    assert line["peer"] == "192.0.2.66"
    assert line["name"] == "mrose"
    assert line["reason"]


async def test_a_long_name_does_not_fill_the_log(
    store: FaultyStore, accounts: Accounts, logs: Logs
) -> None:
    client = await Client(make_server(store, accounts)).connect()
    await client.say(b"AUTH LOGIN\r\n")
    await client.say(base64.b64encode(b"n" * 9000) + b"\r\n")
    await client.say(base64.b64encode(b"p") + b"\r\n")
    assert len(repr(logs)) < 2000


async def test_a_quit_that_could_not_remove_is_not_counted_as_one_that_did(
    store: FaultyStore, accounts: Accounts, logs: Logs
) -> None:
    await store.put("mrose", MAIL)
    client = await Client(make_server(store, accounts)).sign_in("mrose", PASSWORD)
    store.faults.errors["commit"] = StoreUnavailable("the disk is full", temporary=True)
    assert b"-ERR [SYS/TEMP]" in await client.say(b"DELE 1\r\nQUIT\r\n")
    line = the_end(logs)
    assert line["reason"] == "update failed"
    assert line["deleted"] == 0


async def test_at_debug_level_each_command_is_logged_and_no_secret(
    store: FaultyStore, accounts: Accounts, logs: Logs
) -> None:
    server = make_server(store, accounts)
    client = await Client(server).connect()
    again = base64.b64encode(f"\0mrose\0{PASSWORD}".encode())
    await client.say(b"USER mrose\r\nPASS wrong one\r\nAUTH PLAIN\r\n" + again + b"\r\nSTAT\r\n")
    heard = [line["line"] for line in logs if line["event"] == "heard"]
    assert heard == ["USER mrose", "PASS ****", "AUTH PLAIN ****", "****", "STAT"]
    assert "wrong one" not in str(logs)
    assert PASSWORD not in str(logs)
    assert again.decode() not in str(logs)

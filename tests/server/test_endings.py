"""How sessions end: by QUIT, by the client's leaving, by the server's stopping."""

from __future__ import annotations

import asyncio

import pytest

from pillarbox.server.listener import Pop3Server
from tests.server.conftest import Logs
from tests.transport import Client, settle
from tests.world import FaultyStore


async def test_a_second_login_is_refused_while_the_first_lasts(
    server: Pop3Server, store: FaultyStore
) -> None:
    """RFC 1939, section 4: the exclusive-access lock; RFC 2449, section 8.1.2: [IN-USE]."""
    await store.put("mrose", b"one")
    first = await Client(server).sign_in()
    second = await Client(server).connect()
    assert b"-ERR [IN-USE]" in await second.say(b"USER mrose\r\nPASS tanstaaf\r\n")
    assert (await first.say(b"RETR 1\r\n")).startswith(b"+OK"), "the first does not notice"
    other = await Client(server).sign_in("johndoe", "secret")
    assert not other.transport.closed
    await first.say(b"QUIT\r\n")
    assert b"-ERR" not in await second.say(b"USER mrose\r\nPASS tanstaaf\r\n")


@pytest.mark.parametrize("how", ["cut", "end", "quit", "abort"])
async def test_however_a_session_ends_the_next_can_begin(
    server: Pop3Server, store: FaultyStore, how: str
) -> None:
    """ "Mailbox in use" for hours is what users of other servers complain about."""
    client = await Client(server).sign_in()
    if how == "cut":
        client.transport.client_cuts()
    elif how == "end":
        client.transport.client_ends()
    elif how == "quit":
        await client.say(b"QUIT\r\n")
    else:
        client.transport.abort()
    await settle()
    assert not await store.locked("mrose")
    await Client(server).sign_in()


async def test_the_lock_is_free_before_the_reply_to_quit_can_be_read(
    server: Pop3Server, store: FaultyStore
) -> None:
    client = await Client(server).sign_in()
    client.transport.client_sends(b"QUIT\r\n")
    assert b"+OK" in client.heard()
    assert not await store.locked("mrose")


async def test_a_client_that_closes_its_half_gets_its_answers(
    server: Pop3Server, store: FaultyStore
) -> None:
    """``printf '…' | nc``: all commands, then end of file."""
    await store.put("mrose", b"Subject: x\r\n\r\nhere\r\n")
    client = await Client(server).connect()
    client.transport.client_sends(b"USER mrose\r\nPASS tanstaaf\r\nRETR 1\r\nDELE 1\r\nQUIT\r\n")
    client.transport.client_ends()
    await settle()
    said = client.heard()
    assert b"here\r\n.\r\n+OK" in said
    assert client.transport.closed
    assert (await store.memory.status("mrose")).count == 0


async def test_stop_lets_a_session_finish_with_its_update(
    server: Pop3Server, store: FaultyStore
) -> None:
    await store.put("mrose", b"one", b"two")
    waiting = await Client(server).connect()
    client = await Client(server).sign_in()
    await client.say(b"DELE 1\r\n")
    stopping = asyncio.create_task(server.stop(3600))
    await settle()
    assert waiting.transport.closed, "who has not signed in has nothing to finish"
    assert not client.transport.closed
    assert not stopping.done()
    assert (await client.say(b"QUIT\r\n")).startswith(b"+OK")
    await stopping
    assert (await store.memory.status("mrose")).count == 1


async def test_after_the_grace_sessions_are_broken_off_without_update(
    server: Pop3Server, store: FaultyStore, logs: Logs
) -> None:
    """And without IMAP's ``* BYE`` (seen in Stalwart): POP3 has no word for it."""
    await store.put("mrose", b"one", b"two")
    client = await Client(server).sign_in()
    await client.say(b"DELE 1\r\n")
    await server.stop(0)
    assert client.transport.closed
    assert client.heard() == b""
    assert (await store.memory.status("mrose")).count == 2
    assert not await store.locked("mrose")
    (line,) = [line for line in logs if line["event"] == "session ended"]
    assert line["reason"] == "shutdown"


async def test_stop_without_sessions_returns_at_once(server: Pop3Server) -> None:
    await server.stop(3600)


async def test_a_successor_lets_newcomers_sign_in_here(
    server: Pop3Server, store: FaultyStore
) -> None:
    """A reload: nobody who has been greeted is sent away because of it."""
    await store.put("mrose", b"one")
    client = await Client(server).connect()
    stopping = asyncio.create_task(server.stop(3600, leave_newcomers=True))
    await settle()
    assert not client.transport.closed
    assert (await client.say(b"USER mrose\r\nPASS tanstaaf\r\nQUIT\r\n")).count(b"+OK") == 4
    await stopping

"""Connections, idleness, slowness: every wait and every count has its limit."""

from __future__ import annotations

import asyncio
import socket

import pytest

from pillarbox.delivery import link
from pillarbox.delivery.connection import Connection
from tests.delivery.office import Office, office, policy


@pytest.mark.parametrize("door", ["lmtp", "smtp"])
async def test_one_connection_too_many(door: str) -> None:
    async with office(door, connections=2) as place:
        first, _ = await place.call(), await place.call()
        third = await place.call(greeted=False)
        assert (await third.reply()).startswith("421 4.3.2")
        assert await third.ended()
        assert place.ledger.refusals == [(door, "connections")]
        await first.say("QUIT")
        assert await first.ended()
        await admitted(place)


async def admitted(place: Office) -> None:
    """Somebody may come in again (soon: the place is free when the session has been put away)."""
    while True:
        line = await place.call(greeted=False)
        if (await line.reply()).startswith("220"):
            return
        assert await line.ended()


async def test_connections_of_one_address() -> None:
    async with office("smtp", connections_per_address=1) as place:
        first = await place.call()
        second = await place.call(greeted=False)
        assert (await second.reply()).startswith("421 4.7.0")
        await first.say("QUIT")
        await admitted(place)
        assert set(place.ledger.refusals) == {("smtp", "address")}


async def test_lmtp_has_one_client_with_many_connections() -> None:
    async with office("lmtp", connections_per_address=1) as place:
        for _ in range(5):
            await place.call()


async def test_one_ipv6_network_is_one_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host has 2**64 addresses in its /64."""
    peers = (f"2001:db8:1:{n // 2}::{n:x}" for n in range(4))
    monkeypatch.setattr(link, "peer_of", lambda _: next(peers))
    async with office("smtp", connections_per_address=1) as place:
        greetings = [await (await place.call(greeted=False)).reply() for _ in range(4)]
        assert [greeting[:9] for greeting in greetings[:2]] == ["220 mail.", "421 4.7.0"]
        assert [greeting[:9] for greeting in greetings[2:]] == ["220 mail.", "421 4.7.0"]


async def test_a_crowd_at_smtp_does_not_close_lmtp() -> None:
    async with office("smtp", connections=1) as place:
        await place.call()
        assert (await (await place.call(greeted=False)).reply()).startswith("421 4.3.2")
        sock = socket.socket()
        sock.bind(("127.0.0.1", 0))
        place.door, place.port = "lmtp", sock.getsockname()[1]
        await place.server.listen("lmtp", sock)
        await place.call()


@pytest.mark.parametrize("door", ["lmtp", "smtp"])
async def test_an_idle_client_is_told_and_closed(door: str) -> None:
    async with office(door, idle_timeout=0.5) as place:
        line = await place.call(greeted=False)
        await line.reply()
        assert (await line.reply()).startswith("421 4.4.2")
        assert await line.ended()


async def test_a_client_that_falls_silent_within_a_message() -> None:
    async with office("lmtp") as place:
        line = await place.addressed("alice@example.org")
        await line.say("DATA")
        await line.send(b"half")
        place.lose_patience()
        assert (await line.reply()).startswith("421 4.4.2")
        assert place.store.calls == []


async def test_a_dripping_client_is_not_idle_but_too_slow() -> None:
    async with office("lmtp", idle_timeout=30, message_timeout=0.1) as place:
        line = await place.addressed("alice@example.org")
        await line.say("DATA")
        answer = asyncio.create_task(line.reply())
        while not answer.done():
            await line.send(b"x")
            await asyncio.wait({answer}, timeout=0.01)  # a pace, not a pause
        assert (await answer).startswith("421 4.4.2")
        assert place.store.calls == []


async def test_waiting_for_the_store_is_not_the_client_s_idleness() -> None:
    async with office("lmtp") as place:
        place.store.gate.clear()
        line = await place.addressed("alice@example.org")
        await line.say("DATA")
        await line.send(b"\r\n.\r\n")
        await place.store.entered.wait()
        place.lose_patience()
        bystander = await place.call(greeted=False)
        await bystander.reply()
        assert (await bystander.reply()).startswith("421"), "the time-out has passed"
        place.store.gate.set()
        assert (await line.reply()).startswith("250")


async def test_a_client_that_does_not_read_costs_little_and_holds_nobody_up() -> None:
    async with office("lmtp") as place:
        line = await place.call()
        (connection,) = place.server._desk.present.all()
        assert isinstance(connection, Connection)
        commands = 40_000
        line.writer.transport.pause_reading()  # type: ignore[attr-defined] # a ReadTransport too
        line.writer.write(b"HELP\r\n" * commands)
        bystander = await place.call()
        most = 0
        for _ in range(200):
            assert (await bystander.say("NOOP")).startswith("250")
            most = max(most, connection._writer.transport.get_write_buffer_size())
        line.writer.transport.resume_reading()  # type: ignore[attr-defined] # as above
        for _ in range(commands):
            assert (await line.reply()).startswith("214")
        assert most < 256 * 1024


@pytest.mark.parametrize(
    ("rule", "word"),
    [
        ({"hostname": ""}, "hostname"),
        ({"hostname": "a b"}, "hostname"),
        ({"hostname": "b\u00fccher"}, "hostname"),
        ({"max_message_octets": 1023}, "max_message_octets"),
        ({"recipients": 99}, "recipients"),
        ({"connections": 0}, "connections"),
        ({"errors": 0}, "errors"),
        ({"messages_in_flight": 0}, "messages_in_flight"),
    ],
)
def test_a_policy_under_which_no_mail_flows(rule: dict[str, object], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        policy(**rule)

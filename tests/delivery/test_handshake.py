"""Connections that end during STARTTLS: each is counted off, and none keeps the server from stopping.

There the transport belongs to the TLS layer of the event loop, which does not tell the
protocol of every end. Both loops are tried.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Callable, Coroutine

import pytest
import uvloop

from pillarbox.delivery import link
from tests.delivery.office import Line, Office, office
from tests.postoffice import PATIENCE

RESET = struct.pack("ii", 1, 0)
HALF_A_HELLO = b"\x16\x03\x01\x02\x00\x01"

Run = Callable[[Coroutine[None, None, None]], None]


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    def run_it(story: Coroutine[None, None, None]) -> None:
        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(_in_time(story))

    return run_it


async def _in_time(story: Coroutine[None, None, None]) -> None:
    """A test that hangs must end, too."""
    async with asyncio.timeout(PATIENCE):
        await story


async def shaking_hands(place: Office) -> Line:
    """A client to whom the server has said that it may begin with TLS."""
    line = await place.call()
    assert (await line.say("STARTTLS")).startswith("220")
    return line


def reset(line: Line) -> None:
    line.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    line.close()


async def nobody_left(place: Office) -> None:
    desk = place.server._desk
    await desk.present.gone()
    # All places are free again: as many as there are can come in.
    lines = [await place.call() for _ in range(desk.policy.connections)]
    for line in lines:
        line.close()


@pytest.mark.parametrize("said", [b"", HALF_A_HELLO])
def test_a_reset_is_counted_off(run: Run, tls: ssl.SSLContext, said: bytes) -> None:
    async def story() -> None:
        async with office("smtp", tls=tls, connections=3) as place:
            for _ in range(3):
                line = await shaking_hands(place)
                await line.send(said)
                reset(line)
            await nobody_left(place)

    run(story())


@pytest.mark.parametrize("said", [b"", HALF_A_HELLO, b"NOOP\r\nNOOP\r\n"])
def test_a_close_and_a_broken_hello_are_counted_off(
    run: Run, tls: ssl.SSLContext, said: bytes
) -> None:
    async def story() -> None:
        async with office("smtp", tls=tls, connections=3) as place:
            for _ in range(3):
                line = await shaking_hands(place)
                await line.send(said)
                line.close()
            await nobody_left(place)

    run(story())


def test_a_client_that_never_begins_is_cut_off(
    run: Run, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "HANDSHAKE_SECONDS", 0.05)

    async def story() -> None:
        async with office("smtp", tls=tls, connections=1) as place:
            line = await shaking_hands(place)
            assert await line.ended()
            await nobody_left(place)

    run(story())


def test_the_idle_timer_ends_a_handshake(run: Run, tls: ssl.SSLContext) -> None:
    async def story() -> None:
        async with office("smtp", tls=tls, connections=1) as place:
            line = await shaking_hands(place)
            place.lose_patience()
            assert await line.ended()
            await place.server._desk.present.gone()

    run(story())


@pytest.mark.parametrize("said", [b"", HALF_A_HELLO])
def test_stop_ends_handshakes(run: Run, tls: ssl.SSLContext, said: bytes) -> None:
    async def story() -> None:
        async with office("smtp", tls=tls) as place:
            line = await shaking_hands(place)
            await line.send(said)
            await place.server.stop(grace=0)
            assert len(place.server._desk.present) == 0
            assert await line.ended()

    run(story())


def test_stop_ends_after_resets(run: Run, tls: ssl.SSLContext) -> None:
    async def story() -> None:
        async with office("smtp", tls=tls) as place:
            reset(await shaking_hands(place))
            await place.server.stop(grace=0)

    run(story())


def test_a_connection_lost_in_the_handshake_leaves_no_timer(run: Run, tls: ssl.SSLContext) -> None:
    async def story() -> None:
        async with office("smtp", tls=tls) as place:
            line = await shaking_hands(place)
            (client,) = place.server._desk.present.all()
            assert isinstance(client, link.Link)
            reset(line)
            await place.server._desk.present.gone()
            assert client._timeout_handle is not None
            assert client._timeout_handle.cancelled()

    run(story())


def test_stop_ends_though_a_session_does_not(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from pillarbox.delivery import server  # noqa: PLC0415 - only this test looks inside

    monkeypatch.setattr(server, "CUT_OFF_SECONDS", 0.05)
    monkeypatch.setattr(link.Link, "cut_off", lambda _: None)

    async def story() -> None:
        async with office("smtp") as place:
            line = await place.addressed("alice@example.org")  # it may finish: nothing ends it
            await place.server.stop(grace=0)
            line.close()
            await place.server._desk.present.gone()

    run(story())

"""The blocking client has the same names, and they do the same."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys

import pytest

import pillarbox
from pillarbox.client import aio, sync
from pillarbox.client.errors import OutOfStep, Refused, Unreachable
from tests.client.scripted import MAILS, PASSWORD, Peer, Scripted, answers


def public(kind: type) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}


def test_the_same_names_and_arguments() -> None:
    assert public(aio.Mailbox) - {"pipelining"} == public(sync.Mailbox) - {"pipelining"}
    for name in public(aio.Mailbox):
        ours = inspect.signature(getattr(aio.Mailbox, name)).parameters
        assert list(inspect.signature(getattr(sync.Mailbox, name)).parameters) == list(ours), name
    asynchronous, blocking = map(inspect.signature, (aio.connect, sync.connect))
    assert asynchronous.parameters == blocking.parameters


def everything(url: str) -> None:
    with pillarbox.sync.connect(url, password=PASSWORD, insecure_cleartext=True) as box:
        assert box.mechanism == "USER"
        assert box.endpoint.host == "127.0.0.1"
        assert box.greeting == "ready"
        assert box.pipelining
        box.pipelining = False
        assert not box.pipelining
        box.pipelining = True
        assert box.stat() == (3, 100)
        assert box.list() == [(1, 52), (2, 30), (3, 0)]
        assert box.uidl() == [(1, "a"), (2, "b"), (3, "c")]
        assert box.listings().scans.entries == box.list()
        assert box.top(1, 0) == b"Received: x\r\n\r\n"
        assert b"".join(box.retrieve(1)) == MAILS[1]
        assert [message.read() for message in box.retrieve_many([3, 1])] == [MAILS[3], MAILS[1]]
        left = box.retrieve(1)
        next(left)
        box.noop()
        with pytest.raises(RuntimeError):
            left.read()
        with pytest.raises(Refused):
            box.retrieve(9).read()
        box.in_step()
        box.delete(1)
        assert box.delete_many([2, 3]) == [None, None]
        box.reset()
        box.quit()


async def test_everything() -> None:
    async with Scripted(answers()) as server:
        await asyncio.to_thread(everything, server.url())
    assert server.heard_in_clear[-1] == b"QUIT"


async def test_leaving_by_an_exception_hangs_up() -> None:
    def leave(url: str) -> None:
        with pillarbox.sync.connect(url, password=PASSWORD, insecure_cleartext=True) as box:
            box.noop()

    async with Scripted(answers(NOOP=b"nonsense\r\n")) as server:
        with pytest.raises(OutOfStep):
            await asyncio.to_thread(leave, server.url())
    assert b"QUIT" not in server.heard_in_clear


@pytest.mark.parametrize("call", ["quit", "in_step"])
@pytest.mark.parametrize("stale", [b"+OK bye\r\n", b"-ERR idle for too long\r\n"])
async def test_what_came_while_nobody_waited_is_no_reply(stale: bytes, call: str) -> None:
    loop = asyncio.get_running_loop()
    go_on, said = asyncio.Event(), asyncio.Event()

    async def linger(peer: Peer) -> None:
        await peer.say(b"+OK\r\n")
        await go_on.wait()
        await peer.say(stale)
        said.set()

    async def provoke() -> None:
        go_on.set()
        await said.wait()

    def leave(url: str) -> None:
        box = pillarbox.sync.connect(url, password=PASSWORD, insecure_cleartext=True)
        box.delete(1)
        asyncio.run_coroutine_threadsafe(provoke(), loop).result()
        with pytest.raises(Unreachable if stale.startswith(b"-ERR") else OutOfStep):
            getattr(box, call)()  # not as if it had been confirmed
        box.close()

    async with Scripted(answers(DELE=linger)) as server:
        await asyncio.to_thread(leave, server.url())
    assert not {b"QUIT", b"STAT"} & set(server.heard_in_clear)


PROGRAM = """
import sys
import pillarbox
assert not any(name.startswith("pillarbox.") for name in sys.modules), sys.modules
assert "asyncio" not in sys.modules
assert {"connect", "sync", "discover"} <= set(dir(pillarbox))
assert pillarbox.connect.__module__ == "pillarbox.client.aio"
assert pillarbox.sync.connect.__module__ == "pillarbox.client.sync"
heavy = {"email", "http", "urllib.request", "json", "importlib.metadata", "uvloop", "structlog"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
from pillarbox import discover
try:
    pillarbox.nothing
except AttributeError as error:
    assert "nothing" in str(error)
else:
    raise AssertionError
"""


def test_pillarbox_itself_loads_nothing_until_it_is_asked_for() -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], check=True)

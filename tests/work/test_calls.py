"""Function calls: of the wire core, and of the whole way from the bytes of a command to those of
its reply.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from pillarbox.wire.replies import Reply, ok
from pillarbox.wire.server import ServerMachine
from tests.work.calls import Calls
from tests.work.conftest import Within
from tests.work.judging import Spent
from tests.work.office import PASSWORD, USER, Visitor, message, open_office, poll, put

pytestmark = pytest.mark.usefixtures("no_collection", "no_turns")

BODY = message(5000)


def spent(what: str, calls: Calls) -> Spent:
    return Spent(f"{what}: function calls", calls.number, calls.made)


def signed_in() -> ServerMachine:
    machine = ServerMachine()
    for line in (b"USER mrose\r\n", b"PASS secret\r\n"):
        machine.receive(line)
        machine.next_event()
        machine.answer(ok())
    return machine


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        (b"NOOP", ok("still here")),
        (b"RETR 1", ok("5000 octets", BODY)),
        (b"LIST", ok("50 messages", b"1 5000\r\n" * 50)),
    ],
    ids=["NOOP", "RETR", "LIST"],
)
def test_the_wire_core(command: bytes, reply: Reply, within: Within) -> None:
    machine = signed_in()
    line = command + b"\r\n"
    for _ in range(2):  # status lines are remembered: the second time tells
        with Calls() as calls:
            machine.receive(line)
            machine.next_event()
            machine.answer(reply)
            machine.next_event()
    within(spent(f"{command.split()[0].decode()} in the wire core", calls))


async def test_commands_that_are_answered_at_once(tmp_path: Path, within: Within) -> None:
    async with open_office(tmp_path) as office:
        await put(office.store, 50, 5000)
        await poll(office.pop3)
        visitor = await Visitor(office.pop3).signed_in()
        await visitor.ask(b"RETR 2", b"UIDL", b"LIST", long=True)
        await visitor.ask(b"NOOP", b"STAT", b"DELE 2", b"RSET")  # what is remembered is there now
        transport = visitor.transport
        found = []
        for command in (b"NOOP", b"STAT", b"RETR 2", b"UIDL", b"LIST", b"DELE 2"):
            line, heard = command + b"\r\n", transport.octets
            with Calls() as calls:
                transport.client_sends(line)
            assert transport.octets > heard, "it was not answered at once"
            found.append(spent(command.split()[0].decode(), calls))
    within(*found)


async def test_a_poll_that_finds_nothing_new(tmp_path: Path, within: Within) -> None:
    """All of it, from the connection to its end."""
    async with open_office(tmp_path) as office:
        await put(office.store, 50, 5000)
        for _ in range(2):
            await poll(office.pop3)
        visitor = Visitor(office.pop3)
        transport = visitor.transport
        commands = [f"USER {USER}", f"PASS {PASSWORD}", "STAT", "UIDL", "LIST", "QUIT"]
        lines = [f"{command}\r\n".encode() for command in commands]
        steps: list[Callable[[], None]] = [
            partial(visitor.connection.connection_made, transport),
            *(partial(transport.client_sends, line) for line in lines),
            partial(visitor.connection.connection_lost, None),
        ]
        with Calls() as calls:
            for step in steps:
                step()
        assert transport.closed
        assert visitor.connection.session.maildrop is None
    within(spent("a poll", calls))

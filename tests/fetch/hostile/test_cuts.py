"""The cut matrix: the connection breaks behind any octet, and before any command is taken.

Each cut is a mailbox of its own. The first session is cut; from the second on the server is
healthy. Then runs follow until one is content, and all must be there, once.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pillarbox.fetch.rules import Rules
from tests.fetch.hostile.case import DELETE, KEEP, Case
from tests.fetch.hostile.maildrop import letters
from tests.fetch.hostile.server import HostileServer, Session

MODES = pytest.mark.parametrize("rules", [DELETE, KEEP], ids=["delete", "keep"])
WAYS = pytest.mark.parametrize("capability", ["X-NOTHING", "PIPELINING"])


def small_server(capability: str) -> HostileServer:
    """As few octets as possible: each one is a cut."""
    server = HostileServer(letters(2))
    server.capabilities = ["USER", "UIDL", capability]
    server.greeting = ""
    return server


async def first_session(folder: Path, rules: Rules, capability: str) -> Session:
    """A session in which all goes well: how much there is to cut."""
    async with small_server(capability) as server:
        await Case(folder / "whole", server, rules).run()
    assert len(server.sessions) == 1
    return server.sessions[0]


async def collect_all(folder: Path, server: HostileServer, rules: Rules) -> None:
    """Run until done, and once more in vain."""
    async with server:
        case = Case(folder, server, rules)
        await case.run_until_done(2)
        case.assert_done()
        await case.assert_settled()
    assert max(server.maildrop.retrieved.values()) <= 2
    shutil.rmtree(folder)


@MODES
@WAYS
@pytest.mark.parametrize("stride", [5, pytest.param(1, marks=pytest.mark.long)])
async def test_cut_behind_every_octet(
    tmp_path: Path, rules: Rules, capability: str, stride: int
) -> None:
    """Each so-manieth in the plain run, which begins elsewhere in each of the four cases."""
    octets = (await first_session(tmp_path, rules, capability)).written
    begin = (2 * (rules is KEEP) + (capability == "PIPELINING")) % stride
    for cut in range(begin, octets, stride):
        server = small_server(capability)
        server.cuts = {1: cut}
        await collect_all(tmp_path / str(cut), server, rules)


@MODES
@WAYS
async def test_cut_before_every_command(tmp_path: Path, rules: Rules, capability: str) -> None:
    """The command is lost: QUIT, above all, has removed nothing."""
    commands = len((await first_session(tmp_path, rules, capability)).commands)
    for count in range(commands):
        server = small_server(capability)
        server.drops = {1: count}
        await collect_all(tmp_path / str(count), server, rules)


@MODES
@WAYS
async def test_each_session_gets_a_little_further(
    tmp_path: Path, rules: Rules, capability: str
) -> None:
    """Every session is cut, each some octets later than the one before, until one gets through."""
    octets = (await first_session(tmp_path, rules, capability)).written
    server = small_server(capability)
    server.cuts = {number: 7 * number for number in range(1, octets // 7 + 1)}
    async with server:
        case = Case(tmp_path / "slowly", server, rules)
        await case.run_until_done(octets)
        case.assert_done()
        await case.assert_settled()

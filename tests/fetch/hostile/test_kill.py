"""``kill -9``: a run that is killed at a random point, and the runs after it.

Two ways to find a random point: the moment at which the server has said so many octets, and the N-th
of the system calls by which a run changes files (strace). Mail arrives between the runs, so that
each has something to do. The points are random, but the same each time for the same number.

And one way to find every point: before the first, the second, the third … of the calls by which
mail is published, each in a mailbox of its own.

Maildir, mbox and MH promise each message exactly once. LMTP and commands promise it at least
once, and twice only what was under way when the run was killed.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path

import pytest

from pillarbox.fetch.rules import Rules
from tests.fetch.hostile.case import DELETE, KEEP
from tests.fetch.hostile.child import SMALL_BATCH
from tests.fetch.hostile.lmtp import LmtpServer
from tests.fetch.hostile.maildrop import letter
from tests.fetch.hostile.server import HostileServer
from tests.fetch.minirun import stored_in

FEW, MANY = 2, 40
"""Kills of one campaign, in the plain run and in the long one (which is 240 in all)."""
ARRIVING = 4
"""Messages that arrive before each run."""
OCTETS = 1500
"""The server says fewer in a session."""
CALLS = ("fsync", "fdatasync", "write", "pwrite64", "rename", "link", "unlink", "ftruncate")
NTH = 12

MODES = pytest.mark.parametrize("rules", [DELETE, KEEP], ids=["delete", "keep"])
KINDS = pytest.mark.parametrize("kind", ["maildir", "mbox", "mh"])

Stored = Callable[[], Sequence[bytes]]


class Campaign:
    """One mailbox, one destination, and runs of them."""

    def __init__(
        self, folder: Path, server: HostileServer, target: str, rules: Rules, seed: int
    ) -> None:
        self.kills = 0
        self._arguments = (str(folder / "state"), target, str(server.port), rules.mode)
        self._server = server
        self._rules = rules
        self._random = random.Random(seed)
        self._number = 0

    def mail_arrives(self) -> None:
        for _ in range(ARRIVING):
            self._number += 1
            self._server.maildrop.put(letter(self._number))

    async def run(self) -> None:
        """To its end."""
        status = await (await self._start()).wait()
        assert status == 0

    async def run_killed_at_an_octet(self) -> None:
        process = await self._start()
        self._server.fuse = (self._random.randrange(OCTETS), process.kill)
        self.kills += await process.wait() != 0
        self._server.fuse = None

    async def run_killed_at_a_call(self, strace: str) -> None:
        call, number = self._random.choice(CALLS), self._random.randint(1, NTH)
        self.kills += await self.run_killed_at(strace, call, number)

    async def run_killed_at(self, strace: str, call: str, number: int) -> bool:
        """Before the so-manieth of these calls; False: the run made fewer, and ended well."""
        names = f"?{call},?{call}at,?{call}at2" if call in {"rename", "link", "unlink"} else call
        inject = f"inject={names}:signal=KILL:when={number}"
        process = await self._start(strace, "-f", "-o", "/dev/null", "-e", inject)
        return await process.wait() != 0

    def check_after_kill(self, stored: Sequence[bytes]) -> None:
        contents = {mail.content for mail in self._server.maildrop.everything}
        assert set(stored) <= contents, "in part"
        assert set(Counter(stored).values()) <= {1}, "twice"
        assert all(mail.content in stored for mail in self._server.maildrop.removed), "lost"

    def check_at_the_end(self) -> list[bytes]:
        """What the server has left; returns what has to be at the destination."""
        maildrop = self._server.maildrop
        assert maildrop.mails == ([] if self._rules.at_once else maildrop.everything)
        return sorted(mail.content for mail in maildrop.everything)

    async def _start(self, *command: str) -> asyncio.subprocess.Process:
        run = (sys.executable, "-m", "tests.fetch.hostile.child")
        return await asyncio.create_subprocess_exec(
            *command,
            *run,
            *self._arguments,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            stderr=asyncio.subprocess.DEVNULL,
        )


async def exactly_once(
    folder: Path, kind: str, rules: Rules, kills: int, strace: str | None
) -> None:
    target = f"{kind}:{folder / 'mail'}"
    async with HostileServer() as server:
        server.capabilities.append("PIPELINING")
        campaign = Campaign(folder, server, target, rules, seed=kills)
        while campaign.kills < kills:
            campaign.mail_arrives()
            if strace is not None:
                await campaign.run_killed_at_a_call(strace)
            else:
                await campaign.run_killed_at_an_octet()
            campaign.check_after_kill(stored_in(target))
        await campaign.run()
        assert stored_in(target) == campaign.check_at_the_end()


@KINDS
@MODES
async def test_killed_while_the_server_speaks(tmp_path: Path, kind: str, rules: Rules) -> None:
    await exactly_once(tmp_path, kind, rules, FEW, None)


@KINDS
@MODES
async def test_killed_while_files_change(
    tmp_path: Path, strace: str, kind: str, rules: Rules
) -> None:
    await exactly_once(tmp_path, kind, rules, FEW, strace)


async def at_every_call(
    folder: Path, kind: str, rules: Rules, strace: str, call: str, stride: int = 1
) -> None:
    for number in count(1, stride):
        place = folder / str(number)
        target = f"{kind}:{place / 'mail'}"
        async with HostileServer() as server:
            campaign = Campaign(place, server, target, rules, seed=0)
            campaign.mail_arrives()
            killed = await campaign.run_killed_at(strace, call, number)
            campaign.check_after_kill(stored_in(target))
            await campaign.run()
            assert stored_in(target) == campaign.check_at_the_end()
        if not killed:
            assert number > 1, "it makes no such call"
            return


@pytest.mark.parametrize(
    ("kind", "call", "stride"),
    [
        ("maildir", "rename", 2),
        ("mbox", "unlink", 6),
        ("mh", "link", 2),
        ("mh", "unlink", 3),
        pytest.param("maildir", "rename", 1, marks=pytest.mark.long),
        pytest.param("mbox", "unlink", 1, marks=pytest.mark.long),
        pytest.param("mh", "link", 1, marks=pytest.mark.long),
        pytest.param("mh", "unlink", 1, marks=pytest.mark.long),
    ],
)
async def test_killed_before_every_call_that_publishes(
    tmp_path: Path, strace: str, kind: str, call: str, stride: int
) -> None:
    """Before each so-manieth, in the plain run."""
    await at_every_call(tmp_path, kind, DELETE, strace, call, stride)


@pytest.mark.long
@KINDS
@MODES
@pytest.mark.parametrize("call", ["fsync", "fdatasync", "write", "pwrite64"])
async def test_killed_before_every_call_that_writes(
    tmp_path: Path, strace: str, kind: str, rules: Rules, call: str
) -> None:
    await at_every_call(tmp_path, kind, rules, strace, call)


@pytest.mark.long
@KINDS
@MODES
async def test_killed_often_while_the_server_speaks(
    tmp_path: Path, kind: str, rules: Rules
) -> None:
    await exactly_once(tmp_path, kind, rules, MANY, None)


@pytest.mark.long
@KINDS
@MODES
async def test_killed_often_while_files_change(
    tmp_path: Path, strace: str, kind: str, rules: Rules
) -> None:
    await exactly_once(tmp_path, kind, rules, MANY, strace)


async def at_least_once(
    folder: Path, target: str, rules: Rules, strace: str, stored: Stored
) -> None:
    async with HostileServer() as server:
        campaign = Campaign(folder, server, target, rules, seed=1)
        while campaign.kills < FEW:
            campaign.mail_arrives()
            await campaign.run_killed_at_a_call(strace)
            await campaign.run_killed_at_an_octet()
            found = stored()
            assert all(mail.content in found for mail in server.maildrop.removed), "lost"
        await campaign.run()
        wanted = campaign.check_at_the_end()
        assert set(stored()) == set(wanted)
        assert len(stored()) - len(wanted) <= campaign.kills * SMALL_BATCH


@MODES
async def test_a_command_gets_each_message_at_least_once(
    tmp_path: Path, strace: str, rules: Rules
) -> None:
    mail = tmp_path / "mail"
    mail.mkdir()
    script = f'f=$(mktemp -p {tmp_path}) && cat >"$f" && mv "$f" {mail}/'

    def stored() -> list[bytes]:
        return [path.read_bytes().replace(b"\n", b"\r\n") for path in mail.iterdir()]

    await at_least_once(tmp_path, f"command:sh -c '{script}'", rules, strace, stored)


@MODES
async def test_lmtp_gets_each_message_at_least_once(
    tmp_path: Path, strace: str, rules: Rules
) -> None:
    async with LmtpServer() as lmtp:
        target = f"lmtp:127.0.0.1:{lmtp.port}"
        await at_least_once(tmp_path, target, rules, strace, lambda: lmtp.taken)

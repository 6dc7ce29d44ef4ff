"""A run that is cancelled leaves nothing behind: no file, no thread, no lock."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from pillarbox.fetch.journal import Journal
from pillarbox.fetch.run import Outcome, journal_of, run
from pillarbox.fetch.stages import Stage
from tests.fetch.hostile.case import KEEP, Case
from tests.fetch.hostile.maildrop import letters
from tests.fetch.hostile.server import HostileServer, Said


def stages(case: Case) -> dict[str, Stage]:
    with Journal(journal_of(case.account, case.state)) as journal:
        known = journal.known([mail.unique_id for mail in case.server.maildrop.everything])
    return {name: row.stage for name, row in known.items()}


@pytest.mark.parametrize("verb", ["GREETING", "CAPA", "PASS", "LIST", "RETR", "DELE", "QUIT"])
async def test_cancelled_while_the_server_hangs(
    tmp_path: Path, server: HostileServer, verb: str
) -> None:
    hangs = asyncio.Event()

    def hang(said: Said) -> bytes:
        hangs.set()
        return said.honest()[:3]

    server.instead[verb] = hang
    case = Case(tmp_path, server)
    task = asyncio.create_task(case.run())
    await hangs.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not [*case.maildir.glob("tmp/*")]
    server.be_good()
    await case.run_until_done()
    case.assert_done()


class Slow:
    """A destination that takes one message and then waits until it is told to go on."""

    def __init__(self, folder: Path, case: Case) -> None:
        self._fifo = folder / "fifo"
        os.mkfifo(self._fifo)
        case.deliver_by(f"""sh -c 'cat >/dev/null; read line <{self._fifo}'""")

    async def go_on(self, times: int) -> None:
        for _ in range(times):
            await asyncio.to_thread(self._fifo.write_text, "go on\n")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pillarbox.fetch.collecting.KEEP_ALIVE", 0.001)


class Noops:
    """Waits for so many of them."""

    def __init__(self, server: HostileServer, reply: bytes | None = None) -> None:
        self.enough = asyncio.Event()
        self._left = 3
        self._reply = reply
        server.instead["NOOP"] = self._noop

    def _noop(self, _: Said) -> bytes | None:
        self._left -= 1
        if self._left == 0:
            self.enough.set()
        return self._reply


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("reply", [None, b"-ERR not now\r\n"])
async def test_the_server_hears_of_us_while_a_destination_is_slow(
    tmp_path: Path, reply: bytes | None
) -> None:
    async with HostileServer(letters(1)) as server:
        case = Case(tmp_path, server)
        slow = Slow(tmp_path, case)
        noops = Noops(server, reply)
        task = asyncio.create_task(run(case.account, case.state))
        await noops.enough.wait()
        await slow.go_on(1)
        outcome: Outcome = await task
        assert outcome.error is None
        assert outcome.totals.deleted == 1
        assert server.maildrop.mails == []


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("times", [1, 2, 5])
async def test_cancelled_while_a_batch_is_being_stored(tmp_path: Path, times: int) -> None:
    """What has begun is brought to its end, however impatient the user is: a thread cannot be
    stopped, and must not be left behind with the journal.
    """
    async with HostileServer(letters(1)) as server:
        case = Case(tmp_path, server, KEEP)
        slow = Slow(tmp_path, case)
        noops = Noops(server)
        task = asyncio.create_task(run(case.account, case.state))
        await noops.enough.wait()
        for _ in range(times):
            task.cancel()
            await asyncio.sleep(0)
        assert not task.done()
        await slow.go_on(1)
        with pytest.raises(asyncio.CancelledError):
            await task
        assert stages(case) == {"uid-1": Stage.STORED}


async def test_cancelled_before_it_began(tmp_path: Path, server: HostileServer) -> None:
    case = Case(tmp_path, server)
    task = asyncio.create_task(case.run())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await case.run_until_done(1)
    case.assert_done()

"""Three devices collect for as long as it takes, and everything is killed at random meanwhile.

Each process is one device: it opens its view, notes in a ledger of its own what it has read,
synced, then deletes it, notes that too, and is killed in the midst of that. Another process delivers, and
writes down what was acknowledged. In the end each device has got each message, exactly once, and
the store holds nothing.

"Exactly once" needs what a real client has too: unique-ids. A message that was noted and whose
deletion was cut short is listed again, and the device knows it; a message that was deleted is never
listed again, and one that was not is never missing.
"""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pillarbox.model import Identity
from pillarbox.store.embedded import open_store

VIEWS = ("phone", "laptop", "tablet")
COURIER = """
import asyncio, os, sys
from pathlib import Path
from pillarbox.model import Recipient, StoredForm
from pillarbox.store.embedded import open_store

async def main(folder, ledger, total):
    store = open_store(folder)
    done = len(ledger.read_text().split()) if ledger.exists() else 0
    with ledger.open("a") as file:
        for number in range(done, total):
            size = 20_000 if number % 10 == 0 else 5
            data = b"%06d-%d\\r\\n" % (number, os.getpid()) * size
            assert await store.deliver(StoredForm(data, len(data)), [Recipient("alice")]) == [None]
            file.write(f"{number:06d}-{os.getpid()}\\n")
            file.flush()
    await store.close()

asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))
"""
DEVICE = """
import asyncio, os, sys
from pathlib import Path
from pillarbox.model import Identity
from pillarbox.store.embedded import open_store

async def main(folder, ledger, view, sessions):
    store = open_store(folder)
    noted = dict(line.split() for line in ledger.read_text().splitlines()) if ledger.exists() else {}
    end = ledger.with_suffix(".deleted")
    deleted = set(end.read_text().split()) if end.exists() else set()
    with ledger.open("a") as file, end.open("a") as deletions:
        for _ in range(sessions):
            maildrop = await store.open(Identity("alice", view))
            infos = await maildrop.messages(1, min(maildrop.count, 40))
            assert not deleted & {info.unique_id for info in infos}, "it has come back"
            for info in infos:
                if info.unique_id in noted:
                    continue
                content = (await maildrop.body(info.number)).content
                if not isinstance(content, bytes):
                    content = b"".join([piece async for piece in content])
                lines = set(content.split(b"\\r\\n")) - {b""}
                (mark,) = lines
                noted[info.unique_id] = mark.decode()
                file.write(f"{info.unique_id} {mark.decode()}\\n")
            file.flush()
            os.fsync(file.fileno())
            await maildrop.commit([info.number for info in infos])
            deleted.update(info.unique_id for info in infos)
            deletions.write("".join(f"{info.unique_id}\\n" for info in infos))
            deletions.flush()
            await maildrop.release()
    await store.close()

asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
"""


class Campaign:
    """The processes, and what they have written down."""

    def __init__(self, folder: Path, total: int, seed: int) -> None:
        self.store = folder / "store"
        self.courier_ledger = folder / "courier"
        self.ledgers = {view: folder / view for view in VIEWS}
        self.total = total
        self.chance = random.Random(seed)  # to be repeated
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def delivered(self) -> list[str]:
        ledger = self.courier_ledger
        return ledger.read_text().split() if ledger.exists() else []

    def keep_all_going(self) -> None:
        """Start what has ended; what has not ended by itself, and was not killed, is a failure."""
        if len(self.delivered()) < self.total:
            self._keep_going("courier", COURIER, self.courier_ledger, self.total)
        for view, ledger in self.ledgers.items():
            self._keep_going(view, DEVICE, ledger, view, 30)

    def _keep_going(self, name: str, script: str, ledger: Path, *words: object) -> None:
        process = self.running.get(name)
        if process is not None:
            if process.poll() is None:
                return
            assert process.returncode == 0, f"{name} has ended with {process.returncode}"
        command = [sys.executable, "-c", script, self.store, ledger, *words]
        self.running[name] = subprocess.Popen(list(map(str, command)))

    def kill_one(self) -> None:
        """Whichever, when it has done a random number of things."""
        name = self.chance.choice(sorted(self.running))
        process = self.running[name]
        ledger = self.ledgers.get(name, self.courier_ledger)
        goal = _size(ledger) + self.chance.randrange(1, 2000)
        while process.poll() is None and _size(ledger) < goal and self._moves(name):
            pass
        process.kill()
        process.wait()
        del self.running[name]

    def _moves(self, name: str) -> bool:
        """Whether there is something left that would make its ledger grow."""
        if name == "courier":
            return len(self.delivered()) < self.total
        return len(_lines(self.ledgers[name])) < len(self.delivered())

    def let_all_end(self) -> None:
        while len(self.delivered()) < self.total:
            self.keep_all_going()
            self.running["courier"].wait()
        for process in self.running.values():
            assert process.wait() == 0

    def end(self) -> None:
        for process in self.running.values():
            process.kill()
            process.wait()


def _size(ledger: Path) -> int:
    return ledger.stat().st_size if ledger.exists() else 0


def _lines(ledger: Path) -> list[list[str]]:
    whole = ledger.read_bytes().decode().rpartition("\n")[0] if ledger.exists() else ""
    return [line.split() for line in whole.splitlines()]


@pytest.fixture
def campaign(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Campaign]:
    total, _ = request.param
    campaign = Campaign(tmp_path, total, seed=total)
    yield campaign
    campaign.end()


@pytest.mark.parametrize(
    "campaign",
    [
        pytest.param((150, 9), id="short"),
        pytest.param((3000, 300), id="long", marks=pytest.mark.long),
    ],
    indirect=True,
)
async def test_each_device_gets_each_message_once_and_nothing_is_left(
    campaign: Campaign, request: pytest.FixtureRequest
) -> None:
    _, kills = request.node.callspec.params["campaign"]
    store = open_store(campaign.store, shards=1)
    for view in VIEWS:
        await store.add_view("alice", view)
    for _ in range(kills):
        campaign.keep_all_going()
        campaign.kill_one()
    campaign.let_all_end()
    for view in VIEWS:  # what is left when all are still
        campaign._keep_going(view, DEVICE, campaign.ledgers[view], view, campaign.total)
    campaign.let_all_end()

    delivered = campaign.delivered()
    for view, ledger in campaign.ledgers.items():
        lines = _lines(ledger)
        assert len({unique_id for unique_id, _ in lines}) == len(lines), f"{view} got one twice"
        got = [mark for _, mark in lines]
        assert not set(delivered) - set(got), f"{view} misses mail"
        # What was not acknowledged (its courier was killed) may be there, at most once each.
        assert len(set(got)) == len(got)
        assert {mark.split("-")[0] for mark in got} == {mark.split("-")[0] for mark in delivered}
    assert await store.check() == []
    assert (await store.status("alice")).count == 0
    (shard,) = store.all_shards
    assert shard.rows("SELECT count(*) FROM bodies") == [(0,)]
    assert shard.rows("SELECT count(*) FROM hidden") == [(0,)]
    await store.close()
    again = open_store(campaign.store)
    assert list(again.all_shards[0].bodies.numbers()) == []
    assert list((campaign.store / "staging").iterdir()) == []
    maildrop = await again.open(Identity("alice", "phone"))
    assert maildrop.count == 0
    await again.close()

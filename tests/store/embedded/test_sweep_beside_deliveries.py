"""What clears away after a crash is beside deliveries that live: a reload starts processes that sweep
while the old ones still take mail.
"""

from __future__ import annotations

import asyncio
import fcntl
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from pillarbox.model import Identity, Recipient
from pillarbox.store.embedded import EmbeddedStore, admin, open_store, staging, starting
from pillarbox.store.embedded.bodies import Inode, Staged, abandoned, stage

from .actor import letter

LARGE = letter("large", 20_000)


async def another_start(store: EmbeddedStore) -> None:
    folder = store.all_shards[0].folder.parent
    await (await asyncio.to_thread(open_store, folder)).close()


async def a_look(store: EmbeddedStore) -> None:
    assert await store.check() == []


async def a_repair(store: EmbeddedStore) -> None:
    assert await store.check(repair=True) == []


class Meeting:
    """A sweep that looks for staged files when a delivery has made its one, and not locked it yet;
    and that goes on when the file is staged, and not linked yet.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.looked = threading.Event()
        self.staged = threading.Event()
        self.made = threading.Event()
        self.seen: list[Path] = []
        self._swept = threading.Event()
        self._patch = patch
        self._flock = fcntl.flock
        patch.setattr(fcntl, "flock", self._late)
        patch.setattr(starting, "abandoned", self._look)
        patch.setattr(admin, "abandoned", self._look)
        patch.setattr(staging, "stage", self._tell)

    def _late(self, descriptor: int, operation: int) -> None:
        """The first who waits for a lock is who stages."""
        if operation == fcntl.LOCK_EX:
            self._patch.setattr(fcntl, "flock", self._flock)
            self.made.set()
            self.looked.wait()
        self._flock(descriptor, operation)

    def _look(self, folder: Path) -> dict[Path, Inode]:
        self.made.wait()
        found = abandoned(folder)
        self.seen += found
        self.looked.set()
        self.staged.wait()
        return found

    def _tell(self, folder: Path, data: bytes, sharers: int) -> Staged:
        staged = stage(folder, data, sharers)
        self.staged.set()
        self._swept.wait()
        return staged

    async def of(self, delivery: Awaitable[object], sweep: Awaitable[object]) -> object:
        """The outcome of the *delivery*, which goes on when the *sweep* is over."""
        outcome = asyncio.ensure_future(delivery)
        try:
            await sweep
        finally:
            self._swept.set()
        return await outcome


@pytest.mark.parametrize("sweep", [another_start, a_look, a_repair])
async def test_a_staged_file_that_is_not_locked_yet_is_not_swept(
    sweep: Callable[[EmbeddedStore], Awaitable[None]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It had been unlinked behind the back of its delivery, which was then refused."""
    store = open_store(tmp_path / "store", inline_bytes=1000)
    meeting = Meeting(monkeypatch)
    recipients = [Recipient("alice"), Recipient("bob")]
    assert await meeting.of(store.deliver(LARGE, recipients), sweep(store)) == [None, None]
    assert len(meeting.seen) == 1
    for recipient in recipients:
        maildrop = await store.open(Identity(recipient.user))
        assert maildrop.count == 1
        await maildrop.release()
    assert await store.check() == []
    await store.close()


async def test_a_staged_file_that_is_swept_before_it_is_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has made it waits for the sweep's lock, and sees that the file has gone."""
    store = open_store(tmp_path / "store", inline_bytes=1000)
    flock = fcntl.flock
    swept: list[Path] = []

    def late(descriptor: int, operation: int) -> None:
        if operation == fcntl.LOCK_EX and not swept:
            swept.extend((tmp_path / "store" / "staging").iterdir())
            open_store(tmp_path / "store")
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    assert await store.deliver(LARGE, [Recipient("alice")]) == [None]
    assert len(swept) == 1
    assert await store.check() == []
    await store.close()
    assert not list((tmp_path / "store" / "staging").iterdir())

"""A process that does to a store what it is told: the other party of the process tests.

``python actor.py STORE STEP...``; each step is answered by a line on stdout: the step and
``ok``, or the step and the name of the error.

=============================  =====================================================
deliver:MARK:SIZE:USER,USER    deliver one message (see ``letter``)
open:WHO                       open a maildrop and keep it open; WHO is USER, or USER+VIEW
commit:WHO:NUMBER,NUMBER       delete messages of the open maildrop
release:WHO                    release it
add:USER:VIEW                  add a view
remove:USER:VIEW               remove it
expire:OLD:ABSENT              apply retention, in seconds
threads                        start all threads and name them: NAME=ID,NAME=ID
move:FOLDER:USER               bring a maildrop from the store in another folder
wait                           wait for a line on stdin
hold                           keep all shards open from now on
seize:FILE                     hold the lock of a file, and do not let go
limit:SIZE                     no file may grow beyond SIZE bytes: a full disk
=============================  =====================================================
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import resource
import sys
import threading
from pathlib import Path
from typing import Protocol

import structlog

from pillarbox.contracts.errors import StoreUnavailable
from pillarbox.contracts.store import Maildrop, Retention, Store, StoreAdmin
from pillarbox.model import Identity, Recipient, StoredForm
from pillarbox.store.embedded import EmbeddedStore, open_store
from pillarbox.store.embedded.jobs import Probe

SHARDS = 2


def letter(mark: str, size: int) -> StoredForm:
    """A message of *size* lines."""
    data = f"{mark}\r\n".encode() * size
    return StoredForm(data, len(data))


class Engine(Store, StoreAdmin, Protocol):
    """Any store."""


class Actor:
    """On any store: some steps are for a store of files, and for a process of their own."""

    def __init__(self, store: Engine) -> None:
        self.store = store
        self.open: dict[str, Maildrop] = {}

    async def do(self, step: str) -> str:
        verb, *words = step.split(":")
        try:
            answer: str = await getattr(self, f"do_{verb}")(*words)
        except Exception as error:  # noqa: BLE001 - the test decides what is an error
            return explained(error)
        return answer

    async def do_deliver(self, mark: str, size: str, users: str) -> str:
        recipients = [Recipient(user) for user in users.split(",")]
        outcomes = await self.store.deliver(letter(mark, int(size)), recipients)
        return ",".join(explained(outcome) for outcome in outcomes)

    async def do_open(self, who: str) -> str:
        self.open[who] = await self.store.open(Identity(*who.split("+")))
        return "ok"

    async def do_commit(self, who: str, numbers: str) -> str:
        await self.open[who].commit([int(number) for number in numbers.split(",")])
        return "ok"

    async def do_release(self, who: str) -> str:
        await self.open.pop(who).release()
        return "ok"

    async def do_add(self, user: str, view: str) -> str:
        await self.store.add_view(user, view)
        return "ok"

    async def do_remove(self, user: str, view: str) -> str:
        await self.store.remove_view(user, view)
        return "ok"

    async def do_expire(self, old: str, absent: str) -> str:
        await self.store.expire(Retention(float(old), float(absent)))
        return "ok"

    async def do_move(self, folder: str, user: str) -> str:
        assert isinstance(self.store, EmbeddedStore)
        source = open_store(Path(folder))
        export = await source.export(user)
        assert export is not None
        await self.store.take_over(export)
        await export.release()
        await source.close()
        return "ok"

    async def do_threads(self) -> str:
        assert isinstance(self.store, EmbeddedStore)
        for shard in self.store.all_shards:
            await shard.write(Probe())
        await asyncio.get_running_loop().run_in_executor(self.store._executor, id, None)
        ids = {thread.name: thread.native_id for thread in threading.enumerate()}
        ids[threading.main_thread().name] = os.getpid()  # after a fork it has its parent's
        return ",".join(f"{name}={number}" for name, number in ids.items())

    async def do_hold(self) -> str:
        assert isinstance(self.store, EmbeddedStore)
        self.store.hold()
        return "ok"

    async def do_seize(self, file: str) -> str:
        fcntl.flock(os.open(file, os.O_RDWR), fcntl.LOCK_EX)
        return "ok"

    async def do_limit(self, size: str) -> str:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(size), resource.RLIM_INFINITY))
        return "ok"

    async def do_wait(self) -> str:
        os.read(0, 1)  # on this thread: a new one would not be among those that were named
        return "ok"


def explained(outcome: Exception | None) -> str:
    if outcome is None:
        return "ok"
    if isinstance(outcome, StoreUnavailable):
        return f"{'temporary' if outcome.temporary else 'permanent'} {outcome}"
    return type(outcome).__name__


async def main(folder: Path, steps: list[str]) -> None:
    actor = Actor(open_store(folder, shards=SHARDS))
    for step in steps:
        answer = await actor.do(step)
        os.write(1, f"{step} {answer}\n".encode())
    await actor.store.close()


if __name__ == "__main__":
    # stdout is for the answers
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2:]))
    os._exit(0)  # there are thousands, and nothing is left to be done

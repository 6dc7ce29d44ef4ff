"""Bodies as rows or as objects, by size; and how much of an object to ask for at once. Results: objects.md.

``PYTHONPATH=. python experiments/objects.py``: a PostgreSQL that syncs each commit, and a SeaweedFS with two copies
of everything, both on this machine. Latency is the median of single requests; CPU time that of all
processes, per message, with several requests at once.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

from tests.cluster.postgres import PostgresServer, postgres_server
from tests.cluster.seaweedfs import SeaweedFs, seaweedfs_server

from pillarbox.database import Database
from pillarbox.store.cluster import objects
from pillarbox.store.cluster.objects import Objects

KIB = 1024
SIZES = [4 * KIB, 16 * KIB, 32 * KIB, 64 * KIB, 128 * KIB, 256 * KIB, 1024 * KIB]
STRETCHES = [256 * KIB, 512 * KIB, 1024 * KIB, 4096 * KIB]
LARGE = 50 * 1024 * KIB
SINGLE = 40
TOGETHER = 8
BATCH = 20
"""Requests of each of those that run at once."""
TICKS = os.sysconf("SC_CLK_TCK")

_ADD = "INSERT INTO bodies (maildrop, seq, data) VALUES ($1, 1, $2)"
_READ = "SELECT data FROM bodies WHERE maildrop = $1 AND seq = 1"
_ANNOUNCE = "INSERT INTO objects (id) VALUES ($1)"
_REFER = "UPDATE objects SET refs = refs + 1, touched_at = clock_timestamp() WHERE id = $1"
_LOOK = "SELECT refs FROM objects WHERE id = $1"

Work = Callable[[], Awaitable[object]]


class Bench:
    def __init__(
        self, postgres: PostgresServer, seaweedfs: SeaweedFs, database: Database, objects: Objects
    ) -> None:
        self.database = database
        self.objects = objects
        daemons = [seaweedfs.master, *seaweedfs.volumes, seaweedfs.filer, seaweedfs.gateway]
        self._postgres = postgres
        self._weed = [daemon.process.pid for daemon in daemons]

    def cpu(self) -> tuple[float, float, float]:
        """Seconds of this process, of PostgreSQL and of SeaweedFS until now."""
        postgres = [self._postgres.pid, *self._postgres.backends()]
        return time.process_time(), _used(postgres), _used(self._weed)

    async def measure(self, title: str, work: Work) -> None:
        latencies = []
        for _ in range(SINGLE):
            began = time.perf_counter()
            await work()
            latencies.append(time.perf_counter() - began)
        before, began = self.cpu(), time.perf_counter()
        await asyncio.gather(*(self._several(work) for _ in range(TOGETHER)))
        seconds, count = time.perf_counter() - began, TOGETHER * BATCH
        used = [(then - now) / count * 1e3 for now, then in zip(before, self.cpu(), strict=True)]
        print(
            f"| {title} | {statistics.median(latencies) * 1e3:.1f} | {count / seconds:.0f} | "
            + " | ".join(f"{each:.2f}" for each in used)
            + f" | {sum(used):.2f} |"
        )

    async def row(self, data: bytes) -> str:
        name = uuid4().hex
        await self.database.change(_ADD, name, data)
        return name

    async def an_object(self, data: bytes) -> UUID:
        identifier = uuid4()
        await self.database.change(_ANNOUNCE, identifier)
        await self.objects.put(identifier, data)
        await self.database.change(_REFER, identifier)
        return identifier

    async def read_row(self, name: str) -> None:
        await self.database.fetch(_READ, name)

    async def read_object(self, identifier: UUID, size: int) -> None:
        await self.database.fetch(_LOOK, identifier)
        async for _ in await self.objects.open(identifier, size):
            pass

    @staticmethod
    async def _several(work: Work) -> None:
        for _ in range(BATCH):
            await work()


def _used(processes: list[int]) -> float:
    ticks = 0
    for process in processes:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS


async def by_size(bench: Bench) -> None:
    print("| what | ms | a second | CPU ms: we | PostgreSQL | SeaweedFS | all |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for size in SIZES:
        data = os.urandom(size)
        name, identifier = await bench.row(data), await bench.an_object(data)
        kib = size // KIB
        await bench.measure(f"deliver {kib} KiB as a row", partial(bench.row, data))
        await bench.measure("… as an object", partial(bench.an_object, data))
        await bench.measure(f"read {kib} KiB from a row", partial(bench.read_row, name))
        await bench.measure(
            "… from an object",
            partial(bench.read_object, identifier, size),
        )


async def by_stretch(bench: Bench) -> None:
    print("\n| asked for at once | seconds for 50 MiB | CPU s: we | SeaweedFS |")
    print("| --- | --- | --- | --- |")
    identifier = await bench.an_object(os.urandom(KIB) * (LARGE // KIB))
    for stretch in STRETCHES:
        objects.STRETCH = stretch
        rounds = []
        for _ in range(5):
            before, began = bench.cpu(), time.perf_counter()
            await bench.read_object(identifier, LARGE)
            after = bench.cpu()
            rounds.append((time.perf_counter() - began, after[0] - before[0], after[2] - before[2]))
        told = " | ".join(f"{statistics.median(each):.2f}" for each in zip(*rounds, strict=True))
        print(f"| {stretch // KIB} KiB | {told} |")


async def main(postgres: PostgresServer, seaweedfs: SeaweedFs) -> None:
    database, objects = Database(postgres.new_database()), Objects(seaweedfs.settings())
    bench = Bench(postgres, seaweedfs, database, objects)
    await by_size(bench)
    await by_stretch(bench)
    await objects.close()
    await database.close()


if __name__ == "__main__":
    with postgres_server({}) as postgres, seaweedfs_server() as seaweedfs:
        asyncio.run(main(postgres, seaweedfs))

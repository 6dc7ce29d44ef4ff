"""What decided the embedded engine's numbers. Results and conclusions: store.md.

``python experiments/store.py FOLDER [EXPERIMENT...]``: FOLDER lies on the disk to be measured.
Every figure is the median of ROUNDS runs; variants take turns within a round, so that a busy
machine slows all of them alike.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import itertools
import os
import random
import shutil
import statistics
import subprocess
import sys
import time
import zlib
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path

from pillarbox.contracts.store import Maildrop
from pillarbox.model import Column, Identity, Recipient, StoredForm
from pillarbox.server.transaction import PAGE
from pillarbox.store.embedded import EmbeddedStore, ahead, backlog, open_store, schema, tidy
from pillarbox.store.embedded.turns import Turns
from pillarbox.wire.listing_lines import listing_lines

ROUNDS = 3
NEVER = 1 << 40
LINE = b"x" * 76 + b"\r\n"


def message(size: int) -> StoredForm:
    data = LINE * (size // len(LINE)) + b"\r\n"
    return StoredForm(data, len(data))


def fresh(folder: Path, **options: int) -> EmbeddedStore:
    shutil.rmtree(folder, ignore_errors=True)
    return open_store(folder, **options)


@contextlib.contextmanager
def patched(module: object, name: str, value: object) -> Iterator[None]:
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)


Measure = Callable[[], Awaitable[float]]


async def table(title: str, variants: dict[str, Measure], unit: str) -> None:
    """Run all *variants* in turn, ROUNDS times, and print their medians."""
    figures: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(ROUNDS):
        for name, measure in variants.items():
            figures[name].append(await measure())
    first = statistics.median(next(iter(figures.values())))
    print(f"\n{title} ({unit})")
    for name, found in figures.items():
        median = statistics.median(found)
        print(f"  {name:32} {median:12,.1f}   x{median / first:.2f}", flush=True)


async def deliveries(store: EmbeddedStore, size: int, writers: int, seconds: float) -> float:
    """Durable deliveries a second, by *writers* that each wait for their answer."""
    letter, done, end = message(size), 0, time.perf_counter() + seconds

    async def deliver(number: int) -> None:
        nonlocal done
        while time.perf_counter() < end:
            (outcome,) = await store.deliver(letter, [Recipient(f"user{number}.{done % 50}")])
            assert outcome is None
            done += 1

    began = time.perf_counter()
    await asyncio.gather(*(deliver(number) for number in range(writers)))
    return done / (time.perf_counter() - began)


async def rate(folder: Path, size: int, writers: int, **options: int) -> float:
    store = fresh(folder, **options)
    found = await deliveries(store, size, writers, 1.0)
    await store.close()
    return found


async def disk(folder: Path) -> None:
    """How long a sync of the disk takes."""
    os.makedirs(folder, exist_ok=True)  # noqa: PTH103 - outside the loop's business
    descriptor = os.open(folder / "sync", os.O_RDWR | os.O_CREAT)
    taken = []
    for turn in range(300):
        os.pwrite(descriptor, b"x" * 8192, (turn % 16) * 8192)
        began = time.perf_counter()
        os.fdatasync(descriptor)
        taken.append((time.perf_counter() - began) * 1e6)
    os.close(descriptor)
    quantiles = statistics.quantiles(taken, n=100)
    print(f"\nfdatasync of 8 KiB (us): median {quantiles[49]:.0f}, 99% {quantiles[98]:.0f}")


async def placement(folder: Path) -> None:
    """A body in the index, or in a file: by size."""
    places = {"index": NEVER, "file": 0}
    for size in (5_000, 16_000, 32_000, 64_000, 128_000, 256_000, 1_000_000):
        title = f"{size // 1000} kB, RETR: body() and all its bytes"
        await table(
            title, {n: partial(_retrieval, folder, size, p) for n, p in places.items()}, "us"
        )
        for writers in (1, 32):
            title = f"{size // 1000} kB, deliveries, {writers} writers"
            variants: dict[str, Measure] = {
                name: partial(rate, folder, size, writers, inline_bytes=limit)
                for name, limit in places.items()
            }
            await table(title, variants, "1/s")


async def _retrieval(folder: Path, size: int, limit: int) -> float:
    """Microseconds a RETR: all messages of forty maildrops, one after the other."""
    store = fresh(folder, inline_bytes=limit)
    users = [f"user{number}" for number in range(40)]
    each = max(2, min(25, 8_000_000 // size // len(users)))
    letter = message(size)
    for _ in range(each):
        await asyncio.gather(*(store.deliver(letter, [Recipient(user)]) for user in users))
    maildrops = [await store.open(Identity(user)) for user in users]
    began = time.process_time()
    repeats = 3
    for _ in range(repeats):
        for number in range(1, each + 1):
            for maildrop in maildrops:
                content = (await maildrop.body(number)).content
                if not isinstance(content, bytes):
                    async for _ in content:
                        pass
                    await content.aclose()
    taken = time.process_time() - began
    await store.close()
    return taken / (repeats * each * len(users)) * 1e6


async def pages(folder: Path) -> None:
    """SQLite's page size."""

    async def with_pages(size: int, measure: Measure) -> float:
        with patched(schema, "PAGE_BYTES", size):
            return await measure()

    cases: dict[str, Measure] = {
        "RETR of 5 kB": partial(_retrieval, folder, 5_000, NEVER),
        "RETR of 50 kB": partial(_retrieval, folder, 50_000, NEVER),
        "Deliveries of 5 kB, 1 writer": partial(rate, folder, 5_000, 1),
        "Deliveries of 5 kB, 32 writers": partial(rate, folder, 5_000, 32),
    }
    for title, measure in cases.items():
        variants: dict[str, Measure] = {
            f"pages of {size}": partial(with_pages, size, measure) for size in (4096, 8192, 16384)
        }
        await table(title, variants, "us" if "RETR" in title else "1/s")


async def shards(folder: Path) -> None:
    """How many shards."""
    numbers = (1, 2, 4, 8, 16)
    for writers in (1, 32, 256):
        variants: dict[str, Measure] = {
            f"{number} shards": partial(rate, folder, 5_000, writers, shards=number)
            for number in numbers
        }
        await table(f"Deliveries of 5 kB, {writers} writers, one process", variants, "1/s")
    variants = {f"{number} shards": partial(together, folder, number) for number in numbers}
    await table("Deliveries of 5 kB, 2 processes of 32 writers", variants, "1/s")


async def group(folder: Path) -> None:
    """Group commit, or a commit for each message; in one shard, where it matters."""

    async def one_by_one(writers: int) -> float:
        with patched(backlog, "BATCH_JOBS", 1):
            return await rate(folder, 5_000, writers, shards=1)

    for writers in (1, 32):
        variants: dict[str, Measure] = {
            "together": partial(rate, folder, 5_000, writers, shards=1),
            "each by itself": partial(one_by_one, writers),
        }
        await table(f"Deliveries of 5 kB, {writers} writers", variants, "1/s")


async def turns(folder: Path) -> None:
    """Taking turns by flock, or by SQLite's busy handler: processes on one shard."""
    ways = ("flock", "busy")
    for processes in (2, 4):
        variants: dict[str, Measure] = {
            how: partial(together, folder, 1, processes, how) for how in ways
        }
        await table(f"Deliveries of 5 kB, {processes} processes of 32 writers", variants, "1/s")
        variants = {
            how: partial(together, folder, 1, processes, how, 1, slowest=True) for how in ways
        }
        await table(f"99% of deliveries of 5 kB, {processes} processes of 1 writer", variants, "us")


async def together(
    folder: Path, number: int, processes: int = 2, how: str = "flock", writers: int = 32,
    *, slowest: bool = False,
) -> float:  # fmt: skip
    await fresh(folder, shards=number).close()
    command = [sys.executable, __file__, str(folder), "child", how, str(writers)]
    children = [
        subprocess.Popen(  # noqa: ASYNC220 - nothing else runs here
            [*command, str(child)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for child in range(processes)
    ]
    for child in children:
        assert child.stdout
        child.stdout.readline()
    for child in children:
        assert child.stdin
        child.stdin.close()
    found = []
    for child in children:
        assert child.stdout
        found.append([float(figure) for figure in child.stdout.read().split()])
        child.wait()
    return max(worst for _, worst in found) if slowest else sum(each for each, _ in found)


async def child(folder: Path, how: str, writers: str, name: str) -> None:
    """One of several processes: deliveries a second, and microseconds that 99% stay below."""
    store = open_store(folder)
    await store.deliver(message(100), [Recipient(f"{name}.warm")])
    print("ready", flush=True)
    sys.stdin.read()
    taken: list[float] = []
    end = time.perf_counter() + 1.5

    async def deliver(number: int) -> None:
        while (began := time.perf_counter()) < end:
            await store.deliver(message(5_000), [Recipient(f"{name}.{number}.{len(taken) % 50}")])
            taken.append(time.perf_counter() - began)

    # give_back closes what it is given.
    no_turn = patched(Turns, "take", lambda _: os.open(os.devnull, os.O_RDONLY))
    with no_turn if how == "busy" else contextlib.nullcontext():
        await asyncio.gather(*(deliver(number) for number in range(int(writers))))
    print(len(taken) / 1.5, statistics.quantiles(taken, n=100)[98] * 1e6)
    await store.close()


async def space(folder: Path) -> None:
    """What the disk gets back when everything is deleted."""
    store = fresh(folder)
    users = [f"user{number}" for number in range(50)]
    for size, rounds in ((5_000, 40), (50_000, 10), (500_000, 2)):
        for _ in range(rounds):
            await asyncio.gather(
                *(store.deliver(message(size), [Recipient(user)]) for user in users)
            )
    full = _used(folder)
    began = time.perf_counter()
    for user in users:
        maildrop = await store.open(Identity(user))
        await maildrop.commit(range(1, maildrop.count + 1))
        await maildrop.release()
    answered = time.perf_counter() - began
    while any(shard.writer._untidy or shard.writer._shrunk for shard in store.all_shards):  # noqa: SLF001, ASYNC110 - the writer tells nobody
        await asyncio.sleep(0.005)
    left = _used(folder)
    print(
        f"\nfull {full / 1e6:.0f} MB; {len(users)} sessions deleted all in {answered * 1e3:.0f} ms;"
        f" {(time.perf_counter() - began) * 1e3:.0f} ms after the first"
        f" {left / 1e6:.1f} MB are left"
    )
    await store.close()
    print(f"closed: {_used(folder) / 1e6:.1f} MB (spare pages: {tidy.SPARE_PAGES} a shard)")


def _used(folder: Path) -> int:
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


async def lines_of(maildrop: Maildrop) -> None:
    """LIST and UIDL, page by page."""
    for column in Column:
        for first in range(1, maildrop.count + 1, PAGE):
            last = min(first + PAGE - 1, maildrop.count)
            listing_lines(first, await maildrop.column(column, first, last))


async def sessions(folder: Path) -> None:
    """What the server's loop pays: opening, listing, large maildrops."""
    store = fresh(folder)
    letter = message(300)
    for number in range(100):
        to = [Recipient(f"user{number}")] * 50
        await store.deliver(letter, to)
    for size in (1_000, 10_000, 100_000):
        for _ in range(size // 1000):
            await store.deliver(letter, [Recipient(f"big{size}")] * 1000)

    async def visit(user: str, *, listed: bool) -> None:
        maildrop = await store.open(Identity(user))
        if listed:
            await lines_of(maildrop)
        await maildrop.release()

    async def average(users: list[str], *, listed: bool) -> float:
        began = time.perf_counter()
        for _ in range(5):
            for user in users:
                await visit(user, listed=listed)
        return (time.perf_counter() - began) / 5 / len(users) * 1e6

    users = [f"user{number}" for number in range(100)]
    await table("A session", {
        "open, release (50 messages)": lambda: average(users, listed=False),
        "open, LIST, UIDL, release (50)": lambda: average(users, listed=True),
        "open, release (100,000)": lambda: average(["big100000"], listed=False),
        "open, LIST, UIDL, release (1,000)": lambda: average(["big1000"], listed=True),
        "open, LIST, UIDL, release (100,000)": lambda: average(["big100000"], listed=True),
    }, "us")  # fmt: skip
    await store.close()


async def lock_files(folder: Path) -> None:
    """What a session lock costs when its file has many locks already."""
    os.makedirs(folder, exist_ok=True)  # noqa: PTH103 - outside the loop's business

    async def locking(held: int) -> float:
        descriptor = os.open(folder / "locks", os.O_RDWR | os.O_CREAT)
        for number in range(held):
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 2 * number + 1)
        began = time.perf_counter()
        for number in range(500):
            byte = number * 37 % (held or 1) * 2
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)
            fcntl.lockf(descriptor, fcntl.LOCK_UN, 1, byte)
        taken = time.perf_counter() - began
        os.close(descriptor)
        return taken / 500 * 1e6

    variants: dict[str, Measure] = {
        f"{held} locks held": partial(locking, held) for held in (0, 300, 2500, 5000, 10_000)
    }
    await table("Lock and unlock", variants, "us")


async def checksums(_: Path) -> None:
    """What a checksum of each body costs."""

    async def summing(checksum: Callable[[bytes], object], size: int) -> float:
        data = message(size).data
        times = 20_000_000 // size
        began = time.process_time()
        for _ in range(times):
            checksum(data)
        return (time.process_time() - began) / times * 1e6

    sums: dict[str, Callable[[bytes], object]] = {
        "CRC-32": zlib.crc32,
        "BLAKE2b": lambda data: hashlib.blake2b(data, digest_size=8).digest(),
    }
    for size in (5_000, 100_000, 1_000_000):
        variants: dict[str, Measure] = {
            name: partial(summing, checksum, size) for name, checksum in sums.items()
        }
        await table(f"A checksum of {size:,} bytes", variants, "us")


async def read_ahead(folder: Path) -> None:
    """How much is read together for who takes one message after the other."""
    for size, count in ((500, 4000), (5_000, 4000), (30_000, 800)):
        store = fresh(folder, shards=1)
        letter = message(size)
        for _ in range(count // 100):
            await asyncio.gather(*(store.deliver(letter, [Recipient("ann")]) for _ in range(100)))

        async def collecting(
            octets: int, numbers: range, store: EmbeddedStore = store, count: int = count
        ) -> float:
            maildrop = await store.open(Identity("ann"))
            with patched(ahead, "WINDOW_OCTETS", octets):
                began = time.process_time()
                for number in numbers:
                    await maildrop.body(number)
                taken = time.process_time() - began
            await maildrop.release()
            return taken / count * 1e6

        variants: dict[str, Measure] = {
            "one by one": partial(collecting, 0, range(count, 0, -1)),
            **{
                f"{kilo} KiB": partial(collecting, kilo * 1024, range(1, count + 1))
                for kilo in (32, 64, 128, 256)
            },
        }
        await table(f"A body of {size:,} bytes", variants, "us")
        await store.close()


async def deleting(folder: Path) -> None:
    """What the writer pays for a deletion: all, every second, of messages with shared bodies."""

    async def commit(step: int, sharers: int) -> float:
        store = fresh(folder, shards=1)
        users = [Recipient(f"user{number}") for number in range(sharers)]
        for _ in range(100):
            await asyncio.gather(*(store.deliver(message(5_000), users) for _ in range(100)))
        await (await store.open(Identity("user0"))).release()
        maildrop = await store.open(Identity("user0"))
        chosen = range(1, maildrop.count + 1, step)
        began = time.process_time()
        await maildrop.commit(chosen)
        taken = time.process_time() - began
        await maildrop.release()
        await store.close()
        return taken / len(chosen) * 1e6

    variants: dict[str, Measure] = {
        "all of 10,000": partial(commit, 1, 1),
        "every second": partial(commit, 2, 1),
        "all, of bodies that two share": partial(commit, 1, 2),
    }
    await table("A deletion of messages of 5 kB", variants, "us a message")


async def tidying(folder: Path) -> None:
    """Giving back 20,000 pages that lie in no order: all of it, and the longest step."""

    async def give_back(pages: int, total: list[float]) -> float:
        store = fresh(folder, shards=1)
        await store.close()
        (shard,) = store.all_shards
        with contextlib.closing(schema.connect(shard.index)) as sql:
            sql.execute("BEGIN")
            sql.executemany(
                "INSERT INTO bodies (refs, stored, international, data) VALUES (1, 5000, 0, ?)",
                [(bytes(5000),)] * 16_000,
            )
            rows = list(range(1, 16_001))
            random.Random(0).shuffle(rows)
            sql.executemany("DELETE FROM bodies WHERE id = ?", [(row,) for row in rows])
            sql.execute("COMMIT")
            steps = [time.process_time()]
            with patched(tidy, "STEP_PAGES", pages):
                while tidy.give_back(sql, []):
                    steps.append(time.process_time())
        total.append((steps[-1] - steps[0]) * 1e3)
        return max(after - before for before, after in itertools.pairwise(steps)) * 1e3

    totals: dict[int, list[float]] = {pages: [] for pages in (64, 256, 1024)}
    variants: dict[str, Measure] = {
        f"{pages} pages": partial(give_back, pages, total) for pages, total in totals.items()
    }
    await table("The longest step", variants, "ms")
    for pages, total in totals.items():
        print(f"  {pages} pages: {statistics.median(total):.0f} ms in all")


EXPERIMENTS = (
    disk,
    sessions,
    lock_files,
    placement,
    pages,
    shards,
    group,
    turns,
    space,
    checksums,
    read_ahead,
    deleting,
    tidying,
)


async def main(folder: Path, *chosen: str) -> None:
    if chosen and chosen[0] == "child":
        await child(folder, *chosen[1:])
        return
    for experiment in EXPERIMENTS:
        if not chosen or experiment.__name__ in chosen:
            await experiment(folder / "store")
    shutil.rmtree(folder / "store", ignore_errors=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), *sys.argv[2:]))

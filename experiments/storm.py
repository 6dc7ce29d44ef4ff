"""What a storm of wrong passwords costs others. Results and conclusions: storm.md.

``python experiments/storm.py [--rounds N]`` on Linux with ``unshare`` and ``ip``: in a network namespace
of its own, in which all of 198.51.100.0/24 and 203.0.113.0/24 is this machine, it runs a real server
with two workers, and from addresses of these networks a storm and somebody who signs in. The
conditions take turns within a round, so that a busy machine slows all of them alike.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import multiprocessing
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from pillarbox.auth.accounts import Accounts

SERVER = "198.51.100.1"
KNOWN = "198.51.100.2"
PORT = 1110
PASSWORD = b"correct horse battery staple"
LOGINS = 100
"""With a password that is known, in each condition and round."""
NEW = 15
"""With passwords that are not, from addresses that never came before."""
SETTLING_SECONDS = 5.0

Storm = str  # the name of one of STORMS


_guesses = itertools.count()


async def guess_on(source: str, seen: Counter[str]) -> None:
    """Five wrong passwords in one write, none of them tried before; all answers; again."""
    while True:
        lines = []
        for _ in range(5):
            lines += [b"USER victim", b"PASS wrong %d" % next(_guesses)]
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection(SERVER, PORT, local_addr=(source, 0))
            writer.write(b"".join(line + b"\r\n" for line in lines))
            if not (await reader.readline()).startswith(b"+OK"):
                seen["turned away at the door"] += 1
                await asyncio.sleep(1)
            while reply := await reader.readline():
                seen["refused"] += reply.startswith(b"-ERR [AUTH]")
                seen["put off"] += reply.startswith(b"-ERR [SYS/TEMP]")
                lines.pop()
                if not lines:
                    break
            writer.close()


async def hang_up_on(source: str, seen: Counter[str]) -> None:
    """A wrong password, and away, ten times a second."""
    while True:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection(SERVER, PORT, local_addr=(source, 0))
            writer.write(b"USER victim\r\nPASS wrong %d\r\n" % next(_guesses))
            await asyncio.sleep(0.1)
            writer.close()
            seen["hung up"] += 1


def one(number: int) -> str:
    return "203.0.113.66" if number >= 0 else ""


def many(number: int) -> str:
    return f"203.0.113.{number % 250 + 1}"


STORMS = {
    "nobody else": None,
    "100 connections of one address": (guess_on, one, 100),
    "the same, hanging up": (hang_up_on, one, 100),
    "500 connections of 250 addresses": (guess_on, many, 500),
}


def storm(name: Storm, report: Path) -> None:
    """In a process of its own, until it is told to end."""
    described = STORMS[name]
    if described is None:
        return
    work, source, connections = described
    os.nice(19)  # it comes from another machine: what it computes itself must not slow anybody
    seen: Counter[str] = Counter()

    async def rage() -> None:
        loop = asyncio.get_running_loop()
        tasks = [loop.create_task(work(source(n), seen)) for n in range(connections)]
        loop.add_signal_handler(signal.SIGTERM, lambda: [task.cancel() for task in tasks])
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(rage())
    report.write_text(json.dumps(seen))


async def login(source: str, user: str) -> float:
    """Milliseconds from connecting to the reply to PASS."""
    began = time.perf_counter()
    reader, writer = await asyncio.open_connection(SERVER, PORT, local_addr=(source, 0))
    writer.write(b"USER %s\r\nPASS %s\r\n" % (user.encode(), PASSWORD))
    replies = [await reader.readline() for _ in range(3)]
    took = (time.perf_counter() - began) * 1000
    if not replies[2].startswith(b"+OK"):
        raise RuntimeError(f"{user} from {source}: {replies}")
    writer.write(b"QUIT\r\n")
    await reader.readline()
    writer.close()
    return took


async def measure(first_new: int) -> tuple[list[float], list[float]]:
    known = []
    for _ in range(LOGINS):
        known.append(await login(KNOWN, "known"))
        await asyncio.sleep(0.01)
    new = []
    for number in range(first_new, first_new + NEW):
        new.append(await login(f"198.51.100.{number % 200 + 10}", f"new{number}"))
        await asyncio.sleep(0.02)
    return known, new


@contextlib.contextmanager
def office(folder: Path, users: list[str]) -> Iterator[int]:
    """A server with two workers; its process id."""
    config = folder / "pillarbox.toml"
    config.write_text(
        f"""
[server]
hostname = "mail.example.org"
workers = 2
user = "root"
[listen]
pop3 = ["{SERVER}:{PORT}"]
pop3s = []
lmtp = []
http = []
[auth]
cleartext = "always"
[store]
path = "store"
[limits]
connections = 20000
"""
    )
    command = [sys.executable, "-m", "pillarbox", "--config", str(config)]
    accounts = Accounts(folder / "store" / "accounts.db")
    for user in users:
        accounts.add(user, PASSWORD.decode())
    accounts.close()
    log = folder / "log"
    with log.open("wb") as to:
        process = subprocess.Popen([*command, "serve"], stderr=to, stdout=to)
    try:
        while b"ready" not in log.read_bytes():
            if process.poll() is not None:
                raise RuntimeError(log.read_text())
            time.sleep(0.05)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def processor_seconds(pid: int) -> float:
    """Of a process and its children, until now."""
    total = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if pid in {int(fields[1]), int(stat.parent.name)}:
                total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def conditions(rounds: int, folder: Path) -> None:
    users = ["known", "victim", *(f"new{n}" for n in range(rounds * len(STORMS) * NEW))]
    figures: dict[Storm, tuple[list[float], list[float]]] = {name: ([], []) for name in STORMS}
    loads: dict[Storm, list[float]] = {name: [] for name in STORMS}
    seen: dict[Storm, Counter[str]] = {name: Counter() for name in STORMS}
    first_new = 0
    with office(folder, users) as pid:
        for _ in range(20):  # each worker gets to know the password
            asyncio.run(login(KNOWN, "known"))
        for _ in range(rounds):
            for name in STORMS:
                report = folder / "report"
                raging = multiprocessing.get_context("fork").Process(
                    target=storm, args=(name, report), daemon=True
                )
                raging.start()
                time.sleep(SETTLING_SECONDS)
                used, began = processor_seconds(pid), time.monotonic()
                known, new = asyncio.run(measure(first_new))
                share = (processor_seconds(pid) - used) / (time.monotonic() - began)
                first_new += NEW
                raging.terminate()
                raging.join()
                if report.exists():
                    seen[name].update(json.loads(report.read_text()))
                    report.unlink()
                figures[name][0].extend(known)
                figures[name][1].extend(new)
                loads[name].append(share)
    show(figures, loads, seen)


def show(
    figures: dict[Storm, tuple[list[float], list[float]]],
    loads: dict[Storm, list[float]],
    seen: dict[Storm, Counter[str]],
) -> None:
    print("| storm | known: median, 95 % | new: median, 95 % | server's cores | its answers |")
    print("| --- | --- | --- | --- | --- |")
    for name, (known, new) in figures.items():
        columns = [
            f"{statistics.median(times):.1f}, {sorted(times)[int(len(times) * 0.95)]:.1f} ms"
            for times in (known, new)
        ]
        answers = ", ".join(f"{count} {what}" for what, count in seen[name].items())
        load = statistics.median(loads[name])
        print(f"| {name} | {columns[0]} | {columns[1]} | {load:.2f} | {answers} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not arguments.inside:
        unshare = shutil.which("unshare") or "unshare"
        os.execv(unshare, [unshare, "-rn", sys.executable, *sys.argv, "--inside"])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for network in ("198.51.100.0/24", "203.0.113.0/24"):
        subprocess.run(["ip", "route", "add", "local", network, "dev", "lo"], check=True)
    with tempfile.TemporaryDirectory(prefix="pillarbox-storm-") as folder:
        conditions(arguments.rounds, Path(folder))


if __name__ == "__main__":
    main()

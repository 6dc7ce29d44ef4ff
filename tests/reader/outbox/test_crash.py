"""``kill -9`` before any call that changes a file or says something to the server, and the start after it.

What must hold: no message is at the server twice. What the outbox had promised to keep is there exactly once, or is said
to be unconfirmed; what it had not promised may be there or not. What has left has one copy in
Sent, one mark, and no draft.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from itertools import count
from pathlib import Path

import pytest

from tests.fetch.conftest import strace  # noqa: F401 -- a fixture
from tests.fetch.test_crash import injected
from tests.reader.outbox.child import letter, main
from tests.reader.outbox.server import HostileServer

SUBJECTS = ("one", "two")
CALLS = ("fsync", "rename", "unlink", "mkdir")
MORE = (("sendto", 9), ("write", 9))
"""What is said, be it only to wake the loop, and what is written: with every so-manieth tried by default."""


async def run(*command: str, folder: Path, port: int) -> tuple[int, list[str]]:
    """The exit status of one that is to send SUBJECTS, and what it said."""
    process = await asyncio.create_subprocess_exec(
        *command,
        *(sys.executable, "-m", "tests.reader.outbox.child", str(folder), str(port), *SUBJECTS),
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode().splitlines()


def words(said: list[str], first: str) -> set[str]:
    lines = (line.split() for line in said)
    return {line[1] for line in lines if line[0] == first}


def check(folder: Path, server: HostileServer, kept: set[str], unsure: set[str]) -> None:
    there = Counter(taken.content for taken in server.taken)
    assert set(there.values()) <= {1}, "twice"
    for subject in SUBJECTS:
        has_it = there[letter(subject)] == 1
        assert has_it or subject in unsure or subject not in kept, "lost"
        mail = [p for p in (folder / "mail").iterdir() if not p.name.startswith(".")]
        copies = [path for path in mail if path.read_bytes() == letter(subject)]
        assert len(copies) == (has_it and subject not in unsure)
        assert (folder / "mail" / f"a{subject}.R").exists() is bool(copies)
        assert not (copies and (folder / subject).exists()), "a draft of what has left"
    names = [path for path in (folder / "outbox").iterdir() if path.suffix == ".json"]
    assert len(names) == len(unsure)


async def killed_at_each(strace: str, place: Path, call: str, stride: int) -> None:  # noqa: F811
    for number in count(1, stride):
        folder = place / str(number)
        folder.mkdir()
        async with HostileServer() as server:
            under = (strace, "-f", "-o", "/dev/null", "-e", injected(call, number))
            status, said = await run(*under, folder=folder, port=server.port)
            said_after: list[str] = []
            await main(folder, server.port, (), said_after.append)
            unsure = words(said_after, "unsure")
            check(folder, server, words(said, "kept"), unsure)
        if status == 0:
            assert number > 1, f"an outbox never calls {call}"
            assert unsure == set()
            return
        assert status in {-9, 137}


@pytest.mark.parametrize(("call", "stride"), [*((call, 4) for call in CALLS), *MORE])
async def test_kill_before_some(strace: str, tmp_path: Path, call: str, stride: int) -> None:  # noqa: F811
    await killed_at_each(strace, tmp_path, call, stride)


@pytest.mark.long
@pytest.mark.parametrize("call", [*CALLS, *(call for call, _ in MORE)])
async def test_kill_before_any(strace: str, tmp_path: Path, call: str) -> None:  # noqa: F811
    await killed_at_each(strace, tmp_path, call, 1)

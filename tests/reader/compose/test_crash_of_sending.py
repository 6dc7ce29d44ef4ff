"""``kill -9`` before any call that changes the disk, while a message is sent and taken back: it is a draft or in the
outbox, whole, and never both.
"""

from __future__ import annotations

import asyncio
import os
import sys
from itertools import count
from pathlib import Path

import pytest

from pillarbox.reader.mail.letter import read_letter, read_part
from tests.fetch.conftest import strace as strace  # noqa: PLC0414 -- a fixture
from tests.fetch.test_crash import injected
from tests.reader.compose.sendrun import CONTENT, TEXT, opened

CALLS = ("fsync", "write", "rename", "unlink")
SPARSE = 7
"""The plain run tries every so-manieth of each."""


@pytest.mark.parametrize("call", CALLS)
async def test_a_message_is_here_or_there(strace: str, tmp_path: Path, call: str) -> None:
    await killed_at_each(strace, tmp_path, call, SPARSE)


@pytest.mark.parametrize("call", CALLS)
async def test_a_message_whose_draft_was_lost_is_here_or_there(
    strace: str, tmp_path: Path, call: str
) -> None:
    """It was both: its draft was made anew, and the message not taken out yet."""
    await killed_at_each(strace, tmp_path, call, SPARSE, "lost")


@pytest.mark.long
@pytest.mark.parametrize("lost", [(), ("lost",)])
@pytest.mark.parametrize("call", CALLS)
async def test_a_message_is_always_here_or_there(
    strace: str, tmp_path: Path, call: str, lost: tuple[str, ...]
) -> None:
    await killed_at_each(strace, tmp_path, call, 1, *lost)


async def killed_at_each(strace: str, tmp_path: Path, call: str, stride: int, *lost: str) -> None:
    for number in count(1, stride):
        folder = tmp_path / str(number)
        folder.mkdir()
        process = await asyncio.create_subprocess_exec(
            *(strace, "-f", "-o", "/dev/null", "-e", injected(call, number)),
            *(sys.executable, "-m", "tests.reader.compose.sendrun", str(folder), *lost),
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        said = (await process.communicate())[0].decode().split()
        check(folder, said)
        if process.returncode == 0:
            assert said == ["written", "sent", "taken", "sent"]
            assert number > 1, f"a run never calls {call}"
            return
        assert process.returncode in {-9, 137}


def check(folder: Path, said: list[str]) -> None:
    sender = opened(folder)
    drafts, waiting = sender.drafts.all(), sender.outbox.all()
    if said:
        assert len(drafts) + len(waiting) == 1, "lost, or twice"
    if said and said[-1] == "sent":
        assert waiting or len(said) == 2, "it was sent, and nobody has taken it back"
    if said and said[-1] == "taken":
        assert drafts or waiting
    for draft in drafts:
        assert draft.text == TEXT
        (file,) = draft.files
        assert sender.drafts.path(draft.id, file.id).read_bytes() == CONTENT
        assert sender.writing.send(draft.id)  # and it can be sent
    for outgoing in waiting:
        message = sender.outbox.read(outgoing.id)
        letter = read_letter(message)
        assert letter.text.strip() == TEXT
        assert read_part(message, letter.parts[0].number)[1] == CONTENT
        if len(said) < 4:
            taken = sender.writing.take_back(outgoing.id)
            assert taken.text == TEXT
            assert sender.drafts.all() == [taken]

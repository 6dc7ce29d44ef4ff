"""Nothing lost, nothing twice, whenever the reader ends: mail that comes in, is filed, thrown away, imported and indexed.

As in ``test_kill``: each time the reader is started again, and what is there is compared with what its pages had said.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from pillarbox.reader.library.survey import FILE
from pillarbox.reader.model import MessageKey
from tests.postoffice import PATIENCE, PostOffice
from tests.reader.story.mailing import (
    INBOX,
    OTHER,
    OWN,
    SORTED,
    Lies,
    Room,
    furnished,
    letter,
)
from tests.reader.story.visitor import Visitor
from tests.reader.story.world import configured

BEGINNING = {
    "a": Lies(INBOX, "S"),
    "b": Lies(INBOX),
    "c": Lies(INBOX, "FRS"),
    "d": Lies(INBOX, "F"),
    "e": Lies(OWN, "S"),
    "f": Lies(OWN),
}
ARCHIVED, DELETED, MOVED = "abc", "cd", "ef"


@dataclass
class Filing:
    """Moves many messages, and takes some of it back."""

    room: Room
    keys: dict[str, MessageKey] = field(default_factory=dict)
    said: dict[str, Lies] = field(default_factory=dict)
    """Where messages are, as the pages have said it."""
    wanted: dict[str, Lies] = field(default_factory=dict)
    """Where they are when what is under way is done."""

    def begin(self) -> None:
        for subject, (folder, flags) in BEGINNING.items():
            self.keys[subject] = self.room.put(subject, folder, flags)
        self.said = self.wanted = dict(BEGINNING)

    async def life(self, visitor: Visitor) -> None:
        archived = await self._to(visitor, "archive", ARCHIVED, "Archive")
        deleted = await self._to(visitor, "delete", DELETED, "Trash")
        moved = await self._to(visitor, "move", MOVED, OTHER)
        await self._undone(visitor, deleted, {"c": "Archive", "d": INBOX})
        await self._undone(visitor, archived, dict.fromkeys(ARCHIVED, INBOX))
        await self._undone(visitor, moved, dict.fromkeys(MOVED, OWN))

    async def _to(self, visitor: Visitor, verb: str, subjects: str, folder: str) -> str:
        """The id of the change."""
        self._want(dict.fromkeys(subjects, folder))
        keys = [self.keys[subject] for subject in subjects]
        reply = await visitor.post(f"/do/{verb}", m=keys, to=folder)
        assert reply.status_code == 204, reply.text
        self.said = self.wanted
        told: str = json.loads(reply.headers["HX-Trigger"])["changed"]["id"]
        return told

    async def _undone(self, visitor: Visitor, change: str, folders: dict[str, str]) -> None:
        self._want(folders)
        reply = await visitor.post(f"/undo/{change}")
        assert reply.status_code == 204, reply.text
        self.said = self.wanted

    def _want(self, folders: dict[str, str]) -> None:
        self.wanted = self.said | {
            subject: self.said[subject]._replace(folder=folder)
            for subject, folder in folders.items()
        }

    async def check(self) -> None:
        there = self.room.lies()
        assert there.keys() == BEGINNING.keys(), "lost"
        for subject, place in there.items():
            assert place in {self.said[subject], self.wanted[subject]}, subject
        async with self.room.again() as visitor:
            assert self.room.lies() == there, "something has moved by itself"
            for subject in ARCHIVED:
                reply = await visitor.post("/do/archive", m=[self.keys[subject]])
                assert reply.status_code == 204, reply.text
        archived = {subject: Lies("Archive", BEGINNING[subject].flags) for subject in ARCHIVED}
        assert self.room.lies() == there | archived


def moments(found: dict[str, str]) -> list[Any]:
    """Parameters, of which the plain run tries the first."""
    return [
        pytest.param(moment, id=name, marks=[pytest.mark.long] if number else [])
        for number, (name, moment) in enumerate(found.items())
    ]


FILED = {
    "some of those deleted are back": "4 /Trash/",
    "some are archived": "3 /Archive/",
    "a moved one is back": "4 /Other/",
}


async def filing(wire: str, folder: Path) -> bool:
    """Whether it went to its end."""
    async with furnished(folder) as room:
        work = Filing(room)
        work.begin()
        whole = await room.live(work.life, wire)
        if not whole:
            assert room.code == -signal.SIGKILL
        await work.check()
        return whole


@pytest.mark.parametrize("moment", moments(FILED))
async def test_killed_when(moment: str, tmp_path: Path) -> None:
    assert not await filing(f"kill {moment}", tmp_path), "it never comes to this"


@pytest.mark.long
async def test_killed_before_every_change_by_the_user(tmp_path: Path) -> None:
    for number in count(1):
        if await filing(f"kill {number} /library/", tmp_path / str(number)):
            assert number > 2 * len(ARCHIVED + DELETED + MOVED), "this is not a whole life"
            return


# Collecting, and rules.

LETTERS = {"one": "bob", "two": "ann", "three": "bob", "four": "ann"}
"""Subjects, and senders."""
RULE = {"id": "1", "sender": "ann@", "move_to": SORTED, "mark_seen": True}


@pytest.fixture(scope="module")
def post(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostOffice]:
    with PostOffice(tmp_path_factory.mktemp("office"), users=["alice"]) as running:
        yield running


async def collected(visitor: Visitor) -> None:
    """Wait until a run has gone through: it is asked for, whatever became of the one before."""

    async def done() -> bool:
        page = (await visitor.get("/accounts")).text
        if "before it deletes mail" in page:
            await visitor.post("/accounts/alice/confirm")
        elif "ould not be collected" in page or "ffline" in page:
            await visitor.post("/collect")
        return "Collected" in page

    await visitor.until(done)


async def collecting(post: PostOffice, wire: str, folder: Path, *, keep: bool) -> bool:
    """New mail comes while the reader runs. Whether its life went to its end."""
    post.collect("alice", keep=False)
    async with furnished(folder) as room:
        configured(room.reader, post, smtp=1)
        if not keep:
            text = room.reader.config.read_text()
            room.reader.config.write_text(text.replace("keep = true", "keep = false"))
        (room.reader.library / "rules.json").write_text(json.dumps({"rules": [RULE]}))
        async with room.again() as visitor:
            await collected(visitor)
        for subject, sender in LETTERS.items():
            message = letter(subject, sender).replace(b"\n", b"\r\n")
            post.deliver(message, "alice")

        whole = await room.live(collected, wire, early=True)
        if not whole:
            assert room.code == -signal.SIGKILL
        await _check_collected(post, room, keep=keep)
        return whole


async def _check_collected(post: PostOffice, room: Room, *, keep: bool) -> None:
    rule, none = Lies(SORTED, "S"), Lies(INBOX)
    async with room.again() as visitor:
        await collected(visitor)
        assert room.lies() == {
            subject: rule if by == "ann" else none for subject, by in LETTERS.items()
        }
        # Who files by hand what a rule has filed has the last word.
        await visitor.post("/do/move", m=[*room.keys()[SORTED]], to=INBOX)
    assert len(post.collect("alice")) == (len(LETTERS) if keep else 0)
    async with room.again() as visitor:
        await collected(visitor)
    assert room.lies() == {
        subject: Lies(INBOX, "S") if by == "ann" else none for subject, by in LETTERS.items()
    }


COLLECTED = {
    "a rule files a message": "1 /Sorted/",
    "it publishes the second message": "2 Inbox/alice/new",
}


@pytest.mark.parametrize("moment", moments(COLLECTED))
async def test_killed_while_collecting_when(post: PostOffice, moment: str, tmp_path: Path) -> None:
    wire = f"kill {moment}"
    assert not await collecting(post, wire, tmp_path, keep=False), "it never comes to this"


@pytest.mark.long
@pytest.mark.parametrize("keep", [True, False], ids=["kept there", "deleted there"])
async def test_killed_before_every_change_while_collecting(
    post: PostOffice, tmp_path: Path, *, keep: bool
) -> None:
    for number in count(1):
        if await collecting(post, f"kill {number} /", tmp_path / str(number), keep=keep):
            assert number > 2 * len(LETTERS), "this is not a whole life"
            return


# Importing.

BATCHES = [f"m{number}" for number in range(110)]
"""Subjects; more than are made durable at a time."""
MBOX = b"".join(
    b"From x Mon Nov 23 20:19:00 2026\n" + letter(subject) + b"\n" for subject in BATCHES
)


async def imports(visitor: Visitor) -> str:
    """What the page says at its end."""
    reply = await visitor.upload("/import", "old.mbox", MBOX, into="Archive")
    assert reply.status_code == 303, reply.text
    async with asyncio.timeout(PATIENCE):
        while True:
            page = (await visitor.get(reply.headers["location"])).text
            if "so far" not in page:
                return page


async def importing(wire: str, folder: Path) -> bool:
    async with furnished(folder) as room:

        async def life(visitor: Visitor) -> None:
            await imports(visitor)

        whole = await room.live(life, wire)
        if not whole:
            assert room.code == -signal.SIGKILL
        before = room.lies()
        assert before.keys() <= set(BATCHES)
        async with room.again() as visitor:
            page = await imports(visitor)
            fresh = len(BATCHES) - len(before)
            assert f"{fresh} message{'s' * (fresh != 1)} imported" in page
        assert room.lies() == dict.fromkeys(BATCHES, Lies("Archive", "S"))
        assert not list((room.reader.library / "incoming").iterdir()), "an upload is left"
        return whole


IMPORTED = {
    "its second batch comes": "105 /Archive/cur",
    "the first of its messages is there": "2 /Archive/cur",
}


@pytest.mark.parametrize("moment", moments(IMPORTED))
async def test_killed_while_importing_when(moment: str, tmp_path: Path) -> None:
    assert not await importing(f"kill {moment}", tmp_path), "it never comes to this"


@pytest.mark.long
async def test_killed_at_many_changes_while_importing(tmp_path: Path) -> None:
    for number in count(1, 7):
        if await importing(f"kill {number} /library/", tmp_path / str(number)):
            assert number > len(BATCHES), "this is not a whole life"
            return


# Emptying Trash.

THROWN = ("t1", "t2", "t3", "t4")


async def emptying(wire: str, folder: Path) -> bool:
    async with furnished(folder) as room:
        for subject, (place, flags) in BEGINNING.items():
            room.put(subject, place, flags)
        for subject in THROWN:
            room.put(subject, "Trash", "S")

        async def life(visitor: Visitor) -> None:
            await visitor.empty_trash()

        whole = await room.live(life, wire)
        if not whole:
            assert room.code == -signal.SIGKILL
        left = room.lies().keys() & set(THROWN)
        assert not (whole and left), "said to be empty"
        async with room.again() as visitor:
            assert room.lies().keys() & set(THROWN) == left
            await life(visitor)
        assert room.lies() == BEGINNING
        return whole


async def test_killed_while_emptying_trash(tmp_path: Path) -> None:
    assert not await emptying("kill 3 /Trash/", tmp_path), "it never comes to this"


@pytest.mark.long
async def test_killed_before_every_change_while_emptying_trash(tmp_path: Path) -> None:
    for number in count(1):
        if await emptying(f"kill {number} /library/", tmp_path / str(number)):
            assert number > len(THROWN), "this is not a whole life"
            return


# Reindexing.


def is_whole(library: Path, beside: Path) -> bool:
    """Whether the index can be used, and knows all messages; a copy in *beside* is tried, so that nothing is repaired."""
    beside.mkdir()
    for each in (FILE, f"{FILE}-wal"):
        if (library / each).exists():
            shutil.copy(library / each, beside / each)
    with closing(sqlite3.connect(f"file:{beside / FILE}?mode=rw", uri=True)) as connection:
        (verdict,) = connection.execute("PRAGMA integrity_check").fetchone()
        (number,) = connection.execute("SELECT count(*) FROM messages").fetchone()
    return (verdict, number) == ("ok", len(BEGINNING))


async def reindexing(wire: str, folder: Path, *, known: bool) -> bool:
    """*known*: there is an index already; else it is the first."""
    async with furnished(folder) as room:
        for subject, (place, flags) in BEGINNING.items():
            room.put(subject, place, flags)
        if known:
            async with room.again():
                pass
            room.reader.arguments = ("--reindex",)
        whole = await room.live(room.shows_all, wire, early=True)
        if not whole:
            assert room.code == -signal.SIGKILL
        if known:
            assert is_whole(room.reader.library, folder / "copy"), (
                "neither the old index nor the new"
            )
        room.reader.arguments = ()
        async with room.again():
            pass
        assert room.lies() == BEGINNING
        return whole


REINDEXED = {
    "the new index comes in the place of the old one": "6 index.db",
    "the new index is begun": "2 index.db",
}


@pytest.mark.parametrize("moment", moments(REINDEXED))
async def test_killed_while_reindexing_when(moment: str, tmp_path: Path) -> None:
    wire = f"kill {moment}"
    assert not await reindexing(wire, tmp_path, known=True), "it never comes to this"


@pytest.mark.long
@pytest.mark.parametrize("known", [True, False], ids=["anew", "for the first time"])
async def test_killed_before_every_change_while_reindexing(tmp_path: Path, *, known: bool) -> None:
    for number in count(1):
        wire = f"kill {number} /library/"
        if await reindexing(wire, tmp_path / str(number), known=known):
            assert number > 3, "this is not a whole life"
            return

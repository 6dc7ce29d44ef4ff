"""Mail in a library whose reader ends somewhere; and what must be true of it afterwards."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import httpx

from pillarbox.reader.library.names import key_of
from pillarbox.reader.model import MessageKey
from pillarbox.reader.web.features.lists.listing import PAGE
from tests.reader.story.tripwire import arm, disarm
from tests.reader.story.visitor import Died, Visitor, visiting
from tests.reader.story.world import NotStarted, Reading, reading

_TOTAL = re.compile(r'data-total="(\d+)"')
_LISTED = re.compile(r'name="m" value="([\w-]{22})"')
OWN, OTHER, SORTED, INBOX = "Own", "Other", "Sorted", "Inbox/alice"
FOLDERS = ("Archive", "Trash", "Sent", OWN, OTHER, SORTED, INBOX)

Life = Callable[[Visitor], Awaitable[None]]


class Lies(NamedTuple):
    """A message's place."""

    folder: str
    flags: str = ""


def letter(subject: str, sender: str = "bob", lines: int = 1) -> bytes:
    """With LF; its subject is the only one of its kind."""
    head = f"From: {sender}@example.org\nTo: alice@example.org\nSubject: {subject}\n"
    text = f"This is {subject}.\n" * lines
    return f"{head}Date: Tue, 03 Nov 2026 10:42:00 +0100\n\n{text}".encode()


@dataclass
class Room:
    """A reader, and the mail that its library has."""

    reader: Reading
    code: int | None = None
    """With which the reader ended, if it did in its first life."""

    @property
    def mail(self) -> Path:
        return self.reader.library / "mail"

    def put(self, subject: str, folder: str, flags: str = "") -> MessageKey:
        """A file, before the reader is started (or beside it)."""
        base = f"1793699000.M1.{subject}"
        (self.mail / folder / "cur" / f"{base}:2,{flags}").write_bytes(letter(subject))
        return key_of(base)

    def lies(self) -> dict[str, Lies]:
        """By subject, where each message is; none is twice, none in part."""
        found: dict[str, Lies] = {}
        for path in self.mail.rglob("*"):
            if not path.is_file() or path.parent.name not in {"new", "cur"}:
                continue
            content = path.read_bytes()
            subject = re.search(rb"^Subject: (.*)$", content, re.MULTILINE)
            assert subject, path
            name = subject[1].decode()
            assert name not in found, f"{name} is twice: {found[name]}, {path}"
            assert content.endswith(f"This is {name}.\n".encode()), f"in part: {path}"
            folder = str(path.parent.parent.relative_to(self.mail))
            found[name] = Lies(folder, path.name.partition(":2,")[2])
        return found

    def keys(self) -> dict[str, set[str]]:
        """By folder, those of the messages on disk."""
        found: dict[str, set[str]] = {folder: set() for folder in FOLDERS}
        for folder in FOLDERS:
            for part in ("new", "cur"):
                for path in (self.mail / folder / part).glob("*"):
                    found[folder].add(key_of(path.name.partition(":")[0]))
        return found

    async def shows_all(self, visitor: Visitor) -> None:
        """Wait until the lists have what the disk has, each message once, and find nothing else."""

        async def equal() -> bool:
            for folder, keys in self.keys().items():
                listed: list[str] = []
                for first in range(0, max(len(keys), 1), PAGE):
                    page = await visitor.get(f"/mail/{quote(folder)}?first={first}")
                    listed += _LISTED.findall(page.text)
                total = _TOTAL.search(page.text)
                if Counter(listed) != Counter(keys) or int(total[1] if total else 0) != len(keys):
                    return False
            return True

        await visitor.until(equal)

    async def live(self, life: Life, wire: str, *, early: bool = False) -> bool:
        """A life with *wire* across its way, laid when all that is there is listed, or *early*: before it begins. Whether
        it went to its end.
        """
        try:
            if early:
                arm(self.reader.folder, wire)
            async with visiting(self.reader) as visitor:
                if not early:
                    await self.shows_all(visitor)
                    arm(self.reader.folder, wire)
                await life(visitor)
        except (Died, NotStarted, httpx.TransportError):
            self.code = await self.reader.ended()
            return False
        disarm(self.reader.folder)
        assert await self.reader.stop() == 0
        return True

    @asynccontextmanager
    async def again(self) -> AsyncIterator[Visitor]:
        """The next life, when the lists have what the disk has; which holds at its end, too."""
        disarm(self.reader.folder)
        async with visiting(self.reader) as visitor:
            await self.shows_all(visitor)
            yield visitor
            await self.shows_all(visitor)
            assert await self.reader.stop() == 0


def _made(mail: Path, folders: Iterable[str]) -> None:
    for folder in folders:
        for part in ("tmp", "new", "cur"):
            (mail / folder / part).mkdir(parents=True, exist_ok=True)


@asynccontextmanager
async def furnished(folder: Path) -> AsyncIterator[Room]:
    """With folders, and an account whose mailbox cannot be reached."""
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    async with reading(folder) as reader:
        reader.module = "tests.reader.story.tripwire"
        room = Room(reader)
        _made(room.mail, FOLDERS)
        secret = folder / "password"
        secret.write_text("secret")
        reader.config.write_text(
            f"""[accounts.alice]
url = "pop3s://alice@localhost:1"
password_command = "cat '{secret}'"
to = "reader"
keep = true
"""
        )
        yield room
        assert '"error"' not in reader.log, reader.log

"""An answer's whole life through the pages, with a reader that ends somewhere in it; and what must be true afterwards."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from pathlib import Path

from pillarbox.reader.library.names import key_of
from tests.reader.outbox.server import HostileServer
from tests.reader.story.tripwire import arm, disarm
from tests.reader.story.visitor import Died, Visitor, visiting
from tests.reader.story.world import Reading, reading

BASE = "1793699000.M1.question"
KEY = key_of(BASE)
QUESTION = b"""From: Bob <bob@example.org>
To: alice@example.org
Subject: Lunch
Message-ID: <q@example.org>
Date: Tue, 03 Nov 2026 10:42:00 +0100

Shall we have lunch?
"""
UNCONFIRMED = "Handed over, but not confirmed"
TEXTS = ("Yes, glad", "Yes, gladly. At noon?")


@dataclass
class Known:
    """What the pages have said to their user."""

    draft: str | None = None
    texts: set[str] = field(default_factory=set)
    """What the draft may hold: what is kept for certain, or what was being kept when there was no answer any more."""
    saved: int = 0
    """How often the page has said that it is."""
    asked: bool = False
    sent: str | None = None


@dataclass
class Rig:
    """A reader with a message to answer, and the server through which answers leave."""

    reader: Reading
    server: HostileServer
    known: Known = field(default_factory=Known)
    code: int | None = None
    """With which the reader ended, if it did in the answer's life."""

    @property
    def mail(self) -> Path:
        return self.reader.library / "mail"

    def configure(self, *, hold: float = 0) -> None:
        """One account, whose mailbox cannot be reached."""
        inbox = self.mail / "Inbox" / "alice"
        for part in ("tmp", "new", "cur"):
            (inbox / part).mkdir(parents=True)
        (inbox / "cur" / f"{BASE}:2,").write_bytes(QUESTION)
        self.hold(hold)
        secret = self.reader.folder / "password"
        secret.write_text("secret")
        self.reader.config.write_text(
            f"""[accounts.alice]
url = "pop3s://alice@localhost:1"
password_command = "cat '{secret}'"
to = "reader"
keep = true
from = "alice@example.org"
smtp = "smtp://localhost:{self.server.port}"
smtp_auth = false
smtp_insecure_cleartext = true
"""
        )

    def hold(self, seconds: float) -> None:
        self.reader.hold(seconds)

    async def answer(self, visitor: Visitor) -> None:
        """Write one, with a save in between, and send it. Raises :class:`.visitor.Died`."""
        known = self.known
        await visitor.until(lambda: visitor.lists("Inbox", KEY))
        reply = await visitor.post(f"/message/{KEY}/reply", script=False)
        known.draft = re.sub(r".*/compose/(\w+).*", r"\1", reply.headers["location"])
        version = "1"
        for text in TEXTS:
            known.texts = known.texts | {text}
            saved = await visitor.post(f"/compose/{known.draft}/save", text=text, version=version)
            version, known.texts = str(saved.json()["version"]), {text}
            known.saved += 1
        known.asked = True
        sent = await visitor.post(
            f"/compose/{known.draft}/send", text=TEXTS[-1], version=version, sure="1"
        )
        assert sent.status_code == 200, sent.text
        known.sent = sent.json()["id"]

    async def left(self, visitor: Visitor) -> None:
        """Wait until nothing moves any more in the outbox."""

        async def still() -> bool:
            return all(UNCONFIRMED in said for said in (await visitor.outbox()).values())

        await visitor.until(still)

    async def check(self) -> None:
        """Start it again, let it go on to the end, and compare what is there with what was said."""
        disarm(self.reader.folder)
        self.server.instead.clear()
        self.hold(0)
        async with visiting(self.reader) as visitor:
            await visitor.until(lambda: visitor.lists("Inbox", KEY))
            for waiting, said in (await visitor.outbox()).items():
                if UNCONFIRMED not in said and "Being handed over" not in said:
                    await visitor.post(f"/outbox/{waiting}/send", script=False)
            await self.left(visitor)
            await self._compare(visitor)
            assert await self.reader.stop() == 0

    async def _compare(self, visitor: Visitor) -> None:
        known = self.known
        unconfirmed = await visitor.outbox()
        arrived = len(self.server.taken)
        text = await visitor.text_of(known.draft) if known.draft else None
        places = (text is not None, bool(unconfirmed), len(self.copies()) > 0)
        if known.draft is None:
            assert places == (False, False, False), "from nowhere"
            assert arrived == 0
            return
        assert sum(places) == 1, f"lost, or in two places: draft, outbox, Sent: {places}"
        if text is not None:
            assert known.sent is None, "said to be sent, and is a draft"
            assert arrived == 0, "sent, and a draft"
            assert known.saved == 0 or text.strip() in known.texts
            assert known.draft in await visitor.drafts() or known.saved == 0
        elif unconfirmed:
            assert known.asked
            assert len(unconfirmed) == 1
            assert arrived <= 1
        else:
            assert known.asked
            assert arrived == 1, "not sent, or twice"
            (copy,) = self.copies()
            assert body(copy) == body(self.server.taken[0].content) == TEXTS[-1]
        assert self.is_marked() == places[2]
        files = {path.stem for path in (self.reader.library / "outbox").iterdir()}
        assert files == set(unconfirmed), "files of nobody"

    def copies(self) -> list[bytes]:
        return [path.read_bytes() for path in (self.mail / "Sent").glob("[nc]*/*")]

    def is_marked(self) -> bool:
        """Whether the question is marked as answered; and it is there once."""
        (file,) = (self.mail / "Inbox" / "alice").glob("[nc]*/*")
        assert file.read_bytes() == QUESTION
        return "R" in file.name.partition(":2,")[2]


def body(message: bytes) -> str:
    part = message_from_bytes(message, policy=policy.default).get_body()
    assert part is not None
    text: str = part.get_content()
    return text.strip()


@asynccontextmanager
async def rigged(folder: Path, *, hold: float = 0) -> AsyncIterator[Rig]:
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    async with HostileServer() as server, reading(folder) as reader:
        reader.module = "tests.reader.story.tripwire"
        rig = Rig(reader, server)
        rig.configure(hold=hold)
        yield rig
        assert '"error"' not in reader.log, reader.log


async def live(rig: Rig, wire: str = "") -> bool:
    """The answer's life, as far as it goes; whether it goes to its end. *wire*: see :mod:`.tripwire`."""
    try:
        async with visiting(rig.reader) as visitor:
            if wire:
                arm(rig.reader.folder, wire)
            await rig.answer(visitor)
            await rig.left(visitor)
    except Died:
        rig.code = await rig.reader.ended()
        return False
    return True

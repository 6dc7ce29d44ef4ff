"""A sender that is killed: writes a message, sends it, takes it back, and sends it again. In between its drafts may get lost:
``python -m tests.reader.compose.sendrun FOLDER lost``.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn, cast

from pillarbox.durable import sync_folder
from pillarbox.reader.compose.drafts import KeptDrafts, open_drafts
from pillarbox.reader.compose.writing import Writing
from pillarbox.reader.contracts import Outbox
from pillarbox.reader.model import Draft, Settings
from pillarbox.reader.news import News
from pillarbox.reader.outbox import open_outbox
from tests.reader.compose.people import WORK, FixedAccounts, Shelf

NOW = datetime(2026, 11, 3, tzinfo=UTC)
TEXT, CONTENT = "Shall we?", b"x" * 100


@dataclass
class Sender:
    outbox: Outbox
    drafts: KeptDrafts
    writing: Writing


def nobody(_: str) -> NoReturn:
    raise AssertionError("nothing is sent here")


def opened(folder: Path) -> Sender:
    """On an event loop."""
    news = News()
    library = cast("Any", Shelf())
    outbox = open_outbox(
        folder / "outbox",
        submit_for=nobody,
        library=library,
        discard_draft=nobody,
        news=news,
        clock=lambda: NOW,
    )
    drafts = open_drafts(folder / "drafts", outbox=outbox, tell=news.tell, clock=lambda: NOW)
    writing = Writing(
        accounts=cast("Any", FixedAccounts(WORK)),
        library=library,
        drafts=drafts,
        outbox=outbox,
        settings=Settings(),
        clock=lambda: NOW,
    )
    return Sender(outbox, drafts, writing)


def say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


async def main(folder: Path, *, lost: bool) -> None:
    sender = opened(folder)
    draft = sender.writing.new(Draft("", to="ada@x.example"))
    sender.drafts.attach(draft.id, "a.txt", "text/plain", [CONTENT])
    sender.drafts.save(replace(draft, text=TEXT))
    sync_folder(folder)
    say("written")
    first = sender.writing.send(draft.id)
    say("sent")
    if lost:
        (folder / "drafts").rename(folder / "elsewhere")
        sender = opened(folder)
    taken = sender.writing.take_back(first)
    say("taken")
    sender.writing.send(taken.id)
    say("sent")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), lost="lost" in sys.argv))

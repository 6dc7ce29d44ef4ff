"""An outbox in a process of its own, that can be killed.

``python -m tests.reader.outbox.child FOLDER PORT [SUBJECT…]`` puts a message of each SUBJECT into the outbox, says
``kept SUBJECT`` for each, sends until nothing moves any more, and says ``unsure SUBJECT`` for what is not confirmed.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from pillarbox.durable import replace_file
from pillarbox.reader.contracts import Library
from pillarbox.reader.model import Flag, Folder, MessageKey, Parcel, Sending
from pillarbox.reader.news import News
from pillarbox.reader.outbox import open_outbox
from tests.reader.outbox.world import plain


class Files:
    """What the outbox needs of a library, in files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True)

    def add(
        self, folder: Folder, message: bytes, flags: Collection[Flag] = (), *, base: str
    ) -> MessageKey:
        path = self._folder / base
        if not path.exists():
            replace_file(path, message)
        return MessageKey(base)

    def mark(self, keys: Collection[MessageKey], flag: Flag, *, on: bool = True) -> None:
        for key in keys:
            replace_file(self._folder / f"{key}.{flag}", b"")


def letter(subject: str) -> bytes:
    return f"Subject: {subject}\r\n\r\n.{subject}\r\n".encode()


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


async def main(
    folder: Path, port: int, subjects: Collection[str], say: Callable[[str], object] = say
) -> None:
    news = News()
    with news.listening() as told:
        outbox = open_outbox(
            folder / "outbox",
            submit_for=lambda _: plain(port),
            library=cast("Library", Files(folder / "mail")),
            discard_draft=lambda draft: (folder / draft).unlink(missing_ok=True),
            news=news,
            clock=lambda: datetime.now(UTC),
        )
        for subject in subjects:
            (folder / subject).touch()
            parcel = Parcel(
                letter(subject),
                "work",
                "alice@example.org",
                ("bob@example.org",),
                subject,
                draft=subject,
                answers=MessageKey(f"a{subject}"),
            )
            outbox.put(parcel, hold_seconds=0)
            say(f"kept {subject}")
        running = asyncio.create_task(outbox.run())
        while not all(one.state is Sending.UNCONFIRMED for one in outbox.all()):
            await told.next()
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    for one in outbox.all():
        say(f"unsure {one.subject}")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))

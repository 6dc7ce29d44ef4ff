"""An outbox with a library, a clock and news of the test's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from pillarbox.reader.contracts import Library
from pillarbox.reader.errors import LibraryUnusable, NotSendable
from pillarbox.reader.model import Flag, Folder, MessageKey, Outgoing, Parcel, Sending
from pillarbox.reader.news import News
from pillarbox.reader.outbox import open_outbox
from pillarbox.reader.outbox.box import FileOutbox
from pillarbox.reader.submission import Security, Submission

MESSAGE = (
    b"From: alice@example.org\r\nTo: bob@example.org\r\nSubject: News\r\n\r\nHello\r\n.dot\r\n"
)
ALICE, BOB, CAROL = "alice@example.org", "bob@example.org", "carol@example.org"


@dataclass
class Shelf:
    """What the outbox needs of a library: Sent, and marks."""

    sent: dict[str | None, tuple[Folder, bytes, frozenset[Flag]]] = field(default_factory=dict)
    marked: list[tuple[MessageKey, Flag]] = field(default_factory=list)
    full: bool = False

    def add(
        self,
        folder: Folder,
        message: bytes,
        flags: Collection[Flag] = (),
        *,
        base: str | None = None,
    ) -> MessageKey:
        if self.full:
            raise LibraryUnusable("The disk is full. Make room.")
        self.sent.setdefault(base, (folder, message, frozenset(flags)))
        return MessageKey(str(base))

    def mark(self, keys: Collection[MessageKey], flag: Flag, *, on: bool = True) -> None:
        self.marked += [(key, flag) for key in keys if on]


class World:
    """``async with World(folder) as world``: its outbox runs, until the block is left."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "outbox"
        self.library = Shelf()
        self.submissions: dict[str, Submission] = {}
        self.discarded: list[str] = []
        self.discard: Callable[[str], None] = self.discarded.append
        self.ahead = timedelta()

    async def __aenter__(self) -> Self:
        self.news = News()
        self._listening = self.news.listening()
        self.told = self._listening.__enter__()
        self.outbox = self.opened()
        self.start()
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        await self.stop()
        self._listening.__exit__(None, None, None)

    def opened(self) -> FileOutbox:
        """As at a start."""
        return open_outbox(
            self.folder,
            submit_for=self._submission,
            library=cast("Library", self.library),
            discard_draft=self._discard,
            news=self.news,
            clock=lambda: datetime.now(UTC) + self.ahead,
        )

    def start(self) -> None:
        self._running = asyncio.create_task(self.outbox.run())

    async def stop(self) -> None:
        self._running.cancel()
        with suppress(asyncio.CancelledError):
            await self._running

    async def restart(self) -> None:
        await self.stop()
        self.outbox = self.opened()
        self.start()

    def later(self, seconds: float) -> None:
        """Time passes."""
        self.ahead += timedelta(seconds=seconds)
        self.outbox.nudge("nobody")  # which only makes it look at the clock

    def put(self, *recipients: str, **more: Any) -> str:
        hold = more.pop("hold_seconds", 0)
        parcel = Parcel(
            message=more.pop("message", MESSAGE),
            account=more.pop("account", "work"),
            sender=more.pop("sender", ALICE),
            recipients=recipients or (BOB,),
            subject=more.pop("subject", "News"),
            **more,
        )
        return self.outbox.put(parcel, hold_seconds=hold)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until that holds; it is asked after each news."""
        while not holds():
            await self.told.next()

    async def until_left(self, outgoing_id: str) -> None:
        """And that it does not wait for something else than it is expected to."""

        def holds() -> bool:
            found = self.outbox.find(outgoing_id)
            stuck = found is not None and found.state in {Sending.REFUSED, Sending.UNCONFIRMED}
            assert not stuck, found
            return found is None

        await self.until(holds)

    async def until_state(self, outgoing_id: str, state: Sending, problem: str = "") -> Outgoing:
        def holds() -> bool:
            found = self.outbox.find(outgoing_id)
            return found is not None and found.state is state and problem in found.problem

        await self.until(holds)
        return self[outgoing_id]

    async def until_tried(self, outgoing_id: str) -> Outgoing:
        """Until it waits, with a reason."""

        def holds() -> bool:
            found = self.outbox.find(outgoing_id)
            return found is not None and found.state is not Sending.SENDING and found.problem != ""

        await self.until(holds)
        return self[outgoing_id]

    def __getitem__(self, outgoing_id: str) -> Outgoing:
        found = self.outbox.find(outgoing_id)
        assert found is not None, "it is gone"
        return found

    def _discard(self, draft_id: str) -> None:
        self.discard(draft_id)

    def _submission(self, account: str) -> Submission:
        try:
            return self.submissions[account]
        except KeyError:
            raise NotSendable("This account has no server for sending. Add one.") from None


def plain(port: int, **more: Any) -> Submission:
    """To a server on loopback without TLS, as the user has said."""
    return Submission("127.0.0.1", port, Security.NONE, **more)

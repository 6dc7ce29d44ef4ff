"""What is done when a message has left, also for only some of its recipients: said again until it is done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from pillarbox.contracts.errors import PillarboxError
from pillarbox.reader.outbox.filing import File
from pillarbox.reader.outbox.record import Record
from pillarbox.reader.outbox.shelf import Shelf

Step = Callable[[Record], Record]


class Noting:
    """The copy in Sent, the draft, and the outbox's own files, in this order; and what the disk had no room for."""

    def __init__(self, shelf: Shelf, file: File, discard_draft: Callable[[str], None]) -> None:
        self._shelf = shelf
        self._file = file
        self._discard_draft = discard_draft
        self._unwritten: dict[str, Step] = {}
        self._failed: dict[str, Exception] = {}

    def due(self) -> list[Record]:
        """Messages of which something is still to be noted."""
        return [
            record
            for record in self._shelf.all()
            if record.to_be_filed or record.has_left or record.id in self._unwritten
        ]

    def has_new(self) -> bool:
        """Whether one of them has not been tried yet: it need not wait for those that failed."""
        return any(record.id not in self._failed for record in self.due())

    def failure(self, record_id: str) -> Exception | None:
        """Why it could not be noted when that was tried last."""
        return self._failed.get(record_id)

    def remember(self, record_id: str, step: Step) -> None:
        """The disk did not take this *step*: until it does, the message is not touched."""
        self._unwritten[record_id] = step

    def is_unwritten(self, record_id: str) -> bool:
        """Whether what is on disk is older than what has happened."""
        return record_id in self._unwritten

    async def run(self) -> None:
        """Note all that is due. One that cannot be keeps no other from it.

        Raises:
            Exception: what the first that could not be has met; PillarboxError, unless it is a defect.
        """
        failed: dict[str, Exception] = {}
        for record in self.due():
            try:
                await asyncio.to_thread(self._note, record.id)
            except Exception as error:  # noqa: BLE001 -- raised below
                failed[record.id] = error
        self._failed = failed
        if failed:
            raise next(iter(failed.values()))

    def file(self, record_id: str) -> None:
        """Put a copy into Sent, if anybody has got the message and it is not there yet. Blocking; from any thread.

        Raises:
            MessageUnreadable: there is nothing that could be put there.
            LibraryUnusable: there is no room.
        """
        record = self._shelf.find(record_id)
        if record is None or not record.to_be_filed:
            return
        message = self._shelf.message(record_id)
        if message is not None:
            self._file(record, message)
            self._shelf.change(record_id, Record.noted)

    def finish(self, record_id: str) -> None:
        """Note at once what there is to note of one; what cannot be is tried again as all that has left. Blocking."""
        try:
            self._note(record_id)
        except PillarboxError as error:
            self._failed[record_id] = error

    def discard_draft(self, draft_id: str) -> None:
        """Raises LibraryUnusable: it cannot be."""
        self._discard_draft(draft_id)

    def _note(self, record_id: str) -> None:
        step = self._unwritten.get(record_id)
        if step is not None:
            self._shelf.change(record_id, step)
            self._unwritten.pop(record_id, None)
        self.file(record_id)
        record = self._shelf.find(record_id)
        if record is not None and record.has_left:
            if record.draft is not None:
                self._discard_draft(record.draft)
            self._shelf.remove(record_id, lambda current: not current.has_left)


def said(failure: Exception) -> str:
    """Why something could not be noted, in a sentence."""
    if isinstance(failure, PillarboxError):
        return str(failure)
    return f"That failed for a reason that is Pillarbox's own: {failure!r}."

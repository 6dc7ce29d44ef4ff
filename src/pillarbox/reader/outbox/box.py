"""The outbox as the rest of the reader knows it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from pillarbox.reader.contracts import Clock, Library
from pillarbox.reader.errors import LibraryUnusable, TooLate
from pillarbox.reader.library.names import new_base
from pillarbox.reader.mail.private import without_bcc
from pillarbox.reader.model import Outgoing, Parcel, Sending
from pillarbox.reader.news import News, OutboxChanged
from pillarbox.reader.outbox.envelope import in_lines
from pillarbox.reader.outbox.filing import file_in
from pillarbox.reader.outbox.noting import Noting, said
from pillarbox.reader.outbox.record import Record, shown
from pillarbox.reader.outbox.sender import Sender
from pillarbox.reader.outbox.shelf import MESSAGE, MessageUnreadable, Shelf, new_id
from pillarbox.reader.submission import Submission

GONE = "This message is not in the outbox any more: it has left, or was taken out."
DISCARDED = "This message was discarded: it is not sent any more."
LEAVING = "It is too late to take this message back: it is with the server already."


class FileOutbox:
    """:class:`pillarbox.reader.contracts.Outbox` in a folder. Made by :func:`open_outbox`."""

    def __init__(self, shelf: Shelf, noting: Noting, sender: Sender) -> None:
        self._shelf = shelf
        self._noting = noting
        self._sender = sender

    def put(self, parcel: Parcel, *, hold_seconds: float) -> str:
        """Keep a message; its id."""
        message = without_bcc(in_lines(parcel.message))
        now = self._sender.now()
        record = Record(
            id=new_id(),
            account=parcel.account,
            sender=parcel.sender,
            subject=parcel.subject,
            octets=len(message),
            since=now,
            sent_base=new_base(),
            waiting=tuple(dict.fromkeys(parcel.recipients)),
            held_until=now + hold_seconds if hold_seconds > 0 else 0.0,
            draft=parcel.draft,
            answers=parcel.answers,
            forwards=parcel.forwards,
            bcc=parcel.bcc,
            own=parcel.own,
        )
        self._shelf.put(record, message)
        return record.id

    def all(self) -> Sequence[Outgoing]:
        """In the order in which they came."""
        return [self._shown(record) for record in self._shelf.all()]

    def damaged(self) -> Sequence[Path]:
        """See the contract."""
        records = [path for path in self._shelf.damaged if path.exists()]
        both = [file for path in records for file in (path.with_suffix(MESSAGE), path)]
        return [file for file in both if file.exists()]

    @property
    def problem(self) -> str:
        """See the contract."""
        return self._shelf.problem

    def find(self, outgoing_id: str) -> Outgoing | None:
        """None: it is not here any more."""
        record = self._shelf.find(outgoing_id)
        return None if record is None else self._shown(record)

    def read(self, outgoing_id: str) -> bytes:
        """The message."""
        message = self._shelf.message(outgoing_id)
        if message is None:
            raise TooLate(GONE)
        return message

    def drafts(self) -> frozenset[str]:
        """Of which messages are here."""
        return frozenset(r.draft for r in self._shelf.all() if r.draft is not None)

    def name_draft(self, outgoing_id: str, draft_id: str) -> None:
        """See the contract. What is leaving may be asked for its draft just now."""

        def step(record: Record) -> Record | None:
            return None if _is_leaving(record) else replace(record, draft=draft_id)

        if self._shelf.change(outgoing_id, step) is None:
            raise self._too_late(outgoing_id)

    def take_out(self, outgoing_id: str) -> None:
        """It is not to be sent; possible until the end of the message is said to a server, and when it is lost itself: what
        some have got has then no copy in Sent.
        """
        unless = _is_leaving
        try:
            self._noting.file(outgoing_id)  # those who have got it have got it
        except MessageUnreadable as error:
            if not error.is_lost:
                raise
            unless = _is_in_hand  # there is no copy to be had
        if self._shelf.remove(outgoing_id, unless) is None:
            raise self._too_late(outgoing_id)

    def discard(self, outgoing_id: str) -> None:
        """See the contract. That it is discarded is on disk before its draft goes, and is known until the draft has gone."""
        try:
            self._noting.file(outgoing_id)
        except MessageUnreadable as error:
            if not error.is_lost:
                raise
            self.take_out(outgoing_id)
            return

        def step(record: Record) -> Record | None:
            return None if _is_leaving(record) else record.drop()

        try:
            record = self._shelf.change(outgoing_id, step)
        except LibraryUnusable:  # no room to note it: then it goes at once, which makes room
            self._discard_at_once(outgoing_id)
            return
        if record is None:
            raise self._too_late(outgoing_id)
        self._noting.finish(outgoing_id)

    def _discard_at_once(self, outgoing_id: str) -> None:
        record = self._shelf.find(outgoing_id)
        self.take_out(outgoing_id)
        if record is not None and record.draft is not None:
            self._noting.discard_draft(record.draft)

    def _too_late(self, outgoing_id: str) -> TooLate:
        record = self._shelf.find(outgoing_id)
        if record is None:
            return TooLate(GONE)
        return TooLate(DISCARDED if record.discarded else LEAVING)

    def send_again(self, outgoing_id: str) -> None:
        """To all that have not certainly got it, now."""

        def step(record: Record) -> Record | None:
            return None if _is_leaving(record) else record.again()

        record = self._shelf.change(outgoing_id, step)
        if record is None:
            raise self._too_late(outgoing_id)
        self._sender.forgive(record.account)

    def nudge(self, account: str | None = None) -> None:
        """None: all that wait for the network. An account: whatever stopped it (it has been changed). Never blocks."""
        self._sender.forgive(account)

    async def run(self) -> None:
        """Send, until cancelled."""
        await self._sender.run()

    def _shown(self, record: Record) -> Outgoing:
        """With what is not written down: it is being sent, its account waits, or there is no copy to be had."""
        failure = self._noting.failure(record.id) if record.to_be_filed else None
        lost = isinstance(failure, MessageUnreadable) and failure.is_lost
        return replace(self._standing(record), unreadable=lost)

    def _standing(self, record: Record) -> Outgoing:
        now = self._sender.now()
        if record.has_left:
            return _left(record, self._noting.failure(record.id), shown(record, now))
        if self._sender.is_sending(record):
            # Why it waited before is no news any more.
            outgoing = shown(replace(record, problem=""), now)
            return replace(outgoing, state=Sending.SENDING, next_try=None)
        outgoing = shown(record, now)
        standing = self._sender.standing(record.account)
        if standing is None or outgoing.state is not Sending.WAITING:
            return outgoing
        moment = None
        if standing.next_try is not None:
            moment = datetime.fromtimestamp(max(standing.next_try, record.next_try), UTC)
        problem = " ".join(filter(None, (standing.problem, outgoing.problem)))
        tries = max(outgoing.tries, standing.failures)
        stopped = moment is None
        return replace(outgoing, next_try=moment, problem=problem, tries=tries, stopped=stopped)


def open_outbox(
    folder: Path,
    *,
    submit_for: Callable[[str], Submission],
    library: Library,
    discard_draft: Callable[[str], None],
    news: News,
    clock: Clock,
) -> FileOutbox:
    """Open the outbox in *folder*, made if need be.

    Args:
        folder: nobody else has it open.
        submit_for: where an account's mail leaves; may block, and raise PillarboxError with a sentence that says
            why it cannot.
        library: has Sent, and what is answered.
        discard_draft: called when the message that was made of a draft has left; perhaps again after a crash.
        news: told of each change.
        clock: now.
    """
    sender: Sender | None = None

    def told() -> None:
        news.tell(OutboxChanged())
        if sender is not None:
            sender.wake()

    shelf = Shelf(folder, told)
    noting = Noting(shelf, file_in(library), discard_draft)
    sender = Sender(shelf, submit_for, noting, clock, told)
    with suppress(LibraryUnusable):  # a full disk: said again, and done before anything is sent
        sender.settle()  # whoever was sending was killed
    return FileOutbox(shelf, noting, sender)


def _left(record: Record, failure: Exception | None, outgoing: Outgoing) -> Outgoing:
    """*failure*: why it could not be noted everywhere when that was tried last."""
    if failure is None:
        return outgoing
    unfiled = record.to_be_filed
    if record.discarded:
        what = "It is not sent; its draft, and what the outbox has of it, are still to be removed."
        return replace(outgoing, problem=f"{what} {said(failure)}", left=True)
    what = (
        "It has left, and is still to be put into Sent."
        if unfiled
        else "It has left, and is in Sent; its draft, and what the outbox has of it, are still to be removed."
    )
    return replace(
        outgoing,
        problem=f"{what} {said(failure)}",
        left=True,
        unfiled=unfiled,
    )


def _is_leaving(record: Record) -> bool:
    return _is_in_hand(record) or record.has_left


def _is_in_hand(record: Record) -> bool:
    return bool(record.in_hand)

"""A store in memory: for tests, and the shortest reading of the store contract.

Theory: a maildrop is a list that only grows at its end and loses what nobody wants any more; a
view is the set of those messages that it does not list. A session keeps its own copy of its
view's list, so that its numbers cannot move. Nothing here ever suspends, so each method is one
indivisible step. Durability is the one promise it cannot keep; all others are checked by the
same suite as every engine's (:mod:`pillarbox.testing.store_contract`), which is what makes it a
*verified* fake.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Collection, Hashable, Sequence
from dataclasses import replace
from itertools import count

from pillarbox.contracts.errors import (
    LockLost,
    MaildropLocked,
    NoSuchView,
    OpenedTooSoon,
    OverQuota,
    StoreError,
    StoreUnavailable,
    ViewExists,
)
from pillarbox.contracts.store import (
    Body,
    Expired,
    Finding,
    MaildropStatus,
    Retention,
    SoonAbsent,
    ViewStatus,
    Waiting,
    column_of,
)
from pillarbox.contracts.transfer import Export, TakenOver
from pillarbox.model import DEFAULT_VIEW, Column, Identity, MessageInfo, Recipient, StoredForm
from pillarbox.store.memory_box import Box, Message, View, body_of
from pillarbox.store.memory_moving import MemoryExport, MemoryLanding, lock_all
from pillarbox.store.moving import take_over


class MemoryStore:
    """Implements :class:`~pillarbox.contracts.store.Store` and ``StoreAdmin``."""

    def __init__(self, *, default_holds: bool = False) -> None:
        """*default_holds*: whether the view ``default`` holds mail back before it is opened."""
        self._default_holds = default_holds
        self._boxes: dict[str, Box] = {}
        self._name = secrets.token_hex(4)
        self._serial = count(1)
        self._closed = False

    async def open(self, identity: Identity, *, minimum_interval: float = 0) -> MemoryMaildrop:
        self._must_be_open()
        user, name = identity
        box = self._boxes[user] = self._found(user, name)
        view = box.views[name]
        if box.closed:
            raise MaildropLocked(f"maildrop of {user} is being moved here")
        if view.holder is not None:
            raise MaildropLocked(f"maildrop of {user} is in use by another session")
        now = time.time()
        if minimum_interval > 0:
            if view.opened_at is not None and 0 <= now - view.opened_at < minimum_interval:
                raise OpenedTooSoon(f"maildrop of {user} was opened a moment ago")
            view.opened_at = now
        view.holds, view.seen_at = True, now
        view.holder = maildrop = MemoryMaildrop(box, view)
        return maildrop

    async def deliver(
        self, message: StoredForm, recipients: Sequence[Recipient]
    ) -> Sequence[StoreError | None]:
        self._must_be_open()
        return [self._deliver_to(recipient, message) for recipient in recipients]

    def _deliver_to(self, recipient: Recipient, message: StoredForm) -> StoreError | None:
        box = self._boxes.setdefault(recipient.user, self._new_box())
        if 0 < recipient.quota_octets < box.octets + message.octets:
            return OverQuota(f"maildrop of {recipient.user} is full")
        box.add(Message(f"{self._name}-{next(self._serial)}", message, time.time()))
        return None

    async def probe(self) -> None:
        self._must_be_open()

    async def close(self) -> None:
        self._closed = True
        for box in self._boxes.values():
            for view in box.views.values():
                view.holder = None

    def _must_be_open(self) -> None:
        if self._closed:
            raise StoreUnavailable("the store has been closed", temporary=True)

    def _new_box(self) -> Box:
        return Box({DEFAULT_VIEW: View(time.time(), holds=self._default_holds)})

    def _found(self, user: str, view: str = DEFAULT_VIEW) -> Box:
        """The maildrop of *user*, or an empty one that is nobody's; it has the *view*."""
        box = self._boxes.get(user) or self._new_box()
        if view not in box.views:
            raise NoSuchView(f"maildrop of {user} has no view {view!r}")
        return box

    # StoreAdmin

    async def users(self) -> Sequence[str]:
        return sorted(self._boxes)

    async def status(self, user: str) -> MaildropStatus:
        box = self._found(user)
        names = sorted(box.views, key=lambda name: (name != DEFAULT_VIEW, name))
        views = tuple(_status(name, box.views[name], box) for name in names)
        return MaildropStatus(user, len(box.messages), box.octets, views)

    async def listing(self, user: str, view: str = DEFAULT_VIEW) -> Sequence[MessageInfo]:
        box = self._found(user, view)
        return _infos(box.listed(box.views[view]), 1)

    async def unlock(self, user: str, view: str = DEFAULT_VIEW) -> bool:
        box = self._found(user, view)
        found = box.views[view]
        held = found.holder is not None or box.closed
        found.holder = None
        if box.arrival is not None:
            box.arrival = replace(box.arrival, complete=True)
        return held

    async def add_view(self, user: str, view: str, *, from_now_on: bool = False) -> None:
        box = self._found(user)
        if view in box.views:
            raise ViewExists(f"maildrop of {user} has a view {view!r} already")
        self._boxes[user] = box
        unlisted = set(box.messages if from_now_on else ())
        box.views[view] = View(time.time(), holds=True, unlisted=unlisted)

    async def remove_view(self, user: str, view: str) -> None:
        box = self._found(user, view)
        box.views.pop(view).holder = None
        if view == DEFAULT_VIEW:
            box.views |= self._new_box().views
        box.remove_unwanted()

    async def waiting(self, user: str) -> Sequence[Waiting]:
        box = self._found(user)
        return [_waiting(message, box) for message in box.messages]

    async def expire(self, retention: Retention) -> Expired:
        outcomes = [self._expire(user, retention) for user in sorted(self._boxes)]
        return Expired(
            sum(outcome.messages for outcome in outcomes),
            sum(outcome.octets for outcome in outcomes),
            tuple(view for outcome in outcomes for view in outcome.absent),
            sum(outcome.busy for outcome in outcomes),
        )

    def _expire(self, user: str, retention: Retention) -> Expired:
        box, now = self._boxes[user], time.time()
        old, absent = [], []
        if retention.expire_seconds:
            before = now - retention.expire_seconds
            old = [message for message in box.messages if message.received_at < before]
        if retention.absent_seconds:
            before = now - retention.absent_seconds
            absent = sorted(name for name, view in box.views.items() if view.is_overdue(before))
            if self._default_holds and DEFAULT_VIEW in absent:
                absent.remove(DEFAULT_VIEW)
        if not old and not absent:
            return Expired()
        if box.closed or any(view.holder for view in box.views.values()):
            return Expired(busy=1)
        for name in absent:
            box.views[name].holds = False
        box.remove(set(old))
        gone = old + box.remove_unwanted()
        octets = sum(message.form.octets for message in gone)
        return Expired(len(gone), octets, tuple((user, name) for name in absent))

    async def soon_absent(
        self, retention: Retention, notice_seconds: float
    ) -> Sequence[SoonAbsent]:
        gone_before = time.time() - retention.absent_seconds
        return [
            SoonAbsent(user, name, view.seen_at, (view.seen_at or view.created_at) - gone_before)
            for user, box in sorted(self._boxes.items())
            for name, view in sorted(box.views.items())
            if retention.absent_seconds and len(box.views) > 1
            if view.is_overdue(gone_before + notice_seconds) and not view.is_overdue(gone_before)
            if name != DEFAULT_VIEW or not self._default_holds
        ]

    async def take_sweep(self, seconds: float) -> bool:
        del seconds
        return True

    async def remove(self, user: str) -> None:
        if box := self._boxes.pop(user, None):
            for view in box.views.values():
                view.holder = None

    async def check(self, user: str | None = None, *, repair: bool = False) -> Sequence[Finding]:
        """Nothing to compare: index and bodies are the same objects."""
        del user, repair
        return []

    # StoreTransfer

    async def export(self, user: str, *, lock: bool = True) -> MemoryExport | None:
        self._must_be_open()
        box = self._boxes.get(user)
        if box is None:
            return None
        export = MemoryExport(user, box)
        if lock:
            lock_all(user, box, export)
            export.locked = True
        return export

    async def take_over(self, export: Export, *, only_look: bool = False) -> TakenOver:
        self._must_be_open()
        box = self._boxes.get(export.user) or self._new_box()
        landing = MemoryLanding(export.user, box, self._boxes, default_holds=self._default_holds)
        if not only_look:
            lock_all(export.user, box, landing, also_closed=True)
        try:
            return await take_over(export, landing, only_look=only_look)
        finally:
            landing.release()


class MemoryMaildrop:
    """Implements :class:`~pillarbox.contracts.store.Maildrop`."""

    def __init__(self, box: Box, view: View) -> None:
        self._box = box
        self._view = view
        self._messages = box.listed(view)

    @property
    def count(self) -> int:
        return len(self._messages)

    @property
    def octets(self) -> int:
        return sum(message.form.octets for message in self._messages)

    @property
    def listing_key(self) -> Hashable:
        return tuple(message.unique_id for message in self._messages)

    async def messages(self, first: int, last: int) -> Sequence[MessageInfo]:
        if first > last:
            return []
        self._message(first)
        self._message(last)
        return _infos(self._messages[first - 1 : last], first)

    async def column(self, column: Column, first: int, last: int) -> Sequence[str]:
        return column_of(await self.messages(first, last), column)

    async def octets_of(self, numbers: Collection[int]) -> int:
        return sum(self._message(number).form.octets for number in numbers)

    async def body(self, number: int) -> Body:
        return body_of(self._message(number).form)

    async def commit(self, numbers: Collection[int]) -> None:
        deleted = {self._message(number) for number in numbers}
        if not deleted:
            return
        if self._view.holder is not self:
            raise LockLost("the lock of this session has been taken away")
        self._view.unlisted |= deleted
        for message in deleted:
            message.deleted = True
        self._box.remove_unwanted()

    async def release(self) -> None:
        if self._view.holder is self:
            self._view.holder = None

    def _message(self, number: int) -> Message:
        if not 1 <= number <= len(self._messages):
            raise IndexError(f"no message {number} among {len(self._messages)}")
        return self._messages[number - 1]


def _infos(messages: Sequence[Message], first: int) -> list[MessageInfo]:
    return [
        MessageInfo(number, message.form.octets, message.unique_id)
        for number, message in enumerate(messages, first)
    ]


def _status(name: str, view: View, box: Box) -> ViewStatus:
    listed = box.listed(view)
    return ViewStatus(
        name,
        len(listed),
        sum(message.form.octets for message in listed),
        locked=view.holder is not None or box.closed,
        holder="a session of this process" if view.holder else None,
        holds=view.holds,
        created_at=view.created_at,
        seen_at=view.seen_at,
    )


def _waiting(message: Message, box: Box) -> Waiting:
    listing = {name: view for name, view in box.views.items() if message not in view.unlisted}
    return Waiting(
        message.unique_id,
        message.form.octets,
        message.received_at,
        tuple(sorted(listing)),
        tuple(sorted(name for name, view in listing.items() if view.holds)),
    )

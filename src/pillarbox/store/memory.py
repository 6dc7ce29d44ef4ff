"""A store in memory: for tests, and the shortest reading of the store contract.

Theory: a maildrop is a list that only grows at its end and loses what nobody wants any more; a
view is the set of those messages that it does not list. A session keeps its own copy of its
view's list, so that its numbers cannot move. Nothing here ever suspends, so each method is one
indivisible step. Durability is the one promise it cannot keep; all others are checked by the
same suite as every engine's (:mod:`pillarbox.testing.store_contract`), which is what makes it a
*verified* fake.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass, field
from itertools import count

from pillarbox.contracts.errors import (
    BodyDamaged,
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
    ViewStatus,
    Waiting,
    column_of,
)
from pillarbox.model import DEFAULT_VIEW, Column, Identity, MessageInfo, Recipient, StoredForm

LARGE_BODY = 256 * 1024
"""Stored bytes above which a body is given as a stream, in pieces of this size."""


@dataclass(slots=True, eq=False)
class _Message:
    unique_id: str
    form: StoredForm
    received_at: float
    deleted: bool = False
    """Whether any view has deleted it, be it one that is gone."""


@dataclass(slots=True, eq=False)
class _View:
    created_at: float
    holds: bool
    unlisted: set[_Message] = field(default_factory=set)
    holder: MemoryMaildrop | None = None
    opened_at: float | None = None
    """When it was last opened with a minimum interval."""
    seen_at: float | None = None

    def is_overdue(self, before: float) -> bool:
        return self.holds and (self.seen_at or self.created_at) < before


@dataclass(slots=True, eq=False)
class _Box:
    """One maildrop; ``messages`` is replaced, never changed, when some are removed."""

    views: dict[str, _View]
    messages: list[_Message] = field(default_factory=list)

    @property
    def octets(self) -> int:
        return sum(message.form.octets for message in self.messages)

    def listed(self, view: _View) -> list[_Message]:
        return [message for message in self.messages if message not in view.unlisted]

    def is_wanted(self, message: _Message) -> bool:
        """Whether it stays: nobody has deleted it, or somebody's mail it still is."""
        return not message.deleted or any(
            view.holds and message not in view.unlisted for view in self.views.values()
        )

    def remove(self, gone: Collection[_Message]) -> None:
        self.messages = [message for message in self.messages if message not in gone]
        for view in self.views.values():
            view.unlisted.difference_update(gone)

    def remove_unwanted(self) -> list[_Message]:
        """What nobody wants any more goes; what went."""
        gone = [message for message in self.messages if not self.is_wanted(message)]
        self.remove(set(gone))
        return gone


class MemoryStore:
    """Implements :class:`~pillarbox.contracts.store.Store` and ``StoreAdmin``."""

    def __init__(self, *, default_holds: bool = False) -> None:
        """*default_holds*: whether the view ``default`` holds mail back before it is opened."""
        self._default_holds = default_holds
        self._boxes: dict[str, _Box] = {}
        self._serial = count(1)
        self._closed = False

    async def open(self, identity: Identity, *, minimum_interval: float = 0) -> MemoryMaildrop:
        self._must_be_open()
        user, name = identity
        box = self._boxes[user] = self._found(user, name)
        view = box.views[name]
        if view.holder is not None:
            raise MaildropLocked(f"maildrop of {user} is in use by another session")
        now = time.time()
        if minimum_interval > 0:
            if view.opened_at is not None and 0 <= now - view.opened_at < minimum_interval:
                raise OpenedTooSoon(f"maildrop of {user} was opened a moment ago")
            view.opened_at = now
        view.holds, view.seen_at = True, now
        view.holder = MemoryMaildrop(box, view)
        return view.holder

    async def deliver(
        self, message: StoredForm, recipients: Sequence[Recipient]
    ) -> Sequence[StoreError | None]:
        self._must_be_open()
        return [self._deliver_to(recipient, message) for recipient in recipients]

    def _deliver_to(self, recipient: Recipient, message: StoredForm) -> StoreError | None:
        box = self._boxes.setdefault(recipient.user, self._new_box())
        if 0 < recipient.quota_octets < box.octets + message.octets:
            return OverQuota(f"maildrop of {recipient.user} is full")
        box.messages.append(_Message(f"memory-{next(self._serial)}", message, time.time()))
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

    def _new_box(self) -> _Box:
        return _Box({DEFAULT_VIEW: _View(time.time(), holds=self._default_holds)})

    def _found(self, user: str, view: str = DEFAULT_VIEW) -> _Box:
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
        found = self._found(user, view).views[view]
        held, found.holder = found.holder, None
        return held is not None

    async def add_view(self, user: str, view: str, *, from_now_on: bool = False) -> None:
        box = self._found(user)
        if view in box.views:
            raise ViewExists(f"maildrop of {user} has a view {view!r} already")
        self._boxes[user] = box
        unlisted = set(box.messages if from_now_on else ())
        box.views[view] = _View(time.time(), holds=True, unlisted=unlisted)

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
        if any(view.holder for view in box.views.values()):
            return Expired(busy=1)
        for name in absent:
            box.views[name].holds = False
        box.remove(set(old))
        gone = old + box.remove_unwanted()
        octets = sum(message.form.octets for message in gone)
        return Expired(len(gone), octets, tuple((user, name) for name in absent))

    async def remove(self, user: str) -> None:
        if box := self._boxes.pop(user, None):
            for view in box.views.values():
                view.holder = None

    async def check(self, user: str | None = None, *, repair: bool = False) -> Sequence[Finding]:
        """Nothing to compare: index and bodies are the same objects."""
        del user, repair
        return []


class MemoryMaildrop:
    """Implements :class:`~pillarbox.contracts.store.Maildrop`."""

    def __init__(self, box: _Box, view: _View) -> None:
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
        form = self._message(number).form
        content = form.data if len(form.data) <= LARGE_BODY else _Pieces(form.data)
        return Body(form.octets, len(form.data), form.international, content)

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

    def _message(self, number: int) -> _Message:
        if not 1 <= number <= len(self._messages):
            raise IndexError(f"no message {number} among {len(self._messages)}")
        return self._messages[number - 1]


class _Pieces:
    """A body read piece by piece: a :class:`~pillarbox.contracts.store.BodyStream`."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._closed = False

    def __aiter__(self) -> _Pieces:
        return self

    async def __anext__(self) -> bytes:
        if self._closed:
            raise BodyDamaged("the stream has been closed")
        piece = self._data[self._at : self._at + LARGE_BODY]
        if not piece:
            raise StopAsyncIteration
        self._at += len(piece)
        return piece

    async def aclose(self) -> None:
        self._closed = True


def _infos(messages: Sequence[_Message], first: int) -> list[MessageInfo]:
    return [
        MessageInfo(number, message.form.octets, message.unique_id)
        for number, message in enumerate(messages, first)
    ]


def _status(name: str, view: _View, box: _Box) -> ViewStatus:
    listed = box.listed(view)
    return ViewStatus(
        name,
        len(listed),
        sum(message.form.octets for message in listed),
        locked=view.holder is not None,
        holder="a session of this process" if view.holder else None,
        holds=view.holds,
        created_at=view.created_at,
        seen_at=view.seen_at,
    )


def _waiting(message: _Message, box: _Box) -> Waiting:
    listing = {name: view for name, view in box.views.items() if message not in view.unlisted}
    return Waiting(
        message.unique_id,
        message.form.octets,
        message.received_at,
        tuple(sorted(listing)),
        tuple(sorted(name for name, view in listing.items() if view.holds)),
    )

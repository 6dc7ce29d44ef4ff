"""A store in memory: for tests, and the shortest reading of the store contract.

Theory: a maildrop is a list that only grows at its end and loses what a session removes; a
session keeps its own copy of that list, so that its numbers cannot move. Nothing here ever
suspends, so each method is one indivisible step. Durability is the one promise it cannot
keep; all others are checked by the same suite as every engine's
(:mod:`pillarbox.testing.store_contract`), which is what makes it a *verified* fake.
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
)
from pillarbox.contracts.store import Body, Finding, MaildropStatus, ViewStatus
from pillarbox.model import DEFAULT_VIEW, Identity, MessageInfo, Recipient, StoredForm

LARGE_BODY = 256 * 1024
"""Stored bytes above which a body is given as a stream, in pieces of this size."""


@dataclass(frozen=True, slots=True, eq=False)
class _Message:
    unique_id: str
    form: StoredForm


@dataclass(slots=True, eq=False)
class _Box:
    """One maildrop; ``messages`` is replaced, never changed, when a session removes some."""

    messages: list[_Message] = field(default_factory=list)
    holder: MemoryMaildrop | None = None
    opened_at: float | None = None

    @property
    def octets(self) -> int:
        return sum(message.form.octets for message in self.messages)


class MemoryStore:
    """Implements :class:`~pillarbox.contracts.store.Store` and ``StoreAdmin``."""

    def __init__(self) -> None:
        self._boxes: dict[str, _Box] = {}
        self._serial = count(1)
        self._closed = False

    async def open(self, identity: Identity, *, minimum_interval: float = 0) -> MemoryMaildrop:
        self._must_be_open()
        _only_default(identity.user, identity.view)
        box = self._boxes.setdefault(identity.user, _Box())
        if box.holder is not None:
            raise MaildropLocked(f"maildrop of {identity.user} is in use by another session")
        if minimum_interval > 0:
            now = time.time()
            if box.opened_at is not None and 0 <= now - box.opened_at < minimum_interval:
                raise OpenedTooSoon(f"maildrop of {identity.user} was opened a moment ago")
            box.opened_at = now
        box.holder = MemoryMaildrop(box)
        return box.holder

    async def deliver(
        self, message: StoredForm, recipients: Sequence[Recipient]
    ) -> Sequence[StoreError | None]:
        self._must_be_open()
        return [self._deliver_to(recipient, message) for recipient in recipients]

    def _deliver_to(self, recipient: Recipient, message: StoredForm) -> StoreError | None:
        box = self._boxes.setdefault(recipient.user, _Box())
        if 0 < recipient.quota_octets < box.octets + message.octets:
            return OverQuota(f"maildrop of {recipient.user} is full")
        box.messages.append(_Message(f"memory-{next(self._serial)}", message))
        return None

    async def probe(self) -> None:
        self._must_be_open()

    async def close(self) -> None:
        self._closed = True
        for box in self._boxes.values():
            box.holder = None

    def _must_be_open(self) -> None:
        if self._closed:
            raise StoreUnavailable("the store has been closed", temporary=True)

    # StoreAdmin

    async def users(self) -> Sequence[str]:
        return sorted(self._boxes)

    async def status(self, user: str) -> MaildropStatus:
        box = self._boxes.get(user, _Box())
        total, octets, locked = len(box.messages), box.octets, box.holder is not None
        holder = "a session of this process" if locked else None
        view = ViewStatus(DEFAULT_VIEW, total, octets, locked, holder)
        return MaildropStatus(user, total, octets, (view,))

    async def listing(self, user: str, view: str = DEFAULT_VIEW) -> Sequence[MessageInfo]:
        _only_default(user, view)
        box = self._boxes.get(user)
        return _listed(box.messages, 1) if box else []

    async def unlock(self, user: str, view: str = DEFAULT_VIEW) -> bool:
        _only_default(user, view)
        box = self._boxes.get(user)
        if box is None or box.holder is None:
            return False
        box.holder = None
        return True

    async def remove(self, user: str) -> None:
        if box := self._boxes.pop(user, None):
            box.holder = None

    async def check(self, user: str | None = None, *, repair: bool = False) -> Sequence[Finding]:
        """Nothing to compare: index and bodies are the same objects."""
        del user, repair
        return []


class MemoryMaildrop:
    """Implements :class:`~pillarbox.contracts.store.Maildrop`."""

    def __init__(self, box: _Box) -> None:
        self._box = box
        self._messages = list(box.messages)

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
        return _listed(self._messages[first - 1 : last], first)

    async def body(self, number: int) -> Body:
        form = self._message(number).form
        content = form.data if len(form.data) <= LARGE_BODY else _Pieces(form.data)
        return Body(form.octets, len(form.data), form.international, content)

    async def commit(self, numbers: Collection[int]) -> None:
        doomed = {self._message(number) for number in numbers}
        if not doomed:
            return
        if self._box.holder is not self:
            raise LockLost("the lock of this session has been taken away")
        self._box.messages = [kept for kept in self._box.messages if kept not in doomed]

    async def release(self) -> None:
        if self._box.holder is self:
            self._box.holder = None

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


def _listed(messages: Sequence[_Message], first: int) -> list[MessageInfo]:
    return [
        MessageInfo(number, message.form.octets, message.unique_id)
        for number, message in enumerate(messages, first)
    ]


def _only_default(user: str, view: str) -> None:
    if view != DEFAULT_VIEW:
        raise NoSuchView(f"maildrop of {user} has no view {view!r}")

"""A maildrop in memory."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass, field

from pillarbox.contracts.store import Body
from pillarbox.model import StoredForm
from pillarbox.store.moving import Arrival
from pillarbox.store.pieces import LARGE_BODY, Whole


@dataclass(slots=True, eq=False)
class Message:
    unique_id: str
    form: StoredForm
    received_at: float
    deleted: bool = False
    """Whether any view has deleted it, be it one that is gone."""
    seq: int = 0
    """By which it came; no other of its maildrop has it."""


@dataclass(slots=True, eq=False)
class View:
    created_at: float
    holds: bool
    unlisted: set[Message] = field(default_factory=set)
    holder: object | None = None
    """Who has it open."""
    opened_at: float | None = None
    """When it was last opened with a minimum interval."""
    seen_at: float | None = None

    def is_overdue(self, before: float) -> bool:
        return self.holds and (self.seen_at or self.created_at) < before


@dataclass(slots=True, eq=False)
class Box:
    """One maildrop; ``messages`` is replaced, never changed, when some are removed."""

    views: dict[str, View]
    messages: list[Message] = field(default_factory=list)
    next_seq: int = 1
    arrival: Arrival | None = None
    """What moving it here has left."""
    left: list[object] = field(default_factory=list)
    """How its views were when it was last moved here."""
    origin: str = field(default_factory=lambda: f"memory-{secrets.token_hex(8)}")

    @property
    def closed(self) -> bool:
        """Whether it is on its way here, and not there yet."""
        return self.arrival is not None and not self.arrival.complete

    @property
    def octets(self) -> int:
        return sum(message.form.octets for message in self.messages)

    def listed(self, view: View) -> list[Message]:
        return [message for message in self.messages if message not in view.unlisted]

    def is_wanted(self, message: Message) -> bool:
        """Whether it stays: nobody has deleted it, or somebody's mail it still is."""
        return not message.deleted or any(
            view.holds and message not in view.unlisted for view in self.views.values()
        )

    def add(self, message: Message) -> None:
        message.seq = self.next_seq
        self.next_seq += 1
        self.messages.append(message)

    def remove(self, gone: Collection[Message]) -> None:
        self.messages = [message for message in self.messages if message not in gone]
        for view in self.views.values():
            view.unlisted.difference_update(gone)

    def remove_forgotten(self) -> None:
        """What is deleted and on no list goes."""
        listed = {one for view in self.views.values() for one in self.listed(view)}
        self.remove({one for one in self.messages if one.deleted and one not in listed})

    def remove_unwanted(self) -> list[Message]:
        """What nobody wants any more goes; what went."""
        gone = [message for message in self.messages if not self.is_wanted(message)]
        self.remove(set(gone))
        return gone


def body_of(form: StoredForm) -> Body:
    """A body as :meth:`.Maildrop.body` gives it."""
    content = form.data if len(form.data) <= LARGE_BODY else Whole(form.data)
    return Body(form.octets, len(form.data), form.international, content)

"""Moving maildrops out of a store in memory, and into it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pillarbox.contracts.errors import LockLost, MaildropLocked
from pillarbox.contracts.store import Body
from pillarbox.contracts.transfer import MovedMessage, MovedView, mark_of
from pillarbox.model import DEFAULT_VIEW, StoredForm
from pillarbox.store.memory_box import Box, Message, View, body_of
from pillarbox.store.moving import Arrival, Coming, Completion


class MemoryExport:
    """Implements :class:`~pillarbox.contracts.transfer.Export`."""

    def __init__(self, user: str, box: Box) -> None:
        self.user = user
        self.locked = False
        self.origin = box.origin
        self.next_seq = box.next_seq
        self.views = views_of(box)
        self.messages = messages_of(box)
        self.seqs = [message.seq for message in box.messages]
        self.lost = ()
        self._views = list(box.views.values())
        self._forms = [message.form for message in box.messages]

    async def body(self, place: int) -> Body:
        return body_of(self._forms[place])

    async def must_be_locked(self) -> None:
        if self.locked and not all(view.holder is self for view in self._views):
            raise LockLost(
                f"maildrop of {self.user}: it was unlocked while it was moved from there"
            )

    async def release(self) -> None:
        unlock_all(self._views, self)


class MemoryLanding:
    """Implements :class:`~pillarbox.store.moving.Landing`."""

    def __init__(self, user: str, box: Box, boxes: dict[str, Box], *, default_holds: bool) -> None:
        self._user = user
        self._box = box
        self._boxes = boxes
        self._default_holds = default_holds
        self._views = list(box.views.values())
        self.views = views_of(box) if user in boxes else []
        self.messages = messages_of(box)
        self.arrival = box.arrival
        if box.arrival is not None:
            self.used = box.left != _standing(box)
        else:
            self.used = len(box.views) > 1 or any(
                view.seen_at is not None for view in box.views.values()
            )

    async def begin(self, origin: str, *, mirrors: bool) -> None:
        box = self._boxes.setdefault(self._user, self._box)
        if box.arrival is None:
            box.arrival = Arrival(origin, 0, complete=False, marks=frozenset())
            box.left = _standing(box)
        if not mirrors:
            box.left = []  # it never stands so
        box.arrival = replace(box.arrival, complete=False)

    async def put(self, batch: Sequence[Coming]) -> None:
        arrival = self._still_mine()
        for message, data in batch:
            form = StoredForm(data, message.octets, message.international)
            new = Message(message.unique_id, form, message.received_at, message.deleted)
            self._box.add(new)
            for name in message.unlisted_by & self._box.views.keys() if message.deleted else ():
                self._box.views[name].unlisted.add(new)
        marks = {mark_of(message.unique_id) for message, _ in batch}
        self._box.arrival = replace(arrival, marks=arrival.marks | marks)

    async def complete(self, completion: Completion) -> None:
        arrival = self._still_mine()
        box = self._box
        here = {message.unique_id: message for message in box.messages}
        box.remove({here[name] for name in completion.gone})
        if not completion.mirrors:
            box.remove_forgotten()
            box.arrival = replace(arrival, complete=True)
            return
        found = [(moved, here.get(moved.unique_id)) for moved in completion.messages]
        coming = [(moved, message) for moved, message in found if message is not None]
        for moved, message in coming:
            message.deleted = moved.deleted
        brought = [message for _, message in coming]
        box.messages = brought + [each for each in box.messages if each not in set(brought)]
        box.views = {view.name: self._view(view) for view in completion.views}
        for moved, message in coming:
            for name in moved.unlisted_by:
                box.views[name].unlisted.add(message)
        box.arrival = Arrival(
            completion.origin, completion.next_seq, complete=True, marks=arrival.marks
        )
        box.left = _standing(box)

    def release(self) -> None:
        unlock_all([*self._views, *self._box.views.values()], self)

    def _view(self, moved: MovedView) -> View:
        view = self._box.views.get(moved.name) or View(0, holds=True)
        view.created_at = moved.created_at or 0
        view.seen_at, view.opened_at = moved.seen_at, moved.opened_at
        view.holds = not moved.absent
        if moved.name == DEFAULT_VIEW:
            view.holds = self._default_holds or (moved.seen_at is not None and not moved.absent)
        view.unlisted = set()
        return view

    def _still_mine(self) -> Arrival:
        arrival = self._box.arrival
        views = list(self._box.views.values())
        mine = views == self._views and all(view.holder is self for view in views)
        if arrival is None or arrival.complete or not mine:
            raise LockLost(f"maildrop of {self._user} has been unlocked while it was moved here")
        return arrival


def views_of(box: Box) -> list[MovedView]:
    return [
        MovedView(name, view.created_at, view.seen_at, view.opened_at, _is_absent(name, view))
        for name, view in box.views.items()
    ]


def messages_of(box: Box) -> list[MovedMessage]:
    return [
        MovedMessage(
            message.unique_id,
            message.form.octets,
            len(message.form.data),
            message.form.international,
            message.received_at,
            message.deleted,
            frozenset(name for name, view in box.views.items() if message in view.unlisted),
        )
        for message in box.messages
    ]


def lock_all(user: str, box: Box, holder: object, *, also_closed: bool = False) -> None:
    """Lock all views of a maildrop.

    Raises:
        MaildropLocked: somebody has one of them open.
    """
    if box.closed and not also_closed:
        raise MaildropLocked(f"maildrop of {user} is being moved here")
    if any(view.holder is not None for view in box.views.values()):
        raise MaildropLocked(f"maildrop of {user} is in use")
    for view in box.views.values():
        view.holder = holder


def unlock_all(views: Sequence[View], holder: object) -> None:
    for view in views:
        if view.holder is holder:
            view.holder = None


def _is_absent(name: str, view: View) -> bool:
    return not view.holds and (name != DEFAULT_VIEW or view.seen_at is not None)


def _standing(box: Box) -> list[object]:
    """What changes when somebody uses the maildrop."""
    return [(view, view.seen_at, view.opened_at) for view in box.views.values()]

"""A state machine that compares an engine with a model, in orders that nobody thought of."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    precondition,
    rule,
)

from pillarbox.contracts.errors import LockLost, MaildropLocked, NoSuchView, ViewExists
from pillarbox.contracts.store import Expired, Maildrop, Retention
from pillarbox.model import DEFAULT_VIEW, Identity, MessageInfo, Recipient
from pillarbox.testing.store_contract.material import (
    ALICE,
    BOB,
    MOMENT,
    MakeStore,
    columns,
    columns_of,
    content,
    is_unique_id,
    later,
    letter,
    listed,
)


@dataclass(eq=False)
class _Session:
    identity: Identity
    maildrop: Maildrop
    mail: list[int]
    gone: set[int] = field(default_factory=set)


@dataclass(eq=False)
class _View:
    holds: bool
    unlisted: set[int] = field(default_factory=set)


@dataclass(eq=False)
class _Box:
    """The model of a maildrop: letters by their numbers, and the theory of views."""

    mail: list[int] = field(default_factory=list)
    deleted: set[int] = field(default_factory=set)
    views: dict[str, _View] = field(default_factory=lambda: {DEFAULT_VIEW: _View(holds=False)})

    def listed(self, view: str) -> list[int]:
        return [n for n in self.mail if n not in self.views[view].unlisted]

    def listed_by(self, n: int) -> list[str]:
        return sorted(name for name, view in self.views.items() if n not in view.unlisted)

    def held_by(self, n: int) -> list[str]:
        return [name for name in self.listed_by(n) if self.views[name].holds]

    def settle(self) -> None:
        self.mail = [n for n in self.mail if n not in self.deleted or self.held_by(n)]


class StoreMachine(RuleBasedStateMachine):
    """Deliveries, views that come and go, sessions of them side by side, commits, unlocks,
    retention and removals in any order.

    The model: ``boxes`` has the mail of each user and what its views think of it, ``holder``
    the session that has the lock of a view, ``letters`` the body of each letter.
    """

    sessions: Bundle[_Session] = Bundle("sessions")
    users = st.sampled_from([ALICE, BOB])
    views = st.sampled_from([DEFAULT_VIEW, "phone", "laptop"])

    def __init__(self, make_store: MakeStore) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.store = make_store()
        self.boxes: dict[str, _Box] = {ALICE: _Box(), BOB: _Box()}
        self.holder: dict[Identity, _Session] = {}
        self.named: dict[str, bytes] = {}
        self.keyed: dict[Hashable, list[MessageInfo]] = {}
        self.letters: list[bytes] = []

    def teardown(self) -> None:
        self.run(self.store.close())
        self.runner.close()

    def run(self, coroutine: Any) -> Any:
        return self.runner.run(coroutine)

    @rule(to=st.lists(users, max_size=3, unique=True), size=st.sampled_from([0, 300, 90_000]))
    def deliver(self, to: list[str], size: int) -> None:
        message = letter(str(len(self.letters)), size)
        outcomes = self.run(self.store.deliver(message, [Recipient(user) for user in to]))
        assert list(outcomes) == [None] * len(to)
        for user in to:
            self.boxes[user].mail.append(len(self.letters))
        self.letters.append(message.data)

    @rule(user=users, view=views, from_now_on=st.booleans())
    def add_view(self, user: str, view: str, from_now_on: bool) -> None:  # noqa: FBT001 - hypothesis
        box = self.boxes[user]
        adding = self.store.add_view(user, view, from_now_on=from_now_on)
        if view in box.views:
            with pytest.raises(ViewExists):
                self.run(adding)
            return
        self.run(adding)
        box.views[view] = _View(holds=True, unlisted=set(box.mail if from_now_on else ()))

    @rule(user=users, view=views)
    def remove_view(self, user: str, view: str) -> None:
        box = self.boxes[user]
        removing = self.store.remove_view(user, view)
        if view not in box.views:
            with pytest.raises(NoSuchView):
                self.run(removing)
            return
        self.run(removing)
        self.holder.pop(Identity(user, view), None)
        del box.views[view]
        if view == DEFAULT_VIEW:
            box.views[view] = _View(holds=False)
        box.settle()

    @rule(target=sessions, user=users, view=views)
    def open(self, user: str, view: str) -> Any:
        identity, box = Identity(user, view), self.boxes[user]
        if identity in self.holder or view not in box.views:
            with pytest.raises(MaildropLocked if view in box.views else NoSuchView):
                self.run(self.store.open(identity))
            return multiple()
        maildrop = self.run(self.store.open(identity))
        box.views[view].holds = True
        self.holder[identity] = _Session(identity, maildrop, box.listed(view))
        return self.holder[identity]

    @rule(session=sessions)
    def read(self, session: _Session) -> None:
        if self.holder.get(session.identity) is not session:
            return  # it may read what it can
        maildrop, bodies = session.maildrop, [self.letters[n] for n in session.mail]
        infos = []
        if not session.gone:
            infos = list(self.run(listed(maildrop)))
            assert self.run(columns(maildrop)) == columns_of(infos)
            assert self.keyed.setdefault(maildrop.listing_key, infos) == infos
        for info in infos:
            body = bodies[info.number - 1]
            assert info.octets == len(body)
            assert is_unique_id(info.unique_id)
            assert self.named.setdefault(info.unique_id, body) == body
        for number, expected in enumerate(bodies, 1):
            if number not in session.gone:
                assert self.run(_read(maildrop, number)) == expected
        left = set(range(1, len(bodies) + 1)) - session.gone
        for numbers in (left, {number for number in left if number % 2}):
            octets = sum(len(bodies[number - 1]) for number in numbers)
            assert self.run(maildrop.octets_of(numbers)) == octets
        assert maildrop.count == len(bodies)
        assert maildrop.octets == sum(map(len, bodies))

    @rule(session=sessions, data=st.data())
    def commit(self, session: _Session, data: st.DataObject) -> None:
        left = sorted(set(range(1, len(session.mail) + 1)) - session.gone)
        chosen = data.draw(st.sets(st.sampled_from(left))) if left else set()
        if chosen and self.holder.get(session.identity) is not session:
            with pytest.raises(LockLost):
                self.run(session.maildrop.commit(chosen))
            return
        self.run(session.maildrop.commit(chosen))
        session.gone |= chosen
        user, view = session.identity
        deleted = {session.mail[number - 1] for number in chosen}
        if deleted:
            self.boxes[user].views[view].unlisted |= deleted
            self.boxes[user].deleted |= deleted
            self.boxes[user].settle()

    @rule(session=consumes(sessions))
    def release(self, session: _Session) -> None:
        self.run(session.maildrop.release())
        if self.holder.get(session.identity) is session:
            del self.holder[session.identity]

    @rule(user=users, view=views)
    def unlock(self, user: str, view: str) -> None:
        if view not in self.boxes[user].views:
            return
        held = self.holder.pop(Identity(user, view), None)
        assert self.run(self.store.unlock(user, view)) is (held is not None)

    @rule(user=users)
    def remove(self, user: str) -> None:
        self.run(self.store.remove(user))
        for identity in [identity for identity in self.holder if identity.user == user]:
            del self.holder[identity]
        self.boxes[user] = _Box()

    @rule(old=st.booleans(), absent=st.booleans())
    def expire(self, old: bool, absent: bool) -> None:  # noqa: FBT001 - hypothesis
        self.run(later(self.store))
        retention = Retention(MOMENT if old else 0, MOMENT if absent else 0)
        expected = [self._expire(user, retention) for user in sorted(self.boxes)]
        found = self.run(self.store.expire(retention))
        assert found.messages == sum(each.messages for each in expected)
        assert found.octets == sum(each.octets for each in expected)
        assert sorted(found.absent) == [view for each in expected for view in each.absent]
        assert found.busy == sum(each.busy for each in expected)

    def _expire(self, user: str, retention: Retention) -> Expired:
        """By the model: with limits of a moment, all that is there is old."""
        box = self.boxes[user]
        holding = sorted(name for name, view in box.views.items() if view.holds)
        absent = holding if retention.absent_seconds else []
        if any(identity.user == user for identity in self.holder):
            return Expired(busy=int(bool(absent or (retention.expire_seconds and box.mail))))
        before = box.mail
        for name in absent:
            box.views[name].holds = False
        if retention.expire_seconds:
            box.mail = []
        box.settle()
        gone = [n for n in before if n not in box.mail]
        octets = sum(len(self.letters[n]) for n in gone)
        return Expired(len(gone), octets, tuple((user, name) for name in absent))

    @precondition(lambda self: len(self.letters) % 4 == 3)
    @rule()
    def check(self) -> None:
        assert self.run(self.store.check()) == []

    @rule(user=users)
    def waiting(self, user: str) -> None:
        box = self.boxes[user]
        found = self.run(self.store.waiting(user))
        assert [each.octets for each in found] == [len(self.letters[n]) for n in box.mail]
        for each, n in zip(found, box.mail, strict=True):
            assert (list(each.listed_by), list(each.held_by)) == (box.listed_by(n), box.held_by(n))

    @invariant()
    def listings_agree(self) -> None:
        for user, box in self.boxes.items():
            status = self.run(self.store.status(user))
            sizes = [len(self.letters[n]) for n in box.mail]
            assert (status.count, status.octets) == (len(sizes), sum(sizes))
            assert [view.name for view in status.views] == sorted(box.views)  # default is first
            for view in status.views:
                listing = [info.octets for info in self.run(self.store.listing(user, view.name))]
                assert listing == [len(self.letters[n]) for n in box.listed(view.name)]
                assert (view.count, view.octets) == (len(listing), sum(listing))
                assert view.locked is (Identity(user, view.name) in self.holder)
                assert view.holds is box.views[view.name].holds


async def _read(maildrop: Maildrop, number: int) -> bytes:
    return await content(await maildrop.body(number))

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

from pillarbox.contracts.errors import LockLost, MaildropLocked
from pillarbox.contracts.store import Maildrop
from pillarbox.model import Identity, MessageInfo, Recipient
from pillarbox.testing.store_contract.material import (
    ALICE,
    BOB,
    CAROL,
    MakeStore,
    content,
    is_unique_id,
    letter,
    listed,
)


@dataclass(eq=False)
class _Session:
    user: str
    maildrop: Maildrop
    bodies: list[bytes]
    gone: set[int] = field(default_factory=set)


class StoreMachine(RuleBasedStateMachine):
    """Deliveries, opens, commits, releases, unlocks and removals in any order.

    The model: ``mail`` holds the bodies of each user in order, ``holder`` the session that
    has the lock.
    """

    sessions: Bundle[_Session] = Bundle("sessions")
    users = st.sampled_from([ALICE, BOB, CAROL])

    def __init__(self, make_store: MakeStore) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.store = make_store()
        self.mail: dict[str, list[bytes]] = {user: [] for user in (ALICE, BOB, CAROL)}
        self.holder: dict[str, _Session] = {}
        self.named: dict[str, bytes] = {}
        self.keyed: dict[Hashable, list[MessageInfo]] = {}
        self.letters = 0

    def teardown(self) -> None:
        self.run(self.store.close())
        self.runner.close()

    def run(self, coroutine: Any) -> Any:
        return self.runner.run(coroutine)

    @rule(to=st.lists(users, max_size=4, unique=True), size=st.sampled_from([0, 300, 90_000]))
    def deliver(self, to: list[str], size: int) -> None:
        self.letters += 1
        message = letter(str(self.letters), size)
        outcomes = self.run(self.store.deliver(message, [Recipient(user) for user in to]))
        assert list(outcomes) == [None] * len(to)
        for user in to:
            self.mail[user].append(message.data)

    @rule(target=sessions, user=users)
    def open(self, user: str) -> Any:
        if user in self.holder:
            with pytest.raises(MaildropLocked):
                self.run(self.store.open(Identity(user)))
            return multiple()
        maildrop = self.run(self.store.open(Identity(user)))
        self.holder[user] = _Session(user, maildrop, list(self.mail[user]))
        return self.holder[user]

    @rule(session=sessions)
    def read(self, session: _Session) -> None:
        if self.holder.get(session.user) is not session:
            return  # it may read what it can
        maildrop = session.maildrop
        infos = []
        if not session.gone:
            infos = list(self.run(listed(maildrop)))
            assert self.keyed.setdefault(maildrop.listing_key, infos) == infos
        for info in infos:
            body = session.bodies[info.number - 1]
            assert info.octets == len(body)
            assert is_unique_id(info.unique_id)
            assert self.named.setdefault(info.unique_id, body) == body
        for number, expected in enumerate(session.bodies, 1):
            if number not in session.gone:
                assert self.run(_read(maildrop, number)) == expected
        assert maildrop.count == len(session.bodies)
        assert maildrop.octets == sum(map(len, session.bodies))

    @rule(session=sessions, data=st.data())
    def commit(self, session: _Session, data: st.DataObject) -> None:
        left = sorted(set(range(1, len(session.bodies) + 1)) - session.gone)
        chosen = data.draw(st.sets(st.sampled_from(left))) if left else set()
        if chosen and self.holder.get(session.user) is not session:
            with pytest.raises(LockLost):
                self.run(session.maildrop.commit(chosen))
            return
        self.run(session.maildrop.commit(chosen))
        session.gone |= chosen
        for number in chosen:
            self.mail[session.user].remove(session.bodies[number - 1])

    @rule(session=consumes(sessions))
    def release(self, session: _Session) -> None:
        self.run(session.maildrop.release())
        if self.holder.get(session.user) is session:
            del self.holder[session.user]

    @rule(user=users)
    def unlock(self, user: str) -> None:
        held = self.holder.pop(user, None)
        assert self.run(self.store.unlock(user)) is (held is not None)

    @rule(user=users)
    def remove(self, user: str) -> None:
        self.run(self.store.remove(user))
        self.holder.pop(user, None)
        self.mail[user] = []

    @precondition(lambda self: self.letters % 4 == 3)
    @rule()
    def check(self) -> None:
        assert self.run(self.store.check()) == []

    @invariant()
    def listings_agree(self) -> None:
        for user, bodies in self.mail.items():
            infos = self.run(self.store.listing(user))
            assert [info.octets for info in infos] == [len(body) for body in bodies]
            status = self.run(self.store.status(user))
            assert (status.count, status.octets) == (len(bodies), sum(map(len, bodies)))
            assert status.views[0].locked is (user in self.holder)


async def _read(maildrop: Maildrop, number: int) -> bytes:
    return await content(await maildrop.body(number))

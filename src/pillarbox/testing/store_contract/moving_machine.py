"""A maildrop in use, moved at any moment."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from pillarbox.contracts.errors import (
    MaildropLocked,
    StoreUnavailable,
)
from pillarbox.model import DEFAULT_VIEW
from pillarbox.testing.store_contract.material import (
    ALICE,
    delete,
    letter,
    put,
)
from pillarbox.testing.store_contract.moving_material import (
    MakeMovingStore,
    move,
    move_failing,
    settled,
    standing,
)


class MovingMachine(RuleBasedStateMachine):
    """A maildrop in use, which is moved now and then, and broken off in between: then it is there
    what it is here. Once it is used there, too, mail comes, to no view what that had deleted, and none goes.
    """

    views = st.sampled_from([DEFAULT_VIEW, "phone", "laptop"])

    def __init__(self, make_source: MakeMovingStore, make_target: MakeMovingStore) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.source = make_source()
        self.target = make_target()
        self.count = 0
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr("pillarbox.store.moving.reading.BATCH_MESSAGES", 2)
        self.moved = self.used = False
        self.known: set[str] = set()
        """What has come, or need not come any more."""

    def teardown(self) -> None:
        self.run(self.source.close())
        self.run(self.target.close())
        self.runner.close()
        self.patch.undo()

    def run(self, coroutine: Any) -> Any:
        return self.runner.run(coroutine)

    @initialize(moved=st.booleans())
    def begin(self, moved: bool) -> None:  # noqa: FBT001 - hypothesis
        if moved:
            for view in ("phone", "laptop"):
                self.add_view(view, from_now_on=False)
            self.move()

    @rule(number=st.integers(1, 4), size=st.sampled_from([0, 300, 90_000]))
    def deliver(self, number: int, size: int) -> None:
        for _ in range(number):
            self.count += 1
            self.run(put(self.source, ALICE, letter(str(self.count), size)))

    @rule(view=views, from_now_on=st.booleans())
    def add_view(self, view: str, from_now_on: bool) -> None:  # noqa: FBT001 - hypothesis
        if view not in self._names():
            self.run(self.source.add_view(ALICE, view, from_now_on=from_now_on))

    @rule(view=views)
    def remove_view(self, view: str) -> None:
        if view in self._names():
            self.run(self.source.remove_view(ALICE, view))

    @rule(view=views, data=st.data())
    def delete(self, view: str, data: st.DataObject) -> None:
        if view not in self._names():
            return
        listing = self.run(self.source.listing(ALICE, view))
        numbers = data.draw(st.sets(st.integers(1, max(1, len(listing))), max_size=8))
        self.run(delete(self.source, ALICE, numbers if listing else (), view=view))

    @rule(data=st.data())
    def break_off(self, data: st.DataObject) -> None:
        mail = self.run(standing(self.source)).mail
        if mail:
            new = [n for n, (one, _) in enumerate(mail) if one.unique_id not in self.known]
            place = data.draw(st.sampled_from(new or range(len(mail))))
            fault = {place: StoreUnavailable("away", temporary=True)}
            self.run(self._tried(fault))
            self._look()

    @rule(view=views, data=st.data())
    def use_target(self, view: str, data: st.DataObject) -> None:
        names = [each.name for each in self.run(self.target.status(ALICE)).views]
        if not self.moved or view not in names:
            return
        listing = self.run(self.target.listing(ALICE, view))
        numbers = data.draw(st.sets(st.integers(1, max(1, len(listing))), max_size=8))
        try:
            self.run(delete(self.target, ALICE, numbers if listing else (), view=view))
        except MaildropLocked:
            return  # broken off
        self.run(settled(self.target))
        self.used = True

    @rule()
    def move(self) -> None:
        if self.run(self.source.export(ALICE, lock=False)) is None:
            return
        before = self.run(standing(self.target))
        moved = self.run(move(self.source, self.target))
        self.moved = True
        if not self.used:
            assert self.run(standing(self.target)) == self.run(standing(self.source))
        else:
            assert moved.used
            assert (moved.removed, moved.views) == (0, 0)
        here = self._look()
        listed = (one for one, _ in before.mail if not one.unlisted_by.issuperset(before.views))
        assert not self.used or {one.unique_id for one in listed} <= here
        assert self.run(self.target.check()) == []

    def _look(self) -> set[str]:
        """What is there now; what has just come nobody lists who had deleted it."""
        there = {one.unique_id: one for one, _ in self.run(standing(self.source)).mail}
        now = self.run(standing(self.target))
        for message, _ in now.mail if self.used else ():
            if message.unique_id not in self.known:
                known = there[message.unique_id]
                off = known.unlisted_by.intersection(now.views) if known.deleted else frozenset()
                assert (message.deleted, message.unlisted_by) == (known.deleted, off)
        here = {message.unique_id for message, _ in now.mail}
        self.known |= here
        return here

    async def _tried(self, faults: Mapping[int, Exception]) -> None:
        try:
            await move_failing(self.source, self.target, faults)
        except StoreUnavailable:
            return  # else there was nothing to be read

    def _names(self) -> list[str]:
        return [view.name for view in self.run(self.source.status(ALICE)).views]

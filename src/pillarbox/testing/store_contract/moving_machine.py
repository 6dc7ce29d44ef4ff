"""A maildrop in use, moved at any moment."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from pillarbox.contracts.errors import (
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
    standing,
)


class MovingMachine(RuleBasedStateMachine):
    """A maildrop in use, which is moved now and then, and broken off in between: then it is there
    what it is here.
    """

    views = st.sampled_from([DEFAULT_VIEW, "phone", "laptop"])

    def __init__(self, make_source: MakeMovingStore, make_target: MakeMovingStore) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.source = make_source()
        self.target = make_target()
        self.count = 0

    def teardown(self) -> None:
        self.run(self.source.close())
        self.run(self.target.close())
        self.runner.close()

    def run(self, coroutine: Any) -> Any:
        return self.runner.run(coroutine)

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
            place = data.draw(st.integers(0, len(mail) - 1))
            fault = {place: StoreUnavailable("away", temporary=True)}
            self.run(self._tried(fault))

    @rule()
    def move(self) -> None:
        if self.run(self.source.export(ALICE, lock=False)) is None:
            return
        self.run(move(self.source, self.target))
        assert self.run(standing(self.target)) == self.run(standing(self.source))
        assert self.run(self.target.check()) == []

    async def _tried(self, faults: Mapping[int, Exception]) -> None:
        try:
            await move_failing(self.source, self.target, faults)
        except StoreUnavailable:
            return  # else there was nothing to be read

    def _names(self) -> list[str]:
        return [view.name for view in self.run(self.source.status(ALICE)).views]

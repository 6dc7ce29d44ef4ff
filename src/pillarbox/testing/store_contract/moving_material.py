"""Ways to move a maildrop between two stores, and to say what is the same afterwards."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

from pillarbox.contracts.store import Body
from pillarbox.contracts.transfer import (
    Export,
    MovedMessage,
    MovedView,
    StoreTransfer,
    TakenOver,
)
from pillarbox.model import Identity, StoredForm
from pillarbox.testing.store_contract.material import (
    ALICE,
    LARGE,
    Engine,
    content,
    delete,
    letter,
    put,
)


class MovingEngine(Engine, StoreTransfer, Protocol):
    """What is tested: a store that maildrops can be moved out of and into."""


MakeMovingStore = Callable[[], MovingEngine]
LETTERS = [letter(str(n), 100 + n) for n in range(6)]
DATA = [message.data for message in LETTERS]


class Moment(float):
    """A time that an engine may have rounded: the same as any within some microseconds."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, float) and abs(float(self) - float(other)) < 1e-5

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = float.__hash__


class Standing(NamedTuple):
    """A maildrop, as far as users can tell."""

    mail: list[tuple[MovedMessage, bytes]]
    views: dict[str, tuple[bool, int, int, bool]]


async def standing(store: MovingEngine, user: str = ALICE) -> Standing:
    """Without any use of it."""
    export = await store.export(user, lock=False)
    if export is None:
        return Standing([], {})
    mail = [
        (message._replace(received_at=Moment(message.received_at)), await _data(export, place))
        for place, message in enumerate(export.messages)
    ]
    status = await store.status(user)
    views = {
        view.name: (view.holds, view.count, view.octets, view.seen_at is not None)
        for view in status.views
    }
    for view in status.views:
        listing = await store.listing(user, view.name)
        assert [info.unique_id for info in listing] == [
            message.unique_id for message, _ in mail if view.name not in message.unlisted_by
        ]
    return Standing(mail, views)


async def _data(export: Export, place: int) -> bytes:
    return await content(await export.body(place))


async def settled(store: MovingEngine) -> None:
    """What an engine notes behind a session's back (that its view has been seen) is there when this
    returns: a mark that is written comes behind it.
    """
    await store.probe()


async def move(
    source: MovingEngine, target: MovingEngine, user: str = ALICE, *, only_look: bool = False
) -> TakenOver:
    """Move one maildrop, which is there."""
    await settled(source)
    export = await source.export(user)
    assert export is not None
    try:
        return await target.take_over(export, only_look=only_look)
    finally:
        await export.release()


class Failing:
    """An :class:`Export` that cannot read everything."""

    def __init__(self, export: Export, faults: Mapping[int, Exception]) -> None:
        self._export = export
        self._faults = faults
        self.user: str = export.user
        self.origin: str = export.origin
        self.next_seq: int = export.next_seq
        self.views: Sequence[MovedView] = export.views
        self.messages: Sequence[MovedMessage] = export.messages
        self.seqs: Sequence[int] = export.seqs
        self.lost: Collection[str] = export.lost

    async def body(self, place: int) -> Body:
        if place in self._faults:
            raise self._faults[place]
        return await self._export.body(place)

    async def must_be_locked(self) -> None:
        await self._export.must_be_locked()

    async def release(self) -> None:
        await self._export.release()


async def move_failing(
    source: MovingEngine, target: MovingEngine, faults: Mapping[int, Exception]
) -> TakenOver:
    await settled(source)
    export = await source.export(ALICE)
    assert export is not None
    try:
        return await target.take_over(Failing(export, faults))
    finally:
        await export.release()


class Lacking(Failing):
    """An :class:`Export` after repair has taken messages off its lists."""

    def __init__(self, export: Export, places: Collection[int]) -> None:
        super().__init__(export, {})
        self._left = [n for n in range(len(export.messages)) if n not in places]
        self.messages = [export.messages[n] for n in self._left]
        self.seqs = [export.seqs[n] for n in self._left]
        self.lost = [export.messages[n].unique_id for n in places]

    async def body(self, place: int) -> Body:
        return await super().body(self._left[place])


async def move_lacking(
    source: MovingEngine, target: MovingEngine, places: Collection[int]
) -> TakenOver:
    await settled(source)
    export = await source.export(ALICE)
    assert export is not None
    try:
        return await target.take_over(Lacking(export, places))
    finally:
        await export.release()


async def furnish(store: MovingEngine) -> None:
    """Give Alice a maildrop in which everything is: devices, some of them gone, mail half read."""
    await put(store, ALICE, *LETTERS[:3], letter("large", LARGE), StoredForm(b"", 0))
    for view in ("phone", "laptop", "tablet"):
        await store.add_view(ALICE, view)
    await (await store.open(Identity(ALICE))).release()
    await delete(store, ALICE, [1, 3], view="phone")
    await delete(store, ALICE, [2], view="tablet")
    await store.remove_view(ALICE, "tablet")
    await store.add_view(ALICE, "watch", from_now_on=True)
    utf8 = b"Subject: gr\xc3\xbc\xc3\x9fe\r\n\r\n..dot\r\n"
    await put(store, ALICE, StoredForm(utf8, len(utf8) - 1, international=True))
    await delete(store, ALICE, [4], view="laptop")

"""How a maildrop comes from one store into another: the same for all engines.

:mod:`pillarbox.contracts.transfer` tells what is promised. An engine gives a :class:`Landing`: what is
here, and the steps by which that changes, each of them a transaction of its own::

    begin      closes the maildrop
    put        a few messages, and the marks of having been brought
    complete   what views there are, what each of them lists, what goes; and opens it again

A message, its mark and what views had deleted of it come in one transaction: so whatever breaks this off, the
next time finds out what has been brought, and to no view comes what it had deleted. Small messages go together; a large one goes alone, so that no more than about
:data:`BATCH_BYTES`, or one message, is in memory at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

from pillarbox.contracts.errors import BodyDamaged, MaildropExists, StoreUnavailable
from pillarbox.contracts.store import SEEN_PRECISION, Body
from pillarbox.contracts.transfer import (
    MARK_OCTETS,
    Export,
    MovedMessage,
    MovedView,
    TakenOver,
    mark_of,
)
from pillarbox.model import DEFAULT_VIEW

BATCH_MESSAGES = 256
BATCH_BYTES = 4 * 1024 * 1024
AT_ONCE = 16
"""Bodies that are read at once: a source may be a round trip away."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """What an earlier move has left in a maildrop."""

    origin: str
    next_seq: int
    """Of the last time that was completed, all below it has been brought; 0: it never was."""
    complete: bool
    marks: frozenset[bytes]
    """Of all messages that were ever brought."""


class Coming(NamedTuple):
    """One message on its way."""

    message: MovedMessage
    """If it is deleted, the views that are here and do not list it are not to list it here, either."""
    data: bytes
    """Its stored form."""


@dataclass(frozen=True, slots=True)
class Completion:
    """How a maildrop is to be left."""

    origin: str
    next_seq: int
    """Below it everything has been brought."""
    views: Sequence[MovedView]
    """All that there are to be from now on, whatever has been here; none: leave them as they are."""
    messages: Sequence[MovedMessage]
    """All that is there, in order, with the views that do not list it; none where views are left as they
    are: what these do not list was said when it was put."""
    gone: Sequence[str]
    """Unique-ids of messages that are to be removed."""

    @property
    def mirrors(self) -> bool:
        """Whether the maildrop becomes what it is there."""
        return bool(self.views)


class Landing(Protocol):
    """A maildrop that another one is moved into, locked unless it is only looked at."""

    @property
    def views(self) -> Sequence[MovedView]:
        """As they are here; none: there is no maildrop yet."""

    @property
    def messages(self) -> Sequence[MovedMessage]:
        """Those that are here, in order."""

    @property
    def arrival(self) -> Arrival | None:
        """What an earlier move has left; None: there was none."""

    @property
    def used(self) -> bool:
        """Whether a view has been opened, added or removed here since the last move; without one:
        ever. And whether a move began that did not mirror.
        """

    async def begin(self, origin: str, *, mirrors: bool) -> None:
        """Close the maildrop for all but this move; made if there is none.

        Args:
            origin: of what comes.
            mirrors: whether this move mirrors. If not, the maildrop counts as ``used`` from now on, also if this
                move is broken off: what it brings, no other must take for deleted.
        """

    async def put(self, batch: Sequence[Coming]) -> None:
        """Add messages, with their marks, and hide them from the views that have deleted them; all of it, or
        nothing.
        """

    async def complete(self, completion: Completion) -> None:
        """Do what it says, and open the maildrop. Where views are left as they are, what is deleted and on the
        list of none of them goes.
        """


class _Plan(NamedTuple):
    new: list[int]
    """Places in the export."""
    gone: list[str]
    kept: Sequence[MovedMessage]
    """What is here and was taken away there, as its body was damaged: it stays, in its place."""
    mirrors: bool
    changed: bool
    """Whether anything has to be done."""


async def take_over(export: Export, landing: Landing, *, only_look: bool) -> TakenOver:
    """See :meth:`.StoreTransfer.take_over`. The caller has locked *landing*, and releases it."""
    plan = _plan(export, landing)
    before = {view.name for view in landing.views} | {DEFAULT_VIEW}
    result = TakenOver(
        len(plan.new),
        sum(export.messages[place].octets for place in plan.new),
        len(plan.gone),
        len({view.name for view in export.views} - before) if plan.mirrors else 0,
        used=not plan.mirrors,
    )
    if only_look or not plan.changed:
        return result
    await landing.begin(export.origin, mirrors=plan.mirrors)
    failed = await _bring(export, plan, landing)
    await export.must_be_locked()  # else what was deleted there meanwhile would be here
    await landing.complete(_completion(export, plan, failed, landing.messages))
    if not failed:
        return result
    lost = sum(export.messages[place].octets for place in failed)
    return replace(
        result,
        messages=result.messages - len(failed),
        octets=result.octets - lost,
        failed=[(export.messages[place].unique_id, why) for place, why in failed.items()],
    )


def reordered(order: Sequence[int], next_seq: int) -> list[tuple[int, int]]:
    """``(old, new)`` for those of the sequence numbers *order* that have to become others, from *next_seq* on,
    so that they rise.
    """
    least, rising = next_seq, len(order)
    for place in range(len(order) - 1, -1, -1):
        if order[place] > least:
            rising = place
        least = min(least, order[place])
    return [(old, next_seq + n) for n, old in enumerate(order[rising:])]


def marks_in(text: bytes) -> Iterator[bytes]:
    """The marks of a text of them, one behind the other."""
    return (text[n : n + MARK_OCTETS] for n in range(0, len(text), MARK_OCTETS))


def marks_of(batch: Sequence[Coming]) -> bytes:
    """The marks of these messages, one behind the other."""
    return b"".join(mark_of(coming.message.unique_id) for coming in batch)


def _plan(export: Export, landing: Landing) -> _Plan:
    here = {message.unique_id: message for message in landing.messages}
    arrival = landing.arrival
    if arrival is None:
        _must_be_new(export, landing, here)
    mirrors = _mirrors(export, landing, here)
    marks = arrival.marks if arrival else frozenset()
    new = [
        place
        for place, message in enumerate(export.messages)
        if message.unique_id not in here and (not marks or mark_of(message.unique_id) not in marks)
    ]
    gone: list[str] = []
    kept: list[MovedMessage] = []
    if mirrors and marks:
        there = {message.unique_id for message in export.messages}
        for name, message in here.items():
            if name in there or mark_of(name) not in marks:
                continue
            if _is_kept(message, export):
                kept.append(message)
            else:
                gone.append(name)
    changed = bool(new or gone) or (arrival is not None and not arrival.complete)
    if not mirrors and not landing.used:
        changed = True  # that it does not has to be known the next time
    if mirrors and not changed:
        changed = not landing.views or _differ(export, landing, here)
    return _Plan(new, gone, kept, mirrors, changed)


def _is_kept(message: MovedMessage, export: Export) -> bool:
    """Whether a message that is not there any more was taken away by repair, and somebody wants it."""
    if message.unique_id not in export.lost:
        return False
    return not message.deleted or any(view.name not in message.unlisted_by for view in export.views)


def _must_be_new(export: Export, landing: Landing, here: Collection[str]) -> None:
    """Refuse a maildrop with a life of its own.

    Raises:
        MaildropExists: it has one.
    """
    why = None
    if any(message.unique_id in here for message in export.messages):
        why = "has the same mail already, and was not brought from there"
    elif landing.used:
        why = "has been in use here"
    if why is not None:
        raise MaildropExists(
            f"the maildrop of {export.user} {why}, so it cannot be told what is new and what was "
            "deleted: move into a store that does not have it"
        )


def _mirrors(export: Export, landing: Landing, here: Collection[str]) -> bool:
    """Whether the other store counts."""
    arrival = landing.arrival
    if arrival is None:
        return True
    same = arrival.origin == export.origin and arrival.next_seq <= export.next_seq
    return same and not landing.used and not _was_put_back(export, arrival, here)


def _was_put_back(export: Export, arrival: Arrival, here: Collection[str]) -> bool:
    """Whether a backup has been put back there: a number has been given to another message since."""
    return any(
        seq < arrival.next_seq
        and message.unique_id not in here
        and mark_of(message.unique_id) not in arrival.marks
        for seq, message in zip(export.seqs, export.messages, strict=True)
    )


def _differ(export: Export, landing: Landing, here: dict[str, MovedMessage]) -> bool:
    """Whether views, or what they list, are other ones than there."""
    views = {view.name: view for view in landing.views}
    if {view.name for view in export.views} != set(views):
        return True
    if any(_differs(view, views[view.name]) for view in export.views):
        return True
    known = (here.get(message.unique_id) for message in export.messages)
    return any(
        found is not None
        and (found.deleted, found.unlisted_by) != (message.deleted, message.unlisted_by)
        for message, found in zip(export.messages, known, strict=True)
    )


def _differs(one: MovedView, other: MovedView) -> bool:
    if one.absent != other.absent or (one.seen_at is None) != (other.seen_at is None):
        return True
    apart = abs((one.seen_at or 0) - (other.seen_at or 0))
    return apart > 2 * SEEN_PRECISION


def _completion(
    export: Export, plan: _Plan, failed: Collection[int], here: Sequence[MovedMessage]
) -> Completion:
    places = range(len(export.messages) if plan.mirrors else 0)
    messages = [export.messages[place] for place in places if place not in failed]
    if plan.kept:
        messages = _with_kept(messages, here, plan.kept, {view.name for view in export.views})
    views = export.views if plan.mirrors else ()
    next_seq = min((export.seqs[place] for place in failed), default=export.next_seq)
    return Completion(export.origin, next_seq, views, messages, plan.gone)


def _with_kept(
    messages: Sequence[MovedMessage],
    here: Sequence[MovedMessage],
    kept: Collection[MovedMessage],
    views: Collection[str],
) -> list[MovedMessage]:
    """Those that are *kept* among the others, each behind the one that it is behind *here*."""
    there = {message.unique_id for message in messages}
    names = {message.unique_id for message in kept}
    behind: dict[str, list[MovedMessage]] = {}
    before = ""
    for message in here:
        if message.unique_id in names:
            behind.setdefault(before, []).append(message)
        elif message.unique_id in there:
            before = message.unique_id
    order = behind.get("", [])
    for message in messages:
        order += [message, *behind.get(message.unique_id, ())]
    began_later: set[str] = set()  # what is older than all that a view lists it does not list
    for place in range(len(order) - 1, -1, -1):
        message = order[place]
        if message.unique_id in names:
            unlisted = message.unlisted_by.intersection(views) | began_later
            order[place] = message._replace(unlisted_by=frozenset(unlisted))
        elif not message.deleted:
            began_later |= message.unlisted_by
    return order


async def _bring(export: Export, plan: _Plan, landing: Landing) -> dict[int, str]:
    """Put what is new; the places of those that cannot be read, and why."""
    failed: dict[int, str] = {}
    for batch in _batches(export.messages, plan.new):
        if coming := await _collected(export, batch, failed):
            if plan.mirrors:
                coming = [Coming(_for_now(one.message, landing), one.data) for one in coming]
            await landing.put(coming)
        del coming  # before the next is read
    return failed


def _for_now(message: MovedMessage, landing: Landing) -> MovedMessage:
    """How a message is put where all is going to be as it is there: the views that want it may not be here
    yet, so what no other would hold back nobody has deleted, until it is complete.
    """
    if any(
        view.name not in message.unlisted_by
        and not view.absent
        and (view.name != DEFAULT_VIEW or view.seen_at is not None)
        for view in landing.views
    ):
        return message
    return message._replace(deleted=False)


async def _collected(export: Export, batch: Sequence[int], failed: dict[int, str]) -> list[Coming]:
    """The messages of a batch; those that cannot be read are added to *failed*."""
    coming = []
    for first in range(0, len(batch), AT_ONCE):
        some = batch[first : first + AT_ONCE]
        for place, found in zip(some, await _read(export, some), strict=True):
            if isinstance(found, BodyDamaged):
                failed[place] = str(found)
            else:
                coming.append(Coming(export.messages[place], found))
    return coming


def _batches(messages: Sequence[MovedMessage], places: Sequence[int]) -> Iterator[list[int]]:
    batch: list[int] = []
    size = 0
    for place in places:
        stored = messages[place].stored
        if batch and (len(batch) == BATCH_MESSAGES or size + stored > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(place)
        size += stored
    if batch:
        yield batch


async def _read(export: Export, places: Sequence[int]) -> list[bytes | BodyDamaged]:
    if len(places) == 1:
        return [await _data(export, places[0])]
    try:
        async with asyncio.TaskGroup() as group:
            reading = [group.create_task(_data(export, place)) for place in places]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in reading]


async def _data(export: Export, place: int) -> bytes | BodyDamaged:
    """The stored form of a message, whole.

    Raises:
        StoreUnavailable: the storage is away, also where that began within the body.
    """
    message = export.messages[place]
    try:
        data = await _whole(await export.body(place))
    except BodyDamaged as error:
        if isinstance(error.__cause__, StoreUnavailable):  # nothing is wrong with the message
            raise error.__cause__ from None
        return error
    if len(data) != message.stored:
        return BodyDamaged(f"it has {len(data)} bytes, not {message.stored}")
    return data


async def _whole(body: Body) -> bytes:
    if isinstance(body.content, bytes):
        return body.content
    data = bytearray()
    try:
        async for piece in body.content:
            data += piece
    finally:
        await body.content.aclose()
    return bytes(data)

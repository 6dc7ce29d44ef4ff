"""How a maildrop comes from one store into another: the same for all engines.

:mod:`pillarbox.contracts.transfer` tells what is promised. An engine gives a :class:`Landing`: what is
here, and the steps by which that changes, each of them a transaction of its own::

    begin      closes the maildrop
    put        a few messages, and the marks of having been brought
    complete   what views there are, what each of them lists, what goes; and opens it again

A message, its mark and what views had deleted of it come in one transaction: so whatever breaks this off, the
next time finds out what has been brought, and to no view comes what it had deleted. Small messages go together; a large one goes alone, so that no more than about
:data:`~.reading.BATCH_BYTES`, or one message, is in memory at a time.

``landing``  what an engine gives
``plan``     what has to be done, of what is there and what is here
``reading``  the bodies, in batches
``order``    where messages come to stand
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from pillarbox.contracts.transfer import Export, MovedMessage, TakenOver
from pillarbox.model import DEFAULT_VIEW
from pillarbox.store.moving.landing import (
    Arrival,
    Coming,
    Completion,
    Landing,
    marks_in,
    marks_of,
)
from pillarbox.store.moving.order import reordered, with_kept
from pillarbox.store.moving.plan import Plan, plan_of
from pillarbox.store.moving.reading import batches, collected

__all__ = [
    "Arrival",
    "Coming",
    "Completion",
    "Landing",
    "marks_in",
    "marks_of",
    "reordered",
    "take_over",
]


async def take_over(export: Export, landing: Landing, *, only_look: bool) -> TakenOver:
    """See :meth:`.StoreTransfer.take_over`. The caller has locked *landing*, and releases it."""
    plan = plan_of(export, landing)
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


def _completion(
    export: Export, plan: Plan, failed: Collection[int], here: Sequence[MovedMessage]
) -> Completion:
    places = range(len(export.messages) if plan.mirrors else 0)
    messages = [export.messages[place] for place in places if place not in failed]
    if plan.kept:
        messages = with_kept(messages, here, plan.kept, {view.name for view in export.views})
    views = export.views if plan.mirrors else ()
    next_seq = min((export.seqs[place] for place in failed), default=export.next_seq)
    return Completion(export.origin, next_seq, views, messages, plan.gone)


async def _bring(export: Export, plan: Plan, landing: Landing) -> dict[int, str]:
    """Put what is new; the places of those that cannot be read, and why."""
    failed: dict[int, str] = {}
    for batch in batches(export.messages, plan.new):
        if coming := await collected(export, batch, failed):
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

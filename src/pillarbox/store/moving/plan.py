"""What a move has to do, of what is there and what is here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from pillarbox.contracts.errors import MaildropExists
from pillarbox.contracts.store import SEEN_PRECISION
from pillarbox.contracts.transfer import Export, MovedMessage, MovedView, mark_of
from pillarbox.store.moving.landing import Arrival, Landing


class Plan(NamedTuple):
    new: list[int]
    """Places in the export."""
    gone: list[str]
    kept: Sequence[MovedMessage]
    """What is here and was taken away there, as its body was damaged: it stays, in its place."""
    mirrors: bool
    changed: bool
    """Whether anything has to be done."""


def plan_of(export: Export, landing: Landing) -> Plan:
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
    return Plan(new, gone, kept, mirrors, changed)


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

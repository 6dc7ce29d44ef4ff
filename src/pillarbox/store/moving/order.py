"""Where messages come to stand."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from pillarbox.contracts.transfer import MovedMessage


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


def with_kept(
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

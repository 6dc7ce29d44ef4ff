"""What a run does first: find out what became of the messages that the last one left in
PUBLISHING, and make the destination ready.

Each is asked for at the destination that it was for; the user may have named another one
since. If an earlier one cannot be asked any more (its disk is away, its folder removed), its
messages count as not stored and are retrieved again: twice is better than never.
"""

from __future__ import annotations

from collections.abc import Sequence

from pillarbox.fetch.destinations import Destination, Owner, Target, parse_destination
from pillarbox.fetch.errors import DestinationUnusable, InvalidDestination
from pillarbox.fetch.journal import Journal, Unsettled


def settle(journal: Journal, target: Target, owner: Owner, now: float) -> Destination:
    """Settle all that is in PUBLISHING; returns the destination *target*, ready for mail.

    Raises:
        DestinationUnusable: it is not to be had; nothing was lost, and nothing more can be done.
        JournalUnusable: the journal cannot be read or written.
    """
    left: dict[str, list[Unsettled]] = {str(target): []}
    for row in journal.unsettled():
        left.setdefault(row.destination, []).append(row)
    destination = target.open(owner)
    here = left.pop(str(target))
    _note(journal, here, _published(destination, here), now)
    for earlier, rows in left.items():
        _note(journal, rows, _published_earlier(earlier, owner, rows), now)
    return destination


def _published(destination: Destination, rows: Sequence[Unsettled]) -> list[bool]:
    destination.prepare([row.token for row in rows])
    return [destination.settle(row.token) for row in rows]


def _published_earlier(earlier: str, owner: Owner, rows: Sequence[Unsettled]) -> list[bool]:
    try:
        destination = parse_destination(earlier).open(owner)
        published = _published(destination, rows)
        destination.close()
    except (DestinationUnusable, InvalidDestination):
        return [False] * len(rows)
    return published


def _note(
    journal: Journal, rows: Sequence[Unsettled], published: Sequence[bool], now: float
) -> None:
    pairs = list(zip(rows, published, strict=True))
    journal.stored([row.unique_id for row, stored in pairs if stored], now)
    journal.not_stored([row.unique_id for row, stored in pairs if not stored])

"""One message that came more than once: what one sent to a list and got back, or to another account of one's own.

One rule for all that shows or counts the messages of a conversation.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from datetime import datetime
from typing import NamedTuple

from pillarbox.reader.model import SENT, Folder


class Placed(NamedTuple):
    """A message of a conversation."""

    folder: Folder
    what: Hashable
    """The same for copies: see :func:`what_it_is`."""


def what_it_is(message_id: int | None, address: str, date: datetime | float) -> Hashable:
    """By Message-ID, sender and date; None: it has no Message-ID, and no copies."""
    return (message_id, address.casefold(), date) if message_id else None


def without_copies(messages: Sequence[Placed], opened: int | None) -> list[int]:
    """The places of *messages*, of copies in several folders those in one of them: where the message is that is *opened*
    (its place), else not in Sent.

    What is twice in one folder stays: a list shows both, and only a Message-ID can be anybody's.
    """
    here = None if opened is None else messages[opened].folder

    def nearness(place: int) -> tuple[bool, bool, bool]:
        folder = messages[place].folder
        return place == opened, folder == here, folder != SENT

    best: dict[Hashable, int] = {}
    for place, message in enumerate(messages):
        if message.what is not None:
            known = best.setdefault(message.what, place)
            if nearness(place) > nearness(known):
                best[message.what] = place
    return [
        place
        for place, (folder, what) in enumerate(messages)
        if what is None or folder == messages[best[what]].folder
    ]

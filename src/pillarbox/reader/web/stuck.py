"""Messages in the outbox that go no further by themselves, or have left and are still here: what every page says of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from pillarbox.reader.model import Outgoing, Sending
from pillarbox.reader.web.words import count

LONGEST_SUBJECT = 60
"""Characters of one that is named in passing."""


class Stuck(NamedTuple):
    """Some that are alike."""

    words: str
    """``3 messages were not sent``"""
    brief: str
    """``3 not sent``, behind the name of the outbox."""
    each: dict[str, str]
    """By its id what is said of one when it has just happened."""


def stuck(outbox: Iterable[Outgoing]) -> list[Stuck]:
    """What the user has to do something about; empty: nothing, all that waits leaves by itself."""
    unsent: dict[str, str] = {}
    unclear: dict[str, str] = {}
    unfiled: dict[str, str] = {}
    still_here: dict[str, str] = {}
    discarded: dict[str, str] = {}
    for outgoing in outbox:
        if outgoing.stuck:
            if outgoing.left:
                which = unfiled if outgoing.unfiled else still_here
                which = discarded if outgoing.discarded else which
            else:
                which = unclear if outgoing.may_have_left else unsent
            which[outgoing.id] = _happened(outgoing)
    found = []
    if unsent:
        many = len(unsent)
        words = count(many, "message was not sent", "messages were not sent")
        found.append(Stuck(words, f"{many:,} not sent", unsent))
    if unclear:
        many = len(unclear)
        words = count(many, "message may have been sent", "messages may have been sent")
        found.append(Stuck(words, f"{many:,} perhaps sent", unclear))
    if unfiled:
        many = len(unfiled)
        words = count(
            many, "message has left, and is not in Sent", "messages have left, and are not in Sent"
        )
        found.append(Stuck(words, f"{many:,} not in Sent", unfiled))
    if still_here:
        many = len(still_here)
        words = count(
            many,
            "message has left, and is still in the outbox",
            "messages have left, and are still in the outbox",
        )
        found.append(Stuck(words, f"{many:,} sent and still here", still_here))
    if discarded:
        many = len(discarded)
        words = count(
            many,
            "message was discarded, and is still in the outbox",
            "messages were discarded, and are still in the outbox",
        )
        found.append(Stuck(words, f"{many:,} discarded and still here", discarded))
    return found


def _happened(outgoing: Outgoing) -> str:
    subject = outgoing.subject or "No subject"
    if len(subject) > LONGEST_SUBJECT:
        subject = subject[:LONGEST_SUBJECT].rstrip() + "…"
    match outgoing.state:
        case Sending.REFUSED:
            return f"“{subject}” was refused."
        case Sending.SENDING if outgoing.discarded:
            return f"“{subject}” was discarded, and is still in the outbox."
        case Sending.SENDING if outgoing.unfiled:
            return f"“{subject}” has left, and is not in Sent."
        case Sending.SENDING:
            return f"“{subject}” has left, and is still in the outbox."
        case Sending.UNCONFIRMED:
            return f"“{subject}” may have arrived, or not."
        case _:
            return f"“{subject}” was not sent."

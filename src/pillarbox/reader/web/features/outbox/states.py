"""What the page says of a message in the outbox, and what it offers to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pillarbox.reader.model import Outgoing, Sending
from pillarbox.reader.web.words import until


@dataclass(frozen=True, slots=True)
class Said:
    """Of one message."""

    words: str
    """What it waits for."""
    icon: str
    warn: bool = False
    """The user has to do something."""
    send: str = ""
    """What the button says that sends it; empty: there is none."""
    asks: bool = False
    """Sending and editing ask first: it may have arrived."""
    back: str = ""
    """What the button says that makes a draft of it again; empty: it is too late."""
    discard: bool = False


def said_of(outgoing: Outgoing, now: datetime) -> Said:
    """The words for *outgoing*."""
    moment = outgoing.next_try
    match outgoing.state:
        case Sending.HELD:
            words = f"Leaves {until(moment, now)}." if moment else "Leaves now."
            return Said(words, "outbox", send="Send now", back="Take back", discard=True)
        case Sending.SENDING if outgoing.left:
            return Said(_left(outgoing), "warning", warn=True, discard=outgoing.unreadable)
        case Sending.SENDING:
            going = "Being handed over to the server."
            return Said("Discarded, and not sent." if outgoing.discarded else going, "outbox")
        case Sending.REFUSED:
            return Said(
                "Refused. Edit or discard it.",
                "warning",
                warn=True,
                send="Try again",
                back="Edit",
                discard=True,
            )
        case Sending.UNCONFIRMED:
            words = "Handed over, but not confirmed. Sent again only if you say so."
            if outgoing.copied:
                words = (
                    "From a copy or a backup: it may have left already. Sent only if you say so."
                )
            return Said(
                words,
                "warning",
                warn=True,
                send="Send again…",
                asks=True,
                back="Edit…",
                discard=True,
            )
        case Sending.WAITING:
            return _waiting(outgoing, now)


def _left(outgoing: Outgoing) -> str:
    if outgoing.discarded:
        return "Discarded, and not sent. It cannot be taken out of the outbox yet."
    if outgoing.unfiled:
        return "It has left, and is not in Sent."
    return "It has left, and is in Sent. It cannot be taken out of the outbox yet."


def _waiting(outgoing: Outgoing, now: datetime) -> Said:
    send = "Send now"
    warn = outgoing.stuck
    if outgoing.next_try is not None:
        words = f"Waiting. Tries again {until(outgoing.next_try, now)}."
    elif warn:
        words, send = "Stopped, until what is wrong is put right.", "Try again"
    else:
        words = "Waiting to leave."
    icon = "warning" if warn else "offline" if outgoing.problem else "outbox"
    asks = bool(outgoing.unsure)
    dots = "…" if asks else ""
    return Said(
        words, icon, warn=warn, send=send + dots, asks=asks, back=f"Edit{dots}", discard=True
    )

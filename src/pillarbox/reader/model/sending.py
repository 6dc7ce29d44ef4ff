"""What the outbox has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from pillarbox.reader.model.mail import MessageKey


class Sending(Enum):
    """What a message in the outbox waits for."""

    HELD = "held"
    """A moment, in which it can be taken back."""
    WAITING = "waiting"
    """The network, or its next try."""
    SENDING = "sending"
    """It is being handed over right now."""
    REFUSED = "refused"
    """The server does not want it: edit or discard."""
    UNCONFIRMED = "unconfirmed"
    """It was handed over, and the answer was lost. Sent again only when the user says so."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message that is ready to leave."""

    message: bytes
    """CRLF line ends; without a Bcc field."""
    account: str
    """Whose submission server takes it."""
    sender: str
    """Of the envelope, as are *recipients*."""
    recipients: tuple[str, ...]
    subject: str
    draft: str | None = None
    """The draft that it was made of."""
    answers: MessageKey | None = None
    forwards: MessageKey | None = None
    bcc: str = ""
    """The Bcc field, with CRLF: of the copy in Sent, and of nothing that leaves."""
    own: bool = True
    """*sender* is the account's own address: not another one, which its server may not let it write as."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message in the outbox."""

    id: str
    account: str
    state: Sending
    subject: str
    to: tuple[str, ...]
    """Addresses of all recipients that have not got it yet."""
    since: datetime
    next_try: datetime | None = None
    problem: str = ""
    """The server's words, or what is wrong; whole sentences."""
    tries: int = 0
    draft: str | None = None
    """The draft that it was made of."""
    octets: int = 0
    unsure: tuple[str, ...] = ()
    """Those of *to* that may have got it: it was handed over for them, and the answer was lost, or it lies in a copy."""
    copied: bool = False
    """The outbox has been copied, or put back from a backup, while it waited."""
    left: bool = False
    """For all of its recipients; and what is done then could not be done yet. That is tried again by itself."""
    unfiled: bool = False
    """It is one of those, and not in Sent."""
    unreadable: bool = False
    """It has left, for some of its recipients at least, and cannot be put into Sent, as its file cannot be read."""
    discarded: bool = False
    """By the user: it is not sent, and what is left of it goes as soon as that can be done; then it is *left*, too."""
    stopped: bool = False
    """It waits, but for no network and no moment: its account cannot send until what is wrong is put right."""

    @property
    def stuck(self) -> bool:
        """It goes no further until the user does something; or it has left, and something is wrong with the disk."""
        match self.state:
            case Sending.REFUSED | Sending.UNCONFIRMED:
                return True
            case Sending.WAITING:
                return self.stopped
            case Sending.SENDING:
                return self.left
            case Sending.HELD:
                return False

    @property
    def may_have_left(self) -> bool:
        """Nobody knows, for some of its recipients, or for all; of one that is :attr:`stuck`."""
        return bool(self.unsure) or self.state is Sending.UNCONFIRMED

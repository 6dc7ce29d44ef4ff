"""What is being written, and to whom one may write."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pillarbox.reader.model.mail import MessageKey


@dataclass(frozen=True, slots=True)
class File:
    """Something attached to a draft."""

    id: str
    name: str
    type: str
    octets: int
    content_id: str = ""
    """Without brackets: under which the quote shows it; empty: it is a file of its own."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A message that is being written."""

    id: str
    account: str = ""
    """The identity's account; empty: the first."""
    to: str = ""
    cc: str = ""
    bcc: str = ""
    """As typed."""
    subject: str = ""
    text: str = ""
    quote: str = ""
    """HTML that goes below the text, sanitised: what a reply to HTML answers, or a forwarded message. Empty: plain text."""
    files: tuple[File, ...] = ()
    answers: MessageKey | None = None
    """What it replies to."""
    forwards: MessageKey | None = None
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    """Message-IDs, without brackets."""
    changed: datetime | None = None
    version: int = 0
    """Grows with each save; who saves an old one is told (two tabs)."""
    unsure: tuple[str, ...] = ()
    """Addresses that may have got it: it was handed over for them before, and the answer was lost."""
    message_id: str = ""
    """Under which it was, without brackets; empty: never, or it is another text by now."""
    unquoted: bool = False
    """The quote is left out of the message. It stays in the draft: who leaves it out may think better of it."""
    sender: str = ""
    """As which address of the account one writes; empty: its own."""
    came_to: str = ""
    """The subaddress of the user's that what it answers came to; empty: none. It is offered beside the others."""

    @property
    def quoted(self) -> str:
        """What the message has of the quote: all of it, or nothing."""
        return "" if self.unquoted else self.quote


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody one may write to."""

    name: str
    address: str
    id: str = ""
    """Of one that the user has entered or imported; empty: known from mail."""

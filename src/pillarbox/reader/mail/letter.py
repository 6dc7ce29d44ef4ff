"""A message taken apart for reading."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pillarbox.reader.model import Correspondent


@dataclass(frozen=True, slots=True)
class Part:
    """An attached file, or an image within the text."""

    number: str
    """As IMAP counts: ``2.1``. What the page asks for it by."""
    name: str
    """Safe as a file name, and never empty."""
    type: str
    """Media type in small letters, like ``image/png``: as the message says."""
    octets: int
    """Decoded; an estimate is enough."""
    content_id: str = ""
    """Without brackets."""
    inline: bool = False
    """The HTML shows it."""


@dataclass(frozen=True, slots=True)
class Letter:
    """Made by :func:`read_letter`."""

    subject: str = ""
    sender: tuple[Correspondent, ...] = ()
    to: tuple[Correspondent, ...] = ()
    cc: tuple[Correspondent, ...] = ()
    bcc: tuple[Correspondent, ...] = ()
    reply_to: tuple[Correspondent, ...] = ()
    list_post: str = ""
    """The address of a list, for answers to it."""
    unsubscribe: tuple[str, ...] = ()
    """URLs (https or mailto) of List-Unsubscribe."""
    date: datetime | None = None
    """Aware, in the sender's time zone."""
    message_id: str = ""
    references: tuple[str, ...] = ()
    text: str = ""
    """Plain text, or made of the HTML if there is none."""
    flowed: bool = False
    """RFC 3676."""
    delsp: bool = False
    html: str = ""
    """As it came, decoded: never to be shown before :func:`.clean.clean` has seen it."""
    parts: tuple[Part, ...] = ()
    faults: tuple[str, ...] = ()
    """What could not be understood, each a sentence for the reader of the mail."""

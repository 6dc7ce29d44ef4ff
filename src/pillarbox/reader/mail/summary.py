"""What a list, a search and a thread need to know of a message."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pillarbox.reader.model import NOBODY, Correspondent


@dataclass(frozen=True, slots=True)
class Summary:
    """Made by :func:`summarise`. All texts are decoded, and free of control characters."""

    subject: str = ""
    sender: Correspondent = NOBODY
    to: tuple[Correspondent, ...] = ()
    """To, Cc and Bcc, in this order; bounded."""
    date: datetime | None = None
    """Aware; None: there is none that could be true."""
    message_id: str = ""
    """Without brackets; empty: there is none."""
    references: tuple[str, ...] = ()
    """Of References, then In-Reply-To, the oldest first; without brackets; bounded, and each once."""
    list_id: str = ""
    opening: str = ""
    """The first words of the text, without quotes: one line of some 200 characters."""
    text: str = ""
    """All words of its text parts, for searching; bounded."""
    attachments: tuple[str, ...] = ()
    """Names of attached files. (Images within the text are none.)"""
    octets: int = 0
    automatic: bool = False
    """A list, an automatic answer or a report (RFC 3834): nothing to be answered by programs."""

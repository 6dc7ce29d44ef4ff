"""What a list, a search and a thread need to know of a message."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pillarbox.reader.mail.addresses import read_addresses
from pillarbox.reader.mail.bodies import charset_hint, joined_words
from pillarbox.reader.mail.dates import believed_date
from pillarbox.reader.mail.header import Header
from pillarbox.reader.mail.identifiers import message_id, references
from pillarbox.reader.mail.layout import (
    content_id,
    disposition,
    is_signature,
    is_within,
    lay_out,
    name_of,
    said_name,
)
from pillarbox.reader.mail.limits import SUMMARY_ADDRESSES, SUMMARY_TEXT
from pillarbox.reader.mail.mime import Entity, Tree
from pillarbox.reader.mail.opening import first_words
from pillarbox.reader.mail.words import text_of
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


def summarise(data: bytes) -> Summary:
    """What is in the message *data* (any line ends). Never fails."""
    root = Tree(data).root
    header = root.header
    hint = charset_hint(root)
    layout = lay_out(root)
    text = joined_words(layout, SUMMARY_TEXT)
    return Summary(
        subject=text_of(header.first(b"subject"), hint),
        sender=_sender(header, hint),
        to=_recipients(header, hint),
        date=believed_date(header),
        message_id=message_id(header),
        references=references(header),
        list_id=list_id(header),
        opening=first_words(text),
        text=text,
        attachments=tuple(name_of(entity) for entity in layout.attached if _counts(entity)),
        octets=len(data),
    )


def list_id(header: Header) -> str:
    """RFC 2919: what stands between the brackets."""
    text = text_of(header.first(b"list-id"))
    inner = text.rpartition("<")[2].partition(">")[0].strip()
    return inner or text


def _sender(header: Header, hint: str) -> Correspondent:
    for name in (b"from", b"sender", b"return-path"):
        for found in read_addresses(header.first(name), 1, hint):
            if found != NOBODY:
                return found
    return NOBODY


def _recipients(header: Header, hint: str) -> tuple[Correspondent, ...]:
    found: list[Correspondent] = []
    for name in (b"to", b"cc", b"bcc"):
        for value in header.all(name):
            found.extend(read_addresses(value, SUMMARY_ADDRESSES - len(found), hint))
    return tuple(found)


def _counts(entity: Entity) -> bool:
    """Whether somebody attached it: no signature, no image of the HTML, no other form of the text."""
    if disposition(entity) == "attachment" and not is_signature(entity):
        return True
    if is_signature(entity) or (is_within(entity, "multipart/related") and content_id(entity)):
        return False
    return bool(said_name(entity)) or not is_within(entity, "multipart/alternative")

"""A message taken apart for reading."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote

from pillarbox.reader.mail.addresses import read_addresses
from pillarbox.reader.mail.bodies import charset_hint, text_in, words_in
from pillarbox.reader.mail.dates import is_plausible, read_date
from pillarbox.reader.mail.header import Header
from pillarbox.reader.mail.identifiers import message_id, references
from pillarbox.reader.mail.layout import TNEF, Layout, content_id, is_tnef, lay_out, name_of
from pillarbox.reader.mail.limits import ADDRESSES, LETTER_HTML, LETTER_LINES, LETTER_TEXT
from pillarbox.reader.mail.mime import Entity, Tree
from pillarbox.reader.mail.names import safe_name
from pillarbox.reader.mail.tnef import TnefFile, read_tnef
from pillarbox.reader.mail.words import raw_text, text_of
from pillarbox.reader.model import Correspondent

_CID = re.compile(r"""cid:([^"'\s<>)]{1,500})""", re.IGNORECASE)
_BRACKETED = re.compile(r"<\s*((?:https|mailto):[^<>\s]{1,4000})>", re.IGNORECASE)

CUT = "It is longer than is shown here. The source has all of it."
WRONG_DATE = "The date that it says cannot be true."


@dataclass(frozen=True, slots=True)
class Part:
    """An attached file, or an image within the text."""

    number: str
    """As IMAP counts: ``2.1``; ``2-1`` for the first file in a winmail.dat that is part 2. What the page asks for it by."""
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
    notes: tuple[str, ...] = ()
    """What kind of message this is (encrypted, signed), each a sentence."""
    faults: tuple[str, ...] = ()
    """What could not be understood, each a sentence for the reader of the mail."""


def read_letter(data: bytes) -> Letter:
    """Take the message *data* (any line ends) apart. Never fails."""
    tree = Tree(data)
    header, hint, layout = tree.root.header, charset_hint(tree.root), lay_out(tree.root)
    text, flowed, delsp = _text(layout)
    markup = _markup(layout)
    parts = _parts(layout, markup)
    date = read_date(header.first(b"date"))
    return Letter(
        subject=text_of(header.first(b"subject"), hint),
        sender=_addresses(header, b"from", hint) or _addresses(header, b"sender", hint),
        to=_addresses(header, b"to", hint),
        cc=_addresses(header, b"cc", hint),
        bcc=_addresses(header, b"bcc", hint),
        reply_to=_addresses(header, b"reply-to", hint),
        list_post=_list_post(header),
        unsubscribe=tuple(_BRACKETED.findall(raw_text(header.first(b"list-unsubscribe")))),
        date=date,
        message_id=message_id(header),
        references=references(header),
        text=text,
        flowed=flowed,
        delsp=delsp,
        html=markup,
        parts=parts,
        notes=_notes(layout, parts),
        faults=(*tree.faults, *_faults(layout, header, date, text)),
    )


def read_part(data: bytes, number: str) -> tuple[Part, bytes]:
    """A part of the message *data*, and its octets.

    Raises:
        KeyError: it has none of that number.
    """
    whole, dash, _ = number.partition("-")
    entity = Tree(data).find(whole)
    if entity is None:
        raise KeyError(number)
    octets = entity.decoded()
    if dash:
        for part, file in _files_within(entity, octets):
            if part.number == number:
                return part, file.content
        raise KeyError(number)
    return Part(number, name_of(entity), entity.type, len(octets), content_id(entity)), octets


def _addresses(header: Header, name: bytes, hint: str) -> tuple[Correspondent, ...]:
    found: list[Correspondent] = []
    for value in header.all(name):
        found.extend(read_addresses(value, ADDRESSES - len(found), hint))
    return tuple(found)


def _list_post(header: Header) -> str:
    """RFC 2369, section 3.4; ``NO`` is no address."""
    for url in _BRACKETED.findall(raw_text(header.first(b"list-post"))):
        if url[:7].lower() == "mailto:":
            return unquote(url[7:].partition("?")[0])
    return ""


def _text(layout: Layout) -> tuple[str, bool, bool]:
    """All plain text; whether it is flowed, and with DelSp. If some is and some is not, the latter is made such."""
    forms = [_flow(entity) for entity in layout.plain]
    wanted = next((form for form in forms if form[0]), (False, False))
    done: list[str] = []
    for entity, form in zip(layout.plain, forms, strict=True):
        text = words_in(entity, LETTER_TEXT, targets=True)
        done.append(text if form == wanted else _fixed(text, flowed=wanted[0]))
    return first_lines("\n".join(done)[:LETTER_TEXT], LETTER_LINES), *wanted


def first_lines(text: str, at_most: int) -> str:
    """The beginning of *text*: no more than so many lines."""
    return "\n".join(text.split("\n", at_most)[:at_most])


def _flow(entity: Entity) -> tuple[bool, bool]:
    if entity.type != "text/plain" or entity.parameters.get("format", "").lower() != "flowed":
        return False, False
    return True, entity.parameters.get("delsp", "").lower() == "yes"


def _fixed(text: str, *, flowed: bool) -> str:
    """Lines that stay as they are in a text that is *flowed* (RFC 3676, section 4.2 and 4.4)."""
    if not flowed:
        return text
    lines = (line if line == "-- " else line.rstrip(" ") for line in text.split("\n"))
    return "\n".join(f" {line}" if line.startswith(" ") else line for line in lines)


def _markup(layout: Layout) -> str:
    """All text as HTML, if some of it is."""
    if not layout.has_html:
        return ""
    done = [
        text_in(entity, LETTER_HTML) if entity.type == "text/html" else _as_html(entity)
        for entity in layout.rich
    ]
    return "\n".join(done)[:LETTER_HTML]


def _as_html(entity: Entity) -> str:
    return f'<div style="white-space: pre-wrap">{html.escape(words_in(entity, LETTER_TEXT))}</div>'


def _parts(layout: Layout, markup: str) -> tuple[Part, ...]:
    shown = {unquote(found) for found in _CID.findall(markup)}
    parts: list[Part] = []
    for entity in layout.attached:
        if within := _unpacked(entity):
            parts += within
            continue
        name, identifier = name_of(entity), content_id(entity)
        inline = bool(identifier) and identifier in shown
        parts.append(
            Part(entity.number, name, entity.type, entity.octets, identifier, inline=inline)
        )
    return tuple(parts)


def _unpacked(entity: Entity) -> list[Part]:
    """The files in a winmail.dat; nothing if it is none, or there are none in it."""
    return [part for part, _ in _files_within(entity, entity.decoded())] if is_tnef(entity) else []


def _files_within(entity: Entity, octets: bytes) -> Iterator[tuple[Part, TnefFile]]:
    """``2-1`` is the first file in part 2."""
    files = read_tnef(octets) if is_tnef(entity) else ()
    for count, file in enumerate(files, 1):
        number = f"{entity.number}-{count}"
        name = safe_name(file.name, file.type, number)
        yield Part(number, name, file.type, len(file.content)), file


def _notes(layout: Layout, parts: tuple[Part, ...]) -> tuple[str, ...]:
    """A winmail.dat that was unpacked needs no explanation."""
    packed = {part.number for part in parts}
    left = any(is_tnef(entity) and entity.number in packed for entity in layout.attached)
    return tuple(note for note in dict.fromkeys(layout.notes) if note != TNEF or left)


def _faults(layout: Layout, header: Header, date: datetime | None, text: str) -> list[str]:
    found: list[str] = []
    texts = {id(entity): entity for entity in (*layout.plain, *layout.rich)}.values()
    too_long = text.count("\n") + 1 >= LETTER_LINES
    if too_long or any(
        e.is_longer_than(LETTER_HTML if e.type == "text/html" else LETTER_TEXT) for e in texts
    ):
        found.append(CUT)
    if date is not None and not is_plausible(date, header):
        found.append(WRONG_DATE)
    return found

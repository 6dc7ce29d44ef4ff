"""The text of a message's text parts, decoded and bounded."""

from __future__ import annotations

import re

from pillarbox.reader.mail.charsets import decode
from pillarbox.reader.mail.layout import Layout
from pillarbox.reader.mail.markup import words_of
from pillarbox.reader.mail.mime import Entity
from pillarbox.reader.mail.words import CONTROLS

_META = re.compile(
    rb"""<meta[^>]{1,200}?charset\s*=\s*["']?([A-Za-z0-9._:-]{1,40})""", re.IGNORECASE
)
_META_WITHIN = 1_024
"""Octets in which HTML says its charset (html.spec.whatwg.org, prescan)."""

WIDEST = 4
"""Octets of a character, at most, in what is more than a curiosity."""

HTML_PER_CHARACTER = 8
"""Octets of HTML for one character of its text: newsletters are mostly tags."""

SCANT = 200
"""Characters: plain text that is shorter than this may only say that there is HTML."""


def charset_hint(root: Entity) -> str:
    """What the text of the message is written in: fields with raw octets mostly are, too."""
    for entity in root.walk():
        if charset := entity.parameters.get("charset", ""):
            return charset
    return ""


def text_in(entity: Entity, at_most: int) -> str:
    """Decoded text of a text part, no more than *at_most* characters; line ends are LF."""
    octets = entity.decoded(at_most * WIDEST)
    cut = entity.is_longer_than(at_most * WIDEST)
    label = entity.parameters.get("charset", "")
    if not label and entity.type == "text/html" and (meta := _META.search(octets, 0, _META_WITHIN)):
        label = meta[1].decode("ascii")
    text = decode(octets, label, cut=cut)[:at_most]
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text


def words_in(entity: Entity, at_most: int, *, targets: bool = False) -> str:
    """The same as plain text, without control characters. *targets*: as of :func:`.markup.words_of`."""
    if entity.type == "text/html":
        text = text_in(entity, at_most * HTML_PER_CHARACTER)
        return words_of(text, at_most, targets=targets)
    text = text_in(entity, at_most)
    return CONTROLS.sub("", text)


def joined_words(layout: Layout, at_most: int) -> str:
    """All plain text; if that is scant, the words of the HTML as well."""
    entities = list(layout.plain)
    done = _joined(entities, at_most)
    if len(done) < SCANT:
        others = [entity for entity in layout.rich if entity not in entities]
        more = _joined(others, at_most - len(done))
        done = f"{done}\n{more}" if done and more else done or more
    return done


def _joined(entities: list[Entity], at_most: int) -> str:
    done: list[str] = []
    room = at_most
    for entity in entities:
        if room <= 0:
            break
        text = words_in(entity, room)
        done.append(text)
        room -= len(text) + 1
    return "\n".join(done)

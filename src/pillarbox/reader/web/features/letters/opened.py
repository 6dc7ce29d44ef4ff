"""The message that is open in the pane."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, urlencode

from pillarbox.reader.library.index.query import MOST_WORDS
from pillarbox.reader.mail.clean import clean
from pillarbox.reader.mail.invitation import MAX_OCTETS, Invitation, read_invitations
from pillarbox.reader.mail.letter import Letter, Part, read_letter, read_part
from pillarbox.reader.mail.limits import LETTER_LINES
from pillarbox.reader.mail.prose import Block, Kind, read_prose
from pillarbox.reader.model import TRASH, Correspondent, Flag, Row
from pillarbox.reader.web.features.letters.images import ImageSenders, trusted_address
from pillarbox.reader.web.features.letters.kinds import ANY, PDF, kind_of
from pillarbox.reader.web.features.letters.moments import in_words
from pillarbox.reader.web.features.letters.spoofing import shown_address
from pillarbox.reader.web.words import count

FEW_LINES = 3
"""Of a quote that is not folded."""

MAX_ENCLOSED = 20
"""Attached messages that can be read at once; all of them can be saved."""
ENCLOSED_OCTETS = 5_000_000
"""Of one of them."""
_MESSAGES = frozenset(("message/rfc822", "message/global"))

MAX_CALENDARS = 3
"""Attached ones that are shown as cards."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How the user wants to see it."""

    images: bool = False
    """Loaded from elsewhere, this once."""
    plain: bool = False
    words: tuple[str, ...] = ()
    """To be marked."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file, as the page shows it."""

    part: Part
    url: str
    is_image: bool
    in_tab: bool
    """The browser shows it: a PDF, an image."""


@dataclass(frozen=True, slots=True)
class Passage:
    """Blocks that stand together: one paragraph, or a quote with the quotes in it."""

    kind: str
    blocks: tuple[Block, ...]
    lines: int
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Enclosed:
    """An attached message: what it says, as plain text."""

    letter: Letter
    passages: tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """An invitation, as the page shows it."""

    event: Invitation
    when: str


@dataclass(frozen=True, slots=True)
class Opened:
    """Made by :func:`open_letter`."""

    row: Row
    letter: Letter
    base: str
    """URL of the message."""
    senders: tuple[tuple[Correspondent, str], ...]
    """Each with the address that is in the name but is another one."""
    passages: tuple[Passage, ...]
    """Of plain text; empty when the HTML is shown."""
    frame: str
    """URL of the HTML; empty: plain text is shown."""
    choice: bool
    """There is both."""
    blocked: str
    """Which images are not loaded, in words; empty: none."""
    trusted: str
    """The address whose images can be loaded always."""
    always: bool
    """They are."""
    attachments: tuple[Attachment, ...]
    cards: tuple[Card, ...]
    enclosed: tuple[Enclosed, ...]

    @property
    def flagged(self) -> bool:
        return Flag.FLAGGED in self.row.flags

    @property
    def trashed(self) -> bool:
        """It can be removed for good."""
        return self.row.folder == TRASH

    @property
    def date(self) -> datetime:
        """As a list shows it: what the message says may be impossible."""
        return self.row.date


def open_letter(data: bytes, row: Row, wanted: Wanted, allowed: ImageSenders) -> Opened:
    """What the page shows of the message *data*. Blocking."""
    letter = read_letter(data)
    base = f"/message/{quote(row.key)}"
    as_html = bool(letter.html) and not wanted.plain
    always = as_html and allowed.allows(letter)
    images = always or (as_html and wanted.images)
    cleaned = clean(letter.html, remote=images, cid=lambda _: None) if as_html else None
    hosts = cleaned.blocked if cleaned is not None else ()
    return Opened(
        row=row,
        letter=letter,
        base=base,
        senders=tuple((sender, shown_address(sender)) for sender in letter.sender),
        passages=() if as_html else tuple(passages_of(letter)),
        frame=_frame(base, wanted.words, images=images) if as_html else "",
        choice=bool(letter.html),
        blocked=_blocked(cleaned.remote_count, hosts) if cleaned is not None and hosts else "",
        trusted=trusted_address(letter),
        always=always,
        attachments=tuple(_attachments(letter, base, as_html=as_html)),
        cards=tuple(Card(each, in_words(each)) for each in _invitations(letter, data)),
        enclosed=tuple(enclosed_in(letter, data)),
    )


def passages_of(letter: Letter) -> Iterator[Passage]:
    """Its plain text: quotes that stand together are folded together, unless they are short."""
    quotes: list[Block] = []
    for block in read_prose(letter.text, flowed=letter.flowed, delsp=letter.delsp):
        if block.kind is Kind.QUOTE:
            quotes.append(block)
            continue
        if quotes:
            yield _quote(quotes)
            quotes = []
        yield Passage(block.kind.value, (block,), len(block.lines))
    if quotes:
        yield _quote(quotes)


def _quote(blocks: list[Block]) -> Passage:
    lines = sum(len(block.lines) for block in blocks)
    return Passage(Kind.QUOTE.value, tuple(blocks), lines, folded=lines > FEW_LINES)


def _frame(base: str, words: tuple[str, ...], *, images: bool) -> str:
    asked = ([("images", "1")] if images else []) + [("word", word) for word in words[:MOST_WORDS]]
    return f"{base}/html?{urlencode(asked)}" if asked else f"{base}/html"


def _blocked(images: int, hosts: tuple[str, ...]) -> str:
    """``3 images from example.org and 2 other places are not loaded``"""
    others = len(hosts) - 1
    more = f" and {count(others, 'other place')}" if others else ""
    return f"{count(images, 'image')} from {hosts[0]}{more} {'is' if images == 1 else 'are'} not loaded"


def _attachments(letter: Letter, base: str, *, as_html: bool) -> Iterator[Attachment]:
    """Images within the HTML are attached when only the text is shown."""
    for part in letter.parts:
        if not (part.inline and as_html):
            kind = kind_of(part)
            url = f"{base}/part/{quote(part.number)}"
            yield Attachment(part, url, kind not in (ANY, PDF), kind != ANY)


def enclosed_in(letter: Letter, data: bytes) -> Iterator[Enclosed]:
    """Attached messages; those within them are files there. All together are no longer than one message may be."""
    room = LETTER_LINES
    messages = [part for part in letter.parts if part.type in _MESSAGES]
    for part in messages[:MAX_ENCLOSED]:
        if part.octets <= ENCLOSED_OCTETS:
            inner = read_letter(read_part(data, part.number)[1])
            room -= inner.text.count("\n") + 1
            if room < 0:
                return
            yield Enclosed(inner, tuple(passages_of(inner)))


def _invitations(letter: Letter, data: bytes) -> Iterator[Invitation]:
    calendars = [
        part
        for part in letter.parts
        if part.type == "text/calendar" or part.name.lower().endswith(".ics")
    ]
    seen: set[Invitation] = set()
    for part in calendars[:MAX_CALENDARS]:
        if part.octets <= MAX_OCTETS:
            for invitation in read_invitations(read_part(data, part.number)[1]):
                if invitation not in seen:  # the same in the text and as a file, as most send it
                    seen.add(invitation)
                    yield invitation

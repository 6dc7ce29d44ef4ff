"""What the template ``letters/thread.html`` shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request

from pillarbox.reader.copies import Placed, what_it_is, without_copies
from pillarbox.reader.desk import Desk
from pillarbox.reader.model import MessageKey, Row
from pillarbox.reader.web.features.letters.images import ImageSenders, senders_of
from pillarbox.reader.web.features.letters.opened import Opened, Wanted, open_letter
from pillarbox.reader.web.pages import desk_of, off_loop

MAX_FOLDED = 200
"""Other messages of a thread that have a line: the nearest ones."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another message of the thread: one line."""

    row: Row
    url: str


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread with one message open."""

    subject: str
    before: tuple[Neighbour, ...]
    opened: Opened
    after: tuple[Neighbour, ...]
    left_out: int
    """Messages of the thread that have no line."""
    words: tuple[str, ...]
    """What to mark."""
    here: str
    """URL of this view, for coming back."""
    with_images: str
    """The same, with images loaded this once."""
    other_text: str
    """The same as plain text, or (if it is that) as HTML."""


async def thread_context(
    request: Request, key: MessageKey, words: Sequence[str] = ()
) -> dict[str, Any]:
    """For the page of *request*, in whose pane message *key* is open: ``thread``. The page's parameters ``images`` and
    ``plain`` say how it is wanted.

    Raises:
        NoSuchMessage: it is not there (any more).
    """
    asked = request.query_params
    wanted = Wanted(
        images=asked.get("images") == "1", plain=asked.get("plain") == "1", words=tuple(words)
    )
    rows, opened = await off_loop(_read, desk_of(request), key, wanted, senders_of(request))
    place = next((n for n, row in enumerate(rows) if row.key == key), 0)
    lines = [Neighbour(row, _url(request, m=row.key, images=None, plain=None)) for row in rows]
    first = max(0, min(place - MAX_FOLDED // 2, len(rows) - MAX_FOLDED - 1))
    last = min(len(rows), first + MAX_FOLDED + 1)
    thread = Thread(
        subject=opened.letter.subject,
        before=tuple(lines[first:place]),
        opened=opened,
        after=tuple(lines[place + 1 : last]),
        left_out=len(rows) - (last - first),
        words=tuple(words),
        here=_url(request),
        with_images=_url(request, images="1"),
        other_text=_url(request, plain=None if wanted.plain else "1", images=None),
    )
    return {"thread": thread}


def _read(
    desk: Desk, key: MessageKey, wanted: Wanted, allowed: ImageSenders
) -> tuple[Sequence[Row], Opened]:
    row = desk.library.find(key)
    opened = open_letter(desk.library.read(key), row, wanted, allowed)
    return _without_copies(desk.library.thread(key), key) or (row,), opened


def _without_copies(rows: Sequence[Row], key: MessageKey) -> list[Row]:
    """The conversation of the message *key*, each of its messages once."""
    messages = [
        Placed(row.folder, what_it_is(row.message_id, row.sender.address, row.date)) for row in rows
    ]
    opened = next((place for place, row in enumerate(rows) if row.key == key), None)
    return [rows[place] for place in without_copies(messages, opened)]


def _url(request: Request, **changed: str | None) -> str:
    """The URL of *request* with parameters changed, or (None) without them; a path."""
    kept = [
        (name, value) for name, value in request.query_params.multi_items() if name not in changed
    ]
    kept += [(name, value) for name, value in changed.items() if value is not None]
    query = urlencode(kept)
    return f"{request.url.path}?{query}" if query else request.url.path

"""The pages of lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from pillarbox.reader.desk import Desk
from pillarbox.reader.errors import NoSuchMessage
from pillarbox.reader.model import INBOX, SENT, TRASH, Folder, MessageKey, Page, Row
from pillarbox.reader.web.features.letters.context import Thread, thread_context
from pillarbox.reader.web.features.lists.choice import AT_ONCE, is_key
from pillarbox.reader.web.features.lists.listing import PAGE, Listing
from pillarbox.reader.web.features.lists.naming import HINTS, empty_of, name_of
from pillarbox.reader.web.features.lists.seen import Seen, TooOld, moment_of
from pillarbox.reader.web.features.lists.told import Told
from pillarbox.reader.web.pages import off_loop, page
from pillarbox.reader.web.words import place

_FURTHEST = 10_000_000
"""Rows. What is asked for beyond is no list, but somebody's idea of a number."""


@dataclass(frozen=True, slots=True)
class Views:
    """What is looked at."""

    desk: Desk
    told: Told

    async def folder(self, request: Request) -> Response:
        """``/mail/FOLDER?first=N&m=KEY``; ``since``: a moment, for :meth:`_came`."""
        return await self._list(request, Listing(Folder(request.path_params["folder"].strip("/"))))

    async def search(self, request: Request) -> Response:
        """``/search?q=…&in=FOLDER&first=N&m=KEY``"""
        asked = request.query_params
        return await self._list(
            request, Listing.search(asked.get("q", "").strip(), asked.get("in", ""))
        )

    async def message(self, request: Request) -> Response:
        """``/message/KEY``: where it lies now."""
        key = request.path_params["key"]
        if not is_key(key):
            raise NoSuchMessage("There is no such message.")
        row = await off_loop(self.desk.library.find, MessageKey(key))
        return RedirectResponse(Listing(row.folder).url(opened=key), status_code=303)

    async def status(self, request: Request) -> Response:
        """What each account is doing. Scripts take the sidebar and the status line from here: *here* says on which
        page these stand.
        """
        here = request.query_params.get("here", request.scope["path"])
        return await page(request, "lists/status.html", here=here)

    async def _list(self, request: Request, listing: Listing) -> Response:
        first = _number(request.query_params.get("first", ""))
        moment = self.desk.library.moment  # before the list: what comes in between is not seen
        part = await off_loop(self._part, listing, first)
        hits = await off_loop(listing.hits, self.desk.library, part.rows)
        came = await off_loop(self._came, listing, part, request.query_params.get("since", ""))
        folders = await off_loop(self.desk.library.folders)
        opened = await self._opened(request, listing, part.words)
        reading = self.desk.library.reading_in
        return await page(
            request,
            "lists/list.html",
            listing=listing,
            part=part,
            hits=hits,
            moment=moment,
            came=came,
            folders=folders,
            step=PAGE,
            name=name_of(listing, part, folders),
            empty=empty_of(
                listing,
                folders,
                accounts=bool(self.desk.collector.statuses()),
                reading=reading is not None,
            ),
            reading=reading,
            hints=HINTS,
            at_once=AT_ONCE,
            fixed={"inbox": INBOX, "sent": SENT, "trash": TRASH},
            searched_in=listing.within or listing.folder,
            done=self.told.recall(request.query_params.get("done", "")),
            **opened,
        )

    def _part(self, listing: Listing, first: int) -> Page:
        """Rows from *first* on; the last ones if it is beyond them."""
        if listing.folder is None and not listing.query:
            return Page((), 0, 0)
        part = listing.page(self.desk.library, first)
        if not part.rows and first and part.total:
            return listing.page(self.desk.library, (part.total - 1) // PAGE * PAGE)
        return part

    def _came(self, listing: Listing, part: Page, since: str) -> frozenset[MessageKey]:
        """Rows of what has come since a script has chosen all of the list."""
        try:
            seen = Seen.at(moment_of(since), listing, self.desk.library)
        except TooOld:  # who acts on that choice is told
            return frozenset()
        return seen.new_among(part.rows, self.desk.library)

    async def _opened(
        self, request: Request, listing: Listing, words: Sequence[str]
    ) -> dict[str, Any]:
        """What the pane shows."""
        key = request.query_params.get("m", "")
        row = await off_loop(self._find, key) if key else None
        if row is None:
            return {"opened": None, "gone": bool(key)}
        try:
            context = await thread_context(request, row.key, words)
        except NoSuchMessage:
            return {"opened": None, "gone": True}
        elsewhere = "" if _may_list(listing, context["thread"]) else place(row.folder)
        return context | {"opened": row, "gone": False, "elsewhere": elsewhere}

    def _find(self, key: str) -> Row | None:
        if not is_key(key):
            return None
        try:
            return self.desk.library.find(MessageKey(key))
        except NoSuchMessage:
            return None


def _may_list(listing: Listing, thread: Thread) -> bool:
    """Whether *listing* may have a message of *thread*; False: what is open has been filed elsewhere."""
    rows = (thread.opened.row, *(one.row for one in (*thread.before, *thread.after)))
    return thread.left_out > 0 or any(listing.may_hold(row.folder) for row in rows)


def _number(text: str) -> int:
    """A place in a list; 0 for what is none."""
    plain = text.isascii() and text.isdigit() and len(text) <= len(str(_FURTHEST))
    return min(int(text), _FURTHEST) if plain else 0

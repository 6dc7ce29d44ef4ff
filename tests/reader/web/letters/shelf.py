"""A library of messages in memory, and a visitor who opens them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pillarbox.reader.errors import NoSuchMessage
from pillarbox.reader.mail.summary import summarise
from pillarbox.reader.model import INBOX, Flag, Folder, MessageKey, Row
from pillarbox.reader.preferences import Preferences
from pillarbox.reader.web.features.letters.context import thread_context
from pillarbox.reader.web.pages import page
from tests.reader.desk import Quiet, inside, make_desk, site_of


def key_of(name: str) -> MessageKey:
    """22 characters."""
    return MessageKey(name.replace(".", "-")[:22].ljust(22, "_"))


class Shelf(Quiet):
    """All messages are of one thread."""

    def __init__(self, messages: Mapping[str, bytes]) -> None:
        self._messages = {key_of(name): data for name, data in messages.items()}
        assert len(self._messages) == len(messages)
        self._rows: dict[MessageKey, Row] = {}

    def find(self, key: MessageKey) -> Row:
        if key not in self._rows:
            self._rows[key] = self._row(key)
        return self._rows[key]

    def _row(self, key: MessageKey) -> Row:
        summary = summarise(self.read(key))
        return Row(
            key=key,
            folder=Folder(f"{INBOX}/work"),
            subject=summary.subject,
            sender=summary.sender,
            to=summary.to,
            date=summary.date or datetime(2026, 11, 3, tzinfo=UTC),
            opening=summary.opening,
            octets=summary.octets,
            flags=frozenset({Flag.SEEN}),
            attachments=bool(summary.attachments),
        )

    def thread(self, key: MessageKey) -> Sequence[Row]:
        return [self.find(each) for each in self._messages]

    def read(self, key: MessageKey) -> bytes:
        try:
            return self._messages[key]
        except KeyError:
            raise NoSuchMessage("It is not there any more.") from None


@asynccontextmanager
async def reading(messages: Mapping[str, bytes], folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A visitor at these messages; ``/open/KEY`` is the pane alone. *folder*: that of the library."""
    desk = make_desk(library=Shelf(messages), preferences=Preferences(folder / "settings.json"))
    site = site_of(desk)

    async def show(request: Request) -> Response:
        words = tuple(request.query_params.getlist("word"))
        key = MessageKey(request.path_params["key"])
        context: dict[str, Any] = await thread_context(request, key, words)
        return await page(request, "letters/thread.html", **context)

    site.router.routes.append(Route("/open/{key}", show))
    transport = httpx.ASGITransport(inside(site), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client:
        yield client

"""Who sends what the pages of the reader send, without a browser: quicker, and cut off at a moment that the test chooses."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from html import unescape
from typing import Any
from urllib.parse import quote

import httpx

from tests.postoffice import PATIENCE
from tests.reader.story.world import Reading

_CSRF = re.compile(r'<meta name="csrf" content="([^"]+)"')
_ROW = re.compile(
    r'<h2><a href="/outbox/(?P<id>[^"]+)">(?P<subject>.*?)</a></h2>.*?(?=<h2>|</ul>)', re.DOTALL
)
_DRAFT = re.compile(r"/compose/([0-9a-f]+)")
GONE = (404, 409)


class Died(Exception):
    """The reader ended while a request was under way, or before."""


class Visitor:
    """Has been let in. Each request raises :class:`Died` if there is no reply."""

    def __init__(self, client: httpx.AsyncClient, csrf: str) -> None:
        self._client = client
        self._csrf = csrf

    async def get(self, path: str) -> httpx.Response:
        return await self._asked("GET", path)

    async def post(self, path: str, /, *, script: bool = True, **fields: Any) -> httpx.Response:
        """As a script of the page does, or as its form."""
        headers = {"X-CSRF": self._csrf} | ({"HX-Request": "true"} if script else {})
        return await self._asked("POST", path, data=fields, headers=headers)

    async def upload(self, path: str, name: str, content: bytes, **fields: str) -> httpx.Response:
        """A form with a file."""
        files = {"file": (name, content)}
        return await self._asked(
            "POST", path, data=fields, files=files, headers={"X-CSRF": self._csrf}
        )

    async def empty_trash(self) -> None:
        """And say yes, if one is asked."""
        reply = await self.post("/do/empty-trash")
        assert reply.status_code == 204, reply.text
        if asked := json.loads(reply.headers["HX-Trigger"]).get("asked"):
            reply = await self.post("/do/empty-trash", sure=asked["sure"])
            assert reply.status_code == 204, reply.text
            assert "changed" in json.loads(reply.headers["HX-Trigger"])

    async def until(self, holds: Callable[[], Awaitable[bool]]) -> None:
        """Wait until that holds: it is asked first, then after each news that pages are told."""
        try:
            async with (
                asyncio.timeout(PATIENCE / 2),
                self._client.stream("GET", "/events", timeout=PATIENCE) as events,
            ):
                async for line in events.aiter_lines():
                    if line.startswith(("retry:", "event:")) and await holds():
                        return
        except httpx.TransportError as error:
            raise Died from error
        raise Died

    # What the pages say.

    async def outbox(self) -> dict[str, str]:
        """By id, what the page says of each."""
        page = (await self.get("/outbox")).text
        return {found["id"]: unescape(found[0]) for found in _ROW.finditer(page)}

    async def drafts(self) -> set[str]:
        """Ids of those that are listed."""
        return set(_DRAFT.findall((await self.get("/drafts")).text))

    async def text_of(self, draft: str) -> str | None:
        """What stands in the field of its page; None: it is no draft (any more)."""
        reply = await self.get(f"/compose/{draft}")
        if reply.status_code in GONE:
            return None
        found = re.search(
            r'<textarea[^>]*name="text"[^>]*>\n?(.*?)</textarea>', reply.text, re.DOTALL
        )
        assert found, reply.text
        return unescape(found[1])

    async def lists(self, folder: str, key: str) -> bool:
        """Whether the list of *folder* has that message."""
        return f'value="{key}"' in (await self.get(f"/mail/{quote(folder)}")).text

    async def _asked(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            return await self._client.request(method, path, **more)
        except httpx.TransportError as error:
            raise Died from error


@asynccontextmanager
async def visiting(reader: Reading) -> AsyncIterator[Visitor]:
    """Start *reader*, and come in.

    Raises:
        Died: it was killed just then: it works before anybody comes.
    """
    entrance = await reader.start()
    async with httpx.AsyncClient(
        base_url=reader.home, headers={"Origin": reader.home}, timeout=PATIENCE
    ) as client:
        try:
            await client.get(entrance)
            reply = await client.get("/settings")
        except httpx.TransportError as error:
            raise Died from error
        found = _CSRF.search(reply.text)
        assert found, reply.text
        yield Visitor(client, found[1])

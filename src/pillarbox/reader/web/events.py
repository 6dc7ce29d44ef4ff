"""News for open pages: server-sent events (WHATWG HTML, section 9.2)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from pillarbox.reader.news import (
    AccountChanged,
    DraftSaved,
    DraftsChanged,
    Item,
    Lagging,
    MailChanged,
    News,
    OutboxChanged,
)
from pillarbox.reader.web.pages import desk_of

HEARTBEAT = 20.0
"""Seconds of silence after which something is sent: a browser that has gone is noticed by that only, and proxies in between
do not give up.
"""
RETRY = 2000
"""Milliseconds after which a browser that has lost us asks again."""


def routes() -> list[BaseRoute]:
    return [Route("/events", _events)]


async def _events(request: Request) -> Response:
    after = request.query_params.get("after")
    return StreamingResponse(
        stream(desk_of(request).news, after),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def stream(
    news: News, after: str | None = None, heartbeat: float = HEARTBEAT
) -> AsyncGenerator[str]:
    """Events for one page; ends when *news* is closed. *after*: :attr:`News.told` when the page was made."""
    with news.listening() as subscription:
        yield f"retry: {RETRY}\n\n"
        if after is not None and after != str(news.told):
            yield as_event(Lagging())
        while True:
            try:
                async with asyncio.timeout(heartbeat):
                    item = await subscription.next()
            except TimeoutError:
                yield ": still here\n\n"
                continue
            if item is None:
                return
            yield as_event(item)


def as_event(item: Item) -> str:
    """One event; its data is an object in JSON, on one line."""
    match item:
        case MailChanged():
            kind, data = "mail", {"folders": sorted(item.folders), "arrived": item.arrived}
        case AccountChanged():
            state = item.status.state.value if item.status else None
            kind, data = "account", {"account": item.account, "state": state}
        case OutboxChanged():
            kind, data = "outbox", {}
        case DraftsChanged():
            kind, data = "drafts", {}
        case DraftSaved():
            kind, data = "draft", {"draft": item.draft, "version": item.version}
        case Lagging():
            kind, data = "lagging", {}
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n"

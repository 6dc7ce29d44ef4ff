"""News as server-sent events."""

from __future__ import annotations

import json

import pytest

from pillarbox.reader.model import INBOX, Collecting, Folder, Status
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
from pillarbox.reader.web.events import as_event, stream

TABLE: list[tuple[Item, str, object]] = [
    (
        MailChanged(frozenset({Folder("b"), Folder("a\n\ndata: x")}), 2),
        "mail",
        {"folders": ["a\n\ndata: x", "b"], "arrived": 2},
    ),
    (MailChanged(frozenset({INBOX})), "mail", {"folders": ["Inbox"], "arrived": 0}),
    (
        AccountChanged("work", Status("work", Collecting.OFFLINE)),
        "account",
        {"account": "work", "state": "offline"},
    ),
    (AccountChanged("work", None), "account", {"account": "work", "state": None}),
    (OutboxChanged(), "outbox", {}),
    (DraftsChanged(), "drafts", {}),
    (DraftSaved("d1", 3), "draft", {"draft": "d1", "version": 3}),
    (Lagging(), "lagging", {}),
]


@pytest.mark.parametrize(("item", "kind", "data"), TABLE)
def test_an_event_is_two_lines_whatever_is_in_it(item: Item, kind: str, data: object) -> None:
    lines = as_event(item).split("\n")
    assert lines[0] == f"event: {kind}"
    assert json.loads(lines[1].removeprefix("data: ")) == data
    assert lines[2:] == ["", ""]


async def test_a_page_hears_what_happens_until_news_are_closed() -> None:
    news = News()
    heard = stream(news)
    assert (await anext(heard)).startswith("retry: ")
    news.tell(OutboxChanged())
    assert await anext(heard) == as_event(OutboxChanged())
    news.close()
    assert [event async for event in heard] == []


async def test_what_happened_while_the_page_was_on_its_way_is_not_missed() -> None:
    """A collection of one message was over before the page listened: it said "collecting" for ever."""
    news = News()
    before = str(news.told)
    news.tell(OutboxChanged())
    with news.listening() as other:
        await other.next()
    late, on_time = stream(news, before), stream(news, str(news.told))
    await anext(late)
    assert await anext(late) == as_event(Lagging())
    await anext(on_time)
    news.tell(DraftsChanged())
    assert await anext(on_time) == as_event(DraftsChanged())
    await late.aclose()
    await on_time.aclose()


async def test_silence_is_broken_so_that_a_browser_that_has_gone_is_noticed() -> None:
    news = News()
    heard = stream(news, heartbeat=0)
    await anext(heard)
    assert (await anext(heard)).startswith(":")
    news.tell(DraftsChanged())
    await anext(heard)
    news.close()
    await heard.aclose()


async def test_who_leaves_is_forgotten() -> None:
    news = News()
    heard = stream(news)
    await anext(heard)
    await heard.aclose()
    assert not news._listeners

"""The same pages on a library as it is: files, and an index."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path

import httpx
import pytest

from pillarbox.reader.library.library import MailLibrary
from pillarbox.reader.library.opening import put_together
from pillarbox.reader.library.survey import open_index
from pillarbox.reader.model import ARCHIVE, SENT, Flag, Settings, inbox_of
from pillarbox.reader.news import News
from pillarbox.reader.preferences import Preferences
from tests.reader.desk import make_desk, visitor

WORK, HOME = inbox_of("work"), inbox_of("home")


def mail(number: int, subject: str, *, answers: int | None = None, sender: str = "ada") -> bytes:
    lines = [
        f"From: {sender.title()} <{sender}@example.org>",
        "To: bob@example.org",
        f"Subject: {subject}",
        f"Message-ID: <{number}@example.org>",
        f"Date: Fri, 27 Nov 2026 10:{number:02}:00 +0000",
        *([f"In-Reply-To: <{answers}@example.org>"] if answers else []),
        "",
        f"Text number {number}, about bicycles.",
        "",
    ]
    return "\n".join(lines).encode()


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[MailLibrary]:
    library = put_together(tmp_path / "library", News(), Settings(), open_index)
    for account in ("work", "home"):
        library.folder_of(account)
    library.add(WORK, mail(1, "Lunch"))
    library.add(SENT, mail(2, "Re: Lunch", answers=1, sender="bob"))
    library.add(WORK, mail(3, "Re: Lunch", answers=2))
    library.add(HOME, mail(4, "The <red> bicycle", sender="grace"))
    yield library
    library.close()


@pytest.fixture
async def browser(library: MailLibrary, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    preferences = Preferences(tmp_path / "settings.json")
    async with visitor(make_desk(library=library, preferences=preferences)) as client:
        yield client


def subjects(html: str) -> list[str]:
    rows = re.findall(
        r'<span class="subject" dir="auto">(.*?)</span></span>\n<span class="opening"',
        html,
        re.DOTALL,
    )
    return [unescape(re.sub(r"<span.*?</span>|<[^>]*>", "", row)) for row in rows]


async def shown(browser: httpx.AsyncClient, path: str) -> list[str]:
    reply = await browser.get(path)
    assert reply.status_code == 200, reply.text
    return subjects(reply.text)


def links(html: str) -> list[str]:
    return [unescape(link) for link in re.findall(r'class="row-link" href="([^"]*)"', html)]


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


async def test_a_day(browser: httpx.AsyncClient) -> None:
    html = (await browser.get("/mail/Inbox")).text
    assert subjects(html) == ["The <red> bicycle", "Re: Lunch"]
    assert 'title="2 messages"' in html, "a thread is one row, with what of it lies here"
    bicycle, lunch = links(html)

    pane = (await browser.get(lunch)).text
    assert "Text number 3, about bicycles." in pane
    assert "Text number 1" in pane, "the others of its thread are lines"

    key = re.search("m=([^&]+)", lunch)
    assert key
    fields = {"m": key[1], "list": "Inbox", "back": lunch}
    reply = await browser.post("/do/archive", data=fields)
    assert await shown(browser, "/mail/Inbox") == ["The <red> bicycle"]
    assert await shown(browser, "/mail/Archive") == ["Re: Lunch"]
    assert await shown(browser, "/mail/Sent") == ["Re: Lunch"]

    html = (await browser.get(reply.headers["location"])).text
    assert "Archived 2 messages." in html
    undo = re.search(r'action="(/undo/[^"]*)"', html)
    assert undo
    await browser.post(unescape(undo[1]))
    assert await shown(browser, "/mail/Inbox/work") == ["Re: Lunch"]
    assert await shown(browser, "/mail/Archive") == []
    assert await shown(browser, bicycle) == ["The <red> bicycle", "Re: Lunch"]


async def test_what_is_searched_for_is_found_and_marked(browser: httpx.AsyncClient) -> None:
    html = (await browser.get("/search?q=from:grace+bicyc")).text
    assert subjects(html) == ["The <red> bicycle"]
    assert "<mark>bicyc</mark>les" in html or "<mark>bicycles</mark>" in html
    assert await shown(browser, "/search?q=subject:lunch&in=Sent") == ["Re: Lunch"]
    assert len(await shown(browser, "/search?q=bicycles")) == 4
    assert await shown(browser, "/search?q=zebra") == []


async def test_all_that_a_search_finds_goes_to_trash_and_for_good(
    browser: httpx.AsyncClient,
) -> None:
    await browser.post("/do/delete", data={"all": "1", "q": "lunch"})
    assert await shown(browser, "/search?q=bicycles") == ["The <red> bicycle"]
    assert await shown(browser, "/mail/Trash") == ["Re: Lunch"]
    fields = {"all": "1", "list": "Trash"}
    question = (await browser.post("/do/erase", data=fields)).text
    assert "Remove 3 messages of 1 conversation for good?" in question
    sure = re.findall(r'name="sure" value="([^"]*)"', question)
    await browser.post("/do/erase", data={**fields, "sure": sure})
    assert await shown(browser, "/mail/Trash") == []


@pytest.mark.parametrize(
    ("path", "moved"),
    [
        ("/mail/Inbox", ["The <red> bicycle", "Re: Lunch", "Lunch"]),
        ("/mail/Inbox/work", ["Re: Lunch", "Lunch"]),
        ("/search?q=bicycles", ["The <red> bicycle", "Re: Lunch", "Re: Lunch", "Lunch"]),
        ("/search?q=is%3Aunread", ["The <red> bicycle", "Re: Lunch", "Re: Lunch"]),
        ("/search?q=is%3Aflagged", ["Lunch"]),
        ("/search?q=bicycles&in=Inbox/work", ["Re: Lunch", "Lunch"]),
    ],
)
async def test_all_is_as_of_when_the_page_was_made(
    browser: httpx.AsyncClient, library: MailLibrary, path: str, moved: list[str]
) -> None:
    """By a browser without scripts: what came, was moved there, marked as unread or flagged since, stays."""
    (lunch,) = [row.key for row in library.search("subject:lunch", 0, 9).rows][2:]
    library.mark([lunch], Flag.SEEN)
    library.mark([lunch], Flag.FLAGGED)
    old = library.add(ARCHIVE, mail(5, "Old"), [Flag.SEEN])
    html = (await browser.get(path)).text
    fields = dict(re.findall(r'type="hidden" name="(seen|list|q|in)" value="([^"]*)"', html))
    fields |= dict(re.findall(r'type="checkbox" name="(all)" value="([^"]*)"', html))
    library.add(WORK, mail(6, "Re: Lunch", answers=3), [Flag.FLAGGED])
    library.add(HOME, mail(7, "New"))
    library.mark([old], Flag.SEEN, on=False)
    library.mark([old], Flag.FLAGGED)
    library.mark([lunch], Flag.REPLIED)
    library.move([old], WORK)
    library.rename_folder(library.make_folder("A"), "B")
    await browser.post("/do/delete", data=fields)
    assert await shown(browser, "/search?q=in%3ATrash") == moved


async def test_all_of_a_page_that_was_made_before_the_index_is_not_taken_for_another(
    browser: httpx.AsyncClient, library: MailLibrary
) -> None:
    html = (await browser.get("/mail/Inbox")).text
    chosen = re.search(r'name="all" value="([^"]*)"', html)
    assert chosen
    library.reindex(lambda _: None)
    reply = await browser.post("/do/delete", data={"all": chosen[1], "list": "Inbox"})
    assert reply.status_code == 409
    assert "Reload the page" in reply.text
    assert len(await shown(browser, "/mail/Inbox")) == 2


async def test_an_open_message_in_trash_goes_for_good_by_its_own_button(
    browser: httpx.AsyncClient,
) -> None:
    await browser.post("/do/delete", data={"all": "1", "q": "bicycle subject:red"})
    html = (await browser.get("/search?q=in%3Aanywhere+bicycles")).text
    (link,) = [one for one, said in zip(links(html), subjects(html), strict=True) if "red" in said]
    pane = (await browser.get(link)).text.split('id="pane"')[1]
    assert 'action="/do/delete"' not in pane
    form = re.search(r'<form[^>]*action="/do/erase".*?</form>', pane, re.DOTALL)
    assert form
    fields = dict(re.findall(r'name="(m|back)" value="([^"]*)"', unescape(form[0])))
    question = (await browser.post("/do/erase", data=fields)).text
    assert "Remove 1 message for good?" in question
    sure = re.findall(r'name="sure" value="([^"]*)"', question)
    reply = await browser.post("/do/erase", data={**fields, "sure": sure})
    assert "m=" not in reply.headers["location"]
    assert "bicycle" not in str(await shown(browser, reply.headers["location"]))


@pytest.mark.parametrize("new", ["../out", "a/../../b", "/etc", ".hidden", "Inbox", "\0"])
async def test_no_message_goes_where_none_may_be(
    browser: httpx.AsyncClient, new: str, tmp_path: Path
) -> None:
    await browser.post("/do/move", data={"all": "1", "list": "Inbox", "new": new})
    assert len(await shown(browser, "/mail/Inbox")) == 2
    assert names_in(tmp_path) <= {"library", "settings.json"}

from __future__ import annotations

import html
import re
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from pillarbox.reader.library.library import MailLibrary
from pillarbox.reader.model import TRASH, Rule, inbox_of


def names(library: MailLibrary) -> list[str]:
    return [state.folder for state in library.folders()]


async def test_the_page_lists_folders(browser: httpx.AsyncClient, library: MailLibrary) -> None:
    library.add(library.make_folder("Projects/2026"), b"Subject: x\n\n")
    page = (await browser.get("/folders")).text
    assert 'href="/mail/Projects/2026"' in page
    assert "1 message" in page
    assert page.count('action="/folders/remove"') == 1, "the fixed ones cannot be removed"
    assert 'href="/export?folder=Archive"' in page


async def test_the_page_knows_how_much_news_there_had_been(browser: httpx.AsyncClient) -> None:
    """It said what had been done to folders in its place, and so looked at everything again each time it was opened."""
    assert re.search(r'<meta name="told" content="\d+">', (await browser.get("/folders")).text)


@pytest.mark.parametrize("name", ["Projects", "Projects/2026", "<b>&\"'", "家族", "a?b#c%2F"])
async def test_a_folder_is_made(
    browser: httpx.AsyncClient, library: MailLibrary, name: str
) -> None:
    reply = await browser.post("/folders", data={"path": name})
    assert reply.status_code == 303
    assert name in names(library)
    page = await browser.get(reply.headers["location"])
    assert page.status_code == 200
    assert html.escape(name, quote=False).replace('"', "&#34;").replace("'", "&#39;") in page.text


@pytest.mark.parametrize("name", ["", "..", "a/../b", ".x", "Archive", "archive", "Inbox/x", "\0"])
async def test_a_name_that_cannot_be_is_shown_with_why(
    browser: httpx.AsyncClient, library: MailLibrary, name: str
) -> None:
    before = names(library)
    reply = await browser.post("/folders", data={"path": name})
    assert reply.status_code == 422
    assert 'id="path-error"' in reply.text
    assert 'aria-invalid="true"' in reply.text
    assert names(library) == before


async def test_renaming(browser: httpx.AsyncClient, library: MailLibrary) -> None:
    library.make_folder("One")
    reply = await browser.post("/folders/rename", data={"folder": "One", "path": "Two"})
    assert reply.headers["location"] == "/folders?renamed=Two&before=One"
    assert "Two" in names(library)
    reply = await browser.post("/folders/rename", data={"folder": "Two", "path": "Sent"})
    assert reply.status_code == 422
    assert "There is a folder Sent already" in reply.text
    reply = await browser.post("/folders/rename", data={"folder": "One", "path": "Three"})
    assert reply.status_code == 422
    assert "There is no folder One any more" in reply.text


def offered(page: str) -> tuple[str, dict[str, str]]:
    """Where the form with the button for ``z`` leads, and what it says."""
    (form,) = (
        each for each in re.findall(r"<form.*?</form>", page, re.DOTALL) if 'data-key="z"' in each
    )
    fields = re.findall(r'name="(folder|path)" value="([^"]*)"', form)
    (action,) = re.findall(r'action="([^"]+)"', form)
    return action, {name: html.unescape(value) for name, value in fields}


async def test_what_was_made_can_be_taken_back(
    browser: httpx.AsyncClient, library: MailLibrary
) -> None:
    """What has come into it meanwhile goes to Trash, which can be undone, too."""
    before = names(library)
    reply = await browser.post("/folders", data={"path": 'Lunch "at" noon'})
    action, fields = offered((await browser.get(reply.headers["location"])).text)
    reply = await browser.post(action, data=fields)
    assert names(library) == before
    assert 'data-key="z"' in (await browser.get(reply.headers["location"])).text


async def test_a_new_name_can_be_taken_back(
    browser: httpx.AsyncClient, library: MailLibrary
) -> None:
    library.make_folder("One")
    library.add(library.make_folder("One/In it"), b"Subject: x\n\n")
    before = names(library)
    reply = await browser.post("/folders/rename", data={"folder": "One", "path": "Two & a half"})
    action, fields = offered((await browser.get(reply.headers["location"])).text)
    reply = await browser.post(action, data=fields)
    assert names(library) == before
    assert offered((await browser.get(reply.headers["location"])).text)[1]["path"] == "Two & a half"


@pytest.mark.parametrize(
    "query", ["made=none", "made=Archive", "renamed=none&before=x", "renamed=One&before=One"]
)
async def test_nothing_is_offered_that_cannot_be_taken_back(
    browser: httpx.AsyncClient, library: MailLibrary, query: str
) -> None:
    library.make_folder("One")
    assert 'data-key="z"' not in (await browser.get(f"/folders?{query}")).text


async def test_removing_says_what_became_of_it_and_offers_to_undo(
    browser: httpx.AsyncClient, library: MailLibrary
) -> None:
    key = library.add(library.make_folder("One"), b"Subject: x\n\n")
    reply = await browser.post("/folders/remove", data={"folder": "One"})
    assert reply.status_code == 303
    assert library.find(key).folder == TRASH
    page = (await browser.get(reply.headers["location"])).text
    assert "1 message went to Trash" in page
    change = parse_qs(urlsplit(reply.headers["location"]).query)["change"][0]
    assert f'action="/undo/{change}"' in page
    assert 'data-key="z"' in page
    assert library.undo(change) is not None
    assert library.find(key).folder == "One"


@pytest.mark.parametrize("folder", ["Sent", "Inbox/work", "none", ""])
async def test_what_cannot_be_removed(
    browser: httpx.AsyncClient, library: MailLibrary, folder: str
) -> None:
    before = names(library)
    reply = await browser.post("/folders/remove", data={"folder": folder})
    assert reply.status_code in {404, 409}
    assert names(library) == before


async def test_the_inbox_of_an_account_that_is_gone_is_removed_and_comes_back(
    browser: httpx.AsyncClient, library: MailLibrary
) -> None:
    library.folder_of("old")
    key = library.add(inbox_of("old"), b"Subject: x\n\n")
    page = (await browser.get("/folders")).text
    assert "There is no account old any more: this was its inbox." in page
    assert page.count('action="/folders/remove"') == 1, "that of work cannot be removed"
    reply = await browser.post("/folders/remove", data={"folder": "Inbox/old"})
    assert "Inbox/old" not in names(library)
    assert library.find(key).folder == TRASH
    assert library.undo(parse_qs(urlsplit(reply.headers["location"]).query)["change"][0])
    assert library.find(key).folder == "Inbox/old"


async def test_the_inbox_of_an_account_that_is_gone_gets_another_name_and_its_own_again(
    browser: httpx.AsyncClient, library: MailLibrary
) -> None:
    library.folder_of("old")
    library.rules.save([Rule("r", sender="ann", move_to=inbox_of("old"))])
    key = library.add(inbox_of("old"), b"Subject: x\n\n")
    form = {"folder": "Inbox/old", "path": "Before"}
    reply = await browser.post("/folders/rename", data=form)
    assert library.find(key).folder == "Before"
    assert library.rules.all()[0].move_to == "Before"
    action, fields = offered((await browser.get(reply.headers["location"])).text)
    await browser.post(action, data=fields)
    assert library.find(key).folder == "Inbox/old"
    for other in ("Inbox/work", "Inbox/new one"):
        form = {"folder": "Inbox/old", "path": other}
        assert (await browser.post("/folders/rename", data=form)).status_code == 422


async def test_words_in_the_url_do_nothing_by_themselves(browser: httpx.AsyncClient) -> None:
    query = {"removed": "<script>", "change": '"><x', "messages": "9" * 50}
    page = await browser.get("/folders", params=query)
    assert page.status_code == 200
    assert "<script>" not in page.text
    assert '"><x' not in page.text


async def test_exports(browser: httpx.AsyncClient, library: MailLibrary) -> None:
    folder = library.make_folder("A/B c")
    key = library.add(folder, b"Subject: a/b: \xc3\xa9\n\ntext\n")
    page = await browser.get("/export", params={"folder": folder})
    assert "<option selected>A/B c</option>" in page.text
    for form, start in (("mbox", b"From "), ("zip", b"PK"), ("tar", b"B c/"), ("odd", b"From ")):
        reply = await browser.get("/export/file", params={"folder": folder, "form": form})
        assert reply.content.startswith(start)
        assert "attachment; filename*=UTF-8''A-B%20c." in reply.headers["content-disposition"]
    reply = await browser.get(f"/export/message/{key}")
    assert reply.content == b"Subject: a/b: \xc3\xa9\r\n\r\ntext\r\n"
    assert reply.headers["content-disposition"].endswith(".eml")
    assert (await browser.get("/export/file", params={"folder": "none"})).status_code == 404
    assert (await browser.get("/export/message/none")).status_code == 404


@pytest.mark.parametrize("path", ["/folders?removed=x&messages=", "/rules?applied="])
@pytest.mark.parametrize("number", ["9" * 5_000, "-1", "x", "²", "٣"])
async def test_a_number_in_the_url_that_is_none_breaks_no_page(
    browser: httpx.AsyncClient, path: str, number: str
) -> None:
    assert (await browser.get(path + number)).status_code == 200

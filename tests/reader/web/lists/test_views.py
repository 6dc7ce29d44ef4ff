"""The pages of lists, as a browser without scripts has them."""

from __future__ import annotations

import re
from html import unescape

import pytest

from pillarbox.reader.model import (
    ARCHIVE,
    INBOX,
    SENT,
    TRASH,
    Collecting,
    Flag,
    Folder,
    Hit,
    Progress,
    Status,
    Where,
)
from tests.reader.desk import make_desk, visitor
from tests.reader.web.lists.library import WORK, MemoryLibrary, key, letter

SEEN = frozenset({Flag.SEEN})
HOSTILE = "<script>alert(1)</script> & \"quoted\" 'single' </title>"


class Statuses:
    def __init__(self, *statuses: Status) -> None:
        self._statuses = statuses

    def statuses(self) -> tuple[Status, ...]:
        return self._statuses


AT_WORK = Statuses(Status("work", Collecting.DONE))


async def get(
    path: str,
    library: MemoryLibrary | None = None,
    *,
    status: int = 200,
    collector: Statuses = AT_WORK,
) -> str:
    desk = make_desk(library=library or MemoryLibrary(), collector=collector)
    async with visitor(desk) as browser:
        reply = await browser.get(path)
    assert reply.status_code == status, reply.text
    return reply.text


def rows_of(html: str) -> list[str]:
    return re.findall(r'<li class="row.*?</li>', html, re.DOTALL)


def heading(html: str) -> str:
    found = re.search(r"<h1>(.*?)</h1>", html)
    assert found
    return unescape(found[1])


async def test_a_row_shows_what_one_chooses_by() -> None:
    library = MemoryLibrary(
        [letter(1, flags=frozenset({Flag.FLAGGED, Flag.REPLIED}), attachments=True)]
    )
    (row,) = rows_of(await get("/mail/Inbox", library))
    assert "Ada Lovelace" in row
    assert "Subject 1" in row
    assert "Opening of 1" in row
    assert 'aria-label="Flagged"' in row
    assert 'aria-label="Answered"' in row
    assert 'aria-label="With attachments"' in row
    assert "2025-10-23" in row
    assert "Thursday, 23 October 2025, " in row
    assert f'href="/mail/Inbox?m={key(1)}"' in row
    assert f'name="m" value="{key(1)}"' in row


@pytest.mark.parametrize("seen", [True, False])
async def test_unread_is_said_and_not_only_shown(seen: bool) -> None:
    library = MemoryLibrary([letter(1, flags=SEEN if seen else frozenset())])
    (row,) = rows_of(await get("/mail/Inbox", library))
    assert ('<span class="hidden">Unread.</span>' in row) is not seen


async def test_a_thread_is_one_row_with_the_number_of_its_messages() -> None:
    library = MemoryLibrary([letter(1, thread=7), letter(2, thread=7, flags=SEEN), letter(3)])
    first, second = rows_of(await get("/mail/Inbox/work", library))
    assert "Subject 3" in first
    assert 'title="2 messages"' in second
    assert "Unread." in second


async def test_sent_shows_to_whom() -> None:
    library = MemoryLibrary([letter(1, SENT), letter(2, SENT, to=())])
    nobody, bob = rows_of(await get("/mail/Sent", library))
    assert "bob@example.org" in bob
    assert "Ada" not in bob
    assert "nobody" in nobody


async def test_a_message_without_subject_and_sender_has_words_for_both() -> None:
    empty = letter(1, subject="", sender=letter(1).sender.__class__("", ""), opening="")
    (row,) = rows_of(await get("/mail/Inbox", MemoryLibrary([empty])))
    assert "No subject" in row
    assert "Unknown sender" in row


async def test_hostile_texts_are_only_texts() -> None:
    rows = [
        letter(1, Folder("a <b> & c"), subject=HOSTILE, opening=HOSTILE),
        letter(2, subject=HOSTILE, sender=letter(1).sender.__class__(HOSTILE, "x")),
    ]
    library = MemoryLibrary(rows, folders=["a <b> & c", HOSTILE.replace("/", "|")])
    for path in (
        "/mail/Inbox",
        f"/mail/Inbox?m={key(2)}",
        "/mail/a%20%3Cb%3E%20&%20c",
        "/search?q=script",
        "/search?q=<script>&in=<b>",
        "/search?q=%22%3E%3Cscript%3E",
    ):
        html = await get(path, library)
        assert "<script>alert" not in html
        assert "<b> & c" not in html
        assert '"><script' not in html


async def test_a_folder_with_any_name_can_be_opened_from_the_sidebar() -> None:
    name = "50% off? #1/Ü & <b>"
    library = MemoryLibrary([letter(1, Folder(name))], folders=[name])
    html = await get("/mail/Inbox", library)
    links = [unescape(link) for link in re.findall(r'href="(/mail/[^"]*)"', html)]
    (link,) = (link for link in links if "50" in link)
    html = await get(link, library)
    assert heading(html) == "50% off? #1 / Ü & <b>"
    assert len(rows_of(html)) == 1
    current = re.search(r'<a [^>]*aria-current="page"[^>]*>', html)
    assert current
    assert unescape(current[0]).count(link) == 1


@pytest.mark.parametrize(
    ("path", "title", "about"),
    [
        ("/mail/Inbox", "All inboxes", "2 messages, 1 unread"),
        ("/mail/Inbox/work", "work", "2 messages, 1 unread"),
        ("/mail/Archive", "Archive", "1 message, 1 unread"),
        ("/mail/Projects/2026", "Projects / 2026", ""),
        ("/search?q=subject", "Search", "3 messages"),
        ("/search?q=nowhere", "Search", "Nothing found"),
        ("/search", "Search", "Type what you are looking for."),
    ],
)
async def test_what_a_list_is_called(path: str, title: str, about: str) -> None:
    rows = [letter(1), letter(2, flags=SEEN), letter(3, ARCHIVE)]
    html = await get(path, MemoryLibrary(rows, folders=["Projects/2026"]))
    assert heading(html) == title
    assert f'id="about">{about}</p>' in html


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/mail/Inbox", "Nothing waiting."),
        ("/mail/Inbox/work", "Nothing waiting."),
        ("/mail/Trash", "Trash is empty."),
        ("/mail/Archive", "No messages here."),
        ("/search?q=zebra", "Nothing has “zebra”."),
        ("/search?q=zebra+in:anywhere", "Nothing has “zebra in:anywhere”."),
        ("/search?q=zebra&in=Trash", "No message in Trash has “zebra”."),
        ("/search?q=zebra&in=Inbox%2Fwork", "No message in work has “zebra”."),
    ],
)
async def test_what_is_said_when_there_is_nothing(path: str, says: str) -> None:
    html = unescape(await get(path))
    assert says in html
    assert not rows_of(html)


async def test_a_search_says_that_trash_was_not_searched_where_it_was_not() -> None:
    says = "Trash was not searched."
    assert says in await get("/search?q=zebra")
    for query in ("zebra&in=Trash", "zebra+in:anywhere", "In:Trash+zebra"):
        assert says not in await get(f"/search?q={query}")


@pytest.mark.parametrize("path", ["/mail/Inbox", "/mail/Archive", "/search?q=zebra"])
async def test_while_mail_is_read_in_nobody_is_told_that_there_is_none(path: str) -> None:
    library = MemoryLibrary()
    library.reading_in = Progress(0, 0)
    html = await get(path, library)
    assert "reads your mail in for the first time." in html
    library.reading_in = Progress(1200, 100_000)
    html = await get(path, library)
    assert "1,200 of 100,000 messages" in html
    assert '<progress max="100000" value="1200"' in html
    for wrong in ("Nothing waiting", "Nothing has", "No message"):
        assert wrong not in html


async def test_what_is_there_is_listed_while_the_rest_is_read_in() -> None:
    library = MemoryLibrary([letter(1)])
    library.reading_in = Progress(1, 2)
    html = await get("/mail/Inbox", library)
    assert len(rows_of(html)) == 1
    assert "1 of 2 messages" in html


@pytest.mark.parametrize(
    ("path", "wider"),
    [
        ("/search?q=zebra", ["/search?q=zebra&in=Trash"]),
        ("/search?q=zebra&in=Archive", ["/search?q=zebra", "/search?q=zebra&in=Trash"]),
        ("/search?q=zebra&in=Trash", ["/search?q=zebra"]),
    ],
)
async def test_a_search_without_hits_offers_a_wider_one(path: str, wider: list[str]) -> None:
    html = unescape(await get(path))
    empty = html[html.index('id="nothing"') :]
    assert re.findall(r'href="(/search[^"]*)"', empty) == wider


async def test_without_an_account_the_inbox_leads_to_the_wizard() -> None:
    html = await get("/mail/Inbox", collector=Statuses())
    assert 'href="/accounts/new"' in html


async def test_the_first_collection_shows_how_far_it_is() -> None:
    running = Status("work", Collecting.RUNNING, arrived=12, expected=48)
    html = await get("/mail/Inbox", collector=Statuses(running))
    empty = html[html.index('id="nothing"') :]
    assert "collecting, 12 of 48" in empty
    assert '<progress max="1" value="0.25"' in empty


async def test_a_page_in_the_middle_of_many() -> None:
    library = MemoryLibrary(letter(number) for number in range(12_000))
    html = await get("/mail/Inbox?first=10000", library)
    rows = rows_of(html)
    assert len(rows) == 50
    assert 'aria-posinset="10001"' in rows[0]
    assert 'aria-setsize="12000"' in rows[0]
    assert "Subject 1999" in rows[0]
    assert 'href="/mail/Inbox?first=9950"' in html
    assert 'href="/mail/Inbox?first=10050"' in html
    assert "10,001\N{EN DASH}10,050 of 12,000" in html
    assert f"first=10000&amp;m={key(1999)}" in rows[0]


@pytest.mark.parametrize(
    ("first", "place"),
    [
        ("-1", 1),
        ("x", 1),
        ("", 1),
        ("²", 1),
        ("9" * 30, 1),
        ("999999", 101),
        ("100", 101),
        ("7", 8),
    ],
)
async def test_any_place_leads_to_some_rows(first: str, place: int) -> None:
    library = MemoryLibrary(letter(number) for number in range(120))
    html = await get(f"/mail/Inbox?first={first}", library)
    assert f'aria-posinset="{place}"' in rows_of(html)[0]


async def test_what_is_searched_for_is_marked() -> None:
    library = MemoryLibrary([letter(1, subject="Red <Bicycle> bicycles")])
    (row,) = rows_of(await get("/search?q=bicycle", library))
    assert "Red &lt;<mark>Bicycle</mark>&gt; <mark>bicycle</mark>s" in row
    assert "work" in row


async def test_a_row_shows_where_it_was_found() -> None:
    library = MemoryLibrary([letter(4), letter(3), letter(2), letter(1)])
    library.places = {
        key(4): Hit(("…a <b> subject here… and", "another"), ()),
        key(3): Hit((), ((Where.FILE, "subject.pdf"), (Where.SENDER, "a@subject"))),
        key(2): Hit(("…my subject",), ((Where.RECIPIENT, "Subject"),)),
    }
    rows = rows_of(await get("/search?q=subject", library))
    openings = [
        re.sub(r"\s+", " ", found)
        for row in rows
        for found in re.findall(r'<span class="opening" dir="auto">(.*?)</span>', row, re.DOTALL)
    ]
    assert [opening.strip() for opening in openings] == [
        "…a &lt;b&gt; <mark>subject</mark> here… and <bdi>another</bdi>",
        "File: <bdi><mark>subject</mark>.pdf</bdi> · From: <bdi>a@<mark>subject</mark></bdi> · <bdi>Opening of 3</bdi>",
        "To: <bdi><mark>Subject</mark></bdi> · <bdi>…my <mark>subject</mark></bdi>",
        "Opening of 1",
    ]


async def test_a_list_of_a_folder_asks_for_nothing_that_was_found() -> None:
    library = MemoryLibrary([letter(1)])
    library.places = {key(1): Hit(("…what was searched for",), ())}
    assert "searched for" not in await get("/mail/Inbox", library)


async def test_a_search_is_kept_in_its_box_and_says_where() -> None:
    html = await get("/search?q=%22a%20b%22&in=Archive")
    assert 'value="&#34;a b&#34;"' in html
    assert '<input type="radio" name="in" value="Archive" checked>' in html


async def test_a_folder_that_is_not_there() -> None:
    html = await get("/mail/Nowhere", status=404)
    assert "There is no folder Nowhere." in html


async def test_an_open_message_is_current_in_the_list() -> None:
    library = MemoryLibrary([letter(1), letter(2)])
    html = await get(f"/mail/Inbox?m={key(1)}", library)
    current = [row for row in rows_of(html) if 'aria-current="true"' in row]
    assert len(current) == 1
    assert "Subject 1" in current[0]
    assert f'data-message="{key(1)}"' in html[html.index('id="opened"') :]


@pytest.mark.parametrize("message", [key(9), "nonsense", "../../etc", "é"])
async def test_a_message_that_is_gone_is_said_in_the_pane(message: str) -> None:
    html = await get(f"/mail/Inbox?m={message}", MemoryLibrary([letter(1)]))
    assert "This message is not there any more." in html
    assert len(rows_of(html)) == 1


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/mail/Inbox", True),
        ("/mail/Sent", True),
        ("/mail/Archive", False),
        ("/search?q=subject", False),
        ("/search?q=subject&in=Inbox", True),
    ],
)
async def test_a_message_that_is_not_of_this_list_says_where_it_is(
    path: str,
    says: bool,
) -> None:
    library = MemoryLibrary([letter(1, ARCHIVE), letter(2, thread=1), letter(3, ARCHIVE)])
    html = await get(f"{path}{'&' if '?' in path else '?'}m={key(3)}", library)
    assert ("This message is in" in html) == says
    html = await get(f"/mail/Inbox?m={key(1)}", library)
    assert "This message is in" not in html, "its conversation is of this list"


async def test_a_bookmark_of_a_message_leads_to_where_it_lies() -> None:
    desk = make_desk(library=MemoryLibrary([letter(1, Folder("a/b c"))]))
    async with visitor(desk) as browser:
        reply = await browser.get(f"/message/{key(1)}")
        assert reply.status_code == 303
        assert reply.headers["location"] == f"/mail/a/b%20c?m={key(1)}"
        assert (await browser.get(f"/message/{key(2)}")).status_code == 404
        assert (await browser.get("/message/short")).status_code == 404


async def test_trash_can_be_emptied_and_its_messages_removed_for_good() -> None:
    html = await get("/mail/Trash", MemoryLibrary([letter(1, TRASH)]))
    assert 'formaction="/do/erase"' in html
    assert 'formaction="/do/empty-trash"' in html
    assert 'formaction="/do/delete"' not in html


async def test_the_sidebar_shows_folders_as_a_tree_with_what_is_unread() -> None:
    library = MemoryLibrary(
        [letter(1), letter(2, Folder("Projects/2026/May")), letter(3, TRASH)],
        folders=["Lists", "Projects", "Projects/2026/May"],
    )
    html = await get("/mail/Inbox", library)
    side = html[html.index('<nav id="folders"') : html.index("</nav>")]
    assert 'aria-current="page"' in side
    assert [unescape(link) for link in re.findall(r'data-folder="([^"]*)"', side)] == [
        *("Inbox/work", "Sent", "Archive", "Trash", "Lists", "Projects", "Projects/2026/May")
    ]
    assert re.findall(r'data-tree="([^"]*)"', side) == ["Projects", "Projects/2026"]
    # All inboxes, work, and May; and each that has May in it says so while it is closed. None for Trash.
    assert side.count('class="count"') == 5


async def test_the_status_line_has_a_sentence_for_each_account() -> None:
    statuses = Statuses(
        Status("work", Collecting.RUNNING, arrived=1, expected=4),
        Status("home", Collecting.REFUSED, problem="The password is <wrong>."),
        Status("club", Collecting.OFFLINE),
    )
    html = await get("/status", collector=statuses)
    line = html[html.index('<footer id="status"') :]
    assert "collecting, 1 of 4" in line
    assert "sign-in refused" in line
    assert "offline" in line
    assert 'title="The password is &lt;wrong&gt;."' in line
    page = html[html.index('<main id="main"') : html.index('<footer id="status"')]
    assert "The password is &lt;wrong&gt;." in page
    assert 'href="/accounts/home#sign-in"' in page
    assert re.findall(r'<li[^>]*><a href="([^"]*)"', line) == [
        *("/accounts/home", "/accounts/work", "/accounts/club")
    ]


async def test_scripts_get_the_sidebar_for_the_page_they_are_on() -> None:
    html = await get("/status?here=%2Fmail%2FSent")
    current = re.findall(r'<a class="side-item" href="([^"]*)"[^>]*aria-current', html)
    assert current == ["/mail/Sent"]


async def test_every_control_of_the_list_has_a_name() -> None:
    library = MemoryLibrary([letter(1)])
    html = await get(f"/mail/{INBOX}", library)
    for button in re.findall(r"<button(?![^>]*hidden)[^>]*>.*?</button>", html, re.DOTALL):
        assert re.sub(r"<[^>]*>", "", button).strip(), button
    assert WORK in html

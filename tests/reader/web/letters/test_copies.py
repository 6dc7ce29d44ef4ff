"""A conversation in which messages are twice: the copy in Sent, and what came back."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pillarbox.reader.copies import Placed, what_it_is, without_copies
from pillarbox.reader.library.opening import put_together
from pillarbox.reader.library.survey import open_index
from pillarbox.reader.model import (
    ARCHIVE,
    INBOX,
    SENT,
    TRASH,
    Correspondent,
    Folder,
    MessageKey,
    Row,
    inbox_of,
)
from pillarbox.reader.news import News
from pillarbox.reader.preferences import Preferences
from tests.reader.desk import make_desk, visitor

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
ALICE, BOB = "alice@example.org", "bob@example.org"
IN, OTHER = inbox_of("alice"), inbox_of("bob")


def row(key: str, folder: Folder, message_id: int, minutes: int = 0, sender: str = ALICE) -> Row:
    who, date = Correspondent("", sender), NOW + timedelta(minutes=minutes)
    return Row(MessageKey(key), folder, "", who, (), date, "", 1, message_id=message_id)


@pytest.mark.parametrize(
    ("rows", "opened", "left"),
    [
        ([row("a", SENT, 1), row("b", IN, 1), row("c", IN, 2)], "c", "bc"),
        ([row("a", SENT, 1), row("b", IN, 1)], "a", "a"),  # what is open is shown
        ([row("a", SENT, 1), row("b", IN, 1), row("c", SENT, 2)], "c", "ac"),  # of the same list
        ([row("a", IN, 1), row("b", OTHER, 1), row("c", OTHER, 2)], "c", "bc"),
        ([row("a", SENT, 1), row("b", ARCHIVE, 1), row("c", IN, 2)], "c", "bc"),
        ([row("a", IN, 1), row("b", IN, 1), row("c", SENT, 1)], "a", "ab"),  # the list has both
        ([row("a", SENT, 0), row("b", IN, 0)], "b", "ab"),  # they have no Message-ID
        ([row("a", IN, 1), row("b", OTHER, 1, sender=BOB)], "a", "ab"),  # somebody else's
        ([row("a", IN, 1), row("b", OTHER, 1, minutes=1)], "a", "ab"),
        ([], "a", ""),
    ],
)
def test_which_of_copies_are_shown(rows: list[Row], opened: str, left: str) -> None:
    messages = [
        Placed(one.folder, what_it_is(one.message_id, one.sender.address, one.date)) for one in rows
    ]
    place = "".join(one.key for one in rows).find(opened)
    found = without_copies(messages, place if rows else None)
    assert "".join(rows[each].key for each in found) == left


def message(number: int, sender: str, to: str) -> bytes:
    answers = f"In-Reply-To: <{number - 1}@x>\r\n" if number else ""
    return (
        f"From: {sender}\r\nTo: {to}\r\nSubject: Tea\r\nMessage-ID: <{number}@x>\r\n{answers}"
        f"Date: Fri, 27 Nov 2026 11:0{number}:00 +0000\r\n\r\nLine {number}.\r\n"
    ).encode()


async def test_a_conversation_with_oneself_has_each_message_once(tmp_path: Path) -> None:
    """Five messages between two accounts of one reader were nine lines above and below the open one."""
    news, preferences = News(), Preferences(tmp_path / "settings.json")
    library = put_together(tmp_path, news, preferences.settings, open_index)
    for account in ("alice", "bob"):
        library.folder_of(account)
    for number in range(4):
        pair = ((ALICE, BOB), (BOB, ALICE))[number % 2]
        sent = message(number, *pair)
        library.add(SENT, sent)
        came = b"Received: by mx.example; Fri, 27 Nov 2026 11:09:00 +0000\r\n" + sent
        last = library.add((OTHER, IN)[number % 2], came)
    desk = make_desk(library=library, filing=library, preferences=preferences, news=news)
    async with visitor(desk) as browser:
        page = (await browser.get("/mail/Inbox", params={"m": last})).text
        lines = re.findall(r'class="letter-opening" dir="auto">(Line \d)\.', page)
        assert lines == ["Line 0", "Line 1", "Line 2"]
    assert len(library.thread(last)) == 8, "all of them are still there"
    library.close()


async def test_a_conversation_has_as_many_messages_in_its_row_as_lines_when_it_is_open(
    tmp_path: Path,
) -> None:
    """What came to two accounts was counted twice by the row, and shown once."""
    news, preferences = News(), Preferences(tmp_path / "settings.json")
    library = put_together(tmp_path, news, preferences.settings, open_index)
    for account in ("alice", "bob"):
        library.folder_of(account)
    for number in range(3):
        came = message(number, "carol@example.net", f"{ALICE}, {BOB}")
        keys = [library.add(folder, came) for folder in (IN, OTHER)]
    library.add(SENT, message(3, ALICE, BOB))
    library.add(OTHER, message(3, ALICE, BOB))
    (row,) = library.page(INBOX, 0, 10).rows
    assert row.in_thread == 4
    desk = make_desk(library=library, filing=library, preferences=preferences, news=news)
    async with visitor(desk) as browser:
        page = (await browser.get("/mail/Inbox", params={"m": row.key})).text
        assert '<span class="thread-count" title="4 messages">' in page
        lines = re.findall(r'class="letter-opening" dir="auto">(Line \d)\.', page)
        assert lines == ["Line 0", "Line 1", "Line 2"], "and the open one"
    (here,) = library.page(OTHER, 0, 10).rows
    assert here.in_thread == 4
    library.move(keys[:1], TRASH)
    assert [row.in_thread for row in library.page(INBOX, 0, 10).rows] == [4]
    library.move(keys[1:], TRASH)
    assert [row.in_thread for row in library.page(INBOX, 0, 10).rows] == [3]
    library.close()

"""What a search finds, and in which order."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.reader.library.index.sqlite import COUNTED, SqliteIndex
from pillarbox.reader.model import Correspondent, Folder
from tests.reader.library.index.mail import (
    ALICE,
    ARCHIVE,
    ARRIVED,
    BOB,
    HOME,
    NOW,
    SENT,
    TRASH,
    WORK,
    bases,
    entry,
    key_of,
    summary,
)

CAROL = Correspondent('O\'Carol, "K"', "carol.smith@sub.example.com")
PROJECT = Folder("Projects/2026")
# By base name, the latest first.
MAIL = {
    "plan": (
        entry("plan", WORK),
        summary("The big plan is ready. Große Straße", days_ago=1, subject="Plans for June"),
    ),
    "answer": (
        entry("answer", SENT, "S"),
        summary("I like the plan, not the big one", days_ago=2, sender=BOB, to=(ALICE, CAROL)),
    ),
    "report": (
        entry("report", PROJECT, "FS"),
        summary(
            "see the file",
            days_ago=10,
            attachments=("Annual report.PDF", "図.png"),
            octets=6_000_000,
            sender=CAROL,
        ),
    ),
    "tokyo": (
        entry("tokyo", ARCHIVE, "RS"),
        summary("明日は東京都に行く予定です", days_ago=40, subject="会議の資料", to=()),
    ),
    "korean": (entry("korean", HOME), summary("내일 서울에서 만나요", days_ago=100)),
    "thai": (entry("thai", HOME, "P"), summary("พรุ่งนี้ไปกรุงเทพ", days_ago=200)),
    "russian": (entry("russian", HOME), summary("Счёт за июнь", days_ago=300)),
    "odd": (entry("odd", HOME), summary('100% "sure" * NOT (a OR b) C++ x_y', days_ago=400)),
    "gone": (entry("gone", TRASH), summary("the big plan is off", days_ago=500)),
}
EVERYWHERE = [name for name in MAIL if name != "gone"]


@pytest.fixture
def full(index: SqliteIndex) -> SqliteIndex:
    index.put((entry, summary, ARRIVED) for entry, summary in MAIL.values())
    return index


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("plan", ["plan", "answer"]),
        ("pla", ["plan", "answer"]),
        ("pla ", []),
        ("PLAN big", ["plan", "answer"]),
        ('"big plan"', ["plan"]),
        ('"plan big"', []),
        ('"big pl', ["plan"]),
        ("plan -ready", ["answer"]),
        ("-plan -file", ["tokyo", "korean", "thai", "russian", "odd"]),
        ('plan -"big plan"', ["answer"]),
        # Case, accents, width, ß.
        ("strasse ", ["plan"]),
        ("STRASSE ", ["plan"]),
        ("straße ", ["plan"]),
        ("grosse ", ["plan"]),
        ("zurich ", ["plan", "answer", "tokyo", "korean", "thai", "russian", "odd"]),
        ("счет", ["russian"]),
        ("\uff50\uff4c\uff41\uff4e ", ["plan", "answer"]),
        # Scripts without spaces.
        ("東京", ["tokyo"]),
        ("京都", ["tokyo"]),
        ("行く予定", ["tokyo"]),
        ("都京", []),
        ("서울", ["korean"]),
        ("กรุงเทพ", ["thai"]),
        ("資料 東京", ["tokyo"]),
        ("subject:資料", ["tokyo"]),
        # People.
        ("from:bob", ["answer"]),
        ("from:bob@example.net", ["answer"]),
        ("from:@example.net", ["answer"]),
        ("from:zür", ["plan", "tokyo", "korean", "thai", "russian", "odd"]),
        ('from:"Alice Z"', []),
        ('from:"Alice Z', ["plan", "tokyo", "korean", "thai", "russian", "odd"]),
        ("-from:alice", ["answer", "report"]),
        ("to:carol", ["answer"]),
        ("to:alice from:bob", ["answer"]),
        ("from:carol.smith", ["report"]),
        ("subject:june", ["plan"]),
        ("subject:big", []),
        # Files.
        ("filename:annual", ["report"]),
        ("filename:report.pdf", ["report"]),
        ("filename:図", ["report"]),
        ("annual", ["report"]),
        ("has:attachment", ["report"]),
        ("-has:attachment plan", ["plan", "answer"]),
        # States.
        ("is:unread", ["plan", "korean", "thai", "russian", "odd"]),
        ("is:read", ["answer", "report", "tokyo"]),
        ("-is:read plan", ["plan"]),
        ("is:flagged", ["report"]),
        ("is:answered", ["tokyo"]),
        ("is:forwarded", ["thai"]),
        # Folders.
        ("in:inbox plan", ["plan"]),
        ("in:work", ["plan"]),
        ("in:Inbox/home счёт", ["russian"]),
        ("in:projects", ["report"]),
        ("in:2026", ["report"]),
        ("in:proj", ["report"]),
        ("in:trash", ["gone"]),
        ("in:anywhere plan", ["plan", "answer", "gone"]),
        ("in:nowhere plan", []),
        ("-in:inbox plan", ["answer"]),
        ("in:sent in:work", []),
        # Dates, on 15 June 2026.
        ("on:yesterday", ["plan"]),
        ("on:2026-06-13", ["answer"]),
        ("after:2026-06-13", ["plan", "answer"]),
        ("before:2026-06-13 after:2026-06", ["report"]),
        ("older:1y", ["odd"]),
        ("newer:2d", ["plan", "answer"]),
        ("-newer:2d newer:2w", ["report"]),
        ("on:2025", ["thai", "russian", "odd"]),
        # Sizes.
        ("larger:5M", ["report"]),
        ("smaller:5M plan", ["plan", "answer"]),
        # What looks like something else.
        ("a OR b", ["odd"]),
        ("NOT", ["answer", "odd"]),
        ('"sure" *', ["odd"]),
        ("c++", ["odd"]),
        ("x_y", ["odd"]),
        ("100%", ["odd"]),
        ("(big", ["plan", "answer"]),
        ("text:plan", []),
        ("", []),
        ("*", []),
        ("from:", []),
    ],
)
def test_what_is_found(full: SqliteIndex, query: str, found: Sequence[str]) -> None:
    page = full.search(query, 0, 50, within=())
    assert bases(page, MAIL) == list(found)
    assert (page.total, page.more) == (len(found), False)


def test_a_folder_given_by_the_page_is_where_it_looks(full: SqliteIndex) -> None:
    assert bases(full.search("plan", 0, 50, within=[TRASH]), MAIL) == ["gone"]
    assert bases(full.search("plan", 0, 50, within=[WORK, SENT]), MAIL) == ["plan", "answer"]
    assert bases(full.search("plan in:sent", 0, 50, within=[WORK]), MAIL) == []
    assert bases(full.search("plan", 0, 50, within=[Folder("Nowhere")]), MAIL) == []


def test_words_to_highlight_are_folded(full: SqliteIndex) -> None:
    words = full.search('Straße -off from:Bob "Big  Plan" is:read', 0, 50, within=()).words
    assert words == ("strasse", "bob", "big plan")


def test_a_page_of_hits(full: SqliteIndex) -> None:
    page = full.search("-nothing", 2, 3, within=())
    assert bases(page, MAIL) == EVERYWHERE[2:5]
    assert (page.first, page.total) == (2, len(EVERYWHERE))


def test_hits_are_counted_as_far_as_it_matters(index: SqliteIndex) -> None:
    index.put((entry(f"{number}"), summary("same"), ARRIVED) for number in range(COUNTED + 7))
    page = index.search("same", 0, 5, within=())
    assert (len(page.rows), page.total, page.more) == (5, COUNTED + 5, True)
    page = index.search("same", COUNTED, 50, within=())
    assert (len(page.rows), page.total, page.more) == (7, COUNTED + 7, False)


def test_mail_that_is_gone_is_not_found(full: SqliteIndex) -> None:
    full.drop([key_of("plan")])
    assert bases(full.search("plan", 0, 50, within=()), MAIL) == ["answer"]


def test_mail_is_found_where_it_is_now(full: SqliteIndex) -> None:
    full.place([(key_of("plan"), entry("plan", ARCHIVE, "S"))])
    assert bases(full.search("plan in:archive is:read", 0, 50, within=()), MAIL) == ["plan"]
    (row,) = full.search("plan in:archive", 0, 50, within=()).rows
    assert (row.folder, row.seen) == (ARCHIVE, True)


def test_hostile_text_is_only_text(index: SqliteIndex) -> None:
    wild = "\x00 \ud800 '; DROP TABLE messages; -- \U0010ffff \u202e"
    person = Correspondent(wild, wild)
    index.put([(entry("wild"), summary(wild, subject=wild, sender=person, to=(person,)), ARRIVED)])
    (row,) = index.search("drop", 0, 5, within=()).rows
    assert "DROP TABLE" in row.subject
    assert index.correspondents("drop", 5) == []


def test_any_text_at_all_can_be_searched_for(tmp_path: Path) -> None:
    typing = st.text(alphabet=st.characters()) | st.lists(
        st.sampled_from(
            [*'"-*:()^{}+', "from:", "in:", "before:", "2026", "plan", " ", "NOT", "\0", "é"]
        )
    ).map("".join)
    with SqliteIndex(tmp_path / "index.db", key_of, lambda: NOW) as index:
        index.put((entry, summary, ARRIVED) for entry, summary in MAIL.values())

        @settings(max_examples=500, deadline=None)
        @given(typing)
        def check(text: str) -> None:
            page = index.search(text, 0, 10, within=())
            assert len(page.rows) == page.total <= len(MAIL)
            index.correspondents(text, 3)

        check()


def test_a_message_is_found_by_its_own_words(tmp_path: Path) -> None:
    # Letters that are younger than SQLite's tables are no letters to it.
    letters = st.characters(max_codepoint=0x04FF, categories=["L", "Nd"])
    count = itertools.count()
    with SqliteIndex(tmp_path / "index.db", key_of, lambda: NOW) as index:

        @settings(max_examples=200, deadline=None)
        @given(st.text(alphabet=letters, min_size=1))
        def check(word: str) -> None:
            base = f"{next(count)}"
            index.put([(entry(base), summary(f"before {word} after", subject=base), ARRIVED)])
            assert any(row.subject == base for row in index.search(word, 0, 1000, within=()).rows)

        check()


def test_searching_goes_on_while_mail_is_written_down(full: SqliteIndex) -> None:
    begun = threading.Event()
    found: list[int] = []

    def search() -> None:
        for _ in range(50):
            found.append(full.search("plan", 0, 50, within=[WORK]).total)
            begun.set()

    thread = threading.Thread(target=search)
    thread.start()
    begun.wait()
    for number in range(20):
        full.put([(entry(f"more {number}"), summary("another plan"), ARRIVED)])
    thread.join()
    assert found == sorted(found)
    assert full.search("plan", 0, 50, within=[WORK]).total == 21

"""What is done to messages: with scripts and without."""

from __future__ import annotations

import json
import re
from html import unescape
from itertools import count as counting
from typing import Any

import httpx
import pytest

from pillarbox.reader.model import ARCHIVE, SENT, TRASH, Flag, Folder, MessageKey
from pillarbox.reader.web.features.lists import choice
from tests.reader.desk import make_desk, visitor
from tests.reader.web.lists.library import WORK, MemoryLibrary, key, letter

SEEN = frozenset({Flag.SEEN})
SCRIPT = {"HX-Request": "true"}


async def post(
    library: MemoryLibrary, path: str, *, script: bool = False, **fields: Any
) -> httpx.Response:
    async with visitor(make_desk(library=library)) as browser:
        return await browser.post(path, data=fields, headers=SCRIPT if script else {})


async def said_after(library: MemoryLibrary, path: str, **fields: Any) -> tuple[str, str]:
    """Where a browser without scripts is sent, and what the page there says."""
    async with visitor(make_desk(library=library)) as browser:
        reply = await browser.post(path, data=fields)
        assert reply.status_code == 303, reply.text
        there = reply.headers["location"]
        html = (await browser.get(there)).text
    notice = re.search(r'id="done">\s*<p>(.*?)</p>', html)
    return there, unescape(notice[1]) if notice else ""


def changed(reply: httpx.Response) -> dict[str, str]:
    assert reply.status_code == 204, reply.text
    told: dict[str, str] = json.loads(reply.headers["HX-Trigger"])["changed"]
    return told


def where(library: MemoryLibrary, *numbers: int) -> list[str]:
    return [library.rows[key(number)].folder for number in numbers]


ACTIONS = [
    ("/do/archive", {}, ARCHIVE, "Archived 2 messages"),
    ("/do/delete", {}, TRASH, "Moved 2 messages to Trash"),
    ("/do/move", {"to": "Projects/2026"}, "Projects/2026", "Moved 2 messages to Projects / 2026"),
    ("/do/move", {"new": "Fresh"}, "Fresh", "Moved 2 messages to Fresh"),
    ("/do/move", {"new": "Fresh", "to": "Archive"}, "Fresh", "Moved 2 messages to Fresh"),
]


@pytest.mark.parametrize(("path", "fields", "to", "say"), ACTIONS)
async def test_messages_go_elsewhere_by_script_and_come_back(
    path: str, fields: dict[str, str], to: str, say: str
) -> None:
    library = MemoryLibrary([letter(1), letter(2), letter(3)], folders=["Projects/2026"])
    told = changed(await post(library, path, script=True, m=[key(1), key(2)], **fields))
    assert told["say"] == say
    assert where(library, 1, 2, 3) == [to, to, WORK]
    undone = changed(await post(library, f"/undo/{told['id']}", script=True))
    assert undone == {"id": "", "say": "Undone"}
    assert where(library, 1, 2, 3) == [WORK] * 3


@pytest.mark.parametrize(("path", "fields", "to", "say"), ACTIONS)
async def test_messages_go_elsewhere_by_a_form_and_come_back(
    path: str, fields: dict[str, str], to: str, say: str
) -> None:
    library = MemoryLibrary([letter(1), letter(2), letter(3)], folders=["Projects/2026"])
    back = f"/mail/Inbox?first=50&m={key(1)}"
    async with visitor(make_desk(library=library)) as browser:
        fields = {"back": back, **fields}
        reply = await browser.post(path, data={"m": [key(1), key(2)], **fields})
        assert reply.headers["location"] == "/mail/Inbox?first=50&done=1"
        html = (await browser.get(reply.headers["location"])).text
        assert f"<p>{say}.</p>" in html
        undo = re.search(r'action="(/undo/[^"]*)"', html)
        assert undo
        reply = await browser.post(undo[1], data={"back": "/mail/Inbox"})
        assert reply.headers["location"] == "/mail/Inbox?done=2"
        assert "<p>Undone.</p>" in (await browser.get("/mail/Inbox?done=2")).text
    assert where(library, 1, 2, 3) == [WORK] * 3


@pytest.mark.parametrize(
    ("flag", "on", "flags"),
    [
        ("seen", "1", {Flag.SEEN, Flag.FLAGGED}),
        ("S", "1", {Flag.SEEN, Flag.FLAGGED}),
        ("seen", "", {Flag.SEEN, Flag.FLAGGED}),
        ("flagged", "0", set()),
        ("F", "off", set()),
        ("F", "1", {Flag.FLAGGED}),
    ],
)
@pytest.mark.parametrize("in_url", [True, False])
async def test_marking(flag: str, on: str, flags: set[Flag], in_url: bool) -> None:
    library = MemoryLibrary([letter(1, flags=frozenset({Flag.FLAGGED}))])
    path, fields = "/do/mark", {"flag": flag, "on": on}
    if in_url:
        path, fields = f"/do/mark?flag={flag}&on={on}", {}
    reply = await post(library, path, script=True, m=key(1), **fields)
    assert reply.status_code == 204
    assert library.rows[key(1)].flags == flags


@pytest.mark.parametrize("flag", ["", "x", "T", "replied", "draft"])
async def test_a_user_marks_as_read_or_flagged_and_nothing_else(flag: str) -> None:
    library = MemoryLibrary([letter(1)])
    reply = await post(library, "/do/mark", m=key(1), flag=flag)
    assert reply.status_code == 409
    assert not library.rows[key(1)].flags


async def test_what_the_page_does_by_itself_is_not_announced() -> None:
    library = MemoryLibrary([letter(1)])
    fields = {"m": key(1), "flag": "seen", "quiet": "1", "back": "/mail/Inbox"}
    reply = await post(library, "/do/mark", script=True, **fields)
    assert reply.status_code == 204
    assert "HX-Trigger" not in reply.headers
    there, say = await said_after(library, "/do/mark", **fields)
    assert (there, say) == ("/mail/Inbox", "")


async def test_nothing_to_do_is_said_and_has_no_undo() -> None:
    library = MemoryLibrary([letter(1, ARCHIVE)])
    told = changed(await post(library, "/do/archive", script=True, m=key(1)))
    assert told == {"id": "", "say": "Nothing had to be changed"}


# A row of a folder's list stands for its thread.


def thread() -> MemoryLibrary:
    return MemoryLibrary(
        [
            letter(1, thread=7),
            letter(2, SENT, thread=7, flags=SEEN),
            letter(3, thread=7),
            letter(4),
        ],
        folders=["Other"],
    )


@pytest.mark.parametrize("in_list", ["Inbox", "Inbox/work"])
async def test_a_row_takes_its_thread_along_as_far_as_it_is_listed(in_list: str) -> None:
    library = thread()
    told = changed(await post(library, "/do/archive", script=True, m=key(3), list=in_list))
    assert told["say"] == "Archived 2 messages"
    assert where(library, 1, 2, 3, 4) == [ARCHIVE, SENT, ARCHIVE, WORK]


@pytest.mark.parametrize("fields", [{}, {"q": "subject"}])
async def test_outside_a_folders_list_a_message_is_one(fields: dict[str, str]) -> None:
    library = thread()
    await post(library, "/do/archive", script=True, m=key(3), **fields)
    assert where(library, 1, 3) == [WORK, ARCHIVE]


@pytest.mark.parametrize(
    ("flag", "on", "marked"),
    [
        ("seen", "1", [True, True]),
        ("seen", "0", [True, False]),
        ("flagged", "1", [False, True]),
        ("flagged", "0", [False, False]),
    ],
)
async def test_reading_is_of_the_thread_and_flagging_of_a_message(
    flag: str, on: str, marked: list[bool]
) -> None:
    letter_flag = Flag[flag.upper()]
    start = frozenset() if on == "1" else frozenset({letter_flag})
    library = MemoryLibrary([letter(1, thread=7, flags=start), letter(3, thread=7, flags=start)])
    await post(library, "/do/mark", script=True, m=key(3), list="Inbox", flag=flag, on=on)
    assert [letter_flag in library.rows[key(number)].flags for number in (1, 3)] == marked


# All of a list.


async def test_all_in_a_folder_but_some() -> None:
    library = MemoryLibrary(letter(number) for number in range(1200))
    fields = {"all": "1", "list": "Inbox", "but": [key(3), key(1100)]}
    told = changed(await post(library, "/do/archive", script=True, **fields))
    assert told["say"] == "Archived 1,198 messages"
    assert where(library, 3, 1100, 0, 1199) == [WORK, WORK, ARCHIVE, ARCHIVE]


@pytest.mark.parametrize("folder", ["Inbox", "Inbox/work"])
async def test_all_but_a_conversation_leaves_an_answer_to_it_that_has_come_since(
    folder: str,
) -> None:
    library = MemoryLibrary([letter(1, thread=7), letter(2), letter(3, thread=7)])
    fields = {"all": "1", "list": folder, "but": key(1)}
    told = changed(await post(library, "/do/archive", script=True, **fields))
    assert told["say"] == "Archived 1 message"
    assert where(library, 1, 2, 3) == [WORK, ARCHIVE, WORK]


@pytest.mark.parametrize("fields", [{"list": "Inbox"}, {"list": "Inbox/work"}, {"q": "subject"}])
async def test_all_is_what_was_there_when_the_page_was_made(fields: dict[str, str]) -> None:
    """What came between choosing and acting went along: nobody had seen it."""
    library = MemoryLibrary([letter(1, thread=7), letter(2), letter(3, ARCHIVE)])
    moment = library.moment
    library.rows |= {key(4): letter(4, thread=7), key(5): letter(5)}
    library.move([key(3)], WORK)
    fields |= {"all": str(moment)}
    told = changed(await post(library, "/do/delete", script=True, **fields))
    assert told["say"] == "Moved 2 messages to Trash"
    assert where(library, 1, 2, 3, 4, 5) == [TRASH, TRASH, WORK, WORK, WORK]


async def test_all_and_one_that_has_come_since() -> None:
    library = MemoryLibrary([letter(1), letter(2)])
    moment = library.moment
    library.rows |= {key(3): letter(3, thread=8), key(4): letter(4), key(5): letter(5, thread=8)}
    fields = {"all": str(moment), "but": key(2), "m": key(5), "seen": str(library.moment)}
    told = changed(await post(library, "/do/archive", script=True, list="Inbox", **fields))
    assert told["say"] == "Archived 3 messages"
    assert where(library, 1, 2, 3, 4, 5) == [ARCHIVE, WORK, ARCHIVE, WORK, ARCHIVE]


async def test_a_row_is_of_its_conversation_what_the_page_had_of_it() -> None:
    library = MemoryLibrary([letter(1, thread=7), letter(2, thread=7)])
    moment = library.moment
    library.rows[key(3)] = letter(3, thread=7)
    fields = {"list": "Inbox", "m": key(2), "seen": str(moment)}
    told = changed(await post(library, "/do/archive", script=True, **fields))
    assert told["say"] == "Archived 2 messages"
    assert where(library, 1, 2, 3) == [ARCHIVE, ARCHIVE, WORK]


async def test_marking_all_as_unread_marks_the_latest_that_was_there() -> None:
    library = MemoryLibrary(letter(number, thread=7, flags=SEEN) for number in (1, 2))
    moment = library.moment
    library.rows[key(3)] = letter(3, thread=7, flags=SEEN)
    fields = {"list": "Inbox", "all": str(moment), "flag": "seen", "on": "0"}
    await post(library, "/do/mark", script=True, **fields)
    assert [Flag.SEEN in library.rows[key(number)].flags for number in (1, 2, 3)] == [
        True,
        False,
        True,
    ]


@pytest.mark.parametrize("fields", [{"all": "99"}, {"m": key(1), "seen": "99"}])
async def test_a_page_of_which_nobody_knows_any_more_what_it_had_shown_chooses_nothing(
    fields: dict[str, str],
) -> None:
    library = MemoryLibrary([letter(1)])
    reply = await post(library, "/do/archive", script=True, list="Inbox", **fields)
    assert reply.status_code == 409
    assert "Reload the page" in json.loads(reply.headers["HX-Trigger"])["trouble"]["say"]
    assert where(library, 1) == [WORK]


async def test_all_that_a_search_finds() -> None:
    rows = [letter(number, subject="zebra" if number % 2 else "horse") for number in range(700)]
    library = MemoryLibrary([*rows, letter(700, ARCHIVE, subject="zebra")])
    told = changed(
        await post(library, "/do/delete", script=True, all="1", q="zebra", **{"in": WORK})
    )
    assert told["say"] == "Moved 350 messages to Trash"
    assert where(library, 1, 2, 700) == [TRASH, WORK, ARCHIVE]


async def test_more_than_go_at_once_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "AT_ONCE", 20)
    library = MemoryLibrary(letter(number) for number in range(30))
    told = changed(await post(library, "/do/archive", script=True, all="1", list="Inbox"))
    assert told["say"].startswith("Archived 20 messages. ")
    assert "do it again for the rest" in told["say"]
    assert where(library, 29, 10, 9) == [ARCHIVE, ARCHIVE, WORK]
    told = changed(await post(library, "/do/archive", script=True, all="1", list="Inbox"))
    assert told["say"] == "Archived 10 messages"


async def test_thousands_can_be_chosen_one_by_one() -> None:
    library = MemoryLibrary(letter(number) for number in range(3000))
    chosen = [key(number) for number in range(3000)]
    told = changed(await post(library, "/do/archive", script=True, m=chosen))
    assert told["say"] == "Archived 3,000 messages"


# What cannot be done.


@pytest.mark.parametrize(
    "fields",
    [{}, {"m": "nonsense"}, {"m": [key(9), "../x"]}, {"all": "1"}, {"all": "1", "list": "Other"}],
)
@pytest.mark.parametrize("action", ["archive", "delete", "mark?flag=seen", "erase", "move?to=x"])
async def test_no_message_is_a_clear_answer(fields: dict[str, Any], action: str) -> None:
    library = MemoryLibrary([letter(1)], folders=["Other"])
    more = {"to": "Archive"} if action.startswith("move") else {}
    reply = await post(library, f"/do/{action}", script=True, **fields, **more)
    assert reply.status_code == 409
    assert "No message was chosen" in json.loads(reply.headers["HX-Trigger"])["trouble"]["say"]
    assert where(library, 1) == [WORK]


async def test_messages_that_are_gone_are_passed_over() -> None:
    library = MemoryLibrary([letter(1)])
    told = changed(await post(library, "/do/archive", script=True, m=[key(8), key(1)]))
    assert told["say"] == "Archived 1 message"


async def test_a_folder_that_is_not_there_takes_nothing() -> None:
    library = MemoryLibrary([letter(1)])
    reply = await post(library, "/do/move", script=True, m=key(1), to="Nowhere")
    assert reply.status_code == 404
    assert where(library, 1) == [WORK]


@pytest.mark.parametrize("script", [True, False])
async def test_what_was_undone_cannot_be_undone_again(script: bool) -> None:
    library = MemoryLibrary([letter(1)])
    told = changed(await post(library, "/do/archive", script=True, m=key(1)))
    await post(library, f"/undo/{told['id']}")
    reply = await post(library, f"/undo/{told['id']}", script=script)
    assert reply.status_code == 409
    assert "cannot be undone any more" in reply.text


@pytest.mark.parametrize("back", ["//evil.example", "https://evil.example", "/\\evil.example", ""])
async def test_nobody_is_sent_to_another_site(back: str) -> None:
    library = MemoryLibrary([letter(1)])
    reply = await post(library, "/do/archive", m=key(1), back=back)
    assert reply.headers["location"].startswith("/")
    assert not reply.headers["location"].startswith(("//", "/\\"))


async def test_a_page_says_only_what_was_done() -> None:
    desk = make_desk(library=MemoryLibrary([letter(1)]))
    async with visitor(desk) as browser:
        html = (await browser.get("/mail/Inbox?done=Your+account+is+closed")).text
    assert "closed" not in re.sub("<[^>]*>", "", html)


# Where to.


async def test_moving_asks_where_and_keeps_what_was_chosen() -> None:
    library = MemoryLibrary([letter(1)], folders=["<b>", "Projects/2026"])
    reply = await post(library, "/do/move", m=[key(1)], list="Inbox", back="/mail/Inbox")
    assert reply.status_code == 200
    targets = [unescape(to) for to in re.findall(r'name="to" value="([^"]*)"', reply.text)]
    assert targets == [WORK, "Sent", "Archive", "Trash", "<b>", "Projects/2026"]
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', reply.text))
    there, say = await said_after(library, "/do/move", **hidden, to="Projects/2026")
    assert there == "/mail/Inbox?done=1"
    assert say == "Moved 1 message to Projects / 2026."


async def test_a_name_that_no_folder_can_have_is_said_at_its_field() -> None:
    library = MemoryLibrary([letter(1)], folders=["Taken"])
    reply = await post(library, "/do/move", m=key(1), new="Taken")
    assert reply.status_code == 409
    assert "There is a folder of this name." in reply.text
    assert 'value="Taken"' in reply.text
    assert f'name="m" value="{key(1)}"' in reply.text
    reply = await post(library, "/do/move", script=True, m=key(1), new="Taken")
    assert "There is a folder" in json.loads(reply.headers["HX-Trigger"])["trouble"]["say"]


# For good.


def in_trash() -> MemoryLibrary:
    """A thread of three, a message, and one in the inbox."""
    thread = [letter(number, TRASH, thread=7) for number in (1, 2, 3)]
    return MemoryLibrary([*thread, letter(4, TRASH), letter(5)])


def asked(reply: httpx.Response) -> dict[str, str]:
    assert reply.status_code == 204, reply.text
    told: dict[str, str] = json.loads(reply.headers["HX-Trigger"])["asked"]
    return told


ERASING = [
    ("erase", {"m": key(1)}, "1 message", [2, 3, 4, 5]),
    ("erase", {"m": key(3), "list": "Trash"}, "3 messages of 1 conversation", [4, 5]),
    ("erase", {"all": "1", "list": "Trash"}, "4 messages of 2 conversations", [5]),
    ("empty-trash", {}, "all 4 messages in Trash", [5]),
]


@pytest.mark.parametrize(("action", "fields", "what", "left"), ERASING)
async def test_what_cannot_be_undone_asks_first(
    action: str, fields: dict[str, Any], what: str, left: list[int]
) -> None:
    library = in_trash()
    reply = await post(library, f"/do/{action}", **fields, back="/mail/Trash")
    assert reply.status_code == 200
    assert f"<h1>Remove {what} for good?</h1>" in reply.text
    assert len(library.rows) == 5
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', reply.text))
    reply = await post(library, f"/do/{action}", **hidden)
    assert reply.status_code == 303
    assert list(library.rows) == [key(number) for number in left]


@pytest.mark.parametrize(("action", "fields", "what", "left"), ERASING)
async def test_a_script_is_told_what_to_ask(
    action: str, fields: dict[str, Any], what: str, left: list[int]
) -> None:
    library = in_trash()
    question = asked(await post(library, f"/do/{action}", script=True, **fields))
    assert question["what"] == what
    assert len(library.rows) == 5
    changed(await post(library, f"/do/{action}", script=True, **fields, sure=question["sure"]))
    assert list(library.rows) == [key(number) for number in left]


async def test_a_yes_to_some_messages_is_none_to_others() -> None:
    """A row stood for more messages than the question had spoken of, and all went for good."""
    library = in_trash()
    fields = {"all": "1", "list": "Trash"}
    first = asked(await post(library, "/do/erase", script=True, **fields))
    library.delete([key(5)])
    again = asked(await post(library, "/do/erase", script=True, **fields, sure=first["sure"]))
    assert again["what"] == "5 messages of 3 conversations"
    assert len(library.rows) == 5


@pytest.mark.parametrize("asked_for", ["since", "page", "thread"])
@pytest.mark.parametrize("fields", [{"all": "MOMENT"}, {"m": [key(2), key(3)], "seen": "MOMENT"}])
async def test_what_comes_while_messages_are_chosen_is_not_among_them(
    fields: dict[str, Any], asked_for: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It went to Trash, unread, and no list had ever shown it."""
    library = MemoryLibrary([letter(1, thread=1), letter(2, thread=1), letter(3)])
    moment, numbers = str(library.moment), counting(10)
    ask = getattr(library, asked_for)

    def come() -> None:
        number = next(numbers)
        library.rows[key(number)] = letter(number, thread=1)

    def ask_while_mail_comes(*args: Any, **more: Any) -> Any:
        come()
        found = ask(*args, **more)
        come()
        return found

    monkeypatch.setattr(library, asked_for, ask_while_mail_comes)
    fields = {name: moment if value == "MOMENT" else value for name, value in fields.items()}
    told = changed(await post(library, "/do/delete", script=True, list=WORK, **fields))
    assert told["say"] == "Moved 3 messages to Trash"
    assert where(library, 1, 2, 3) == [TRASH] * 3
    assert {row.folder for one, row in library.rows.items() if one > key(3)} <= {WORK}


async def test_only_what_is_in_trash_goes_for_good() -> None:
    library = MemoryLibrary([letter(1), letter(2, TRASH)])
    told = changed(await post(library, "/do/erase", script=True, m=key(1)))
    assert "Nothing was removed" in told["say"]
    fields = {"m": [key(1), key(2)]}
    question = asked(await post(library, "/do/erase", script=True, **fields))
    assert question["what"] == "1 message"
    changed(await post(library, "/do/erase", script=True, **fields, sure=question["sure"]))
    assert list(library.rows) == [key(1)]


@pytest.mark.parametrize("script", [True, False])
async def test_deleting_what_is_in_trash_asks_whether_it_is_to_go_for_good(script: bool) -> None:
    """Nothing had to be changed, it said: what a search had found in Trash could not be removed."""
    library = MemoryLibrary([letter(1, TRASH), letter(2, TRASH), letter(3)])
    fields = {"m": [key(1), key(2)], "q": "subject", "back": "/search?q=subject"}
    reply = await post(library, "/do/delete", script=script, **fields)
    assert len(library.rows) == 3
    if script:
        question = asked(reply)
        assert (question["action"], question["what"]) == ("erase", "2 messages")
        changed(await post(library, "/do/erase", script=True, **fields, sure=question["sure"]))
    else:
        assert 'href="/search?q=subject">Keep' in reply.text
        (action,) = re.findall(r'action="(/do/[^"]*)"', reply.text)
        sure = re.findall(r'name="sure" value="([^"]*)"', reply.text)
        there, say = await said_after(library, action, **fields, sure=sure)
        assert there.startswith("/search?q=subject")
        assert say == "Removed 2 messages for good."
    assert list(library.rows) == [key(3)]


async def test_deleting_says_how_many_are_in_trash_already() -> None:
    library = MemoryLibrary([letter(1, TRASH), letter(2)])
    fields = {"m": [key(1), key(2)], "q": "subject"}
    told = changed(await post(library, "/do/delete", script=True, **fields))
    assert told["say"] == "Moved 1 message to Trash. 1 other is there already"
    assert told["id"]


async def test_nobody_is_kept_on_another_site() -> None:
    library = in_trash()
    reply = await post(library, "/do/erase", m=key(1), back="javascript:alert(1)")
    assert 'href="/mail/Trash">Keep' in reply.text


async def test_emptying_trash_leaves_what_came_after_the_question() -> None:
    library = in_trash()
    question = asked(await post(library, "/do/empty-trash", script=True))
    library.delete([key(5)])
    library.rows[key(6)] = letter(6)
    fields = {"sure": question["sure"]}
    told = changed(await post(library, "/do/empty-trash", script=True, **fields))
    assert told["say"] == (
        "Removed 4 messages for good. 1 message stays, which you were not asked about"
    )
    assert list(library.rows) == [key(5), key(6)]
    fields = {"sure": "99"}
    asked(await post(library, "/do/empty-trash", script=True, **fields))
    assert len(library.rows) == 2


async def test_trash_is_not_emptied_by_a_yes_to_no_question() -> None:
    """Whatever was no moment was taken for now."""
    for sure in ("1", "yes"):
        library = in_trash()
        question = asked(await post(library, "/do/empty-trash", script=True, sure=sure))
        assert question["what"] == "all 4 messages in Trash"
        assert len(library.rows) == 5


async def test_an_empty_trash_is_said_to_be_empty() -> None:
    for sure in ({"sure": "1"}, {}):
        told = changed(await post(MemoryLibrary(), "/do/empty-trash", script=True, **sure))
        assert told["say"] == "Trash was empty"
    one = MemoryLibrary([letter(1, TRASH)])
    question = asked(await post(one, "/do/empty-trash", script=True))
    assert question["what"] == "1 message in Trash"


def test_keys_are_what_they_are_in_urls() -> None:
    assert choice.is_key(MessageKey("A" * 20 + "-_"))
    assert not any(map(choice.is_key, ["", "A" * 21, "A" * 23, "A" * 21 + "/", "A" * 21 + "é"]))
    assert Folder("x")

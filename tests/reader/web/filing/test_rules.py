from __future__ import annotations

import asyncio
import re
from dataclasses import replace

import httpx
import pytest

from pillarbox.reader.library.library import MailLibrary
from pillarbox.reader.model import ARCHIVE, INBOX, Flag, Folder, Rule, inbox_of
from tests.reader.desk import make_desk, visitor
from tests.reader.library.conftest import Place

WORK = inbox_of("work")
ANN = b"From: Ann <ann@example.org>\nSubject: x\n\ntext\n"
THREE = [Rule(name, sender=name, flag=True) for name in ("one", "two", "three")]


async def test_a_rule_is_made(browser: httpx.AsyncClient, library: MailLibrary) -> None:
    form = {
        "sender": " ann@ ",
        "account": ["work", "home"],
        "move_to": "Archive",
        "mark_seen": "on",
    }
    reply = await browser.post("/rules", data=form)
    assert (reply.status_code, reply.headers["location"]) == (303, "/rules")
    (rule,) = library.rules.all()
    assert rule == Rule(
        rule.id, sender="ann@", accounts=("work", "home"), move_to=ARCHIVE, mark_seen=True
    )
    page = (await browser.get("/rules")).text
    assert "ann@" in page
    assert "move to Archive, mark as read" in page


async def test_a_rule_is_changed_in_its_place(
    browser: httpx.AsyncClient, library: MailLibrary
) -> None:
    library.rules.save(THREE)
    page = (await browser.get("/rules/two")).text
    assert 'name="sender" dir="auto" maxlength="500" autocomplete="off" value="two"' in page
    await browser.post("/rules", data={"id": "two", "subject": "new", "flag": "on"})
    assert [rule.id for rule in library.rules.all()] == ["one", "two", "three"]
    assert library.rules.all()[1] == Rule("two", subject="new", flag=True)


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"flag": "on"}, "sender-error"),
        ({"sender": "  ", "flag": "on"}, "sender-error"),
        ({"sender": "ann"}, "move_to-error"),
        ({"sender": "ann", "new_folder": "Inbox/x"}, "new_folder-error"),
    ],
)
async def test_a_rule_that_says_nothing_is_not_kept(
    browser: httpx.AsyncClient, library: MailLibrary, form: dict[str, str], error: str
) -> None:
    reply = await browser.post("/rules", data=form)
    assert reply.status_code == 422
    assert f'id="{error}"' in reply.text
    assert list(library.rules.all()) == []


async def test_a_rule_makes_its_folder(browser: httpx.AsyncClient, library: MailLibrary) -> None:
    await browser.post("/rules", data={"sender": "ann", "new_folder": "Ann"})
    await browser.post("/rules", data={"sender": "amy", "new_folder": "Ann"})
    assert [rule.move_to for rule in library.rules.all()] == ["Ann", "Ann"]
    assert "Ann" in [state.folder for state in library.folders()]


async def test_a_rule_for_mail_like_this(browser: httpx.AsyncClient, library: MailLibrary) -> None:
    key = library.add(WORK, ANN)
    assert 'value="ann@example.org"' in (await browser.get(f"/rules/new?from={key}")).text
    key = library.add(WORK, b"List-Id: Talk <talk.example.org>\n" + ANN)
    page = (await browser.get(f"/rules/new?from={key}")).text
    assert "talk.example.org" in page
    assert 'value="ann@example.org"' not in page
    assert (await browser.get("/rules/new?from=none")).status_code == 404


async def test_a_message_leads_to_a_rule(browser: httpx.AsyncClient, library: MailLibrary) -> None:
    key = library.add(WORK, ANN)
    page = (await browser.get(f"/mail/Inbox/work?m={key}")).text
    assert f'href="/rules/new?from={key}"' in page


# Two tabs.


async def test_rules_that_are_made_at_once_are_all_kept(
    browser: httpx.AsyncClient, library: MailLibrary
) -> None:
    """Each read all of them, and wrote what it had read with its own."""
    names = [f"sender-{number}" for number in range(8)]
    await asyncio.gather(
        *(browser.post("/rules", data={"sender": name, "flag": "on"}) for name in names)
    )
    assert sorted(rule.sender for rule in library.rules.all()) == names


def form_of(html: str, action: str) -> dict[str, str]:
    form = re.search(rf'<form method="post" action="{action}">.*?</form>', html, re.DOTALL)
    assert form
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form[0]))


async def test_a_rule_that_another_tab_has_changed_is_not_overwritten_unasked(
    browser: httpx.AsyncClient, library: MailLibrary
) -> None:
    library.rules.save(THREE)
    mine = form_of((await browser.get("/rules/two")).text, "/rules")
    await browser.post("/rules", data={**mine, "sender": "theirs", "flag": "on"})
    typed = {"sender": "mine", "flag": "on"}
    reply = await browser.post("/rules", data={**mine, **typed, "apply": "on"})
    assert reply.status_code == 409
    assert "changed in another window" in reply.text
    assert "<dd>theirs</dd>" in reply.text
    assert 'value="mine"' in reply.text
    assert library.rules.all()[1] == Rule("two", sender="theirs", flag=True)
    mine = form_of(reply.text, "/rules")
    wrong = await browser.post("/rules", data={**mine, "flag": "on"})
    assert form_of(wrong.text, "/rules") == mine
    assert (await browser.post("/rules", data={**mine, **typed})).status_code == 303
    assert library.rules.all()[1] == Rule("two", sender="mine", flag=True)


async def test_what_was_typed_of_a_rule_that_another_tab_has_removed_is_not_lost(
    browser: httpx.AsyncClient, library: MailLibrary
) -> None:
    library.rules.save(THREE)
    mine = form_of((await browser.get("/rules/two")).text, "/rules")
    await browser.post("/rules/two/remove")
    reply = await browser.post("/rules", data={**mine, "sender": "mine", "flag": "on"})
    assert reply.status_code == 409
    assert "removed in another window" in reply.text
    assert 'value="mine"' in reply.text
    assert len(library.rules.all()) == 2
    mine = form_of(reply.text, "/rules")
    await browser.post("/rules", data={**mine, "sender": "mine", "flag": "on"})
    assert [rule.sender for rule in library.rules.all()] == ["one", "three", "mine"]


async def test_a_rule_that_was_removed_can_be_brought_back(
    browser: httpx.AsyncClient, library: MailLibrary
) -> None:
    library.rules.save(THREE)
    reply = await browser.post("/rules/two/remove")
    url = reply.headers["location"]
    page = (await browser.get(url)).text
    assert "This rule is removed" in page
    assert "<dd>two</dd>" in page
    form = re.search(r'<form [^>]*action="([^"]+)">(?:(?!</form>).)*data-key="z"', page, re.DOTALL)
    assert form
    reply = await browser.post(form[1])
    assert "The rule is there again" in (await browser.get(reply.headers["location"])).text
    assert list(library.rules.all()) == THREE
    assert 'data-key="z"' not in (await browser.get(url)).text
    assert (await browser.post("/rules/none/restore")).status_code == 409


async def test_a_rule_that_was_not_removed_is_not_said_to_be(
    browser: httpx.AsyncClient, library: MailLibrary
) -> None:
    """Whatever a link says."""
    library.rules.save(THREE)
    for said in ("removed=two", "removed=none", "restored=none"):
        page = (await browser.get(f"/rules?{said}")).text
        assert 'role="status"' not in page.partition("<main")[2].partition("</main>")[0]


@pytest.mark.parametrize("what", ["remove", "apply"])
async def test_a_rule_that_the_page_has_not_shown_is_neither_removed_nor_applied(
    browser: httpx.AsyncClient, library: MailLibrary, what: str
) -> None:
    library.rules.save(THREE)
    key = library.add(WORK, ANN)
    seen = form_of((await browser.get("/rules")).text, f"/rules/two/{what}")
    changed = [THREE[0], replace(THREE[1], sender="ann"), THREE[2]]
    library.rules.save(changed)
    reply = await browser.post(f"/rules/two/{what}", data={**seen, "folder": INBOX})
    assert "so nothing was done" in (await browser.get(reply.headers["location"])).text
    assert list(library.rules.all()) == changed
    assert not library.find(key).flags
    seen = form_of((await browser.get("/rules")).text, f"/rules/two/{what}")
    reply = await browser.post(f"/rules/two/{what}", data={**seen, "folder": INBOX})
    assert "elsewhere" not in reply.headers["location"]
    assert (len(library.rules.all()), len(library.find(key).flags)) in {(2, 0), (3, 1)}


async def test_a_rule_that_is_gone_cannot_be_applied_and_it_is_said(
    browser: httpx.AsyncClient,
) -> None:
    reply = await browser.post("/rules/two/apply")
    assert "so nothing was done" in (await browser.get(reply.headers["location"])).text


@pytest.mark.parametrize(
    ("path", "order"),
    [
        ("two/up", "two one three"),
        ("one/up", "one two three"),
        ("two/down", "one three two"),
        ("three/down", "one two three"),
        ("two/remove", "one three"),
        ("none/remove", "one two three"),
        ("two/explode", "one two three"),
    ],
)
async def test_order(
    browser: httpx.AsyncClient, library: MailLibrary, path: str, order: str
) -> None:
    library.rules.save(THREE)
    assert (await browser.post(f"/rules/{path}")).status_code == 303
    assert " ".join(rule.id for rule in library.rules.all()) == order


async def test_applied_to_what_is_there(browser: httpx.AsyncClient, library: MailLibrary) -> None:
    inbox, archive = library.add(WORK, ANN), library.add(ARCHIVE, ANN)
    library.rules.save([Rule("a", sender="ann", flag=True)])
    reply = await browser.post("/rules/a/apply", data={"folder": INBOX})
    assert library.find(inbox).flags == {Flag.FLAGGED}
    assert library.find(archive).flags == frozenset()
    page = (await browser.get(reply.headers["location"])).text
    assert "Done, for 1 message" in page
    assert 'action="/undo/' in page
    assert 'data-key="z"' in page
    reply = await browser.post("/rules/a/apply", data={"folder": INBOX})
    assert "No message there fits" in (await browser.get(reply.headers["location"])).text
    reply = await browser.post("/rules/a/apply", data={"folder": "none"})
    assert reply.status_code == 404


async def test_saved_and_applied(browser: httpx.AsyncClient, library: MailLibrary) -> None:
    key = library.add(WORK, ANN)
    form = {"sender": "ann", "new_folder": "Ann", "apply": "on"}
    reply = await browser.post("/rules", data=form)
    assert "applied=1" in reply.headers["location"]
    assert library.find(key).folder == "Ann"


async def test_a_folder_that_is_gone_is_said(
    browser: httpx.AsyncClient, library: MailLibrary
) -> None:
    library.rules.save([Rule("a", sender="x", move_to=Folder("Gone"))])
    assert "There is no folder Gone any more" in (await browser.get("/rules")).text


async def test_a_damaged_file_is_said(library: MailLibrary, place: Place) -> None:
    library.rules.save(THREE)
    (place.root / "rules.json").write_text("{")
    damaged = place.open()
    parts = {"library": damaged, "filing": damaged, "rules": damaged.rules}
    async with visitor(make_desk(**parts)) as browser:
        assert "The file with your rules is damaged" in (await browser.get("/rules")).text


async def test_what_mail_says_is_no_html(browser: httpx.AsyncClient, library: MailLibrary) -> None:
    library.rules.save([Rule("a", sender="<script>alert(1)</script>", flag=True)])
    for path in ("/rules", "/rules/a"):
        assert "<script>alert" not in (await browser.get(path)).text


async def test_a_rule_for_an_account_that_is_gone_says_so(
    browser: httpx.AsyncClient, library: MailLibrary
) -> None:
    library.rules.save([Rule("r", accounts=("old",), flag=True)])
    page = (await browser.get("/rules")).text
    assert "There is no account old any more, so this rule fits no mail that comes in." in page
    library.rules.save([Rule("r", accounts=("old", "work"), flag=True)])
    page = (await browser.get("/rules")).text
    assert "There is no account old any more, so the rule is for the others only." in page
    library.rules.save([Rule("r", accounts=("home", "work"), flag=True)])
    assert "any more" not in (await browser.get("/rules")).text

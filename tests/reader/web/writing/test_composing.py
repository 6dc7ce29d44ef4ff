"""The page of a draft, as a browser without scripts, and as the page's own script."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from typing import Any, cast

import httpx
import pytest

from pillarbox.reader.errors import NoSuchDraft
from pillarbox.reader.model import Draft, Identity
from tests.reader.compose.people import HOME, WORK, FixedAccounts
from tests.reader.compose.test_writing import PICTURES
from tests.reader.web.writing.conftest import SCRIPT, Bench

HTML = (
    b"From: Ada <ada@x.example>\nTo: max@work.example\nSubject: Tea\nMessage-ID: <2@x.example>\n"
    b"Content-Type: text/html\n\n<p>Tea <b>now</b></p>"
)

_SENT = re.compile(
    r'<input(?! type="checkbox"(?![^>]* checked))[^>]* name="(\w+)"[^>]*? value="([^"]*)"'
)


def fields_of(page: str) -> dict[str, str]:
    """What the form of a page would send: of boxes those that are checked."""
    found = {name: html.unescape(value) for name, value in _SENT.findall(page)}
    (text,) = re.findall(r"<textarea[^>]*>\n(.*?)</textarea>", page, re.DOTALL)
    found["text"] = html.unescape(text).replace("\n", "\r\n")
    chosen = re.findall(r'<option value="(\w+)" selected', page)
    return found | ({"account": chosen[0]} if chosen else {})


async def posted(bench: Bench, path: str, data: dict[str, str], **options: Any) -> httpx.Response:
    """As the form does: multipart."""
    parts = [(name, (None, value)) for name, value in data.items()]
    return await bench.browser.post(path, files=parts, **options)


async def test_write_leads_to_a_page_that_shows_the_draft(bench: Bench) -> None:
    reply = await bench.browser.post(
        "/compose", headers={"Referer": "http://127.0.0.1:8080/mail/Sent?first=50"}
    )
    draft = bench.opened(reply)
    assert bench.drafts.all() == []  # nobody has typed yet
    assert reply.headers["location"] == f"/compose/{draft.id}?back=%2Fmail%2FSent%3Ffirst%3D50"
    page = await bench.browser.get(reply.headers["location"])
    fields = fields_of(page.text)
    assert fields["back"] == "/mail/Sent?first=50"
    assert fields["text"].replace("\r\n", "\n") == draft.text
    assert fields["account"] == "work"


async def test_what_is_typed_is_kept_by_either_button(bench: Bench) -> None:
    draft = bench.begun()
    fields = fields_of((await bench.browser.get(f"/compose/{draft.id}")).text)
    fields |= {
        "to": '"L, A" <a@x.example>',
        "subject": "<b>",
        "text": "\r\nHi & bye\r\n",
        "account": "home",
    }
    reply = await posted(bench, f"/compose/{draft.id}/save", fields)
    assert (reply.status_code, reply.headers["location"]) == (303, f"/compose/{draft.id}?saved=")
    kept = bench.drafts.find(draft.id)
    assert (kept.to, kept.subject, kept.text) == ('"L, A" <a@x.example>', "<b>", "\nHi & bye\n")
    again = fields_of((await bench.browser.get(reply.headers["location"])).text)
    assert again["text"] == fields["text"]
    assert again["to"] == fields["to"]


async def test_saving_by_script_tells_the_next_version(bench: Bench) -> None:
    draft = bench.begun()
    data = {"version": "1", "text": "one"}
    reply = await bench.browser.post(f"/compose/{draft.id}/save", data=data, headers=SCRIPT)
    assert reply.json() == {"version": 2, "text": "one"}
    data["text"] = "two"
    reply = await bench.browser.post(f"/compose/{draft.id}/save", data=data, headers=SCRIPT)
    assert reply.status_code == 409
    assert "another tab" in reply.headers["HX-Trigger"]


async def test_two_tabs_without_scripts_lose_nothing(bench: Bench) -> None:
    draft = bench.begun()
    fields = fields_of((await bench.browser.get(f"/compose/{draft.id}")).text)
    await posted(bench, f"/compose/{draft.id}/save", fields | {"text": "first tab"})
    reply = await posted(bench, f"/compose/{draft.id}/save", fields | {"text": "second tab"})
    assert reply.status_code == 409
    assert "another tab" in reply.text
    assert bench.drafts.find(draft.id).text == "first tab"
    kept = fields_of(reply.text)
    assert kept["text"] == "second tab"
    await posted(bench, f"/compose/{draft.id}/save", kept)  # knowingly
    assert bench.drafts.find(draft.id).text == "second tab"


async def test_sending_without_scripts_leads_to_where_it_can_be_taken_back(bench: Bench) -> None:
    draft = bench.begun(to="ada@x.example", subject="Tea", text="Now?")
    fields = fields_of((await bench.browser.get(f"/compose/{draft.id}?back=/mail/Sent")).text)
    reply = await posted(bench, f"/compose/{draft.id}/send", fields)
    ((outgoing, parcel),) = bench.outbox.parcels.items()
    assert (reply.status_code, reply.headers["location"]) == (303, f"/outbox/{outgoing}")
    assert parcel.recipients == ("ada@x.example",)
    gone = await bench.browser.get(f"/compose/{draft.id}")
    assert gone.status_code == 404


async def test_what_cannot_be_taken_back_leads_to_where_one_was(bench: Bench) -> None:
    bench.desk.settings.hold_seconds = 0
    draft = bench.begun(to="ada@x.example", subject="Tea", text="Now?")
    fields = fields_of((await bench.browser.get(f"/compose/{draft.id}?back=/mail/Sent")).text)
    reply = await posted(bench, f"/compose/{draft.id}/send", fields)
    assert (reply.status_code, reply.headers["location"]) == (303, "/mail/Sent")


async def test_sending_by_script_tells_how_to_take_it_back(bench: Bench) -> None:
    draft = bench.begun(to="ada@x.example", subject="Tea", text="Now?")
    reply = await bench.browser.post(
        f"/compose/{draft.id}/send", data={"version": "1"}, headers=SCRIPT
    )
    (outgoing,) = bench.outbox.parcels
    assert reply.json() == {"id": outgoing, "back": "/", "hold": 10.0}


@pytest.mark.parametrize(
    "back", ["//evil.example/", "https://evil.example/", "/\t/evil.example", "javascript:alert(1)"]
)
async def test_a_script_is_sent_nowhere_else_either(bench: Bench, back: str) -> None:
    draft = bench.begun(to="a@x.example", subject="x", text="y")
    reply = await posted(
        bench, f"/compose/{draft.id}/discard", {"version": "1", "back": back}, headers=SCRIPT
    )
    assert reply.json()["back"] == "/drafts"
    assert "evil" not in (await bench.browser.get("/drafts")).text


@pytest.mark.parametrize("back", ["//evil.example/", "https://evil.example/", "/\\evil.example"])
async def test_back_leads_nowhere_else(bench: Bench, back: str) -> None:
    bench.desk.settings.hold_seconds = 0  # else it leads to where it can be taken back
    draft = bench.begun(to="ada@x.example", subject="Tea", text="Now?")
    reply = await posted(bench, f"/compose/{draft.id}/send", {"version": "1", "back": back})
    assert reply.headers["location"] == "/"


async def test_what_is_wrong_stands_at_its_field_and_all_that_was_typed_stays(bench: Bench) -> None:
    draft = bench.begun()
    fields = {"version": "1", "to": "ada, b@x.example", "cc": "c@", "subject": "s", "text": "kept"}
    reply = await posted(bench, f"/compose/{draft.id}/send", fields)
    assert reply.status_code == 422
    shown = fields_of(reply.text)
    assert {name: shown[name] for name in ("to", "cc", "subject", "text")} == {
        name: fields[name] for name in ("to", "cc", "subject", "text")
    }
    for field in ("to", "cc"):
        assert re.search(rf'<input id="{field}"[^>]*aria-describedby="{field}-error"', reply.text)
        assert f'id="{field}-error"' in reply.text
    assert bench.outbox.parcels == {}


async def test_a_forgotten_subject_is_asked_for_once(bench: Bench) -> None:
    draft = bench.begun()
    fields = {"version": "1", "to": "ada@x.example", "subject": "", "text": "Hi"}
    wrong = await posted(bench, f"/compose/{draft.id}/send", fields | {"to": "ada"})
    assert "no subject" not in wrong.text  # first what has to be corrected
    fields["version"] = fields_of(wrong.text)["version"]
    reply = await posted(bench, f"/compose/{draft.id}/send", fields)
    assert reply.status_code == 422
    assert "no subject" in reply.text
    assert 'name="sure"' in reply.text
    reply = await posted(
        bench, f"/compose/{draft.id}/send", fields_of(reply.text) | {"sure": "yes"}
    )
    assert reply.status_code == 303
    assert len(bench.outbox.parcels) == 1


async def test_files_come_and_go_with_what_is_typed(bench: Bench) -> None:
    draft = bench.begun()
    reply = await bench.browser.post(
        f"/compose/{draft.id}/attach",
        data={"version": "1", "text": "typed"},
        files=[("files", ("a b.txt", b"one", "text/plain")), ("files", ("../c", b"", ""))],
    )
    assert reply.status_code == 303
    kept = bench.drafts.find(draft.id)
    assert kept.text == "typed"
    assert [(file.name, file.octets) for file in kept.files] == [("a b.txt", 3), ("c", 0)]
    page = (await bench.browser.get(f"/compose/{draft.id}")).text
    assert "a b.txt" in page
    got = await bench.browser.get(f"/compose/{draft.id}/files/{kept.files[0].id}")
    assert got.content == b"one"
    assert got.headers["content-disposition"] == "attachment; filename*=utf-8''a%20b.txt"
    assert got.headers["content-type"] == "application/octet-stream"
    reply = await posted(
        bench, f"/compose/{draft.id}/detach/{kept.files[0].id}", fields_of(page) | {"text": "more"}
    )
    assert reply.status_code == 303
    kept = bench.drafts.find(draft.id)
    assert (kept.text, [file.name for file in kept.files]) == ("more", ["c"])
    gone = await bench.browser.get(f"/compose/{draft.id}/files/nowhere")
    assert gone.status_code == 404


FILE = ("files", ("a.txt", b"one", "text/plain"))


async def with_files(
    bench: Bench, path: str, fields: dict[str, str], *files: tuple[str, Any]
) -> httpx.Response:
    """As a browser without scripts sends the whole form."""
    parts: list[tuple[str, Any]] = [(name, (None, value)) for name, value in fields.items()]
    return await bench.browser.post(path, files=[*parts, *files])


async def test_a_chosen_file_leaves_with_the_message_without_scripts(bench: Bench) -> None:
    """The message left without it, and nothing said so."""
    draft = bench.begun()
    fields = {"version": "1", "to": "ada@x.example", "subject": "Tea", "text": "Here"}
    reply = await with_files(bench, f"/compose/{draft.id}/send", fields, FILE)
    assert reply.status_code == 303
    (parcel,) = bench.outbox.parcels.values()
    assert b"filename=a.txt" in parcel.message


async def test_a_file_that_was_chosen_is_there_when_one_is_asked_about_the_rest(
    bench: Bench,
) -> None:
    draft = bench.begun()
    fields = {"version": "1", "to": "ada@x.example", "subject": "", "text": "Here"}
    reply = await with_files(bench, f"/compose/{draft.id}/send", fields, FILE)
    assert "no subject" in reply.text
    assert "a.txt</a>" in reply.text
    await posted(bench, f"/compose/{draft.id}/send", fields_of(reply.text) | {"sure": "yes"})
    (parcel,) = bench.outbox.parcels.values()
    assert parcel.message.count(b"filename=") == 1


@pytest.mark.parametrize("button", ["save", "detach/none"])
async def test_a_chosen_file_comes_with_any_button(bench: Bench, button: str) -> None:
    draft = bench.begun()
    fields = {"version": "1", "text": "Here"}
    reply = await with_files(bench, f"/compose/{draft.id}/{button}", fields, FILE)
    assert reply.status_code == 303
    (file,) = bench.drafts.find(draft.id).files
    assert file.name == "a.txt"


async def test_a_discarded_draft_comes_back_with_the_file_that_was_chosen(bench: Bench) -> None:
    draft = bench.begun()
    fields = {"version": "1", "text": "Here"}
    await with_files(bench, f"/compose/{draft.id}/discard", fields, FILE)
    assert bench.drafts.all() == []
    kept = bench.opened(await bench.browser.post(f"/compose/{draft.id}/restore"))
    assert [file.name for file in kept.files] == ["a.txt"]


async def test_a_message_whose_chosen_file_is_too_large_is_not_sent(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pillarbox.reader.compose.attached.MAX_OCTETS", 3)
    draft = bench.begun()
    fields = {"version": "1", "to": "ada@x.example", "subject": "Tea", "text": "typed"}
    large = ("files", ("large.bin", b"1234"))
    reply = await with_files(bench, f"/compose/{draft.id}/send", fields, FILE, large)
    assert reply.status_code == 422
    assert "large.bin was not attached. With this file the message would be larger" in reply.text
    assert fields_of(reply.text)["text"] == "typed"
    assert bench.outbox.parcels == {}
    assert [file.name for file in bench.drafts.find(draft.id).files] == ["a.txt"]


async def test_who_has_to_save_again_is_told_to_choose_the_files_again(bench: Bench) -> None:
    draft = bench.begun()
    await posted(bench, f"/compose/{draft.id}/save", {"version": "1", "text": "first tab"})
    fields = {"version": "1", "text": "second tab"}
    reply = await with_files(bench, f"/compose/{draft.id}/save", fields, FILE)
    assert reply.status_code == 409
    assert "choose the files again" in reply.text
    reply = await posted(bench, f"/compose/{draft.id}/save", fields)
    assert reply.status_code == 409
    assert "choose the files again" not in reply.text


async def test_files_by_script_leave_the_text_alone(bench: Bench) -> None:
    draft = bench.begun()
    reply = await bench.browser.post(
        f"/compose/{draft.id}/attach", files={"files": ("a", b"1")}, headers=SCRIPT
    )
    (file,) = bench.drafts.find(draft.id).files
    assert reply.json() == {"files": [file.id]}
    reply = await bench.browser.post(f"/compose/{draft.id}/detach/{file.id}", headers=SCRIPT)
    assert reply.json() == {"files": []}
    assert bench.drafts.find(draft.id).version == draft.version


async def test_what_is_too_large_is_said_and_the_text_stays(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pillarbox.reader.compose.attached.MAX_OCTETS", 3)
    draft = bench.begun()
    options: dict[str, Any] = {"files": {"files": ("a", b"1234")}}
    reply = await bench.browser.post(
        f"/compose/{draft.id}/attach", data={"version": "1", "text": "typed"}, **options
    )
    assert reply.status_code == 422
    assert "would be larger" in reply.text
    assert fields_of(reply.text)["text"] == "typed"
    reply = await bench.browser.post(f"/compose/{draft.id}/attach", headers=SCRIPT, **options)
    assert reply.status_code == 409
    assert "would be larger" in reply.headers["HX-Trigger"]


async def test_discarding_can_be_undone_with_what_was_typed_last(bench: Bench) -> None:
    draft = bench.begun()
    fields = {"version": "1", "text": "kept"}
    reply = await posted(bench, f"/compose/{draft.id}/discard", fields)
    assert reply.headers["location"] == f"/drafts?discarded={draft.id}"
    page = await bench.browser.get(reply.headers["location"])
    assert f'action="/compose/{draft.id}/restore"' in page.text
    reply = await bench.browser.post(f"/compose/{draft.id}/restore")
    assert bench.opened(reply).text == "kept"


async def test_discarding_from_the_list_and_by_script(bench: Bench) -> None:
    for headers in ({}, SCRIPT):
        draft = bench.drafts.save(bench.begun(text="kept"))
        reply = await bench.browser.post(f"/compose/{draft.id}/discard", headers=headers)
        assert bench.drafts.all() == []
    assert reply.json() == {"id": draft.id, "back": "/drafts"}


async def test_a_quote_is_shown_in_a_frame_in_which_nothing_acts(bench: Bench) -> None:
    key = bench.library.put("k", HTML)
    reply = await bench.browser.post(f"/message/{key}/reply")
    page = (await bench.browser.get(reply.headers["location"])).text
    assert re.search(r'<iframe src="/compose/\w+/quote" sandbox=""', page)
    draft = bench.opened(reply)
    quote = await bench.browser.get(f"/compose/{draft.id}/quote")
    assert "<b>now</b>" in quote.text
    policy = quote.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert policy.startswith("sandbox;")


async def test_a_quote_that_is_left_out_can_be_taken_in_again(bench: Bench) -> None:
    """Saving with the box checked once took it out of the draft for good."""
    key = bench.library.put("k", HTML)
    draft = bench.opened(await bench.browser.post(f"/message/{key}/reply"))
    where, left_out = f"/compose/{draft.id}", {"unquoted": "yes"}
    fields = fields_of((await bench.browser.get(where)).text) | {"text": "Yes"}
    await posted(bench, f"{where}/save", fields | left_out)
    page = (await bench.browser.get(where)).text
    assert re.search(r'<input type="checkbox" name="unquoted" value="yes" checked>', page)
    assert "<b>now</b>" in (await bench.browser.get(f"{where}/quote")).text
    fields["version"] = fields_of(page)["version"]
    await posted(bench, f"{where}/send", fields | left_out)
    ((outgoing, parcel),) = bench.outbox.parcels.items()
    assert b"now" not in parcel.message
    taken = bench.writing.take_back(outgoing)
    assert taken.unquoted
    page = (await bench.browser.get(where)).text
    fields["version"] = fields_of(page)["version"]
    await posted(bench, f"{where}/send", fields)
    (parcel,) = bench.outbox.parcels.values()
    assert b"<b>now</b>" in parcel.message


async def test_a_forwarded_message_that_is_left_out_leaves_nothing_to_send(bench: Bench) -> None:
    key = bench.library.put("k", HTML)
    draft = bench.opened(await bench.browser.post(f"/message/{key}/forward"))
    fields = fields_of((await bench.browser.get(f"/compose/{draft.id}")).text)
    fields |= {"to": "ada@x.example", "unquoted": "yes"}
    reply = await posted(bench, f"/compose/{draft.id}/send", fields)
    assert reply.status_code == 422
    assert "The message is empty." in reply.text
    assert 'value="yes" checked>' in reply.text
    assert bench.drafts.find(draft.id).unquoted


async def test_what_says_nothing_of_the_quote_leaves_it_as_it_is(bench: Bench) -> None:
    key = bench.library.put("k", HTML)
    draft = bench.opened(await bench.browser.post(f"/message/{key}/reply"))
    bench.drafts.save(replace(draft, text="Yes", unquoted=True))
    sent = await posted(bench, f"/compose/{draft.id}/send", {"version": "2", "sure": "yes"})
    assert sent.status_code == 303
    (parcel,) = bench.outbox.parcels.values()
    assert b"now" not in parcel.message


async def test_the_page_shows_pictures_that_are_forwarded_and_loads_none(bench: Bench) -> None:
    bench.library.put("k", PICTURES)
    reply = await bench.browser.post("/message/k/forward")
    page = (await bench.browser.get(reply.headers["location"])).text
    assert "in the quoted message</span>" in page
    assert "Pictures that lie elsewhere are not loaded here" in page
    draft = bench.opened(reply)
    quote = (await bench.browser.get(f"/compose/{draft.id}/quote")).text
    assert '<img src="data:image/png;base64,iVBORw==">[A &lt;cup&gt;][Pot]' in quote
    assert "x.example/cup" not in quote


@pytest.mark.parametrize(
    ("kind", "data", "to", "subject"),
    [
        ("reply", {}, "Ada <ada@x.example>", "Re: Tea"),
        ("reply-all", {}, "Ada <ada@x.example>", "Re: Tea"),
        ("again", {}, "max@work.example", "Tea"),
        ("forward", {}, "", "Fwd: Tea"),
        ("forward", {"as": "attachment"}, "", "Fwd: Tea"),
    ],
)
async def test_messages_are_answered_and_forwarded(
    bench: Bench, kind: str, data: dict[str, str], to: str, subject: str
) -> None:
    bench.library.put("k", HTML)
    reply = await bench.browser.post(f"/message/k/{kind}", data=data)
    draft = bench.opened(reply)
    assert (draft.to, draft.subject) == (to, subject)
    assert len(draft.files) == (1 if data else 0)


async def test_a_message_that_is_gone_is_said_to_be(bench: Bench) -> None:
    assert (await bench.browser.post("/message/gone/reply")).status_code == 404


async def test_a_link_shows_what_it_asks_for_and_changes_nothing(bench: Bench) -> None:
    link = "mailto:ada@x.example?subject=Tea%20<time>&attach=/etc/passwd"
    page = await bench.browser.get("/compose", params={"mailto": link})
    assert "Tea &lt;time&gt;" in page.text
    assert bench.drafts.all() == []
    reply = await bench.browser.post("/compose", data={"mailto": link})
    draft = bench.opened(reply)
    assert (draft.to, draft.subject, draft.files) == ("ada@x.example", "Tea <time>", ())


@pytest.mark.parametrize(
    ("referer", "back"),
    [
        ("http://127.0.0.1:8080/mail/Inbox?m=k", "/mail/Inbox?m=k"),
        ("http://127.0.0.1:8080/compose/abc?back=%2Fmail%2FSent", "/mail/Sent"),
        ("http://127.0.0.1:8080/compose/abc", ""),
        ("http://127.0.0.1:8080/login?to=%2Fcompose%3Fmailto%3Da%40x.example", ""),
        ("https://127.0.0.2/compose/abc?back=%2Foutbox", ""),
        ("https://elsewhere.example/mail/Sent", ""),
        ("", ""),
    ],
)
async def test_a_message_from_a_link_leads_back_to_where_the_link_was(
    bench: Bench, referer: str, back: str
) -> None:
    page = await bench.browser.get("/compose?mailto=a@x.example", headers={"Referer": referer})
    (said,) = re.findall(
        r'name="mailto" [^>]*>\s*<input[^>]* name="back" value="([^"]*)"', page.text
    )
    assert html.unescape(said) == back
    fields = {"mailto": "a@x.example", "back": back}
    own = {"Referer": "http://127.0.0.1:8080/compose?mailto=a@x.example"}
    reply = await bench.browser.post("/compose", data=fields, headers=own)
    draft = bench.opened(reply)
    assert fields_of((await bench.browser.get(reply.headers["location"])).text)["back"] == back
    sent = await posted(
        bench,
        f"/compose/{draft.id}/send",
        {"version": "1", "back": back, "sure": "yes"},
        headers=SCRIPT,
    )
    assert sent.json()["back"] == (back or "/")


async def test_a_draft_that_is_nowhere_is_said_to_be(bench: Bench) -> None:
    for path in ("nowhere", "nowhere/quote", "nowhere/files/x"):
        assert (await bench.browser.get(f"/compose/{path}")).status_code == 404
    for path in ("save", "send", "attach", "detach/x", "restore"):
        assert (await bench.browser.post(f"/compose/nowhere/{path}")).status_code == 404
    with pytest.raises(NoSuchDraft):
        bench.drafts.find("nowhere")


@pytest.mark.parametrize("left", [(WORK,), (WORK, HOME)])
async def test_from_whom_is_asked_when_the_account_of_a_draft_is_gone(
    bench: Bench, left: tuple[Identity, ...]
) -> None:
    draft = bench.drafts.new(Draft("", account="old", to="a@x.example"))
    cast("FixedAccounts", bench.desk.accounts)._identities = {one.account: one for one in left}
    page = (await bench.browser.get(f"/compose/{draft.id}")).text
    assert '<option value="old" selected>Choose from whom</option>' in page
    assert 'aria-describedby="account-gone"' in page
    assert "There is no account old any more: choose from whom this message goes." in page
    form = {"version": str(draft.version), "account": "old", "to": "a@x.example", "subject": "x"}
    form["text"] = "Hello"
    reply = await bench.browser.post(f"/compose/{draft.id}/send", data=form)
    assert reply.status_code == 422
    assert 'id="account-error"' in reply.text
    form |= {"version": str(bench.drafts.find(draft.id).version), "account": "work"}
    reply = await bench.browser.post(f"/compose/{draft.id}/send", data=form)
    assert reply.status_code == 303
    (parcel,) = bench.outbox.parcels.values()
    assert parcel.account == "work"


SHOP = replace(WORK, aliases=("max@shop.example",))
TO_A_SUBADDRESS = b"From: Ada <ada@x.example>\nTo: max+tea@work.example\nSubject: Tea\nMessage-ID: <2@x.example>\n\nx\n"


def froms(page: str) -> tuple[list[tuple[str, str]], str]:
    """What From offers, and what is chosen."""
    found = re.findall(r'<option value="([^"]*)"( selected)?>([^<]*)</option>', page)
    (chosen,) = (value for value, selected, _ in found if selected)
    return [(value, html.unescape(words)) for value, _, words in found], chosen


async def test_from_shows_the_address_that_a_message_came_to_and_the_others(bench: Bench) -> None:
    bench.sign(SHOP, HOME)
    bench.library.put("k", TO_A_SUBADDRESS)
    draft = bench.opened(await bench.browser.post("/message/k/reply"))
    offered, chosen = froms((await bench.browser.get(f"/compose/{draft.id}")).text)
    assert offered == [
        ("work", "Max Müller <max@work.example>"),
        ("work max@shop.example", "Max Müller <max@shop.example>"),
        ("work max+tea@work.example", "Max Müller <max+tea@work.example>"),
        ("home", "Max <max@home.example>"),
    ]
    assert chosen == "work max+tea@work.example"


@pytest.mark.parametrize(
    ("chosen", "sender"),
    [
        ("work", "max@work.example"),
        ("work max@shop.example", "max@shop.example"),
        ("work max+tea@work.example", "max+tea@work.example"),
        ("home", "max@home.example"),
    ],
)
async def test_a_message_is_sent_as_was_chosen_under_from_without_scripts(
    bench: Bench, chosen: str, sender: str
) -> None:
    bench.sign(SHOP, HOME)
    bench.library.put("k", TO_A_SUBADDRESS)
    draft = bench.opened(await bench.browser.post("/message/k/reply"))
    fields = fields_of((await bench.browser.get(f"/compose/{draft.id}")).text)
    await posted(bench, f"/compose/{draft.id}/save", fields | {"account": chosen})
    page = (await bench.browser.get(f"/compose/{draft.id}")).text
    offered, now = froms(page)
    assert now == chosen
    assert "work max+tea@work.example" in dict(offered), "one may think better of it"
    again = fields_of(page) | {"account": now, "sure": "yes"}
    await posted(bench, f"/compose/{draft.id}/send", again)
    (parcel,) = bench.outbox.parcels.values()
    assert (parcel.account, parcel.sender) == (chosen.split(maxsplit=1)[0], sender)
    assert f"<{sender}>\r\n".encode() in parcel.message


async def test_with_one_address_there_is_nothing_to_choose(bench: Bench) -> None:
    bench.sign(WORK)
    page = (await bench.browser.get(f"/compose/{bench.begun().id}")).text
    assert '<select id="account"' not in page
    assert "Max Müller &lt;max@work.example&gt;" in page
    draft = bench.begun(sender="max+x@work.example")
    offered, chosen = froms((await bench.browser.get(f"/compose/{draft.id}")).text)
    assert [value for value, _ in offered] == ["work", "work max+x@work.example"]
    assert chosen == "work max+x@work.example"


async def test_from_whom_is_asked_when_the_address_of_a_draft_is_gone(bench: Bench) -> None:
    bench.sign(WORK)
    draft = bench.begun(to="a@x.example", subject="x", text="Hello", sender="max@shop.example")
    page = (await bench.browser.get(f"/compose/{draft.id}")).text
    assert froms(page)[1] == "work max@shop.example"
    assert "max@shop.example is no address of the account work any more: choose" in page
    assert 'aria-describedby="account-gone"' in page
    fields = fields_of(page) | {"account": "work max@shop.example"}
    reply = await posted(bench, f"/compose/{draft.id}/send", fields)
    assert reply.status_code == 422
    assert 'id="account-error"' in reply.text
    fields = fields_of(reply.text) | {"account": "work"}
    assert (await posted(bench, f"/compose/{draft.id}/send", fields)).status_code == 303
    (parcel,) = bench.outbox.parcels.values()
    assert parcel.sender == "max@work.example"


async def test_an_accounts_own_address_by_its_name_is_the_one_that_it_has_now(bench: Bench) -> None:
    """It was an alias when the draft was begun."""
    bench.sign(replace(WORK, address="max@shop.example"))
    draft = bench.begun(sender="max@shop.example")
    page = (await bench.browser.get(f"/compose/{draft.id}")).text
    assert '<select id="account"' not in page
    assert "Choose from whom" not in page

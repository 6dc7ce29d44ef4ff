"""The list of drafts, and contacts."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from pillarbox.reader.compose.recipients import recipients_in
from pillarbox.reader.model import Contact, Draft
from pillarbox.reader.web.features.writing.listing import opening_of
from tests.reader.desk import visitor
from tests.reader.web.writing.conftest import Bench, make_table

CARD = b"BEGIN:VCARD\nFN:Ada Lovelace\nEMAIL:ada@x.example\nEND:VCARD\n"


async def test_without_drafts_the_page_says_what_they_are(bench: Bench) -> None:
    assert "No drafts." in (await bench.browser.get("/drafts")).text


async def test_drafts_are_listed_with_what_they_say(bench: Bench) -> None:
    begun = bench.begun(to="<ada@x.example>", subject="Tea & cake", text="Shall we?")
    draft = bench.drafts.save(begun)
    page = (await bench.browser.get("/drafts")).text
    assert f'href="/compose/{draft.id}?back=/drafts"' in page
    for words in ("&lt;ada@x.example&gt;", "Tea &amp; cake", "Shall we?"):
        assert words in page


@pytest.mark.parametrize(
    ("text", "opening"),
    [("\n\nHi\nyou\n> no\nno", "Hi you"), ("\n\n-- \nMax", ""), ("x" * 300, "x" * 200)],
)
def test_the_opening_is_of_the_own_words(text: str, opening: str) -> None:
    assert opening_of(Draft("", text=text)) == opening


async def test_only_an_id_is_offered_to_be_brought_back(bench: Bench) -> None:
    page = (await bench.browser.get("/drafts", params={"discarded": '"><script>'})).text
    assert "/restore" not in page


async def test_a_contact_is_entered_changed_and_removed(bench: Bench) -> None:
    reply = await bench.browser.post("/contacts", data={"name": "Ada", "address": "ada@x.example"})
    assert reply.headers["location"] == "/contacts"
    (ada,) = bench.contacts.all()
    assert "ada@x.example" in (await bench.browser.get("/contacts")).text
    assert 'value="Ada"' in (await bench.browser.get(f"/contacts/{ada.id}")).text
    await bench.browser.post(
        f"/contacts/{ada.id}", data={"name": "Countess", "address": "ada@x.example"}
    )
    assert [one.name for one in bench.contacts.all()] == ["Countess"]
    await bench.browser.post(f"/contacts/{ada.id}/remove")
    assert bench.contacts.all() == []
    for path in (f"/contacts/{ada.id}", "/contacts/nowhere"):
        assert (await bench.browser.get(path)).headers["location"] == "/contacts"
        await bench.browser.post(f"{path}/remove")
    assert bench.contacts.all() == []


async def test_a_contact_that_was_removed_can_be_brought_back(bench: Bench) -> None:
    ada = bench.contacts.save(Contact("<Ada>", "ada@x.example"))
    reply = await bench.browser.post(f"/contacts/{ada.id}/remove")
    url = reply.headers["location"]
    page = (await bench.browser.get(url)).text
    assert "<bdi>&lt;Ada&gt;</bdi> is removed" in page
    form = re.search(
        r'<form [^>]*action="([^"]+)"[^>]*>(?:(?!</form>).)*data-key="z"', page, re.DOTALL
    )
    assert form
    reply = await bench.browser.post(form[1])
    page = (await bench.browser.get(reply.headers["location"])).text
    assert "<bdi>&lt;Ada&gt;</bdi> is there again" in page
    assert bench.contacts.all() == [ada]
    assert 'data-key="z"' not in (await bench.browser.get(url)).text
    assert (await bench.browser.post("/contacts/none/restore")).status_code == 409


def marks(html: str) -> list[str]:
    return re.findall(r'name="seen" value="([^"]*)"', html)


async def test_a_contact_that_another_tab_has_changed_is_not_overwritten_unasked(
    bench: Bench,
) -> None:
    ada = bench.contacts.save(Contact("Ada", "ada@x.example"))
    path = f"/contacts/{ada.id}"
    seen, _ = marks((await bench.browser.get(path)).text)
    theirs = bench.contacts.save(replace(ada, name="Countess"))
    typed = {"name": "Ada", "address": "ada@home.example"}
    wrong = await bench.browser.post(path, data={**typed, "address": "ada", "seen": seen})
    assert marks(wrong.text) == [seen] * 2
    for reply in (
        await bench.browser.post(path, data={**typed, "seen": seen}),
        await bench.browser.post(f"{path}/remove", data={"seen": seen}),
    ):
        assert reply.status_code == 409
        assert "changed in another window" in reply.text
        assert "<b>Countess</b>" in reply.text
        assert bench.contacts.all() == [theirs]
        again, _ = marks(reply.text)
    await bench.browser.post(path, data={**typed, "seen": again})
    assert [one.address for one in bench.contacts.all()] == ["ada@home.example"]


async def test_what_was_typed_of_a_contact_that_another_tab_has_removed_is_not_lost(
    bench: Bench,
) -> None:
    ada = bench.contacts.save(Contact("Ada", "ada@x.example"))
    seen, _ = marks((await bench.browser.get(f"/contacts/{ada.id}")).text)
    bench.contacts.remove(ada.id)
    typed = {"name": "Countess", "address": "ada@home.example", "seen": seen}
    reply = await bench.browser.post(f"/contacts/{ada.id}", data=typed)
    assert reply.status_code == 409
    assert "removed in another window" in reply.text
    assert 'value="ada@home.example"' in reply.text
    assert '<form method="post" action="/contacts">' in reply.text
    assert bench.contacts.all() == []


async def test_what_is_no_address_is_said_and_stays(bench: Bench) -> None:
    ada = bench.contacts.save(Contact("Ada", "ada@x.example"))
    for path in ("/contacts", f"/contacts/{ada.id}"):
        reply = await bench.browser.post(path, data={"name": "Bob", "address": "bob"})
        assert reply.status_code == 422
        assert "no @" in reply.text
        assert re.search(r'name="address"[^>]*value="bob"', reply.text)
    assert bench.contacts.all() == [ada]


async def test_contacts_are_imported(bench: Bench) -> None:
    reply = await bench.browser.post(
        "/contacts/import", files=[("file", ("a.vcf", CARD)), ("file", ("b.vcf", CARD))]
    )
    assert reply.headers["location"] == "/contacts?imported=1"
    assert "1 contact imported" in (await bench.browser.get("/contacts?imported=1")).text
    reply = await bench.browser.post("/contacts/import", files={"file": ("", b"")})
    assert reply.status_code == 422
    assert "Choose a file" in reply.text


async def test_a_file_that_is_no_vcard_is_named_and_the_others_are_taken(bench: Bench) -> None:
    files = {"pic.png": b"\x89PNG", "<b>.txt": b"not a vcard", "a.vcf": CARD}
    reply = await bench.browser.post(
        "/contacts/import", files=[("file", each) for each in files.items()]
    )
    assert reply.status_code == 422
    assert "1 contact imported" in reply.text
    assert "pic.png: This is no vCard file. &lt;b&gt;.txt: This is no vCard file." in reply.text
    none = [("file", (f"{number}.png", b"")) for number in range(7)]
    reply = await bench.browser.post("/contacts/import", files=none)
    assert "4.png: This is no vCard file. And 2 more.<" in reply.text
    assert "imported." not in reply.text


async def test_what_cannot_be_read_is_said_on_its_page(tmp_path: Path) -> None:
    (tmp_path / "drafts/bad").mkdir(parents=True)
    (tmp_path / "drafts/bad/draft.json").write_bytes(b"{")
    (tmp_path / "contacts.json").write_bytes(b"{")
    async with visitor(make_table(tmp_path).desk) as browser:
        drafts = await browser.get("/drafts")
        contacts = await browser.get("/contacts")
        reply = await browser.post("/contacts", data={"name": "Ada", "address": "ada@x.example"})
    assert "1 draft cannot be read" in drafts.text
    assert str(tmp_path / "drafts/bad") in drafts.text
    assert f"{tmp_path / 'contacts.json'} is damaged" in contacts.text
    assert "No contacts yet" not in contacts.text
    assert reply.status_code == 503
    assert f"{tmp_path / 'contacts.json'} is damaged" in reply.text


async def test_contacts_are_found_by_name(bench: Bench) -> None:
    for name in ("Ada Lovelace", "Bob"):
        bench.contacts.save(Contact(name, f"{name.split()[0].lower()}@x.example"))
    page = (await bench.browser.get("/contacts?q=love")).text
    assert "Ada Lovelace" in page
    assert "bob@" not in page
    assert "No contact has" in (await bench.browser.get("/contacts?q=nobody")).text


async def test_completion_offers_what_goes_into_the_field(bench: Bench) -> None:
    bench.contacts.save(Contact("Byrne, D.", "david@x.example"))
    found = (await bench.browser.get("/contacts/complete?q=by")).json()
    assert [one["text"] for one in found] == [
        '"Byrne, D." <david@x.example>',
        '"Byron, George" <byron@x.example>',
    ]
    assert (await bench.browser.get("/contacts/complete")).json() == []


async def test_a_domain_in_another_script_is_offered_in_it(bench: Bench) -> None:
    """It once was offered, and typed, as ``xn--r8jz45g.jp``."""
    bench.contacts.save(Contact("\u5c71\u7530", "yamada@\u4f8b\u3048.jp"))
    (found,) = (await bench.browser.get("/contacts/complete?q=yam")).json()
    assert found["text"] == "\u5c71\u7530 <yamada@\u4f8b\u3048.jp>"
    assert found["address"] == "yamada@\u4f8b\u3048.jp"
    (recipient,) = recipients_in(found["text"])
    assert recipient.address == "yamada@xn--r8jz45g.jp"

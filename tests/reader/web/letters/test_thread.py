"""A message in the pane."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.reader.mail.corpus import corpus, letter, part, whole
from tests.reader.web.letters.shelf import key_of, reading


async def opened(name: str, folder: Path, **asked: str) -> str:
    async with reading({name: corpus()[name]}, folder) as browser:
        reply = await browser.get(f"/open/{key_of(name)}", params=asked)
    assert reply.status_code == 200
    return reply.text


async def test_header_text_and_tools(tmp_path: Path) -> None:
    page = await opened("quotes", tmp_path)
    assert "Jane Doe" in page
    assert "&lt;jane@example.org&gt;" in page
    assert "max@example.org" in page
    for path in ("reply", "reply-all", "forward", "again"):
        assert f'action="/message/{key_of("quotes")}/{path}"' in page
    for path in ("archive", "delete", "move", "mark"):
        assert f'action="/do/{path}"' in page
    assert page.count('name="csrf"') == page.count("<form")


async def test_a_message_can_be_forwarded_as_a_file(tmp_path: Path) -> None:
    page = await opened("quotes", tmp_path)
    forms = re.findall(r"<form.*?</form>", page, re.DOTALL)
    (form,) = (one for one in forms if "Forward as a file" in one)
    assert f'action="/message/{key_of("quotes")}/forward"' in form
    assert '<input type="hidden" name="as" value="attachment">' in form


async def test_long_quotes_are_folded_and_the_signature_is_apart(tmp_path: Path) -> None:
    page = await opened("quotes", tmp_path)
    assert "<summary>9 quoted lines</summary>" in page
    assert '<blockquote class="letter-quote depth-2" dir="auto">older</blockquote>' in page
    assert '<p class="letter-paragraph" dir="auto">Yes.</p>' in page
    assert 'class="letter-signature"' in page
    assert (
        '<a href="https://example.org/" target="_blank" rel="noopener noreferrer nofollow">' in page
    )


async def test_links_that_write_a_mail_lead_to_our_own_page(tmp_path: Path) -> None:
    rich = part("text/html", '<a href="mailto:a@b.example?subject=x&amp;cc=c">write</a>')
    messages = {
        "plain": letter("mailto:a@b.example.\n", "List-Unsubscribe: <mailto:off@b.example>"),
        "rich": whole(rich),
    }
    async with reading(messages, tmp_path) as browser:
        page = (await browser.get(f"/open/{key_of('plain')}")).text
        frame = (await browser.get(f"/message/{key_of('rich')}/html")).text
    assert '<a href="/compose?mailto=mailto%3Aa%40b.example">mailto:a@b.example</a>.' in page
    assert 'href="/compose?mailto=mailto%3Aoff%40b.example">Leave this mailing list' in page
    assert 'href="/compose?mailto=mailto%3Aa%40b.example%3Fsubject%3Dx%26cc%3Dc"' in frame


async def test_short_quotes_are_not_folded(tmp_path: Path) -> None:
    async with reading({"m": letter("> one\n> two\n\nanswer\n")}, tmp_path) as browser:
        page = (await browser.get(f"/open/{key_of('m')}")).text
    assert "quoted line" not in page
    assert ">one\ntwo</blockquote>" in page


async def test_what_was_searched_for_is_marked(tmp_path: Path) -> None:
    page = await opened("quotes", tmp_path, word="yes")
    assert "<mark>Yes</mark>" in page


async def test_markup_in_text_is_text(tmp_path: Path) -> None:
    data = letter("<script>x</script>\n", 'From: "<b>x</b>" <a@b.example>', subject="<i>s</i>")
    async with reading({"m": data}, tmp_path) as browser:
        page = (await browser.get(f"/open/{key_of('m')}")).text
    assert "<script>" not in page
    assert "<b>x" not in page
    assert "<i>s" not in page


async def test_the_others_of_a_thread_are_lines(tmp_path: Path) -> None:
    messages = {name: letter(f"text of {name}", f"From: {name}@example.org") for name in "abc"}
    async with reading(messages, tmp_path) as browser:
        page = (await browser.get(f"/open/{key_of('b')}?m=b&first=50&images=1")).text
    assert page.count('class="letter-line"') == 2
    before, after = page.index(f"m={key_of('a')}"), page.index(f"m={key_of('c')}")
    assert before < page.index('<article class="letter"') < after
    assert "first=50&amp;m=" in page
    assert f"images=1&amp;m={key_of('a')}" not in page


async def test_of_a_long_thread_what_is_open_is_in_sight_and_the_others_are_folded(
    tmp_path: Path,
) -> None:
    messages = {f"n{n:02}": letter("text") for n in range(60)}
    async with reading(messages, tmp_path) as browser:
        page = (await browser.get(f"/open/{key_of('n50')}")).text
        few = (await browser.get(f"/open/{key_of('n04')}")).text
    head, _, tail = page.partition('<article class="letter"')
    assert [(folded, len(lines)) for folded, lines in folded_in(head)] == [
        ("47 earlier messages", 47)
    ]
    assert lines_of(outside(head)) == [key_of(name) for name in ("n00", "n48", "n49")]
    assert folded_in(tail)[0][0] == "6 later messages"
    assert lines_of(outside(tail)) == [key_of(name) for name in ("n51", "n52", "n59")]
    assert lines_of(page) == [key_of(f"n{n:02}") for n in range(60) if n != 50]
    assert "earlier messages</summary>" not in few
    assert lines_of(outside(few))[:4] == [key_of(f"n{n:02}") for n in range(4)]


FOLDED = re.compile(
    r'<details class="letter-others"><summary>(.*?)</summary>(.*?)</details>', re.DOTALL
)


def folded_in(page: str) -> list[tuple[str, list[str]]]:
    return [(said, lines_of(lines)) for said, lines in FOLDED.findall(page)]


def outside(page: str) -> str:
    return FOLDED.sub("", page)


def lines_of(page: str) -> list[str]:
    return re.findall(r'class="letter-line" href="[^"]*m=([^"&]*)"', page)


async def test_a_very_long_thread_shows_the_nearest(tmp_path: Path) -> None:
    messages = {f"n{n}": letter("text") for n in range(300)}
    async with reading(messages, tmp_path) as browser:
        page = (await browser.get(f"/open/{key_of('n299')}")).text
    assert page.count('class="letter-line"') == 200
    assert "99 further messages of this conversation are not listed" in page


@pytest.mark.parametrize("name", ["spoofed-name", "spoofed-name-encoded"])
async def test_a_name_that_shows_another_address(name: str, tmp_path: Path) -> None:
    page = await opened(name, tmp_path)
    assert "shows another address" in page
    assert "ceo@bank.example" in page
    assert "x@evil.example" in page


async def test_an_honest_name_is_no_warning(tmp_path: Path) -> None:
    data = letter("text", 'From: "JANE@example.org" <jane@example.org>')
    async with reading({"m": data}, tmp_path) as browser:
        page = (await browser.get(f"/open/{key_of('m')}")).text
    assert "another address" not in page


async def test_html_is_in_a_frame_without_scripts(tmp_path: Path) -> None:
    page = await opened("trackers", tmp_path)
    assert 'sandbox="allow-same-origin allow-popups allow-popups-to-escape-sandbox"' in page
    assert "allow-scripts" not in page
    assert f'src="/message/{key_of("trackers")}/html"' in page
    assert "2 images from t.example are not loaded" in page
    assert "Always for jane@example.org" in page
    assert "http://t.example" not in page


async def test_images_once(tmp_path: Path) -> None:
    page = await opened("trackers", tmp_path, images="1")
    assert f'src="/message/{key_of("trackers")}/html?images=1"' in page
    assert "not loaded" not in page


async def test_as_plain_text(tmp_path: Path) -> None:
    page = await opened("trackers", tmp_path, plain="1")
    assert "<iframe" not in page
    assert "Plain text." in page
    assert "As HTML" in page


async def test_many_recipients_are_folded(tmp_path: Path) -> None:
    page = await opened("2000-recipients", tmp_path)
    assert "and 1,997 others</summary>" in page
    assert "p1999@example.org" in page


async def test_attachments(tmp_path: Path) -> None:
    page = await opened("nested", tmp_path)
    assert f'href="/message/{key_of("nested")}/part/2" target="_blank"' in page
    assert "a.pdf" in page
    assert "Save all" not in page
    assert "Save all" in await opened("names-the-same", tmp_path)
    html = await opened("html-attached", tmp_path)
    assert f'href="/message/{key_of("html-attached")}/part/2" download' in html


async def test_an_image_of_the_html_is_attached_when_that_is_not_shown(tmp_path: Path) -> None:
    assert "letter-file" not in await opened("related-image", tmp_path)
    assert "letter-preview" in await opened("related-image", tmp_path, plain="1")


@pytest.mark.parametrize("name", ["invitation", "invitation-attached"])
async def test_an_invitation_is_a_card(name: str, tmp_path: Path) -> None:
    page = await opened(name, tmp_path)
    for said in (
        "Tea, and what comes with it",
        "Room 5; second floor",
        "jane@example.org",
        "30 November 2026",
    ):
        assert said in page


async def test_an_attached_message_can_be_read(tmp_path: Path) -> None:
    page = await opened("attached-message", tmp_path)
    assert "Attached message: <bdi>Inner</bdi>" in page
    assert "inner text" in page
    assert "Inner.eml" in page


async def test_what_is_wrong_is_said_beside_the_source(tmp_path: Path) -> None:
    page = await opened("no-end", tmp_path)
    assert "may have been cut off" in page
    assert f"/message/{key_of('no-end')}/source" in page
    assert "encrypted with OpenPGP" in await opened("encrypted-pgp", tmp_path)


async def test_everything_awkward_opens(tmp_path: Path) -> None:
    async with reading(corpus(), tmp_path) as browser:
        for name, data in corpus().items():
            key = key_of(name)
            paths = (
                f"/open/{key}",
                f"/open/{key}?plain=1",
                f"/message/{key}/html",
                f"/message/{key}/print",
                f"/message/{key}/source",
            )
            for path in paths:
                reply = await browser.get(path)
                assert reply.status_code == 200, (name, path)
                assert "\0" not in reply.text, (name, path)
            assert (await browser.get(f"/message/{key}/source?save=1")).content == data


async def test_a_message_that_is_gone(tmp_path: Path) -> None:
    async with reading({}, tmp_path) as browser:
        for path in ("html", "print", "source", "part/1", "attachments.zip"):
            assert (await browser.get(f"/message/{key_of('x')}/{path}")).status_code == 404

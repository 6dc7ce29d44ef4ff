"""HTML mail in a document of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.reader.mail.clean import clean
from pillarbox.reader.web.features.letters.frame import marked
from tests.reader.browser import chromium
from tests.reader.mail.corpus import corpus, part, whole
from tests.reader.web.letters.shelf import key_of, reading

MESSAGES = {name: corpus()[name] for name in ("trackers", "related-image", "quotes", "nested")}


def policy(header: str) -> dict[str, list[str]]:
    directives = (directive.split() for directive in header.split(";"))
    return {words[0]: words[1:] for words in directives if words}


async def test_its_policy(tmp_path: Path) -> None:
    async with reading(MESSAGES, tmp_path) as browser:
        for path in ("html", "print"):
            reply = await browser.get(f"/message/{key_of('trackers')}/{path}")
            found = policy(reply.headers["Content-Security-Policy"])
            assert found["default-src"] == ["'none'"]
            assert found["script-src"] == ["'none'"]
            assert found["img-src"] == ["'self'", "data:"]
            assert found["form-action"] == ["'none'"]
            assert found["base-uri"] == ["'none'"]
            assert found["frame-ancestors"] == ["'self'"]
            assert "allow-scripts" not in found["sandbox"]
            assert "t.example" not in reply.text
            assert reply.headers["Referrer-Policy"] == "no-referrer"


async def test_with_images(tmp_path: Path) -> None:
    async with reading(MESSAGES, tmp_path) as browser:
        reply = await browser.get(f"/message/{key_of('trackers')}/html?images=1")
    found = policy(reply.headers["Content-Security-Policy"])
    assert found["img-src"] == ["'self'", "data:", "https:", "http:"]
    assert found["script-src"] == ["'none'"]
    assert 'src="http://t.example/pixel.gif"' in reply.text
    assert "p { color: red }" in reply.text


async def test_an_image_of_the_message(tmp_path: Path) -> None:
    async with reading(MESSAGES, tmp_path) as browser:
        reply = await browser.get(f"/message/{key_of('related-image')}/html")
        url = f"/message/{key_of('related-image')}/part/2"
        assert f'src="{url}"' in reply.text
        assert (await browser.get(url)).headers["Content-Type"] == "image/png"


async def test_white_paper_unless_the_sender_has_thought_of_dark(tmp_path: Path) -> None:
    dark = part("text/html", '<meta name="color-scheme" content="light dark"><p>a')
    async with reading({"light": corpus()["html-only"], "dark": whole(dark)}, tmp_path) as browser:
        light = (await browser.get(f"/message/{key_of('light')}/html")).text
        assert 'content="light"' in light
        assert "background: #ffffff" in light
        night = (await browser.get(f"/message/{key_of('dark')}/html")).text
        assert 'content="light dark"' in night
        assert "background: #ffffff" not in night


GROUND = "e => { const s = getComputedStyle(e); return [s.backgroundColor, s.color]; }"
WHITE, BLACK, RED = "rgb(255, 255, 255)", "rgb(0, 0, 0)", "rgb(255, 0, 0)"


@pytest.mark.parametrize(
    ("markup", "ground"),
    [
        ('<body bgcolor="#000000" text="#ffffff"><p>a</p>', [BLACK, WHITE]),
        ("<body style='background:#000;color:white'><p>a</p>", [BLACK, WHITE]),
        ("<style>body { color: red }</style><body bgcolor=black text=white><p>a</p>", [BLACK, RED]),
        ("<style>body { background: red }</style><body style='background:#000;color:#fff'><p>a</p>", [BLACK, WHITE]),
        ("<style>div { color: red; background: red }</style><body style='background:#000;color:#fff'><p>a</p>",
         [BLACK, WHITE]),
    ],
)  # fmt: skip
async def test_white_text_on_a_black_body_is_seen(
    tmp_path: Path, markup: str, ground: list[str]
) -> None:
    links = '<a href="https://a.example/">b</a>'
    data = whole(part("text/html", markup.replace("<body ", "<body link=gold ") + links))
    async with reading({"m": data}, tmp_path) as browser:
        path = f"/message/{key_of('m')}/html"
        frame, paper = [
            (await browser.get(path.replace("html", end))).text for end in ("html", "print")
        ]
    async with chromium() as real:
        page = await real.new_page()
        await page.set_content(frame)
        assert await page.locator("body").evaluate(GROUND) == ground
        assert (await page.locator("p").evaluate(GROUND))[1] == ground[1]
        assert (await page.locator("a").evaluate(GROUND))[1] == "rgb(255, 215, 0)"
        assert (await page.locator("body > div").evaluate(GROUND))[0] == "rgba(0, 0, 0, 0)"
        await page.set_content(paper)
        assert (await page.locator("body").evaluate(GROUND))[0] == WHITE
        if "<style>" not in markup:  # rules for a body have none there
            assert await page.locator("main").evaluate(GROUND) == ground
        assert (await page.locator("h1").evaluate(GROUND))[1] != WHITE


async def test_printed_plain_text_is_not_folded(tmp_path: Path) -> None:
    async with reading(MESSAGES, tmp_path) as browser:
        page = (await browser.get(f"/message/{key_of('quotes')}/print")).text
        assert "<details" not in page
        assert "older" in page
        assert "jane@example.org" in page
        rich = (await browser.get(f"/message/{key_of('nested')}/print")).text
        assert "<b>text</b>" in rich
        plain = (await browser.get(f"/message/{key_of('nested')}/print?plain=1")).text
        assert "<b>text</b>" not in plain
        assert "Plain text." in plain


COVER = """<style>header, h1, dl, .pillarbox-head, body > header { display: none }
* { color: #ff0000 } p { font-weight: bold }</style>
<p id="a">Pay here</p><div id="over" style="position: fixed; top: 0; left: 0; width: 100%; height: 300px; background: #00ff00">B</div>"""


async def test_a_message_changes_nothing_of_the_printed_header(tmp_path: Path) -> None:
    data = whole(part("text/html", COVER))
    async with reading({"m": data}, tmp_path) as browser:
        html = (await browser.get(f"/message/{key_of('m')}/print")).text
    async with chromium() as real:
        page = await real.new_page()
        await page.set_content(html)
        heading = page.locator("header h1")
        assert await heading.is_visible()
        colours = "e => getComputedStyle(e).color"
        assert await heading.evaluate(colours) != "rgb(255, 0, 0)"
        assert await page.locator("main p").evaluate(colours) == "rgb(255, 0, 0)"
        top = "e => { const r = e.getBoundingClientRect(); return e.contains(document.elementFromPoint(r.x + 5, r.y + 5)); }"
        assert await heading.evaluate(top)


async def test_what_was_searched_for_is_marked_in_text_alone(tmp_path: Path) -> None:
    data = whole(
        part(
            "text/html", '<p title="tea">Tea &amp; <b>tea</b>s<a href="https://tea.example/">x</a>'
        )
    )
    async with reading({"m": data}, tmp_path) as browser:
        pane = (await browser.get(f"/open/{key_of('m')}?word=tea&word=%26")).text
        assert "/html?word=tea&amp;word=%26" in pane
        page = (await browser.get(f"/message/{key_of('m')}/html?word=tea&word=%26")).text
    assert page.count("<mark>") == 3
    assert "<mark>Tea</mark> <mark>&amp;</mark> <b><mark>tea</mark></b>s" in page
    assert 'title="tea"' in page
    assert 'href="https://tea.example/"' in page


@given(st.text(alphabet="<>&\"' ab;/=x", max_size=80), st.text(alphabet='ab<>&"', max_size=3))
def test_marking_makes_no_tags(text: str, word: str) -> None:
    cleaned = clean(text, remote=False, cid=lambda _: None).html
    marked_up = str(marked(cleaned, [word]))
    assert marked_up.count("<") - 2 * marked_up.count("<mark>") == cleaned.count("<")

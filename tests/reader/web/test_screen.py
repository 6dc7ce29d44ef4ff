"""What a browser shows of pages that are longer than its window, wide and on a phone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, FilePayload, FloatRect, Locator, Page, expect

from pillarbox.reader.model import INBOX, Draft, inbox_of
from tests.reader.browser import browsing
from tests.reader.lived_in.house import House, lived_in

pytestmark = pytest.mark.asyncio(loop_scope="module")

WIDE: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
}
INBOX_OF_WORK = inbox_of("work")
LONGER = "document.documentElement.scrollHeight - innerHeight"
"""Pixels by which the page itself can be scrolled: then all of it goes away."""


@pytest_asyncio.fixture(loop_scope="module")
async def house(tmp_path: Path) -> AsyncIterator[House]:
    with lived_in(tmp_path) as house:
        yield house


@pytest_asyncio.fixture(loop_scope="module", params=[WIDE, PHONE], ids=["wide", "phone"])
async def page(
    request: pytest.FixtureRequest, browser: Browser, house: House, tmp_path: Path
) -> AsyncIterator[Page]:
    async with browsing(browser, house.desk, tmp_path, "/mail/Inbox", **request.param) as page:
        yield page


async def test_a_long_page_scrolls_within_itself(page: Page, house: House) -> None:
    """Words that are only heard made the page as long as what they stand in: it scrolled away, sidebar and all, into white."""
    for number in range(40):
        house.desk.library.make_folder(f"Folder {number}")
    draft = house.desk.writing.new(Draft("", to="ada@x.example", text="A line.\n" * 2_000))
    for path in ("/folders", f"/compose/{draft.id}", "/mail/Inbox", "/settings"):
        await page.goto(path)
        assert await page.evaluate(LONGER) == 0, path
    await page.goto("/folders")
    await page.locator("#main").focus()
    await page.keyboard.press("End")
    await expect(page.locator("#main").get_by_role("link", name="Rules")).to_be_in_viewport()
    await expect(page.locator("#status")).to_be_in_viewport(ratio=1)


async def test_a_message_is_moved_without_typing(page: Page, house: House) -> None:
    """The folders lay below the edge of the dialog: only who knew their names could use it."""
    row = house.desk.library.page(INBOX, 0, 1).rows[0]
    await page.goto(f"/mail/Inbox?m={row.key}")
    await page.wait_for_selector("#rows.windowed", state="attached")
    tools = page.locator("#pane .letter-tools")
    await tools.get_by_role("button", name="Move to a folder").click()
    dialog = page.locator("#move-to")
    choices = dialog.get_by_role("option")
    await expect(choices.filter(has_text="Archive")).to_be_in_viewport(ratio=1)
    for part in (dialog.locator("h2"), dialog.get_by_role("button", name="Cancel")):
        await expect(part).to_be_in_viewport(ratio=1)
    assert await dialog.evaluate("box => box.scrollHeight - box.clientHeight") == 0
    await choices.filter(has_text="Travel").click()
    await expect(page.locator(".toast").filter(has_text="to Travel")).to_be_visible()


async def test_offers_for_a_name_still_float_below_it(page: Page, house: House) -> None:
    """Their styles and those of folders were for the same class."""
    draft = house.desk.writing.new(Draft(""))
    await page.goto(f"/compose/{draft.id}")
    await expect(page.locator("html")).to_have_class("scripted")
    below = await page.locator("#subject").bounding_box()
    await page.locator("#to").press_sequentially("a")
    offered = page.locator("#to + .choices")
    await expect(offered.locator("li").first).to_be_in_viewport(ratio=1)
    assert await page.locator("#subject").bounding_box() == below
    await offered.locator("li").first.click()
    await expect(page.locator("#to")).not_to_have_value("a")


def _mail(subject: str, text: str) -> bytes:
    date = "Fri, 27 Nov 2026 11:50:00 +0000"
    return f"From: ada@x.example\nDate: {date}\nSubject: {subject}\n\n{text}\n".encode()


async def _box(place: Locator) -> FloatRect:
    box = await place.bounding_box()
    assert box is not None
    return box


async def test_who_types_much_sees_what_they_type(page: Page, house: House) -> None:
    """The last lines and the caret were behind the bar with Send."""
    draft = house.desk.writing.new(Draft("", text="A line.\n" * 10))
    await page.goto(f"/compose/{draft.id}")
    await expect(page.locator("html")).to_have_class("scripted")
    text = page.locator("#text")
    await text.focus()
    await page.keyboard.press("Control+End")
    for _ in range(60):
        await page.keyboard.press("Enter")
    await page.keyboard.type("The last line")
    words = await _box(text)  # as high as its text: the caret is in its last line
    assert words["y"] + words["height"] <= (await _box(page.locator(".act")))["y"] + 1


async def test_a_field_of_many_people_says_how_many(page: Page, house: House) -> None:
    """One saw three names of two hundred."""
    many = ", ".join(f'"Person, {number}" <person{number}@x.example>' for number in range(200))
    draft = house.desk.writing.new(Draft("", to=many, cc="ada@x.example, bob@x.example"))
    await page.goto(f"/compose/{draft.id}")
    field = page.locator("#to")
    await expect(field).to_have_accessible_description("200 people")
    await expect(page.get_by_text("200 people")).to_be_in_viewport(ratio=1)
    await field.fill(f"{many}; ada@x.example,, ")
    await expect(field).to_have_accessible_description("201 people")
    await field.fill("ada@x.example, bob@x.example, eve@x.example,")
    await expect(field).to_have_accessible_description("")


async def test_the_size_of_a_file_is_in_one_line(page: Page, house: House) -> None:
    draft = house.desk.writing.new(Draft(""))
    await page.goto(f"/compose/{draft.id}")
    await expect(page.locator("html")).to_have_class("scripted")
    name = f"{'a long name ' * 10}.txt"
    file = FilePayload(name=name, mimeType="text/plain", buffer=b"x" * 300_000)
    await page.locator("#files").set_input_files([file])
    size = page.locator(".files .meta")
    assert await size.evaluate("each => each.getClientRects().length") == 1
    assert (await _box(size))["height"] < 2 * 13


async def test_a_long_subject_leaves_room_for_the_message(page: Page, house: House) -> None:
    """One of 800 characters took a whole screen, and the message was below it."""
    library = house.desk.library
    key = library.add(INBOX_OF_WORK, _mail("It goes on and on. " * 42, "Hello."))
    await page.goto(f"/mail/Inbox?m={key}")
    text = page.locator("#pane .letter-text")
    await expect(text).to_be_in_viewport(ratio=1)
    whole = page.locator("#pane").get_by_text("Whole subject")
    await whole.click()
    await expect(whole).to_be_hidden()
    heading = page.get_by_role("heading", name="It goes on and on.").last
    assert (await _box(heading))["height"] > 250
    await heading.click()
    await expect(whole).to_be_visible()
    short = library.add(INBOX_OF_WORK, _mail("Short", "Hello."))
    await page.goto(f"/mail/Inbox?m={short}")
    await expect(text).to_be_visible()
    await expect(whole).to_have_count(0)


async def test_who_answers_go_to_stands_below_who_has_sent_it(page: Page, house: House) -> None:
    """A longer word pushed the address out of line with the others."""
    mail = b"Reply-To: desk@library.example\r\n" + _mail("Subject", "Hello.")
    key = house.desk.library.add(INBOX_OF_WORK, mail)
    await page.goto(f"/mail/Inbox?m={key}")
    said = page.locator("#pane .letter-head dd")
    await expect(said.filter(has_text="desk@library.example")).to_be_visible()
    lefts = await said.evaluate_all("all => all.map((each) => each.getBoundingClientRect().left)")
    assert len(lefts) > 2
    assert len(set(lefts)) == 1


@pytest.mark.parametrize(
    "path", ["/mail/Inbox", "/contacts", "/rules/new", "/folders", "/settings", "/accounts/new"]
)
async def test_a_phone_does_not_enlarge_the_page_for_a_field(
    browser: Browser, house: House, tmp_path: Path, path: str
) -> None:
    """Safari does for letters of less than 16 pixels, and leaves it so."""
    async with browsing(browser, house.desk, tmp_path, path, **PHONE) as page:
        sizes = await page.locator(
            "select, textarea, input:not([type=hidden], [type=checkbox], [type=radio])"
        ).evaluate_all("all => all.map((each) => parseFloat(getComputedStyle(each).fontSize))")
    assert sizes
    assert min(sizes) >= 16


async def test_names_stand_in_one_place_in_all_rows(page: Page, house: House) -> None:
    """In rows without text they stood in the middle."""
    library = house.desk.library
    keys = [library.add(INBOX_OF_WORK, _mail("Subject", text)) for text in ("", "Hello.")]
    await page.goto("/mail/Inbox")
    tops = [
        await page.locator(f"#rows > li[data-message='{key}']").evaluate(
            "row => row.querySelector('.who').getBoundingClientRect().top"
            " - row.getBoundingClientRect().top"
        )
        for key in keys
    ]
    assert tops[0] == tops[1]


async def test_a_subject_from_right_to_left_stands_above_its_text(
    browser: Browser, house: House, tmp_path: Path
) -> None:
    """It began at the edge of the pane, far from it."""
    rows = house.desk.library.page(INBOX, 0, 100).rows
    (row,) = [row for row in rows if row.subject.startswith("تبادل")]
    wide = {"width": 1600, "height": 800}
    async with browsing(
        browser, house.desk, tmp_path, f"/mail/Inbox?m={row.key}", viewport=wide
    ) as page:
        boxes = [
            await _box(page.locator(f"#pane {part}"))
            for part in (".letter-subject", ".letter-text")
        ]
    subject, text = (box["x"] + box["width"] for box in boxes)
    assert abs(subject - text) < 20


async def test_the_icon_of_a_long_folder_stands_before_its_name(page: Page, house: House) -> None:
    """It stood alone in the first line."""
    house.desk.library.make_folder("x" * 120)
    await page.goto("/folders")
    link = page.locator(".filing-row a", has_text="xxx")
    icon = await _box(link.locator("svg"))
    assert icon["y"] - (await _box(link))["y"] < icon["height"]
    first = await link.evaluate(
        "link => { const all = document.createRange(); all.selectNodeContents(link.lastChild);"
        " return all.getClientRects()[0].top; }"
    )
    assert abs(first - icon["y"]) < icon["height"]


async def test_the_rail_shows_the_names_of_folders_over_the_page(
    browser: Browser, house: House, tmp_path: Path
) -> None:
    """Twenty folders were twenty icons that were the same."""
    row = house.desk.library.page(INBOX, 0, 1).rows[0]
    middling = {"width": 900, "height": 700}
    url = f"/mail/Inbox?m={row.key}"
    async with browsing(browser, house.desk, tmp_path, url, viewport=middling) as page:
        await page.wait_for_selector("#rows.windowed", state="attached")
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        name = page.locator("#folders").get_by_text("Receipts", exact=True)
        names, close = (
            page.get_by_role("link", name=each) for each in ("Show names", "Close the list")
        )
        assert (await _box(name))["width"] == 1
        await names.click()
        await expect(close).to_be_in_viewport(ratio=1)
        assert (await _box(name))["width"] > 40
        await page.keyboard.press("Escape")
        await expect(close).to_be_hidden()
        await expect(names).to_be_focused()
        await page.keyboard.press("Enter")
        await page.mouse.click(700, 300)
        await expect(close).to_be_hidden()
        await expect(page).to_have_url(f"{url}#main")
        await names.click()
        await name.click()
        await expect(page).to_have_url("/mail/Receipts")
        await expect(close).to_be_hidden()
        again = [each for each in asked if "m=" in each]
        assert again == [], "what is open stays as it is, and is not asked for again"


async def test_numbers_leave_the_icons_of_the_rail_free(
    browser: Browser, house: House, tmp_path: Path
) -> None:
    middling = {"width": 900, "height": 700}
    async with browsing(browser, house.desk, tmp_path, "/mail/Inbox", viewport=middling) as page:
        item = page.locator("#folders .side-item", has_text="Odd mail")
        icon, count = await _box(item.locator("svg")), await _box(item.locator(".count"))
        await expect(item.locator(".count")).to_contain_text("10")
        assert icon["x"] + icon["width"] <= count["x"]

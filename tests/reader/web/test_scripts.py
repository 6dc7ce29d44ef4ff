"""What the scripts of every page do, in a real browser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from pillarbox.reader.desk import Desk
from pillarbox.reader.model import Folder
from pillarbox.reader.news import DraftsChanged, MailChanged
from pillarbox.reader.preferences import Preferences
from tests.reader.browser import browsing
from tests.reader.desk import make_desk

# Two buttons for one key, of which one cannot be pressed, and one that is not seen.
BUTTONS = """() => {
  document.querySelector("h1").insertAdjacentHTML("afterend", `
    <button data-key="e" disabled>no</button>
    <span hidden><button data-key="e">no</button></span>
    <button data-key="e" id="archive">yes</button>
    <input id="typed"><input type="checkbox" id="box">`);
  window.pressed = [];
  for (const button of document.querySelectorAll("[data-key=e]"))
    button.addEventListener("click", () => window.pressed.push(button.textContent));
}"""


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def desk(tmp_path: Path) -> Desk:
    return make_desk(preferences=Preferences(tmp_path / "settings.json"))


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, desk: Desk, tmp_path: Path) -> AsyncIterator[Page]:
    async with browsing(browser, desk, tmp_path) as page:
        await page.evaluate(BUTTONS)
        yield page


async def pressed(page: Page) -> list[str]:
    found: list[str] = await page.evaluate("window.pressed")
    return found


async def test_a_key_presses_the_button_that_can_be_seen_and_pressed(page: Page) -> None:
    await page.keyboard.press("e")
    assert await pressed(page) == ["yes"]


async def test_with_another_key_it_is_another_key(page: Page) -> None:
    for key in ("Control+e", "Alt+e", "Meta+e", "Shift+E"):
        await page.keyboard.press(key)
        assert await pressed(page) == [], key


async def test_who_types_only_types(page: Page) -> None:
    await page.click("#typed")
    await page.keyboard.type("eager?")
    assert await pressed(page) == []
    assert await page.input_value("#typed") == "eager?"
    await page.focus("#box")
    await page.keyboard.press("e")
    assert await pressed(page) == ["yes"], "a box that is ticked is no place to type"


async def test_a_feature_may_take_a_key_for_itself(page: Page) -> None:
    await page.evaluate(
        "document.addEventListener('key', e => { if (e.detail.key === 'e') e.preventDefault(); })"
    )
    await page.keyboard.press("e")
    assert await pressed(page) == []


async def test_two_keys_lead_somewhere(page: Page) -> None:
    await page.keyboard.press("g")
    await page.keyboard.press("o")
    await page.wait_for_url("**/outbox")


async def test_who_collects_stays_where_they_are(page: Page, desk: Desk) -> None:
    url = page.url
    async with page.expect_response("**/collect") as collecting:
        await page.keyboard.press(".")
    assert (await (await collecting.value).request.all_headers())["hx-request"] == "true"
    await expect(page.locator("#toasts")).to_contain_text("Collecting mail")
    assert page.url == url
    assert await pressed(page) == [], "it is the same page"


async def test_after_g_a_key_means_something_else(page: Page) -> None:
    await page.keyboard.press("g")
    await page.keyboard.press("e")
    assert await pressed(page) == []
    await page.keyboard.press("e")
    assert await pressed(page) == ["yes"]


async def test_all_keys_are_shown_and_do_nothing_meanwhile(page: Page) -> None:
    await page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    await expect(dialog).to_be_visible()
    for what in ("Next message", "Mark unread", "Undo", "Send", "Outbox"):
        await expect(dialog.get_by_text(what, exact=True)).to_be_visible()
    await page.keyboard.press("e")
    assert await pressed(page) == []
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await page.keyboard.press("e")
    assert await pressed(page) == ["yes"]


async def test_keys_that_are_switched_off_do_nothing(page: Page) -> None:
    await page.uncheck("input[name=keys]")
    await page.get_by_role("button", name="Save").click()
    await page.wait_for_url("**/settings?saved")
    await page.evaluate(BUTTONS)
    await page.keyboard.press("e")
    await page.keyboard.press("?")
    assert await pressed(page) == []
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await page.get_by_role("button", name="All keys").click()
    await expect(page.get_by_role("dialog", name="Keys")).to_be_visible()


async def test_ctrl_enter_sends_also_while_typing(page: Page) -> None:
    await page.evaluate(
        """() => {
          document.querySelector("#archive").dataset.key = "Ctrl+Enter";
          document.querySelector("#typed").focus();
        }"""
    )
    await page.keyboard.press("Control+Enter")
    assert await pressed(page) == ["yes"]


async def test_focus_goes_to_what_has_come_for_it(page: Page) -> None:
    """The button is in the part that is swapped; the size comes in its place."""
    await (
        page.get_by_role("button", name="How large")
        .or_(page.get_by_role("link", name="How large"))
        .focus()
    )
    await page.keyboard.press("Enter")
    await expect(page.locator("#size")).to_contain_text("with the index")
    await expect(page.locator("#main:focus, #size:focus")).to_be_attached()


async def test_news_reach_who_listens(page: Page, desk: Desk) -> None:
    await page.evaluate(
        """() => {
          window.news = [];
          for (const kind of ["mail", "drafts"])
            document.addEventListener(`news:${kind}`, e => {
              document.body.dataset.told = window.news.push([kind, e.detail]);
            });
        }"""
    )
    while not desk.news._listeners:
        await page.wait_for_timeout(1)
    desk.news.tell(MailChanged(frozenset({Folder("Sent")}), 2))
    desk.news.tell(DraftsChanged())
    await expect(page.locator("body")).to_have_attribute("data-told", "2")
    assert await page.evaluate("window.news") == [
        ["mail", {"folders": ["Sent"], "arrived": 2}],
        ["drafts", {}],
    ]


async def test_when_the_reader_ends_the_page_says_so_calmly(page: Page, desk: Desk) -> None:
    desk.news.close()
    await page.route("**/events", lambda route: route.abort())
    await expect(page.locator("#toasts")).to_contain_text("pillarbox read")


async def test_what_goes_wrong_is_said_in_passing(page: Page) -> None:
    await page.evaluate(
        """() => {
          const link = document.querySelector("#size a");
          link.setAttribute("hx-get", "/nowhere");
          htmx.process(link);
        }"""
    )
    await page.click("#size a")
    await expect(page.locator("#toasts")).to_contain_text("leads nowhere")
    await expect(page.locator("#size a")).to_be_visible()


async def test_which_pane_a_phone_shows_follows_the_address(page: Page) -> None:
    view = "document.body.dataset.view"
    assert await page.evaluate(view) == "list"
    await page.evaluate(
        """() => {
          history.pushState({}, "", "?m=key");
          document.dispatchEvent(new CustomEvent("htmx:pushedIntoHistory"));
        }"""
    )
    assert await page.evaluate(view) == "message"
    await page.go_back()
    await expect(page.locator("body")).to_have_attribute("data-view", "list")


async def test_folders_on_a_phone_come_and_go_without_scripts(page: Page) -> None:
    await page.set_viewport_size({"width": 360, "height": 640})
    folders = page.get_by_role("navigation", name="Folders")
    await expect(folders).to_be_hidden()
    await page.get_by_role("link", name="Folders", exact=True).click()
    await expect(folders).to_be_visible()
    await page.get_by_role("link", name="Close the list of folders").click()
    await expect(folders).to_be_hidden()
    await page.go_back()
    await expect(folders).to_be_visible()
    await page.go_back()
    await expect(folders).to_be_hidden()


async def test_nothing_is_wider_than_the_window(page: Page) -> None:
    for width in (360, 700, 1100, 1600):
        await page.set_viewport_size({"width": width, "height": 640})
        for element in ("document.documentElement", "document.getElementById('main')"):
            assert await page.evaluate(f"{element}.scrollWidth <= {element}.clientWidth"), width


async def test_targets_are_large_enough_and_larger_for_fingers(
    browser: Browser, desk: Desk, tmp_path: Path
) -> None:
    heights = "Array.from(document.querySelectorAll('#side a, #side button'), e => e.offsetHeight).filter(h => h)"
    async with browsing(browser, desk, tmp_path) as page:
        assert min(await page.evaluate(heights)) >= 24
    touched = make_desk(preferences=desk.preferences)
    async with browsing(browser, touched, tmp_path, has_touch=True, is_mobile=True) as page:
        assert min(await page.evaluate(heights)) >= 44

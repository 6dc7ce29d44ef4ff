"""The pages of accounts in a real browser: nothing for axe to find, and the wizard by its buttons."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, ViewportSize, expect

from pillarbox.app.reading.accounts import ConfiguredAccounts
from pillarbox.app.reading.setting_up import ConfiguredSetup
from pillarbox.reader.model import Collecting, Status
from pillarbox.reader.news import AccountChanged
from tests.app.reading.test_setting_up import anything, nowhere
from tests.postoffice import PASSWORD, PostOffice
from tests.reader.browser import browsing
from tests.reader.desk import NOW, make_desk
from tests.reader.web.accounts.test_overview import CONFIG, Collector
from tests.reader.web.accounts.test_wizard import silent

WCAG: dict[str, Any] = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
PHONE = ViewportSize(width=360, height=740)
WIDE = ViewportSize(width=1280, height=800)
LOOKS: tuple[tuple[ViewportSize, Literal["light", "dark"]], ...] = (
    (PHONE, "dark"),
    (WIDE, "light"),
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostOffice]:
    settings = {"server": {"workers": 1}}
    folder = tmp_path_factory.mktemp("office")
    with PostOffice(folder, users=["alice"], settings=settings) as started:
        yield started


@pytest.fixture(autouse=True)
def no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")


async def axe(page: Page) -> None:
    """On a wide screen in the light, and on a phone in the dark."""
    for size, scheme in LOOKS:
        await page.set_viewport_size(size)
        await page.emulate_media(color_scheme=scheme)
        found = await Axe().run(page, options=WCAG)
        assert found.violations_count == 0, f"{page.url}, {scheme}: {found.generate_report()}"
        width = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert width <= 0, f"{page.url} is wider than its window"


async def test_every_state(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "pillarbox.toml").write_text(CONFIG)
    accounts = ConfiguredAccounts(tmp_path / "pillarbox.toml", (), tmp_path / "state")
    collector = Collector()
    desk = make_desk(
        accounts=accounts,
        setup=ConfiguredSetup(accounts, anything, nowhere),
        collector=collector,
    )
    async with browsing(browser, desk, tmp_path, "/accounts") as page:
        states = list(Collecting)
        for first, second in zip_longest(states[::2], states[1::2], fillvalue=states[0]):
            said = "What is wrong. What to do."
            collector.shown = [
                Status("work", first, NOW, NOW, said, 3, 10),
                Status("shared", second, NOW, NOW, said, 3, 10),
            ]
            await page.goto("/accounts")
            await axe(page)
        for path in ("/accounts/work/collecting", "/accounts/work", "/accounts/shared"):
            await page.goto(path)
            await axe(page)
        await page.get_by_role("button", name="Remove").click()
        await axe(page)


async def test_what_is_said_of_an_account_follows_the_news(
    browser: Browser, tmp_path: Path
) -> None:
    """The pages of accounts stayed at "Collecting" for ever, with neither bar nor count."""
    (tmp_path / "pillarbox.toml").write_text(CONFIG)
    accounts = ConfiguredAccounts(tmp_path / "pillarbox.toml", (), tmp_path / "state")
    collector = Collector()
    setup = ConfiguredSetup(accounts, anything, nowhere)
    desk = make_desk(accounts=accounts, setup=setup, collector=collector)
    async with browsing(browser, desk, tmp_path, "/accounts") as page:

        def now(status: Status) -> None:
            collector.shown = [status]
            desk.news.tell(AccountChanged("work", status))

        for path in ("/accounts", "/accounts/work", "/status"):
            collector.shown = [Status("work", Collecting.DONE, NOW)]
            async with page.expect_response("**/events*"):
                await page.goto(path)
            typed = page.get_by_label("Signature")
            if path == "/accounts/work":
                await typed.fill("Typed.")
            await page.get_by_role("button", name="Collect now from work").click()
            await expect(page.locator(".toast")).to_contain_text("Collecting mail")
            assert collector.told.pop() == ("collect", "work")
            now(Status("work", Collecting.RUNNING, NOW))
            state = page.locator("#main .live")
            await expect(state).to_contain_text("Collecting")
            now(Status("work", Collecting.RUNNING, NOW, arrived=3, expected=12))
            await expect(state).to_contain_text("collecting, 3 of 12", ignore_case=True)
            await expect(state.get_by_role("progressbar", name="Collecting work")).to_be_visible()
            now(Status("work", Collecting.OFFLINE, NOW, NOW + timedelta(seconds=27)))
            await expect(state).to_contain_text("Offline, next try in 27 s")
            button = state.get_by_role("button", name="Collect now from work")
            await button.focus()
            now(Status("work", Collecting.OFFLINE, NOW, NOW + timedelta(seconds=12)))
            await expect(state).to_contain_text("Offline, next try in 12 s")
            await expect(button).to_be_focused()
            if path == "/accounts/work":
                await expect(typed).to_have_value("Typed.")


async def test_while_servers_are_asked_it_is_said_so(browser: Browser, tmp_path: Path) -> None:
    """For half a minute nothing was shown, and the button asked again with each press."""
    (tmp_path / "pillarbox.toml").write_text("")
    accounts = ConfiguredAccounts(tmp_path / "pillarbox.toml", (), tmp_path / "state")
    setup = ConfiguredSetup(accounts, anything, nowhere)
    desk = make_desk(accounts=accounts, setup=setup, collector=Collector())
    end = asyncio.Event()
    async with silent(end) as port, browsing(browser, desk, tmp_path, "/accounts/new") as page:
        await page.get_by_label("Your mail address").fill("alice@example.org")
        await page.get_by_role("button", name="Look the servers up").click()
        await page.locator("#host").fill("127.0.0.1")
        await page.locator("#port").fill(str(port))
        await page.get_by_label("This account sends mail, too").uncheck()
        await page.get_by_role("button", name="Go on").click()
        # Nothing can be asked of a page that is being left: it stays, and notes what would have gone.
        await page.evaluate(
            """() => {
              window.prevented = [];
              window.stay = (event) => {
                window.prevented.push(event.defaultPrevented);
                event.preventDefault();
              };
              addEventListener("submit", window.stay);
            }"""
        )
        password = page.get_by_label("Password", exact=True)
        await password.fill("first")
        button = page.get_by_role("button", name="Try it")
        await button.click()
        asking = page.get_by_role("button", name="Asking…")
        await expect(asking).to_have_attribute("aria-disabled", "true")
        await expect(asking).to_be_focused()
        said = page.get_by_role("main").get_by_role("status")
        await expect(said).to_have_text(
            "Asking the server: that can take half a minute, if there is no answer."
        )
        await asking.press("Enter")
        assert await page.evaluate("window.prevented") == [False, True]
        await axe(page)
        await password.fill("second")
        await expect(button).not_to_have_attribute("aria-disabled", "true")
        await expect(said).to_be_empty()
        await page.evaluate("() => removeEventListener('submit', window.stay)")
        end.set()
        await button.click()
        await expect(page.get_by_role("heading", name="How it went")).to_be_visible()
        await page.go_back()
        await expect(button).not_to_have_attribute("aria-disabled", "true")


async def test_the_wizard(browser: Browser, office: PostOffice, tmp_path: Path) -> None:
    (tmp_path / "pillarbox.toml").write_text("")
    accounts = ConfiguredAccounts(tmp_path / "pillarbox.toml", (), tmp_path / "state")
    desk = make_desk(
        accounts=accounts,
        setup=ConfiguredSetup(accounts, anything, nowhere),
        collector=Collector(),
    )
    async with browsing(browser, desk, tmp_path, "/") as page:
        await expect(page.get_by_role("heading", name="Welcome")).to_be_visible()
        await axe(page)
        await page.get_by_label("Your mail address").fill("alice@example.org")
        await page.get_by_role("button", name="Look the servers up").click()
        await expect(page.get_by_role("heading", name="Servers of")).to_be_visible()
        await axe(page)
        await page.locator("#host").fill("localhost")
        await page.locator("#port").fill(str(office.addresses["pop3s"].port))
        await page.locator("#user").fill("alice")
        await page.get_by_label("This account sends mail, too").uncheck()
        await page.get_by_role("button", name="Go on").click()
        await expect(page.get_by_role("heading", name="Sign in as")).to_be_visible()
        await axe(page)
        await page.get_by_label("Password", exact=True).fill(PASSWORD)
        await page.get_by_role("button", name="Try it").click()
        await expect(page.get_by_role("heading", name="Its certificate")).to_be_visible()
        await axe(page)
        await page.locator("#ca").fill(str(office.authority))
        await page.get_by_role("button", name="Try with this").click()
        await axe(page)
        await page.get_by_role("button", name="Add the account").click()
        await expect(page.get_by_role("heading", name="Accounts")).to_be_visible()
        await axe(page)
    assert accounts.names() == ("alice@example.org",)

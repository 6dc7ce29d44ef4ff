"""A real browser at the pages of a desk, behind the guard; Debian's Chromium, or a skip."""

from __future__ import annotations

import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright, expect

from pillarbox.reader.desk import Desk
from pillarbox.reader.web.door import Door
from pillarbox.reader.web.entrances import Entrances
from pillarbox.reader.web.guard import Guard
from pillarbox.reader.web.password import Password
from pillarbox.reader.web.server import PageServer
from tests.postoffice import HOST, PATIENCE
from tests.reader.desk import site_of

expect.set_options(timeout=PATIENCE * 1000)  # five seconds are not enough where others work, too

CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")
"""The first is the same engine without what a window needs; it is quicker."""
# A reply that is an error is said twice: by the browser, and by htmx. The last is a request that a test has cut.
_EXPECTED = (
    "the server responded with a status of",
    "Response Status Error Code",
    "net::ERR_CONNECTION_ABORTED",
)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """The browser, for as many tests as want it (on one loop)."""
    if CHROMIUM is None:
        pytest.skip("there is no chromium: scripts/system-packages installs it")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"], timeout=PATIENCE * 1000
        )
        yield browser
        await browser.close()


async def came(page: Page, url: str) -> None:
    """The page at *url* has come, and its scripts have run: keys mean something from now on."""
    await expect(page).to_have_url(url)
    await page.wait_for_load_state()


@asynccontextmanager
async def serving(
    desk: Desk, folder: Path, password: Password | None = None
) -> AsyncIterator[tuple[Door, str]]:
    """The pages of *desk*: their door, and where they are. *folder* is for entrances."""
    sockets = [socket.create_server((HOST, 0))]
    port = sockets[0].getsockname()[1]
    door = Door(
        frozenset({HOST}), port, Entrances(folder / "entrances"), "t0ken", password=password
    )
    server = PageServer(Guard(site_of(desk), door), sockets)
    await server.start()
    try:
        yield door, f"http://{HOST}:{port}"
    finally:
        desk.news.close()
        await server.stop()


@asynccontextmanager
async def browsing(
    browser: Browser,
    desk: Desk,
    folder: Path,
    path: str = "/settings",
    password: Password | None = None,
    **options: Any,
) -> AsyncIterator[Page]:
    """A page that has come in, at *path*. Whatever its console complains of fails the test, but for replies that are errors.

    *folder* is for entrances; *options* are those of a browser's context (viewport, color_scheme).
    """
    complaints: list[str] = []

    def note(said: ConsoleMessage) -> None:
        if said.type == "error" and not any(each in said.text for each in _EXPECTED):
            complaints.append(said.text)

    async with serving(desk, folder, password) as (door, home):
        context = await browser.new_context(
            **{"base_url": home, "reduced_motion": "reduce"} | options
        )
        context.set_default_timeout(PATIENCE * 1000)
        try:
            await context.add_cookies(
                [{"name": door.cookie, "value": door.sessions.open(), "domain": HOST, "path": "/"}]
            )
            page = await context.new_page()
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("console", note)
            await page.goto(path)
            yield page
        finally:
            await context.close()
    assert complaints == []

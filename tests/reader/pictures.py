"""Make the pictures of the reader that the documentation shows: ``python -m tests.reader.pictures [FOLDER]``.

In ``docs/images``, unless another folder is named. The clock stands still, mail and people are made up: the pictures change
when the reader does.
"""

from __future__ import annotations

import asyncio
import io
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.async_api import Page, expect

from tests.reader.browser import browsing, chromium
from tests.reader.lived_in.house import House, lived_in, no_account_yet

_COLOURS = 256
IMAGES = Path(__file__).parents[2] / "docs" / "images"
WIDE: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 360, "height": 720},
    "has_touch": True,
    "is_mobile": True,
    "device_scale_factor": 2,
}
DARK: dict[str, Any] = {"color_scheme": "dark"}


async def open_row(page: Page, words: str) -> None:
    """Click a row of the list, and wait for its message."""
    await page.locator(".row-link", has_text=words).first.click()
    await expect(page.locator("#pane .letter-subject")).to_contain_text(words)
    await page.wait_for_load_state("networkidle")


async def _opened(page: Page) -> None:
    await open_row(page, "Opening hours")


async def _newsletter(page: Page) -> None:
    await open_row(page, "Glue, thread")
    await expect(page.frame_locator("#pane iframe").get_by_text("Read the whole")).to_be_visible()


async def _found(page: Page) -> None:
    await open_row(page, "A festival of reading")


async def _written(page: Page) -> None:
    await page.wait_for_load_state("networkidle")
    await page.locator("#subject").focus()


async def _as_it_is(page: Page) -> None:
    await page.wait_for_load_state("networkidle")


async def _welcomed(page: Page) -> None:
    await page.get_by_label("Your mail address").fill("nora@lindqvist.example")
    await page.get_by_label("Your name").fill("Nora Lindqvist")


Step = Callable[[Page], Awaitable[None]]
PICTURES: dict[str, tuple[str, dict[str, Any], Step]] = {
    "inbox-light": ("/mail/Inbox", WIDE, _opened),
    "inbox-dark": ("/mail/Inbox", WIDE | DARK, _opened),
    "newsletter": ("/mail/Inbox", WIDE, _newsletter),
    "phone-list": ("/mail/Inbox", PHONE, _as_it_is),
    "phone-message": ("/mail/Inbox", PHONE, _opened),
    "compose": ("/compose/{draft}", WIDE, _written),
    "search": ("/search?q=festival", WIDE, _found),
    "outbox": ("/outbox", WIDE, _as_it_is),
}
LOOKS: dict[str, dict[str, Any]] = {"-dark": WIDE | DARK, "-phone": PHONE}
"""How else each page that is not there in several looks already is shown."""
PICTURES |= {
    name + look: (path, options, step)
    for name, (path, _, step) in PICTURES.items()
    for look, options in LOOKS.items()
    if name in {"newsletter", "compose", "search", "outbox"}
}


@asynccontextmanager
async def visiting(folder: Path, path: str, look: dict[str, Any]) -> AsyncIterator[Page]:
    """A browser at *path* of a reader that was used for a while."""
    with lived_in(folder) as house:
        async with (
            chromium() as browser,
            browsing(browser, house.desk, folder, with_draft(path, house), **look) as page,
        ):
            yield page


def with_draft(path: str, house: House) -> str:
    """*path*, with a draft's id where it names one."""
    return path.format(draft=house.drafts[0].id)


def save(picture: bytes, path: Path) -> None:
    """With as many colours as a page has, more or less: a third of the octets."""
    with Image.open(io.BytesIO(picture)) as image:
        fewer = image.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
        fewer.save(path, optimize=True)


async def take(page: Page, folder: Path, name: str) -> None:
    """One picture, of what *page* shows."""
    await page.mouse.move(0, 0)
    save(await page.screenshot(caret="hide"), folder / f"reader-{name}.png")


async def make(folder: Path) -> None:
    """All of them."""
    for name, (path, look, step) in PICTURES.items():
        with tempfile.TemporaryDirectory() as house:
            async with visiting(Path(house), path, look) as page:
                await step(page)
                await take(page, folder, name)
    for suffix, options in {"": WIDE, **LOOKS}.items():
        with tempfile.TemporaryDirectory() as house:
            desk = no_account_yet(Path(house))
            async with (
                chromium() as browser,
                browsing(browser, desk, Path(house), "/", **options) as page,
            ):
                await _welcomed(page)
                await take(page, folder, f"wizard{suffix}")


if __name__ == "__main__":
    os.environ["TZ"] = "UTC"
    time.tzset()
    asyncio.run(make(Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES))

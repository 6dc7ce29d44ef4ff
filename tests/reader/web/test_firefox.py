"""The reader in Firefox: what browsers do each in their own way, and the rest once more."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from pillarbox.reader.model import Draft
from tests.reader.browser import serving
from tests.reader.firefox import SIZE, Firefox, firefox
from tests.reader.lived_in.house import House, lived_in

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGES = (
    "/search?q=festival",
    "/status",
    "/drafts",
    "/contacts",
    "/outbox",
    "/folders",
    "/rules/festival",
    "/import",
    "/export",
    "/accounts/work",
    "/accounts/new",
    "/compose?mailto=ada%40example.org",
    "/settings",
    "/nowhere",
)
SUBJECT = "document.querySelector('#pane .letter-subject')?.textContent.includes('{}')"
TOAST = "document.getElementById('toasts')?.textContent.includes('{}')"
IN_LIST = "document.activeElement.closest('#rows > li')"
SHEET = """(() => {
  const frame = document.querySelector('#pane iframe');
  const inside = frame?.contentDocument;
  if (inside?.readyState !== 'complete' || !inside.body?.textContent.includes('Wheat paste')) return false;
  return frame.clientHeight > 400 && frame.clientHeight >= inside.body.scrollHeight;
})()"""
"""The newsletter is on its sheet, which is as high as it is."""
FREE = """(() => {
  const side = document.getElementById('side');
  const item = [...side.querySelectorAll('.side-item')].find((each) => each.textContent.includes('Odd mail'));
  const [icon, count] = ['svg', '.count'].map((css) => item.querySelector(css).getBoundingClientRect());
  return innerWidth < 1100 && side.scrollHeight > side.clientHeight && icon.right <= count.left;
})()"""
"""Folders are icons, more than fit, and their numbers are beside them."""


class Visit:
    """Somebody before one reader."""

    def __init__(self, window: Firefox, home: str) -> None:
        self.window, self._home = window, home
        self.press, self.type, self.click = window.press, window.type, window.click
        self.see = window.see

    async def goto(self, path: str) -> None:
        await self.window.goto(self._home + path)

    async def complaints(self) -> list[str]:
        """What the console says of pages of the reader since it was asked last."""
        return await self.window.complaints(self._home)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """For all tests: each leaves it as it was, but for what was read."""
    with lived_in(tmp_path_factory.mktemp("house")) as house:
        house.desk.settings.hold_seconds = 600
        yield house


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def visit(house: House, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Visit]:
    folder = tmp_path_factory.mktemp("firefox")
    async with (
        firefox(folder / "profile") as window,
        serving(house.desk, folder) as (door, home),
    ):
        await window.goto(f"{home}/enter?token={door.entrances.make()}")
        yield Visit(window, home)


@pytest_asyncio.fixture(loop_scope="module")
async def page(visit: Visit) -> AsyncIterator[Visit]:
    """At all inboxes. Whatever the console complains of fails the test."""
    await visit.goto("/mail/Inbox")
    yield visit
    assert await visit.complaints() == []


async def test_mail_is_read_and_filed_by_keys(page: Visit) -> None:
    """Enter on the row of the open message did not lead into it: Firefox counts a key on a link as one click."""
    for subject in ("Opening hours", "planning the reading festival", "Glue, thread"):
        await page.press("j")
        await page.see(SUBJECT.format(subject))
    await page.see(SHEET)
    await page.press("Enter")
    await page.see("document.activeElement.id === 'pane'")
    await page.press("Escape")
    await page.see(IN_LIST)
    await page.press("e")
    await page.see(TOAST.format("Archived 1 message"))
    await page.press("z")
    await page.see(TOAST.format("Undone"))
    await page.see("document.querySelector('#rows').textContent.includes('Glue, thread')")


async def test_a_search_follows_what_is_typed(page: Visit) -> None:
    await page.press("/")
    await page.see("document.activeElement.id === 'q'")
    await page.type("festival reading")
    await page.see(
        "new URLSearchParams(location.search).get('q') === 'festival reading'"
        " && document.querySelectorAll('#rows > li').length === 2"
        " && document.querySelector('#rows mark')"
    )
    await page.press("Enter")
    await page.see(IN_LIST)
    await page.press("j")
    await page.see(SUBJECT.format("A festival of reading"))
    await page.press("/", "Escape")
    await page.see("location.pathname === '/mail/Inbox' && !document.getElementById('q').value")
    await page.see(SUBJECT.format("A festival of reading"))


async def test_an_answer_is_written_sent_and_taken_back(page: Visit, house: House) -> None:
    before = {each.id for each in house.desk.outbox.all()}
    await page.press("j")
    await page.see(SUBJECT.format("Opening hours"))
    await page.press("r")
    await page.see(
        "document.documentElement.matches('.scripted') && document.activeElement.id === 'text'"
    )
    await page.type("I will bring the choir.")
    await page.press("Control+Enter")
    await page.see(TOAST.format("Leaves in"))
    await page.see("document.readyState === 'complete'")  # keys work when the scripts have run
    (answer,) = (each for each in house.desk.outbox.all() if each.id not in before)
    assert answer.subject == "Re: Opening hours in December"
    await page.press("z")
    await page.see("document.getElementById('text')?.value.startsWith('I will bring the choir.')")
    assert {each.id for each in house.desk.outbox.all()} == before


async def test_a_list_that_is_pasted_gets_a_comma_for_each_end_of_a_line(
    page: Visit, house: House
) -> None:
    draft = house.desk.writing.new(
        Draft("", account="home", text="Bob <bob@x.example>\nalice@x.example\n")
    )
    await page.goto(f"/compose/{draft.id}")
    await page.click("#text")
    await page.press("Control+a", "Control+c")
    await page.click("#to")
    await page.press("Control+v")
    await page.see(
        "document.getElementById('to').value === 'Bob <bob@x.example>, alice@x.example, '"
    )


async def test_numbers_leave_the_icons_of_the_rail_free(page: Visit) -> None:
    """Where a scrollbar takes room they stood on the icons."""
    await page.window.resize(900, 600)
    await page.see(FREE)
    await page.window.resize(*SIZE)


async def test_no_page_has_anything_to_complain_of(page: Visit, house: House) -> None:
    for path in (*PAGES, f"/compose/{house.drafts[0].id}"):
        await page.goto(path)
        await page.see("document.querySelector('h1')")


async def test_what_a_page_complains_of_is_heard(visit: Visit) -> None:
    """Else the silence of the others says nothing."""
    await visit.goto("/settings")
    await visit.window.js(
        "document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">');"
        "setTimeout(() => { document.title = 'Thrown'; throw new Error('on purpose'); });"
    )
    await visit.see("document.title === 'Thrown'")
    complaints = await visit.complaints()
    for words in ("Content-Security-Policy", "on purpose"):
        assert any(words in each for each in complaints), complaints

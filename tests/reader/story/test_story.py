"""From no account at all to an answer that has arrived."""

from __future__ import annotations

import asyncio
import email
import email.policy
import re
import zipfile
from email.message import EmailMessage
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.postoffice import HOST, PASSWORD, PATIENCE
from tests.reader.story.conftest import Desk
from tests.reader.story.world import configured, settled

pytestmark = pytest.mark.asyncio(loop_scope="module")


def letter(subject: str, text: str, **fields: str) -> EmailMessage:
    message = EmailMessage(policy=email.policy.SMTP)
    message["From"] = "Bob Baker <bob@example.org>"
    message["To"] = "alice@example.org"
    message["Subject"] = subject
    message["Date"] = "Tue, 03 Nov 2026 10:42:00 +0100"
    message["Message-ID"] = f"<{re.sub('[^a-z]', '', subject.lower())}@example.org>"
    for name, value in fields.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message


async def add_account_by_hand(page: Page, desk: Desk) -> None:
    """The wizard, without a network in which servers could be looked up."""
    await page.get_by_label("Your mail address").fill("alice@example.org")
    await page.get_by_label("Your name").fill("Alice Miller")
    await page.get_by_role("button", name="Look the servers up").click()
    await expect(page.get_by_role("heading", name="Servers of alice@example.org")).to_be_visible()
    by_hand = page.locator("details", has=page.locator("#host")).first
    if not await page.locator("#host").is_visible():
        await page.get_by_text("Enter them by hand").click()
    await by_hand.locator("#host").fill("localhost")
    await by_hand.locator("#port").fill(str(desk.office.addresses["pop3s"].port))
    await by_hand.locator("#user").fill("alice")
    await by_hand.get_by_label("This account sends mail, too").check()
    await by_hand.locator("#smtp_host").fill("localhost")
    await by_hand.locator("#smtp_security").select_option("starttls")
    await by_hand.locator("#smtp_port").fill(str(desk.smtp.port))
    await by_hand.get_by_label("Sign in there").uncheck()
    await by_hand.get_by_text("A certificate of its own").click()
    await by_hand.locator("#ca").fill(str(desk.office.authority))
    await by_hand.get_by_role("button", name="Go on").click()
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_label("Name of the account").fill("work")
    await page.get_by_role("button", name="Try it").click()
    await expect(page.get_by_text("localhost lets you in.").first).to_be_visible()
    await page.get_by_role("button", name="Add the account").click()


async def test_from_the_first_account_to_an_answer_that_arrives(desk: Desk) -> None:
    page, office = desk.page, desk.office
    question = letter("Lunch", "Shall we have lunch on Thursday?\n")
    office.deliver(question.as_bytes(), "alice")
    desk.reader.hold(PATIENCE)  # it is not to leave by itself while one looks for the button
    await page.goto(await desk.reader.start())
    await expect(page.get_by_role("heading", name="Welcome")).to_be_visible()
    await add_account_by_hand(page, desk)

    await page.goto(f"{desk.reader.home}/mail/Inbox")
    row = page.get_by_role("link", name=re.compile("Lunch"))
    await expect(row).to_be_visible()
    await row.click()
    await expect(page.locator("#pane")).to_contain_text("Shall we have lunch on Thursday?")

    await desk.smtp.cut()
    await page.keyboard.press("r")
    await expect(page.get_by_label("To", exact=True)).to_have_value(re.compile("bob@example.org"))
    await page.get_by_label("Message", exact=True).fill("Yes, gladly. At noon?")
    await page.wait_for_load_state()  # keys work when the scripts have run
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#toasts")).to_contain_text("Undo")
    await page.goto(f"{desk.reader.home}/outbox")
    await expect(page.locator("#outbox")).to_contain_text("Re: Lunch")

    # While it waits, the machine goes down.
    await desk.reader.kill()
    await page.goto(await desk.reader.start())
    await page.goto(f"{desk.reader.home}/outbox")
    await expect(page.locator("#outbox")).to_contain_text("Re: Lunch")
    assert office.collect("bob") == []

    await desk.smtp.open()
    await page.get_by_role("button", name=re.compile("Send now|Try now")).click()
    await expect(page.locator("#outbox")).to_contain_text("Nothing waits to leave")
    (arrived,) = office.collect("bob")
    answer = email.message_from_bytes(arrived, policy=email.policy.default)
    assert answer["In-Reply-To"] == question["Message-ID"]
    assert answer["From"] == "Alice Miller <alice@example.org>"
    body = answer.get_body()
    assert body is not None
    assert "Yes, gladly. At noon?" in body.get_content()

    await page.goto(f"{desk.reader.home}/mail/Sent")
    await expect(page.get_by_role("link", name=re.compile("Re: Lunch"))).to_be_visible()
    assert await desk.reader.stop() == 0


async def test_html_with_trackers_asks_nobody_until_told_to(desk: Desk) -> None:
    asked = asyncio.Event()
    requests: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.readuntil(b"\r\n"))
        asked.set()
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    tracker = await asyncio.start_server(answer, HOST, 0)
    port = tracker.sockets[0].getsockname()[1]
    there = f"http://{HOST}:{port}"
    message = letter("Offers", "plain\n")
    message.add_alternative(
        f"""<html><head><link rel="stylesheet" href="{there}/sheet.css">
        <style>@import "{there}/import.css"; p {{ background: url({there}/style.png) }}</style>
        <meta http-equiv="refresh" content="0;url={there}/refresh"></head>
        <body background="{there}/body.png"><p style="background:url('{there}/inline.png')">Buy now</p>
        <img src="{there}/pixel.gif" width="1" height="1"><script src="{there}/script.js"></script>
        <iframe src="{there}/frame"></iframe><video poster="{there}/poster.png" src="{there}/film"></video>
        <object data="{there}/object"></object><svg><image href="{there}/svg.png"/></svg>
        <form action="{there}/form"><input type="image" src="{there}/input.png"></form>
        <img srcset="{there}/set.png 2x" src="cid:nothing"></body></html>""",
        subtype="html",
    )
    desk.office.deliver(message.as_bytes(), "alice")
    configured(desk.reader, desk.office, smtp=desk.smtp.port)
    page = desk.page
    await page.goto(await desk.reader.start())
    await page.get_by_role("link", name=re.compile("Offers")).click()
    frame = page.frame_locator("#pane iframe")
    await expect(frame.get_by_text("Buy now")).to_be_visible()
    await settled(page)
    assert requests == []

    await page.get_by_role("link", name="Load once").click()
    async with asyncio.timeout(PATIENCE):
        await asked.wait()
    assert [request.split()[1] for request in requests] == [b"/pixel.gif"]
    tracker.close()


async def test_a_conversation_and_the_files_in_it(desk: Desk, tmp_path: Path) -> None:
    """Read as one, its files saved one by one and together, filed, and taken back."""
    first = letter("Plan", "Shall we?\n")
    second = letter("Re: Plan", "Here it is.\n", In_Reply_To=first["Message-ID"])
    second.replace_header("Date", "Tue, 03 Nov 2026 11:00:00 +0100")
    plan, notes = bytes(range(256)) * 100, b"some notes\n"
    second.add_attachment(plan, "application", "octet-stream", filename="the plän.bin")
    second.add_attachment(notes, "application", "x-notes", filename="../../notes")
    for message in (first, second):
        desk.office.deliver(message.as_bytes(), "alice")
    configured(desk.reader, desk.office, smtp=desk.smtp.port)
    page = desk.page
    await page.goto(await desk.reader.start())
    row = page.locator("#list").get_by_role("link", name=re.compile("Plan"))
    await expect(row).to_have_count(1)
    await expect(page.locator("#list")).to_contain_text("2")
    await row.click()
    files = page.get_by_role("region", name="Attachments")
    await expect(files).to_contain_text("2 attachments")
    async with page.expect_download() as saving:
        await files.get_by_role("link", name="the plän.bin").click()
    saved = await saving.value
    assert saved.suggested_filename == "the plän.bin"
    await saved.save_as(tmp_path / "saved")
    assert (tmp_path / "saved").read_bytes() == plan
    async with page.expect_download() as saving:
        await files.get_by_role("link", name="Save all").click()
    await (await saving.value).save_as(tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as together:
        assert sorted(map(together.read, together.namelist())) == sorted([plan, notes])
        assert not any(".." in name or "/" in name for name in together.namelist())

    await page.keyboard.press("m")
    await page.keyboard.type("Plans")
    await page.keyboard.press("Enter")
    await expect(row).to_have_count(0)
    await expect(page.locator("#folders")).to_contain_text("Plans")
    await page.keyboard.press("z")
    await expect(row).to_have_count(1)


async def test_an_answer_takes_along_the_file_that_is_still_on_its_way(desk: Desk) -> None:
    desk.reader.hold(PATIENCE)
    desk.office.deliver(letter("Plan", "Shall we?\n").as_bytes(), "alice")
    configured(desk.reader, desk.office, smtp=desk.smtp.port)
    page = desk.page
    await page.goto(await desk.reader.start())
    await page.locator("#list").get_by_role("link", name=re.compile("Plan")).click()
    await expect(page.locator("#pane")).to_contain_text("Shall we?")
    await page.keyboard.press("r")
    await expect(page.get_by_label("Subject")).to_have_value("Re: Plan")
    await page.wait_for_load_state()
    content = bytes(range(256)) * 4000
    await page.locator("#compose input[type=file]").set_input_files(
        {"name": "answer.bin", "mimeType": "application/octet-stream", "buffer": content}
    )
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#toasts")).to_contain_text("Undo")
    await page.goto(f"{desk.reader.home}/outbox")
    await page.get_by_role("button", name=re.compile("Send now")).click()
    await expect(page.locator("#outbox")).to_contain_text("Nothing waits to leave")
    (arrived,) = desk.office.collect("bob")
    answer = email.message_from_bytes(arrived, policy=email.policy.default)
    (attached,) = answer.iter_attachments()
    assert attached.get_filename() == "answer.bin"
    assert attached.get_payload(decode=True) == content


async def test_the_keyboard_alone_does_everything(desk: Desk) -> None:
    for minute, number in enumerate(("first", "second", "third")):
        message = letter(f"The {number}", f"Text of the {number}\n")
        message.replace_header("Date", f"Tue, 03 Nov 2026 10:{minute:02} +0100")
        desk.office.deliver(message.as_bytes(), "alice")
    configured(desk.reader, desk.office, smtp=desk.smtp.port)
    page = desk.page
    await page.goto(await desk.reader.start())
    rows = page.locator("#list").get_by_role("link", name=re.compile("The "))
    await expect(rows).to_have_count(3)

    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await expect(page.locator("#pane")).to_contain_text("Text of the third")
    await page.keyboard.press("e")
    await expect(rows).to_have_count(2)
    await expect(page.locator("#pane")).to_contain_text("Text of the second")
    await page.keyboard.press("z")
    await expect(rows).to_have_count(3)

    await page.keyboard.press("/")
    await page.keyboard.type("text of the first")
    await expect(rows).to_have_count(1)
    await expect(page.locator("#list mark").first).to_be_visible()
    await page.keyboard.press("Escape")

    await page.goto(f"{desk.reader.home}/mail/Inbox")
    await expect(rows).to_have_count(3)
    await page.keyboard.press("j")
    await page.keyboard.press("x")
    await page.keyboard.press("j")
    await page.keyboard.press("x")
    await page.keyboard.press("#")
    await expect(rows).to_have_count(1)
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog")).to_be_visible()


async def test_reading_marks_as_read(desk: Desk) -> None:
    desk.office.deliver(letter("News", "It is so\n").as_bytes(), "alice")
    configured(desk.reader, desk.office, smtp=desk.smtp.port)
    page = desk.page
    await page.goto(await desk.reader.start())
    inbox = page.locator("#folders").get_by_role("link", name=re.compile("All inboxes"))
    await expect(inbox).to_contain_text("1")
    await page.get_by_role("link", name=re.compile("News")).click()
    await expect(inbox).not_to_contain_text("1")
    (file,) = (desk.reader.library / "mail" / "Inbox" / "alice").glob("*/*")
    assert file.name.endswith(":2,S")

"""No room on the disk: every page says so, nothing is lost, and all goes on when there is room again."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from pillarbox.reader.library.names import key_of
from tests.reader.story.answering import KEY, TEXTS, Rig, rigged
from tests.reader.story.visitor import Visitor, visiting
from tests.small_disk import filled, mounted

ROOM = 8 * 1024 * 1024
"""Octets of the disk: a library with one message, and an index."""
FULL = "make room"
SETTINGS = {"trash_days": "9", "hold_seconds": "0", "interval_minutes": "5", "keys": "on"}


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    with mounted(tmp_path / "library", ROOM):
        async with rigged(tmp_path) as rig:
            yield rig


async def refused(visitor: Visitor, path: str, /, **fields: Any) -> None:
    """As a form, and as a script."""
    for script in (False, True):
        reply = await visitor.post(path, script=script, **fields)
        said = unescape(reply.text) + reply.headers.get("HX-Trigger", "")
        assert FULL in said.lower(), (path, reply.status_code, said)
        assert reply.status_code == 503, path
        assert "Something in Pillarbox failed" not in said


async def test_every_page_says_that_the_disk_is_full_and_loses_nothing(rig: Rig) -> None:
    async with visiting(rig.reader) as visitor:
        await visitor.until(lambda: visitor.lists("Inbox", KEY))
        begun = await visitor.post(f"/message/{KEY}/reply", script=False)
        draft = re.sub(r".*/compose/(\w+).*", r"\1", begun.headers["location"])
        saved = await visitor.post(f"/compose/{draft}/save", text=TEXTS[0], version="1")
        typed = {"text": TEXTS[1], "version": str(saved.json()["version"]), "sure": "1"}
        with filled(rig.reader.library):
            await refused(visitor, f"/compose/{draft}/save", **typed)
            await refused(visitor, f"/compose/{draft}/send", **typed)
            page = await visitor.post(f"/compose/{draft}/save", script=False, **typed)
            assert TEXTS[1] in page.text, "what was typed is gone"
            assert await visitor.text_of(draft) == TEXTS[0]
            await refused(visitor, f"/message/{KEY}/reply")
            await refused(visitor, "/contacts", name="Bob", address="bob@example.org")
            await refused(visitor, "/settings", **SETTINGS)
            assert await visitor.outbox() == {}
        works: tuple[tuple[str, dict[str, Any]], ...] = (
            ("/contacts", {"name": "Bob", "address": "bob@example.org"}),
            ("/settings", SETTINGS),
            (f"/compose/{draft}/save", typed),
        )
        for path, fields in works:
            reply = await visitor.post(path, script=False, **fields)
            assert reply.status_code == 303, (path, reply.text)
        version = str(int(typed["version"]) + 1)
        again: dict[str, Any] = typed | {"version": version}
        sent = await visitor.post(f"/compose/{draft}/send", **again)
        assert sent.status_code == 200, sent.text
        rig.known.draft, rig.known.asked, rig.known.sent = draft, True, sent.json()["id"]
        await rig.left(visitor)
    await rig.reader.stop()
    await rig.check()
    assert len(rig.copies()) == 1


async def test_trash_can_be_emptied_on_a_full_disk(rig: Rig) -> None:
    trash = rig.mail / "Trash"
    for part in ("tmp", "new", "cur"):
        (trash / part).mkdir(parents=True)
    for number in range(40):
        message = b"Subject: old\n\n" + b"text\n" * 5000
        (trash / "cur" / f"1793699000.M{number}.old:2,S").write_bytes(message)
    async with visiting(rig.reader) as visitor:
        await visitor.until(lambda: visitor.lists("Trash", key_of("1793699000.M39.old")))
        with filled(rig.reader.library):
            await visitor.empty_trash()
        assert list((trash / "cur").iterdir()) == []
    await rig.reader.stop()

"""Putting a reader together."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import threading
from html import unescape
from pathlib import Path

import pytest

from pillarbox.app.reading.parts import make_parts
from pillarbox.app.reading.wish import ReadWish
from pillarbox.reader.contracts import Report
from pillarbox.reader.library.library import MailLibrary
from pillarbox.reader.model import Progress
from pillarbox.reader.news import News
from tests.postoffice import PATIENCE
from tests.reader.desk import visitor


async def test_ctrl_c_ends_making_the_index_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It once waited for all of it: minutes, with a hundred thousand messages."""
    began, ended = threading.Event(), threading.Event()

    def reindex(_library: MailLibrary, report: Report) -> None:
        began.set()
        try:
            while True:
                report(Progress(1, 2))
        finally:
            ended.set()

    monkeypatch.setattr(MailLibrary, "reindex", reindex)
    (tmp_path / "pillarbox.toml").touch()
    wish = ReadWish(tmp_path / "pillarbox.toml", state=str(tmp_path / "state"), reindex=True)
    making = asyncio.create_task(make_parts(wish, tmp_path / "library", News()))
    assert await asyncio.to_thread(began.wait, PATIENCE)
    making.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await making
    assert await asyncio.to_thread(ended.wait, PATIENCE)


BROKEN = {
    "settings.json": ("/settings", "settings.json, cannot be read: Is a directory."),
    "trash.json": (
        "/settings",
        "since when messages are in Trash, so it is not emptied by itself.",
    ),
    "contacts.json": ("/contacts", "Your contacts are not here, and none can be entered:"),
    "rules.json": (
        "/rules",
        "Your rules cannot be read, so none is applied, and none can be made.",
    ),
    "drafts": ("/drafts", "Your drafts cannot be read, and none can be begun:"),
    "outbox": ("/outbox", "What waits in it is not sent, and nothing can be put there."),
}


async def test_whatever_of_the_users_own_files_cannot_be_read_the_reader_starts_and_says_so(
    tmp_path: Path,
) -> None:
    """As a directory where a file should be, and the other way round."""
    library = tmp_path / "library"
    for name in BROKEN:
        path = library / name
        if path.suffix:
            path.mkdir(parents=True)
        else:
            path.write_bytes(b"no folder")
    (tmp_path / "pillarbox.toml").touch()
    wish = ReadWish(tmp_path / "pillarbox.toml", state=str(tmp_path / "state"))
    before = tempfile.tempdir
    parts = await make_parts(wish, library, News())
    try:
        assert tempfile.gettempdir() == str(library / "incoming"), "what is sent comes there"
        async with visitor(parts.desk) as browser:
            for where, words in BROKEN.values():
                page = " ".join(unescape((await browser.get(where)).text).split())
                assert words in page, where
                assert "The settings cannot be read" in page, "on every page"
                assert "The outbox cannot be read" in page
            for where, form in (
                ("/settings", {"trash_days": "7", "hold_seconds": "1", "interval_minutes": "1"}),
                ("/compose", {}),
                ("/contacts", {"name": "A", "address": "a@example.org"}),
                ("/rules", {"sender": "a", "flag": "on"}),
            ):
                reply = await browser.post(where, data=form)
                assert (where, reply.status_code) == (where, 503)
    finally:
        parts.close()
    assert tempfile.tempdir == before
    for name in BROKEN:
        assert (library / name).is_dir() is bool((library / name).suffix), (
            "nothing is written there"
        )

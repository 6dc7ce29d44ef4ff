"""Putting a reader together."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from pathlib import Path

import pytest

from pillarbox.app.reading.parts import make_parts
from pillarbox.app.reading.wish import ReadWish
from pillarbox.reader.contracts import Report
from pillarbox.reader.library.library import MailLibrary
from pillarbox.reader.model import Progress
from pillarbox.reader.news import News
from tests.postoffice import PATIENCE


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

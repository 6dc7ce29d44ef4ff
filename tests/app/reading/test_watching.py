"""Looks at the disk, again and again."""

from __future__ import annotations

import asyncio
from threading import Event
from typing import NoReturn

import pytest
from structlog.testing import capture_logs

from pillarbox.app.reading.bar import Given, bar, stoppable
from pillarbox.app.reading.watching import LOOK, TIDY, Watch
from pillarbox.reader.errors import LibraryUnusable
from pillarbox.reader.model import Progress


class Library:
    def __init__(self) -> None:
        self.done: list[str] = []
        self.troubles: list[str] = []

    def look(self) -> int:
        if self.troubles and (trouble := self.troubles.pop(0)):
            raise LibraryUnusable(trouble)
        self.done.append("look")
        return 0

    def tidy(self) -> None:
        self.done.append("tidy")

    def first(self, _: Event) -> None:
        self.done.append("first")


class Enough(Exception):
    """The clock of a test stops."""


def after(pauses: int) -> tuple[list[float], object]:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) > pauses:
            raise Enough

    return slept, sleep


async def watched(library: Library, pauses: int) -> list[float]:
    slept, sleep = after(pauses)
    with pytest.raises(Enough):
        await Watch(library, library.first, sleep).run()  # type: ignore[arg-type] # as made above
    return slept


async def test_first_things_first_then_a_look_each_half_minute_and_tidying_each_hour() -> None:
    library = Library()
    looks = round(TIDY / LOOK)
    slept = await watched(library, looks + 1)
    assert library.done == ["first", "tidy", *["look"] * looks, "tidy", "look"]
    assert set(slept) == {LOOK}


async def test_trouble_is_said_once_and_looked_past() -> None:
    library = Library()
    library.troubles = ["The disk is away.", "The disk is away.", "", "The disk is full."]
    with capture_logs() as logs:
        await watched(library, 5)
    assert [line["problem"] for line in logs] == ["The disk is away.", "The disk is full."]
    assert library.done.count("look") == 2


async def test_a_long_first_index_is_ended_in_good_order() -> None:
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()
    library = Library()

    def index(stop: Event) -> NoReturn:
        report = stoppable(lambda _: None, stop)
        loop.call_soon_threadsafe(begun.set)
        try:
            while True:
                report(Progress(1, 2))
        except Given:
            library.done.append("closed")
            raise

    task = asyncio.create_task(Watch(library, index).run())
    await begun.wait()
    task.cancel()
    with capture_logs() as logs, pytest.raises(asyncio.CancelledError):
        await task
    assert library.done == ["closed"]
    assert logs == []


def test_progress_is_told_and_where_there_is_no_terminal_nothing_is_drawn(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with bar("Making the index") as report:
        report(Progress(0, 0))
        report(Progress(5, 10, "Inbox [work]"))
    assert capsys.readouterr() == ("", "")

"""News of the first reading come as often as pages can follow."""

from __future__ import annotations

from pillarbox.reader.library.first import OFTEN, FirstReading
from pillarbox.reader.model import Progress


def test_news_are_not_told_more_often_than_that() -> None:
    told: list[Progress | None] = []
    now = [5.0]
    first = FirstReading(lambda: told.append(first.progress), lambda: now[0])
    with first.going_on(lambda _: None) as report:
        for done in range(1, 7):
            now[0] += OFTEN / 2
            report(Progress(done, 6))
    assert told == [Progress(0, 0), Progress(2, 6), Progress(4, 6), Progress(6, 6), None]

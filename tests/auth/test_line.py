"""Turns, one at a time, in the order in which they were asked for."""

import asyncio

import pytest

from pillarbox.auth.line import Line


async def test_who_has_just_left_is_not_called_up() -> None:
    """The holder and the next in line hang up together, as when a server stops."""
    line = Line(lambda: 10)
    called: list[str] = []

    async def stand(name: str) -> None:
        assert await line.turn()
        called.append(name)
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            line.over()

    tasks = {name: asyncio.create_task(stand(name)) for name in "abc"}
    await asyncio.sleep(0)
    for name in "ab":  # a's end comes before b could say that it is gone
        tasks[name].cancel()
    with pytest.raises(asyncio.CancelledError):
        await tasks["a"]
    await asyncio.gather(tasks["b"], return_exceptions=True)
    assert called == ["a", "c"]
    tasks["c"].cancel()
    with pytest.raises(asyncio.CancelledError):
        await tasks["c"]
    assert len(line) == 0
    assert await line.turn()


async def test_who_is_sent_away_and_leaves_at_once_is_no_error() -> None:
    places = 10
    line = Line(lambda: places)
    assert await line.turn()
    waiting = [asyncio.create_task(line.turn()) for _ in range(3)]
    await asyncio.sleep(0)
    places = 1
    waiting[2].cancel()
    line.over()
    assert await asyncio.gather(*waiting, return_exceptions=True) != []
    assert [task.cancelled() for task in waiting] == [False, False, True]
    assert [waiting[0].result(), waiting[1].result()] == [True, False]

"""A coroutine whose first step was run by hand goes on as if it had been a task's all along."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from pillarbox.resuming import rest_of


def begun(coroutine: Coroutine[Any, Any, str]) -> Coroutine[Any, Any, str]:
    return rest_of(coroutine, coroutine.send(None))


async def test_it_returns_what_the_coroutine_returns() -> None:
    first: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def work() -> str:
        answer = await first
        await asyncio.sleep(0)
        return answer + " and the end"

    rest = asyncio.create_task(begun(work()))
    first.set_result("the answer")
    assert await rest == "the answer and the end"


async def test_it_raises_what_the_coroutine_raises() -> None:
    async def work() -> str:
        await asyncio.sleep(0)
        raise LookupError("nothing there")

    with pytest.raises(LookupError, match="nothing there"):
        await begun(work())


async def test_what_is_waited_for_may_fail() -> None:
    first: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def work() -> str:
        try:
            return await first
        except ConnectionError as error:
            await asyncio.sleep(0)  # it may even wait again
            return f"got over it: {error}"

    rest = asyncio.create_task(begun(work()))
    first.set_exception(ConnectionError("gone"))
    assert await rest == "got over it: gone"


async def test_a_cancellation_reaches_the_coroutine() -> None:
    """Also where it waits for nothing that could be cancelled in its place."""
    seen = []

    async def work() -> str:
        try:
            for _ in range(3):
                await asyncio.sleep(0)
        except asyncio.CancelledError as error:
            seen.append(error)
            raise
        return "never"

    rest = asyncio.create_task(begun(work()))
    await asyncio.sleep(0)  # the task has begun
    rest.cancel()
    with pytest.raises(asyncio.CancelledError):
        await rest
    assert seen


async def test_a_cancellation_reaches_the_coroutine_before_its_task_has_begun() -> None:
    """The coroutine has: what it must do in the end is done, and nobody waits on in its place."""
    first: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    seen = []

    async def work() -> str:
        try:
            return await first
        except asyncio.CancelledError as error:
            seen.append(error)
            await asyncio.sleep(0)  # it may even wait again
            return "tidied up"

    rest = asyncio.create_task(begun(work()))
    rest.cancel()
    assert await rest == "tidied up"
    assert seen
    assert first.cancelled()


async def test_what_is_thrown_away_is_closed() -> None:
    seen = []

    async def work() -> str:
        try:
            await asyncio.sleep(0)
        finally:
            seen.append("closed")
        return "never"

    begun(work()).close()
    assert seen == ["closed"]

"""A clock that stands still until somebody sleeps, and notes how long they did."""

import asyncio


class FakeTime:
    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)

    def take_slept(self) -> list[float]:
        slept, self.slept = self.slept, []
        return slept

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


class FakeTimes:
    """Times that two tables share, in a dictionary (a :class:`pillarbox.auth.times.Times`)."""

    def __init__(self) -> None:
        self.at: dict[tuple[str, str], float] = {}

    def get(self, group: str, name: str) -> float | None:
        return self.at.get((group, name))

    def put(self, group: str, name: str, at: float) -> None:
        self.at[group, name] = at

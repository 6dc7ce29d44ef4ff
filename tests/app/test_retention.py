"""The sweep: what it asks of the store, what it tells, and that it goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from structlog.testing import capture_logs

from pillarbox.app import retention
from pillarbox.app.config import settings
from pillarbox.app.config.settings import DAY
from pillarbox.app.retention import MOST_LINES, Sweep, retention_of
from pillarbox.contracts.errors import StoreUnavailable
from pillarbox.contracts.meter import NullMeter
from pillarbox.contracts.store import Expired, Retention, SoonAbsent

NOW = 1_800_000_000.0
NOTICE_DAYS = 7.5
MONTH = settings.Retention(expire_days=90, unread_by_device_days=30)
SOON = "mail will soon no longer wait for a device that does not come"
ABSENT = "mail waits no longer for a device that does not come"
FAILED = "retention could not be applied; trying again"


class Store:
    """A store whose sweeps are written down, and end as *outcomes* say."""

    def __init__(self, *outcomes: Expired | Exception) -> None:
        self.outcomes = list(outcomes)
        self.asked: list[Retention] = []
        self.swept = asyncio.Event()
        self.seen_days_ago: dict[tuple[str, str], float] = {}
        self.turns: list[bool] = []
        """Whether it is ours to sweep; afterwards it is."""
        self.kept = asyncio.Event()

    async def take_sweep(self, seconds: float) -> bool:
        assert seconds == retention.TURN_SECONDS
        if self.asked:
            self.kept.set()
        return self.turns.pop(0) if self.turns else True

    async def soon_absent(
        self, retention: Retention, notice_seconds: float
    ) -> Sequence[SoonAbsent]:
        assert notice_seconds == NOTICE_DAYS * DAY
        return [
            SoonAbsent(*whose, NOW - days * DAY, retention.absent_seconds - days * DAY)
            for whose, days in self.seen_days_ago.items()
            if retention.absent_seconds - notice_seconds < days * DAY < retention.absent_seconds
        ]

    async def expire(self, retention: Retention) -> Expired:
        self.asked.append(retention)
        outcome = self.outcomes.pop(0) if self.outcomes else Expired()
        if not self.outcomes:
            self.swept.set()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


class Meter(NullMeter):
    def __init__(self) -> None:
        self.sweeps: list[tuple[Any, ...]] = []

    def swept(self, outcome: str, *, messages: int = 0, octets: int = 0, absent: int = 0) -> None:
        self.sweeps.append((outcome, messages, octets, absent))


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    with capture_logs() as logs:
        yield logs


def lines(logged: list[Any], event: str) -> list[dict[str, Any]]:
    return [line for line in logged if line["event"] == event]


def make(store: Store, wanted: settings.Retention = MONTH, meter: Meter | None = None) -> Sweep:
    return Sweep(store, wanted, meter or Meter())


def test_days_become_seconds() -> None:
    assert retention_of(MONTH) == Retention(expire_seconds=90 * DAY, absent_seconds=30 * DAY)
    assert retention_of(settings.Retention()) == Retention()


async def test_what_was_removed_is_logged_and_counted(logged: list[Any]) -> None:
    meter = Meter()
    store = Store(Expired(messages=3, octets=120, absent=(("alice", "phone"), ("bob", "old"))))
    assert await make(store, meter=meter).once()
    assert store.asked == [retention_of(MONTH)]
    assert meter.sweeps == [("ok", 3, 120, 2)]
    (removed,) = lines(logged, "messages removed")
    assert (removed["messages"], removed["octets"]) == (3, 120)
    assert [(line["user"], line["view"]) for line in lines(logged, ABSENT)] == [
        ("alice", "phone"),
        ("bob", "old"),
    ]


async def test_a_sweep_that_removes_nothing_says_nothing(logged: list[Any]) -> None:
    assert await make(Store()).once()
    assert [line for line in logged if line["log_level"] != "debug"] == []


async def test_a_device_is_warned_of_once_before_it_is_absent(logged: list[Any]) -> None:
    store = Store()
    store.seen_days_ago = {("alice", "default"): 1, ("alice", "phone"): 25}
    sweep = make(store)
    await sweep.once()
    await sweep.once()
    (line,) = lines(logged, SOON)
    assert (line["user"], line["view"], line["days_left"]) == ("alice", "phone", 5)
    assert line["log_level"] == "warning"


async def test_a_device_that_came_and_went_again_is_warned_of_again(logged: list[Any]) -> None:
    store = Store()
    sweep = make(store)
    for days in (25, 1, 24):
        store.seen_days_ago = {("alice", "default"): 1, ("alice", "phone"): days}
        await sweep.once()
    assert len(lines(logged, SOON)) == 2


async def test_nobody_sweeps_when_it_is_anothers_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """And asks again before long: who has it may have died."""
    monkeypatch.setattr(retention, "RETRY_SECONDS", 0)
    meter, store = Meter(), Store()
    store.turns = [False, False]
    sweep = make(store, meter=meter)
    assert not await sweep.once()
    assert not store.asked
    assert not meter.sweeps
    sweep.start()
    await store.swept.wait()
    await sweep.stop()
    assert not store.turns


async def test_a_long_sweep_keeps_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "KEEP_SECONDS", 0)
    store = Store()

    async def expire(retention: Retention) -> Expired:
        store.asked.append(retention)
        await store.kept.wait()
        return Expired()

    store.expire = expire  # type: ignore[method-assign]  # one that takes long
    assert await make(store).once()


async def test_the_log_is_not_flooded(logged: list[Any]) -> None:
    many = tuple((f"user{number}", "phone") for number in range(MOST_LINES + 17))
    await make(Store(Expired(absent=many))).once()
    told = lines(logged, ABSENT)
    assert len(told) == MOST_LINES + 1
    assert told[-1]["and_more"] == 17


@pytest.mark.parametrize(
    "error", [StoreUnavailable("the disk is full", temporary=True), ZeroDivisionError()]
)
async def test_a_failure_is_told_and_tried_again(
    error: Exception, logged: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "RETRY_SECONDS", 0)
    meter = Meter()
    store = Store(error, Expired(messages=1))
    sweep = make(store, meter=meter)
    sweep.start()
    await store.swept.wait()
    while len(meter.sweeps) < 2:  # noqa: ASYNC110 -- a few turns of the loop
        await asyncio.sleep(0)
    await sweep.stop()
    assert [outcome for outcome, *_ in meter.sweeps] == ["failed", "ok"]
    assert logged[0]["log_level"] == "error"


async def test_it_goes_on_every_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "SWEEP_SECONDS", 0)
    store = Store(*[Expired()] * 5)
    sweep = make(store)
    sweep.start()
    await store.swept.wait()
    await sweep.stop()
    assert len(store.asked) >= 5


async def test_without_retention_nothing_runs() -> None:
    store = Store()
    sweep = make(store, settings.Retention(default_view_holds=True))
    sweep.start()
    await asyncio.sleep(0)
    await sweep.stop()
    assert not store.asked


async def test_it_can_be_stopped_in_the_middle_and_twice() -> None:
    store = Store()
    begun = asyncio.Event()

    async def expire(retention: Retention) -> Expired:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    store.expire = expire  # type: ignore[method-assign]  # one that never ends
    sweep = make(store)
    sweep.start()
    await begun.wait()
    await sweep.stop()
    await sweep.stop()

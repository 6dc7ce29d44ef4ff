"""The schedule: who runs when, and what is told of it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import pytest

from pillarbox.client.errors import InvalidSetting, SignInRefused, Unreachable
from pillarbox.contracts.errors import PillarboxError
from pillarbox.fetch.account import Account
from pillarbox.fetch.errors import NotConfirmed
from pillarbox.fetch.events import Connected, Planned, Problem, Retrieved, Stored, Totals
from pillarbox.fetch.plan import Plan
from pillarbox.fetch.run import Outcome
from pillarbox.fetch.several import TellOf
from pillarbox.reader.errors import LibraryUnusable
from pillarbox.reader.model import INBOX, Collecting, Folder
from pillarbox.reader.news import AccountChanged
from pillarbox.wire.replies import Code
from tests.reader.collecting.test_words import HELD
from tests.reader.collecting.world import NOW, World, account, collecting

WELL = Outcome(Totals())


class Runs:
    """Runs that the test ends, one after the other."""

    def __init__(self, *outcomes: Outcome | PillarboxError) -> None:
        self.ready = [
            one if isinstance(one, Outcome) else Outcome(Totals(), one) for one in outcomes
        ]
        self.begun: list[Account] = []
        self.going = 0
        self.most = 0
        self.hold: asyncio.Event | None = None
        self.started, self.ended = asyncio.Event(), asyncio.Event()
        self.tell: TellOf

    async def __call__(self, account: Account, _state: Path, tell: TellOf) -> Outcome:
        self.begun.append(account)
        self.going += 1
        self.most = max(self.most, self.going)
        self.tell = tell
        self.started.set()
        try:
            if self.hold is not None:
                await self.hold.wait()
        finally:
            self.going -= 1
            self.ended.set()
        tell(account, Connected("mail.example.org:995", "PLAIN"))
        return self.ready.pop(0) if self.ready else WELL


async def test_a_run_that_goes_well(tmp_path: Path) -> None:
    runs = Runs(Outcome(Totals(retrieved=3)))
    async with collecting(tmp_path, runs, work=account("work")) as world:
        await world.until_state("work", Collecting.RUNNING)
        status = await world.until_state("work", Collecting.DONE)
        assert (status.last_done, status.arrived, status.problem) == (NOW, 3, "")
        assert status.next_try is not None
        assert timedelta(seconds=270) <= status.next_try - NOW <= timedelta(seconds=330)
        assert world.collector.statuses() == (status,)
        assert world.shelf.looks == 1


async def test_it_comes_again_by_itself(tmp_path: Path) -> None:
    runs = Runs()
    async with collecting(tmp_path, runs, work=account("work")) as world:
        await world.until_state("work", Collecting.DONE)
        for _ in range(40):  # 300 seconds and a tenth, in slices of 15
            if len(runs.begun) > 1:
                break
            await world.time.asleep.wait()
            world.time.asleep.clear()
            world.time.wake.set()
        await world.until_state("work", Collecting.DONE)
        assert max(world.time.slept) <= 15
        assert 270 <= sum(world.time.slept[:-1]) <= 330


async def test_a_laptop_that_was_shut_collects_soon_after(tmp_path: Path) -> None:
    """The clock that sleeping goes by stood still; the one on the wall did not."""
    runs = Runs()
    async with collecting(tmp_path, runs, work=account("work")) as world:
        await world.until_state("work", Collecting.DONE)
        await world.time.asleep.wait()
        world.time.now += timedelta(hours=8)
        world.time.wake.set()
        await world.until_state("work", Collecting.DONE)
        assert len(world.time.slept) <= 2


async def test_by_a_button(tmp_path: Path) -> None:
    runs = Runs()
    async with collecting(tmp_path, runs, work=account("work"), home=account("home")) as world:

        async def all_ran(*names: str) -> None:
            await world.until(
                lambda _: (
                    sorted(one.name for one in runs.begun) == [*names]  # who is first is left open
                    and all(s.state is Collecting.DONE for s in world.collector.statuses())
                )
            )

        await all_ran("home", "work")
        world.collector.collect("home")
        await all_ran("home", "home", "work")
        world.collector.collect()
        await world.until(lambda _: len(runs.begun) == 5)
        assert sorted(one.name for one in runs.begun[3:]) == ["home", "work"]


async def test_one_that_runs_is_left_alone(tmp_path: Path) -> None:
    runs = Runs()
    runs.hold = asyncio.Event()
    async with collecting(tmp_path, runs, work=account("work")) as world:
        await runs.started.wait()
        world.collector.collect("work")
        world.collector.collect()
        runs.hold.set()
        await world.until_state("work", Collecting.DONE)
        await world.time.asleep.wait()
        assert len(runs.begun) == 1


async def test_eight_at_once(tmp_path: Path) -> None:
    runs = Runs()
    runs.hold = asyncio.Event()
    accounts = {f"a{number}": account(f"a{number}") for number in range(12)}
    async with collecting(tmp_path, runs, **accounts) as world:
        while runs.going < 8:
            runs.started.clear()
            await runs.started.wait()
        runs.hold.set()
        for _ in accounts:
            await world.until(
                lambda item: item.status is not None and item.status.state is Collecting.DONE
            )
        assert runs.most == 8


async def test_no_network(tmp_path: Path) -> None:
    """It is a normal state, tried again by itself; the outbox hears when it is over."""
    runs = Runs(Unreachable("nobody at mail.example.org"), Unreachable("nobody"))
    async with collecting(tmp_path, runs, work=account("work")) as world:
        status = await world.until_state("work", Collecting.OFFLINE)
        assert status.problem == "Nobody at mail.example.org."
        assert status.next_try is not None
        assert status.last_done is None
        assert world.reached == []
        world.collector.collect()
        await world.until_state("work", Collecting.OFFLINE)
        world.collector.collect()
        await world.until_state("work", Collecting.DONE)
        assert world.reached == ["work", "work"]


async def test_a_refused_password_waits_for_a_new_one(tmp_path: Path) -> None:
    runs = Runs(SignInRefused(Code.AUTH, "no"))
    async with collecting(tmp_path, runs, work=account("work")) as world:
        status = await world.until_state("work", Collecting.REFUSED)
        assert status.next_try is None
        world.book.by_name["work"] = account("work", password="another")
        world.collector.refresh()
        await world.until_state("work", Collecting.DONE)
        assert runs.begun[-1].password == "another"
        assert not any("secret" in str(told) or "another" in str(told) for told in world.told)


async def test_a_new_password_while_the_old_one_is_being_refused(tmp_path: Path) -> None:
    runs = Runs(SignInRefused(Code.AUTH, "no"))
    runs.hold = asyncio.Event()
    async with collecting(tmp_path, runs, work=account("work")) as world:
        await runs.started.wait()
        world.collector.refresh()
        runs.hold.set()
        await world.until_state("work", Collecting.REFUSED)
        await world.until_state("work", Collecting.DONE)
        assert len(runs.begun) == 2


async def test_no_password_at_all(tmp_path: Path) -> None:
    runs = Runs()
    async with collecting(tmp_path, runs, work=account("work", password=None)) as world:
        status = await world.until_state("work", Collecting.UNSIGNED)
        assert "enter it" in status.problem
        assert runs.begun == []


async def test_a_yes_counts_once(tmp_path: Path) -> None:
    runs = Runs(NotConfirmed([HELD]), WELL, NotConfirmed([HELD]))
    async with collecting(tmp_path, runs, work=account("work")) as world:
        await world.until_state("work", Collecting.CONFIRM)
        world.collector.confirm("work")
        await world.until_state("work", Collecting.DONE)
        world.collector.collect()
        await world.until_state("work", Collecting.CONFIRM)
        assert [one.confirmed for one in runs.begun] == [False, True, False]


async def test_accounts_come_and_go(tmp_path: Path) -> None:
    runs = Runs()
    async with collecting(tmp_path, runs, work=account("work")) as world:
        await world.until_state("work", Collecting.DONE)
        world.book.by_name["home"] = account("home")
        world.collector.refresh()
        await world.until_state("home", Collecting.DONE)
        assert [status.account for status in world.collector.statuses()] == ["work", "home"]
        del world.book.by_name["work"]
        world.collector.refresh()
        await world.until(lambda item: item == AccountChanged("work", None))
        assert [status.account for status in world.collector.statuses()] == ["home"]


async def test_one_that_goes_while_it_runs(tmp_path: Path) -> None:
    runs = Runs()
    runs.hold = asyncio.Event()
    async with collecting(tmp_path, runs, work=account("work")) as world:
        await runs.started.wait()
        del world.book.by_name["work"]
        world.collector.refresh()
        await world.until(lambda item: item == AccountChanged("work", None))
        await runs.ended.wait()
        assert world.collector.statuses() == ()


async def test_settings_that_cannot_be_used(tmp_path: Path) -> None:
    async with collecting(tmp_path, Runs(), work=InvalidSetting("the url will not do")) as world:
        status = await world.until_state("work", Collecting.FAILED)
        assert status.problem == "The url will not do."
        assert status.next_try is None
        world.book.by_name["work"] = account("work")
        world.collector.refresh()
        await world.until_state("work", Collecting.DONE)


async def test_a_defect_is_told_and_others_go_on(tmp_path: Path) -> None:
    async def run(one: Account, _state: Path, _tell: TellOf) -> Outcome:
        if one.name == "bad":
            raise ZeroDivisionError
        return WELL

    async with collecting(tmp_path, run, bad=account("bad"), good=account("good")) as world:
        await world.until(lambda _: all(s.next_try for s in world.collector.statuses()))
        bad, good = world.collector.statuses()
        assert (bad.state, good.state) == (Collecting.FAILED, Collecting.DONE)
        assert "defect" in bad.problem


async def test_it_begins_again_after_a_defect_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails() -> NoReturn:
        raise OSError("a defect")

    runs = Runs()
    world = World(tmp_path, runs)
    world.book.by_name.update(work=account("work"))
    with world.news.listening() as world.heard:
        first = asyncio.create_task(world.collector.run())
        await world.until_state("work", Collecting.DONE)
        with monkeypatch.context() as patch:
            patch.setattr(world.book, "names", fails)
            world.collector.refresh()
            with pytest.raises(ExceptionGroup):
                await first
        again = asyncio.create_task(world.collector.run())
        await world.until_state("work", Collecting.DONE)
        assert len(runs.begun) == 2
        world.collector.collect("work")
        await world.until_state("work", Collecting.DONE)
        again.cancel()
        await asyncio.wait({again})


async def test_a_library_that_cannot_be_read(tmp_path: Path) -> None:
    async with collecting(tmp_path, Runs(), work=account("work")) as world:
        world.shelf.error = LibraryUnusable("the disk is full")
        status = await world.until_state("work", Collecting.FAILED)
        assert status.problem == "The disk is full."


async def test_progress(tmp_path: Path) -> None:
    """A bar's figures while it runs: not each of a thousand messages is news, the last state is."""
    runs = Runs(Outcome(Totals(retrieved=1000, failed=1)))
    runs.hold = asyncio.Event()
    async with collecting(tmp_path, runs, work=account("work")) as world:
        await runs.started.wait()
        (one,) = runs.begun
        runs.tell(one, Planned(Plan([HELD] * 1001, [], [], [], [])))
        for _ in range(1000):
            runs.tell(one, Retrieved(10))
        runs.tell(one, Stored(1000))
        told = await world.until(lambda item: item.status is not None and item.status.arrived > 0)
        assert told.status is not None
        assert (told.status.arrived, told.status.expected) == (1000, 1001)
        assert told.status.state is Collecting.RUNNING
        runs.tell(one, Problem("message 7 is damaged; it is tried again"))
        runs.hold.set()
        status = await world.until_state("work", Collecting.DONE)
        assert (status.arrived, status.problem) == (
            1000,
            "Message 7 is damaged; it is tried again.",
        )
        assert len(world.told) < 10
        assert Folder(f"{INBOX}/work") in world.shelf.seen


@pytest.mark.parametrize("seconds", [60.0, 5.0])
async def test_another_interval(tmp_path: Path, seconds: float) -> None:
    """What the user sets counts from the next run on; nobody's server is asked more often than decent."""
    async with collecting(tmp_path, Runs(), work=account("work")) as world:
        await world.until_state("work", Collecting.DONE)
        world.settings.interval_seconds = seconds
        world.collector.collect()
        status = await world.until_state("work", Collecting.DONE)
        assert status.next_try is not None
        pause = (status.next_try - NOW).total_seconds()
        assert 0.9 * max(seconds, 15) <= pause <= 1.1 * max(seconds, 15)


async def test_an_account_that_rests_is_not_collected_and_begins_anew_then(tmp_path: Path) -> None:
    """While its server is changed, its journal is free: also in the middle of a run that waits for a server."""
    runs = Runs()
    runs.hold = asyncio.Event()
    async with collecting(tmp_path, runs, work=account("work"), home=account("home")) as world:
        await world.until_state("home", Collecting.RUNNING)
        while runs.going < 2:
            runs.started.clear()
            await runs.started.wait()
        async with world.collector.resting("work"):
            assert runs.going == 1
            world.collector.collect()
            world.collector.refresh()
            world.book.by_name["club"] = account("club")
            world.collector.refresh()
            await world.until_state("club", Collecting.RUNNING)
            assert [one.account for one in world.collector.statuses()] == ["work", "home", "club"]
            del world.book.by_name["home"]
            world.book.by_name["work"] = account("work", password="new")
        await world.until_state("work", Collecting.RUNNING)
        runs.hold.set()
        await world.until_state("work", Collecting.DONE)
        assert [one.password for one in runs.begun if one.name == "work"] == ["secret", "new"]


async def test_an_account_may_be_removed_while_it_rests(tmp_path: Path) -> None:
    async with collecting(tmp_path, Runs(), work=account("work")) as world:
        await world.until_state("work", Collecting.DONE)
        async with world.collector.resting("work"):
            world.book.by_name.clear()
            world.collector.refresh()
            await world.until(lambda item: item.status is None)
        assert world.collector.statuses() == ()


async def test_two_rests_of_an_account_come_one_after_the_other(tmp_path: Path) -> None:
    """The user corrects what they have entered while the server is still being tried: nothing is collected before
    both have ended, and then by what was saved last.
    """
    runs = Runs()
    async with collecting(tmp_path, runs, work=account("work")) as world:
        await world.until_state("work", Collecting.DONE)
        asked, end = asyncio.Event(), asyncio.Event()
        order: list[str] = []

        async def correct() -> None:
            asked.set()
            async with world.collector.resting("work"):
                order.append("the second begins")
                await end.wait()
                world.book.by_name["work"] = account("work", password="corrected")

        async with world.collector.resting("work"):
            second = asyncio.create_task(correct())
            await asked.wait()
            order.append("the first ends")
        world.book.by_name["club"] = account("club")
        world.collector.refresh()
        # What there is to start is started in the order of names: "work" would run by now.
        await world.until_state("club", Collecting.DONE)
        assert order == ["the first ends", "the second begins"]
        assert world.collector.statuses()[0].state is Collecting.NEVER
        end.set()
        await second
        await world.until_state("work", Collecting.DONE)
        world.collector.collect("work")
        await world.until_state("work", Collecting.DONE)
        passwords = [one.password for one in runs.begun if one.name == "work"]
        assert passwords == ["secret", "corrected", "corrected"]

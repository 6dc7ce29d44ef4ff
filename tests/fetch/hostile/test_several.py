"""Several accounts side by side: what happens to one is nothing to the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from pillarbox.client.errors import InvalidSetting, SignInRefused, Unreachable
from pillarbox.fetch.account import Account
from pillarbox.fetch.errors import Defect
from pillarbox.fetch.events import Event, Stored
from pillarbox.fetch.limits import AT_ONCE, SHORTEST
from pillarbox.fetch.run import Outcome
from pillarbox.fetch.several import run_all
from pillarbox.fetch.watch import watch
from tests.fetch.hostile.case import SOON, Case
from tests.fetch.hostile.maildrop import letters
from tests.fetch.hostile.server import PASSWORD, Cut, HostileServer, Said


class Audience:
    """Whoever listens."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Event]] = []
        self.outcomes: list[tuple[str, Outcome]] = []
        self.pauses: list[tuple[str, float | None]] = []

    def tell(self, account: Account, event: Event) -> None:
        self.events.append((account.name, event))

    def ended(self, account: Account, outcome: Outcome) -> None:
        self.outcomes.append((account.name, outcome))

    def pausing(self, account: Account, pause: float | None) -> None:
        self.pauses.append((account.name, pause))


@pytest.fixture
def audience() -> Audience:
    return Audience()


@pytest.fixture
async def cases(tmp_path: Path) -> AsyncIterator[list[Case]]:
    """Four accounts at four servers, with one state folder."""
    async with AsyncExitStack() as stack:
        cases = []
        for number in range(4):
            server = await stack.enter_async_context(HostileServer(letters(2)))
            case = Case(tmp_path / str(number), server, timeout=SOON)
            case.account = case.account._replace(name=f"account {number}")
            cases.append(case)
        yield cases


async def run_them(cases: list[Case], folder: Path, audience: Audience) -> list[Outcome]:
    accounts = [case.account for case in cases]
    return await run_all(accounts, folder, tell=audience.tell, ended=audience.ended)


async def test_all_are_collected(tmp_path: Path, cases: list[Case], audience: Audience) -> None:
    outcomes = await run_them(cases, tmp_path / "state", audience)
    assert [outcome.error for outcome in outcomes] == [None] * 4
    for case in cases:
        case.assert_done()
    assert sorted(name for name, _ in audience.outcomes) == [f"account {n}" for n in range(4)]
    assert {name for name, event in audience.events if isinstance(event, Stored)} == {
        f"account {n}" for n in range(4)
    }


async def test_one_hangs_one_is_refused_one_is_defective(
    tmp_path: Path, cases: list[Case], audience: Audience
) -> None:
    def defective() -> str:
        raise ValueError("this is a mistake of ours")

    cases[0].server.instead["RETR"] = lambda _: b""
    cases[1].server.instead["PASS"] = lambda _: b"-ERR [AUTH] no\r\n"
    cases[2].account = cases[2].account._replace(password=defective)
    outcomes = await run_them(cases, tmp_path / "state", audience)
    assert outcomes[0].totals.failed or isinstance(outcomes[0].error, Unreachable)
    assert isinstance(outcomes[1].error, SignInRefused)
    assert isinstance(outcomes[2].error, Defect)
    assert "this is a mistake of ours" in str(outcomes[2].error)
    assert outcomes[3].error is None
    cases[3].assert_done()
    cases[0].server.be_good()
    cases[1].server.be_good()
    cases[2].account = cases[3].account._replace(
        endpoint=cases[2].account.endpoint, target=cases[2].account.target
    )
    await run_them(cases, tmp_path / "state", audience)
    for case in cases:
        case.assert_done()


async def test_only_so_many_at_once(tmp_path: Path, audience: Audience) -> None:
    """Each waits, inside its sign-in, until as many are there as may be."""
    inside = most = 0
    all_there = asyncio.Event()

    async def password() -> str:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        if inside == AT_ONCE:
            all_there.set()
        await all_there.wait()
        inside -= 1
        return PASSWORD

    async with AsyncExitStack() as stack:
        cases = []
        for number in range(2 * AT_ONCE + 1):
            server = await stack.enter_async_context(HostileServer(letters(1)))
            cases.append(Case(tmp_path / str(number), server))
            cases[-1].account = cases[-1].account._replace(password=password)
        outcomes = await run_them(cases, tmp_path / "state", audience)
    assert {outcome.error for outcome in outcomes} == {None}
    assert most == AT_ONCE


class Enough(Exception):
    """A watch has gone on for long enough."""


async def test_watching(tmp_path: Path, cases: list[Case], audience: Audience) -> None:
    """Each account with its own pauses; who needs the user is not tried again."""
    first, second, third, _ = cases

    def hang_up(_: Said) -> bytes:
        raise Cut

    second.server.instead["PASS"] = lambda _: b"-ERR [AUTH] no\r\n"
    third.server.instead["LIST"] = hang_up

    async def sleep(seconds: float) -> None:
        pauses = [pause for name, pause in audience.pauses if name == first.account.name]
        if len(pauses) == 4:
            raise Enough
        if seconds in pauses:
            first.server.maildrop.put(letters(10)[len(pauses) + 1])
        await asyncio.sleep(0)

    accounts = [case.account for case in (first, second, third)]
    with pytest.raises(Enough):
        await watch(
            accounts,
            tmp_path / "state",
            100.0,
            tell=audience.tell,
            ended=audience.ended,
            pausing=audience.pausing,
            sleep=sleep,
        )
    pauses = {
        case.account.name: [p for name, p in audience.pauses if name == case.account.name]
        for case in (first, second, third)
    }
    assert pauses[second.account.name] == [None]
    assert all(p is not None and 90 <= p <= 110 for p in pauses[first.account.name])
    failing = [p or 0 for p in pauses[third.account.name]]
    for n, pause in enumerate(failing):
        assert 0.9 <= pause / min(30 * 2**n, 900) <= 1.1
    assert len(first.stored()) == 5, "new mail was collected"


async def test_watching_ends_when_all_wait_for_the_user(
    tmp_path: Path, cases: list[Case], audience: Audience
) -> None:
    case = cases[0]
    case.account = case.account._replace(password=None)

    async def sleep(seconds: float) -> None:
        raise AssertionError(seconds)

    outcomes = await watch(
        [case.account],
        tmp_path / "state",
        300.0,
        tell=audience.tell,
        ended=audience.ended,
        pausing=audience.pausing,
        sleep=sleep,
    )
    assert isinstance(outcomes[0].error, InvalidSetting)
    assert audience.pauses == [(case.account.name, None)]


async def test_nobody_is_polled_too_often(
    tmp_path: Path, cases: list[Case], audience: Audience
) -> None:
    async def sleep(seconds: float) -> None:
        assert seconds >= 0.9 * SHORTEST
        raise Enough

    with pytest.raises(Enough):
        await watch(
            [cases[0].account],
            tmp_path / "state",
            0.0,
            tell=audience.tell,
            ended=audience.ended,
            pausing=audience.pausing,
            sleep=sleep,
        )

"""Who comes to a hash, and behind whom."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from pillarbox.auth import hash_line as module
from pillarbox.auth.applicant import Rank
from pillarbox.auth.hash_line import PASSED_OVER, HashLine
from pillarbox.contracts.errors import TooManyAttempts


class Held:
    """A line with one thread, which is busy until it is let go; notes who had a hash."""

    def __init__(self) -> None:
        self.line = HashLine(1)
        self.done: list[str] = []
        self.gate = threading.Event()
        self._first = asyncio.create_task(self.line.run(Rank.KNOWN, "first", self._wait))

    def _wait(self) -> None:
        assert self.gate.wait(30)

    def come(self, rank: Rank, network: str, name: str = "") -> asyncio.Task[None]:
        return asyncio.create_task(
            self.line.run(rank, network, lambda: self.done.append(name or network))
        )

    async def let_go(self, *tasks: asyncio.Task[None]) -> list[str]:
        await asyncio.sleep(0)
        self.gate.set()
        await self._first
        await asyncio.gather(*tasks, return_exceptions=True)
        return self.done


@pytest.fixture
async def held() -> Iterator[Held]:  # type: ignore[misc]  # pytest's asyncio mode runs it
    held = Held()
    await asyncio.sleep(0)
    yield held
    held.gate.set()
    held.line.close()


async def test_a_storm_of_suspects_has_one_known_and_one_calm_pass(held: Held) -> None:
    storm = [held.come(Rank.SUSPECT, f"bot {n}") for n in range(500)]
    calm = held.come(Rank.CALM, "calm")
    known = held.come(Rank.KNOWN, "known")
    assert (await held.let_go(*storm, calm, known))[:3] == ["known", "calm", "bot 0"]


async def test_networks_of_one_class_take_turns(held: Held) -> None:
    """Behind a webmail on this machine there are many names, and it is one network."""
    storm = [held.come(Rank.CALM, "local", f"local {n}") for n in range(100)]
    one, other = held.come(Rank.CALM, "a"), held.come(Rank.CALM, "b")
    done = await held.let_go(*storm, one, other)
    assert done[:4] == ["local 0", "a", "b", "local 1"]
    assert done[4:] == [f"local {n}" for n in range(2, 100)]


async def test_nobody_is_passed_over_for_ever(held: Held) -> None:
    suspect = held.come(Rank.SUSPECT, "suspect")
    others = [held.come(Rank.CALM, f"calm {n}") for n in range(20)]
    done = await held.let_go(suspect, *others)
    assert done.index("suspect") == PASSED_OVER


async def test_a_full_line_sends_away_the_newest_of_the_last_class(
    held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_HASHES_WAITING", 4)
    storm = [held.come(Rank.SUSPECT, f"bot {n}") for n in range(3)]
    await asyncio.sleep(0)
    late = held.come(Rank.SUSPECT, "bot 3")
    calm = held.come(Rank.CALM, "calm")
    known = held.come(Rank.KNOWN, "known")
    await asyncio.sleep(0)
    assert len(held.line) == 4
    assert await held.let_go(*storm, late, calm, known) == ["known", "calm", "bot 0"]
    for sent_away in (late, storm[1], storm[2]):
        assert isinstance(sent_away.exception(), TooManyAttempts)
    assert len(held.line) == 0


async def test_a_line_full_of_better_ones_has_no_place(
    held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_HASHES_WAITING", 2)
    known = held.come(Rank.KNOWN, "known")
    await asyncio.sleep(0)
    for rank in Rank:
        with pytest.raises(TooManyAttempts, match="2 sign-ins wait"):
            await held.line.run(rank, "late", lambda: None)
    assert await held.let_go(known) == ["known"]


async def test_who_leaves_the_line_frees_the_place(held: Held) -> None:
    tasks = [held.come(Rank.CALM, network) for network in "aab"]
    await asyncio.sleep(0)
    assert len(held.line) == 4
    tasks[0].cancel()
    tasks[2].cancel()
    await asyncio.gather(tasks[0], tasks[2], return_exceptions=True)
    assert len(held.line) == 2
    assert await held.let_go(tasks[1]) == ["a"]
    assert len(held.line) == 0


async def test_who_leaves_a_hash_being_computed_does_not_free_its_thread(held: Held) -> None:
    """Else hanging up would put more hashes to work than there are threads."""
    held._first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await held._first
    waiting = held.come(Rank.KNOWN, "a")
    await asyncio.sleep(0)
    assert len(held.line) == 2
    held.gate.set()
    await waiting
    assert held.done == ["a"]
    assert len(held.line) == 0


async def test_who_is_called_up_while_leaving_passes_the_turn_on(held: Held) -> None:
    first, second = held.come(Rank.CALM, "a"), held.come(Rank.CALM, "b")
    await asyncio.sleep(0)
    held.line._over()  # a's turn, and it leaves before it knows
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    held.gate.set()
    await second
    assert held.done == ["b"]


@pytest.mark.parametrize("send_away", [False, True])
async def test_who_was_cancelled_and_has_yet_to_say_so_is_passed_over(
    held: Held, monkeypatch: pytest.MonkeyPatch, *, send_away: bool
) -> None:
    first, second = held.come(Rank.SUSPECT, "a"), held.come(Rank.SUSPECT, "b")
    await asyncio.sleep(0)
    (second if send_away else first).cancel()
    if send_away:
        monkeypatch.setattr(module, "MAX_HASHES_WAITING", 3)
        third = held.come(Rank.KNOWN, "c")
        assert await held.let_go(first, second, third) == ["c", "a"]
    else:
        held.line._over()
        assert await held.let_go(first, second) == ["b"]


async def test_an_error_of_the_hash_is_its_own(held: Held) -> None:
    def fail() -> None:
        raise KeyError

    failing = asyncio.create_task(held.line.run(Rank.CALM, "a", fail))
    after = held.come(Rank.CALM, "b")
    assert await held.let_go(failing, after) == ["b"]
    assert isinstance(failing.exception(), KeyError)

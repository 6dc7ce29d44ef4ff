"""Nothing lost, nothing twice, whenever the reader ends: an answer, from its first word to its copy in Sent.

Each time the reader is started again, goes on to the end, and then what is there is compared with what its pages had said.
"""

from __future__ import annotations

import random
import signal
from itertools import count
from pathlib import Path

import pytest

from tests.reader.outbox.server import Cut, Rule, Session
from tests.reader.story.answering import Rig, live, rigged
from tests.reader.story.tripwire import arm
from tests.reader.story.visitor import Died, visiting

FEW = {
    "its record comes into the outbox": "4 /outbox/",
    "its copy goes to Sent": "2 /Sent/",
}
"""The change of a file (see :mod:`.tripwire`) before which the reader ends."""
MORE = {
    "its draft is begun": "2 draft.json",
    "its draft is saved": "4 draft.json",
    "its draft is saved again": "6 draft.json",
    "its draft is saved for the last time": "8 draft.json",
    "its message comes into the outbox": "2 /outbox/",
    "it is about to be in hand": "5 /outbox/",
    "the server's word is written down": "7 /outbox/",
    "what it answers is marked": "1 Inbox/alice/cur",
    "its draft goes": "9 draft.json",
    "its record says that it is filed": "10 /outbox/",
    "its record goes": "11 /outbox/",
    "its message goes": "12 /outbox/",
}
VERBS = ("GREETING", "EHLO", "MAIL", "RCPT", "DATA", "END")
LIVES = 120
"""Of the campaign, each with two kills."""
MOST_CHANGES = 45
"""Of files, in one life, and some to spare."""


async def test_an_answer_whose_reader_goes_on(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        assert await live(rig)
        assert await rig.reader.stop() == 0
        await rig.check()
        assert len(rig.copies()) == 1


@pytest.mark.parametrize("moment", [*FEW.values()], ids=[*FEW])
async def test_killed_when(moment: str, tmp_path: Path) -> None:
    await killed_at(f"kill {moment}", tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("moment", [*MORE.values()], ids=[*MORE])
async def test_killed_when_also(moment: str, tmp_path: Path) -> None:
    await killed_at(f"kill {moment}", tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("moment", [*FEW.values(), *MORE.values()], ids=[*FEW, *MORE])
async def test_asked_to_end_when(moment: str, tmp_path: Path) -> None:
    """It does, and what was under way is whole or not begun."""
    async with rigged(tmp_path) as rig:
        if await live(rig, f"term {moment}"):
            # Asked at one of its last steps, it was done before. (A second signal would end it at once.)
            rig.code = await rig.reader.ended()
        assert rig.code == 0
        await rig.check()


@pytest.mark.parametrize(
    "taken",
    [
        pytest.param(True, id="takes it"),
        pytest.param(False, id="dies, too", marks=pytest.mark.long),
    ],
)
async def test_killed_while_the_server_has_the_whole_message_and(
    *, taken: bool, tmp_path: Path
) -> None:
    """Nobody knows: it is not sent again."""
    async with rigged(tmp_path) as rig:
        rig.server.instead["END"] = killing(rig, cut=not taken)
        assert not await live(rig)
        await rig.check()
        assert len(rig.server.taken) == taken
        assert not rig.copies(), "it is not confirmed"


@pytest.mark.long
@pytest.mark.parametrize("cut", [False, True], ids=["goes on", "hangs up"])
@pytest.mark.parametrize("verb", VERBS)
async def test_killed_by_the_server_at(verb: str, *, cut: bool, tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        rig.server.instead[verb] = killing(rig, cut=cut)
        assert not await live(rig)
        await rig.check()


@pytest.mark.long
@pytest.mark.parametrize("verb", VERBS)
async def test_asked_to_end_by_the_server_at(verb: str, tmp_path: Path) -> None:
    """A hand-over under way is finished first."""
    async with rigged(tmp_path) as rig:
        rig.server.instead[verb] = killing(rig, cut=False, sign=signal.SIGTERM)
        if await live(rig):
            rig.code = await rig.reader.ended()
        assert rig.code == 0
        await rig.check()
        assert len(rig.copies()) == 1


@pytest.mark.long
async def test_killed_while_it_is_held(tmp_path: Path) -> None:
    async with rigged(tmp_path, hold=100) as rig:
        async with visiting(rig.reader) as visitor:
            await rig.answer(visitor)
            (said,) = (await visitor.outbox()).values()
            assert "Leaves" in said
        await rig.reader.kill()
        await rig.check()
        assert len(rig.copies()) == 1


@pytest.mark.long
async def test_killed_while_it_waits_for_the_network(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        rig.server.instead["GREETING"] = hanging_up
        async with visiting(rig.reader) as visitor:

            async def waits() -> bool:
                return any("broke" in said for said in (await visitor.outbox()).values())

            await rig.answer(visitor)
            await visitor.until(waits)
        await rig.reader.kill()
        await rig.check()
        assert len(rig.copies()) == 1


@pytest.mark.long
async def test_killed_before_every_change_of_a_file(tmp_path: Path) -> None:
    for number in count(1):
        async with rigged(tmp_path / str(number)) as rig:
            if await live(rig, f"kill {number} /library/"):
                assert number > MOST_CHANGES // 2, "this is not a whole life"
                return
            await rig.check()


@pytest.mark.long
async def test_killed_again_and_again(tmp_path: Path) -> None:
    """At a change, or when the server has heard so many octets; and once more in the life after it."""
    rand = random.Random(6)
    for number in range(LIVES):
        async with rigged(tmp_path / str(number)) as rig:
            wire = f"kill {rand.randint(1, MOST_CHANGES)} /library/"
            if rand.random() < 1 / 2:
                rig.server.instead[rand.choice(VERBS)] = killing(rig, cut=rand.random() < 1 / 2)
                wire = ""
            if await live(rig, wire):
                await rig.reader.stop()
            rig.server.instead.clear()
            arm(rig.reader.folder, f"kill {rand.randint(1, MOST_CHANGES)} /library/")
            await again(rig)
            await rig.check()


async def again(rig: Rig) -> None:
    """A reader that goes on with what is there, until that is done, or it is killed."""
    rig.hold(0)
    if not await going_on(rig):
        await rig.reader.kill()


async def going_on(rig: Rig) -> bool:
    try:
        async with visiting(rig.reader) as visitor:
            await rig.left(visitor)
    except (Died, AssertionError):  # or it was killed before it could say where it is
        return False
    await rig.reader.stop()
    return True


async def killed_at(wire: str, folder: Path) -> None:
    async with rigged(folder) as rig:
        assert not await live(rig, wire), "it never comes to this"
        assert rig.code == -signal.SIGKILL
        await rig.check()


def killing(rig: Rig, *, cut: bool, sign: signal.Signals = signal.SIGKILL) -> Rule:
    """The reader gets a signal when it has said this. *cut*: the server is gone, too."""

    def rule(_: Session, __: str) -> bytes | None:
        rig.reader.send_signal(sign)
        if cut:
            raise Cut
        return None

    return rule


def hanging_up(_: Session, __: str) -> bytes | None:
    raise Cut

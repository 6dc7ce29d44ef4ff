"""Every transcript that a real server can be brought to: each over POP3S or over STLS, in turn, and in
the long run over both. (What differs between the two is before the first command.)
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from pillarbox.testing.transcript_player import play
from pillarbox.testing.transcript_steps import Transcript
from tests.transcripts.corpus import PERFORMANCES
from tests.transcripts.process_stage import Offices, ProcessStage


@pytest.fixture(scope="module")
def offices(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Offices]:
    running = Offices(tmp_path_factory.mktemp("offices"))
    yield running
    running.stop()


def performances() -> Iterator[object]:
    """All, of which the quick ones go by either door in turn."""
    turns = itertools.cycle(("pop3s", "stls"))
    for _, performed in itertools.groupby(PERFORMANCES, lambda each: each.values[0]):
        all_doors = [*performed]
        turn = next(turns)
        for performance in all_doors:
            quick = len(all_doors) == 1 or performance.values[1] == turn
            marks = [] if quick else [pytest.mark.long]
            yield pytest.param(*performance.values, id=performance.id, marks=marks)


@pytest.mark.parametrize(("transcript", "door"), [*performances()])
async def test_process(transcript: Transcript, door: str, offices: Offices) -> None:
    await play(transcript, ProcessStage(offices, door))

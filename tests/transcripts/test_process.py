"""Every transcript that a real server can be brought to, over POP3S and over STLS."""

from __future__ import annotations

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


@pytest.mark.parametrize(("transcript", "door"), PERFORMANCES)
async def test_process(transcript: Transcript, door: str, offices: Offices) -> None:
    await play(transcript, ProcessStage(offices, door))

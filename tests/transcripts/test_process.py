"""Every transcript that a real server can be brought to, over POP3S and over STLS."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pillarbox.testing.transcript_player import play
from pillarbox.testing.transcript_steps import Transcript
from tests.transcripts.corpus import playable_on
from tests.transcripts.process_stage import Offices, ProcessStage


@pytest.fixture(scope="module")
def offices(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Offices]:
    running = Offices(tmp_path_factory.mktemp("offices"))
    yield running
    running.stop()


PERFORMANCES = [
    pytest.param(transcript, door, id=f"{door}-{transcript.name}")
    for transcript in playable_on("process")
    for door in ([transcript.setting.port] if transcript.setting.port else ["pop3s", "stls"])
]


@pytest.mark.parametrize(("transcript", "door"), PERFORMANCES)
async def test_process(transcript: Transcript, door: str, offices: Offices) -> None:
    await play(transcript, ProcessStage(offices, door))

"""Every transcript against the connection on a memory transport, whole and in pieces."""

from __future__ import annotations

import pytest

from pillarbox.testing.transcript_player import play
from pillarbox.testing.transcript_steps import Transcript
from tests.transcripts.corpus import playable_on
from tests.transcripts.memory_stage import MemoryStage


@pytest.mark.parametrize("chunk", [0, 1, 2, 3, 5, 7, 64])
@pytest.mark.parametrize("transcript", playable_on("memory"), ids=lambda t: t.name)
async def test_memory(transcript: Transcript, chunk: int) -> None:
    await play(transcript, MemoryStage(chunk))

"""Every transcript against the pure core, without an event loop, whole and in pieces."""

from __future__ import annotations

import pytest

from pillarbox.testing.transcript_player import play, without_a_loop
from pillarbox.testing.transcript_steps import Transcript
from tests.transcripts.core_stage import CoreStage
from tests.transcripts.corpus import playable_on


@pytest.mark.parametrize("chunk", [0, 1, 2, 3, 5, 7, 64])
@pytest.mark.parametrize("transcript", playable_on("core"), ids=lambda t: t.name)
def test_core(transcript: Transcript, chunk: int) -> None:
    without_a_loop(play(transcript, CoreStage(chunk)))

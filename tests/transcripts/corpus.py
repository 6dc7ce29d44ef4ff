"""All transcripts in this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from pillarbox.testing.transcript import read
from pillarbox.testing.transcript_steps import Transcript

TRANSCRIPTS = [t for path in sorted(Path(__file__).parent.glob("*.txt")) for t in read(path)]


def playable_on(stage: str) -> list[Transcript]:
    """Those that say they can be played on *stage*."""
    return [transcript for transcript in TRANSCRIPTS if stage in transcript.setting.stages]


PERFORMANCES = [
    pytest.param(transcript, door, id=f"{door}-{transcript.name}")
    for transcript in playable_on("process")
    for door in ([transcript.setting.port] if transcript.setting.port else ["pop3s", "stls"])
]
"""On a server of its own, by each door that the transcript leaves open."""

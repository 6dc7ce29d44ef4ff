"""Every transcript that a real server can be brought to, on the cluster engine, by each of its doors; for
every day, one in three, and all in which the engine is asked for more than a maildrop that nobody else has.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pillarbox.testing.transcript_player import play
from pillarbox.testing.transcript_steps import Transcript
from tests.cluster.postgres import PostgresServer
from tests.cluster.seaweedfs import SeaweedFs
from tests.cluster.stage import Nodes
from tests.transcripts.corpus import PERFORMANCES
from tests.transcripts.process_stage import ProcessStage


@pytest.fixture(scope="module")
def nodes(
    tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer, seaweedfs: SeaweedFs
) -> Iterator[Nodes]:
    database = postgres.new_database()
    running = Nodes(tmp_path_factory.mktemp("nodes"), database, seaweedfs.settings())
    yield running
    running.stop()
    postgres.drop(database)


def performances() -> Iterator[object]:
    played: dict[int, int] = {}
    for performance in PERFORMANCES:
        transcript, _ = performance.values
        assert isinstance(transcript, Transcript)
        again = id(transcript) in played
        place = played.setdefault(id(transcript), len(played))
        setting = transcript.setting
        seldom = again or (place % 3 and not setting.held and not setting.login_delay)
        yield pytest.param(
            *performance.values, id=performance.id, marks=[pytest.mark.long] if seldom else ()
        )


@pytest.mark.parametrize(("transcript", "door"), [*performances()])
async def test_cluster(transcript: Transcript, door: str, nodes: Nodes) -> None:
    await play(transcript, ProcessStage(nodes, door))

"""Every transcript that a real server can be brought to, on the cluster engine."""

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


@pytest.mark.parametrize(("transcript", "door"), PERFORMANCES)
async def test_cluster(transcript: Transcript, door: str, nodes: Nodes) -> None:
    await play(transcript, ProcessStage(nodes, door))

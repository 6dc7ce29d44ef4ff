"""A node of a cluster as a stage: ``pillarbox serve`` on PostgreSQL and SeaweedFS."""

from __future__ import annotations

from pathlib import Path

from pillarbox.app.wire_up import Engine
from pillarbox.store.cluster.engine import open_cluster
from pillarbox.store.cluster.objects import ObjectSettings
from pillarbox.store.cluster.settings import ClusterSettings
from tests.cluster.node import INLINE_OCTETS, Node
from tests.postoffice import PostOffice, Settings
from tests.transcripts.process_stage import Offices


class Nodes(Offices):
    """All on one database: each transcript makes its accounts and maildrops anew."""

    def __init__(self, folder: Path, database: str, objects: ObjectSettings) -> None:
        super().__init__(folder)
        self._database = database
        self._objects = objects

    def made(self, folder: Path, settings: Settings) -> PostOffice:
        return Node(folder, self._database, self._objects, settings=settings)

    async def opened(self, office: PostOffice) -> Engine:
        return await open_cluster(
            ClusterSettings(
                database=self._database, inline_bytes=INLINE_OCTETS, objects=self._objects
            )
        )

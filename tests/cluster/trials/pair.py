"""PostgreSQL with a standby that has what is answered before it is answered."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.app.run.processes import eventually
from tests.cluster.postgres import ADMIN, PASSWORD, PostgresServer
from tests.postoffice import HOST
from tests.realservers.server import open_folder

DURABLE = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "on",
    "wal_retrieve_retry_interval": "100ms",
}
"""For processes that are killed, on a machine that goes on. An answer waits for the standby, which looks for a
primary that comes back more often than every five seconds.
"""


class Pair:
    """Two servers in one folder; one of them takes changes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.primary, self.standby = self._server("one"), self._server("two")
        self.ports = (self.primary.port, self.standby.port)

    def _server(self, name: str) -> PostgresServer:
        folder = self.folder / name
        folder.mkdir()
        return PostgresServer(folder, DURABLE)

    def start(self) -> None:
        """Returns when both run, and the one waits for the other."""
        self.primary.make()
        self.primary.start()
        self.primary.make_template()
        self._add_standby()

    def stop(self) -> None:
        for server in (self.primary, self.standby):
            server.stop("immediate")

    def fail_over(self) -> None:
        """The primary is gone, as in a power cut, and the standby takes its place. Later it gets a
        standby of its own (:meth:`complete`).
        """
        self.primary.stop("immediate")
        self.primary, self.standby = self.standby, self.primary
        self.primary.do("pg_ctl", "promote", "-w", "-D", self.primary.data)

    def complete(self) -> None:
        """What was the primary becomes the standby, from nothing."""
        shutil.rmtree(self.standby.data)
        self._add_standby()

    def restart(self, mode: str) -> None:
        self.primary.restart(mode)
        self._wait("sync_state = 'sync'")

    def _add_standby(self) -> None:
        source = f"postgresql://{ADMIN}:{PASSWORD.replace(' ', '%20')}@{HOST}:{self.primary.port}/"
        self.standby.do(
            *("pg_basebackup", "-d", source, "-D", self.standby.data),
            *("-R", "-X", "stream", "-c", "fast", "--no-sync"),
        )
        self.standby.start()
        self._wait("state = 'streaming'")
        self.primary.run("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.primary.run("SELECT pg_reload_conf()")
        self._wait("sync_state = 'sync'")

    def _wait(self, condition: str) -> None:
        """Until the primary says so of its standby."""
        asked = f"SELECT 1 FROM pg_stat_replication WHERE {condition}"
        eventually(lambda: bool(self.primary.run(asked)), f"the standby: {condition}")


@contextmanager
def pair() -> Iterator[Pair]:
    """Both run; gone afterwards."""
    with open_folder() as folder:
        both = Pair(folder)
        try:
            both.start()
            yield both
        finally:
            both.stop()

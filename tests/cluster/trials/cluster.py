"""All of it: a database with a standby, an object store, three nodes, a balancer."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from pillarbox.database import Database
from pillarbox.store.cluster.collector import Collector
from pillarbox.store.cluster.objects import Objects
from tests.app.run.processes import eventually, get
from tests.cluster.node import Node
from tests.cluster.postgres import ADMIN, PASSWORD
from tests.cluster.seaweedfs import SeaweedFs
from tests.cluster.trials.balancer import balancer
from tests.cluster.trials.cables import Cable, Cables
from tests.cluster.trials.history import History
from tests.cluster.trials.pair import Pair
from tests.ports import free_port
from tests.postoffice import DOORS, HOST, Address

LEASE_SECONDS = 3.0
NODES = 3


class Member:
    """A node, and its cables to the database."""

    def __init__(self, node: Node, cables: tuple[Cable, ...], ports: dict[str, int]) -> None:
        self.node = node
        self.cables = cables
        self.ports = ports
        self.log_lines: list[dict[str, object]] = []
        """Of its earlier lives."""

    def freeze(self) -> None:
        os.killpg(self.node.pid, signal.SIGSTOP)

    def wake(self) -> None:
        os.killpg(self.node.pid, signal.SIGCONT)

    def kill(self) -> None:
        self.node.kill()
        self.log_lines += self.node.log.lines

    def is_ready(self) -> bool:
        try:
            return get(Address(HOST, self.ports["http"]), "/ready")[0] == 200
        except OSError:
            return False


class Cluster:
    """Runs between ``__enter__`` and ``__exit__``. All its logs are in *folder*."""

    def __init__(
        self, folder: Path, databases: Pair, objects: SeaweedFs, users: Iterable[str]
    ) -> None:
        self.folder = folder
        self.databases = databases
        self.objects = objects
        self.history = History(folder / "history.txt")
        self._users = list(users)
        self._stack = ExitStack()
        self._cables = Cables()
        self._settings = objects.settings()
        self.members: list[Member] = []
        self.doors: dict[str, Address] = {}
        self.ending = threading.Event()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self._cables)
            name = self.databases.primary.new_database().rpartition("/")[2]
            self._name = name
            self.members = [self._member(number) for number in range(NODES)]
            self.members[0].node.add_users(self._users)
            for member in self.members:
                stack.callback(self._end, member)
            with ThreadPoolExecutor(NODES) as threads:
                list(threads.map(lambda member: member.node.start(), self.members))
            ports = [member.ports for member in self.members]
            self.doors = stack.enter_context(balancer(self.folder, ports))
            self.wait_until_ready()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _end(self, member: Member) -> None:
        if member.node.is_running:
            member.wake()
            member.kill()

    def _member(self, number: int) -> Member:
        cables = tuple(self._cables.add(port) for port in self.databases.ports)
        ports = {door: free_port() for door in DOORS}
        node = Node(
            self.folder / f"node{number}",
            self.url([cable.port for cable in cables]),
            self._settings,
            settings={
                "server": {"workers": 1, "log_level": "debug"},
                "listen": {door: [f"{HOST}:{port}"] for door, port in ports.items()}
                | {"proxy_from": [HOST]},
                "store": {"lease_seconds": LEASE_SECONDS},
                "limits": {"unlimited": [HOST]},
            },
        )
        return Member(node, cables, ports)

    def url(self, ports: Iterable[int] | None = None) -> str:
        """Of the database, at both of its addresses."""
        hosts = ",".join(f"{HOST}:{port}" for port in ports or self.databases.ports)
        secret = PASSWORD.replace(" ", "%20")
        return f"postgresql://{ADMIN}:{secret}@{hosts}/{self._name}?target_session_attrs=read-write"

    def wait_until_ready(self) -> None:
        """Till all is as it should be."""
        for member in self.members:
            eventually(member.is_ready, f"{member.node.folder.name} is ready")

    def any_alive(self, processes: Sequence[int]) -> bool:
        """Whether the database takes one of them for alive."""
        ids = ",".join(map(str, processes))
        return bool(
            self.databases.primary.run(
                f"SELECT 1 FROM processes WHERE pid IN ({ids}) AND alive_until > now()", self._name
            )
        )

    # -- what can be done to it --------------------------------------------------------------

    def cut(self, member: Member) -> None:
        for cable in member.cables:
            self._cables.do(cable.cut)

    def mend(self, member: Member) -> None:
        for cable in member.cables:
            self._cables.do(cable.mend)

    def sever(self, member: Member) -> None:
        for cable in member.cables:
            self._cables.do(cable.sever)

    # -- afterwards --------------------------------------------------------------------------

    def log_lines(self) -> list[list[dict[str, object]]]:
        """What each node has logged, in all its lives."""
        return [
            member.log_lines + (member.node.log.lines if member.node.is_running else [])
            for member in self.members
        ]

    def orphans(self) -> tuple[list[str], list[str]]:
        """What is left in the object store, and in the list of it, when a collector that has no
        patience has run.
        """
        return asyncio.run(self._orphans())

    async def _orphans(self) -> tuple[list[str], list[str]]:
        database, objects = Database(self.url()), Objects(self._settings)
        try:
            await Collector(database, objects, grace=0).collect()
            left = [str(found) async for found in objects.all()]
            rows = await database.fetch("SELECT id FROM objects")
            return left, [str(row[0]) for row in rows]
        finally:
            await objects.close()
            await database.close()

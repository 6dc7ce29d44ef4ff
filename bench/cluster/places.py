"""Where the works are done: on so many nodes of a cluster, or on one server without one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.realservers.server import open_folder

from bench.accounting import Account
from bench.cluster.mail import Lot, fill, users
from bench.cluster.parts import Database, ObjectStore
from bench.peers.cheap_pillarbox import CHEAP
from bench.peers.contract import PASSWORD, Peer
from bench.peers.pillarbox import EMBEDDED, served
from pillarbox.auth.account import NewAccount
from pillarbox.auth.accounts import Accounts
from pillarbox.auth.cluster import open_cluster_accounts
from pillarbox.auth.passwords import Passwords, secret_octets
from pillarbox.store.cluster.engine import ClusterStore, open_cluster
from pillarbox.store.cluster.objects import ObjectSettings
from pillarbox.store.cluster.settings import ClusterSettings
from pillarbox.store.embedded import open_store

NODES, DATABASE, OBJECTS = "nodes", "database", "object store"
EMBEDDED_PLACE = "embedded"
_HURRIED = "?synchronous_commit=off"
"""For filling: nothing is measured there."""


@dataclass(frozen=True)
class Place:
    """Somewhere to work at."""

    name: str
    pop3: tuple[int, ...]
    """Ports on 127.0.0.1, of each node."""
    lmtp: tuple[int, ...]
    parties: Mapping[str, Sequence[Account]]
    """Who spends something there."""


@dataclass(frozen=True)
class Cluster:
    """A database with its tables and accounts, and a place for objects."""

    database: Database
    objects: ObjectStore
    name: str
    """Of the database."""
    place: ObjectSettings

    def settings(self, hurry: str = "") -> ClusterSettings:
        """For an engine of our own."""
        url = self.database.server.url(self.name) + hurry
        return ClusterSettings(database=url, objects=self.place)

    async def opened(self) -> ClusterStore:
        """An engine of our own."""
        return await open_cluster(self.settings())

    def fill(self, lots: Sequence[Lot]) -> None:
        """Accounts and mail of everybody."""
        self.add_accounts(users(lots))

        async def work() -> None:
            store = await open_cluster(self.settings(_HURRIED))
            await fill(store, lots)
            await store.close()

        asyncio.run(work())
        self.database.vacuum(self.name)

    def add_accounts(self, names: Iterable[str]) -> None:
        """They have no mail yet."""
        url = self.database.server.url(self.name)
        _add(open_cluster_accounts(url, passwords=Passwords(CHEAP), create=True), names)

    @contextmanager
    def nodes(self, count: int, *, port: int | None = None) -> Iterator[list[Peer]]:
        """So many. *port*: of something that stands before the database."""
        with ExitStack() as opened:
            yield [opened.enter_context(self._node(port)) for _ in range(count)]

    def place_of(self, nodes: Sequence[Peer]) -> Place:
        """These nodes, as somewhere to work at."""
        what = "1 node" if len(nodes) == 1 else f"{len(nodes)} nodes"
        parties = {DATABASE: [self.database.account], OBJECTS: [self.objects.account]}
        return _place(what, nodes, parties)

    @contextmanager
    def _node(self, port: int | None) -> Iterator[Peer]:
        lines = [
            "[store]",
            'engine = "cluster"',
            f'database = "{self.database.server.url(self.name, port=port)}"',
            f'objects = "{self.place.url}"',
            "[store.s3]",
            f'endpoint = "{self.place.endpoint}"',
            f'access_key = "{self.place.access_key}"',
            f'secret_key = "{self.place.secret_key}"',
        ]
        with open_folder() as folder, served(folder, {}, _nothing, store=lines, workers=1) as peer:
            yield peer


def new_cluster(database: Database, objects: ObjectStore) -> Cluster:
    """One that nobody has used, on these."""
    name = database.server.new_database().rpartition("/")[2]
    return Cluster(database, objects, name, objects.server.settings())


@contextmanager
def embedded(lots: Sequence[Lot]) -> Iterator[Place]:
    """A server without a cluster, with all the mail."""
    with open_folder() as folder:
        path = folder / "store"
        asyncio.run(_filled(path, lots))
        _add(Accounts(path / "accounts.db", passwords=Passwords(CHEAP)), users(lots))
        with served(folder, {}, _nothing, store=EMBEDDED, workers=1) as peer:
            yield _place(EMBEDDED_PLACE, [peer], {})


def _place(name: str, nodes: Sequence[Peer], parties: Mapping[str, Sequence[Account]]) -> Place:
    lmtp = tuple(node.lmtp for node in nodes if node.lmtp is not None)
    pop3 = tuple(node.pop3 for node in nodes)
    return Place(name, pop3, lmtp, {NODES: [node.account for node in nodes], **parties})


def _add(accounts: Accounts, names: Iterable[str]) -> None:
    verifier = accounts.passwords.verifier(secret_octets(PASSWORD))  # one hash does for all
    accounts.add_all(NewAccount(name, verifier) for name in names)
    accounts.close()


async def _filled(path: Path, lots: Sequence[Lot]) -> None:
    store = open_store(path)
    await fill(store, lots)
    await store.close()


def _nothing(_user: str) -> None:
    """No work here empties a maildrop for good."""

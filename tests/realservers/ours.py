"""Our own server, filled like the others: past delivery's door."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from pillarbox.model import Recipient
from pillarbox.store.embedded import open_store
from tests.postoffice import PostOffice
from tests.realservers.server import USER, Way, open_folder, way
from tests.world import as_stored

_TOGETHER = 200
"""Deliveries under way at once: they share a sync."""


class Ours:
    """A running post office."""

    name = "Pillarbox"

    def __init__(self, office: PostOffice) -> None:
        self.office = office

    def way(self, user: str = USER) -> Way:
        port = self.office.addresses["pop3s"].port
        return way(f"pop3s://{user}@localhost:{port}", self.office.authority)

    def put(self, contents: Iterable[bytes], users: Sequence[str] = (USER,)) -> None:
        """Messages come in, each for all of *users*."""
        asyncio.run(_deliver(self.office.store, contents, list(map(Recipient, users))))

    def left(self) -> int:
        return len(self.unique_ids())

    def unique_ids(self) -> list[str]:
        return self.office.unique_ids(USER)

    def retrieved(self, sessions: int) -> list[int]:
        """How many messages were retrieved in each of as many sessions, once they have ended."""
        assert self.office.log is not None
        self.office.log.wait_for("session ended", count=sessions)
        return [line["retrieved"] for line in self.office.log.find("session ended")]


@contextmanager
def ours(users: Sequence[str] = (USER,)) -> Iterator[Ours]:
    """Start it; it ends with the block."""
    with open_folder() as folder, PostOffice(folder, users=users) as office:
        yield Ours(office)


async def _deliver(
    folder: Path, contents: Iterable[bytes], recipients: Sequence[Recipient]
) -> None:
    store = open_store(folder)
    waiting = iter(contents)
    try:
        while some := list(islice(waiting, _TOGETHER)):
            deliveries = [store.deliver(as_stored(each), recipients) for each in some]
            refusals: list[Sequence[object]] = await asyncio.gather(*deliveries)
            assert not [refusal for each in refusals for refusal in each if refusal]
    finally:
        await store.close()

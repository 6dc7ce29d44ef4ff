"""A node: ``pillarbox serve`` on the database and the object store that the tests have started."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pillarbox.auth.accounts import Accounts
from pillarbox.auth.cluster import open_cluster_accounts
from pillarbox.auth.passwords import Passwords
from pillarbox.store.cluster.objects import ObjectSettings
from tests.postoffice import PostOffice, Settings

INLINE_OCTETS = 4096
"""Small, so that much is in the object store."""


class Node(PostOffice):
    """One of any number, each with a folder and ports of its own."""

    def __init__(
        self,
        folder: Path,
        database: str,
        objects: ObjectSettings | None = None,
        *,
        users: Iterable[str] = (),
        settings: Settings | None = None,
    ) -> None:
        """*database* and *objects* are what nodes share; *settings* as for any post office."""
        self.database = database
        self.objects = objects
        folder.mkdir(exist_ok=True)
        shared = _shared(database, objects)
        for section, values in (settings or {}).items():
            shared[section] = shared.get(section, {}) | dict(values)
        super().__init__(folder, users=users, settings=shared)

    def accounts(self, passwords: Passwords) -> Accounts:
        return open_cluster_accounts(self.database, passwords=passwords)


def _shared(database: str, objects: ObjectSettings | None) -> dict[str, dict[str, object]]:
    store: dict[str, object] = {"engine": "cluster", "database": database}
    if objects is None:
        return {"store": store}
    keys = ("endpoint", "region", "access_key", "secret_key")
    s3 = {key: getattr(objects, key) for key in keys if getattr(objects, key) is not None}
    store |= {"objects": objects.url, "inline_octets": INLINE_OCTETS}
    return {"store": store, "store.s3": s3}

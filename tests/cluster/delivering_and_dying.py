"""A process that delivers one message, and stands still at one point of it, to be killed there.

``python -m tests.cluster.delivering_and_dying POINT DATABASE OBJECTS ENDPOINT ACCESS_KEY SECRET_KEY USER…``:
says the name of the point on a line when it is there. What it delivers comes from its input.
"""

from __future__ import annotations

import asyncio
import sys
from uuid import UUID

from pillarbox.model import Recipient
from pillarbox.store.cluster.engine import open_cluster
from pillarbox.store.cluster.objects import Objects, ObjectSettings
from pillarbox.store.cluster.settings import ClusterSettings
from pillarbox.wire.canonical import stored_form


async def _stand_still(point: str) -> None:
    sys.stdout.write(f"{point}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


async def _deliver(point: str, settings: ClusterSettings, users: list[str]) -> None:
    put = Objects.put

    async def slow_put(self: Objects, identifier: UUID, data: bytes) -> None:
        if point == "announced":
            await _stand_still(point)
        await put(self, identifier, data)
        if point == "uploaded":
            await _stand_still(point)

    Objects.put = slow_put  # type: ignore[method-assign] # it is our process
    store = await open_cluster(settings)
    message = stored_form(sys.stdin.buffer.read())
    assert await store.deliver(message, [Recipient(user) for user in users]) == [None] * len(users)
    await _stand_still("listed")


def main() -> None:
    point, database, url, endpoint, access_key, secret_key, *users = sys.argv[1:]
    objects = ObjectSettings(url, endpoint=endpoint, access_key=access_key, secret_key=secret_key)
    asyncio.run(_deliver(point, ClusterSettings(database, objects=objects), users))


if __name__ == "__main__":
    main()

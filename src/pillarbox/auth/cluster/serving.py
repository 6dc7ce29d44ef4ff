"""The same for servers: what is asked while people sign in runs on the server's event loop."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from pillarbox.auth.cluster.place import DatabasePlace
from pillarbox.auth.cluster.wording import can_be_there, numbered, told_to_operators
from pillarbox.auth.place import Rows
from pillarbox.database import Database

SERVING_CONNECTIONS = 4
"""Of one process, at the most, for sign-ins and recipients. Each answers thousands of questions a second."""


class ServingPlace(DatabasePlace):
    """For one event loop, but for changes (a verifier made anew at a sign-in), which a thread waits for."""

    def __init__(
        self, url: str, *, create: bool = False, connections: int = SERVING_CONNECTIONS
    ) -> None:
        super().__init__(url, create=create)
        self._connections = connections
        self._asked: Database | None = None

    async def ask(self, statement: str, values: tuple[Any, ...]) -> Rows:
        """See :class:`pillarbox.auth.place.Place`."""
        can_be_there(values)
        if self._asked is None:
            self._asked = Database(self._url, connections=self._connections)
        with told_to_operators(self.name):
            return await self._asked.fetch(numbered(statement), *values)

    def close(self) -> None:
        """See :class:`pillarbox.auth.place.Place`."""
        asked, self._asked = self._asked, None
        if asked is not None:
            with suppress(StopIteration):
                asked.close().send(None)  # it ends connections, and does not wait for that
        super().close()

"""Large bodies on their way into the store: they are files before anything refers to them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import NamedTuple

from pillarbox.store.embedded.bodies import Staged, stage
from pillarbox.store.embedded.errors import unavailable


class LargeBodies(NamedTuple):
    """Where bodies are staged that do not go into the index."""

    folder: Path
    inline_bytes: int
    executor: Executor

    async def staged(self, bodies: Sequence[bytes], sharers: int = 1) -> dict[int, Staged]:
        """The large ones, durable, by their places; each for *sharers* shards.

        Raises:
            StoreUnavailable: they cannot be written.
        """
        loop = asyncio.get_running_loop()
        places = [n for n, data in enumerate(bodies) if len(data) > self.inline_bytes]
        large = [bodies[n] for n in places]
        writing = loop.run_in_executor(self.executor, self._stage, large, sharers)
        try:
            return dict(zip(places, await asyncio.shield(writing), strict=True))
        except asyncio.CancelledError:
            writing.add_done_callback(lambda done: _discard(done, sharers))
            raise

    def _stage(self, bodies: Sequence[bytes], sharers: int) -> list[Staged]:
        done: list[Staged] = []
        try:
            for data in bodies:
                done.append(stage(self.folder, data, sharers))  # noqa: PERF401 - what is done is undone
        except OSError as error:
            discard(done, sharers)
            raise unavailable(error, self.folder) from error
        return done


def discard(bodies: Iterable[Staged], sharers: int = 1) -> None:
    """Take back what was staged for *sharers* that do not want it any more."""
    for staged in bodies:
        for _ in range(sharers):
            staged.done()


def _discard(writing: asyncio.Future[list[Staged]], sharers: int) -> None:
    """The same for who has not waited for it."""
    if writing.exception() is None:
        discard(writing.result(), sharers)

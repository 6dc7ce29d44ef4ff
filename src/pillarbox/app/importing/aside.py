"""Reading a source as root while everything else is done as the store's user.

``pillarbox import`` run by root reads a Maildir that only its owner may read, and writes
to a store that belongs to another user. One process cannot be both, so the reading is
left to a child, forked before root is given up. The child knows nothing of the store; it
sends one message after the other through a pipe, and waits while the pipe is full.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection

from pillarbox.app.importing.choose import open_source
from pillarbox.sources.found import Found, Source, SourceUnusable


class ReadAside:
    """A :class:`~pillarbox.sources.found.Source`, read by a child that stays as we are now."""

    def __init__(self, text: str) -> None:
        # Kept open here, too: the lock of an mbox is the parent's, a fork does not pass it on.
        self._source = source = open_source(text)
        self.total = source.total
        self.notes = source.notes
        fork = multiprocessing.get_context("fork")
        self._pipe, childs = fork.Pipe(duplex=False)
        self._child = fork.Process(target=_send, args=(source, childs, self._pipe), daemon=True)
        self._child.start()
        childs.close()

    def __iter__(self) -> Iterator[Found]:
        """The messages.

        Raises:
            SourceUnusable: as the source's own; or the child died.
        """
        while (sent := self._receive()) is not None:
            yield sent

    def close(self) -> None:
        self._pipe.close()  # a child that is still sending ends by it
        self._child.join()
        self._source.close()

    def kill(self) -> None:
        """End the child at once."""
        self._child.kill()

    @property
    def exit_code(self) -> int | None:
        """How the child ended; None: it runs."""
        return self._child.exitcode

    def _receive(self) -> Found | None:
        try:
            sent: Found | SourceUnusable | None = self._pipe.recv()
        except (EOFError, OSError):
            raise SourceUnusable("the process that reads the source has died") from None
        if isinstance(sent, SourceUnusable):
            raise sent
        return sent


def _send(source: Source, pipe: Connection, parents: Connection) -> None:
    parents.close()
    with suppress(BrokenPipeError, KeyboardInterrupt):  # the parent has had enough
        try:
            for found in source:
                pipe.send(found)
            pipe.send(None)
        except SourceUnusable as error:
            pipe.send(error)

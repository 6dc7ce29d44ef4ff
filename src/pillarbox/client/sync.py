"""The blocking client: the same names as :mod:`pillarbox.client.aio`, without ``await``.

::

    with pillarbox.sync.connect("pop3s://alice@mail.example.org", password=…) as box:
        for number, unique_id in box.uidl():
            for piece in box.retrieve(number):
                ...

There is one implementation, the asynchronous one; each mailbox here has an event loop of its
own and drives it. A step that finds its bytes already there never gets as far as the loop
(:func:`_Loop.run`), so a small message costs no more than it does there.

Not to be called from inside a running event loop: there the asynchronous client belongs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from pillarbox.client import aio
from pillarbox.client.batch import Batch
from pillarbox.client.capabilities import Capabilities
from pillarbox.client.conversation import Trace
from pillarbox.client.endpoint import Endpoint
from pillarbox.client.errors import Refused
from pillarbox.client.limits import MAX_READ, TIMEOUT
from pillarbox.client.mailbox import Listings
from pillarbox.client.retrieval import Retrieval as AsyncRetrieval
from pillarbox.client.signing_in import Secret
from pillarbox.client.tls import TlsSettings
from pillarbox.resuming import rest_of
from pillarbox.wire.listings import Scan, Stat, UniqueId

__all__ = ["Mailbox", "Retrieval", "connect"]

_T = TypeVar("_T")


class _Loop:
    """An event loop that runs while somebody waits."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()

    def run(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        """What *coroutine* returns. It meets the loop only when it has to wait.

        For a task, a turn of the loop and the handling of Ctrl-C cost ten times what it costs
        to hand out bytes that are there.
        """
        try:
            awaited = coroutine.send(None)
        except StopIteration as stop:
            result: _T = stop.value
            return result
        return self._runner.run(rest_of(coroutine, awaited))

    def run_whole(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        """The same, for what needs a running loop from the start."""
        return self._runner.run(coroutine)

    def close(self) -> None:
        self._runner.close()


class Retrieval:
    """A message that comes piece by piece: an iterator of bytes."""

    __slots__ = ("_loop", "_retrieval", "number")

    def __init__(self, loop: _Loop, retrieval: AsyncRetrieval) -> None:
        self.number = retrieval.number
        """Its message-number."""
        self._loop = loop
        self._retrieval = retrieval

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        try:
            return self._loop.run(self._retrieval.__anext__())
        except StopAsyncIteration:
            raise StopIteration from None

    def read(self, max_octets: int = MAX_READ) -> bytes:
        """All that has not been read yet."""
        return self._loop.run(self._retrieval.read(max_octets))


class Mailbox:
    """An open mailbox. See :class:`pillarbox.client.mailbox.Mailbox` for what each name does."""

    def __init__(self, loop: _Loop, mailbox: aio.Mailbox) -> None:
        self._loop = loop
        self._mailbox = mailbox
        self.endpoint: Endpoint = mailbox.endpoint
        self.greeting: str = mailbox.greeting
        self.capabilities: Capabilities = mailbox.capabilities
        self.mechanism: str = mailbox.mechanism
        self.quirks = mailbox.quirks

    @property
    def pipelining(self) -> bool:
        """Whether commands are sent without waiting."""
        return self._mailbox.pipelining

    @pipelining.setter
    def pipelining(self, value: bool) -> None:
        self._mailbox.pipelining = value

    def stat(self) -> Stat:
        """How many messages there are, and their octets."""
        return self._loop.run(self._mailbox.stat())

    def list(self, number: int | None = None) -> Sequence[Scan]:
        """The sizes of all messages, or of one."""
        return self._loop.run(self._mailbox.list(number))

    def uidl(self, number: int | None = None) -> Sequence[UniqueId]:
        """The unique-ids of all messages, or of one."""
        return self._loop.run(self._mailbox.uidl(number))

    def listings(self) -> Listings:
        """Sizes and unique-ids of all messages, in one round trip if possible."""
        return self._loop.run(self._mailbox.listings())

    def retrieve(self, number: int) -> Retrieval:
        """One message, piece by piece."""
        return Retrieval(self._loop, self._mailbox.retrieve(number))

    def retrieve_many(
        self,
        numbers: Iterable[int],
        *,
        sizes: Mapping[int, int] | None = None,
        window: int | None = None,
        last: UniqueId | None = None,
    ) -> Retrievals:
        """Many messages, pipelined if the server can do that."""
        batch = self._mailbox.retrieve_many(numbers, sizes=sizes, window=window, last=last)
        return Retrievals(self._loop, batch)

    def top(self, number: int, lines: int = 0, max_octets: int = MAX_READ) -> bytes:
        """The header of a message, and so many lines of its body."""
        return self._loop.run(self._mailbox.top(number, lines, max_octets))

    def delete(self, number: int) -> None:
        """Mark a message as deleted; it goes with QUIT."""
        self._loop.run(self._mailbox.delete(number))

    def delete_many(self, numbers: Iterable[int]) -> Sequence[Refused | None]:
        """Mark messages as deleted; what was refused stands in its place in the result."""
        return self._loop.run(self._mailbox.delete_many(numbers))

    def reset(self) -> None:
        """Take all deletion marks back."""
        self._loop.run(self._mailbox.reset())

    def noop(self) -> None:
        """Keep the session alive."""
        self._loop.run(self._mailbox.noop())

    def in_step(self, last: UniqueId | None = None) -> None:
        """Make sure that every reply so far belongs to its command."""
        self._loop.run(self._mailbox.in_step(last))

    def quit(self) -> None:
        """End the session: messages marked as deleted go now."""
        self._end(self._mailbox.quit())

    def close(self) -> None:
        """Hang up without QUIT: nothing is deleted."""
        self._end(self._mailbox.close())

    def _end(self, goodbye: Coroutine[Any, Any, None]) -> None:
        try:
            self._loop.run(goodbye)
        finally:
            self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self.quit()
        else:
            self.close()


class Retrievals:
    """Iterates over a batch."""

    __slots__ = ("_batch", "_loop")

    def __init__(self, loop: _Loop, batch: Batch) -> None:
        self._loop = loop
        self._batch = batch

    def __iter__(self) -> Self:
        return self

    def in_step(self) -> None:
        """Make sure that the messages which have been read are whole."""
        self._loop.run(self._batch.in_step())

    def __next__(self) -> Retrieval:
        try:
            return Retrieval(self._loop, self._loop.run(self._batch.__anext__()))
        except StopAsyncIteration:
            raise StopIteration from None


def connect(  # noqa: PLR0913 -- the same settings as the asynchronous one has
    url: str | Endpoint,
    *,
    password: Secret | None = None,
    token: Secret | None = None,
    mechanism: str | None = None,
    at_least: str | None = None,
    tls: TlsSettings = TlsSettings(),  # noqa: B008 -- immutable
    timeout: float = TIMEOUT,
    proxy: str | None = None,
    insecure_cleartext: bool = False,
    pipelining: bool | None = None,
    trace: Trace | None = None,
) -> Mailbox:
    """Open a mailbox; the arguments are those of :func:`pillarbox.client.aio.connect`.

    Raises:
        ClientError: it was not to be.
        RuntimeError: an event loop is running here.
    """
    if _is_inside_a_loop():
        raise RuntimeError("an event loop is running: await pillarbox.connect(...) instead")
    connecting = aio.connect(
        url,
        password=password,
        token=token,
        mechanism=mechanism,
        at_least=at_least,
        tls=tls,
        timeout=timeout,
        proxy=proxy,
        insecure_cleartext=insecure_cleartext,
        pipelining=pipelining,
        trace=trace,
    )
    loop = _Loop()
    try:
        return Mailbox(loop, loop.run_whole(_awaited(connecting)))
    except BaseException:
        loop.close()
        raise


async def _awaited(connecting: aio.Connecting) -> aio.Mailbox:
    return await connecting


def _is_inside_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True

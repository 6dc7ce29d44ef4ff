"""Messages on their way in: staged while they come, made durable in batches meanwhile.

A message goes through three hands:

*arriving*
    Its pieces are staged as they come (:meth:`Intake.take`). A session that breaks takes
    this message with it, and nothing else.
*unconfirmed*
    It has come whole, as far as one can see. Nothing in POP3 says how long a message is: it
    counts only once it is proved that no reply has slipped (:meth:`Intake.confirm`,
    :mod:`pillarbox.client.proof`).
*confirmed*
    It waits for its batch. :meth:`Intake.commit` takes the batch through the steps that
    :mod:`pillarbox.fetch` tells, in a thread; the next batch is filled meanwhile.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from pillarbox.client.retrieval import Retrieval
from pillarbox.fetch.bookkeeping import is_bookkeeping, is_enough
from pillarbox.fetch.destinations import Destination, Staging
from pillarbox.fetch.errors import DeliveryRefused, NoMail, OverLimit
from pillarbox.fetch.journal import Journal, Staged
from pillarbox.fetch.plan import Action, Decision
from pillarbox.fetch.stages import Known
from pillarbox.fetch.twins import Twins

T = TypeVar("T")


class Arrived(NamedTuple):
    """A message that has come whole."""

    decision: Decision
    digest: bytes
    """SHA-256 of what came."""
    octets: int
    staging: Staging | None
    """None: it is the same that is stored already."""
    token: str = ""
    twin: str | None = None
    """The other unique-id under which it is stored already."""


class Committed(NamedTuple):
    """What became of a batch."""

    stored: Sequence[Arrived]
    verified: Sequence[Arrived]
    """Here already; those with a twin, too."""
    refused: Sequence[tuple[Arrived, DeliveryRefused]]


class Intake:
    """The way in for the messages of one run. Used from one task."""

    def __init__(
        self,
        journal: Journal,
        destination: Destination,
        target: str,
        clock: Callable[[], float],
        most_octets: int | None = None,
    ) -> None:
        """*target* is the destination's name in the journal, *most_octets* the user's limit."""
        self._most_octets = most_octets
        self._journal = journal
        self._destination = destination
        self._target = target
        self._clock = clock
        self._unconfirmed: list[Arrived] = []
        self._confirmed: list[Arrived] = []

    async def take(
        self, decision: Decision, known: Known | None, twins: Twins, retrieval: Retrieval
    ) -> int:
        """Retrieve one message; returns its octets.

        *known* and *twins* are what the journal knows of it, and of others.

        Raises:
            Refused: the server does not hand it out.
            LeftThere: it is no mail, or larger than the limit.
            ClientError: the session has ended.
            DestinationUnusable: it cannot be staged.
        """
        opening = await _opening(retrieval)
        staging = self._destination.stage()  # not before the server has said that it will come
        digest = hashlib.sha256(opening)
        octets = len(opening)
        try:
            staging.write(opening)
            self._check_size(octets)
            async for piece in retrieval:
                staging.write(piece)
                digest.update(piece)
                octets += len(piece)
                self._check_size(octets)
            before = _before(decision, known, twins, digest.digest())
            self._unconfirmed.append(_arrived(decision, before, digest.digest(), octets, staging))
        except BaseException:
            staging.abandon()
            raise
        return octets

    def _check_size(self, octets: int) -> None:
        if self._most_octets is not None and octets > self._most_octets:
            raise OverLimit("it is larger than the limit on size, and is left on the server")

    def confirm(self) -> None:
        """It is proved that the messages so far are whole."""
        self._confirmed += self._unconfirmed
        self._unconfirmed.clear()

    def disown(self) -> None:
        """The session broke: what was not confirmed does not count."""
        _abandon(self._unconfirmed)
        self._unconfirmed.clear()

    @property
    def waiting(self) -> bool:
        """Whether a batch is there to be committed."""
        return bool(self._confirmed)

    def commit(self) -> asyncio.Future[Committed]:
        """Begin to make what is confirmed durable; nothing else may use journal or
        destination, but for ``stage``, before the future is done.

        The future raises DestinationUnusable or JournalUnusable: the next run will find out
        what of this batch was stored.
        """
        batch, self._confirmed = self._confirmed, []
        return asyncio.get_running_loop().run_in_executor(None, self._commit, batch)

    def abandon(self) -> None:
        """Forget all that waits."""
        self.disown()
        _abandon(self._confirmed)
        self._confirmed.clear()

    # In a thread.

    def _commit(self, batch: Sequence[Arrived]) -> Committed:
        fresh = [(message, message.staging) for message in batch if message.staging is not None]
        verified = [message for message in batch if message.staging is None]
        outcomes: Sequence[DeliveryRefused | None] = []
        if fresh:
            self._destination.sync([staging for _, staging in fresh])
            self._journal.publishing([_staged(message) for message, _ in fresh], self._target)
            outcomes = self._destination.publish([message.token for message, _ in fresh])
        stored = []
        refused = []
        for (message, _), outcome in zip(fresh, outcomes, strict=True):
            if outcome is None:
                stored.append(message)
            else:
                refused.append((message, outcome))
        self._journal.stored([_id(message) for message in stored], self._clock())
        self._journal.not_stored([_id(message) for message, _ in refused])
        self._journal.confirmed([m.decision.message for m in verified if m.twin is None])
        self._journal.adopted(
            [(m.decision.message, m.twin) for m in verified if m.twin is not None]
        )
        return Committed(stored, verified, refused)


async def finished(work: asyncio.Future[T]) -> T:
    """The result of *work*, which is let finish even if the caller is cancelled meanwhile: a
    thread cannot be stopped, and must not be left behind with the journal.
    """
    cancelled: asyncio.CancelledError | None = None
    while not work.done():
        try:
            await asyncio.wait({work})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is None:
        return work.result()
    work.exception()  # has been seen, even if there is nobody to tell
    raise cancelled


async def _opening(retrieval: Retrieval) -> bytes:
    """As much of a message as tells whether it is mail.

    Raises:
        NoMail: it is not.
        ClientError: see :meth:`Intake.take`.
    """
    opening = b""
    async for piece in retrieval:
        opening = opening + piece if opening else piece
        if is_enough(opening):
            break
    if is_bookkeeping(opening):
        raise NoMail("a message that holds a mail server's own bookkeeping is left there")
    return opening


def _before(decision: Decision, known: Known | None, twins: Twins, digest: bytes) -> str | None:
    """The unique-id under which a message is stored already; None: it is new."""
    unique_id = decision.message.unique_id
    if decision.action is Action.VERIFY:
        return unique_id if known is not None and known.digest == digest else None
    return twins.claim(unique_id, digest)


def _arrived(
    decision: Decision, before: str | None, digest: bytes, octets: int, staging: Staging
) -> Arrived:
    if before is None:
        return Arrived(decision, digest, octets, staging, staging.finish())
    staging.abandon()
    twin = None if before == decision.message.unique_id else before
    return Arrived(decision, digest, octets, None, twin=twin)


def _abandon(messages: Sequence[Arrived]) -> None:
    for message in messages:
        if message.staging is not None:
            message.staging.abandon()


def _staged(message: Arrived) -> Staged:
    listed = message.decision.message
    return Staged(listed.unique_id, listed.octets, message.digest, message.token)


def _id(message: Arrived) -> str:
    return message.decision.message.unique_id

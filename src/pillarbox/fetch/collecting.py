"""One session: list, plan, retrieve and store, delete, QUIT.

Nothing here is tried twice: when a session breaks, ``run`` decides about the next one. What
this one has learnt is in the journal, and in :class:`Progress`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import ParamSpec

from pillarbox.client.errors import Refused
from pillarbox.client.mailbox import Mailbox
from pillarbox.client.retrieval import Retrieval
from pillarbox.fetch import open_files
from pillarbox.fetch.errors import FetchError, LeftThere, NotConfirmed
from pillarbox.fetch.events import Connected, Deleted, Planned, Problem, Retrieved, Stored, Tell
from pillarbox.fetch.identity import is_made
from pillarbox.fetch.intake import Arrived, Committed, Intake, finished
from pillarbox.fetch.journal import Journal
from pillarbox.fetch.limits import BATCH_MESSAGES, BATCH_OCTETS, KEEP_ALIVE
from pillarbox.fetch.listing import read_listing
from pillarbox.fetch.plan import Action, Decision, Plan, make_plan
from pillarbox.fetch.progress import Progress
from pillarbox.fetch.rules import Rules
from pillarbox.fetch.stages import Known
from pillarbox.fetch.twins import NO_TWINS, Twins
from pillarbox.wire.listings import UniqueId

P = ParamSpec("P")


class Policy:
    """By which rules, and what the user has agreed to."""

    __slots__ = ("before", "confirmed", "rules")

    def __init__(self, rules: Rules, before: Rules | None, *, confirmed: bool) -> None:
        self.rules = rules
        self.before = before
        """The rules of the last run."""
        self.confirmed = confirmed
        """Mail that *before* would have kept may be deleted."""


class Collector:
    """What the sessions of one run share."""

    def __init__(
        self,
        journal: Journal,
        intake: Intake,
        policy: Policy,
        progress: Progress,
        tell: Tell,
        clock: Callable[[], float],
    ) -> None:
        self._journal = journal
        self._intake = intake
        self._policy = policy
        self._progress = progress
        self._tell = tell
        self._clock = clock
        self._committing: asyncio.Future[Committed] | None = None
        self._due: list[Decision] = []
        """Stored or verified in this session, and to be deleted in it."""
        self._read_in_vain = False
        """A message was retrieved in this session and is not stored."""

    async def session(self, box: Mailbox) -> None:
        """Collect what *box* has, and QUIT.

        Whatever ends it: what was confirmed by then is stored, and nothing is at work any more.

        Raises:
            NotConfirmed: all is done but for a deletion that the user has to agree to.
            ClientError, FetchError: it broke off.
        """
        self._tell(Connected(box.endpoint.place, box.mechanism))
        self._due.clear()
        self._read_in_vain = False
        try:
            plan = await self._collect(box)
        except FetchError:
            await self._end(store=False)
            raise
        except BaseException:
            await self._end(store=True)
            raise
        self._progress.end_session()
        if plan.switched and not self._policy.confirmed:
            raise NotConfirmed(plan.switched)

    async def _collect(self, box: Mailbox) -> Plan:
        listing = await read_listing(box, has_unique_ids=self._journal.has_unique_ids)
        names = {message.unique_id for message in listing.messages}
        known = self._journal.known(names)
        rules, before = self._policy.rules, self._policy.before
        plan = make_plan(listing.messages, known, rules, self._clock(), before=before)
        self._tell(Planned(plan))
        self._progress.listed()
        if listing.unknown:
            self._fail(
                f"the server lists {listing.unknown} messages in a way that makes no sense: they are "
                "left there",
                listing.unknown,
            )
        await self._note(self._journal.note_listing, listing.messages, known, self._clock())
        held = set() if self._policy.confirmed else {d.message.number for d in plan.switched}
        wanted = self._progress.still_wanted([*plan.retrieve, *plan.verify])
        await self._retrieve(box, wanted, known, names)
        due = [d for d in (*plan.delete, *self._due) if d.message.number not in held]
        await self._delete_and_quit(box, due)
        return plan

    # Retrieving

    async def _retrieve(
        self,
        box: Mailbox,
        wanted: Sequence[Decision],
        known: Mapping[str, Known],
        listed: Collection[str],
    ) -> None:
        twins = self._twins(wanted, listed)
        for batch in _batches(wanted, open_files.at_most(BATCH_MESSAGES)):
            stride = self._progress.stride
            for start in range(0, len(batch), stride):
                await self._retrieve_some(box, batch[start : start + stride], known, twins)
            await self._commit(box)
        await self._committed(box)

    def _twins(self, wanted: Sequence[Decision], listed: Collection[str]) -> Twins:
        new = [d.message.unique_id for d in wanted if d.action is Action.RETRIEVE]
        if not new:
            return NO_TWINS
        digests = self._journal.digests(only_made=not any(map(is_made, new)))
        return Twins(digests, listed)

    async def _retrieve_some(
        self, box: Mailbox, some: Sequence[Decision], known: Mapping[str, Known], twins: Twins
    ) -> None:
        """Retrieve messages, and have it proved that they are whole."""
        decisions = {decision.message.number: decision for decision in some}
        sizes = {number: decision.message.octets or 0 for number, decision in decisions.items()}
        batch = box.retrieve_many(decisions, sizes=sizes, last=_listed_as(some[-1]))
        async for retrieval in batch:
            decision = decisions[retrieval.number]
            self._progress.at(decision)
            await self._take(decision, known.get(decision.message.unique_id), twins, retrieval)
        await batch.in_step()
        self._progress.at(None)
        self._intake.confirm()

    async def _take(
        self, decision: Decision, known: Known | None, twins: Twins, retrieval: Retrieval
    ) -> None:
        try:
            octets = await self._intake.take(decision, known, twins, retrieval)
        except Refused as error:
            self._fail(f"message {retrieval.number}: {error}")
        except LeftThere as error:
            self._read_in_vain = True
            self._tell(Problem(f"message {retrieval.number}: {error}"))
        else:
            self._tell(Retrieved(octets))

    # Storing

    async def _commit(self, box: Mailbox) -> None:
        """Begin to store what is confirmed, once the batch before is stored."""
        if self._intake.waiting:
            await self._committed(box)
            self._committing = self._intake.commit()

    async def _committed(self, box: Mailbox | None) -> None:
        """Wait until the batch that is being stored is; the server hears of us meanwhile."""
        work = self._committing
        if work is None:
            return
        while box is not None and not work.done():
            await asyncio.wait({work}, timeout=KEEP_ALIVE)
            if not work.done():
                with suppress(Refused):  # it has heard of us, that is all it is for
                    await box.noop()
        try:
            committed = await finished(work)
        finally:
            self._committing = None
        self._count(committed)

    def _count(self, committed: Committed) -> None:
        stored, verified, refused = committed
        octets = sum(message.octets for message in stored)
        self._progress.add(retrieved=len(stored), octets=octets, verified=len(verified))
        if stored:
            self._tell(Stored(len(stored)))
        self._read_in_vain = self._read_in_vain or bool(refused)
        for message, error in refused:
            self._fail(f"message {message.decision.message.number}: {error}")
        self._due += [
            message.decision
            for message in (*stored, *verified)
            if _goes(message, self._policy.rules)
        ]

    async def _end(self, *, store: bool) -> None:
        """The session has broken: bring to an end what is at work, and let go of the rest."""
        self._intake.disown()
        try:
            await self._committed(None)
            if store and self._intake.waiting:
                self._committing = self._intake.commit()
                await self._committed(None)
        except FetchError as error:  # what broke the session is what the user has to know first
            self._tell(Problem(str(error)))
        finally:
            self._intake.abandon()

    # Deleting

    async def _delete_and_quit(self, box: Mailbox, due: Sequence[Decision]) -> None:
        if self._read_in_vain:
            await box.reset()  # some servers mark as deleted what was only read
        ids = {decision.message.number: decision.message.unique_id for decision in due}
        if ids:
            await self._note(self._journal.deleting, list(ids.values()))
            for number, refusal in zip(ids, await box.delete_many(ids), strict=True):
                if refusal is not None:
                    self._fail(f"message {number}: {refusal}")
                    ids = {n: name for n, name in ids.items() if n != number}
        try:
            await box.quit()
        except Refused as error:
            self._fail(f"{error}; what should have been deleted is deleted at the next run")
            return
        if ids:
            await self._note(self._journal.gone, list(ids.values()))
            self._progress.gone(ids.values())
            self._tell(Deleted(len(ids)))

    # How

    def _fail(self, text: str, messages: int = 1) -> None:
        self._progress.add(failed=messages)
        self._tell(Problem(text))

    async def _note(self, write: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
        """Write to the journal, off the loop: it waits for the disk."""
        loop = asyncio.get_running_loop()
        await finished(loop.run_in_executor(None, lambda: write(*args, **kwargs)))


def _listed_as(decision: Decision) -> UniqueId:
    """What the server lists of a message; empty, where it is no unique-id."""
    number, unique_id, _ = decision.message
    return UniqueId(number, "" if is_made(unique_id) else unique_id)


def _goes(message: Arrived, rules: Rules) -> bool:
    """Whether a message that is durable here now is to be deleted in this session."""
    decision = message.decision
    if message.twin is not None:  # the next run knows since when it has been here
        return False
    if decision.action is Action.VERIFY and message.staging is not None:  # it was new mail
        return rules.at_once and not is_made(decision.message.unique_id)
    return decision.then_delete


def _batches(decisions: Sequence[Decision], most: int) -> Iterator[Sequence[Decision]]:
    batch: list[Decision] = []
    octets = 0
    for decision in decisions:
        size = decision.message.octets or 0
        if batch and (len(batch) >= most or octets + size > BATCH_OCTETS):
            yield batch
            batch, octets = [], 0
        batch.append(decision)
        octets += size
    if batch:
        yield batch

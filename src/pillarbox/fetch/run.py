"""One run: all that is waiting for one account, in as many sessions as it takes.

What the last run left half done is settled first (:mod:`pillarbox.fetch.settle`). Then one session, and another as long as there is a
reason: the server hands out its mail in portions, or the last one broke and there is more
that can be had (:mod:`pillarbox.fetch.progress`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from pillarbox.client.aio import connect
from pillarbox.client.errors import ClientError, OutOfStep, SignInRefused, Unreachable
from pillarbox.client.mailbox import Mailbox
from pillarbox.client.quirks import Quirk
from pillarbox.contracts.errors import PillarboxError
from pillarbox.fetch import open_files
from pillarbox.fetch.account import Account
from pillarbox.fetch.collecting import Collector, Policy
from pillarbox.fetch.destinations import Destination, Owner
from pillarbox.fetch.events import Tell, Totals, tell_nobody
from pillarbox.fetch.intake import Intake, finished
from pillarbox.fetch.journal import Journal, Memory
from pillarbox.fetch.journal_file import existing, journal_path
from pillarbox.fetch.limits import MAX_SESSIONS, SUCCESS_NOTED
from pillarbox.fetch.listing import read_listing
from pillarbox.fetch.plan import Plan, make_plan
from pillarbox.fetch.progress import Progress
from pillarbox.fetch.rules import Rules
from pillarbox.fetch.settle import settle
from pillarbox.fetch.stages import Listed


class Outcome(NamedTuple):
    """What a run has done, and what ended it before its time."""

    totals: Totals
    error: PillarboxError | None = None
    """None: it came to its end; single messages may have failed (``totals.failed``)."""


async def run(
    account: Account,
    state: Path,
    *,
    tell: Tell = tell_nobody,
    clock: Callable[[], float] = time.time,
) -> Outcome:
    """Collect the mail of *account*.

    *state* is the folder of the journals. Raises no domain error: it is in the outcome, and
    what was stored before it is stored.
    """
    open_files.lift()
    progress = Progress()
    try:
        with Journal(journal_of(account, state)) as journal:
            await _Run(account, journal, progress, tell, clock).go(state)
    except PillarboxError as error:
        return Outcome(progress.totals, error)
    return Outcome(progress.totals)


async def preview(account: Account, state: Path, *, clock: Callable[[], float] = time.time) -> Plan:
    """What :func:`run` would do now (``--dry-run``). Changes nothing, here or on the server.

    Raises:
        PillarboxError: as the outcome of a run.
    """
    with Journal(existing(journal_of(account, state))) as journal:
        listed = await look(account, journal)
        known = journal.known([message.unique_id for message in listed])
        mode = journal.memory.mode
        before = Rules.of_mode(mode) if mode else None
        return make_plan(listed, known, account.rules, clock(), before=before)


async def look(account: Account, journal: Journal) -> Sequence[Listed]:
    """What the server lists now, and nothing else.

    Raises:
        PillarboxError: it cannot be had.
    """
    box = await _open(account, journal.memory, careful=False)
    try:
        listing = await read_listing(box, has_unique_ids=journal.has_unique_ids)
    except BaseException:
        await box.close()
        raise
    await box.quit()
    return listing.messages


class _Run:
    """The state of a run that goes on."""

    def __init__(
        self,
        account: Account,
        journal: Journal,
        progress: Progress,
        tell: Tell,
        clock: Callable[[], float],
    ) -> None:
        self._account = account
        self._journal = journal
        self._progress = progress
        self._tell = tell
        self._clock = clock
        self._memory = journal.memory
        self._mechanism = self._memory.mechanism

    async def go(self, state: Path) -> None:
        """The whole of it.

        Raises:
            PillarboxError: it broke off.
        """
        loop = asyncio.get_running_loop()
        destination = await finished(loop.run_in_executor(None, self._destination, state))
        try:
            await self._sessions(destination)
        except PillarboxError:
            self._journal.remember(self._learnt())
            raise
        finally:
            await finished(loop.run_in_executor(None, destination.close))
        self._remember()

    def _destination(self, state: Path) -> Destination:
        """The destination, ready, with nothing left unsettled (in a thread)."""
        owner = _owner(self._account, self._journal, state)
        return settle(self._journal, self._account.target, owner, self._clock())

    def _note_first_mode(self) -> None:
        """The first run is by these rules, even if it never comes to its end. Later ones change
        them only when they have: until then the user is asked about what they delete.
        """
        if self._memory.mode is None:
            self._journal.remember(self._memory._replace(mode=self._account.rules.mode))

    async def _sessions(self, destination: Destination) -> None:
        account = self._account
        intake = Intake(
            self._journal, destination, str(account.target), self._clock, account.rules.max_octets
        )
        mode = self._memory.mode
        policy = Policy(
            self._account.rules,
            Rules.of_mode(mode) if mode else None,
            confirmed=self._account.confirmed,
        )
        progress = self._progress
        collector = Collector(self._journal, intake, policy, progress, self._tell, self._clock)
        broken: ClientError | None = None
        for _ in range(MAX_SESSIONS):
            progress.begin_session()
            try:
                box = await self._session(collector)
            except (OutOfStep, Unreachable) as error:
                if not progress.goes_on(error, self._tell):
                    raise
                broken = error
            else:
                broken = None
                if Quirk.PORTIONS not in box.quirks or not progress.got_further:
                    return
        if broken is not None:
            raise broken

    async def _session(self, collector: Collector) -> Mailbox:
        box = await _open(self._account, self._memory, careful=self._progress.careful)
        self._mechanism = box.mechanism
        self._note_first_mode()
        try:
            await collector.session(box)
        finally:
            await box.close()
        return box

    def _remember(self) -> None:
        """Note what the next run has to know. Rarely more than once an hour when all is as it
        was: each note waits for the disk, and a laptop's would not sleep.
        """
        now = self._clock()
        memory = self._learnt()._replace(mode=self._account.rules.mode)
        last = self._memory.succeeded_at or 0.0
        if memory != self._memory or not 0 <= now - last < SUCCESS_NOTED:
            self._journal.remember(memory._replace(succeeded_at=now))

    def _learnt(self) -> Memory:
        """What is known of the server now, however the run ends."""
        return self._journal.memory._replace(
            mechanism=self._mechanism,
            pipelining_bad=self._memory.pipelining_bad or self._progress.pipelining_was_bad,
        )


async def _open(account: Account, memory: Memory, *, careful: bool) -> Mailbox:
    try:
        return await _connect(account, memory, careful=careful)
    except SignInRefused:
        if account.discard_token is None:
            raise
    account.discard_token()  # it may have been taken back before its time
    return await _connect(account, memory, careful=careful)


async def _connect(account: Account, memory: Memory, *, careful: bool) -> Mailbox:
    return await connect(
        account.endpoint,
        password=account.password,
        token=account.token,
        mechanism=account.mechanism,
        at_least=None if account.mechanism else memory.mechanism,
        tls=account.tls,
        timeout=account.timeout,
        proxy=account.proxy,
        pipelining=False if careful or memory.pipelining_bad else None,
    )


def journal_of(account: Account, state: Path) -> Path:
    """Where the journal of *account* lies in the folder *state*."""
    endpoint = account.endpoint
    return journal_path(state, endpoint.host, endpoint.port, endpoint.user)


def _owner(account: Account, journal: Journal, state: Path) -> Owner:
    spool = journal_of(account, state).with_suffix(".spool")
    return Owner(journal.owner, spool, account.recipient or account.endpoint.user)

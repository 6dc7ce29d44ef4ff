"""Who sends what, when: one connection for each account at a time, accounts side by side.

Nothing here polls. It sleeps until the next moment that is written down, or until somebody wakes it: a
message came, the user said something, the network is back.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from pillarbox.contracts.errors import PillarboxError
from pillarbox.reader.contracts import Clock
from pillarbox.reader.errors import ReaderError
from pillarbox.reader.outbox.agenda import FILING, Agenda
from pillarbox.reader.outbox.becoming import became, failed
from pillarbox.reader.outbox.handover import hand_over
from pillarbox.reader.outbox.noting import Noting, said
from pillarbox.reader.outbox.record import Record
from pillarbox.reader.outbox.shelf import MessageUnreadable, Shelf
from pillarbox.reader.outbox.standings import Random, Standing, standing_after
from pillarbox.reader.outbox.talk import Talk
from pillarbox.reader.outbox.troubles import PutOff, Stopped, TakenBack, Trouble
from pillarbox.reader.sentences import as_sentence, reworded
from pillarbox.reader.submission import Submission

GRACE = 5.0
"""Seconds for hand-overs under way when the reader ends: most are through by then, and a person waits."""

_log = logging.getLogger(__name__)


class Sender:
    """The outbox's errand boy. On one event loop; :meth:`wake` and :meth:`forgive` from any thread."""

    def __init__(
        self,
        shelf: Shelf,
        submit_for: Callable[[str], Submission],
        noting: Noting,
        clock: Clock,
        told: Callable[[], None],
        rand: Random = random.uniform,
    ) -> None:
        self._shelf = shelf
        self._submit_for = submit_for
        self._noting = noting
        self._clock = clock
        self._told = told
        self._rand = rand
        self._standings: dict[str, Standing] = {}
        self._agenda = Agenda(shelf, noting, self._standings)
        self._jobs: dict[str, asyncio.Task[None]] = {}
        self._sending: dict[str, str] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._awake = asyncio.Event()
        self._ending = False

    def now(self) -> float:
        """POSIX time."""
        return self._clock().timestamp()

    def standing(self, account: str) -> Standing | None:
        """Why nothing of *account* leaves, if so."""
        return self._standings.get(account)

    def is_sending(self, record: Record) -> bool:
        """Whether it is being handed over at this moment."""
        return self._sending.get(record.account) == record.id

    def settle(self) -> None:
        """What was in hand when nobody sends is of those of which nobody knows; so is what waits in a copy. Blocking."""
        for record in self._shelf.all():
            if record.in_hand:
                self._shelf.change(record.id, Record.unanswered)
            file = self._shelf.file_of(record.id)
            if record.file and file and file != record.file:
                self._shelf.change(record.id, partial(Record.found_copied, file=file))

    def wake(self) -> None:
        """Look again at what there is to do."""
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # it has ended meanwhile
                loop.call_soon_threadsafe(self._awake.set)

    def forgive(self, account: str | None) -> None:
        """Try *account* now, whatever was wrong; None: all whose trouble was the network. Never blocks."""
        for name, standing in list(self._standings.items()):
            if name == account or (account is None and standing.network):
                self._standings.pop(name, None)
        for record in self._shelf.all():
            if record.account == account or (account is None and record.network):
                self._agenda.pardon(record)
        self.wake()

    async def run(self) -> None:
        """Send, until cancelled."""
        self._loop = asyncio.get_running_loop()
        self._awake = asyncio.Event()
        self._ending = False
        await asyncio.to_thread(self.settle)
        try:
            while True:
                self._awake.clear()
                for name in self._agenda.due(self.now(), self._jobs):
                    self._begin(name)
                await self._until(self._agenda.next_moment(self.now(), self._jobs))
        finally:
            await self._wind_up()

    async def _until(self, moment: float | None) -> None:
        seconds = None if moment is None else max(moment - self.now(), 0.0)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._awake.wait()

    def _begin(self, name: str) -> None:
        work = self._note() if name == FILING else self._serve(name)
        job = asyncio.get_running_loop().create_task(work, name=f"outbox {name}")
        self._jobs[name] = job

        def ended(_: asyncio.Task[None]) -> None:
            self._jobs.pop(name, None)
            self._awake.set()

        job.add_done_callback(ended)

    async def _wind_up(self) -> None:
        """Hand-overs under way may end; all else does."""
        self._ending = True
        jobs = dict(self._jobs)
        for name, job in jobs.items():
            if name != FILING and name not in self._sending:
                job.cancel()
        if jobs:
            await asyncio.wait(jobs.values(), timeout=GRACE)
        for job in jobs.values():
            job.cancel()
        await asyncio.gather(*jobs.values(), return_exceptions=True)
        self._loop = None

    # One account.

    async def _serve(self, account: str) -> None:
        try:
            await self._send_all(account)
        except Trouble as trouble:
            self._fail(account, trouble)
        except PillarboxError as error:  # the account's settings
            self._fail(account, Stopped(as_sentence(reworded(str(error)))))
        except Exception as error:  # noqa: BLE001 -- a defect: other accounts go on
            _log.exception("sending failed")
            self._fail(
                account, PutOff(f"Sending failed for a reason that is Pillarbox's own: {error!r}.")
            )

    def _fail(self, name: str, trouble: Trouble) -> None:
        before = self._standings.get(name)
        self._standings[name] = standing_after(before, trouble, self.now(), self._rand)
        self._told()

    async def _send_all(self, account: str) -> None:
        """All of an account that is ready, through as few connections as the server allows."""
        submission = await asyncio.to_thread(self._submit_for, account)
        while self._ready(account):
            talk = await Talk.open(submission)
            self._standings.pop(account, None)
            try:
                while talk.open_still and (record := self._ready(account)) is not None:
                    await self._send(talk, record)
            finally:
                await _closed(talk)

    def _ready(self, account: str) -> Record | None:
        return None if self._ending else self._agenda.ready(account, self.now())

    async def _send(self, talk: Talk, record: Record) -> None:
        """One message, once; and write down what has become of it."""
        self._sending[record.account] = record.id
        self._told()
        try:
            message = await asyncio.to_thread(self._shelf.message, record.id)
            if message is not None:
                await self._hand_over(talk, record, message)
        except MessageUnreadable as error:  # others may leave meanwhile
            why = PutOff(str(error))
            await self._write(record.id, lambda now: failed(now, why, self.now(), self._rand))
        except TakenBack:
            pass  # it is gone, and so is the connection
        finally:
            self._sending.pop(record.account, None)
            self._told()

    async def _hand_over(self, talk: Talk, record: Record, message: bytes) -> None:
        async def commit(recipients: Sequence[str]) -> bool:
            def step(current: Record) -> Record | None:
                return current.handing(recipients) if current.waiting == record.waiting else None

            return await asyncio.to_thread(self._shelf.change, record.id, step) is not None

        try:
            outcome = await hand_over(talk, record, message, commit)
        except (Stopped, TakenBack):
            raise
        except Trouble as trouble:
            why = trouble  # the name goes with the clause
            await self._write(record.id, lambda now: failed(now, why, self.now(), self._rand))
        except BaseException:
            # The end of the message may have been said: then nobody knows.
            talk.drop()
            self._shelf.change(record.id, Record.unanswered)
            raise
        else:
            await self._write(record.id, lambda now: became(now, outcome, self.now(), self._rand))

    async def _write(self, record_id: str, step: Callable[[Record], Record]) -> None:
        """Note what has become of a message. If the disk refuses, it is remembered, and nothing is sent again."""
        try:
            # Shielded: when the reader ends, this is still written.
            await asyncio.shield(asyncio.to_thread(self._shelf.change, record_id, step))
        except ReaderError as error:
            self._noting.remember(record_id, step)
            self._fail(FILING, PutOff(str(error)))

    # What has left.

    async def _note(self) -> None:
        try:
            await self._noting.run()
        except PillarboxError as error:
            self._fail(FILING, PutOff(str(error)))
        except Exception as error:  # noqa: BLE001 -- a defect: sending goes on
            _log.exception("noting what has left failed")
            self._fail(FILING, PutOff(said(error)))
        else:
            self._standings.pop(FILING, None)


async def _closed(talk: Talk) -> None:
    """Say goodbye; not when the reader ends."""
    try:
        await talk.close()
    except asyncio.CancelledError:
        talk.drop()
        raise

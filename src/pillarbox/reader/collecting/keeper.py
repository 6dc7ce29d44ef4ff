"""One account, run after run, with the pauses that ``pillarbox fetch --watch`` makes.

Between two runs it waits for its time, or for somebody to ask. What has changed while it ran (a new password, a
yes) counts at once: a run that failed with what was there before is followed by another one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from pillarbox.contracts.errors import PillarboxError
from pillarbox.fetch.account import Account
from pillarbox.fetch.backoff import Backoff
from pillarbox.fetch.errors import Defect
from pillarbox.fetch.events import Connected, Event, Problem, Stored, Totals
from pillarbox.fetch.intake import finished
from pillarbox.fetch.journal import Journal
from pillarbox.fetch.journal_file import existing
from pillarbox.fetch.limits import SHORTEST
from pillarbox.fetch.run import Outcome, journal_of
from pillarbox.fetch.several import TellOf
from pillarbox.reader.collecting.live import Live
from pillarbox.reader.collecting.looks import Looks
from pillarbox.reader.collecting.words import in_words, state_of
from pillarbox.reader.contracts import Accounts, Clock, Library
from pillarbox.reader.errors import NoPassword
from pillarbox.reader.model import Collecting, Settings, Status, inbox_of
from pillarbox.reader.sentences import as_sentence, reworded

SLICE = 15.0
"""Seconds that are slept at once. The clock that sleeping goes by stands still while a laptop is shut; the one on the
wall is looked at in between, so that mail comes soon after it was opened."""

Run = Callable[[Account, Path, TellOf], Awaitable[Outcome]]
"""As :func:`pillarbox.fetch.several.run_one`."""


class Means(NamedTuple):
    """What all keepers share."""

    accounts: Accounts
    library: Library
    settings: Settings
    clock: Clock
    places: asyncio.Semaphore
    """How many may run at once."""
    run: Run
    sleep: Callable[[float], Awaitable[object]]
    tell: Callable[[Status], None]
    reached: Callable[[str], None]
    """A server of this account could be reached that could not before."""


class Keeper:
    """Of one account. On the event loop."""

    def __init__(self, name: str, means: Means) -> None:
        self._name = name
        self._means = means
        self._live = Live(Status(name, Collecting.NEVER), means.tell)
        self._asked = asyncio.Event()
        self._changed = False
        self._confirmed = False
        self._begun = False
        self._trouble = ""
        self._backoff = Backoff(means.settings.interval_seconds)
        self._interval = means.settings.interval_seconds

    @property
    def status(self) -> Status:
        return self._live.status

    def collect(self) -> None:
        """Now, unless it runs."""
        self._asked.set()

    def changed(self) -> None:
        """Its settings may be others: what failed may work now."""
        self._changed = True
        if self.status.state is not Collecting.DONE:
            self._asked.set()

    def confirm(self) -> None:
        """The user says yes to what is asked, once."""
        self._confirmed = True
        self._changed = True
        self._asked.set()

    async def keep_on(self) -> None:
        """Until cancelled. What was stored until then is stored."""
        try:
            while True:
                async with self._means.places:
                    self._changed = False
                    outcome = await self._once()
                self._asked.clear()
                pause = self._pause(outcome)
                self._say(outcome, pause)
                if not (self._changed and outcome.error is not None):
                    await self._until(pause)
        finally:
            self._live.quiet()

    async def _once(self) -> Outcome:
        live, means = self._live, self._means
        was_offline = live.status.state is Collecting.OFFLINE
        confirmed, self._confirmed = self._confirmed, False
        self._trouble = ""
        running = replace(live.status, state=Collecting.RUNNING, next_try=None, problem="")
        live.set(replace(running, arrived=0, expected=0))
        looks = Looks(lambda: means.library.look([inbox_of(self._name)]))

        def heard(_: Account, event: Event) -> None:
            live.heard(event)
            match event:
                case Stored():
                    looks.ask()
                case Problem(text):
                    self._trouble = as_sentence(reworded(text))
                case Connected() if was_offline:
                    means.reached(self._name)

        try:
            account = await self._account()
            if not self._begun:
                await self._remember(account)
            outcome = await means.run(
                account._replace(confirmed=confirmed), means.accounts.state, heard
            )
            error = await looks.finish()
        except PillarboxError as problem:
            return Outcome(Totals(), problem)
        except Exception as defect:  # noqa: BLE001 -- the other accounts must not suffer from it
            return Outcome(Totals(), Defect(defect))
        finally:
            await looks.stop()
        return outcome if error is None else outcome._replace(error=outcome.error or error)

    async def _account(self) -> Account:
        """What to collect, and into where: read anew each time, as the user may have changed it.

        Raises:
            PillarboxError: it cannot be collected.
        """
        loop, means = asyncio.get_running_loop(), self._means

        def made() -> Account:
            return means.accounts.to_collect(self._name, means.library.folder_of(self._name))

        account = await finished(loop.run_in_executor(None, made))
        if (account.password, account.token, account.tls.client_certificate) == (None, None, None):
            raise NoPassword("There is no password for this account here: enter it.")
        return account

    async def _remember(self, account: Account) -> None:
        """When it last went through, before this reader was started: the journal knows."""
        path, loop = journal_of(account, self._means.accounts.state), asyncio.get_running_loop()

        def look() -> float | None:
            try:
                with Journal(existing(path)) as journal:
                    return journal.memory.succeeded_at
            except PillarboxError:  # the run will tell
                return None

        at = await finished(loop.run_in_executor(None, look))
        self._begun = True
        if at is not None:
            self._live.set(replace(self.status, last_done=datetime.fromtimestamp(at, UTC)))

    def _pause(self, outcome: Outcome) -> float | None:
        interval = max(self._means.settings.interval_seconds, SHORTEST)
        if interval != self._interval:
            self._interval, self._backoff = interval, Backoff(interval)
        return self._backoff.pause(outcome)

    def _say(self, outcome: Outcome, pause: float | None) -> None:
        """What the run came to."""
        now, status, error = self._means.clock(), self.status, outcome.error
        arrived = outcome.totals.retrieved
        next_try = None if pause is None else now + timedelta(seconds=pause)
        ended = replace(status, next_try=next_try, arrived=arrived, expected=0)
        if error is None:
            trouble = self._trouble if outcome.totals.failed else ""
            self._live.set(replace(ended, state=Collecting.DONE, last_done=now, problem=trouble))
            return
        state = state_of(error, worked_before=status.last_done is not None)
        self._live.set(replace(ended, state=state, problem=in_words(error)))

    async def _until(self, pause: float | None) -> None:
        """Wait for that many seconds, by either clock; None: until somebody asks."""
        if pause is None:
            await self._asked.wait()
            return
        end, left = self._means.clock() + timedelta(seconds=pause), pause
        asked = asyncio.ensure_future(self._asked.wait())
        try:
            while not asked.done() and left > 0 and self._means.clock() < end:
                piece = min(left, SLICE)
                left -= piece
                timer = asyncio.ensure_future(self._means.sleep(piece))
                try:
                    await asyncio.wait({asked, timer}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    timer.cancel()
        finally:
            asked.cancel()

"""One call of ``pillarbox fetch`` that collects: who listens, what is asked, how it ends."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pillarbox.app.collecting import confirming, running
from pillarbox.app.collecting.lines import Lines, in_words
from pillarbox.app.collecting.listening import Listener, Listeners, Tally, Tracebacks
from pillarbox.app.collecting.outcomes import exit_code
from pillarbox.app.collecting.running import Interrupted
from pillarbox.app.collecting.voice import Voice
from pillarbox.app.exits import ExitCode, most_serious
from pillarbox.app.texts import counted
from pillarbox.fetch.account import Account
from pillarbox.fetch.errors import NotConfirmed
from pillarbox.fetch.run import Outcome

if TYPE_CHECKING:
    from pillarbox.app.collecting.events import JsonEvents


class Manner(NamedTuple):
    """How to go about it."""

    interval: float | None = None
    """Seconds between two runs of an account (``--watch``); None: each runs once."""
    progress: str = "auto"
    """``--progress``."""
    as_json: bool = False
    debug: bool = False


class Session:
    """See the module."""

    def __init__(
        self, accounts: Sequence[Account], state: Path, voice: Voice, manner: Manner
    ) -> None:
        self._accounts = accounts
        self._state = state
        self._voice = voice
        self._interval = manner.interval
        self._asks = (
            manner.interval is None and not manner.as_json and confirming.there_is_somebody()
        )
        self._json = _json_events(voice) if manner.as_json else None
        self._tally = Tally()
        self._listener = self._listeners(manner)

    def run(self) -> ExitCode:
        """Collect; returns the exit code."""
        try:
            outcomes = self._outcomes()
        except Interrupted:
            code = ExitCode.PARTIAL if self._interval is None else ExitCode.DONE
            self._say_interrupted(code)
        else:
            code = most_serious(map(exit_code, outcomes))
        finally:
            self._listener.close()
        self._sum_up(code)
        return code

    def _outcomes(self) -> list[Outcome]:
        if self._interval is not None:
            return running.watch(self._accounts, self._state, self._interval, self._listener)
        outcomes = running.collect(self._accounts, self._state, self._listener)
        return self._confirmed(outcomes) if self._asks else outcomes

    def _confirmed(self, outcomes: list[Outcome]) -> list[Outcome]:
        """Ask about what was held back, and delete it where the answer is yes."""
        agreed: dict[int, Account] = {}
        for place, (account, outcome) in enumerate(zip(self._accounts, outcomes, strict=True)):
            error = outcome.error
            if isinstance(error, NotConfirmed) and confirming.ask(account, error, self._voice):
                agreed[place] = account._replace(confirmed=True)
        if agreed:
            again = running.collect(list(agreed.values()), self._state, self._listener)
            for place, outcome in zip(agreed, again, strict=True):
                totals = outcomes[place].totals + outcome.totals
                outcomes[place] = outcome._replace(totals=totals)
        return outcomes

    def _say_interrupted(self, code: ExitCode) -> None:
        if code is not ExitCode.DONE and self._json is None:
            stored = counted(self._tally.totals.retrieved, "message")
            self._voice.complain(
                f"interrupted; {stored} stored until then: the same command goes on from there"
            )

    def _sum_up(self, code: ExitCode) -> None:
        totals = self._tally.totals
        if self._json is not None:
            self._json.done(totals, code)
        elif len(self._accounts) > 1 and any(totals):
            self._voice.say(f"all: {in_words(totals)}")

    def _listeners(self, manner: Manner) -> Listener:
        listeners: list[Listener] = [self._tally]
        watched = sys.stderr.isatty()
        bars = manner.progress == "always" or (manner.progress == "auto" and watched)
        if bars:
            from pillarbox.app.collecting.bars import Bars  # noqa: PLC0415 -- rarely on a timer

            listeners.append(Bars(self._voice, always=manner.progress == "always"))
        if self._json is not None:
            listeners.append(self._json)
        else:
            batches = manner.progress != "never" and not bars
            listeners.append(Lines(self._voice, batches=batches, watched=watched, asks=self._asks))
        if manner.debug:
            listeners.append(Tracebacks())
        return Listeners(listeners)


def _json_events(voice: Voice) -> JsonEvents:
    from pillarbox.app.collecting.events import JsonEvents  # noqa: PLC0415 -- only for scripts

    return JsonEvents(voice)

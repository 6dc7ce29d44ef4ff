"""What happens, in lines for people and logs.

A line when a batch is stored and more is to come, a line when an account is done, never one
a message. A log hears nothing of a run that found nothing; a person who looks on does.
"""

from __future__ import annotations

from collections import Counter

from pillarbox.app.collecting.listening import Listener
from pillarbox.app.collecting.voice import Voice
from pillarbox.app.texts import counted
from pillarbox.fetch.account import Account
from pillarbox.fetch.errors import NotConfirmed
from pillarbox.fetch.events import Event, Planned, Problem, Stored, Totals
from pillarbox.fetch.run import Outcome


class Lines(Listener):
    """Listens; see the module."""

    def __init__(self, voice: Voice, *, batches: bool, watched: bool, asks: bool) -> None:
        """Args:
        voice: speaks.
        batches: a line for each batch, too.
        watched: somebody looks on, and wants to hear that there was nothing.
        asks: a person will be asked about deletions.
        """
        self._voice = voice
        self._batches = batches
        self._watched = watched
        self._asks = asks
        self._wanted: Counter[str] = Counter()
        self._stored: Counter[str] = Counter()

    def tell(self, account: Account, event: Event) -> None:
        if isinstance(event, Problem):
            self._voice.complain(f"{account.name}: {event.text}")
        elif isinstance(event, Planned):
            self._wanted[account.name] = len(event.plan.retrieve)
            self._stored[account.name] = 0
        elif isinstance(event, Stored):
            self._count(account.name, event.messages)

    def _count(self, name: str, messages: int) -> None:
        self._stored[name] += messages
        wanted, stored = self._wanted[name], self._stored[name]
        # The very last message is a batch of its own, since no reply behind it confirms it.
        if self._batches and stored < wanted - 1:
            self._voice.say(f"{name}: {stored} of {counted(wanted, 'message')} stored")

    def ended(self, account: Account, outcome: Outcome) -> None:
        error = outcome.error
        if any(outcome.totals) or (self._watched and error is None):
            self._voice.say(f"{account.name}: {in_words(outcome.totals)}")
        if error is not None and not (self._asks and isinstance(error, NotConfirmed)):
            self._voice.complain(f"{account.name}: {error}")

    def pausing(self, account: Account, seconds: float | None) -> None:
        if seconds is None:
            self._voice.complain(f"{account.name}: not tried again before that is mended")


def in_words(totals: Totals) -> str:
    """What a run has done, in a line."""
    parts = []
    if totals.retrieved:
        octets = counted(totals.octets, "octet")
        parts.append(f"{counted(totals.retrieved, 'message')} collected ({octets})")
    if totals.verified:
        parts.append(f"{totals.verified} found to be here already")
    if totals.deleted:
        parts.append(f"{totals.deleted} deleted on the server")
    if totals.failed:
        parts.append(f"{totals.failed} failed, to be tried again")
    return ", ".join(parts) or "nothing new"
